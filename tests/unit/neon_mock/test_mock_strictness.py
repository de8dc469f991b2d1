"""The mock is strict about what it was not told, and stands in front of every client if it is to."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka import migrate, neon
from sendoka.testing import NeonMock
from tests.fixtures.canned import ONE, answer, canned
from tests.fixtures.mocks import URL, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendoka.http.client import Neon


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
    assert re.search(
        r"nearest that was expected \(tests/unit/neon_mock/test_mock_strictness\.py:\d+\); - expected, \+ sent", shown
    )
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
    with (
        pytest.raises(AssertionError, match=r"was not sent:\n    select 1 .*test_mock_strictness.py:\d+, never sent"),
        mock,
    ):
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
