"""How far the database is: what a call takes on its way there and back, beside its work."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement

if TYPE_CHECKING:
    from sendoka.database.seam import Database

__all__ = ["Line", "round_trip"]

_LEAST = 0.005
"""Seconds of the way from which on it is worth a second call under way, which locks its page and waits for its turn."""

_SHARE = 0.25
"""And the part of a batch's work that the way must be."""

_CALLS = 3
"""Of the last so many calls the shortest way counts, of fewer none: a longer one may tell of busy machines only."""


@dataclass(slots=True)
class Line:
    """What calls took, in seconds. `whole` is the last one's, from its sending to its answer, `work` its batch's."""

    whole: float = 0.0
    work: float = 0.0
    _ways: deque[float] = field(default_factory=lambda: deque(maxlen=_CALLS))
    _trip: float | None = None

    def note(self, whole: float, inside: float, work: float) -> None:
        """Note what a call took, of that all in the database, and the batch alone, without its wait for another."""
        self.whole, self.work = whole, work
        self._ways.append(whole - inside)

    @property
    def long(self) -> bool:
        """Whether the database would stand idle for much of the time, if each call waited for the one before it."""
        return self._seems_long and self._trip is not None and self._trip >= self._least

    async def measure(self, database: Database) -> None:
        """Where it seems to be long, find out once whether it is: a commit takes its time behind a batch's clock."""
        if self._seems_long and self._trip is None:
            self._trip = min(await round_trip(database), await round_trip(database))

    @property
    def _seems_long(self) -> bool:
        return len(self._ways) == _CALLS and min(self._ways) >= self._least

    @property
    def _least(self) -> float:
        return max(_LEAST, _SHARE * self.work)


async def round_trip(database: Database) -> float:
    """Return the seconds that a question takes in which there is nothing to do."""
    began = time.monotonic()
    await database.run(Statement("select 1"))
    return time.monotonic() - began
