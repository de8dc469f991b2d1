"""What a role, a database, or the statement of a file brings along, and what `migrate` makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from psycopg.sql import SQL, Identifier

from sendoka import migrate, neon
from sendoka.database import Statement
from sendoka.direct import Direct as OverTcp
from sendoka.errors import MigrationFailed, Outcome, SettingsError
from sendoka.migrations import applier
from sendoka.migrations.files import render
from sendoka.migrations.header import Adopted
from sendoka.migrations.history import apply_statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from sendoka import Neon
    from sendoka.local import Endpoint
    from sendoka.local.postgres import Postgres
    from sendoka.migrations.event import Event
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[tuple[Any, ...]]

SWALLOWING = "create function swallow() returns trigger language plpgsql as 'begin return null; end'"
TAKEN = (
    "delete from sendoka.migrations where seq = 1",
    "update sendoka.migrations set checksum = 'x' where seq = 1",
    "truncate sendoka.migrations",
    "create trigger no before update on sendoka.migrations for each row execute function swallow()",
)
INDEX = "select exists (select from pg_index where indexrelid = to_regclass('public.i') and indisvalid)"


def alone(folder: Path, statement: str, done_when: str, **header: Any) -> None:
    text = render("0000_alone", None, [statement], [], done_when, **header)
    (folder / "0000_alone.sql").write_text(text, encoding="utf-8")


@pytest.fixture
def owner(direct: Direct) -> Iterator[str]:
    """The role that owns everything; whoever logs in is made it by default, and may do nothing as itself."""
    user, database = direct.execute(
        "select rolname, current_database() from pg_roles r join pg_database d "
        "on d.datdba = r.oid where datname = current_database()"
    ).fetchone() or ("", "")
    name = f"owner_of_{database}"
    names = {"owner": Identifier(name), "user": Identifier(user), "database": Identifier(database)}
    for command in (
        "create role {owner} in role {user}",
        "revoke {user} from {owner}",
        "grant {owner} to {user}",
        "alter database {database} owner to {owner}",
        "alter role {user} noinherit",
        "alter role {user} in database {database} set role {owner}",
    ):
        direct.execute(SQL(command).format(**names))
    yield name
    for command in (
        "alter role {user} inherit",
        "reassign owned by {owner} to {user}",
        "drop owned by {owner}",
        "drop role {owner}",
    ):
        direct.execute(SQL(command).format(**names))


async def test_a_default_role_keeps_the_history_that_it_made(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, owner: str
) -> None:
    chain(["create table t (id int)"], ["set local role none"])
    await migrate(sql, tmp_path)
    found = direct.execute("select name, tableowner from sendoka.migrations, pg_tables where tablename = 'migrations'")
    assert found.fetchall() == [("0000_calm_heron", owner), ("0001_brave_otter", owner)]


async def test_what_forbids_our_own_tables_is_no_statement_of_the_file(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    direct.execute(
        "create function no() returns event_trigger language plpgsql as $$ begin raise exception 'no tables'; end $$"
    )
    direct.execute("create event trigger no on ddl_command_start when tag in ('CREATE TABLE') execute function no()")
    chain(["select 1", "create view v as select 1"])
    with pytest.raises(MigrationFailed, match="no tables") as caught:
        await migrate(sql, tmp_path)
    assert "while Sendoka made its own tables, before" in caught.value.where
    assert caught.value.statement is None


async def test_what_only_commit_refuses_is_said_of_a_new_database_too(sql: Neon, chain: Chain, tmp_path: Path) -> None:
    other = "create table b (a int references a deferrable initially deferred)"
    chain(["create table a (id int primary key)", other, "insert into b values (1)"])
    with pytest.raises(MigrationFailed, match="b_a_fkey") as caught:
        await migrate(sql, tmp_path)
    assert caught.value.where.splitlines()[0] == "at COMMIT"


async def test_a_statement_that_was_done_before_is_recorded_and_said(sql: Neon, tmp_path: Path, direct: Direct) -> None:
    direct.execute("create table t (id int); create index i on t (id)")
    alone(tmp_path, "create index concurrently i on t (id)", INDEX)
    events: list[Event] = []
    report = await migrate(sql, tmp_path, on_event=events.append)
    assert [(each.name, each.by_us, each.recorded) for each in report.applied] == [("0000_alone", True, True)]
    assert "its done-when was true already, so none of it was run" in str(events[-1])


async def test_what_a_failed_build_leaves_is_cleared_under_the_name_that_postgres_gave_it(
    sql: Neon, tmp_path: Path, direct: Direct
) -> None:
    await sql("create table t (id int)")
    await sql("insert into t values (1), (1)")
    alone(tmp_path, "create unique index concurrently ÄIdx on t (id)", INDEX.replace("public.i", 'public."Äidx"'))
    with pytest.raises(MigrationFailed, match="could not create unique index") as caught:
        await migrate(sql, tmp_path)
    assert "no INVALID index of it remains" in caught.value.todo
    assert direct.execute("select relname from pg_class where relkind = 'i' and relname ~ 'idx$'").fetchall() == []


async def test_a_note_whose_answer_was_lost_is_still_only_a_note(
    sql: Neon, endpoint: Endpoint, tmp_path: Path, direct: Direct
) -> None:
    direct.execute(
        "create schema drizzle; create table drizzle.__drizzle_migrations (id int, hash text, created_at bigint)"
    )
    direct.execute("insert into drizzle.__drizzle_migrations values (1, repeat('a', 64), 7)")
    direct.execute("grant usage on schema drizzle to public; grant select on all tables in schema drizzle to public")
    adopted = Adopted(("drizzle", "__drizzle_migrations"), "0000_old", "a" * 64, 7)
    (tmp_path / "0000_root.sql").write_text(render("0000_root", None, ["select 1 / 0"], [], adopts=adopted))
    endpoint.faults.add("cut_after", match="insert into sendoka.migrations")
    report = await migrate(sql, tmp_path)
    assert [(each.name, each.by_us, each.recorded) for each in report.applied] == [("0000_root", True, True)]


@pytest.mark.parametrize("taking", TAKEN)
async def test_a_file_whose_row_is_taken_away_leaves_nothing(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, taking: str
) -> None:
    chain(["create table t (id int)", SWALLOWING], ["insert into t values (1)", taking])
    with pytest.raises(MigrationFailed, match="its row of the history is not there any more") as caught:
        await migrate(sql, tmp_path)
    assert "nothing of it remains" in caught.value.where
    assert caught.value.outcome is Outcome.FAILED
    assert direct.execute("select * from t").fetchall() == []
    assert direct.execute("select name, state from sendoka.migrations").fetchall() == [("0000_calm_heron", "applied")]


async def test_a_trigger_that_swallows_the_row_keeps_the_file_from_being_applied(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(["create table t (id int)", SWALLOWING])
    await migrate(sql, tmp_path)
    direct.execute("create trigger no before insert on sendoka.migrations for each row execute function swallow()")
    chain(["insert into t values (1)"])
    with pytest.raises(MigrationFailed, match="its row of the history is not there") as caught:
        await migrate(sql, tmp_path)
    assert "drop triggers" in caught.value.todo
    assert direct.execute("select * from t").fetchall() == []


async def test_a_file_that_ends_its_own_transaction_is_found_out(
    postgres: Postgres, database: str, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(["create table t (id int)"])

    def ending(*given: Any) -> list[Statement]:
        *before, role, closing = apply_statements(*given)
        return [*before, Statement("commit"), role, closing]

    monkeypatch.setattr(applier, "apply_statements", ending)
    async with OverTcp(postgres.login.to(database).url) as tcp:
        with pytest.raises(MigrationFailed, match="ended its own transaction") as caught:
            await migrate(tcp, tmp_path)
    assert caught.value.outcome is Outcome.UNKNOWN


def test_under_trio_it_waits_and_refuses_what_asyncio_watches(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    (first,) = chain(["create table t (id int)"])
    text = render("0001_more", first, ["alter table t add column a int"], [], lock_timeout="50ms")
    (tmp_path / "0001_more.sql").write_text(text, encoding="utf-8")
    events: list[Event] = []

    def told(event: Event) -> None:
        events.append(event)
        if event.kind == "applied" and event.migration == "0000_calm_heron":
            direct.autocommit = False
            direct.execute("select * from t")
        elif event.kind == "waiting":
            direct.rollback()

    async def main() -> None:
        async with neon(database_url) as sql:
            (tmp_path / "alone").mkdir()
            alone(tmp_path / "alone", "create index concurrently i on t (id)", INDEX)
            with pytest.raises(SettingsError, match="watched by asyncio"):
                await migrate(sql, tmp_path / "alone")
            await migrate(sql, tmp_path, on_event=told)

    trio.run(main)
    assert [event.kind for event in events] == ["applying", "applied", "applying", "waiting", "applying", "applied"]
