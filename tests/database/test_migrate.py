"""`migrate()` against a real Postgres: once, whatever dies, answers twice, or races."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate, neon
from sendoka.errors import (
    ChecksumMismatch,
    DatabaseError,
    ForkedHistory,
    InvalidMigration,
    MigrationError,
    MigrationFailed,
)
from sendoka.migrations import history as history_module
from sendoka.migrations.files import render
from sendoka.migrations.folder import read_folder
from sendoka.migrations.overview import status

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.local.server import Server
    from sendoka.migrations.event import Event
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

SEED = ["create table t (id int)", "insert into t values (1)"]


def history(direct: Direct) -> list[tuple[Any, ...]]:
    return direct.execute("select name, state from sendoka.migrations order by seq").fetchall()


def rows(direct: Direct) -> list[Any]:
    return [row[0] for row in direct.execute("select id from t order by id").fetchall()]


def exists(direct: Direct, relation: str) -> bool:
    return direct.execute("select to_regclass(%s) is not null", (relation,)).fetchall() == [(True,)]


async def test_from_nothing_to_the_head(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED, ["insert into t values (2)", "insert into t values (3)"])
    report = await migrate(sql, tmp_path)
    assert [(applied.name, applied.by_us) for applied in report.applied] == [
        ("0000_calm_heron", True),
        ("0001_brave_otter", True),
    ]
    assert (report.head, report.ahead) == ("0001_brave_otter", False)
    assert rows(direct) == [1, 2, 3]
    assert history(direct) == [("0000_calm_heron", "applied"), ("0001_brave_otter", "applied")]


async def test_with_nothing_to_do_it_is_one_request_that_reads_one_file(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(SEED, ["select 1"])
    await migrate(sql, tmp_path)
    (tmp_path / "0000_calm_heron.sql").write_text("not read")
    endpoint.requests = 0
    report = await migrate(sql, tmp_path)
    assert (endpoint.requests, report.applied, report.head) == (1, (), "0001_brave_otter")


async def test_with_verify_it_is_one_request_too(sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint) -> None:
    chain(SEED, ["select 1"])
    await migrate(sql, tmp_path)
    endpoint.requests = 0
    assert (await migrate(sql, tmp_path, verify=True)).applied == ()
    assert endpoint.requests == 1


async def test_a_new_database_needs_one_request_to_ask_and_one_a_file(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(SEED, ["select 1"])
    await migrate(sql, tmp_path)
    # The head, the whole history, two files, and the history again.
    assert endpoint.requests == 5


async def test_an_empty_folder_is_nothing_to_do(sql: Neon, tmp_path: Path, endpoint: Endpoint) -> None:
    report = await migrate(sql, tmp_path)
    assert (report.head, report.applied, endpoint.requests) == (None, (), 0)


async def test_older_code_against_a_newer_database_is_told_and_does_nothing(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    files = chain(SEED, ["insert into t values (2)"])
    await migrate(sql, tmp_path)
    (tmp_path / f"{files[1].name}.sql").unlink()
    for verify in (False, True):
        report = await migrate(sql, tmp_path, verify=verify)
        assert (report.ahead, report.applied, report.head) == (True, (), files[0].name)
    assert rows(direct) == [1, 2]


FAILURES = [
    (["create table u (id int)", "select broken", "select 1"], 2, "select broken"),
    (["create table u (id int)", "insert into u values ('x')"], 2, "insert into u"),
    (["select 1/0"], 1, "select 1/0"),
    (["create table u (id int)"] + ["select 1"] * 6 + ["create table u (id int)"], 8, "create table u"),
    (["create table u (id int primary key)", "insert into u values (1)", "insert into u values (1)"], 3, "insert"),
]


@pytest.mark.parametrize(("statements", "number", "line"), FAILURES)
async def test_a_failing_statement_is_named_and_nothing_of_its_file_remains(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, statements: list[str], number: int, line: str
) -> None:
    chain(SEED, statements, ["create table never ()"])
    with pytest.raises(MigrationFailed, match=r"0001_brave_otter\.sql failed: ") as caught:
        await migrate(sql, tmp_path)
    assert (caught.value.migration, caught.value.statement, caught.value.exit_code) == ("0001_brave_otter", number, 3)
    assert f"statement {number} of {len(statements)}: {line}" in caught.value.where
    assert history(direct) == [("0000_calm_heron", "applied")]
    assert not exists(direct, "u")
    assert not exists(direct, "never")


async def test_a_failing_first_migration_leaves_a_database_without_anything_of_ours(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(["create table u ()", "select broken"])
    with pytest.raises(MigrationFailed, match="0000_calm_heron"):
        await migrate(sql, tmp_path)
    assert not exists(direct, "u")
    assert direct.execute("select count(*) from pg_namespace where nspname = 'sendoka'").fetchall() == [(0,)]


async def test_a_failure_at_commit_is_told_as_one(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    deferred = (
        "create table u (id int, up int, primary key (id), foreign key (up) references u deferrable initially deferred)"
    )
    chain(SEED, [deferred, "insert into u values (1, 2)"])
    with pytest.raises(MigrationFailed, match="violates foreign key") as caught:
        await migrate(sql, tmp_path)
    assert (caught.value.statement, caught.value.where.partition("\n")[0]) == (None, "at COMMIT")
    assert not exists(direct, "u")


async def test_after_a_correction_it_goes_on(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED)
    bad = tmp_path / "0001_brave_otter.sql"
    chain(["select broken"])
    with pytest.raises(MigrationFailed):
        await migrate(sql, tmp_path)
    bad.write_text(bad.read_text().replace("select broken", "insert into t values (7)"))
    await migrate(sql, tmp_path)
    assert rows(direct) == [1, 7]


async def test_an_edited_applied_file_is_refused(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED)
    await migrate(sql, tmp_path)
    file = tmp_path / "0000_calm_heron.sql"
    file.write_text(file.read_text() + "-- a word more\n")
    for verify in (False, True):
        with pytest.raises(ChecksumMismatch, match=r"0000_calm_heron\.sql was edited after it was applied"):
            await migrate(sql, tmp_path, verify=verify)
    assert (await status(sql, tmp_path)).rows[0].state == "altered"
    assert rows(direct) == [1]


async def test_a_folder_of_another_branch_is_refused(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED, ["insert into t values (2)"])
    await migrate(sql, tmp_path)

    root = read_folder(tmp_path)[0]
    (tmp_path / "0001_brave_otter.sql").unlink()
    (tmp_path / "0001_other_otter.sql").write_text(render("0001_other_otter", root, ["insert into t values (9)"], []))
    with pytest.raises(ForkedHistory, match="has 0001_brave_otter where the folder has 0001_other_otter"):
        await migrate(sql, tmp_path)
    assert rows(direct) == [1, 2]


BROKEN = [
    ("renamed", "was renamed"),
    ("same number", "two migrations have the number 0001"),
    ("directive", "unknown directive 'transactoin'"),
    ("commit", "holds COMMIT"),
]


@pytest.mark.parametrize(("how", "says"), BROKEN)
async def test_a_broken_folder_is_refused_before_anything_is_sent(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, how: str, says: str
) -> None:
    chain(SEED, ["select 1"])
    file = tmp_path / "0001_brave_otter.sql"
    text = file.read_text()
    if how == "renamed":
        file.rename(tmp_path / "0001_loud_otter.sql")
    elif how == "same number":
        (tmp_path / "0001_late_otter.sql").write_text(text.replace("brave", "late"))
    elif how == "directive":
        file.write_text(text.replace("\n\n", "\n-- transactoin: none\n\n"))
    else:
        file.write_text(text + "--> statement-breakpoint\ncommit\n")
    with pytest.raises((InvalidMigration, ForkedHistory), match=says):
        await migrate(sql, tmp_path)
    assert endpoint.requests == 0


async def test_a_failure_in_a_table_whose_name_begins_like_ours_is_told_at_once(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(
        SEED, ["create table sendoka_customers (id int primary key)", "insert into sendoka_customers values (1), (1)"]
    )
    events: list[Event] = []
    with pytest.raises(MigrationFailed, match="sendoka_customers_pkey") as caught:
        await migrate(sql, tmp_path, deadline=30, on_event=events.append)
    assert caught.value.statement == 2
    assert "waiting" not in [event.kind for event in events]
    assert not exists(direct, "sendoka_customers")


async def test_a_lost_answer_to_a_probe_is_asked_again(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(["select 1", "select broken", "select 3"])
    fault = endpoint.faults.add("cut_after", match="$probe$")
    with pytest.raises(MigrationFailed, match='column "broken" does not exist') as caught:
        await migrate(sql, tmp_path)
    assert (caught.value.statement, endpoint.faults.hits(fault)) == (2, 1)


async def test_where_no_probe_is_answered_the_failure_is_told_all_the_same(
    database_url: str, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(["select 1", "select broken"])
    endpoint.faults.add("cut_after", match="$probe$", times=0)
    async with neon(database_url, transport="native", timeout=2) as sql:
        with pytest.raises(MigrationFailed, match='column "broken" does not exist') as caught:
            await migrate(sql, tmp_path)
    assert caught.value.statement is None
    assert caught.value.where.startswith("which statement could not be asked: ")


# ------------------------------------------------------------------ a migration that was begun and is not finished


async def left_running(sql: Neon, direct: Direct, folder: Path, seq: int) -> None:
    """Apply `folder`, and leave its migration `seq` as one that was begun and is not finished."""
    await migrate(sql, folder)
    direct.execute(
        "update sendoka.migrations set state = 'running', applied_by = 'ada, ada@mill',"
        " applied_at = '2026-01-31 10:30+01', duration = null where seq = %s",
        (seq,),
    )


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("seq", [0, 1])
async def test_an_unfinished_migration_is_named_with_its_runner_its_time_and_the_way_out(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, seq: int, verify: bool
) -> None:
    files = chain(SEED, ["insert into t values (2)"])
    await left_running(sql, direct, tmp_path, seq)
    files = chain(["insert into t values (3)"])
    with pytest.raises(MigrationError, match=rf"^{files[seq].name}\.sql is unfinished") as caught:
        await migrate(sql, tmp_path, verify=verify)
    assert caught.value.exit_code == 1
    assert caught.value.where == "begun by ada, ada@mill, 2026-01-31T09:30:00.000000Z"
    assert f"sendoka repair --settle {files[seq].name} --as pending" in caught.value.todo
    assert rows(direct) == [1, 2]
    report = await status(sql, tmp_path)
    assert (report.state, report.rows[seq].state, report.rows[2].state) == ("running", "running", "pending")


@pytest.mark.parametrize("verify", [False, True])
async def test_an_unfinished_migration_of_newer_code_is_none_of_the_older_codes_business(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, verify: bool
) -> None:
    files = chain(SEED, ["insert into t values (2)"])
    await left_running(sql, direct, tmp_path, 1)
    (tmp_path / f"{files[1].name}.sql").unlink()
    assert (await migrate(sql, tmp_path, verify=verify)).ahead
    report = await status(sql, tmp_path)
    assert (report.state, [row.state for row in report.rows]) == ("newer", ["applied", "running"])


# ------------------------------------------------------------------ faults and rivals


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_body", "cut_before", "late"])
@pytest.mark.parametrize("skip", [0, 1], ids=["first", "second"])
async def test_a_lost_answer_is_settled_and_the_effect_is_there_once(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, direct: Direct, kind: Any, skip: int
) -> None:
    chain(SEED, ["insert into t values (2)"])
    endpoint.faults.add(kind, match="insert into sendoka.migrations", skip=skip)
    report = await migrate(sql, tmp_path)
    assert [applied.name for applied in report.applied] == ["0000_calm_heron", "0001_brave_otter"]
    assert rows(direct) == [1, 2]
    assert len(history(direct)) == 2


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_before", "refuse"])
async def test_a_lost_reading_is_asked_again(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, direct: Direct, kind: Any
) -> None:
    chain(SEED)
    endpoint.faults.add(kind, match="select m.seq", times=2)
    await migrate(sql, tmp_path)
    assert rows(direct) == [1]


async def test_who_applied_is_known_after_a_lost_answer(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(SEED)
    endpoint.faults.add("cut_after", match="insert into sendoka.migrations")
    report = await migrate(sql, tmp_path)
    assert report.applied[0].by_us


async def test_events_are_data_and_a_lost_answer_is_told_once_it_is_settled(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(SEED, ["select 1"])
    endpoint.faults.add("cut_after", match="insert into sendoka.migrations")
    events: list[Event] = []
    report = await migrate(sql, tmp_path, on_event=events.append)
    assert [(event.kind, event.migration, event.why) for event in events if event.kind != "waiting"] == [
        ("applying", "0000_calm_heron", ""),
        ("applied", "0000_calm_heron", "its answer was lost"),
        ("applying", "0001_brave_otter", ""),
        ("applied", "0001_brave_otter", ""),
    ]
    assert [event.kind for event in events].index("waiting") == 1
    assert [event.seconds for event in events if event.kind == "applied"] == [one.seconds for one in report.applied]
    assert str(events[2]).endswith(" s (its answer was lost)")


async def test_a_database_that_does_not_exist_is_told_without_our_own_question(
    server: Server, chain: Chain, tmp_path: Path
) -> None:
    chain(SEED)
    async with neon(server.connection_string("no_such_database"), transport="native") as sql:
        for ask in (migrate, status):
            with pytest.raises(DatabaseError, match="no_such_database") as caught:
                await ask(sql, tmp_path)
            assert str(caught.value).splitlines() == [
                'database "no_such_database" does not exist (3D000)',
                "hint: check the database's name in DATABASE_URL",
            ]


@pytest.mark.parametrize("runners", [5, 12])
async def test_rivals_on_a_new_database_apply_each_file_once(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct, runners: int
) -> None:
    files = chain(SEED, ["insert into t values (2)", "select pg_sleep(0.1)"], ["insert into t values (3)"])

    async def one() -> list[str]:
        async with neon(database_url, transport="native") as sql:
            return [applied.name for applied in (await migrate(sql, tmp_path)).applied if applied.by_us]

    ours = await asyncio.gather(*(one() for _ in range(runners)))
    assert rows(direct) == [1, 2, 3]
    # One that begins late finds the first file applied already, and has less to tell.
    assert sorted(name for names in ours for name in names) == [file.name for file in files]


async def test_a_rival_that_holds_the_row_is_waited_for_and_does_not_exhaust_the_wait(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock_timeout passes once, and the migration is applied as soon as the row is free."""
    assert history_module.LOCK_TIMEOUT == "2s"
    monkeypatch.setattr(history_module, "LOCK_TIMEOUT", "500ms")
    files = chain(SEED, ["insert into t values (2)"])
    (tmp_path / f"{files[1].name}.sql").rename(tmp_path / "later")
    await migrate(sql, tmp_path)
    (tmp_path / "later").rename(tmp_path / f"{files[1].name}.sql")
    direct.autocommit = False
    direct.execute(
        "insert into sendoka.migrations (seq, name, checksum, parent, digest, state, token, applied_by, version)"
        " values (1, 'x', %s, %s, 'd', 'running', 't', 'me', '0')",
        (files[1].checksum, files[0].checksum),
    )
    events: list[Event] = []
    task = asyncio.ensure_future(migrate(sql, tmp_path, on_event=events.append))
    await asyncio.sleep(1)
    direct.rollback()
    await task
    assert "waiting: another runner is applying 0001_brave_otter" in [str(event) for event in events]
    assert rows(direct) == [1, 2]


async def test_waiting_ends_at_the_deadline(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED)
    await migrate(sql, tmp_path)
    chain(["alter table t add column a int"])
    direct.autocommit = False
    direct.execute("select * from t")
    with pytest.raises(MigrationFailed, match=r"not applied within 1 s") as caught:
        await migrate(sql, tmp_path, deadline=1)
    assert "run `sendoka migrate` again" in caught.value.todo
    direct.rollback()
    await migrate(sql, tmp_path)


async def test_a_file_that_sets_a_role_is_closed_by_the_one_who_opened_it(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(SEED, ["set local search_path = pg_catalog", "set local role none"])
    await migrate(sql, tmp_path)
    assert history(direct)[1] == ("0001_brave_otter", "applied")


async def test_tables_of_a_newer_sendoka_are_left_alone(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(SEED)
    await migrate(sql, tmp_path)
    chain(["insert into t values (2)"])
    direct.execute("update sendoka.facts set value = '99' where name = 'format'")
    with pytest.raises(MigrationError, match="format 99"):
        await migrate(sql, tmp_path)
    assert rows(direct) == [1]


async def test_a_replica_is_named(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED)
    name = direct.info.dbname
    direct.execute(f'alter database "{name}" set default_transaction_read_only = on')
    with pytest.raises(MigrationFailed, match="read only"):
        await migrate(sql, tmp_path)


async def test_a_role_without_rights_is_told_the_grant(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(SEED)
    await migrate(sql, tmp_path)
    owner = await sql("select current_user").value()
    direct.execute("alter table sendoka.migrations owner to current_user")
    direct.execute("alter schema sendoka owner to current_user")
    direct.execute(f'revoke all on schema sendoka from "{owner}"')
    with pytest.raises(MigrationFailed, match="may not read the history") as caught:
        await migrate(sql, tmp_path)
    assert "grant usage on schema sendoka" in caught.value.todo


async def test_status_shows_both_sides(sql: Neon, chain: Chain, tmp_path: Path) -> None:
    chain(SEED)
    assert [(row.name, row.state) for row in (await status(sql, tmp_path)).rows] == [("0000_calm_heron", "pending")]
    await migrate(sql, tmp_path)
    chain(["select 1"])
    report = await status(sql, tmp_path)
    assert [(row.name, row.state) for row in report.rows] == [
        ("0000_calm_heron", "applied"),
        ("0001_brave_otter", "pending"),
    ]
    assert (report.state, report.pending) == ("pending", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", report.rows[0].applied_at or "")
    assert report.rows[0].seconds is not None


async def test_values_of_an_enum_are_usable_in_the_next_file(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(
        ["create type mood as enum ('sad')", "create table t (m mood)"],
        ["alter type mood add value 'ok' before 'sad'"],
        ["insert into t values ('ok')"],
    )
    await migrate(sql, tmp_path)
    assert direct.execute("select m::text from t").fetchall() == [("ok",)]
