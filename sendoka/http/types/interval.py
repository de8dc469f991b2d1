"""An interval as Postgres keeps it: months, days and microseconds, which do not become one another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Interval", "read_interval"]

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """An `interval`: a month has no fixed number of days, nor a day of hours, so the three are kept apart.

    Two are equal where all three are: one month is not 30 days, although Postgres' `=` says so. A `timedelta` is equal
    to the interval that it becomes when it is sent, `Interval.of(…)`. The infinite ones of Postgres 17 are
    `Interval.infinity` and `Interval.minus_infinity`.
    """

    months: int = 0
    days: int = 0
    microseconds: int = 0

    infinity: ClassVar[Interval]
    minus_infinity: ClassVar[Interval]

    @classmethod
    def of(cls, duration: timedelta) -> Self:
        """Return the interval that a timedelta is: its days, and its seconds and microseconds."""
        return cls(0, duration.days, duration.seconds * _SECOND + duration.microseconds)

    def timedelta(self) -> timedelta:
        """Return it as a timedelta of 24-hour days. Raises ValueError for months, OverflowError for an infinite one."""
        if self._parts() in _INFINITE:
            raise OverflowError(f"an interval of {self} is longer than any timedelta")
        if self.months:
            raise ValueError(f"an interval of {self} has months, and a month no fixed number of days")
        return timedelta(days=self.days, microseconds=self.microseconds)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, timedelta):
            other = Interval.of(other)
        return self._parts() == other._parts() if isinstance(other, Interval) else NotImplemented

    def __hash__(self) -> int:
        if self.months == 0 and 0 <= self.microseconds < _DAY and abs(self.days) <= timedelta.max.days:
            return hash(self.timedelta())
        return hash(self._parts())

    def _parts(self) -> tuple[int, int, int]:
        return self.months, self.days, self.microseconds

    def __postgres__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """Return a text that Postgres reads alike under every IntervalStyle: each part has its sign."""
        if self._parts() in _INFINITE:
            return _INFINITE[self._parts()]
        seconds, micros = divmod(abs(self.microseconds), _SECOND)
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}"
        return f"{self.months:+d} mons {self.days:+d} days {'-' if self.microseconds < 0 else '+'}{clock}"


# As Postgres itself marks them: every part at the end of its range.
Interval.infinity = Interval(2**31 - 1, 2**31 - 1, 2**63 - 1)
Interval.minus_infinity = Interval(-(2**31), -(2**31), -(2**63))
_INFINITE = {(2**31 - 1, 2**31 - 1, 2**63 - 1): "infinity", (-(2**31), -(2**31), -(2**63)): "-infinity"}


_NUMBER = r"[+-]?[0-9]+"
_CLOCK = r"(?P<clock>(?P<sign>[+-]?)(?P<hours>[0-9]+):(?P<minutes>[0-9]{2}):(?P<seconds>[0-9]{2}(?:\.[0-9]{1,6})?))"
# postgres: 1 year 2 mons -3 days +04:05:06.7 (PostgreSQL, "Interval Output")
_POSTGRES = (
    rf"(?:(?P<years>{_NUMBER}) years? ?)?(?:(?P<months>{_NUMBER}) mons? ?)?"
    rf"(?:(?P<days>{_NUMBER}) days? ?)?(?:{_CLOCK})?"
)
# postgres_verbose: @ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago
_VERBOSE = (
    rf"@(?: (?P<years>{_NUMBER}) years?)?(?: (?P<months>{_NUMBER}) mons?)?(?: (?P<days>{_NUMBER}) days?)?"
    rf"(?: (?P<hours>{_NUMBER}) hours?)?(?: (?P<minutes>{_NUMBER}) mins?)?"
    rf"(?: (?P<seconds>{_NUMBER}(?:\.[0-9]+)?) secs?)?(?: 0)?(?P<ago> ago)?"
)
# sql_standard: 1-2, 3 4:05:06, +1-2 -3 +4:05:06; a sign in front of the first stands for all that have none.
_STANDARD = rf"(?:(?P<all>[+-]?)(?P<years>[0-9]+)-(?P<months>[0-9]+) ?)?(?:(?P<days>{_NUMBER}) ?)?(?:{_CLOCK})?"
# iso_8601: P1Y2M-3DT4H5M6.7S
_ISO = (
    rf"P(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER}(?:\.[0-9]+)?)S)?)?"
)
_STYLES = (_POSTGRES, _VERBOSE, _ISO, _STANDARD)


def read_interval(text: str) -> Interval:
    """Return the interval that Postgres wrote, in any of its four styles: no two of them write one text differently."""
    for infinite in (Interval.infinity, Interval.minus_infinity):
        if text == str(infinite):
            return infinite
    for style in _STYLES:
        found = re.fullmatch(style, text) if text else None
        if found:
            return _interval(found.groupdict(default=""))
    raise ValueError(f"{text!r} is not an interval in any of Postgres' styles")


def _interval(parts: dict[str, str]) -> Interval:
    months = int(parts["years"] or 0) * 12 + int(parts["months"] or 0)
    days = int(parts["days"] or 0)
    micros = _microseconds(parts)
    if "all" in parts:
        # The sign before years and months is theirs; the one before days is the time's too where it has none.
        months = -months if parts["all"] == "-" else months
        micros = -micros if parts["days"].startswith("-") and not parts["sign"] else micros
    return Interval(-months, -days, -micros) if parts.get("ago") else Interval(months, days, micros)


def _microseconds(parts: dict[str, str]) -> int:
    """Return the clock's part. A sign in front of a clock is that of all of it; units have one each."""
    whole, _, fraction = parts["seconds"].partition(".")
    fraction = fraction.ljust(6, "0")
    micros = int(parts["hours"] or 0) * _HOUR + int(parts["minutes"] or 0) * 60 * _SECOND + int(whole or 0) * _SECOND
    micros += -int(fraction) if whole.startswith("-") else int(fraction)
    return -micros if parts.get("sign") == "-" else micros
