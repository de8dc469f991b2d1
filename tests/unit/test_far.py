"""Dates and times outside Python's range: among ordinary ones they compare, sort and hash, and they never lie."""

from __future__ import annotations

import copy
import operator
import pickle
import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from sendoka import FarDate, FarDatetime, FarTime
from sendoka.http.types.far import StyleError
from sendoka.http.types.moments import read_date, read_time, read_timestamp, read_timestamptz

EAST = timezone(timedelta(hours=5))

IN_ORDER: list[list[Any]] = [
    [
        *(FarDate("-infinity"), FarDate("4713-01-01 BC"), FarDate("0044-03-15 BC"), FarDate("0001-12-31 BC")),
        *(date(1, 1, 1), date(2026, 1, 2), date(9999, 12, 31)),
        *(FarDate("10000-01-01"), FarDate("10000-01-02"), FarDate("12000-02-29"), FarDate("infinity")),
    ],
    [
        *(FarDatetime("-infinity"), FarDatetime("0001-12-31 23:59:59.999999 BC"), datetime(1, 1, 1)),
        *(datetime(9999, 12, 31, 23, 59, 59, 999999), FarDatetime("10000-01-01 00:00:00")),
        *(FarDatetime("10000-01-01 00:00:00.000001"), FarDatetime("infinity")),
    ],
    [
        *(FarDatetime("-infinity", aware=True), FarDatetime("0001-12-31 18:59:59+00 BC")),
        *(datetime(1, 1, 1, tzinfo=EAST), FarDatetime("0001-12-31 20:00:00+00 BC"), datetime(1, 1, 1, tzinfo=UTC)),
        *(datetime(2026, 1, 1, tzinfo=EAST),),
        *(FarDatetime("10000-01-01 04:59:59+05"), FarDatetime("10000-01-01 00:00:00+00")),
        *(FarDatetime("10000-01-01 00:00:00-02"), FarDatetime("infinity", aware=True)),
    ],
    [time(0), time(23, 59, 59, 999999), FarTime("24:00:00")],
    [time(3, tzinfo=EAST), time(23, 59, 59, 999999, UTC), FarTime("24:00:00+00"), FarTime("24:00:00-01")],
]  # fmt: skip


@pytest.mark.parametrize("ordered", IN_ORDER, ids=["dates", "naive", "aware", "times", "aware times"])
def test_they_sort_among_ordinary_values_both_ways(ordered: list[Any]) -> None:
    shuffled = random.Random(5).sample(ordered, len(ordered))
    assert sorted(shuffled) == ordered
    assert (min(shuffled), max(shuffled)) == (ordered[0], ordered[-1])
    for at, one in enumerate(ordered):
        for other_at, other in enumerate(ordered):
            assert (one < other, one <= other) == (at < other_at, at <= other_at), (one, other)
            assert (one > other, one >= other) == (at > other_at, at >= other_at), (one, other)
            assert (one == other, one != other) == (at == other_at, at != other_at), (one, other)


EQUAL = [
    (FarDatetime("0001-12-31 19:00:00+00 BC"), datetime(1, 1, 1, tzinfo=EAST)),
    (FarDatetime("10000-01-01 04:59:59+05"), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (FarDatetime("12000-01-01 00:00:00+00"), FarDatetime("12000-01-01 05:00:00+05")),
    (FarDate("infinity"), FarDate("infinity")),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_the_same_moment_is_equal_both_ways_and_has_one_hash(one: Any, other: Any) -> None:
    assert one == other
    assert other == one
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


UNEQUAL = [
    (FarDatetime("infinity"), FarDatetime("infinity", aware=True)),
    (FarDatetime("infinity"), datetime(2026, 1, 1, tzinfo=UTC)),
    (FarDate("infinity"), FarDatetime("infinity")),
    (FarDate("infinity"), datetime(2026, 1, 1)),
    (FarTime("24:00:00"), FarTime("24:00:00+00")),
    (FarDate("infinity"), "infinity"),
    (FarDate("infinity"), 5),
]


@pytest.mark.parametrize(("one", "other"), UNEQUAL)
def test_what_cannot_be_compared_is_unequal_and_has_no_order(one: Any, other: Any) -> None:
    assert (one == other, other == one, one != other) == (False, False, True)
    with pytest.raises(TypeError):
        _ = one < other
    with pytest.raises(TypeError):
        _ = other >= one


ALL = [
    FarDate("infinity"),
    FarDate("0044-03-15 BC"),
    FarDatetime("-infinity"),
    FarDatetime("infinity", aware=True),
    FarDatetime("12000-01-01 00:00:00.5+05:30"),
    FarTime("24:00:00"),
    FarTime("24:00:00+02"),
]


@pytest.mark.parametrize("value", ALL, ids=repr)
def test_they_are_copied_and_pickled_whole_and_show_their_text(value: Any) -> None:
    copies = [copy.copy(value), copy.deepcopy([value])[0]]
    pickled = [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for again in (*copies, *pickled, eval(repr(value))):  # noqa: S307 - it is ours
        assert (type(again), again, hash(again), str(again)) == (type(value), value, hash(value), str(value))
    assert f"{value}" == str(value) == value.isoformat() == value.isoformat(timespec="seconds")


TRUE = {"min", "max", "resolution", "isoformat", "tzinfo", "utcoffset", "tzname", "dst", "fold"}
MAKERS: dict[str, list[Any]] = {
    "today": [],
    "now": [],
    "utcnow": [],
    "fromtimestamp": [1],
    "utcfromtimestamp": [1],
    "fromordinal": [1],
    "fromisoformat": ["2026-01-01"],
    "fromisocalendar": [2026, 1, 1],
    "combine": [date(2026, 1, 1), time()],
    "strptime": ["2026", "%Y"],
}
"""Class methods that make a value, and with what."""


@pytest.mark.parametrize("value", ALL, ids=repr)
def test_whatever_could_only_be_answered_wrongly_is_refused(value: Any) -> None:
    kin = type(value).__mro__[2]
    for name in {name for name in dir(kin) if not name.startswith("_")} - TRUE - set(MAKERS):
        with pytest.raises(OverflowError, match=f"is outside Python's .*, so {name} has no true answer"):
            getattr(value, name)()
    with pytest.raises(OverflowError):
        format(value, "%Y")


@pytest.mark.parametrize("value", [value for value in ALL if not isinstance(value, time)], ids=repr)
def test_there_is_no_arithmetic_with_it(value: Any) -> None:
    ordinary: Any = date(2026, 1, 1) if isinstance(value, FarDate) else datetime(2026, 1, 1)
    day: Any = timedelta(1)
    for operate, one, other in (
        *((operator.add, value, day), (operator.add, day, value), (operator.sub, value, day)),
        *((operator.sub, value, ordinary), (operator.sub, ordinary, value), (operator.sub, value, value)),
    ):
        with pytest.raises(OverflowError):
            operate(one, other)


@pytest.mark.parametrize("cls", [FarDate, FarDatetime, FarTime])
@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
def test_no_class_method_makes_an_ordinary_one_of_it(cls: Any) -> None:
    for name in set(MAKERS) & set(dir(cls)):
        arguments = ["12:00"] if cls is FarTime and name == "fromisoformat" else MAKERS[name]
        with pytest.raises(TypeError):
            getattr(cls, name)(*arguments)


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (FarDate, "2026-01-01"),
        (FarDate, "9999-12-31"),
        (FarDate, "0000-01-01"),
        (FarDate, "0000-01-01 BC"),
        (FarDate, "12000-02-30"),
        (FarDate, "12000-13-01"),
        (FarDatetime, "2026-01-01 00:00:00"),
        (FarDatetime, "12000-01-01 24:00:00"),
        (FarDatetime, "12000-01-01 00:00:00+25"),
    ],
)
def test_a_text_that_is_no_such_moment_is_refused(cls: type, text: str) -> None:
    with pytest.raises(ValueError):
        cls(text)


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (FarDate, "01/02/12000"),
        (FarDate, ""),
        (FarDate, "INFINITY"),
        (FarDatetime, "12000-01-01"),
        (FarTime, "24:00:01"),
    ],
)
def test_a_text_of_another_style_is_refused_as_such(cls: type, text: str) -> None:
    with pytest.raises(StyleError):
        cls(text)


def test_python_reads_nothing_that_is_not_iso_by_mistake() -> None:
    # `fromisoformat` reads more spellings than Postgres writes: none of those of another style or a far year.
    for year in (1, 44, 99, 1999, 2012, 9999, 10000, 12012, 99999, 294276):
        for month, day in ((1, 2), (12, 11), (10, 12)):
            styles = [
                f"{month:02d}/{day:02d}/{year:04d}",
                f"{day:02d}.{month:02d}.{year:04d}",
                f"{day:02d}-{month:02d}-{year:04d}",
            ]
            for text in styles:
                for read, rest in ((read_date, ""), (read_timestamp, " 03:04:05"), (read_timestamptz, " 03:04:05+00")):
                    for era in ("", " BC"):
                        with pytest.raises(StyleError):
                            read(text + rest + era)
            iso = f"{year:04d}-{month:02d}-{day:02d}"
            assert isinstance(read_date(iso), FarDate) is (year > 9999)
            assert isinstance(read_timestamptz(f"{iso} 03:04:05.5+00"), FarDatetime) is (year > 9999)
            assert isinstance(read_timestamp(f"{iso} 03:04:05 BC"), FarDatetime)
            assert isinstance(read_date(f"{iso} BC"), FarDate)
    assert isinstance(read_time("24:00:00"), FarTime)
    assert read_time("00:00:00+01:02:03") == time(0, tzinfo=timezone(timedelta(seconds=3723)))
