"""The mock that users test with answers like Neon, scripts all that can go wrong, and is strict."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import ANY
from uuid import UUID

import anyio
import pytest

from sendoka import FarDate, FarDatetime, Interval, Json, Multirange, Once, Range, Retry, migrate, neon
from sendoka.database import Statement, TransactionOptions
from sendoka.errors import (
    NEON_ERROR_KEYS,
    AnswerLost,
    CheckViolation,
    ConnectFailed,
    DatabaseError,
    EndpointError,
    OnceKeyReused,
    ProtocolError,
    RequestTimeout,
    SendokaError,
    SerializationFailure,
    TransportError,
    UniqueViolation,
    database_error,
)
from sendoka.http.request import Request, single_body
from sendoka.http.transport import Timing
from sendoka.http.types.catalog import SCALARS
from sendoka.testing import FakeDatabase, NeonMock
from sendoka.testing.mishaps import MISHAPS, MishapName
from tests.fixtures.canned import ONE, answer, canned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.http.query import Query
    from sendoka.http.row import Row

URL = "postgresql://u:hunter2@ep-x.eu.neon.tech/db"


@pytest.fixture
def mock() -> NeonMock:
    return NeonMock()


@pytest.fixture
def sql(mock: NeonMock) -> Neon:
    return mock.client()


def failure_of(mock: NeonMock) -> str:
    """Return what the mock has to say at its end."""
    with pytest.raises(AssertionError) as caught:
        mock.verify()
    return str(caught.value)


# ------------------------------------------------------------------ answers


async def test_rows_come_back_as_they_were_given(mock: NeonMock, sql: Neon) -> None:
    row = {
        "text": "x", "number": 2**40, "flag": True, "real": 1.5, "price": Decimal("1.10"), "raw": b"\x00", "none": None,
        "at": datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC), "naive": datetime(2026, 1, 2), "day": date(2026, 1, 2),
        "uid": UUID(int=7), "doc": {"a": [1]}, "tags": ["a", None], "flags": [True, False], "empty": [],
        "deep": [[1, 2], [3, 4]], "took": timedelta(days=-1, hours=2, microseconds=5), "months": Interval(1, 2, 3),
        "far": FarDatetime("infinity", aware=True), "bc": FarDate("0044-03-15 BC"), "ip": ip_interface("10.0.0.1/8"),
        "net": ip_network("10.0.0.0/8"), "days": Range(date(2026, 1, 1), date(2026, 2, 1)), "whole": Range(1, 5),
        "parts": Multirange([Range(Decimal("0.5"), None)]), "spans": [Range(1, 2), None],
        "zone": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "paris": datetime(1900, 1, 2, tzinfo=timezone(timedelta(minutes=9, seconds=21))),
        "west": datetime(1850, 1, 2, 3, 4, 5, 10, tzinfo=timezone(-timedelta(hours=7, minutes=52, seconds=58))),
    }  # fmt: skip
    mock.on("select * from t").rows(row)
    assert await sql("select  *\n from t") == [row]


async def test_every_type_of_postgres_can_be_said_by_its_name(mock: NeonMock, sql: Neon) -> None:
    texts = {scalar.name: "7" for scalar in SCALARS if scalar.shown in {"`int`", "`str`"}}
    mock.on("select 1").rows(texts, types={name: name for name in texts})
    result = await sql("select 1").result()
    assert [field.type_oid for field in result.fields] == [one.oid for one in SCALARS if one.name in texts]
    assert {type(value) for value in result.rows[0]} == {int, str}


async def test_columns_and_types_can_be_said(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1").rows(("1", "{1,2}", "x"), columns=("a", "b", "c"), types={"a": "int4", "b": "int4[]", "c": 600})
    mock.on("select 2").rows(columns=("a",), types={"a": "uuid"})
    result = await sql("select 1").result()
    assert [(field.name, field.type_oid) for field in result.fields] == [("a", 23), ("b", 1007), ("c", 600)]
    assert result.rows == [(1, [1, 2], "x")]
    empty = await sql("select 2").result()
    assert ([field.name for field in empty.fields], empty.rows) == (["a"], [])


async def test_the_command_is_the_statement_s_unless_it_is_said(mock: NeonMock, sql: Neon) -> None:
    mock.on(re.compile("^update")).affects(3)
    mock.on("-- why\nINSERT into t values (1) returning a").rows({"a": 1})
    mock.on("with x as (select 1) delete from t").affects(2, "DELETE")
    mock.on("create table u ()").affects(None)
    update = await sql("update t set a = 1").result()
    assert (update.command, update.row_count, update.rows) == ("UPDATE", 3, [])
    insert = await sql("-- why\nINSERT into t values (1) returning a").result()
    assert (insert.row_count, insert.rows) == (1, [(1,)])
    assert (await sql("with x as (select 1) delete from t").result()).command == "DELETE"
    create = await sql("create table u ()").result()
    assert (create.command, create.row_count) == ("CREATE", None)


async def test_an_error_of_postgres_has_its_fields(mock: NeonMock, sql: Neon) -> None:
    said = {"detail": "d", "hint": "h", "position": "3", "where": "w", "schema": "s", "table": "t", "column": "c"}
    mock.on("select 1").fails("23505", "taken", constraint="k", dataType="int4", severity="ERROR", **said)
    with pytest.raises(UniqueViolation, match="taken") as caught:
        await sql("select 1")
    error = caught.value
    assert (error.detail, error.hint, error.position, error.context) == ("d", "h", 3, "w")
    assert (error.schema, error.table, error.column, error.datatype) == ("s", "t", "c", "int4")
    assert (error.constraint, error.outcome, error.statement) == ("k", "failed", "select 1")


async def test_an_error_has_all_the_fields_that_neon_sends(mock: NeonMock) -> None:
    mock.on("select 1").fails("23505", constraint="t_pkey")
    request = Request(mock.client().target, (), single_body(Statement("select 1")))
    reply = await mock.exchange(request, Timing.start(1))
    assert tuple(json.loads(reply.body)) == NEON_ERROR_KEYS


async def test_answers_come_one_after_the_other_and_the_last_stays(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1").rows((1,)).fails("22012").times(2).rows((2,)).rows((3,))
    given: list[Any] = []
    for _ in range(6):
        try:
            given.append(await sql("select 1").value())
        except DatabaseError as error:
            given.append(error.sqlstate)
    assert given == [1, "22012", "22012", 2, 3, 3]
    mock.verify()


async def test_what_is_used_up_leaves_the_floor_to_the_next_that_matches(mock: NeonMock, sql: Neon) -> None:
    first = mock.on("select 1").rows((1,)).times(1)
    second = mock.on(re.compile("select")).rows((2,)).times(1)
    assert [await sql("select 1").value(), await sql("select 1").value()] == [1, 2]
    with pytest.raises(AssertionError, match="answered as often as it is to be"):
        await sql("select 1")
    assert [len(first.calls), len(second.calls)] == [1, 1]


async def test_an_answer_can_be_computed(mock: NeonMock, sql: Neon) -> None:
    def answer_for(statement: Statement) -> Any:
        name = statement.params[0]
        if name == "taken":
            raise database_error({"code": "23505", "message": "taken", "constraint": "k"})
        if name == "lost":
            raise AnswerLost("lost on purpose")
        return {"count": 3, "none": None}.get(name or "", [{"name": name}])

    mock.on("insert into t values ($1) returning name").computes(answer_for)

    async def insert(name: str) -> Any:
        result = await sql("insert into t values ($1) returning name", name).result()
        return result.command, result.row_count, result.rows

    assert await insert("x") == ("INSERT", 1, [("x",)])
    assert await insert("count") == ("INSERT", 3, [])
    assert await insert("none") == ("INSERT", 0, [])
    with pytest.raises(UniqueViolation, match="taken") as caught:
        await insert("taken")
    assert caught.value.constraint == "k"
    with pytest.raises(AnswerLost, match="on purpose"):
        await insert("lost")


async def test_what_a_function_asserts_is_said_at_the_end_too(mock: NeonMock, sql: Neon) -> None:
    def refuse(statement: Statement) -> None:
        raise AssertionError(f"no more of {statement.text}")

    mock.on("select 1").computes(refuse)
    with contextlib.suppress(AssertionError):
        await sql("select 1")
    assert failure_of(mock) == "no more of select 1"


# ------------------------------------------------------------------ transactions


async def test_a_transaction_is_answered_statement_by_statement(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1").rows((1,))
    mock.on("select $1").rows({"a": "x"}, {"a": "y"})
    first, second = await sql.transaction([sql("select 1"), sql("select $1", 7)])
    assert (first[0][0], [row.a for row in second]) == (1, ["x", "y"])
    assert mock.statements == [Statement("select 1"), Statement("select $1", ("7",))]


async def test_a_whole_transaction_is_expected_with_its_options(mock: NeonMock, sql: Neon) -> None:
    mock.on_transaction("select 1", re.compile("^insert"), isolation_level="serializable", read_only=False).results(
        [{"n": 1}], 4
    )

    def queries() -> list[Query[Row]]:
        return [sql("select 1"), sql("insert into t values ($1)", 1)]

    with pytest.raises(AssertionError, match="unexpected"):
        await sql.transaction(queries())
    done = await sql.transaction(queries(), isolation_level="serializable", read_only=False)
    assert (done[0][0].n, done.results[1].command, done.results[1].row_count) == (1, "INSERT", 4)


@pytest.mark.parametrize("said", [([(1,)],), ([(1,)], None, 3)])
async def test_results_for_any_transaction_fit_those_of_their_number(mock: NeonMock, sql: Neon, said: Any) -> None:
    mock.on_transaction().results(*said)
    with pytest.raises(AssertionError) as caught:
        await sql.transaction([sql("select  1"), sql("delete from t")])
    words = str(caught.value)
    assert re.search(
        rf"\(.*test_neon_mock\.py:\d+\) are for a transaction of {len(said)}, and one of 2 was sent", words
    )
    assert words.endswith(":\n    select 1\n    delete from t")
    assert failure_of(mock) == words  # once more where the application caught it


async def test_any_transaction_meets_something_and_its_statements_answer_the_next(mock: NeonMock, sql: Neon) -> None:
    mock.on_transaction().meets("connection_closed").times(1)
    mock.on("insert into t values (1)").affects(1)
    with pytest.raises(AnswerLost) as caught:
        await sql.transaction([sql("insert into t values (1)")])
    assert caught.value.outcome == "unknown"
    assert (await sql.transaction([sql("insert into t values (1)")])).results[0].row_count == 1
    mock.verify()


async def test_of_a_transaction_that_fails_the_rest_was_sent_and_not_answered(mock: NeonMock, sql: Neon) -> None:
    first = mock.on("insert into a").fails("40001").affects(1)
    second = mock.on("insert into b").affects(2).affects(3).any_times()
    done = await sql.transaction([sql("insert into a"), sql("insert into b")])
    assert [result.row_count for result in done.results] == [1, 2]
    assert (len(first.calls), len(second.calls), len(mock.requests)) == (2, 1, 2)
    mock.verify()


async def test_an_unexpected_statement_behind_one_that_fails_is_not_overlooked(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert into a").fails("23505")
    with pytest.raises(AssertionError, match="unexpected"):
        await sql.transaction([sql("insert into a"), sql("insert into b")])


# ------------------------------------------------------------------ exactly once, and settings


async def test_a_commit_whose_answer_is_lost_is_found_under_its_key(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert into t values (1)").meets("connection_closed")
    mock.on("select * from t").rows({"a": 1})
    once = Once("signup:7", then=[sql("select * from t")])
    done = await sql.transaction([sql("insert into t values (1)")], once=once)
    assert (done.replayed, done[0][0].a) == (True, 1)
    assert done.at is not None
    assert abs((datetime.now(UTC) - done.at).total_seconds()) < 60
    again = await sql.transaction([sql("insert into t values (1)")], once="signup:7")
    assert (again.replayed, list(again)) == (True, [])
    with pytest.raises(OnceKeyReused):
        await sql.transaction([sql("insert into t values (2)")], once="signup:7")
    mock.verify()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", MISHAPS)
async def test_only_what_ran_leaves_its_key(mock: NeonMock, name: MishapName, whole: bool) -> None:
    sql = neon(URL, transport=mock, retry=Retry(attempts=1))
    expected = mock.on_transaction("insert into t values (1)") if whole else mock.on("insert into t values (1)")
    expected.meets(name).times(1)
    mock.on("insert into t values (1)").affects(1)
    with contextlib.suppress(SendokaError):
        await sql.transaction([sql("insert into t values (1)")], once="k")
    done = await sql.transaction([sql("insert into t values (1)")], once="k")
    assert done.replayed is MISHAPS[name].ran


async def test_what_fails_or_is_too_slow_leaves_no_key_or_one(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert into t values (1)").fails("23514").affects(1).after(61)
    with pytest.raises(CheckViolation):
        await sql.transaction([sql("insert into t values (1)")], once="k")
    with pytest.raises(RequestTimeout):
        await sql.transaction([sql("insert into t values (1)")], once="k")
    assert (await sql.transaction([sql("insert into t values (1)")], once="k")).replayed


async def test_settings_are_answered_where_nothing_is_said_about_them(mock: NeonMock, sql: Neon) -> None:
    mock.on_transaction("select 1").results([(1,)]).times(1)
    mock.on("select 2").rows((2,))
    settings = {"statement_timeout": "5s", "app.user": "ada"}
    for text in ("select 1", "select 2"):
        done = await sql.transaction([sql(text)], settings=settings)
        assert done[0][0][0] == int(text[-1])
    assert mock.requests[0].statements[0].params == ("statement_timeout", "5s", "app.user", "ada")
    mock.on("select set_config($1, $2, true)", "app.user", "ada").rows(("ada",))
    done = await sql.transaction([sql("select set_config($1, $2, true)", "app.user", "ada"), sql("select 2")])
    assert done[0][0][0] == "ada"
    mock.verify()


# ------------------------------------------------------------------ what goes wrong

ERRORS: dict[str, type[SendokaError]] = {
    "connect_failed": ConnectFailed,
    "cut_after": AnswerLost,
    "cut_body": AnswerLost,
    "connection_closed": AnswerLost,
    **dict.fromkeys(("html", "empty", "half_json", "msg", "typed_json", "missing_result"), ProtocolError),
}


@pytest.mark.parametrize("batch", [False, True], ids=["single", "transaction"])
@pytest.mark.parametrize("name", MISHAPS)
async def test_a_mishap_is_the_error_and_the_outcome_that_it_says(name: MishapName, batch: bool) -> None:
    mock, fake = NeonMock(), FakeDatabase()
    sql = neon(URL, transport=mock, retry=Retry(attempts=1))
    outcomes = MISHAPS[name].outcome.split(" · ")
    for script in (mock, fake):
        script.on("insert").meets(name)
    statement = Statement("insert")
    with pytest.raises(ERRORS.get(name, EndpointError)) as over_http:
        await (sql.transaction([sql("insert")]) if batch else sql("insert"))
    with pytest.raises(type(over_http.value)) as at_the_seam:
        await (fake.run_all([statement]) if batch else fake.run(statement))
    for error in (over_http.value, at_the_seam.value):
        assert isinstance(error, TransportError)
        assert error.outcome == outcomes[-1 if batch else 0]
    if "passes" in MISHAPS[name].summary or name == "connect_failed":
        assert over_http.value.passing  # type: ignore[attr-defined]  # of TransportError, asserted above


def test_the_names_of_mishaps_are_written_down_twice_alike() -> None:
    assert list(get_args(MishapName)) == sorted(MISHAPS)


@pytest.mark.parametrize(
    ("say", "error", "text"),
    [
        (lambda one: one.refuses("Couldn't connect to compute node"), EndpointError, "Couldn't connect"),
        (lambda one: one.refuses("a new text", 400), EndpointError, "a new text"),
        (lambda one: one.answers(429, "slow down"), ProtocolError, "429"),
        (lambda one: one.answers(503, b"\xff"), ProtocolError, "503"),
        (lambda one: one.answers(200, {"rows": []}), ProtocolError, "not a result"),
    ],
)
async def test_any_answer_at_all_can_be_given(say: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    mock = NeonMock()
    say(mock.on("insert"))
    with pytest.raises(error, match=text):
        await neon(URL, transport=mock, retry=Retry(attempts=1))("insert")


async def test_what_passes_is_sent_again_without_waiting(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert").meets("cannot_connect").times(3).affects(1)
    began = asyncio.get_running_loop().time()
    assert (await sql("insert").result()).row_count == 1
    assert len(mock.requests) == 4
    assert len(mock.pauses) == 3
    assert sum(mock.pauses) > 0.3
    assert asyncio.get_running_loop().time() - began < sum(mock.pauses)


async def test_a_slow_answer_makes_the_deadline_pass_in_no_time(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert").affects(1).after(59).affects(1).after(61)
    began = asyncio.get_running_loop().time()
    await sql("insert")
    with pytest.raises(RequestTimeout, match="60 s") as caught:
        await sql("insert")
    assert caught.value.outcome == "unknown"
    with pytest.raises(RequestTimeout):
        await sql("insert", timeout=60.5)
    await sql("insert", timeout=61.5)
    assert asyncio.get_running_loop().time() - began < 30


async def test_time_passes_in_one_call_and_not_in_the_next(mock: NeonMock) -> None:
    sql = neon(URL, transport=mock, timeout=10, retry=Retry(attempts=20, first=1, longest=4))
    mock.on("select 1").meets("control_plane")
    mock.on("select 2").rows((2,)).after(9)
    with pytest.raises(TransportError) as caught:
        await sql("select 1")
    assert caught.value.outcome in {"refused", "not_sent"}
    assert 5 < sum(mock.pauses) < 15  # the deadline ended it, not the attempts
    assert await asyncio.gather(*(sql("select 2").value() for _ in range(3))) == [2, 2, 2]


# ------------------------------------------------------------------ parameters, and what was recorded


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        (7, 7),
        (7, "7"),
        (None, None),
        (True, True),
        (["a", None], ["a", None]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
        (Json([1]), Json([1])),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (ANY, "whatever"),
        (ANY, None),
        (re.compile("^wgt_"), "wgt_1"),
    ],
)
async def test_parameters_are_expected_as_python_values(mock: NeonMock, sql: Neon, expected: Any, sent: Any) -> None:
    mock.on("select $1", expected).rows((1,))
    mock.on("select $1 + 0").with_params(expected).rows((1,))
    await sql("select $1", sent)
    await sql("select $1 + 0", sent)
    mock.verify()


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        ((7,), (8,)),
        ((None,), ("",)),
        (({"a": 1},), ({"a": 2},)),
        (({"a": 1},), ("no json",)),
        (({"a": 1},), (None,)),
        ((re.compile("^wgt_"),), ("org_1",)),
        ((re.compile("x"),), (None,)),
        ((1, 2), (1,)),
        ((object(),), ("x",)),
    ],
)
async def test_other_parameters_are_unexpected(mock: NeonMock, sql: Neon, expected: Any, sent: Any) -> None:
    mock.on(re.compile("select"), *expected).rows((1,))
    with pytest.raises(AssertionError, match="unexpected"):
        await sql("select", *sent)


async def test_a_request_is_recorded_without_the_connection_string() -> None:
    with NeonMock() as mock:
        mock.on(re.compile("^select")).rows((1,))
        sql = neon(URL)
        await sql("select $1", [1])
        await sql.transaction([sql("select 1")], isolation_level="repeatable read", read_only=True, deferrable=False)
    single, batch = mock.requests
    assert (single.batch, single.isolation_level, single.read_only, single.deferrable) == (False, None, None, None)
    assert (batch.batch, batch.isolation_level, batch.read_only, batch.deferrable) == (
        True, "RepeatableRead", True, False,
    )  # fmt: skip
    assert single.statements == (Statement("select $1", ('{"1"}',)),)
    assert (single.database, batch.headers["neon-raw-text-output"]) == ("db", "true")
    assert "hunter2" not in repr(mock.requests)


# ------------------------------------------------------------------ strictness


async def test_the_unexpected_is_shown_beside_the_nearest(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1")
    mock.on("select id, title from widgets where owner = $1 and id = $2", "ada", 7)
    mock.on(re.compile("^update"))
    with pytest.raises(AssertionError) as caught:
        await sql("select id, name from widgets where owner = $1 and id = $2", "ada", None)
    shown = str(caught.value)
    assert "an unexpected statement was sent:\n    select id, name\n    from widgets\n" in shown
    for line in (
        "- select id, title",
        "+ select id, name",
        "  from widgets",
        "  $1 = 'ada'",
        "- $2 = '7'",
        "+ $2 = null",
    ):
        assert f"\n    {line}\n" in shown
    assert re.search(r"nearest that was expected \(tests/unit/test_neon_mock\.py:\d+\); - expected, \+ sent", shown)
    assert re.search(r"expected was:\n    select 1 .*never sent\)\n    select id.*\n    /\^update/ ", shown)


async def test_nothing_expected_says_so(sql: Neon) -> None:
    with pytest.raises(AssertionError, match=r"select 2\nexpected was:\n    nothing"):
        await sql("select 2")


async def test_a_pattern_that_fits_differs_by_the_parameters_alone(mock: NeonMock, sql: Neon) -> None:
    mock.on(re.compile("^update t"), 1)
    with pytest.raises(AssertionError) as caught:
        await sql("update t set a = $1", 2)
    assert "\n      update t\n      set a = $1\n    - $1 = '1'\n" in str(caught.value)


def test_what_was_never_sent_is_said_at_the_end() -> None:
    mock = NeonMock()
    with pytest.raises(AssertionError, match=r"was not sent:\n    select 1 .*test_neon_mock.py:\d+, never sent"), mock:
        mock.on("select 1")


@pytest.mark.parametrize(
    ("say", "lacking"),
    [
        (lambda one: one.rows((1,)).times(3), "sent 1 of 3 times"),
        (lambda one: one.rows((1,)).rows((2,)), "sent 1 of 2 times"),
        (lambda one: one.rows((1,)), None),
        (lambda one: one.rows((1,)).any_times(), None),
        (lambda one: one, None),
    ],
)
async def test_what_was_sent_too_seldom_is_said_at_the_end(
    mock: NeonMock, sql: Neon, say: Callable[[Any], Any], lacking: str | None
) -> None:
    say(mock.on("select 1"))
    await sql("select 1")
    if lacking is None:
        mock.verify()
    else:
        assert lacking in failure_of(mock)


def test_any_times_includes_never(mock: NeonMock) -> None:
    mock.on("select 1").rows((1,)).any_times()
    mock.verify()


async def test_in_order_wants_the_order() -> None:
    mock = NeonMock(in_order=True)
    sql = mock.client()
    mock.on("select 1").rows((1,))
    mock.on_transaction("select 3").results([(3,)])
    mock.on("select 2").rows((2,))
    await sql("select 1")
    await sql("select 1")
    with pytest.raises(AssertionError, match="out of order; due is: a transaction of select 3"):
        await sql("select 2")
    await sql.transaction([sql("select 3")])
    await sql("select 2")
    with pytest.raises(AssertionError, match="it is out of order"):
        await sql("select 1")


async def test_an_unexpected_statement_is_said_at_the_end_too_where_the_application_caught_it() -> None:
    mock = NeonMock()
    mock.on("select 1").rows((1,))
    with pytest.raises(AssertionError, match=r"(?s)unexpected.*select 2.*expected was:\s+select 1"), mock:
        await careless(neon(URL))
    assert [statement.text for statement in mock.statements] == ["select 1", "select 2"]


async def careless(sql: Neon) -> None:
    await sql("select 1")
    with contextlib.suppress(Exception):
        await sql("select 2")


async def test_an_error_of_the_application_s_has_the_unexpected_beside_it() -> None:
    with pytest.raises(LookupError, match="mine") as caught, NeonMock() as mock:
        await careless_and_broken(mock)
    assert "an unexpected statement was sent" in caught.value.__notes__[0]


async def careless_and_broken(mock: NeonMock) -> None:
    mock.on("select 1").rows((1,))
    await careless(neon(URL))
    raise LookupError("mine")


def test_an_error_inside_is_not_hidden_by_what_was_never_sent() -> None:
    with pytest.raises(LookupError, match="mine"), NeonMock() as mock:
        unrelated(mock)


def unrelated(mock: NeonMock) -> None:
    mock.on("select 1")
    raise LookupError("mine")


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda mock: mock.on(""), ValueError, "empty"),
        (lambda mock: mock.on(3), TypeError, "text or a pattern, not int"),
        (lambda mock: mock.on("x").times(2), ValueError, r"say first what is answered: \.rows\(…\)\.times"),
        (lambda mock: mock.on("x").any_times(), ValueError, "say first"),
        (lambda mock: mock.on("x").after(1), ValueError, "say first"),
        (lambda mock: mock.on("x").rows((1,)).times(0), ValueError, "from 1, not 0"),
        (lambda mock: mock.on("x").rows((1,)).times(True), ValueError, "not True"),
        (lambda mock: mock.on("x").rows((1,)).times(2).times(3), ValueError, "said already"),
        (lambda mock: mock.on("x").rows((1,)).any_times().rows((2,)), ValueError, "never be given"),
        (lambda mock: mock.on("x").rows((1,)).after(0), ValueError, "above 0"),
        (lambda mock: mock.on("x").rows({"a": 1}, {"b": 1}), ValueError, "same columns"),
        (lambda mock: mock.on("x").rows("ab"), TypeError, "not str"),
        (lambda mock: mock.on("x").rows((1,), columns=("a", "b")), ValueError, "1 values for 2 columns"),
        (lambda mock: mock.on("x").rows({"a": 1}, types={"b": "int4"}), ValueError, r"\['b'\]"),
        (lambda mock: mock.on("x").rows({"a": 1}, types={"a": "int44"}), ValueError, "did you mean 'int4'"),
        (lambda mock: mock.on("x").rows({"a": 1}, types={"a": "zzz"}), ValueError, "give its OID"),
        (lambda mock: mock.on("x").fails("2350"), ValueError, "no SQLSTATE"),
        (lambda mock: mock.on("x").fails("23505", column_name="a"), TypeError, "has no field 'column_name'"),
        (lambda mock: mock.on("x").meets("connection_close"), ValueError, "did you mean 'connection_closed'"),
        (lambda mock: mock.on("x").meets("zzz"), ValueError, "use one of: connect_failed"),
        (lambda mock: mock.on("x", 1).with_params(2), ValueError, "said already"),
        (lambda mock: mock.on("x").computes(3), TypeError, "not int"),
        (lambda mock: mock.on_transaction("x").results(), ValueError, "0 results for the 1"),
        (lambda mock: mock.on_transaction(isolation_level="none"), ValueError, "not an isolation level"),
    ],
)
def test_a_mistake_in_the_script_is_said_at_once(
    mock: NeonMock, wrong: Callable[[Any], Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        wrong(mock)


# ------------------------------------------------------------------ in front of every client


async def test_inside_with_every_client_is_mocked_and_afterwards_none() -> None:
    async with canned(answer(ONE)) as server, neon(server.url, transport="native") as sql:
        with NeonMock() as mock:
            mock.on("select 1 as n").rows({"n": 5})
            assert await sql("select 1 as n").value() == 5
            assert await neon(URL)("select 1 as n").value() == 5
        assert server.requests == []
        assert await sql("select 1 as n").value() == 1


async def test_of_nested_mocks_the_innermost_answers_in_whatever_order_they_end() -> None:
    sql = neon(URL)
    outer, inner, last = NeonMock(), NeonMock(), NeonMock()
    for number, mock in enumerate((outer, inner, last)):
        mock.on("select 1").rows((number,)).any_times()
    with outer:
        inner.start()
        assert await sql("select 1").value() == 1
        last.start()
        inner.stop()
        assert await sql("select 1").value() == 2
        last.stop()
        assert await sql("select 1").value() == 0
    async with canned(answer(ONE)) as server, neon(server.url) as real:
        assert await real("select 1 as n").value() == 1


def test_a_mock_is_entered_once() -> None:
    with NeonMock() as mock, pytest.raises(RuntimeError, match="entered already"):
        mock.start()


def test_a_mock_is_stopped_as_often_as_it_was_started() -> None:
    mock = NeonMock()
    with pytest.raises(RuntimeError, match=r"was not started.*start\(\) comes first"):
        mock.stop()
    with mock, pytest.raises(RuntimeError, match="stopped already"), NeonMock() as inner:
        inner.stop()


def test_threads_and_tasks_are_answered_alike() -> None:
    async def many(number: int) -> None:
        sql = neon(URL)
        found = await asyncio.gather(*(sql("select $1", number * 100 + place).value() for place in range(50)))
        assert found == [str(number * 100 + place) for place in range(50)]

    with NeonMock() as mock:
        mock.on("select $1").computes(lambda statement: [(statement.params[0],)])
        threads = [threading.Thread(target=asyncio.run, args=(many(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(mock.requests) == 200


def test_it_answers_under_trio() -> None:
    async def main() -> Any:
        return await neon(URL)("select 1").value()

    with NeonMock() as mock:
        mock.on("select 1").meets("control_plane").rows((1,))
        assert anyio.run(main, backend="trio") == 1


async def test_a_migrated_database_is_one_request(tmp_path: Path, mock: NeonMock, sql: Neon) -> None:
    (tmp_path / "0000_a.sql").write_text("-- sendoka: 0000_a\n-- parent: none\n\nselect 1\n")
    mock.migrated(tmp_path)
    report = await migrate(sql, tmp_path)
    assert (report.head, report.applied, len(mock.requests)) == ("0000_a", (), 1)


# ------------------------------------------------------------------ below the engines


async def test_a_fake_database_answers_at_the_seam() -> None:
    database = FakeDatabase({"select 1": [{"a": 1}]})
    database.on("insert", "x").fails("40001").affects(1)
    assert (await database.run(Statement("select 1"))).rows == [["1"]]
    with pytest.raises(SerializationFailure):
        await database.run_all([Statement("select 1"), Statement("insert", ("x",))])
    (_, done) = await database.run_all(
        [Statement("select 1"), Statement("insert", ("x",))], TransactionOptions(isolation_level="Serializable")
    )
    assert (done.command, done.row_count) == ("INSERT", 1)
    with pytest.raises(AssertionError, match="unexpected"):
        await database.run(Statement("select 2"))
    assert [(len(request.statements), request.batch) for request in database.requests] == [
        (1, False), (2, True), (2, True), (1, False),
    ]  # fmt: skip
    assert database.requests[2].isolation_level == "Serializable"
    assert [statement.text for statement in database.statements].count("insert") == 2


async def test_a_fake_database_has_a_deadline_and_an_end() -> None:
    database = FakeDatabase(in_order=True)
    database.on_transaction("insert").results(1).after(5)
    database.on("select 1")
    with pytest.raises(AssertionError, match="never sent"), database:
        await too_slow(database)


async def too_slow(database: FakeDatabase) -> None:
    with pytest.raises(RequestTimeout) as caught:
        await database.run_all([Statement("insert")], TransactionOptions(timeout=4))
    assert caught.value.outcome == "unknown"


async def test_an_empty_transaction_has_no_results() -> None:
    assert await FakeDatabase().run_all([]) == []
