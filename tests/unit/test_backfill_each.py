"""`batch.each()`: bounded calls, a row's own failures, and what a service that limits its callers needs."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka.backfills import each
from sendoka.backfills.each import Calls, Losses
from sendoka.database.retry import Retry
from sendoka.errors import AnswerLost, BackfillError, DatabaseError, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROWS = [(number, f"row {number}") for number in range(1, 13)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each, "_WAITS", Retry(first=0.001, longest=0.002))


def calls(function: Callable[[Any], Awaitable[Any]], **options: Any) -> Calls:
    given: dict[str, Any] = {"limit": 4, "timeout": None, "attempts": 1, "per_second": None} | options
    return Calls(function, **given)


class Refused(Exception):
    """What a client of HTTP raises for an answer that is no success."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"status {status}")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = SimpleNamespace(status_code=status, headers=named)


async def test_every_row_is_called_once_so_many_at_a_time_and_results_are_in_order() -> None:
    now, most = 0, 0

    async def function(row: str) -> str | None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await anyio.sleep(0.001 * (len(row) % 3))
        now -= 1
        return None if row == "row 2" else row.upper()

    losses = Losses()
    found = await calls(function).over(ROWS, losses)
    assert list(found.items()) == [(key, row.upper()) for key, row in ROWS if key != 2]
    assert (most, losses.errors) == (4, {})
    assert await calls(function).over([], losses) == {}


async def test_a_row_that_fails_is_left_out_and_all_others_go_on() -> None:
    async def function(row: str) -> str:
        if row in {"row 3", "row 7"}:
            raise ValueError(row)
        return row

    losses = Losses()
    found = await calls(function).over(ROWS, losses)
    assert len(found) == 10
    assert {key: str(error) for key, error in losses.errors.items()} == {3: "row 3", 7: "row 7"}


async def test_a_call_that_takes_too_long_is_cut_off() -> None:
    async def function(row: str) -> str:
        if row == "row 1":
            await anyio.sleep(9)
        return row

    losses = Losses()
    assert len(await calls(function, timeout=0.02).over(ROWS, losses)) == 11
    assert str(losses.errors[1]) == "it did not end within 0.02 s"
    assert isinstance(losses.errors[1], TimeoutError)


@pytest.mark.parametrize(
    "error",
    [
        NameError("tennants"),
        NotImplementedError("later"),
        BackfillError("no row of this batch"),
        AnswerLost("no answer"),
        DatabaseError("no such column", sqlstate="42703", outcome=Outcome.FAILED),
    ],
)
async def test_what_no_row_is_at_fault_for_ends_all_calls(error: Exception) -> None:
    begun = 0

    async def function(row: str) -> str:
        nonlocal begun
        begun += 1
        if row == "row 2":
            raise error
        await anyio.sleep(9)
        return row

    with pytest.raises(type(error)) as caught:
        await calls(function, attempts=3).over(ROWS, Losses())
    assert caught.value is error
    assert begun == 4


async def test_rows_are_not_called_any_more_where_the_run_stops_anyway() -> None:
    begun = 0

    async def function(row: str) -> str:
        nonlocal begun
        begun += 1
        raise ConnectionError("refused")

    losses = Losses(room=2)
    assert await calls(function, limit=1).over(ROWS, losses) == {}
    assert (begun, len(losses.errors), losses.full) == (3, 3, True)


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (ConnectionError("reset"), 3),
        (TimeoutError("late"), 3),
        (Refused(429), 3),
        (Refused(503), 3),
        (Refused(404), 1),
        (ValueError("no JSON"), 1),
        (KeyError("tenant"), 1),
    ],
)
async def test_what_may_pass_is_tried_again(error: Exception, times: int) -> None:
    tried = 0

    async def function(row: str) -> str:
        nonlocal tried
        tried += 1
        raise error

    losses = Losses()
    await calls(function, attempts=3).over(ROWS[:1], losses)
    assert (tried, losses.errors) == (times, {1: error})


async def test_a_second_attempt_waits_as_long_as_it_is_asked_to() -> None:
    answers = iter([Refused(429, retry_after="0.08"), Refused(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), None])

    async def function(row: str) -> str:
        error = next(answers)
        if error:
            raise error
        return row

    began = time.monotonic()
    assert await calls(function, attempts=3).over(ROWS[:1], Losses()) == {1: "row 1"}
    assert 0.08 <= time.monotonic() - began < 5


async def test_calls_begin_no_faster_than_they_may() -> None:
    begun: list[float] = []

    async def function(row: str) -> str:
        begun.append(time.monotonic())
        return row

    await calls(function, per_second=100).over(ROWS[:6], Losses())
    assert begun[-1] - begun[0] >= 0.049


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"limit": 0}, "limit and attempts"),
        ({"attempts": 0}, "limit and attempts"),
        ({"timeout": 0}, "timeout and per_second"),
        ({"per_second": -1}, "timeout and per_second"),
    ],
)
def test_a_bound_that_cannot_be_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        calls(anyio.sleep, **options)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="takes an async function"):
        calls("lookup")  # type: ignore[arg-type]
