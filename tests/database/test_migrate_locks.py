"""What `migrate()` does where somebody holds a lock, and what it tells of a file that fails."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate, neon
from sendoka.cli._group import run
from sendoka.database import Retry
from sendoka.direct import Direct as OverTcp
from sendoka.errors import MigrationFailed
from sendoka.migrations import call as call_module
from sendoka.migrations import history as history_module
from sendoka.migrations.files import parse, render
from sendoka.migrations.folder import read_folder
from tests.documents import blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.local.postgres import Postgres
    from sendoka.migrations.event import Event
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

TABLE = ["create table t (id int)", "insert into t values (1)"]
ALTER = "alter table t add column a int"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(call_module, "_FIRST_LOCK", 0.1)


def add(folder: Path, statements: list[str], name: str = "own", **timeouts: str) -> None:
    last = read_folder(folder)[-1]
    name = f"{last.number + 1:04d}_{name}"
    text = render(name, last, statements, [])
    header = "".join(f"-- {key.replace('_', '-')}: {value}\n" for key, value in timeouts.items())
    text = text.replace("\n\n", f"\n{header}\n", 1)
    parse(name, text)
    (folder / f"{name}.sql").write_text(text, encoding="utf-8")


def hold(direct: Direct, statement: str = "select * from t") -> None:
    direct.autocommit = False
    direct.execute("set application_name = 'report\x1b[2J of ada'")
    direct.execute(statement)


def rows(direct: Direct) -> list[tuple[Any, ...]]:
    return direct.execute("select name, state from sendoka.migrations order by seq").fetchall()


async def waited(events: list[Event], count: int = 1) -> None:
    for _ in range(500):
        if len([event for event in events if event.kind == "waiting"]) >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(events)


HOLDERS: list[tuple[str, list[str], str]] = [
    ("select * from t", [ALTER], "t (AccessShareLock)"),
    ("update t set id = 2", ["insert into t values (9)", 'update "t" set id = 3'], "t (RowExclusiveLock)"),
    ("lock table only t in share mode", ["create table u ()", "insert into public.t values (4)"], "t (ShareLock)"),
]


@pytest.mark.parametrize(("holds", "statements", "locks"), HOLDERS)
async def test_a_lock_is_tried_again_and_each_wait_says_who_holds_it(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, holds: str, statements: list[str], locks: str
) -> None:
    chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, statements)
    hold(direct, holds)
    events: list[Event] = []
    runner = asyncio.ensure_future(migrate(sql, tmp_path, on_event=events.append))
    await waited(events, 2)
    direct.rollback()
    report = await runner
    assert [applied.by_us for applied in report.applied] == [True]
    first = next(event for event in events if event.kind == "waiting")
    (blocker,) = first.blockers
    assert (blocker.pid, blocker.locks) == (direct.info.backend_pid, locks)
    assert str(first).startswith("waiting: somebody holds a lock that 0001_own needs (55P03); pid ")
    assert f" holds {locks}" in str(first)
    # psycopg's role is another one, so the role sees its name, and neither its transaction nor its query.
    assert blocker.application_name is not None
    assert "report" in blocker.application_name
    assert "\x1b" not in str(first)
    assert (blocker.transaction_age, blocker.query) == (None, None)


async def test_what_the_role_may_see_is_shown_without_values(
    chain: Chain, tmp_path: Path, direct: Direct, postgres: Postgres, database: str
) -> None:
    async with OverTcp(postgres.databases.admin.to(database).url) as admin:
        chain(TABLE)
        await migrate(admin, tmp_path)
        add(tmp_path, [ALTER])
        hold(direct, "select 'hunter2', * from t  where id <> 17 and 'aaaaaaaaaaaaaaaaaaaa' <> 'b' and id is not null")
        with pytest.raises(MigrationFailed, match="within its budget") as caught:
            await migrate(admin, tmp_path, lock_budget=0.1)
    assert f"pid {direct.info.backend_pid} (report" in caught.value.where
    assert "its transaction is 0 s old, idle in transaction, query, 0 s ago: select ?, * from t where id" in (
        caught.value.where
    )
    assert "hunter2" not in str(caught.value)


async def test_the_budget_for_locks_ends_it_and_nothing_remains(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, ["create table u ()", ALTER])
    hold(direct)
    events: list[Event] = []
    with pytest.raises(MigrationFailed, match=r"0001_own\.sql did not get the locks .* its budget of 0\.8 s") as caught:
        await migrate(sql, tmp_path, lock_budget=0.8, on_event=events.append)
    error = caught.value
    assert (error.sqlstate, error.outcome, error.exit_code) == ("55P03", "failed", 3)
    assert f"pid {direct.info.backend_pid}" in error.where
    assert error.where.endswith("nothing of it remains in the database")
    assert "--lock-budget" in error.todo
    assert len([event for event in events if event.kind == "waiting"]) == 2  # 0.1 and 0.2 s; 0.4 would be too much
    direct.rollback()
    assert direct.execute("select to_regclass('u')").fetchall() == [(None,)]


async def test_waiting_for_another_runner_does_not_use_up_that_budget(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    files = chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, ["insert into t values (2)"])
    (_, own) = read_folder(tmp_path)
    direct.autocommit = False
    direct.execute(
        "insert into sendoka.migrations (seq, name, checksum, parent, digest, state, token, applied_by, version)"
        " values (1, 'x', %s, %s, 'd', 'running', 't', 'me', '0')",
        (own.checksum, files[0].checksum),
    )
    events: list[Event] = []
    runner = asyncio.ensure_future(migrate(sql, tmp_path, lock_budget=0, on_event=events.append))
    await waited(events, 3)
    direct.rollback()
    assert (await runner).applied[0].by_us
    assert {event.why for event in events if event.kind == "waiting"} == {"another runner is applying 0001_own"}


async def test_a_deadlock_is_tried_again(
    chain: Chain, tmp_path: Path, direct: Direct, postgres: Postgres, database: str
) -> None:
    chain(TABLE)
    # As Postgres would say it, once: a real one takes its deadlock_timeout, and may choose the other side.
    direct.execute("create sequence met")
    direct.execute("grant usage on met to public")
    raising = "raise exception 'deadlock detected' using errcode = '40P01'"
    add(tmp_path, [f"do $$ begin if nextval('met') = 1 then {raising}; end if; end $$", "insert into t values (2)"])
    events: list[Event] = []
    async with OverTcp(postgres.login.to(database).url, retry=Retry(attempts=1)) as tcp:
        assert (await migrate(tcp, tmp_path, on_event=events.append)).applied[1].by_us
    assert [event.why for event in events if event.kind == "waiting"] == ["deadlock detected (40P01)"]


async def test_a_file_has_timeouts_of_its_own(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(TABLE)
    show = "insert into s select current_setting('lock_timeout'), current_setting('statement_timeout')"
    add(tmp_path, ["create table s (a text, b text)", show])
    add(tmp_path, [show], lock_timeout="7s", statement_timeout="2h")
    await migrate(sql, tmp_path)
    assert direct.execute("select * from s").fetchall() == [("50ms", "10min"), ("7s", "2h")]


@pytest.mark.parametrize(
    ("statements", "where"),
    [
        (["select 1", "select pg_sleep(5)"], "in one of its 2 statements"),
        (["select pg_sleep(5)"], "statement 1 of 1: select pg_sleep(5)"),
    ],
)
async def test_a_statement_that_takes_too_long_is_told_once_with_the_way_to_more_time(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, statements: list[str], where: str
) -> None:
    chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, statements, statement_timeout="100ms")
    endpoint.requests = 0
    with pytest.raises(MigrationFailed, match=r"canceling statement due to statement timeout \(57014\)") as caught:
        await migrate(sql, tmp_path)
    assert "statement_timeout, 100ms: give the file's header a longer one" in caught.value.todo
    assert "`-- statement-timeout: 1h`" in caught.value.todo
    assert caught.value.where == where
    assert sum("pg_sleep" in text for one in endpoint.exchanges for text in one.statements) == 1


PLACES: list[tuple[list[str], list[str]]] = [
    (["select 1", "select brøken"], ["statement 2 of 2: select brøken", "line 6: select brøken", "               ^"]),
    (
        ["/* é\n */ select 1,\n\t\t'日本' || broken"],
        ["statement 1 of 1: /* é", "line 6: '日本' || broken", "                  ^"],
    ),
    (["select\t1,\tbroken"], ["statement 1 of 1: select\t1,\tbroken", "line 4: select 1, broken", " " * 18 + "^"]),
    (["select 1 from"], ["statement 1 of 1: select 1 from", "line 4: select 1 from", " " * 21 + "^"]),
]


@pytest.mark.parametrize(("statements", "lines"), PLACES)
async def test_the_place_is_shown_under_the_line_of_the_file(
    sql: Neon, chain: Chain, tmp_path: Path, statements: list[str], lines: list[str]
) -> None:
    chain(statements)
    with pytest.raises(MigrationFailed) as caught:
        await migrate(sql, tmp_path)
    assert caught.value.where.splitlines()[:3] == lines
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.position, again.file) == (str(caught.value), caught.value.position, caught.value.file)


async def test_the_guide_shows_what_is_said(sql: Neon, tmp_path: Path, chain: Chain) -> None:
    chain(["create table products (id int, title text)"])
    add(tmp_path, ["select 1"], "a")
    add(tmp_path, ["select 1"], "b")
    add(tmp_path, ["alter table products add column sku text", "UPDATE products\nSET skuu = upper(title)"], "add_sku")
    with pytest.raises(MigrationFailed) as caught:
        await migrate(sql, tmp_path)
    (shown,) = [block.code for block in blocks_of("docs/guide.md", language="text") if "0003_add_sku" in block.code]
    assert shown.strip() == f"error: {caught.value}"


async def test_a_hint_and_a_detail_of_postgres_are_shown(sql: Neon, chain: Chain, tmp_path: Path) -> None:
    chain(["create table t (name text unique)", "insert into t values ('a'), ('a')"])
    with pytest.raises(MigrationFailed) as caught:
        await migrate(sql, tmp_path)
    assert "detail: Key (name)=(a) already exists." in caught.value.where
    assert caught.value.todo == "nothing of it remains in the database; correct the file and migrate again"


@pytest.mark.parametrize("option", [[], ["--lock-budget", "0.2"]])
def test_the_command_says_it_as_one_object(
    database_url: str,
    chain: Chain,
    tmp_path: Path,
    direct: Direct,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: list[str],
) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    chain(TABLE, ["select 1", "alter table t add column b nope"])
    for file in tmp_path.glob("*.sql"):
        file.rename(folder / file.name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    if option:
        second = folder / "0001_brave_otter.sql"
        second.write_text(second.read_text().replace("add column b nope", "add column b int"))
        asyncio.run(_only_first(database_url, folder))
        hold(direct)
    assert run(["migrate", "--json", *option]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["type"], error["file"], error["outcome"]) == ("MigrationFailed", "0001_brave_otter.sql", "failed")
    if option:
        assert (error["sqlstate"], "statement" in error) == ("55P03", False)
        assert f"pid {direct.info.backend_pid}" in error["where"]
    else:
        assert (error["sqlstate"], error["statement"], error["position"]) == ("42704", 2, 28)
        assert error["todo"].startswith("nothing of it remains")


async def _only_first(url: str, folder: Path) -> None:
    second = (folder / "0001_brave_otter.sql").rename(folder / "later")
    async with neon(url, transport="native") as sql:
        await migrate(sql, folder)
    second.rename(folder / "0001_brave_otter.sql")


# ------------------------------------------------------------------ tables of ours in another namespace


async def test_rivals_in_a_namespace_of_their_own_apply_each_file_once(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(TABLE, ["insert into t values (2)", "select pg_sleep(0.1)"], ["insert into t values (3)"])
    events: list[Event] = []

    async def one() -> None:
        async with neon(database_url, transport="native", namespace="shop") as sql:
            await migrate(sql, tmp_path, lock_budget=0, on_event=events.append)

    await asyncio.gather(*(one() for _ in range(6)))
    assert direct.execute("select id from t order by id").fetchall() == [(1,), (2,), (3,)]
    assert "waiting: another runner is applying 0001_brave_otter" in {str(event) for event in events}


async def test_a_file_without_a_transaction_has_its_row_there_too(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    (first,) = chain(TABLE)
    done = "select exists (select from pg_index where indexrelid = to_regclass('public.i') and indisvalid)"
    text = render("0001_i", first, ["create index concurrently i on t (id)"], [], done)
    (tmp_path / "0001_i.sql").write_text(text, encoding="utf-8")
    async with neon(database_url, transport="native", namespace="shop") as sql:
        assert [applied.by_us for applied in (await migrate(sql, tmp_path)).applied] == [True, True]
    assert direct.execute("select name, state from shop.migrations order by seq").fetchall() == [
        ("0000_calm_heron", "applied"),
        ("0001_i", "applied"),
    ]
