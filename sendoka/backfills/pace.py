"""How large the next batch is: it aims at a time, within bounds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST", "LARGEST", "SMALLEST", "TARGET", "Pace"]

FIRST = 1000
SMALLEST = 100
LARGEST = 5000
"""Above this the planner may choose to read the whole table for every batch (measured at 20,000)."""

TARGET = 0.5
"""Seconds that a batch should take: short for whoever waits for one of its rows, long beside a round trip."""

_WEIGHT = 0.3
_STEP = (0.5, 1.5)


@dataclass(slots=True)
class Pace:
    """The size of a run's batches, in rows. A `fixed` one stays, except that it shrinks where statements time out."""

    size: int = FIRST
    fixed: bool = False
    _rate: float | None = None
    _seconds: float = 0.0

    @property
    def expected(self) -> float:
        """The seconds that the next batch may take, by the last ones; 0 before the first."""
        return self._seconds

    def note(self, rows: int, seconds: float) -> None:
        """Learn from a batch that scanned `rows` in `seconds`."""
        self._seconds = max(seconds, 0.7 * self._seconds)
        if rows == 0 or seconds <= 0:
            return
        rate = rows / seconds
        self._rate = rate if self._rate is None else (1 - _WEIGHT) * self._rate + _WEIGHT * rate
        # A last, short page says little about full ones.
        if self.fixed or rows < self.size:
            return
        low, high = _STEP
        wanted = min(max(self._rate * TARGET, self.size * low), self.size * high)
        self.size = int(min(max(wanted, SMALLEST), LARGEST))

    def shrink(self) -> None:
        """Halve the batch: the last one was cancelled for taking too long."""
        self.size = max(1, self.size // 2)
