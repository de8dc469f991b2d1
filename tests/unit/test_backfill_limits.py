"""What holds a run back, as it is written: amounts, hours, and what it yields to."""

from __future__ import annotations

import math
import sys
import zoneinfo
from datetime import UTC, datetime
from typing import Any

import pytest

from sendoka.backfills import backfill, run
from sendoka.backfills.amounts import BYTES, BYTES_A_SECOND, FACTOR, ROWS_A_SECOND, SECONDS, Unit, spoken
from sendoka.backfills.limits import Limits
from sendoka.backfills.signal import signals
from sendoka.backfills.terms import Terms
from sendoka.backfills.window import Window
from sendoka.errors import InvalidBackfill
from sendoka.testing import FakeDatabase

MB = 1024 * 1024

fill = backfill(table="messages", where="done is null", sql="update messages set done = 1 from page", name="fill")


@pytest.mark.parametrize(
    ("unit", "text", "amount", "shown"),
    [
        (ROWS_A_SECOND, "2000/s", 2000, "2,000/s"),
        (ROWS_A_SECOND, " 0.5 /s ", 0.5, "0.5/s"),
        (BYTES_A_SECOND, "20MB/s", 20 * MB, "20 MB/s"),
        (BYTES_A_SECOND, "1.5gb/s", 1536 * MB, "1.5 GB/s"),
        (BYTES_A_SECOND, "512 kB/s", 512 * 1024, "512 kB/s"),
        (BYTES, "200MB", 200 * MB, "200 MB"),
        (BYTES, "100B", 100, "100 bytes"),
        (SECONDS, "500ms", 0.5, "500 ms"),
        (SECONDS, "90s", 90, "1.5 min"),
        (SECONDS, "2h", 7200, "2 h"),
        (FACTOR, "5x", 5, "5x"),
    ],
)
def test_an_amount_is_read_and_shown_with_its_unit(unit: Unit, text: str, amount: float, shown: str) -> None:
    assert unit.read(text) == amount
    assert unit.shown(amount) == shown
    assert unit.read(shown.replace(",", "").replace("bytes", "B")) == amount


def test_a_duration_is_spoken_in_the_unit_that_suits_it() -> None:
    assert [spoken(seconds) for seconds in (0.5, 600, 1)] == ["500 ms", "10 min", "1 s"]


def test_a_rate_may_be_a_number_of_any_size() -> None:
    rates = [0.5, 2000, 1_500_000, 12_345_678.0]
    assert [Limits.of(rate=rate).rate for rate in rates] == rates


BAD = [
    ({"rate": "0/s"}, "rate: '0/s': a rate of rows is above 0", "2000/s"),
    ({"rate": 0}, "rate: '0/s': a rate of rows is above 0", "2000/s"),
    ({"rate": -5}, "rate: '-5/s' is no rate of rows", "2000/s"),
    ({"rate": "2000"}, "rate: '2000' is no rate of rows", "2000/s"),
    ({"rate": "2000/min"}, "is no rate of rows", "2000/s"),
    ({"rate": float("nan")}, "rate: 'nan/s' is no rate of rows", "2000/s"),
    ({"rate": True}, "rate: 'True' is no rate of rows", "2000/s"),
    ({"yields": {"all": []}}, "all=[] is neither on nor off", "all=off"),
    ({"rate": ""}, "rate: '' is no rate of rows", "2000/s"),
    ({"rate": "1" * 400 + "/s"}, "a rate of rows is above 0", "2000/s"),
    ({"wal_budget": "20MB"}, "wal_budget: '20MB' is no rate of bytes", "20MB/s"),
    ({"wal_budget": "20 apples/s"}, "is no rate of bytes", "20MB/s"),
    ({"wal_budget": "0MB/s"}, "a rate of bytes is above 0", "20MB/s"),
    ({"wal_budget": "20/s"}, "is no rate of bytes", "kB, MB or GB"),
    ({"wal_budget": "20MB/s", "yields": {"wal": "9MB/s"}}, "given twice", "wal_budget="),
    ({"between": "01:00"}, "between='01:00' is no part of a day", "--between 01:00-05:00"),
    ({"between": "25:00-05:00", "tz": "UTC"}, "is no part of a day", "01:00-05:00"),
    ({"between": "01:60-05:00", "tz": "UTC"}, "is no part of a day", "01:00-05:00"),
    ({"between": "1-5", "tz": "UTC"}, "is no part of a day", "01:00-05:00"),
    ({"between": 5, "tz": "UTC"}, "between=5 is no part of a day", "01:00-05:00"),
    ({"between": "05:00-05:00", "tz": "UTC"}, "ends when it begins", "leave it out"),
    ({"between": "01:00-05:00"}, "is of no time zone", "--tz UTC"),
    ({"tz": "UTC"}, "'UTC' is of no hours", "--between"),
    ({"between": "01:00-05:00", "tz": "Europe/Olso"}, "'Europe/Olso' is no time zone", "did you mean Europe/Oslo?"),
    ({"between": "01:00-05:00", "tz": "Europe"}, "'Europe' is no time zone", "Europe"),
    ({"between": "01:00-05:00", "tz": "../etc/passwd"}, "is no time zone", "IANA"),
    ({"between": "01:00-05:00", "tz": "/etc/passwd"}, "is no time zone", "IANA"),
    ({"between": "01:00-05:00", "tz": ""}, "'' is no time zone", "IANA"),
    ({"between": "01:00-05:00", "tz": 5}, "5 is no time zone", "IANA"),
    ({"yields": {"vaccum": "off"}}, "nothing called 'vaccum'", "did you mean vacuum?"),
    ({"yields": {"zzz": "off"}}, "nothing called 'zzz'", "locks, replication, transactions, vacuum, wal, and all"),
    ({"yields": {"vacuum": "5min"}}, "vacuum='5min' is neither on nor off", "vacuum=off"),
    ({"yields": {"all": "5min"}}, "all='5min' is neither on nor off", "all=off"),
    ({"yields": {"transactions": "long"}}, "transactions: 'long' is no duration", "30s"),
    ({"yields": {"transactions": "5MB"}}, "is no duration", "min or h"),
    ({"yields": {"replication": "10s"}}, "is no number of bytes", "200MB"),
    ({"yields": {"latency": "0x"}}, "a factor is above 0", "5x"),
    ({"yields": {"wal": "on"}}, "'on' is no rate of bytes", "20MB/s"),
    ({"yields": "off"}, "yields='off' is no mapping", "vacuum"),
]


@pytest.mark.parametrize(("given", "what", "todo"), BAD)
def test_what_is_no_limit_is_refused_with_what_to_write(given: dict[str, Any], what: str, todo: str) -> None:
    with pytest.raises(InvalidBackfill) as raised:
        Limits.of(**given)
    assert what in raised.value.what
    assert todo in raised.value.todo
    assert raised.value.exit_code == 2


async def test_a_run_refuses_before_it_asks_the_database() -> None:
    with pytest.raises(InvalidBackfill, match="'none' is no rate of rows"):
        await run(FakeDatabase(), fill, rate="none")


def test_all_but_the_budget_is_on_and_can_be_set_and_switched_off() -> None:
    usual = set(signals()) - {"wal"}
    assert set(Limits.of().bounds) == usual
    assert set(Terms().limits.bounds) == usual
    assert Limits.of(wal_budget="1MB/s").bounds["wal"] == MB
    assert Limits.of(yields={"all": "off"}).bounds == {}
    assert Limits.of(yields={"all": "off", "locks": "on", "transactions": "2h"}).bounds == {
        "locks": signals()["locks"].usual,
        "transactions": 7200,
    }
    assert set(Limits.of(yields={"vacuum": "off"}).bounds) == usual - {"vacuum"}
    assert Limits.of(rate=2000).rate == Limits.of(rate="2000/s").rate == 2000


def test_the_limits_are_said_in_lines() -> None:
    given: dict[str, Any] = {"rate": 2000, "wal_budget": "20MB/s", "between": "22:00-05:00", "tz": "Europe/Oslo"}
    lines = Limits.of(**given, yields={"all": "off", "vacuum": "on", "transactions": "30min"}).lines()
    assert lines == [
        "between 22:00-05:00 Europe/Oslo only",
        "2,000/s at most",
        "20 MB/s of WAL at most",
        "yields to a transaction that is open for so long that it holds back vacuum: transactions=30 min",
        "yields to a vacuum of the table: vacuum",
    ]


# ------------------------------------------------------------------ hours


def at(text: str) -> float:
    """Return the seconds of a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


OSLO = [
    # Winter is UTC+1: the hours begin at 00:00 UTC.
    ("01:00-05:00", "2026-01-10 00:00", 0),
    ("01:00-05:00", "2026-01-10 03:59:59", 0),
    ("01:00-05:00", "2026-01-10 04:00", 20 * 3600),
    ("01:00-05:00", "2026-01-09 23:59:30", 30),
    # Summer is UTC+2.
    ("01:00-05:00", "2026-07-09 23:00", 0),
    ("01:00-05:00", "2026-07-09 22:00", 3600),
    # Over midnight, and until midnight.
    ("22:00-02:00", "2026-01-10 20:59", 60),
    ("22:00-02:00", "2026-01-10 23:30", 0),
    ("22:00-02:00", "2026-01-11 01:00", 20 * 3600),
    ("22:00-24:00", "2026-01-10 22:59", 0),
    ("22:00-24:00", "2026-01-10 23:00", 22 * 3600),
    ("00:00-24:00", "2026-01-10 23:00", None),
    # On 29 March the clocks go from 02:00 to 03:00: a window that begins in between opens at the jump.
    ("02:30-05:00", "2026-03-29 00:30", 1800),
    # One that lies in that hour opens on the next day, when it is half past two in summer.
    ("02:15-02:45", "2026-03-29 00:30", 23 * 3600 + 45 * 60),
    # On 25 October 02:00 to 03:00 comes twice, and both are in the hours.
    ("02:15-02:45", "2026-10-25 00:20", 0),
    ("02:15-02:45", "2026-10-25 00:45", 1800),
    ("02:15-02:45", "2026-10-25 01:20", 0),
    ("01:00-05:00", "2026-10-25 03:59", 0),
    ("01:00-05:00", "2026-10-25 04:00", 20 * 3600),
]


@pytest.mark.parametrize(("hours", "moment", "wait"), OSLO)
def test_hours_are_those_of_the_clocks_on_the_wall(hours: str, moment: str, wait: float | None) -> None:
    if wait is None:
        with pytest.raises(InvalidBackfill, match="ends when it begins"):
            Window.of(hours, "Europe/Oslo")
        return
    window = Window.of(hours, "Europe/Oslo")
    assert window is not None
    assert window.opens_in(at(moment)) == wait
    assert window.holds(at(moment)) is (wait == 0)
    assert window.holds(at(moment) + wait)


@pytest.mark.parametrize(
    ("hours", "moment", "work", "takes"),
    [
        ("01:00-05:00", "2026-01-10 00:30", 3600, 3600),
        ("01:00-05:00", "2026-01-10 00:00", 4 * 3600, 4 * 3600),
        ("01:00-05:00", "2026-01-10 00:00", 4 * 3600 + 60, 24 * 3600 + 60),
        ("01:00-05:00", "2026-01-10 12:00", 60, 12 * 3600 + 60),
        ("01:00-05:00", "2026-01-10 00:00", 40 * 3600, (9 * 24 + 4) * 3600),
        ("22:00-02:00", "2026-01-10 22:30", 3600, 3600),
        ("22:00-02:00", "2026-01-11 00:30", 3600, 21 * 3600),
        ("22:00-24:00", "2026-01-10 21:00", 3 * 3600, 25 * 3600),
        # The night of 29 March has an hour less, that of 25 October one more.
        ("01:00-05:00", "2026-03-29 00:00", 3 * 3600 + 60, 23 * 3600 + 60),
        ("01:00-05:00", "2026-10-24 23:00", 5 * 3600, 5 * 3600),
        ("01:00-05:00", "2026-01-10 00:00", 0, 0),
        ("01:00-01:01", "2026-01-10 00:00", 1e9, math.inf),
    ],
)
def test_work_takes_as_long_as_it_and_the_closed_hours_before_its_end(
    hours: str, moment: str, work: float, takes: float
) -> None:
    window = Window.of(hours, "Europe/Oslo")
    assert window is not None
    assert window.lasts(at(moment), work) == takes


def test_a_machine_without_time_zones_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        with pytest.raises(InvalidBackfill, match=r"no database of time zones\n.*pip install tzdata"):
            Window.of("01:00-05:00", "Europe/Oslo")
        assert str(Window.of("01:00-05:00", "utc")) == "01:00-05:00 UTC"
    finally:
        zoneinfo.reset_tzpath()


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"lease": 0}, "nothing is held for 0 s"),
        ({"lease": math.nan}, "nothing is held for nan s"),
        ({"lease": math.inf}, "nothing is held for inf s"),
        ({"deadline": math.nan}, "a number of seconds, and not nan"),
        ({"step_timeout": math.nan}, "step_timeout is above 0"),
        ({"workers": 10_001}, "workers=10,001 is too many; give 10,000 at most"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidBackfill, match=says):
        Terms(**terms)
