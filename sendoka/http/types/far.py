"""Moments that Postgres has and Python's `datetime` has not: infinity, years before 1 and after 9999, 24:00:00.

Each is a subclass of the ordinary type, so that a column has one type whatever its rows hold. It knows Postgres' text,
compares with ordinary values, and refuses with OverflowError whatever it could only answer wrongly.
"""

from __future__ import annotations

import math
import operator
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from typing import NoReturn, Self, TypeVar

    C = TypeVar("C", bound=type)

__all__ = ["FarDate", "FarDatetime", "FarTime", "StyleError"]

_INFINITY = {"infinity": math.inf, "-infinity": -math.inf}
_DATE = r"(?P<year>[0-9]{4,7})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
_ZONE = r"[+-][0-9]{2}(?::[0-9]{2}){0,2}"
_WHOLE_DATE = rf"{_DATE}(?P<bc> BC)?"
_WHOLE_DATETIME = rf"{_DATE} (?P<time>{_TIME}(?:{_ZONE})?)(?P<bc> BC)?"
_END_OF_DAY = rf"24:00:00(?P<zone>{_ZONE})?"

# The calendar repeats itself: what holds for a year holds for the one 400 years later, so many days on.
_ERA = 400
_ERA_DAYS = 146_097
_TWIN = 2000

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


class StyleError(ValueError):
    """A date or time that is not written in the ISO style, the only one that cannot be misread."""


class _Far:
    """What the three have in common: `_text` as Postgres writes it, `_at` as a number that orders them."""

    __slots__ = ()
    _at: float
    _text: str
    _kin: ClassVar[type]

    def _place(self, other: object) -> float | None:
        """Return where `other` stands on the scale of `_at`; None where it is of another kind."""
        if isinstance(other, _Far):
            return other._at if isinstance(other, self._kin) and other._kin is self._kin else None
        return _position(other) if isinstance(other, self._kin) and not _is_sharper(other, self._kin) else None

    def _compared(self, other: object, compare: Callable[[float, float], bool]) -> bool:
        place = self._place(other)
        if place is None:
            return NotImplemented  # type: ignore[no-any-return]  # this is the answer of a comparison
        if _is_aware(self) is not _is_aware(other):
            raise TypeError("a value with a time zone and one without cannot be put in an order")
        return compare(self._at, place)

    def __eq__(self, other: object) -> bool:
        place = self._place(other)
        if place is None:
            return NotImplemented
        return _is_aware(self) is _is_aware(other) and self._at == place

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __lt__(self, other: object) -> bool:
        return self._compared(other, operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compared(other, operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compared(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compared(other, operator.ge)

    def __hash__(self) -> int:
        if not _is_aware(self) or math.isinf(self._at):
            return hash(self._at)
        # Near the ends of Python's range an ordinary value in another time zone can be the same moment.
        return hash(timedelta(microseconds=self._at))

    def __str__(self) -> str:
        return self._text

    def isoformat(self, *_: object, **__: object) -> str:
        """Return the text of Postgres' ISO style, which is also how it is sent."""
        return self._text

    def __format__(self, specification: str) -> str:
        if specification:
            self._refuse("format()")
        return self._text

    def __repr__(self) -> str:
        aware = ", aware=True" if _is_aware(self) and self._text in _INFINITY else ""
        return f"{type(self).__name__}({self._text!r}{aware})"

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return _revive, (type(self), self._text, _is_aware(self))

    def _refuse(self, what: str) -> NoReturn:
        raise OverflowError(f"{self._text} is outside Python's {self._kin.__name__}, so {what} has no true answer")


def _refusing(*names: str) -> Callable[[C], C]:
    """Return a class decorator: these methods and attributes raise OverflowError."""

    def decorate(cls: C) -> C:
        for name in names:
            setattr(cls, name, _refusal(name, is_attribute=not callable(getattr(cls, name, cls))))
        return cls

    return decorate


def _refusal(name: str, *, is_attribute: bool) -> Any:
    def refuse(self: _Far, *_: object, **__: object) -> NoReturn:
        self._refuse(name)

    refuse.__name__ = name
    return property(refuse) if is_attribute else refuse


_ARITHMETIC = ("__add__", "__radd__", "__sub__", "__rsub__")
_CALENDAR = (
    *("replace", "__replace__", "strftime", "ctime", "timetuple", "toordinal"),
    *("weekday", "isoweekday", "isocalendar", "year", "month", "day"),
)
_CLOCK = ("hour", "minute", "second", "microsecond")


@_refusing(*_ARITHMETIC, *_CALENDAR)
class FarDate(_Far, date):
    """A `date` outside the years 1 to 9999, or `infinity`: `FarDate("0044-03-15 BC")`, `FarDate("12000-12-31")`.

    It compares and sorts with dates, and goes back as a parameter. Raises ValueError for a text that is no such date.
    """

    __slots__ = ("_at", "_text")
    _kin = date

    def __new__(cls, text: str) -> Self:
        at = _INFINITY.get(text)
        if at is None:
            found = _matched(_WHOLE_DATE, text, date)
            twin, eras = _twin(found)
            at = date.fromisoformat(twin).toordinal() + eras * _ERA_DAYS
        self = super().__new__(cls, *((9999, 12, 31) if at > 0 else (1, 1, 1)))
        self._at, self._text = at, text
        return self


@_refusing(*_ARITHMETIC, *_CALENDAR, *_CLOCK, "timestamp", "astimezone", "utctimetuple", "date", "time", "timetz")
class FarDatetime(_Far, datetime):
    """A `datetime` outside the years 1 to 9999: `FarDatetime("infinity")`, `FarDatetime("12000-01-01 00:00:00+00")`.

    It is aware where the text has an offset, as all that a `timestamptz` column gives is; for infinity `aware` says so.
    It compares and sorts with datetimes, and goes back as a parameter. Raises ValueError for another text.
    """

    __slots__ = ("_at", "_text")
    _kin = datetime

    def __new__(cls, text: str, *, aware: bool = False) -> Self:
        at = _INFINITY.get(text)
        zone: tzinfo | None = UTC if aware else None
        if at is None:
            found = _matched(_WHOLE_DATETIME, text, datetime)
            iso, eras = _twin(found)
            twin = datetime.fromisoformat(f"{iso} {found['time']}")
            at, zone = _position(twin) + eras * _ERA_DAYS * _DAY, twin.tzinfo
        # What looks past Python's methods at the fields themselves sees the nearest that there is.
        year, month, day = (9999, 12, 31) if at > 0 else (1, 1, 1)
        hour, minute, second, micros = (23, 59, 59, 999_999) if at > 0 else (0, 0, 0, 0)
        self = super().__new__(cls, year, month, day, hour, minute, second, micros, zone)
        self._at, self._text = at, text
        return self


@_refusing("replace", "__replace__", "strftime", *_CLOCK)
class FarTime(_Far, time):
    """The `time` at the end of a day, `FarTime("24:00:00")`, perhaps with an offset; Python's days end before it.

    It compares and sorts with times, after all of them, and goes back as a parameter.
    """

    __slots__ = ("_at", "_text")
    _kin = time

    def __new__(cls, text: str) -> Self:
        zone = time.fromisoformat(f"00:00:00{_matched(_END_OF_DAY, text, time)['zone'] or ''}").tzinfo
        self = super().__new__(cls, 23, 59, 59, 999_999, tzinfo=zone)
        # Postgres calls no time with another offset equal: half a microsecond after what would be.
        self._at, self._text = _DAY - _offset(self) + 0.5, text
        return self


def _matched(pattern: str, text: str, kin: type) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise StyleError(f"{text!r} is not a {kin.__name__} as Postgres' ISO style writes it")
    if "year" in found.groupdict() and int(found["year"]) <= (0 if found["bc"] else 9999):
        raise ValueError(f"{text!r} is no moment that {kin.__name__} lacks")
    return found


def _twin(found: re.Match[str]) -> tuple[str, int]:
    """Return the same day of a year that Python has, as ISO text, and how many times 400 years lie between."""
    year = 1 - int(found["year"]) if found["bc"] else int(found["year"])
    eras, rest = divmod(year - _TWIN, _ERA)
    return f"{_TWIN + rest}-{found['month']}-{found['day']}", eras


def _is_sharper(value: object, kin: type) -> bool:
    """Tell whether it is a datetime where a date is meant: Python compares these neither."""
    return kin is date and isinstance(value, datetime)


def _is_aware(value: Any) -> bool:
    return isinstance(value, datetime | time) and value.utcoffset() is not None


def _offset(value: datetime | time) -> int:
    return (value.utcoffset() or timedelta()) // timedelta(microseconds=1)


def _position(value: Any) -> int:
    """Return an ordinary value on the scale of its kind: days, or microseconds in UTC."""
    clock = 0
    if isinstance(value, datetime | time):
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        clock = seconds * _SECOND + value.microsecond - _offset(value)
    if isinstance(value, datetime):
        return value.toordinal() * _DAY + clock
    return value.toordinal() if isinstance(value, date) else clock


def _revive(cls: type[_Far], text: str, aware: bool) -> _Far:
    return FarDatetime(text, aware=aware) if issubclass(cls, FarDatetime) else cls(text)  # type: ignore[call-arg]
