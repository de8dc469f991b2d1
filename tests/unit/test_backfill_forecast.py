"""The time left of a pass, by a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka.backfills.forecast import Forecast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH = 1000
COUNT = 200


def steady(_: int) -> float:
    return 0.5


def slower(number: int) -> float:
    return 0.5 * (1 + 0.3 * number / COUNT)


def throttled(number: int) -> float:
    return 0.1 + (0.9 if number else 0.0)


def retried(number: int) -> float:
    return 0.5 + (0.5 if number % 5 == 2 else 0.0)


def strides(number: int) -> float:
    return 0.6 if number % (COUNT // 8) == 0 else 0.5


def ends(took: Callable[[int], float], workers: int) -> list[float]:
    """Return when each batch ends, where each worker begins the next one at once."""
    free, found = [0.0] * workers, []
    for number in range(COUNT):
        at = free.index(min(free))
        free[at] += took(number) * (1 + 0.1 * at)
        found.append(free[at])
    return sorted(found)


def worst(forecast: Forecast, at: Sequence[float], pass_number: int, began: float, before: int = 0) -> float:
    """Return by how much the forecast is wrong at most after a tenth of a pass, as a share of what is true."""
    errors = []
    forecast.note(pass_number, before, began)
    for done, end in enumerate(at, 1):
        forecast.note(pass_number, before + done * BATCH, began + end)
        # At the very end a batch that is on its way is more than what is left.
        if COUNT / 10 <= done <= COUNT - 10:
            left = forecast.seconds((COUNT - done) * BATCH)
            assert left is not None
            errors.append(abs(left / (at[-1] - end) - 1))
    return max(errors)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("took", [steady, slower, throttled, retried, strides])
def test_the_time_left_is_right_within_a_fifth_after_a_tenth(took: Callable[[int], float], workers: int) -> None:
    assert worst(Forecast(), ends(took, workers), 1, 1000.0) <= 0.2


def test_a_resumed_run_is_judged_by_what_this_call_does() -> None:
    assert worst(Forecast(), ends(steady, 1), 1, 1000.0, before=5_000_000) <= 0.01


def test_a_second_pass_is_judged_by_itself() -> None:
    forecast = Forecast()
    worst(forecast, ends(steady, 1), 1, 0.0)
    assert worst(forecast, [end / 20 for end in ends(steady, 1)], 2, 1000.0) <= 0.01


def test_a_pause_is_left_out() -> None:
    forecast = Forecast()
    forecast.note(1, 0, 0.0)
    forecast.note(1, 1000, 10.0)
    forecast.skip(5000.0)
    forecast.note(1, 2000, 5010.0)
    assert forecast.seconds(1000) == pytest.approx(10.0)


def test_nobody_can_tell_before_the_first_batch_and_of_a_table_that_grew() -> None:
    forecast = Forecast()
    assert forecast.seconds(1000) is None
    forecast.note(1, 0, 0.0)
    assert forecast.seconds(1000) is None
    forecast.note(1, 1000, 1.0)
    assert forecast.seconds(0) == 0
    assert forecast.seconds(-1) is None
