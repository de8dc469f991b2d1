"""The seam over TCP, through a real Postgres: text both ways, outcomes, transactions, no session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.database import Retry, Statement, TransactionOptions
from sendoka.direct import Direct
from sendoka.errors import (
    DatabaseError,
    Outcome,
    ProgrammingError,
    QueryCanceled,
    ReadOnlyTransaction,
    RequestTimeout,
    SettingsError,
    UndefinedTable,
    UniqueViolation,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from sendoka.database import Cells, Database
    from sendoka.local.postgres import Postgres

    Watcher = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
async def tcp(postgres: Postgres, database: str) -> AsyncIterator[Direct]:
    """The test's database over TCP; it never sends twice."""
    async with Direct(postgres.login.to(database).url, retry=Retry(attempts=1)) as found:
        yield found


async def cells(database: Database, text: str, *params: str | None) -> list[Cells]:
    return (await database.run(Statement(text, params))).rows


TYPES = [
    ("bool", "t"),
    ("int2", "-32768"),
    ("int8", "9223372036854775807"),
    ("numeric", "1.50"),
    ("float8", "NaN"),
    ("float4", "1.1"),
    ("text", "é\"'\\\n,{}"),
    ('"char"', "x"),
    ("char(3)", "a  "),
    ("bytea", "\\x00ff"),
    ("timestamptz", "2024-02-29 12:34:56.789012+00"),
    ("timestamp", "infinity"),
    ("date", "0044-03-15 BC"),
    ("time", "24:00:00"),
    ("interval", "1 year 2 mons 3 days 04:05:06.000007"),
    ("uuid", "00000000-0000-0000-0000-000000000001"),
    ("json", '{"a":  1}'),
    ("jsonb", '{"a": [1, null]}'),
    ("text[]", '{a,"b c",NULL,"NULL","\\""}'),
    ("int4[]", "[2:3]={1,2}"),
    ("int4[]", "{{1,2},{3,4}}"),
    ("jsonb[]", '{"{\\"a\\": 1}"}'),
    ("int4range", "[1,5)"),
    ("int4multirange", "{[1,3),[5,7)}"),
    ("tstzrange", '["2024-01-01 00:00:00+00",)'),
    ("inet", "10.0.0.1/8"),
    ("point", "(1,2)"),
    ("bit(3)", "101"),
    ("xid", "7"),
    ("regclass", "pg_class"),
    ("tid", "(0,1)"),
    ("money", "$1.00"),
    ("oid", "4294967295"),
    ("name", "n"),
    ("pg_lsn", "0/1"),
    ("tsvector", "'a':1"),
    ("jsonpath", '$."a"'),
]


@pytest.mark.parametrize(("kind", "text"), TYPES)
async def test_parameters_and_cells_are_postgres_text_whatever_the_type(tcp: Direct, kind: str, text: str) -> None:
    assert await cells(tcp, f"select $1::{kind}, null::{kind}, $2::{kind}", text, None) == [[text, None, None]]


async def test_types_of_the_database_s_own_are_text_too_also_those_made_after_connecting(tcp: Direct) -> None:
    await cells(tcp, "select 1")
    await tcp.run_all(
        [
            Statement("create type mood as enum ('sad', 'ok')"),
            Statement("create type pair as (a int, b text[])"),
            Statement("create domain short as text check (length(value) < 5)"),
            Statement("create table t (m mood, l mood[], p pair, s short)"),
            Statement("insert into t values ($1, $2, $3, $4)", ("ok", "{ok,sad}", '(1,"{x,y}")', "abc")),
        ]
    )
    assert await cells(tcp, "select *, t from t where m = $1", "ok") == [
        ["ok", "{ok,sad}", '(1,"{x,y}")', "abc", '(ok,"{ok,sad}","(1,""{x,y}"")",abc)']
    ]


async def test_both_seams_answer_the_same(tcp: Direct, database_url: str) -> None:
    statements = [
        Statement("create table t (a int primary key, b text[])"),
        Statement("insert into t values ($1, $2), (2, null) returning *", ("1", "{x,NULL}")),
        Statement("select a, b, a as a, now() is null from t order by a"),
        Statement("update t set a = a + 10 where a = $1", ("1",)),
        Statement("select 1 where false"),
        Statement("-- nothing"),
        Statement("drop table t"),
    ]
    async with neon(database_url) as http:
        over_http, over_tcp = await http.run_all(statements), await tcp.run_all(statements)
    assert [(result.rows, result.command, result.row_count) for result in over_tcp] == [
        (result.rows, result.command, result.row_count) for result in over_http
    ]
    assert [[(field.name, field.type_oid) for field in result.fields] for result in over_tcp] == [
        [(field.name, field.type_oid) for field in result.fields] for result in over_http
    ]


@pytest.mark.parametrize(
    ("text", "params", "error", "fields"),
    [
        ("insert into t values (1)", (), UniqueViolation, {"constraint": "t_pkey", "table": "t", "schema": "public"}),
        ("select * from missing", (), UndefinedTable, {"position": 15}),
        ("select $1::int", ("x",), DatabaseError, {"sqlstate": "22P02"}),
        ("select $1::int", (), ProgrammingError, {"sqlstate": "08P01"}),
        ("select 1; select 2", (), DatabaseError, {"sqlstate": "42601"}),
        ("insert into t values (null)", (), DatabaseError, {"sqlstate": "23502", "column": "a"}),
    ],
)
async def test_errors_carry_what_postgres_said_and_undo_the_transaction(
    tcp: Direct, text: str, params: tuple[str, ...], error: type[DatabaseError], fields: dict[str, object]
) -> None:
    await tcp.run_all([Statement("create table t (a int primary key)"), Statement("insert into t values (1)")])
    for statements in ([Statement(text, params)], [Statement("insert into t values (7)"), Statement(text, params)]):
        with pytest.raises(error) as caught:
            await (tcp.run_all(statements) if len(statements) > 1 else tcp.run(statements[0]))
        assert caught.value.outcome is Outcome.FAILED
        assert caught.value.statement == text
        assert {name: getattr(caught.value, name) for name in fields} == fields
    assert await cells(tcp, "select a from t") == [["1"]]


async def test_an_error_of_commit_itself_leaves_nothing(tcp: Direct) -> None:
    await tcp.run(Statement("create table t (a int unique deferrable initially deferred)"))
    with pytest.raises(UniqueViolation) as caught:
        await tcp.run_all([Statement("insert into t values (1)"), Statement("insert into t values (1)")])
    assert caught.value.outcome is Outcome.FAILED
    assert await cells(tcp, "select * from t") == []


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable", "ReadUncommitted"])
async def test_options_open_the_transaction(tcp: Direct, level: str) -> None:
    options = TransactionOptions(isolation_level=level, read_only=True, deferrable=True)
    (result,) = await tcp.run_all(
        [
            Statement(
                """select replace(current_setting('transaction_isolation'), ' ', ''),
                   current_setting('transaction_read_only'), current_setting('transaction_deferrable')"""
            )
        ],
        options,
    )
    assert result.rows == [[level.lower().replace(" ", ""), "on", "on"]]


async def test_a_read_only_transaction_refuses_to_write(tcp: Direct) -> None:
    with pytest.raises(ReadOnlyTransaction):
        await tcp.run_all([Statement("create table t ()")], TransactionOptions(read_only=True))


async def test_one_statement_runs_outside_a_transaction(tcp: Direct) -> None:
    await tcp.run(Statement("create table t (a int)"))
    assert (await tcp.run(Statement("create index concurrently on t (a)"))).command == "CREATE"


async def test_nothing_of_a_session_reaches_the_next_statement(tcp: Direct) -> None:
    await tcp.run(Statement("set statement_timeout = 5"))
    await tcp.run(Statement("create temporary table scratch ()"))
    assert await cells(tcp, "show statement_timeout") == [["0"]]
    assert await cells(tcp, "select to_regclass('scratch')") == [[None]]


@pytest.mark.parametrize(
    ("leave", "text", "found"),
    [
        ("set role pg_monitor", "select current_user = session_user", "t"),
        ("set session authorization pg_monitor", "select current_user = $1", "t"),
        ("prepare p as select 1", "select count(*) from pg_prepared_statements where name = 'p'", "0"),
        ("select pg_advisory_lock(1)", "select count(*) from pg_locks where locktype = 'advisory'", "0"),
        ("listen x", "select count(*) from pg_listening_channels()", "0"),
        ("begin", "select txid_current_if_assigned() is null", "t"),
    ],
)
async def test_nothing_of_a_session_stays_whoever_the_role_is(
    postgres: Postgres, database: str, leave: str, text: str, found: str
) -> None:
    admin = postgres.databases.admin.to(database)
    async with Direct(admin.url, connections=1) as tcp:
        before = await cells(tcp, "select pg_backend_pid()")
        await tcp.run(Statement(leave))
        assert await cells(tcp, text, *([admin.user] if "$1" in text else [])) == [[found]]
        assert await cells(tcp, "select pg_backend_pid()") == before


async def test_a_transaction_that_was_left_open_takes_nothing_along(tcp: Direct, direct: Watcher) -> None:
    await tcp.run(Statement("create table t (a int)"))
    await tcp.run(Statement("begin"))
    await tcp.run(Statement("insert into t values (1)"))
    assert direct.execute("select a from t").fetchall() == [(1,)]


async def test_a_sequence_s_last_value_belongs_to_its_session(postgres: Postgres, database: str) -> None:
    async with Direct(postgres.login.to(database).url, connections=1) as tcp:
        await tcp.run_all([Statement("create sequence s"), Statement("select nextval('s')")])
        with pytest.raises(DatabaseError) as caught:
            await tcp.run(Statement("select currval('s')"))
    assert caught.value.sqlstate == "55000"


@pytest.mark.parametrize(
    ("given", "query", "shown"), [("sendoka", "", "sendoka"), ("x", "", "x"), ("x", "?application_name=y", "y")]
)
async def test_it_has_a_name_that_a_reset_keeps(
    postgres: Postgres, database: str, given: str, query: str, shown: str
) -> None:
    async with Direct(postgres.login.to(database).url + query, connections=1, application_name=given) as tcp:
        await tcp.run(Statement("set application_name = 'other'"))
        assert await cells(tcp, "show application_name") == [[shown]]


def test_each_event_loop_has_connections_of_its_own(postgres: Postgres, database: str) -> None:
    tcp = Direct(postgres.login.to(database).url, connections=1)

    async def once() -> None:
        async with tcp:
            assert await asyncio.gather(*(cells(tcp, "select 1") for _ in range(3))) == [[["1"]]] * 3

    for _ in range(2):
        asyncio.run(once())


async def test_statements_run_beside_each_other(tcp: Direct) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(cells(tcp, "select pg_sleep(0.3)") for _ in range(4)))
    assert loop.time() - began < 1.0


async def until_running(watcher: Watcher, text: str) -> int:
    """Return the process that runs `text`, once it sleeps: while it is parsed it is called active too."""
    asleep = "select pid from pg_stat_activity where query = %s and wait_event = 'PgSleep'"
    for _ in range(500):
        found = watcher.execute(asleep, (text,))
        for (pid,) in found:
            return int(pid)
        await asyncio.sleep(0.01)
    raise AssertionError(f"{text} never ran")


@pytest.mark.parametrize("batch", [False, True])
async def test_a_backend_that_is_ended_during_a_statement_is_unknown(tcp: Direct, direct: Watcher, batch: bool) -> None:
    statement = Statement("select pg_sleep(5)")
    task = asyncio.create_task(tcp.run_all([statement]) if batch else tcp.run(statement))
    direct.execute("select pg_terminate_backend(%s)", (await until_running(direct, statement.text),))
    with pytest.raises(DatabaseError) as caught:
        await task
    assert (caught.value.sqlstate, caught.value.outcome) == ("57P01", Outcome.UNKNOWN)
    assert await cells(tcp, "select 1") == [["1"]]


async def test_an_idle_connection_that_died_is_replaced(postgres: Postgres, database: str, direct: Watcher) -> None:
    async with Direct(postgres.login.to(database).url) as tcp:
        await tcp.run(Statement("create table t (a int)"))
        others = "datname = current_database() and pid <> pg_backend_pid()"
        direct.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")
        await tcp.run(Statement("insert into t values (1)"))
        assert await cells(tcp, "select a from t") == [["1"]]


@pytest.mark.parametrize("batch", [False, True])
async def test_being_cancelled_ends_the_connection_and_the_next_statement_gets_another(
    tcp: Direct, direct: Watcher, batch: bool
) -> None:
    statement = Statement("select pg_sleep(30)")
    task = asyncio.create_task(tcp.run_all([statement]) if batch else tcp.run(statement))
    pid = await until_running(direct, statement.text)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await cells(tcp, "select pg_backend_pid() <> $1::int", str(pid)) == [["t"]]
    await until_gone(direct, pid)


async def until_gone(watcher: Watcher, pid: int) -> None:
    """Wait until a backend has ended: far less than its statement would take."""
    for _ in range(500):
        if watcher.execute("select 1 from pg_stat_activity where pid = %s", (pid,)).fetchone() is None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"the backend {pid} goes on")


async def test_a_statement_that_was_cancelled_says_so(tcp: Direct, direct: Watcher) -> None:
    statement = Statement("select pg_sleep(31)")
    task = asyncio.create_task(tcp.run(statement))
    direct.execute("select pg_cancel_backend(%s)", (await until_running(direct, statement.text),))
    with pytest.raises(QueryCanceled) as caught:
        await task
    assert caught.value.outcome is Outcome.FAILED


@pytest.mark.parametrize(("user", "database", "code"), [("nobody_here", None, "28"), (None, "no_such_db", "3D000")])
async def test_a_refused_login_is_refused_and_shows_no_password(
    postgres: Postgres, user: str | None, database: str | None, code: str
) -> None:
    login = postgres.login
    url = f"postgresql://{user or login.user}:{login.password}@{login.host}:{login.port}/{database or login.database}"
    async with Direct(url) as refused:
        with pytest.raises(DatabaseError) as caught:
            await refused.run(Statement("select 1"))
    assert caught.value.outcome is Outcome.REFUSED
    assert caught.value.sqlstate.startswith(code)
    assert login.password not in str(caught.value)


async def test_what_asyncpg_cannot_use_of_a_url_is_a_settings_error(postgres: Postgres) -> None:
    async with Direct("postgresql://u:secret@127.0.0.1/db?sslmode=sometimes") as wrong:
        with pytest.raises(SettingsError) as caught:
            await wrong.run(Statement("select 1"))
    assert "secret" not in str(caught.value)


async def test_a_deadline_ends_the_connection_and_leaves_the_end_unknown(tcp: Direct) -> None:
    loop = asyncio.get_running_loop()
    await tcp.run(Statement("create table t (a int)"))
    began = loop.time()
    with pytest.raises(RequestTimeout, match="1 s") as caught:
        await tcp.run_all(
            [Statement("insert into t values (1)"), Statement("select pg_sleep(3)")], TransactionOptions(timeout=1.0)
        )
    assert loop.time() - began < 2.5
    assert caught.value.outcome is Outcome.UNKNOWN
    assert await cells(tcp, "select * from t") == []


async def test_within_its_deadline_a_transaction_is_answered(tcp: Direct) -> None:
    (result,) = await tcp.run_all([Statement("select 1")], TransactionOptions(timeout=30))
    assert result.rows == [["1"]]


async def test_a_definite_error_after_an_unknown_send_stays_unknown(
    postgres: Postgres, database: str, direct: Watcher
) -> None:
    async with Direct(postgres.login.to(database).url, retry=Retry(attempts=2, first=0.01)) as tcp:
        await tcp.run(Statement("create table t (a int primary key)"))
        sleep = Statement("select pg_sleep(case when exists (select from t) then 0 else 5 end)")
        insert = Statement("insert into t values (1)")
        task = asyncio.create_task(tcp.run_all([sleep, insert], TransactionOptions(idempotent=True)))
        pid = await until_running(direct, sleep.text)
        # Another writer is there before the second send, which is therefore refused for certain.
        direct.execute("insert into t values (1)")
        direct.execute("select pg_terminate_backend(%s)", (pid,))
        with pytest.raises(UniqueViolation) as caught:
            await task
    assert caught.value.outcome is Outcome.UNKNOWN
