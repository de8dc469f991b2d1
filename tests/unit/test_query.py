"""Queries and transactions as values: sent once, refused before sending, and teaching where they are refused."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any, cast

import pytest

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, RequestTimeout
from tests.fixtures.canned import ONE, CannedServer, Exchange, answer, canned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sendoka.http.client import Neon
    from sendoka.http.query import Query
    from sendoka.http.row import Row
    from tests.fixtures.garbage import Search


@pytest.fixture
async def server() -> AsyncIterator[CannedServer]:
    async with canned(answer(ONE)) as server:
        yield server


@pytest.fixture
async def sql(server: CannedServer) -> AsyncIterator[Neon]:
    async with neon(server.url, transport="native") as sql:
        yield sql


async def test_nothing_is_sent_until_it_is_awaited(server: CannedServer, sql: Neon) -> None:
    query = sql("select 1 as n")
    assert server.requests == []
    assert await query == [{"n": 1}]
    assert len(server.requests) == 1


async def test_each_shape_of_an_answer(sql: Neon) -> None:
    assert (await sql("select 1 as n").one()).n == 1
    assert (await sql("select 1 as n").one_or_none()) == {"n": 1}
    assert await sql("select 1 as n").value() == 1
    result = await sql("select 1 as n").result()
    assert (result.command, result.row_count, result.fields[0].name, result.rows) == ("SELECT", 1, "n", [(1,)])


async def test_awaiting_twice_is_an_error(server: CannedServer, sql: Neon) -> None:
    query = sql("select 1 as n")
    await query
    with pytest.raises(RuntimeError, match="already sent"):
        await query
    with pytest.raises(RuntimeError, match="already sent"):
        await query.one()
    assert len(server.requests) == 1


def test_a_query_never_awaited_warns(garbage: Search) -> None:
    sql = neon("postgresql://u:p@localhost/db")
    with pytest.warns(RuntimeWarning, match="query 'select 1'> was never awaited"):
        forget(lambda: sql("select 1"), garbage)
    with pytest.warns(RuntimeWarning, match="transaction of 0 statements> was never awaited"):
        forget(lambda: sql.transaction([]), garbage)


def forget(make: Callable[[], object], garbage: Search) -> None:
    make()
    garbage()


@pytest.mark.parametrize(("rows", "shape"), [([], "one"), ([], "value"), ([["1"], ["2"]], "one_or_none")])
async def test_the_wrong_number_of_rows_is_a_lookup_error(rows: list[list[str]], shape: str) -> None:
    async with canned(answer({**ONE, "rows": rows})) as server, neon(server.url, transport="native") as sql:
        with pytest.raises(LookupError, match="select 1 as n"):
            await getattr(sql("select 1 as n"), shape)()


@pytest.mark.parametrize(
    ("command", "fields", "rows", "says"),
    [
        ("INSERT", [], [], "no row came .*\nit ran, and answers rows with `returning` only$"),
        ("DELETE", ONE["fields"], [["1"], ["2"]], "2 rows came .*\nit ran$"),
        ("SELECT", ONE["fields"], [], "no row came where one was asked for: x$"),
    ],
)
@pytest.mark.parametrize("shape", ["one", "value", "one_or_none"])
async def test_the_wrong_number_of_rows_of_a_write_says_that_it_ran(
    command: str, fields: Any, rows: list[list[str]], says: str, shape: str
) -> None:
    document = {**ONE, "command": command, "fields": fields, "rows": rows}
    async with canned(answer(document)) as server, neon(server.url, transport="native") as sql:
        query = getattr(sql("x"), shape)()
        if shape == "one_or_none" and not rows:
            assert await query is None
        else:
            with pytest.raises(LookupError, match=says):
                await query


async def test_a_transaction_is_one_request_with_only_the_headers_that_were_given() -> None:
    async with canned(answer({"results": [ONE, ONE]})) as server, neon(server.url, transport="native") as sql:
        done = await sql.transaction([sql("select 1 as n"), sql("select $1::int as n", 1)])
        assert done[0] == done[1] == [{"n": 1}]
        assert (done.replayed, [result.command for result in done.results]) == (False, ["SELECT", "SELECT"])
        await sql.transaction([sql("a"), sql("b")], isolation_level="repeatable read", read_only=False, deferrable=True)
    first, second = server.requests
    assert (
        first.body
        == b'{"queries":[{"query":"select 1 as n","params":[]},{"query":"select $1::int as n","params":["1"]}]}'
    )
    assert "Neon-Batch" not in first.head
    options = [line for line in second.head.split("\r\n") if line.startswith("Neon-Batch")]
    assert options == [
        "Neon-Batch-Isolation-Level: RepeatableRead",
        "Neon-Batch-Read-Only: false",
        "Neon-Batch-Deferrable: true",
    ]


async def test_an_empty_list_gives_an_empty_list_and_sends_nothing(server: CannedServer, sql: Neon) -> None:
    assert await sql.transaction([]) == []
    assert server.requests == []


async def test_a_plain_function_may_return_the_list() -> None:
    async with canned(answer({"results": [ONE]})) as server, neon(server.url, transport="native") as sql:
        assert (await sql.transaction(lambda tx: [tx("select 1 as n")]))[0] == [{"n": 1}]
        assert (await sql.transaction(cast("Any", lambda: [sql("select 1 as n")])))[0] == [{"n": 1}]


async def _coroutine(sql: Neon) -> list[Query[Row]]:
    return [sql("select 1")]


async def test_a_read_only_query_tells_the_server(server: CannedServer) -> None:
    async with canned(answer({"results": [ONE]})) as other, neon(other.url, transport="native") as sql:
        assert await sql("select 1 as n", read_only=True).value() == 1
        assert "Neon-Batch-Read-Only: true" in other.requests[0].head


def refused(make: Any, error: type[Exception], says: str, sql: Neon) -> None:
    with pytest.raises(error, match=says):
        make(sql)


REFUSED: list[tuple[str, Any, type[Exception], str]] = [
    ("a text", lambda sql: sql.transaction(["select 1"]), TypeError, "element 1 is a str"),
    ("a list in a list", lambda sql: sql.transaction([[]]), TypeError, "element 1 is a list"),
    ("one query alone", lambda sql: sql.transaction(sql("select 1")), TypeError, "is not a list of queries"),
    ("text alone", lambda sql: sql.transaction("select 1"), TypeError, "is not a list of queries"),
    ("a number", lambda sql: sql.transaction(7), TypeError, "is not a list of queries"),
    ("nothing", lambda sql: sql.transaction(), TypeError, "await sql.transaction"),
    ("begin()", lambda sql: sql.begin(), TypeError, "await sql.transaction"),
    ("a coroutine function", lambda sql: sql.transaction(_coroutine), TypeError, "coroutine function"),
    (
        "a function of a coroutine",
        lambda sql: sql.transaction(lambda tx: _coroutine(tx or sql)),
        TypeError,
        "a coroutine",
    ),
    ("a shape", lambda sql: sql.transaction([sql("select 1").one()]), TypeError, "element 1 is a coroutine"),
    ("a bad level", lambda sql: sql.transaction([], isolation_level="snapshot"), ValueError, "isolation level"),
    ("a text that is none", lambda sql: sql(7), TypeError, "a statement is text"),
    ("a parameter", lambda sql: sql("select $1", object()), TypeError, r"parameter \$1: a value of type object cannot"),
    ("a number in it", lambda sql: sql.transaction([7]), TypeError, "element 1 is an int"),
    (
        "what was said to one statement",
        lambda sql: sql.transaction([sql("select 1"), sql("select 2", read_only=True)]),
        ValueError,
        r"element 2 says read_only=True.*transaction\(\[…\], read_only=True\)",
    ),
    ("an idempotent one", lambda sql: sql.transaction([sql("a", idempotent=True)]), ValueError, "idempotent=True"),
    ("a hasty one", lambda sql: sql.transaction([sql("a", timeout=2)]), ValueError, "timeout=2"),
    ("a bad level of a list", lambda sql: sql.transaction([sql("a")], isolation_level="x"), ValueError, "isolation"),
    ("no time", lambda sql: sql("select 1", timeout=0), ValueError, "above 0"),
    ("no time for a list", lambda sql: sql.transaction([sql("a")], timeout=-1), ValueError, "above 0"),
    ("a bad one in front", lambda sql: sql.transaction(["a", sql("b"), sql("c").one()]), TypeError, "element 1"),
    ("a bad one behind", lambda sql: sql.transaction([sql("a"), [sql("b"), sql("c").one()]]), TypeError, "element 2"),
    ("a transaction in it", lambda sql: sql.transaction([sql.transaction([])]), TypeError, "element 1 is a Trans"),
    ("begin() of queries", lambda sql: sql.begin(sql("a"), [sql("b")]), TypeError, "there is no begin"),
]


@pytest.mark.parametrize(("name", "make", "error", "says"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_what_cannot_be_sent_is_refused_before_sending(
    name: str, make: Any, error: type[Exception], says: str, server: CannedServer, sql: Neon, garbage: Search
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        refused(make, error, says, sql)
        garbage()
    assert [str(warning.message) for warning in warned] == []
    assert server.requests == []


COMMANDS = [
    "BEGIN",
    "start transaction",
    "-- x\nCOMMIT",
    "/* a /* b */ */ end",
    "ROLLBACK",
    ";abort",
    "prepare transaction 'x'",
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_transaction_command_in_the_list_is_refused(command: str, server: CannedServer, sql: Neon) -> None:
    query = sql(command)
    with pytest.raises(ValueError, match="would end the transaction early"):
        await sql.transaction([query])
    assert query.claimed
    assert server.requests == []


async def test_a_query_of_another_client_or_already_sent_is_refused(server: CannedServer, sql: Neon) -> None:
    async with neon(server.url) as other:
        query = other("select 1")
        with pytest.raises(ValueError, match="another client"):
            sql.transaction([query])
    sent = sql("select 1 as n")
    await sent
    with pytest.raises(RuntimeError, match="element 1 was already sent"):
        sql.transaction([sent])
    assert len(server.requests) == 1


async def test_the_same_query_twice_in_a_list_is_refused(server: CannedServer, sql: Neon) -> None:
    query = sql("select 1")
    with pytest.raises(RuntimeError, match="stands twice in the list, as element 1 and 3"):
        sql.transaction([query, sql("select 2"), query])
    assert server.requests == []


async def test_async_with_teaches_the_list_form(server: CannedServer, sql: Neon) -> None:
    with pytest.raises(TypeError, match=r"await sql\.transaction\(\["):
        async with sql.transaction([sql("select 1")]):
            pass
    assert server.requests == []


UNSENDABLE: list[tuple[str, tuple[Any, ...], str]] = [
    ("select '\0'", (), "NUL"),
    ("select $1", ("a\0b",), r"parameter \$1 holds NUL"),
    ("select $1, $2", ("a", "\ud800"), r"parameter \$2 holds half a surrogate"),
    ("select '\ud800'", (), "the statement holds half a surrogate"),
    ("select 1", tuple(range(32_768)), "32768 parameters"),
    ("select $1", ("x" * (64 * 1024 * 1024),), "bytes"),
]


@pytest.mark.parametrize(
    ("text", "params", "says"), UNSENDABLE, ids=["nul", "nul param", "surrogate param", "surrogate", "many", "big"]
)
async def test_what_postgres_cannot_take_fails_before_sending(
    text: str, params: tuple[Any, ...], says: str, server: CannedServer, sql: Neon
) -> None:
    with pytest.raises(ValueError, match=says):
        await sql(text, *params)
    assert server.requests == []


@pytest.mark.parametrize(
    "call", [lambda sql: sql("a", timeout=0.1), lambda sql: sql.transaction([sql("a")], timeout=0.1)]
)
async def test_a_call_may_have_its_own_deadline(call: Any) -> None:
    async def silent(exchange: Exchange) -> None:
        await asyncio.sleep(5)

    async with canned(silent) as server, neon(server.url, transport="native") as sql:
        with pytest.raises(RequestTimeout, match=r"0\.1 s") as caught:
            await asyncio.wait_for(call(sql), 2)
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"x": "secret"}, r"takes no x=: parameters have no names .* \$1, \$2, …, and fragment\(\) takes names"),
        ({"once": "k"}, r"once= belongs to a transaction.*sql\.transaction\(\[sql\(…\)\], once=…\)"),
        ({"isolation_level": "serializable"}, "isolation_level= belongs to a transaction"),
    ],
)
def test_a_name_that_no_statement_takes_is_refused(named: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        neon("postgresql://u:p@localhost/db")("select $1", **named)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (
            lambda sql: sql("alter role app\n password 'hunter2'"),
            "in: alter role app password ?\nit may have run: look",
        ),
        (lambda sql: sql("delete from t where a = $1", "hunter2"), "in: delete from t where a = $1\nit may have run"),
        (
            lambda sql: sql.transaction([sql("a"), sql("b")], settings={"x.y": "hunter2"}),
            "in: 2 statements, a\nit may have run",
        ),
        (lambda sql: sql("select 1", read_only=True), "in: select ?\nit only reads: it can be sent again"),
    ],
)
async def test_a_lost_answer_says_of_which_statements_and_shows_no_value(
    send: Callable[[Neon], Awaitable[object]], said: str
) -> None:
    async def once(exchange: Exchange) -> None:
        await exchange.send(answer(ONE)) if len(breaking.requests) == 1 else exchange.abort()

    async with canned(once) as breaking, neon(breaking.url, transport="native", retry=Retry(attempts=1)) as sql:
        await sql("select 1 as n")
        with pytest.raises(AnswerLost) as caught:
            await send(sql)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_call_that_ran_out_of_time_says_which_it_was() -> None:
    async with canned(Exchange.until_closed) as server, neon(server.url, transport="native", timeout=0.05) as sql:
        with pytest.raises(RequestTimeout, match=r"in: update t set a = \$1"):
            await sql("update t set a = $1", 1)
