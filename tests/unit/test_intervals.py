"""Intervals, ranges and arrays as values."""

from __future__ import annotations

import copy
import pickle
from datetime import date, timedelta
from typing import Any

import pytest

from sendoka import Array, Interval, Multirange, Range
from sendoka.http.types.interval import read_interval

DAY = 86_400_000_000


class TestInterval:
    def test_is_equal_where_all_three_parts_are(self) -> None:
        assert Interval(1, 2, 3) == Interval(1, 2, 3)
        assert Interval(1) != Interval(days=30)
        assert Interval(days=1) != Interval(microseconds=DAY)
        assert Interval() != 0
        assert len({Interval(1), Interval(1), Interval(days=30)}) == 2

    @pytest.mark.parametrize(
        "value", [timedelta(), timedelta(-1, 5), timedelta(hours=30), timedelta.max, timedelta.min]
    )
    def test_is_equal_to_the_timedelta_that_is_sent_as_it(self, value: timedelta) -> None:
        interval = Interval.of(value)
        assert interval == value
        assert value == interval
        assert hash(interval) == hash(value)
        assert interval.timedelta() == value

    def test_of_hours_is_as_long_as_the_timedelta_and_not_equal_to_it(self) -> None:
        # Were it equal, two intervals that differ would be equal to one timedelta.
        hours = Interval(microseconds=30 * 3_600_000_000)
        assert hours.timedelta() == timedelta(hours=30)
        assert hours != timedelta(hours=30)

    def test_of_months_is_no_timedelta(self) -> None:
        with pytest.raises(ValueError, match="a month no fixed number of days"):
            Interval(1).timedelta()
        with pytest.raises(OverflowError, match="infinity"):
            Interval.infinity.timedelta()
        with pytest.raises(OverflowError):
            Interval(days=2**31 - 1).timedelta()

    @pytest.mark.parametrize("value", [Interval(-14, 3, -1), Interval.infinity, Interval.minus_infinity])
    def test_survives_copies_and_its_own_text(self, value: Interval) -> None:
        assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value
        assert hash(pickle.loads(pickle.dumps(value))) == hash(value)
        assert read_interval(str(value)) == value

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("-3 4:05:06", Interval(0, -3, -14_706_000_000)),  # sql_standard: the sign is that of both
            ("+0-0 -3 +4:05:06", Interval(0, -3, 14_706_000_000)),
            ("-1-2", Interval(-14)),
            ("@ 1 mon -2 days ago", Interval(-1, 2)),
            ("@ 0", Interval()),
            ("@ 0.5 secs ago", Interval(microseconds=-500_000)),
            ("PT-0.5S", Interval(microseconds=-500_000)),
            ("P-1Y2MT-1H", Interval(-10, 0, -3_600_000_000)),
            ("PT0S", Interval()),
            ("0", Interval()),
            ("-00:00:00.5", Interval(microseconds=-500_000)),
        ],
    )
    def test_is_read_with_the_signs_of_its_style(self, text: str, value: Interval) -> None:
        assert read_interval(text) == value


class TestRange:
    def test_keeps_its_bounds_and_an_end_that_is_open_is_not_in_it(self) -> None:
        assert Range(1, 5) == Range(1, 5, "[)")
        assert Range(1, 5) != Range(1, 5, "[]")
        assert Range(None, 5, "[]").bounds == "(]"
        assert Range() == Range(None, None, "[]")
        assert Range.nothing() != Range()
        assert len({Range(1, 5), Range(1, 5), Range.nothing(), Range.nothing()}) == 2

    @pytest.mark.parametrize(
        ("found", "inside", "outside"),
        [
            (Range(1, 5), [1, 4], [0, 5]),
            (Range(1, 5, "(]"), [2, 5], [1, 6]),
            (Range(None, 5), [-100, 4], [5]),
            (Range(1), [1, 100], [0]),
            (Range.nothing(), [], [0, 1]),
        ],
    )
    def test_tells_what_is_in_it(self, found: Range[int], inside: list[int], outside: list[int]) -> None:
        assert [value in found for value in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)

    def test_sorts_as_postgres_does(self) -> None:
        ordered: list[Range[int]] = [
            *(Range.nothing(), Range(None, 1), Range(None, 1, "(]"), Range(), Range(1, 2), Range(1, 2, "[]"), Range(1)),
            *(Range(1, 2, "()"), Range(1, None, "()"), Range(2, 3)),
        ]
        backwards = ordered[::-1]
        assert sorted(backwards) == ordered

    @pytest.mark.parametrize(
        ("arguments", "says"), [((1, 2, "{}"), "one of"), ((1, 2, ""), "one of"), ((1, None, "[)", True), "no ends")]
    )
    def test_refuses_what_is_no_range(self, arguments: Any, says: str) -> None:
        with pytest.raises(ValueError, match=says):
            Range(*arguments)

    def test_and_a_multirange_survive_copies(self) -> None:
        for value in (Range(date(2026, 1, 1), None), Range.nothing(), Multirange([Range(1, 2), Range(3)])):
            again = pickle.loads(pickle.dumps(value))
            assert (again, type(again), copy.deepcopy(value)) == (value, type(value), value)

    def test_alone_makes_a_multirange(self) -> None:
        both = Multirange([Range(1, 2), Range(3)])
        assert (len(both), both[1], list(both)) == (2, Range(3), [Range(1, 2), Range(3)])
        assert repr(Multirange([Range.nothing()])).startswith("Multirange([Range(")
        with pytest.raises(TypeError, match="made of Range values, not of tuple"):
            Multirange([(1, 2)])  # type: ignore[arg-type]  # the error


class TestArray:
    def test_is_a_list_that_knows_its_bounds(self) -> None:
        array = Array([1, 2], [0])
        assert array == [1, 2]
        assert array[0] == 1
        assert repr(array) == "Array([1, 2], lower_bounds=(0,))"

    def test_survives_copies(self) -> None:
        array = Array([[1], [2]], [0, 5])
        for again in (copy.copy(array), copy.deepcopy(array), pickle.loads(pickle.dumps(array))):
            assert (again, type(again), again.lower_bounds) == (array, Array, (0, 5))
