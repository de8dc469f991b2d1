"""The client through the endpoint to a real Postgres, over both transports."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendoka import Json, Retry, neon
from sendoka.errors import (
    AnswerLost,
    DatabaseError,
    EndpointError,
    ForeignKeyViolation,
    ReadOnlyTransaction,
    SerializationFailure,
    TransportError,
    UndefinedTable,
    UniqueViolation,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.local.postgres import Postgres

    Direct = psycopg.Connection[Any]


@pytest.fixture(params=["native", "httpx"])
async def sql(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Neon]:
    async with neon(database_url, transport=request.param) as client:
        yield client


ROUND_TRIPS: list[tuple[str, Any]] = [
    ("text", 'it\'s "a" \\ b\n\t{NULL} é 日本 🎉'),
    ("text", ""),
    ("varchar(10)", "abc"),
    ("int2", -32768),
    ("int4", 2**31 - 1),
    ("int8", -(2**63)),
    ("float8", 1e-300),
    ("float8", float("inf")),
    ("numeric", Decimal("12345678901234567890.123456789")),
    ("bool", True),
    ("timestamptz", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
    ("timestamptz", datetime(1, 1, 1, 0, 0, tzinfo=UTC)),
    ("timestamptz", datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    ("timestamp", datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("date", date(2026, 2, 28)),
    ("uuid", UUID(int=2**127 + 5)),
    ("bytea", bytes(range(256))),
    ("json", {"b": 1, "a": [1, None, "x\n"]}),
    ("jsonb", {"a": {"b": [True, 1.5]}}),
    ("text[]", ["a", None, "NULL", "", '"', "\\", "{}", "a,b", "x\ny"]),
    ("int4[]", [1, None, -3]),
    ("int8[]", []),
    ("bool[]", [True, False, None]),
    ("numeric[]", [Decimal("1.10"), None]),
    ("uuid[]", [UUID(int=1)]),
    ("timestamptz[]", [datetime(2026, 1, 2, tzinfo=UTC)]),
    ("date[]", [date(2026, 1, 2)]),
    ("bytea[]", [b"\x00\\", b""]),
    ("jsonb[]", [{"a": 'q"'}, {"b": "\\"}]),
]


@pytest.mark.parametrize(("cast", "value"), ROUND_TRIPS, ids=[f"{cast} {value!r}"[:50] for cast, value in ROUND_TRIPS])
async def test_a_value_comes_back_as_it_went(sql: Neon, cast: str, value: Any) -> None:
    back = await sql(f"select $1::{cast} as v", value).value()
    assert back == value
    assert type(back) is type(value)
    assert await sql(f"select $1::{cast} as v", None).value() is None


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_alone_and_in_arrays(database_url: str, text: str, texts: list[str]) -> None:
    async def ask() -> tuple[str, list[str], Any]:
        async with neon(database_url, transport="native") as sql:
            row = await sql("select $1::text, $2::text[], $3::jsonb", text, texts, Json([text, texts])).one()
            return row[0], row[1], row[2]

    assert asyncio.run(ask()) == (text, texts, [text, texts])


async def test_a_result_says_command_count_and_fields(sql: Neon) -> None:
    await sql("create table t (id int primary key, name text)")
    result = await sql("insert into t values ($1, $2), (2, 'b') returning id, name", 1, "a").result()
    assert (result.command, result.row_count, result.rows) == ("INSERT", 2, [(1, "a"), (2, "b")])
    assert [(field.name, field.type_oid) for field in result.fields] == [("id", 23), ("name", 25)]
    assert (await sql("analyze t").result()).row_count is None


ERRORS: list[tuple[str, type[DatabaseError], str]] = [
    ("select * from nowhere", UndefinedTable, "42P01"),
    ("insert into t values (1), (1)", UniqueViolation, "23505"),
    ("selec 1", DatabaseError, "42601"),
    ("select 1; select 2", DatabaseError, "42601"),
]


@pytest.mark.parametrize(("text", "cls", "sqlstate"), ERRORS)
async def test_an_error_of_postgres_arrives_whole(
    sql: Neon, text: str, cls: type[DatabaseError], sqlstate: str
) -> None:
    await sql("create table t (id int primary key)")
    with pytest.raises(cls) as caught:
        await sql(text)
    assert (caught.value.sqlstate, caught.value.outcome, caught.value.statement) == (sqlstate, "failed", text)
    if sqlstate == "23505":
        assert (caught.value.constraint, caught.value.table, caught.value.schema) == ("t_pkey", "t", "public")


async def test_a_wrong_password_and_an_unknown_database_are_refused(database_url: str) -> None:
    wrong = database_url.replace(database_url.split(":")[2].split("@", maxsplit=1)[0], "hunter2")
    async with neon(wrong, transport="native") as sql:
        with pytest.raises(EndpointError, match="password authentication failed") as caught:
            await sql("select 1")
    assert caught.value.outcome == "refused"
    assert "hunter2" not in str(caught.value)
    async with neon(database_url.rpartition("/")[0] + "/nowhere", transport="native") as sql:
        with pytest.raises(DatabaseError, match="does not exist") as missing:
            await sql("select 1")
    assert missing.value.outcome == "refused"


# ------------------------------------------------------------------ transactions


async def test_later_statements_see_earlier_ones_and_all_is_there_afterwards(sql: Neon, direct: Direct) -> None:
    done = await sql.transaction(
        [
            sql("create table t (id int)"),
            sql("insert into t select generate_series(1, $1::int)", 3),
            sql("select count(*) from t"),
        ]
    )
    assert [result.command for result in done.results] == ["CREATE", "INSERT", "SELECT"]
    assert [done[0], done[1], done[2]] == [[], [], [(3,)]]
    assert direct.execute("select count(*) from t").fetchall() == [(3,)]


DEFERRED = "create table d (id int primary key, up int references d deferrable initially deferred)"


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        (["insert into d values (1)", "insert into d values (1)", "insert into d values (2)"], UniqueViolation),
        (["insert into d values (1)", "select broken"], DatabaseError),
        (["insert into d values (1, 99)"], ForeignKeyViolation),
    ],
    ids=["in the middle", "at the end", "at COMMIT"],
)
async def test_any_failure_leaves_nothing(
    sql: Neon, direct: Direct, statements: list[str], error: type[DatabaseError]
) -> None:
    await sql(DEFERRED)
    with pytest.raises(error) as caught:
        await sql.transaction([sql(text) for text in statements])
    assert caught.value.outcome == "failed"
    assert direct.execute("select count(*) from d").fetchall() == [(0,)]


async def test_the_options_reach_the_database(sql: Neon) -> None:
    show = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"]
    done = await sql.transaction(
        [sql(f"show {name}") for name in show], isolation_level="serializable", read_only=True, deferrable=True
    )
    assert [rows[0][0] for rows in done] == ["serializable", "on", "on"]
    with pytest.raises(ReadOnlyTransaction):
        await sql("create table t ()", read_only=True)


async def test_two_serializable_writers_conflict_and_the_batch_is_sent_again(
    sql: Neon, direct: Direct, endpoint: Endpoint
) -> None:
    """Write skew: without serializable both would pass; the loser is sent again and sees the winner."""
    await sql.transaction([sql("create table t (id int)"), sql("insert into t values (1)")])
    endpoint.requests = 0

    found: list[int] = []

    async def one() -> None:
        done = await sql.transaction(
            [
                sql("insert into t select count(*) from t"),
                sql("select pg_sleep(0.2)"),
                sql("select max(id) from t"),
            ],
            isolation_level="serializable",
        )
        found.append(int(done[2][0][0]))

    async with anyio.create_task_group() as both:
        both.start_soon(one)
        both.start_soon(one)
    assert sorted(found) == [1, 2]
    assert endpoint.requests == 3
    with pytest.raises(SerializationFailure):
        await neon_once(sql, endpoint)


async def neon_once(sql: Neon, endpoint: Endpoint) -> None:
    """Fail for good: a client that never sends twice sees the conflict itself."""
    function = "create function fail() returns void language plpgsql as $$ begin raise sqlstate '40001'; end $$"
    await sql(function)
    await sql("select fail()")


async def test_a_savepoint_may_stand_in_the_list(sql: Neon) -> None:
    done = await sql.transaction(
        [
            sql("create table t (id int)"),
            sql("savepoint a"),
            sql("insert into t values (1)"),
            sql("rollback to a"),
            sql("select * from t"),
        ]
    )
    assert done[4] == []


# ------------------------------------------------------------------ the two faults


FAULTS = [("connection_closed", True), ("cut_after", True), ("cut_body", True), ("cut_before", False)]


@pytest.mark.parametrize(("kind", "ran"), FAULTS)
async def test_a_lost_answer_is_unknown_and_the_write_is_there_at_most_once(
    sql: Neon, direct: Direct, endpoint: Endpoint, kind: Any, ran: bool
) -> None:
    await sql("create table t (id int)")
    endpoint.faults.add(kind, match="insert into t", times=2)
    with pytest.raises(AnswerLost) as caught:
        await sql("insert into t values (1)")
    assert caught.value.outcome == "unknown"
    with pytest.raises(AnswerLost) as caught:
        await sql.transaction([sql("insert into t values (2)"), sql("insert into t values (3)")])
    assert caught.value.outcome == "unknown"
    rows = direct.execute("select id from t order by id").fetchall()
    assert rows == ([(1,), (2,), (3,)] if ran else [])


@pytest.mark.parametrize(("kind", "ran"), FAULTS)
async def test_what_is_read_only_or_idempotent_is_asked_again(
    sql: Neon, endpoint: Endpoint, kind: Any, ran: bool
) -> None:
    endpoint.faults.add(kind, match="select 1", times=2)
    assert await sql("select 1", read_only=True).value() == 1
    endpoint.faults.add(kind, match="select 2", times=2)
    assert await sql("select 2", idempotent=True).value() == 2
    assert endpoint.requests == 6


async def test_a_refusal_that_passes_is_waited_out(sql: Neon, direct: Direct, endpoint: Endpoint) -> None:
    await sql("create table t (id int)")
    endpoint.faults.add("refuse", match="insert into t", times=2)
    await sql("insert into t values (1)")
    assert direct.execute("select count(*) from t").fetchall() == [(1,)]


async def test_without_retry_nothing_is_sent_twice(database_url: str, endpoint: Endpoint) -> None:
    async with neon(database_url, transport="native", retry=Retry(attempts=1)) as sql:
        endpoint.faults.add("refuse", match="select 1")
        with pytest.raises(TransportError) as caught:
            await sql("select 1")
    assert (caught.value.outcome, endpoint.requests) == ("refused", 1)


@pytest.mark.parametrize(
    ("at_fault", "others"),
    [
        ("select * from nope", ["select 1", "create table yes (a int)"]),
        ("select nope from pg_class", ["select relname from pg_class", "select 1"]),
        ("selec 1", ["select 1", "select 2"]),
        ('insert into public."No" values (1)', ["select 1"]),
    ],
)
async def test_the_error_of_a_transaction_names_its_statement_where_that_is_proven(
    sql: Neon, at_fault: str, others: list[str]
) -> None:
    for texts in ([*others, at_fault], [others[0], at_fault, *others[1:]]):
        with pytest.raises(DatabaseError) as caught:
            await sql.transaction([sql(text) for text in texts])
        assert caught.value.statement == at_fault
        assert f"in: {at_fault}" in str(caught.value)


async def test_the_error_of_a_transaction_names_no_statement_where_it_may_be_another(sql: Neon) -> None:
    with pytest.raises(DatabaseError) as caught:
        await sql.transaction([sql("select 1/(1 - 1)"), sql("select 2/(1 - 1)")])
    assert caught.value.statement is None


async def test_a_list_for_a_column_of_json_says_what_to_write(sql: Neon) -> None:
    with pytest.raises(DatabaseError, match=r"write Json\(\[\.\.\.\]\)"):
        await sql("select $1::jsonb", [1, 2])
    assert await sql("select $1::jsonb", Json([1, 2])).value() == [1, 2]


@pytest.mark.parametrize(
    ("text", "params", "said"),
    [
        ("select 1 where 1 = %s", (1,), r"placeholders are \$1"),
        ("select 1 where 1=%s", (1,), r"placeholders are \$1"),
        ("select 1 where 1 = :a", (1,), r"placeholders are \$1"),
        ("select 1 where 1 = ?", (1,), r"placeholders are \$1"),
        ("select ?, ?", (1, 2), r"placeholders are \$1"),
        ("select $1::int", (), r"has \$1 alone, and no parameters were given"),
        ("select * from $1", ("t",), r"by ident\(\)"),
        ('select * from "public.t"', (), r'ident\("public", "t"\)'),
        ("create table t (a int default $1)", (1,), r"CREATE takes no parameters.*literal\(\)"),
        ("lock table pg_class", (), r"one list with what it is for"),
        ("select $1::json", ("x",), r"Json\(value\) makes it"),
    ],
)
async def test_a_slip_in_the_call_says_what_to_write(sql: Neon, text: Any, params: tuple[Any, ...], said: str) -> None:
    with pytest.raises(DatabaseError, match=said):
        await sql(text, *params)


async def test_an_error_shows_where(sql: Neon) -> None:
    with pytest.raises(DatabaseError, match=r"in: select pg_sleep\(9\)"):
        await sql.transaction([sql("select pg_sleep(9)")], settings={"statement_timeout": "20ms"})
    with pytest.raises(DatabaseError) as caught:
        await sql("select 1\nfrom pg_class\nwhere nme = $1", "x")
    assert str(caught.value).splitlines()[1:3] == ["in line 3: where nme = $1", " " * 17 + "^"]


async def test_a_database_that_is_not_there_is_no_statement_s_fault(database_url: str) -> None:
    async with neon(database_url, database="nope") as sql:
        with pytest.raises(DatabaseError) as caught:
            await sql("select 1")
    assert str(caught.value) == 'database "nope" does not exist (3D000)'


@pytest.mark.parametrize("transport", ["native", "httpx"])
async def test_the_port_of_postgres_itself_is_recognised(postgres: Postgres, transport: str) -> None:
    login = postgres.login
    url = f"postgresql://u:p@127.0.0.1:{login.port}/db"
    async with neon(url, transport=transport, retry=Retry(attempts=1)) as sql:
        with pytest.raises(AnswerLost, match=r"is that PostgreSQL's own port\? start `sendoka dev`"):
            await sql("select 1")
