"""How fast a run is, and how long it takes yet."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Forecast", "Meter", "longest"]


@dataclass(slots=True)
class Meter:
    """The rate of a run, smoothed over its last batches. Only work counts: what it waited for says nothing of it.

    Rows and seconds are smoothed each for themselves: the mean of rates would be that of the shortest batches.
    """

    _rows: float = 0.0
    _seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        """Rows a second, None before the first batch."""
        return self._rows / self._seconds if self._seconds else None

    def add(self, scanned: int, seconds: float) -> None:
        """Note that so many rows were scanned in so many seconds."""
        if seconds > 0 and scanned:
            before = 0.8 if self._seconds else 0.0
            self._rows = before * self._rows + (1 - before) * scanned
            self._seconds = before * self._seconds + (1 - before) * seconds

    def take(self, rate: float | None) -> None:
        """Take the rate that another process measured."""
        self._rows, self._seconds = (rate, 1.0) if rate else (0.0, 0.0)


@dataclass(slots=True)
class Forecast:
    """How long a pass takes yet, by how fast its rows were scanned here by the clock: waits count, all workers do.

    What came last weighs most: each second as much as seconds were before it. It cannot know that the table has another
    number of rows than the planner says, that what is to come is of another kind than what was (locks, throttling, a
    cold cache, hours that close before the end), that another pass will be needed, or what other processes did before
    their shards are read again.
    """

    _pass: int = 0
    _began: float = 0.0
    _at: float = 0.0
    _scanned: int = 0
    _weighed: float = 0.0

    def note(self, pass_number: int, scanned: int, now: float) -> None:
        """Note that so many rows of the pass are scanned by now, by a clock in seconds."""
        if pass_number != self._pass:
            self._pass, self._began, self._weighed = pass_number, now, 0.0
        else:
            middle = (self._at + now) / 2 - self._began
            self._weighed += max(0, scanned - self._scanned) * middle
        self._at, self._scanned = now, scanned

    def skip(self, now: float) -> None:
        """Leave out the time since the last note: the run was held by somebody."""
        self._began, self._at = self._began + now - self._at, now

    def seconds(self, rows: int) -> float | None:
        """Return how long so many more rows take, None where nobody can tell."""
        took = self._at - self._began
        return rows * took * took / 2 / self._weighed if rows >= 0 and self._weighed > 0 else None


def longest(busy: Sequence[float], free: Sequence[float], worth: float) -> float:
    """Return how many rows the worker that ends last has yet, where all are equally fast.

    `busy` are the rows that each worker has left of its shard, 0 where it has none; `free` those of the shards that
    nobody is at, in order. Who finds none free takes half of the largest one, if that is `worth` so many rows or more.
    """
    ends = list(busy) or [0.0]
    heapq.heapify(ends)
    for rows in free:
        heapq.heapreplace(ends, ends[0] + rows)
    ends.sort()
    while (rest := ends[-1] - ends[0]) >= 2 * max(worth, 1):
        first, *others, _ = ends
        ends = sorted([*others, first + rest / 2, first + rest / 2])
    return ends[-1]
