"""How large the next batch is: it aims at a time, within bounds of rows and of bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BYTES", "FIRST", "FIRST_OF_STEP", "LARGEST", "MOST", "PROBE", "SMALLEST", "TARGET", "Pace", "largest"]

FIRST = 1000
FIRST_OF_STEP = 100
"""The first page of a step: where it asks a service for each row, a thousand may take longer than a page may."""

SMALLEST = 100
LARGEST = 5000
"""Above this the planner may choose to read the whole table for every batch (measured at 20,000)."""

MOST = 2000
"""Rows that a batch changes at most, if not told otherwise: with 5,000 it is a twentieth to an eighth quicker, and the
writes of an application beside it take nearly twice as long (the 99th in a hundred)."""

PROBE = 10
"""The first batch against a deadline, where nothing is known of how long one takes."""

TARGET = 0.5
"""Seconds that a batch should take: short for whoever waits for one of its rows, long beside a round trip."""

BYTES = 6 * 1024 * 1024
"""Bytes of a page, and of what is written for it: Neon takes and gives 64 MB, a proxy of one's own 10 MB by default."""

_WEIGHT = 0.3
_STEP = (0.5, 1.5)
_MARGIN = 1.3
"""A batch is as large as would take so much less than the time that is left."""


@dataclass(slots=True)
class Pace:
    """The size of a run's batches, in rows.

    A `fixed` one stays, unless statements time out, a deadline is near, or so many rows have more than `BYTES`. `rate`
    is rows scanned a second, None while unknown; one that an earlier call measured may be given. `width` is how many
    bytes a scanned row has on the wire, None while unknown, and 0 for nearly nothing where the rows stay in the server.
    `most` are the rows that a batch is to change at most, None for no such bound.
    """

    size: int = FIRST
    fixed: bool = False
    rate: float | None = None
    width: float | None = None
    most: int | None = None
    _rows: int = 0

    def within(self, seconds: float) -> int:
        """Return the size of the next batch if it may take so many seconds: 0 where it is not worth beginning."""
        size = self.size if not self.width else max(1, min(self.size, int(BYTES / self.width)))
        if seconds == math.inf:
            return size
        if self.rate is None:
            return min(size, PROBE)
        fitting = int(self.rate * seconds / _MARGIN)
        return min(size, fitting) if fitting >= size / 4 or fitting >= PROBE else 0

    def resume(self, rate: float | None) -> None:
        """Begin with what an earlier call measured, if it did; a batch is no larger than is right at that rate."""
        if rate is None or self.rate is not None:
            return
        self.rate = rate
        if not self.fixed:
            self.size = min(self.size, max(SMALLEST, int(rate * TARGET)))

    def note(self, rows: int, seconds: float, asked: int | None = None, *, hits: int = 0) -> None:
        """Learn from a batch that scanned `rows` in `seconds`, having been asked for so many (by default, its size).

        Of these `hits` satisfied `where`.
        """
        if rows == 0 or seconds <= 0:
            return
        rate = rows / seconds
        # Beside a far larger batch a small one says little: most of its time was the round trip.
        anew = self.rate is None or rows > 2 * self._rows
        self.rate = rate if anew or self.rate is None else (1 - _WEIGHT) * self.rate + _WEIGHT * rate
        self._rows = rows
        # A last, short page says little about full ones.
        if self.fixed or rows < (self.size if asked is None else asked):
            return
        low, high = _STEP
        wanted = min(max(self.rate * TARGET, self.size * low), self.size * high)
        self.size = int(min(max(wanted, SMALLEST), largest(self.most, hits / rows)))

    def cut(self, rows: int, seconds: float) -> None:
        """Learn from a batch of `rows` that was not done after `seconds`: it takes at least twice as long, say."""
        slow = rows / max(seconds, 0.001) / 2
        self.rate = slow if self.rate is None else min(self.rate, slow)

    def widen(self, width: float) -> None:
        """Learn how many bytes a row had on the wire, of late: at once where it is more, slowly where it is less."""
        known = self.width or 0.0
        self.width = width if width >= known else (1 - _WEIGHT) * known + _WEIGHT * width

    def shrink(self, size: int, *, by: int = 2) -> int:
        """Make batches smaller than the one of `size` rows that took too long or was too large; return their size."""
        smaller = max(1, size // by)
        self.size = min(self.size, smaller)
        return smaller


def largest(most: int | None, share: float) -> float:
    """Return how many rows a batch scans at most, that is to change `most`, where a `share` of them is changed."""
    return LARGEST if most is None or not share else min(LARGEST, most / share)
