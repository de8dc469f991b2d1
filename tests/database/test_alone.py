"""Files without a transaction against a real Postgres: done once, whoever dies, waits, or is not answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate, neon
from sendoka.database import Retry, Statement
from sendoka.direct import Direct as OverTcp
from sendoka.errors import InvalidMigration, MigrationFailed
from sendoka.migrations import alone
from sendoka.migrations.files import parse, render
from sendoka.migrations.folder import read_folder
from sendoka.migrations.overview import status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    import psycopg

    from sendoka.database import Database
    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.local.postgres import Postgres
    from sendoka.migrations.event import Event
    from sendoka.migrations.files import Migration
    from sendoka.migrations.runner import MigrationReport
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]
    Session = Callable[[], Direct]

TABLE = ["create table t (id int)", "insert into t values (1), (2)"]
BUILD = "CREATE INDEX CONCURRENTLY i ON t (id)"
UNIQUE = "create unique index concurrently i on public.t (id)"
DONE = "select exists (select from pg_index where indexrelid = to_regclass('public.i') and indisvalid)"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "APART", 0.2)
    monkeypatch.setattr(alone, "_LOOK", 0.2)


@pytest.fixture(params=["http", "tcp"])
async def client(request: pytest.FixtureRequest, database_url: str, tcp_url: str) -> AsyncIterator[Database]:
    """The test's database over HTTP, and over TCP."""
    if request.param == "http":
        async with neon(database_url, transport="native") as http:
            yield http
    else:
        async with OverTcp(tcp_url, retry=Retry(attempts=1)) as tcp:
            yield tcp


@pytest.fixture
def tcp_url(postgres: Postgres, database: str) -> str:
    return postgres.login.to(database).url.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
def session(postgres: Postgres, database: str) -> Iterator[Session]:
    """Open sessions of the administrator, in a transaction from their first statement on."""
    opened: list[Direct] = []

    def one() -> Direct:
        opened.append(postgres.databases.admin.to(database).connect())
        opened[-1].autocommit = False
        return opened[-1]

    yield one
    for each in opened:
        each.close()


def add(folder: Path, statement: str, done_when: str = DONE) -> Migration:
    """Write a file without a transaction behind the folder's last one."""
    last = read_folder(folder)[-1]
    name = f"{last.number + 1:04d}_alone"
    text = render(name, last, [statement], [], done_when)
    (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return parse(name, text)


@pytest.fixture
def folder(chain: Chain, tmp_path: Path) -> Path:
    """Two files: a table with rows, and an index on it that is built in no transaction."""
    chain(TABLE)
    add(tmp_path, BUILD)
    return tmp_path


@pytest.fixture
async def pending(sql: Neon, chain: Chain, tmp_path: Path) -> Path:
    """The same two files, the first of which is applied."""
    chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, BUILD)
    return tmp_path


def indexes(direct: Direct) -> list[tuple[str, bool]]:
    query = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 't'::regclass order by 1"
    return direct.execute(query).fetchall()


def history(direct: Direct) -> list[tuple[Any, ...]]:
    return direct.execute("select name, state from sendoka.migrations order by seq").fetchall()


def builders(direct: Direct) -> list[int]:
    query = "select pid, query from pg_stat_activity where state = 'active' and datname = current_database()"
    return [pid for pid, text in direct.execute(query).fetchall() if text.startswith("/* sendoka ")]


async def until(found: Callable[[], Any]) -> Any:
    """Return what `found` returns as soon as that is something."""
    ends = time.monotonic() + 10
    while not (value := found()):
        assert time.monotonic() < ends, "it did not come to that"
        await asyncio.sleep(0.02)
    return value


def reader(session: Session, direct: Direct) -> Direct:
    """Return a session whose transaction every concurrent build waits for."""
    one = session()
    one.execute("insert into t values (3)")
    return one


def named(report: MigrationReport) -> list[tuple[str, bool]]:
    return [(applied.name, applied.by_us) for applied in report.applied]


async def test_it_is_run_between_ordinary_files_and_its_row_is_closed(
    client: Database, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(TABLE)
    built = add(tmp_path, BUILD)
    name = "0002_after"
    (tmp_path / f"{name}.sql").write_text(render(name, built, ["drop index i"], []), encoding="utf-8")
    later = (tmp_path / f"{name}.sql").rename(tmp_path / "later")
    events: list[Event] = []
    report = await migrate(client, tmp_path, on_event=events.append)
    assert named(report) == [("0000_calm_heron", True), ("0001_alone", True)]
    assert report.applied[1].seconds is not None
    assert indexes(direct) == [("i", True)]
    assert [(event.kind, event.migration) for event in events if event.migration == "0001_alone"] == [
        ("applying", "0001_alone"),
        ("applied", "0001_alone"),
    ]
    assert (await migrate(client, tmp_path, verify=True)).applied == ()
    later.rename(tmp_path / f"{name}.sql")
    await migrate(client, tmp_path)
    assert history(direct) == [("0000_calm_heron", "applied"), ("0001_alone", "applied"), ("0002_after", "applied")]
    assert indexes(direct) == []


async def test_a_builder_that_still_waits_is_waited_for_and_both_are_told_success(
    client: Database, pending: Path, direct: Direct, session: Session, tcp_url: str
) -> None:
    blocker = reader(session, direct)
    events: list[Event] = []
    first = asyncio.ensure_future(migrate(client, pending))
    (pid,) = await until(lambda: builders(direct))
    assert (await status(client, pending)).rows[1].state == "running"
    async with OverTcp(tcp_url) as other:
        second = asyncio.ensure_future(migrate(other, pending, on_event=events.append))
        await until(lambda: [event for event in events if event.kind == "waiting"])
        await asyncio.sleep(0.6)  # three times as long as takes over what nobody works on
        assert builders(direct) == [pid]
        assert (await status(client, pending)).rows[1].state == "running"
        blocker.rollback()
        reports = await asyncio.gather(first, second)
    assert [named(report) for report in reports] == [[("0001_alone", True)], [("0001_alone", False)]]
    assert f"waiting: 0001_alone is worked on: pid {pid}, for" in str(events[0])
    assert indexes(direct) == [("i", True)]


async def test_rivals_build_it_once(database_url: str, folder: Path, direct: Direct, endpoint: Endpoint) -> None:

    async def one() -> list[tuple[str, bool]]:
        async with neon(database_url, transport="native") as sql:
            return named(await migrate(sql, folder))

    reports = await asyncio.gather(*(one() for _ in range(4)))
    assert [name for report in reports for name, by_us in report if by_us and name == "0001_alone"] == ["0001_alone"]
    assert sum(BUILD in text for exchange in endpoint.exchanges for text in exchange.statements) == 1
    assert indexes(direct) == [("i", True)]


async def test_a_builder_that_was_killed_is_followed_by_another_and_its_leftover_is_cleared(
    client: Database, pending: Path, direct: Direct, session: Session
) -> None:
    blocker = reader(session, direct)
    runner = asyncio.ensure_future(migrate(client, pending))
    (pid,) = await until(lambda: builders(direct))
    await until(lambda: indexes(direct) == [("i", False)])
    direct.execute("select pg_terminate_backend(%s)", (pid,))
    await until(lambda: builders(direct) != [pid])
    blocker.rollback()
    assert named(await runner) == [("0001_alone", True)]
    assert indexes(direct) == [("i", True)]
    assert history(direct)[1] == ("0001_alone", "applied")


async def test_a_runner_that_died_is_followed_by_the_next_one(
    sql: Neon, pending: Path, direct: Direct, session: Session
) -> None:
    blocker = reader(session, direct)
    runner = asyncio.ensure_future(migrate(sql, pending))
    await until(lambda: indexes(direct) == [("i", False)])
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    await until(lambda: not builders(direct))
    (token,) = direct.execute("select token from sendoka.migrations where state = 'running'").fetchone() or ("",)
    blocker.rollback()
    events: list[Event] = []
    assert named(await migrate(sql, pending, on_event=events.append)) == [("0001_alone", True)]
    assert "waiting: nobody seems to work on 0001_alone" in [str(event) for event in events]
    assert indexes(direct) == [("i", True)]
    assert direct.execute("select count(*) from sendoka.migrations where token = %s", (token,)).fetchall() == [(0,)]


@pytest.mark.parametrize("kind", ["cut_after", "connection_closed", "cut_before", "html", "twice"])
async def test_an_answer_that_is_lost_or_a_statement_that_is_doubled_is_settled_by_asking(
    sql: Neon, folder: Path, endpoint: Endpoint, direct: Direct, kind: Any
) -> None:
    fault = endpoint.faults.add(kind, match=BUILD)
    assert named(await migrate(sql, folder)) == [("0000_calm_heron", True), ("0001_alone", True)]
    assert endpoint.faults.hits(fault) == 1
    assert indexes(direct) == [("i", True)]


@pytest.mark.parametrize("kind", ["cut_after", "late", "cut_before"])
@pytest.mark.parametrize("match", ["insert into sendoka.migrations", "set state = 'applied', applied_at = now(), dur"])
async def test_a_lost_answer_of_its_row_is_settled_too(
    sql: Neon, pending: Path, endpoint: Endpoint, direct: Direct, kind: Any, match: str
) -> None:
    endpoint.faults.add(kind, match=match)
    assert named(await migrate(sql, pending)) == [("0001_alone", True)]
    assert sum(BUILD in text for exchange in endpoint.exchanges for text in exchange.statements) == 1
    assert history(direct)[1] == ("0001_alone", "applied")


async def test_a_statement_that_arrives_after_it_was_taken_over_does_no_harm(
    sql: Neon, folder: Path, endpoint: Endpoint, direct: Direct
) -> None:
    endpoint.faults.add("late", match=BUILD, seconds=0.7)
    await migrate(sql, folder)
    await until(lambda: len([one for one in endpoint.exchanges if BUILD in one.statements[0]]) == 2)
    await asyncio.sleep(0.5)
    assert indexes(direct) == [("i", True)]


async def test_a_statement_that_goes_on_after_its_answer_was_lost_is_asked_for_until_it_is_done(
    sql: Neon, pending: Path, endpoint: Endpoint, direct: Direct, session: Session
) -> None:
    """As where a proxy waits no longer for an answer than it likes, and the server goes on."""
    blocker = reader(session, direct)
    endpoint.faults.add("late", match=BUILD, seconds=0.01)
    events: list[Event] = []
    runner = asyncio.ensure_future(migrate(sql, pending, on_event=events.append))
    (pid,) = await until(lambda: builders(direct))
    await until(lambda: [event for event in events if "is worked on" in event.why])
    await asyncio.sleep(0.6)
    assert builders(direct) == [pid]
    blocker.rollback()
    assert named(await runner) == [("0001_alone", True)]
    assert indexes(direct) == [("i", True)]


async def test_what_takes_longer_than_the_client_and_the_deadline_allow_is_not_ended_by_them(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct, session: Session
) -> None:
    chain(TABLE)
    async with neon(database_url, transport="native", timeout=1) as sql:
        await migrate(sql, tmp_path)
        add(tmp_path, BUILD)
        blocker = reader(session, direct)
        events: list[Event] = []
        runner = asyncio.ensure_future(migrate(sql, tmp_path, deadline=1, on_event=events.append))
        (pid,) = await until(lambda: builders(direct))
        await asyncio.sleep(1.3)
        assert builders(direct) == [pid]
        blocker.rollback()
        assert named(await runner) == [("0001_alone", True)]
    assert f"waiting: 0001_alone runs: pid {pid}, for 0 s, waiting for" in str(events[1])
    assert f" (of pid {blocker.info.backend_pid})" in str(events[1])


async def test_a_session_whose_queries_the_role_may_not_see_is_waited_for_by_its_lock(
    sql: Neon, pending: Path, direct: Direct, session: Session, postgres: Postgres, database: str
) -> None:
    """And nothing else is: not a session that does other things, not the reader that it waits for."""
    blocker = reader(session, direct)
    async with OverTcp(postgres.databases.admin.to(database).url) as admin:
        # Another name for the same, so that its text would not tell.
        building = asyncio.ensure_future(admin.run(Statement('create index concurrently "i" on public.t (id)')))
        await until(lambda: indexes(direct) == [("i", False)])
        events: list[Event] = []
        runner = asyncio.ensure_future(migrate(sql, pending, on_event=events.append))
        await until(lambda: [event for event in events if "is worked on" in event.why])
        await asyncio.sleep(0.5)
        assert indexes(direct) == [("i", False)]
        blocker.rollback()
        await building
    assert named(await runner) == [("0001_alone", True)]
    assert indexes(direct) == [("i", True)]
    waits = [event for event in events if event.kind == "waiting"]
    assert str(blocker.info.backend_pid) not in waits[0].why
    assert [event for event in events if "nobody" in event.why] == []


async def test_the_first_file_of_a_new_database_may_be_one(sql: Neon, tmp_path: Path, direct: Direct) -> None:
    text = render("0000_first", None, ["analyze"], [], "select true")
    (tmp_path / "0000_first.sql").write_text(text, encoding="utf-8")
    assert named(await migrate(sql, tmp_path)) == [("0000_first", True)]
    assert history(direct) == [("0000_first", "applied")]


async def test_one_of_two_that_take_it_over_runs_it(
    database_url: str, sql: Neon, folder: Path, direct: Direct, endpoint: Endpoint
) -> None:
    endpoint.faults.add("cut_before", match=BUILD)
    runner = asyncio.ensure_future(migrate(sql, folder))
    await until(endpoint.faults.hits)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert history(direct)[1] == ("0001_alone", "running")

    async def one() -> bool:
        async with neon(database_url, transport="native") as client:
            return (await migrate(client, folder)).applied[0].by_us

    assert sorted(await asyncio.gather(one(), one(), one())) == [False, False, True]
    assert sum(BUILD in text for each in endpoint.exchanges for text in each.statements) == 2
    assert indexes(direct) == [("i", True)]


async def test_another_ones_build_is_given_up_at_the_deadline_and_left_alone(
    sql: Neon, pending: Path, direct: Direct, session: Session, tcp_url: str
) -> None:
    blocker = reader(session, direct)
    runner = asyncio.ensure_future(migrate(sql, pending))
    await until(lambda: builders(direct))
    async with OverTcp(tcp_url) as other:
        with pytest.raises(MigrationFailed, match=r"0001_alone\.sql was not finished within 0\.5 s: .* pid") as caught:
            await migrate(other, pending, deadline=0.5)
    assert (caught.value.outcome, caught.value.exit_code) == ("unknown", 3)
    assert "goes on" in caught.value.where
    blocker.rollback()
    assert named(await runner) == [("0001_alone", True)]


ODD = '"I ""\'2"'


@pytest.mark.parametrize(
    ("statement", "name"),
    [(BUILD, "i"), ("create index concurrently if not exists I on t (id)", "i"), (f"{BUILD[:25]}{ODD} on t (id)", ODD)],
)
async def test_an_invalid_index_that_somebody_left_is_cleared_first(
    client: Database, chain: Chain, tmp_path: Path, direct: Direct, statement: str, name: str
) -> None:
    chain(TABLE)
    await migrate(client, tmp_path)
    direct.execute(f"create index {name} on t (id)".encode())
    direct.execute("create index sendoka_invalid_00ff on t (id)")
    direct.execute("update pg_index set indisvalid = false where indrelid = 't'::regclass")
    place = name.replace("'", "''")
    add(tmp_path, statement, DONE.replace("public.i", place))
    assert named(await migrate(client, tmp_path)) == [("0001_alone", True)]
    assert indexes(direct) == [(name, True)]


async def test_what_was_done_by_hand_is_noted(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(TABLE)
    await migrate(sql, tmp_path)
    direct.execute("create index i on t (id)")
    (found,) = direct.execute("select oid from pg_class where relname = 'i'").fetchall()
    add(tmp_path, BUILD)
    assert named(await migrate(sql, tmp_path)) == [("0001_alone", True)]
    assert direct.execute("select oid from pg_class where relname = 'i'").fetchall() == [found]


async def test_a_failed_unique_build_says_the_key_leaves_nothing_and_goes_well_with_other_rows(
    client: Database, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain([*TABLE, "insert into t values (2)"])
    add(tmp_path, UNIQUE)
    with pytest.raises(MigrationFailed, match=r"0001_alone\.sql failed: could not create unique index") as caught:
        await migrate(client, tmp_path)
    error = caught.value
    assert "statement 1 of 1: create unique index" in error.where
    assert "Key (id)=(2) is duplicated" in error.where
    assert "no INVALID index of it remains" in error.todo
    assert (error.sqlstate, error.statement, error.outcome, error.file) == ("23505", 1, "failed", "0001_alone.sql")
    assert indexes(direct) == []
    assert history(direct) == [("0000_calm_heron", "applied")]
    direct.execute("delete from t where ctid = (select max(ctid) from t)")
    assert named(await migrate(client, tmp_path)) == [("0001_alone", True)]
    assert indexes(direct) == [("i", True)]


async def test_a_place_in_the_statement_is_shown_as_it_stands_in_the_file(
    sql: Neon, chain: Chain, tmp_path: Path
) -> None:
    chain(TABLE)
    add(tmp_path, 'create index concurrently "ünö"\n\ton t (\t"ä" @)', "select false")
    with pytest.raises(MigrationFailed, match="syntax error at or near") as caught:
        await migrate(sql, tmp_path)
    assert caught.value.where.splitlines()[1:] == [
        'line 7: on t ( "ä" @)',
        "                   ^",
    ]


async def test_an_index_without_a_name_is_refused_before_anything_runs(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(TABLE)
    add(tmp_path, "create index concurrently on t (id)")
    with pytest.raises(InvalidMigration, match=r"0001_alone\.sql .* gives no name") as caught:
        await migrate(sql, tmp_path)
    assert caught.value.exit_code == 1
    assert direct.execute("select to_regclass('t')").fetchall() == [(None,)]


BAD_QUESTIONS = [
    ("select broken", "cannot be asked whether it is done: column"),
    ("select 1", "cannot be asked whether it is done: COALESCE"),
    ("select true from generate_series(1, 2)", "cannot be asked whether it is done: more than one row"),
]


@pytest.mark.parametrize(("question", "says"), BAD_QUESTIONS)
async def test_a_question_that_cannot_be_asked_is_told_and_leaves_no_row(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, question: str, says: str
) -> None:
    chain(TABLE)
    add(tmp_path, BUILD, question)
    with pytest.raises(InvalidMigration, match=says) as caught:
        await migrate(sql, tmp_path)
    assert caught.value.where == f"done-when: {question}"
    assert (indexes(direct), history(direct)) == ([], [("0000_calm_heron", "applied")])


async def test_one_that_ran_and_is_not_done_is_told_so(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(TABLE)
    add(tmp_path, BUILD, "select false;")
    with pytest.raises(MigrationFailed, match="ran without an error, and its done-when is still false") as caught:
        await migrate(sql, tmp_path)
    assert "what the statement did remains" in caught.value.todo
    assert (indexes(direct), history(direct)) == ([("i", True)], [("0000_calm_heron", "applied")])


async def test_a_failed_reindex_names_what_it_left(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain([*TABLE, "create index i on t (id)"])
    await migrate(sql, tmp_path)
    direct.execute("create index i_ccnew on t (id)")
    direct.execute("update pg_index set indisvalid = false where indexrelid = 'i_ccnew'::regclass")
    add(tmp_path, "reindex index concurrently nowhere", "select false")
    with pytest.raises(MigrationFailed, match='"nowhere" does not exist') as caught:
        await migrate(sql, tmp_path)
    assert 'INVALID and left: "public"."i_ccnew"; drop index concurrently "public"."i_ccnew"' in caught.value.where


async def test_the_role_s_own_statement_timeout_is_named(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, session: Session
) -> None:
    direct.execute(
        f"alter database \"{direct.info.dbname}\" set statement_timeout = '300ms'"
    )  # before anybody connects
    chain(TABLE)
    await migrate(sql, tmp_path)
    add(tmp_path, BUILD)
    reader(session, direct)
    with pytest.raises(MigrationFailed, match="canceling statement due to statement timeout") as caught:
        await migrate(sql, tmp_path, deadline=5)
    assert "alter role … set statement_timeout = 0" in caught.value.todo
