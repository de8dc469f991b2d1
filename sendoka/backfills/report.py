"""What a run says of itself: while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Forecast", "Meter", "Progress", "RunReport"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. `total` is about how many rows the table has, None if unknown; the counts are of the whole run.

    `rate` is rows scanned a second while it works, of late; `seconds_left` until the pass is over, with what it waits
    for, None as long as nobody can tell. `waiting` says for what the run waits, empty while it works, and
    `waiting_left` for how many seconds at most, if known. `pace` is the limit that the last batch was held to,
    empty where to none. Before there is a run it may wait too: then all counts are 0.
    `dead` are the rows that could not be changed and were left out, as far as this runner knows. `warnings` are there
    once, before the first batch of a new run: triggers that fire, functions that give another value each time.
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
    waiting_left: float | None = None
    dead: int = 0
    warnings: tuple[str, ...] = ()
    pace: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a call of `run` ended.

    `state` is `done` (verified), or `stopped`: the run can be gone on with, and `reason` says why (`deadline`,
    `interrupted`, or the hours that this call does not reach); or it is `paused` or `cancelled`, and `reason` says by
    whom. Counts are of the whole run, over all
    its shards, `batches` too; `here` is how many of them this call did, 0 where another runner did them all.
    `unchanged` are rows that satisfied `where` when their page was read, and that the change left alone,
    `dead` those that it failed for: they are in sendoka.dead_letters. Times are ISO
    8601 in UTC.

    `was_done` is true where it was done before this call, which then changed nothing: `left` rows are to be done
    now (None where that cannot be counted), and `script_changed` says that the script is not the one that was run.
    `warnings` are what was said before the first batch, by the call that began the run.
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
    here: int
    retries: int
    seconds: float
    started_at: str
    started_by: str
    finished_at: str | None = None
    finished_by: str | None = None
    was_done: bool = False
    left: int | None = 0
    script_changed: bool = False
    dead: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the backfill is done and verified."""
        return self.state == "done"


@dataclass(slots=True)
class Meter:
    """The rate of a run, smoothed over its last batches. Only work counts: what it waited for says nothing of it."""

    rate: float | None = None

    def add(self, scanned: int, seconds: float) -> None:
        """Note that so many rows were scanned in so many seconds."""
        if seconds > 0 and scanned:
            rate = scanned / seconds
            self.rate = rate if self.rate is None else 0.8 * self.rate + 0.2 * rate


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
