"""One call of `run`: what it was given, and what it knows by now. Whatever it does goes on in other modules."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sendoka.backfills.events import Actor
from sendoka.backfills.forecast import Forecast, Meter
from sendoka.backfills.patience import Patience
from sendoka.backfills.report import RunReport
from sendoka.backfills.shards import Lease, together
from sendoka.backfills.telling import Teller
from sendoka.backfills.throttle import Throttle
from sendoka.backfills.vacuuming import Vacuuming
from sendoka.bookkeeping import operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import TypeVar

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.order import Walked
    from sendoka.backfills.pace import Pace
    from sendoka.backfills.report import Progress
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Part, Shard
    from sendoka.backfills.terms import Terms
    from sendoka.database.seam import Database

    T = TypeVar("T")

__all__ = ["LAST_WORDS", "Call", "Worker"]

LAST_WORDS = 2.0
"""Seconds at most for giving back leases and noting how a run ended."""

_LAST_PART = 5
"""So much of a deadline, a fifth, is kept for last words where that is less than `LAST_WORDS`."""

_SPARE = 0.1
"""Seconds at most, or a twentieth of a deadline, that are left over: an event loop comes a little late."""

_ONE_MORE = 0.05
"""Seconds that last words have in any case."""

_BATCHES = 4
"""Batches that half of a shard is at least: less is no more work than to share it."""


@dataclass(slots=True)
class Worker:
    """One of those that change rows at once: how fast it goes, how long it waits.

    `at` is the number of its shard, if any, and `waits` for what it waits there, empty while it works. `held` is the
    limit that its last batch was held to, empty where to none, `rested` for how many seconds; `owed` are the rows that
    the batch on its way counts for, and until when they do under a rate is `paid`.
    """

    pace: Pace
    patience: Patience = field(init=False)
    meter: Meter = field(default_factory=Meter)
    at: int | None = None
    held: str = ""
    rested: float = 0.0
    owed: int = 0
    paid: float = 0.0
    waits: str = ""

    @property
    def worth(self) -> int:
        """Rows that half of a shard has at least, where this worker is to take it."""
        return _BATCHES * self.pace.size


@dataclass(slots=True)
class Call:
    """What a call of `run` was given, and what it knows by now.

    `run` is the run as it was read last, None before there is one; `walked` the order that it has, as its row says;
    `parts` its shards by number. `begun` is whether it was noted that we go on with it, `by` who that is. `reason` says
    why the call ends before the run is done, `failed` whether a worker met an error that ends it. `here` are the
    batches that were done by this call, `dead` the run's dead letters, `warnings` what was warned of, each once.
    Of a run that was done before the call, `left` rows are to be done now. `pace` is that of the first worker.
    """

    database: Database
    backfill: Backfill
    terms: Terms
    pace: Pace
    stop: Callable[[], bool]
    on_progress: Callable[[Progress], None] | None
    started: float = field(default_factory=time.monotonic)
    by: Actor = field(default_factory=lambda: Actor(operator()))
    run: Run | None = None
    walked: Walked | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    begun: bool = False
    reason: str = ""
    here: int = 0
    dead: int = 0
    was_done: bool = False
    left: int | None = 0
    script_changed: bool = False
    warnings: tuple[str, ...] = ()
    failed: bool = False
    forecast: Forecast = field(default_factory=Forecast)
    workers: list[Worker] = field(init=False)
    throttle: Throttle = field(init=False)
    teller: Teller = field(init=False)
    vacuuming: Vacuuming = field(init=False)

    def __post_init__(self) -> None:
        self.throttle = Throttle(self, self.terms.limits)
        self.vacuuming = Vacuuming(self)
        asked = self.stop
        self.stop = lambda: self.failed or asked()
        paces = [self.pace, *(replace(self.pace) for _ in range(self.terms.workers - 1))]
        self.workers = [self._worker(pace) for pace in paces]
        self.teller = Teller(self, self.on_progress)

    def add_worker(self) -> Worker:
        """Return one more worker, which begins with the pace of the first."""
        worker = self._worker(replace(self.pace))
        self.workers.append(worker)
        return worker

    def _worker(self, pace: Pace) -> Worker:
        worker = Worker(pace)
        worker.patience = Patience(lambda why: self.waiting(why, at=worker.at), self.stop, self.terms.retry)
        return worker

    @property
    def shard(self) -> Shard | None:
        """All shards of the run as one, as far as is known here."""
        return together([part.shard for part in self.parts.values()]) if self.parts else None

    @property
    def rate(self) -> float | None:
        """Rows scanned a second by the workers that are at it."""
        return sum(worker.meter.rate or 0 for worker in self._active) or None

    @property
    def held(self) -> str:
        """The limit that a worker's last batch was held to, empty where to none."""
        return next((worker.held for worker in self._active if worker.held), "")

    @property
    def _active(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.at is not None or len(self.workers) == 1]

    def keep(self, parts: Iterable[Part]) -> None:
        """Note how all shards of the run stand."""
        self.parts = {part.number: part for part in parts}
        self._foresee()

    def newest(self, part: Part) -> Part:
        """Return the part as it was read, but for a batch here whose answer came before that of the read."""
        known = self.parts.get(part.number)
        if known is None or known.shard.epoch != part.shard.epoch or known.shard.seq <= part.shard.seq:
            return part
        return replace(part, shard=known.shard)

    def keep_one(self, part: Part) -> None:
        """Note how one shard of the run stands, and who is at it."""
        self.parts[part.number] = part
        self._foresee()

    def note(self, number: int, shard: Shard) -> None:
        """Note how the shard stands that a worker is at: a batch of it was done, which renews its lease."""
        part = self.parts.get(number)
        if part is not None:
            lease = Lease(part.lease.owner, self.terms.lease if part.lease.owner else 0.0)
            self.parts[number] = replace(part, shard=shard, lease=lease)
        self._foresee()

    def _foresee(self) -> None:
        if shard := self.shard:
            self.forecast.note(shard.pass_number, shard.pass_scanned, time.monotonic())

    @property
    def seconds_left(self) -> float:
        """Seconds until the last words have to begin, infinity without a deadline."""
        deadline = self.terms.deadline
        return math.inf if deadline is None else self._until_over - min(LAST_WORDS, deadline / _LAST_PART)

    @property
    def _until_over(self) -> float:
        deadline = self.terms.deadline
        if deadline is None:
            return math.inf
        return self.started + deadline - min(_SPARE, deadline / 20) - time.monotonic()

    def last_words(self, *, more: bool = False) -> float:
        """Return the seconds for last words, half of what is left where `more` are to come: all is over in time."""
        return max(_ONE_MORE, min(LAST_WORDS, self._until_over / (2 if more else 1)))

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, which may be done twice, until it answers; what does not pass is raised."""
        return await self.workers[0].patience.insist(work)

    def warn(self, warnings: Iterable[str]) -> None:
        """Tell what is to be known of the whole run, and keep it for the report."""
        if given := tuple(warnings):
            self.waiting("", warnings=given)

    def waiting(
        self, why: str, left: float | None = None, *, warnings: tuple[str, ...] = (), at: int | None = None
    ) -> None:
        """Tell whoever listens where the run is, and for what it waits, empty where it works. There may be no run yet.

        Each of the `warnings` is told once, and kept for the report.
        at: the number of the shard whose worker waits, or has done a batch; None where it is of no shard.
        """
        new = tuple(each for each in dict.fromkeys(warnings) if each not in self.warnings)
        if warnings and not new:
            return
        self.warnings += new
        for worker in self.workers:
            if worker.at == at:
                worker.waits = why
        self.teller.tell(why, left, warnings=new, at=at)

    def report(self) -> RunReport:
        """Return how this call ended."""
        run, shard = self.run, self.shard
        state = run.state if run and (run.over or run.state == "paused") else "stopped"
        return RunReport(
            name=self.backfill.name,
            run=run.number if run else 0,
            state=state,
            reason="" if state == "done" else run.reason if run and state != "stopped" else self.reason,
            scanned=shard.scanned if shard else 0,
            changed=shard.changed if shard else 0,
            unchanged=max(0, shard.paged - shard.changed - self.dead) if shard else 0,
            dead=self.dead,
            passes=shard.pass_number if shard else 0,
            batches=shard.seq if shard else 0,
            here=self.here,
            retries=sum(worker.patience.retries for worker in self.workers),
            seconds=time.monotonic() - self.started,
            started_at=run.started_at if run else "",
            started_by=run.started_by if run else "",
            finished_at=run.finished_at if run else None,
            finished_by=run.finished_by if run else None,
            was_done=self.was_done,
            left=self.left if self.was_done else 0 if state == "done" else None,
            script_changed=self.script_changed and self.was_done,
            warnings=self.warnings,
            shards=self.teller.shards(),
        )
