"""Pressure that is made for real: a run sees it, says so, waits, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sendoka.backfills import Batch, backfill, opening, pause, plan, resume, run, throttle
from sendoka.backfills.events import events_of
from sendoka.backfills.gauges import Gauges
from sendoka.backfills.overview import list_runs
from sendoka.backfills.pressure.replication import Replication
from sendoka.backfills.pressure.vacuum import Vacuum
from sendoka.backfills.signal import signals
from sendoka.backfills.standing import standing_of
from sendoka.backfills.target import read_target
from tests.fixtures.backfills import execute, make_messages, touched, value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sendoka.backfills import Backfill, Progress, RunReport
    from sendoka.backfills.gauges import Seen
    from sendoka.http.client import Neon
    from sendoka.local.app import Endpoint
    from sendoka.local.postgres import Postgres

    Direct = psycopg.Connection[tuple[Any, ...]]

IN_SQL = backfill(
    table="messages",
    where="touched = 0",
    sql="update messages m set touched = m.touched + 1 from page p where m.id = p.id",
    name="touch",
)


@backfill(table="messages", where="touched = 0", columns=["touched"], name="touch")
async def in_python(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"touched": row["touched"] + 1} for row in batch.rows})


EVERYTHING = {name: each.usual or 1e15 for name, each in signals().items()}


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run look before every batch, and note every wait."""
    monkeypatch.setattr(throttle, "EVERY", 0.001)
    monkeypatch.setattr(throttle, "_SHARE", 0)
    monkeypatch.setattr(throttle, "_TOLD", 0)
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.02)


@pytest.fixture
def connect(postgres: Postgres, database: str) -> Iterator[Callable[[], Direct]]:
    """Open a connection as administrator, in a transaction; all are closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda: _no_autocommit(stack.enter_context(postgres.databases.admin.to(database).connect()))


def _no_autocommit(connection: Direct) -> Direct:
    connection.autocommit = False
    return connection


@contextlib.asynccontextmanager
async def waiting(
    sql: Neon, fill: Backfill = IN_SQL, *, first: Callable[[], None] | None = None, **options: Any
) -> AsyncIterator[list[Progress]]:
    """Begin a run, and give what it told once it waits; at the end of the block it must go on and be done.

    `first` is done after the first batch.
    """
    told: list[Progress] = []
    waits = asyncio.Event()

    def listen(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 1 and first is not None:
            first()
        if progress.waiting:
            waits.set()

    given = {"batch_size": 10, "on_progress": listen, **options}
    going: asyncio.Task[RunReport] = asyncio.create_task(run(sql, fill, **given))
    try:
        await asyncio.wait_for(waits.wait(), 20)
        yield told
        assert (await asyncio.wait_for(going, 20)).done
        assert await touched(sql) == {"1": 50}
    finally:
        going.cancel()


# ------------------------------------------------------------------ nobody


@pytest.mark.parametrize(
    "table",
    [
        "create table messages (id text primary key, touched int)",
        "create table messages (a int, id uuid default gen_random_uuid(), touched int, primary key (id, a))",
        'create table messages ("a ""b" int primary key, touched int)',
        "create table messages (id int primary key, touched int) partition by range (id)",
    ],
)
async def test_nothing_is_busy_on_an_idle_database_and_a_look_is_one_request(
    sql: Neon, endpoint: Endpoint, table: str
) -> None:
    await execute(sql, table)
    target, gauges = await read_target(sql, IN_SQL), Gauges(EVERYTHING)
    before = endpoint.requests
    for _ in range(3):
        seen = await gauges.read(sql, target)
        assert seen.busy == {}
        assert abs(seen.clock - time.time()) < 60
    assert endpoint.requests - before == 3


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[list[float] | None]:
    """Return the reads that each look timed, filled as it goes."""
    told: list[list[float] | None] = []
    monkeypatch.setattr(signals()["latency"], "judge", lambda self, found, *_: told.append(found))
    return told


async def test_reads_of_recent_rows_are_timed(sql: Neon, timed: list[list[float] | None]) -> None:
    await make_messages(sql, 500)
    await Gauges({"latency": 5.0}).read(sql, await read_target(sql, IN_SQL))
    assert timed[0]
    assert len(timed[0]) == 20
    assert 0 < min(timed[0]) <= max(timed[0]) < 5000


async def test_reads_of_a_partitioned_table_are_of_its_newest_partition_that_has_rows(
    sql: Neon, timed: list[list[float] | None]
) -> None:
    of = "partition of messages for values from"
    await execute(
        sql,
        "create table messages (id int primary key, touched int) partition by range (id)",
        f"create table messages_1 {of} (0) to (100)",
        'create schema "o ld"',
        f'create table "o ld"."mess""ages" {of} (100) to (200)',
        f"create table messages_3 {of} (200) to (300)",
        "insert into messages select g, 0 from generate_series(50, 150) g",
    )
    target = await read_target(sql, IN_SQL)
    assert target.facts
    assert target.facts.recent
    assert target.facts.recent[1] == '"o ld"."mess""ages"'
    gauges = Gauges({"latency": 5.0})
    await gauges.read(sql, target)
    await execute(sql, 'drop table "o ld"."mess""ages"')
    await gauges.read(sql, target)  # leaves it out
    assert [len(reads or []) for reads in timed] == [20]
    await execute(sql, "truncate messages")
    await gauges.read(sql, await read_target(sql, IN_SQL))
    assert timed[1:] == [None]


# ------------------------------------------------------------------ somebody


async def test_a_migration_that_waits_for_the_table_is_let_in(sql: Neon, connect: Callable[[], Direct]) -> None:
    await make_messages(sql, 50)
    reader, migration, looks = connect(), connect(), connect()
    alters = _thread(migration.execute, "alter table messages add column late int")

    def begin() -> None:
        reader.execute("select 1 from messages limit 1")
        alters.start()
        _blocked(looks)

    async with waiting(sql, first=begin, yields={"locks": "1ms"}, batch_size=5) as told:
        assert told[-1].waiting == (
            f"process {migration.info.backend_pid} waits for a lock on messages (AccessExclusiveLock)"
        )
        assert told[-1].waiting_left is not None
        reader.rollback()
        alters.join()
        migration.commit()


async def test_who_waits_for_a_row_that_a_batch_of_ours_holds_is_seen(sql: Neon, connect: Callable[[], Direct]) -> None:
    await make_messages(sql, 50)
    ours, other, looks = connect(), connect(), connect()
    ours.execute("with sendoka_checkpoint as (select 1) update messages set touched = 0")
    waits = _thread(other.execute, "update messages set body = 'x'")
    waits.start()
    _blocked(looks)
    question = f"select {signals()['locks']().ask(await read_target(sql, IN_SQL), 0.0)}"
    ((found,),) = looks.execute(question).fetchall()
    assert found[2:] == [other.info.backend_pid, False]
    ours.rollback()
    waits.join()
    looks.rollback()
    assert looks.execute(question).fetchall() == [(None,)]


def _thread(work: Callable[..., object], *given: object) -> threading.Thread:
    """Return a thread that a failing test does not wait for."""
    return threading.Thread(target=work, args=given, daemon=True)


def _blocked(looks: Direct) -> None:
    """Return once somebody waits for a lock."""
    while looks.execute("select 1 from pg_locks where not granted").fetchone() is None:
        time.sleep(0.005)


@pytest.mark.parametrize("own", [True, False], ids=["own role", "another role"])
async def test_an_old_transaction_is_waited_for(
    sql: Neon, connect: Callable[[], Direct], postgres: Postgres, own: bool
) -> None:
    """What a role may not see of others, it finds out by looking again."""
    await make_messages(sql, 50)
    old = connect()
    if own:
        old.execute(f"set session authorization {postgres.login.user}")
        old.commit()
    old.execute("set transaction isolation level repeatable read")
    old.execute("select 1 from orgs")
    old_pid = old.info.backend_pid
    async with waiting(sql, yields={"transactions": "100ms"}, batch_size=2) as told:
        assert told[-1].waiting.startswith("a transaction of ")
        assert told[-1].waiting.endswith(f"open for over 100 ms, holds back vacuum (process {old_pid})")
        old.rollback()


async def test_a_vacuum_of_the_table_is_waited_for_and_everybody_is_told(
    sql: Neon, connect: Callable[[], Direct]
) -> None:
    await make_messages(sql, 50)
    vacuum = connect()
    vacuum.autocommit = True
    vacuum.execute("set vacuum_cost_delay = '100ms'")
    vacuum.execute("set vacuum_cost_limit = 1")
    vacuum.execute("set vacuum_cost_page_hit = 100")
    vacuum.execute("update messages set body = repeat('x', 1900)")
    cleans = _thread(_until_cancelled, vacuum, "vacuum messages")
    cleans.start()
    try:
        await _until(sql, "select exists (select from pg_stat_progress_vacuum)")
        assert (await plan(sql, IN_SQL)).busy == ("vacuum of messages is going on",)
        async with waiting(sql) as told:
            await _until(sql, "select exists (select from sendoka.backfill_events where event = 'waits')")
            assert told[-1].waiting == "vacuum of messages is going on"
            ((found, _, activity),) = await list_runs(sql)
            standing = standing_of(found, activity)
            assert (standing.state, standing.reason) == ("running", "vacuum of messages is going on")
            vacuum.cancel_safe()
            cleans.join()
        events = [(event.event, event.detail) for event in await events_of(sql, found.id)]
        assert events == [("started", ""), ("waits", "vacuum of messages is going on"), ("done", "")]
        ((found, _, activity),) = await list_runs(sql)
        assert standing_of(found, activity).reason == ""
    finally:
        vacuum.cancel_safe()
        cleans.join()


def _until_cancelled(connection: Direct, text: str) -> None:
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        connection.execute(text)


async def test_a_vacuum_of_another_table_is_not_waited_for(sql: Neon, connect: Callable[[], Direct]) -> None:
    await make_messages(sql, 50)
    busy = connect()
    busy.execute("lock table orgs in share update exclusive mode")
    target = await read_target(sql, IN_SQL)
    assert (await Gauges({"vacuum": 1.0}).read(sql, target)).busy == {}


async def test_neons_own_functions_are_asked_where_the_extension_is(sql: Neon, connect: Callable[[], Direct]) -> None:
    await make_messages(sql, 50)
    admin = connect()
    admin.autocommit = True
    for text in (
        "create schema neon",
        "create table neon.said (throttled bigint, behind bigint)",
        "insert into neon.said values (0, 0)",
        """create function neon.backpressure_throttling_time() returns bigint language sql security definer
            as 'select throttled from neon.said'""",
        """create function neon.backpressure_lsns(out received_lsn pg_lsn) language sql security definer
            as 'select pg_current_wal_insert_lsn() - behind from neon.said'""",
        "grant usage on schema neon to public",
    ):
        admin.execute(text)
    target = await read_target(sql, IN_SQL)
    gauges = Gauges({"backpressure": 1024.0**2})

    async def look() -> str:
        busy = (await gauges.read(sql, target)).busy
        return busy["backpressure"].why if busy else ""

    admin.execute("update neon.said set behind = 2000000")
    assert [await look(), await look()] == ["", ""]  # anybody's functions are not called
    for text in (
        "set allow_system_table_mods = on",
        """insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            values (99999, 'neon', 10, 'neon'::regnamespace, false, '1')""",
        """insert into pg_depend select 'pg_proc'::regclass, oid, 0, 'pg_extension'::regclass, 99999, 0, 'e'
            from pg_proc where pronamespace = 'neon'::regnamespace""",
    ):
        admin.execute(text)
    try:
        assert [await look(), await look()] == ["", "Neon's storage is over 1 MB behind"]
        admin.execute("update neon.said set behind = 0, throttled = 1000000000")
        assert await look() == "Neon slows writes down, for its storage is behind"
        assert await look() == ""
    finally:
        admin.execute("delete from pg_depend where refobjid = 99999")
        admin.execute("delete from pg_extension where oid = 99999")


async def test_a_standby_that_this_role_cannot_see_halves_the_speed(sql: Neon, postgres: Postgres) -> None:
    await make_messages(sql, 50)
    with postgres.databases.admin.to("postgres").connect() as admin:
        parameters = f"{admin.info.dsn} password={admin.info.password} replication=true"
    sender = psycopg.pq.PGconn.connect(parameters.encode())
    try:
        where = sender.exec_(b"IDENTIFY_SYSTEM").get_value(0, 2) or b""
        assert sender.exec_(b"START_REPLICATION " + where).status == psycopg.pq.ExecStatus.COPY_BOTH
        told: list[Progress] = []
        assert (await run(sql, IN_SQL, batch_size=10, on_progress=told.append)).done
        assert any(each.pace.startswith("half speed, for this role cannot see how far the standby") for each in told)
        assert await touched(sql) == {"1": 50}
        found = await plan(sql, IN_SQL)
        assert "half speed" in found.busy[0]
        with postgres.databases.admin.to("postgres").connect() as admin:
            # It never said what it has replayed, as pg_receivewal does not; who may look sees how far it is.
            ((known,),) = admin.execute(f"select {Replication().ask(await read_target(sql, IN_SQL), 1.0)}").fetchall()
        assert [lag is not None for _, lag in known] == [True]
    finally:
        sender.finish()


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_budget_of_wal_is_held(sql: Neon, workers: int) -> None:
    """A run takes the time that what it writes is worth, at least: a busy machine only makes it longer."""
    await make_messages(sql, 50)
    told: list[Progress] = []
    lsns: list[float] = []
    read = Gauges.read

    async def noted(self: Gauges, *given: Any) -> Seen:
        lsns.append(float(await value(sql, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')") or 0))
        return await read(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gauges, "read", noted)
        report = await run(sql, IN_SQL, batch_size=5, wal_budget="5kB/s", workers=workers, on_progress=told.append)
    assert report.done
    saved = 1.0  # seconds
    assert report.seconds + saved > (lsns[-1] - lsns[0]) / (5 * 1024)
    assert "5 kB/s of WAL at most" in {progress.pace for progress in told}


async def test_a_rate_is_held_for_all_workers_together(sql: Neon) -> None:
    """No second has more rows than the rate, but for the batches that were on their way when it began."""
    await make_messages(sql, 600)
    told: list[Progress] = []
    report = await run(sql, IN_SQL, batch_size=20, rate="400/s", workers=4, shards=8, on_progress=told.append)
    assert (report.done, report.changed) == (True, 600)
    assert report.seconds > (600 - 20) / 400
    most = await value(
        sql,
        """select max(rows) from (select sum(scanned) over (order by at range interval '1 second' preceding) as rows
        from sendoka.backfill_batches) b""",
    )
    assert int(most or 0) <= 400 + 20 + 4 * 20
    assert "400/s at most" in {progress.pace for progress in told}


# ------------------------------------------------------------------ while it waits


async def test_workers_that_wait_for_the_same_say_so_as_one(sql: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_messages(sql, 50)
    await execute(sql, "create table busy as select true as now")
    monkeypatch.setattr(Vacuum, "ask", lambda *_: "to_jsonb((select now from busy))")
    async with waiting(sql, workers=3, shards=6, batch_size=5) as told:
        await _until(sql, "select reason ~ 'vacuum' from sendoka.backfill_runs")
        assert "vacuum" in told[-1].waiting
        await execute(sql, "update busy set now = false")
    waits = [event.detail for event in await events_of(sql, 1) if event.event == "waits"]
    assert len(waits) == 1
    assert "vacuum" in waits[0]


async def test_a_step_holds_its_rows_while_it_waits(sql: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_messages(sql, 50)
    await execute(sql, "create table busy as select true as now")
    monkeypatch.setattr(Vacuum, "ask", lambda *_: "to_jsonb((select now from busy))")
    async with waiting(sql, in_python, lease=1.5) as told:
        lease = "select lease_until::text from sendoka.backfill_shards where owner is not null"
        first = await value(sql, lease)
        await _until(sql, f"select ({lease}) <> $1", first)
        assert await value(sql, "select seq from sendoka.backfill_shards") == "1"
        assert told[-1].waiting
        await execute(sql, "update busy set now = false")


async def test_a_pause_ends_a_wait_for_room(sql: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_messages(sql, 50)
    await execute(sql, "create table busy as select true as now")
    monkeypatch.setattr(Vacuum, "ask", lambda *_: "to_jsonb((select now from busy))")
    async with waiting(sql) as told:
        await pause(sql, "touch")
        for _ in range(1000):
            if told[-1].waiting.startswith("it is paused"):
                break
            await asyncio.sleep(0.01)
        assert "sendoka backfill resume touch" in told[-1].waiting
        await execute(sql, "update busy set now = false")
        await resume(sql, "touch")


async def test_a_run_works_in_its_hours_only(sql: Neon) -> None:
    await make_messages(sql, 50)
    now = datetime.fromtimestamp(float(await value(sql, "select extract(epoch from clock_timestamp())") or 0), UTC)

    def hours(begin: int, end: int) -> str:
        return f"{now + timedelta(hours=begin):%H:%M}-{now + timedelta(hours=end):%H:%M}"

    closed = hours(2, 3)
    report = await run(sql, IN_SQL, between=closed, tz="UTC", deadline=60)
    assert (report.state, report.reason) == ("stopped", f"it runs between {closed} UTC only")
    assert (report.here, report.seconds < 30) == (0, True)
    assert (await plan(sql, IN_SQL, between=closed, tz="UTC")).busy == (f"it is not {closed} UTC",)
    assert (await run(sql, IN_SQL, between=hours(-1, 2), tz="UTC")).done


async def _until(sql: Neon, question: str, *params: str | None) -> None:
    for _ in range(2000):
        if await value(sql, question, *params) == "t":
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {question}")
