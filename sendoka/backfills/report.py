"""What a run says of itself: while it goes on, and at its end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Meter", "Progress", "RunReport"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. `total` is about how many rows the table has, None if unknown; the counts are of the whole run.

    `rate` is rows scanned a second, of late; `seconds_left` None as long as nobody can tell. `waiting` says for what
    the run waits, empty while it works.
    """

    name: str
    pass_number: int
    scanned: int
    changed: int
    pass_scanned: int
    total: int | None
    rate: float | None
    seconds_left: float | None
    batch_size: int
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a call of `run` ended.

    `state` is `done` (verified), or `stopped`: the run can be resumed, and `reason` says why (`deadline`,
    `interrupted`). Counts are of the whole run, not only of this call. `unchanged` are rows that satisfied `where` when
    their page was read, and that the change left alone. `was_done` is true where it was done before this call, which
    then changed nothing.
    """

    name: str
    run: int
    state: str
    reason: str
    scanned: int
    changed: int
    unchanged: int
    passes: int
    batches: int
    retries: int
    seconds: float
    started_at: str
    started_by: str
    finished_at: str | None = None
    finished_by: str | None = None
    was_done: bool = False

    @property
    def done(self) -> bool:
        """Whether the backfill is done and verified."""
        return self.state == "done"


@dataclass(slots=True)
class Meter:
    """The rate of a run, smoothed over its last batches."""

    _at: float = field(default_factory=time.monotonic)
    _rate: float | None = None

    def add(self, scanned: int) -> float | None:
        """Note that so many rows were scanned since the last call; return rows a second, None while unknown."""
        now = time.monotonic()
        took, self._at = now - self._at, now
        if took > 0 and scanned:
            rate = scanned / took
            self._rate = rate if self._rate is None else 0.8 * self._rate + 0.2 * rate
        return self._rate
