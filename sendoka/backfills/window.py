"""The hours of the day in which a run works: `01:00-05:00` in a time zone, by whatever clock is asked."""

from __future__ import annotations

import difflib
import math
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["Window"]

_HOURS = re.compile(r"\s*(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)\s*")
_EXAMPLE = "--between 01:00-05:00 --tz Europe/Oslo (between=, tz=)"
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_LONGEST = 3660


@dataclass(frozen=True, slots=True)
class Window:
    """From `begin` until `end`, over midnight where the end is the smaller one, by the wall clocks of `zone`."""

    begin: time
    end: time
    zone: tzinfo

    @classmethod
    def of(cls, between: str | None, tz: str | None) -> Window | None:
        """Return the window that was asked for. Raises InvalidBackfill, with what to write, for what is none."""
        if between is None:
            if tz is not None:
                raise InvalidBackfill(f"the time zone {tz!r} is of no hours", todo=f"give both: {_EXAMPLE}")
            return None
        found = _HOURS.fullmatch(str(between))
        begin, end = (_time(*found.group(1, 2)), _time(*found.group(3, 4))) if found else (None, None)
        if begin is None or end is None:
            raise InvalidBackfill(f"between={between!r} is no part of a day", todo=f"write it as {_EXAMPLE}")
        if begin == end:
            raise InvalidBackfill(
                f"between={between!r} ends when it begins", todo="leave it out for a run that works all day"
            )
        if tz is None:
            raise InvalidBackfill(
                f"between={between!r} is of no time zone", todo=f"say whose clocks count: {_EXAMPLE}, or --tz UTC"
            )
        return cls(begin, end, _zone(tz))

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M} {self.zone}"

    def holds(self, moment: float) -> bool:
        """Tell whether `moment`, seconds since 1970, is in it."""
        now = datetime.fromtimestamp(moment, self.zone).time()
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end

    def opens_in(self, moment: float) -> float:
        """Return the seconds from `moment` until it is in the window, 0 if it is.

        On a day whose clocks leave out the begin it opens when they jump over it; where they leave out all of it, on
        the next day.
        """
        if self.holds(moment):
            return 0.0
        # Windows begin, and clocks are put forward, at whole minutes.
        at = datetime.fromtimestamp(moment, UTC).replace(second=0, microsecond=0)
        for _ in range(3 * 24 * 60):
            at += _MINUTE
            if self.holds(at.timestamp()):
                break
        return at.timestamp() - moment

    def lasts(self, moment: float, seconds: float) -> float:
        """Return the seconds from `moment` until so many of them were in the window; infinity after ten years.

        Where clocks are changed right at its begin or end this may be an hour off, on that day.
        """
        day, left = datetime.fromtimestamp(moment, self.zone).date() - _DAY, seconds
        for _ in range(_LONGEST):
            begin = datetime.combine(day, self.begin, self.zone).timestamp()
            day += _DAY
            end_day = day if self.end <= self.begin else day - _DAY
            end = datetime.combine(end_day, self.end, self.zone).timestamp()
            open_for = max(0.0, end - max(begin, moment))
            if open_for >= left:
                return max(begin, moment) + left - moment
            left -= open_for
        return math.inf


def _time(hours: str, minutes: str) -> time | None:
    """Return a time of day, None for what is none; 24:00 is the midnight at the end."""
    hour, minute = int(hours), int(minutes)
    if (hour, minute) == (24, 0):
        return time(0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _zone(name: str) -> tzinfo:
    if str(name).upper() == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(str(name))
    # A folder of the zones is an OSError, a name that leads out of them a ValueError.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    known = zoneinfo.available_timezones()
    if not known:
        raise InvalidBackfill(
            f"the time zone {name!r} cannot be looked up: this machine has no database of time zones",
            todo="install it, pip install tzdata, or give the hours in UTC: --tz UTC",
        )
    near = difflib.get_close_matches(str(name), sorted(known), n=1, cutoff=0.7)
    todo = f"did you mean {near[0]}?" if near else "give a name of the IANA database: Europe/Oslo, UTC"
    raise InvalidBackfill(f"{name!r} is no time zone", todo=todo)
