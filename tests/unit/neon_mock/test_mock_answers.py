"""The mock that users test with answers like Neon: statements, transactions, and what is there exactly once."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from sendoka import FarDate, FarDatetime, Interval, Multirange, Once, Range, Retry, neon
from sendoka.database import Statement
from sendoka.errors import (
    NEON_ERROR_KEYS,
    AnswerLost,
    CheckViolation,
    DatabaseError,
    OnceKeyReused,
    RequestTimeout,
    SendokaError,
    UniqueViolation,
    database_error,
)
from sendoka.http.request import Request, single_body
from sendoka.http.transport import Timing
from sendoka.http.types.catalog import SCALARS
from sendoka.testing.mishaps import MISHAPS, MishapName
from tests.fixtures.mocks import URL, failure_of

if TYPE_CHECKING:
    from sendoka.http.client import Neon
    from sendoka.http.query import Query
    from sendoka.http.row import Row
    from sendoka.testing import NeonMock


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
        rf"\(.*test_mock_answers\.py:\d+\) are for a transaction of {len(said)}, and one of 2 was sent", words
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
