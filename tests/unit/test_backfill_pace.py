"""The size of batches, the patience with failures, the rate."""

from __future__ import annotations

import math
import time

import pytest

from sendoka.backfills.forecast import Meter
from sendoka.backfills.pace import BYTES, LARGEST, MOST, PROBE, SMALLEST, TARGET, Pace
from sendoka.backfills.patience import Patience, Stopped, passes
from sendoka.database.retry import PASSING, Retry
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    DatabaseError,
    EndpointError,
    Outcome,
    ProtocolError,
    RequestTimeout,
    SendokaError,
    database_error,
)


def settle(pace: Pace, *, rows_per_second: float, batches: int = 40) -> None:
    for _ in range(batches):
        pace.note(pace.size, pace.size / rows_per_second)


@pytest.mark.parametrize(
    ("rows_per_second", "size"),
    [(2_000, 2_000 * TARGET), (6_000, 6_000 * TARGET), (1_000_000, LARGEST), (10, SMALLEST)],
)
def test_the_size_settles_where_a_batch_takes_its_time(rows_per_second: float, size: float) -> None:
    pace = Pace()
    settle(pace, rows_per_second=rows_per_second)
    assert pace.size == pytest.approx(size, rel=0.02)


@pytest.mark.parametrize(("share", "size"), [(1.0, MOST), (0.5, 2 * MOST), (0.01, LARGEST), (0.0, LARGEST)])
def test_a_batch_in_sql_changes_no_more_than_others_can_bear(share: float, size: int) -> None:
    pace = Pace(most=MOST)
    for _ in range(40):
        pace.note(pace.size, pace.size / 1_000_000, hits=int(pace.size * share))
    assert pace.size == pytest.approx(size, rel=0.02)


def test_one_batch_changes_the_size_by_a_half_at_most() -> None:
    pace = Pace(1000)
    pace.note(1000, 0.001)
    assert pace.size == 1500
    slow = Pace(1000)
    slow.note(1000, 60)
    assert slow.size == 500


def test_a_short_page_says_nothing_about_the_size() -> None:
    pace = Pace(1000)
    pace.note(3, 10.0)
    pace.note(0, 0.1)
    assert pace.size == 1000


@pytest.mark.parametrize(
    ("first", "fixed", "rate", "size"),
    [
        (1000, False, 60.0, 100),
        (1000, False, 800.0, 400),
        (1000, False, 9000.0, 1000),
        (1000, False, None, 1000),
        (100, False, 9000.0, 100),
        (1000, True, 60.0, 1000),
    ],
)
def test_what_an_earlier_call_measured_makes_the_first_batch_no_larger(
    first: int, fixed: bool, rate: float | None, size: int
) -> None:
    pace = Pace(first, fixed=fixed)
    pace.resume(rate)
    assert (pace.size, pace.rate) == (size, rate)


def test_a_fixed_size_stays_and_shrinks_only_where_statements_time_out() -> None:
    pace = Pace(1000, fixed=True)
    settle(pace, rows_per_second=10)
    assert pace.size == 1000
    for _ in range(20):
        pace.shrink(pace.size)
    assert pace.size == 1


@pytest.mark.parametrize(
    ("rate", "seconds", "size"),
    [
        (None, math.inf, 1000),
        (None, 2.0, PROBE),
        (10_000.0, 2.0, 1000),
        (260.0, 2.0, 400),
        (26.0, 2.0, 40),
        (26.0, 0.4, 0),
        (2.6, 2.0, 0),
        (2.6, math.inf, 1000),
        (1000.0, -1.0, 0),
    ],
)
def test_a_batch_is_made_to_fit_the_time_that_is_left(rate: float | None, seconds: float, size: int) -> None:
    assert Pace(rate=rate).within(seconds) == size


def test_a_fixed_size_gives_way_to_a_deadline_too() -> None:
    assert Pace(50, fixed=True, rate=26.0).within(2.0) == 40


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("width", "size"), [(None, 1000), (0.0, 1000), (100.0, 1000), (BYTES / 40, 40), (5_000_000.0, 1), (BYTES * 3.0, 1)]
)
def test_a_batch_has_no_more_bytes_than_the_wire_takes(width: float | None, size: int, fixed: bool) -> None:
    assert Pace(fixed=fixed, width=width).within(math.inf) == size
    assert Pace(fixed=fixed, width=width, rate=1e9).within(60.0) == size


def test_wide_rows_are_believed_at_once_and_narrow_ones_slowly() -> None:
    pace = Pace()
    pace.widen(100.0)
    pace.widen(9000.0)
    assert pace.width == 9000.0
    pace.widen(0.0)
    assert pace.width == pytest.approx(6300.0)


def test_a_page_that_was_too_large_is_made_much_smaller() -> None:
    pace = Pace(1000)
    assert [pace.shrink(size, by=8) for size in (500, 62, 7, 1)] == [62, 7, 1, 1]
    assert pace.size == 1


def test_a_far_larger_batch_tells_the_rate_anew_and_a_probe_shrinks_nothing_much() -> None:
    pace = Pace()
    pace.note(PROBE, 0.1, PROBE)
    assert pace.rate == pytest.approx(100)
    pace.note(500, 0.5, 500)
    assert pace.rate == pytest.approx(1000)


def test_a_batch_that_was_cut_is_remembered_as_slow() -> None:
    pace = Pace()
    pace.cut(1000, 2.0)
    assert pace.rate == 250
    pace.cut(10, 2.0)
    assert pace.rate == 2.5
    pace.cut(1000, 2.0)
    assert pace.rate == 2.5


def test_the_rate_counts_work_only() -> None:
    meter = Meter()
    assert meter.rate is None
    meter.add(100, 1.0)
    meter.add(0, 9.0)
    assert meter.rate == 100
    for seconds in (0.1, 1.9) * 20:  # what is fast for a moment is no faster on the whole
        meter.add(100, seconds)
    assert meter.rate == pytest.approx(100, rel=0.2)
    meter.take(70.0)
    assert meter.rate == 70
    meter.take(None)
    assert meter.rate is None


def of_code(code: str) -> DatabaseError:
    return database_error({"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((of_code(code), True) for code in ("40001", "40P01", "55P03", "57014", *sorted(PASSING))),
        *((of_code(code), False) for code in ("23505", "23502", "22P02", "27000", "42P01", "42501", "28P01", "25006")),
        (ConnectFailed("no"), True),
        (RequestTimeout("no", outcome=Outcome.UNKNOWN), True),
        (AnswerLost("no"), True),
        (ConnectFailed("no such host", passing=False), False),
        (ProtocolError("html", passing=False), False),
        (RequestTimeout("no connection", outcome=Outcome.NOT_SENT, passing=False), False),
        (EndpointError("too large", status=413, outcome=Outcome.REFUSED), False),
        (EndpointError("rate", status=500, outcome=Outcome.REFUSED, passing=True), True),
        (SendokaError("no"), False),
        (ValueError("no"), False),
    ],
)
def test_what_passes_by_itself_is_a_closed_list(error: Exception, expected: bool) -> None:
    assert passes(error) is expected


def never() -> bool:
    return False


async def test_a_wait_ends_at_once_where_the_run_is_asked_to_stop() -> None:
    patience = Patience(lambda why: None, lambda: True, Retry(attempts=3, first=30, longest=30))
    began = time.monotonic()
    with pytest.raises(Stopped):
        await patience.meet(AnswerLost("gone"))
    assert time.monotonic() - began < 1


async def test_patience_waits_says_why_and_runs_out() -> None:
    said: list[str] = []
    patience = Patience(said.append, never, Retry(attempts=3, first=0.001, longest=0.001))
    assert [await patience.meet(AnswerLost("gone\nmore")) for _ in range(4)] == [True, True, False, False]
    assert said == ["gone", "gone"]
    assert patience.retries == 2


async def test_patience_counts_failures_in_a_row_only() -> None:
    patience = Patience(lambda why: None, never, Retry(attempts=2, first=0.001, longest=0.001))
    for _ in range(5):
        assert await patience.meet(of_code("40001"))
        patience.renew()


async def test_patience_does_not_wait_for_what_stays() -> None:
    assert not await Patience(lambda why: None, never).meet(of_code("42P01"))


async def test_insisting_does_the_same_again_until_it_answers() -> None:
    calls = 0

    async def work() -> str:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise AnswerLost("gone")
        return "done"

    patience = Patience(lambda why: None, never, Retry(attempts=5, first=0.001, longest=0.001))
    assert await patience.insist(work) == "done"
    assert calls == 3
