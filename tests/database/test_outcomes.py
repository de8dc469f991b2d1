"""What the client says about a failure is never wrong, whoever answers; and no failure shows a secret."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, migrate, neon, paginate
from sendoka.database import Statement, TransactionOptions
from sendoka.errors import (
    AnswerLost,
    DatabaseError,
    DecodeError,
    ForeignKeyViolation,
    InvalidCursor,
    MigrationFailed,
    Outcome,
    SendokaError,
    SettingsError,
    TransportError,
)
from tests.fixtures.canned import ONE, Exchange, answer, canned

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

ONCE = Retry(attempts=1)
SECRET = "s3cr3t-pass"


def count(direct: Direct, table: str) -> int:
    return int(direct.execute(f"select count(*) from {table}".encode()).fetchall()[0][0])


async def test_a_single_statement_that_fails_at_its_commit_is_no_success(sql: Neon, direct: Direct) -> None:
    """The server commits at Sync, after the command was said to be complete."""
    direct.execute("create table p (id int primary key)")
    direct.execute("create table c (pid int references p deferrable initially deferred)")
    direct.execute("grant all on p, c to public")
    for _ in range(2):
        with pytest.raises(ForeignKeyViolation) as raised:
            await sql("insert into c values (9)")
        assert raised.value.outcome is Outcome.FAILED
        assert await sql("select 1").value() == 1
    assert count(direct, "c") == 0


@pytest.mark.parametrize(
    ("kill", "outcome"), [("pg_terminate_backend", Outcome.UNKNOWN), ("pg_cancel_backend", Outcome.FAILED)]
)
async def test_a_session_that_ends_within_its_commit_is_no_success(
    database_url: str, direct: Direct, kill: str, outcome: Outcome
) -> None:
    direct.execute("create table t (i int)")
    direct.execute(
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$"
    )
    direct.execute(
        "create constraint trigger slow after insert on t deferrable initially deferred "
        "for each row execute function slow()"
    )
    direct.execute("grant all on t to public")
    asleep = f"select {kill}(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
    async with neon(database_url, transport="native", retry=ONCE) as sql:
        task = asyncio.create_task(sql("insert into t values (1)").result())
        while not direct.execute(asleep.encode()).fetchone():  # noqa: ASYNC110 - it is the database that is waited for
            await asyncio.sleep(0.01)
        with pytest.raises(DatabaseError) as raised:
            await task
    assert raised.value.outcome is outcome
    assert count(direct, "t") == 0


@pytest.mark.parametrize(
    "document",
    [
        {"message": "upstream broke", "code": "INTERNAL"},
        {"message": "upstream broke", "code": "GATEWAY_TIMEOUT", "severity": "ERROR"},
        {"message": "rate limited", "code": 28},
        {"message": "upstream broke", "code": "58000"},
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_code_of_a_gateway_proves_nothing(document: dict[str, Any], status: int) -> None:
    async with canned(answer(document, status)) as server, neon(server.url, transport="native", retry=ONCE) as sql:
        with pytest.raises(SendokaError) as raised:
            await sql("insert into t values (1)")
        assert getattr(raised.value, "outcome", None) is Outcome.UNKNOWN


@pytest.mark.parametrize("first", ["commit", "; rollback", "end work", "abort"])
async def test_nor_is_one_that_ends_itself_and_goes_on_in_none(
    sql: Neon, direct: Direct, endpoint: Endpoint, first: str
) -> None:
    """`sql.transaction` refuses such a list; a migration's file or a backfill's text may hold one."""
    direct.execute("create table t (i int)")
    direct.execute("grant all on t to public")
    fault = endpoint.faults.add("cut_after", match="insert into t")
    with pytest.raises((AnswerLost, DatabaseError)):
        await sql.run_all([Statement(first), Statement("insert into t values (1)")], TransactionOptions(read_only=True))
    assert count(direct, "t") == endpoint.faults.hits(fault) == 1


@pytest.mark.parametrize("first", ["set transaction read write", "/* */; set transaction_read_only = off"])
async def test_a_read_only_transaction_that_makes_itself_writable_is_not_sent_again(
    sql: Neon, direct: Direct, endpoint: Endpoint, first: str
) -> None:
    direct.execute("create table t (i int)")
    direct.execute("grant all on t to public")
    endpoint.faults.add("cut_after", match="insert into t")
    with pytest.raises(AnswerLost):
        await sql.transaction([sql(first), sql("insert into t values (1)")], read_only=True)
    assert count(direct, "t") == 1


async def test_an_answer_lost_once_stays_unknown_though_later_sends_are_refused(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint, direct: Direct
) -> None:
    chain(["create table t (id int)"])
    await migrate(sql, tmp_path)
    chain(["insert into t values (1)"])
    endpoint.faults.add("late", match="insert into t", seconds=0.5)
    endpoint.faults.add("refuse", match="insert into t", times=0, message="invalid isolation level", status=400)
    with pytest.raises(TransportError) as raised:
        await migrate(sql, tmp_path, deadline=5)
    assert raised.value.outcome is Outcome.UNKNOWN
    await asyncio.sleep(0.8)
    assert count(direct, "t") == 1


async def test_a_table_named_like_ours_is_not_ours(sql: Neon, chain: Chain, tmp_path: Path) -> None:
    chain(["create table sendoka_notes (id int primary key)", *["insert into sendoka_notes values (1)"] * 2])
    async with asyncio.timeout(10):
        with pytest.raises(MigrationFailed) as raised:
            await migrate(sql, tmp_path)
    assert raised.value.statement == 3


async def test_a_probe_that_cannot_be_asked_does_not_hide_the_failure(
    sql: Neon, chain: Chain, tmp_path: Path, endpoint: Endpoint
) -> None:
    chain(["select 1", "select 1/0"])
    endpoint.faults.add("refuse", match="do $probe$", message="invalid isolation level", status=400)
    with pytest.raises(MigrationFailed, match="division by zero") as raised:
        await migrate(sql, tmp_path)
    assert raised.value.statement is None


@pytest.mark.parametrize("style", ["sql_standard", "postgres", "postgres_verbose", "iso_8601"])
async def test_a_negative_interval_arrives_whatever_the_style(
    sql: Neon, direct: Direct, database: str, style: str
) -> None:
    direct.execute(f"alter database {database} set intervalstyle = '{style}'".encode())
    for value in (timedelta(seconds=-1), timedelta(microseconds=-1), timedelta(days=-1, seconds=5), timedelta(days=3)):
        got = await sql("select extract(epoch from $1::interval)::float8", value).value()
        assert got == value.total_seconds()


async def test_json_deeper_than_python_goes_is_an_error_of_ours(sql: Neon) -> None:
    with pytest.raises(DecodeError):
        await sql("select (repeat('[', 1500) || repeat(']', 1500))::json").value()


async def test_a_cell_that_is_no_text_is_an_error_of_ours() -> None:
    document = {**ONE, "rows": [[{"a": 1}]]}
    async with canned(answer(document)) as server, neon(server.url, transport="native", retry=ONCE) as sql:
        with pytest.raises(TransportError):
            await sql("select 1 as n").value()


@pytest.mark.parametrize("at", ["2026-W47-1", "20260101", "2026-01-01T00:00:00+23:59:59.500000"])
async def test_a_cursor_that_only_python_can_read_is_refused(sql: Neon, at: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([1, "", at, "x"]).encode()).decode().rstrip("=")
    with pytest.raises(InvalidCursor):
        await paginate(sql, "select now() as created_at, 'a'::text as id", cursor=cursor)


@pytest.mark.parametrize("host", ["localhost:４４４４", "a\0b", "a\x01b.c", "a..b", "x" * 64 + ".example.com"])
async def test_a_host_that_is_none_is_refused_without_the_secret(host: str) -> None:
    with pytest.raises(SettingsError) as raised:
        neon(f"postgresql://user:{SECRET}@{host}/db")
    assert not shows(raised.value)


async def test_no_frame_of_a_failed_request_holds_the_secret() -> None:
    async def cut(exchange: Exchange) -> None:
        exchange.abort()

    async with canned(cut) as server:
        place = f"postgresql://user:{SECRET}@127.0.0.1:{server.port}/db"
        async with neon(place, transport="native", retry=ONCE, timeout=5) as sql:
            with pytest.raises(AnswerLost) as raised:
                await sql("select 1")
    assert not shows(raised.value)


def shows(error: BaseException | None) -> list[str]:
    """Return where an error, its causes or the locals of Sendoka's own frames show the secret."""
    found = []
    while error is not None:
        if SECRET in f"{error!r} {error} {vars(error)}":
            found.append(repr(type(error)))
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if "/sendoka/" in code.co_filename:
                found += [f"{code.co_name}: {k}" for k, v in trace.tb_frame.f_locals.items() if SECRET in repr(v)]
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("transport", ["native", "httpx"])
@pytest.mark.parametrize("batch", [False, True])
async def test_a_call_that_is_cancelled_is_cancelled_in_postgres_too(
    database_url: str, direct: Direct, transport: str, batch: bool
) -> None:
    running = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"

    async def until(number: int) -> None:
        async with asyncio.timeout(10):
            while direct.execute(running.encode()).fetchall() != [(number,)]:  # noqa: ASYNC110 - the database is waited for
                await asyncio.sleep(0.01)

    async with neon(database_url, transport=transport) as sql:
        text = "select pg_sleep(30)"
        call = sql.transaction([sql(text)]) if batch else sql(text).result()
        task = asyncio.ensure_future(call)
        await until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(0)
        assert await sql("select 1").value() == 1
