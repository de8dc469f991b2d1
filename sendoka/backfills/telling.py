"""What a call tells of its run to whoever listens: how all its shards stand, and how long they take yet."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import dead_by_shard
from sendoka.backfills.forecast import longest
from sendoka.backfills.owner import shown
from sendoka.backfills.report import Progress, ShardProgress
from sendoka.backfills.shards import read_shards
from sendoka.errors import SendokaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.call import Call, Worker
    from sendoka.backfills.shards import Part, Shard

__all__ = ["Teller"]

LOOK_EVERY = 5.0
"""Seconds between two looks at what other processes did, and at the dead letters."""

_HURRY = 2.0
"""A call that has so few seconds left, or less, has none for a look."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A shard of another process when it was looked at last: rows scanned, when, and how fast since the look before."""

    scanned: int
    at: float
    rate: float | None = None


class Teller:
    """Tells `listener` where the run of a call is; None where nobody listens, and then nothing is looked at."""

    def __init__(self, call: Call, listener: Callable[[Progress], None] | None) -> None:
        self._call = call
        self._listener = listener
        self._due = call.started + LOOK_EVERY
        self._seen: dict[int, _Seen] = {}
        self._dead: dict[int, int] = {}
        self._told: int | None = None

    def tell(self, why: str, left: float | None, *, warnings: tuple[str, ...], at: int | None) -> None:
        """Tell where the run is, and for what it waits, or the worker that is at the shard with the number `at`."""
        if self._listener is None:
            return
        call, shard, run = self._call, self._call.shard, self._call.run
        shards = self.shards()
        self._told = call.dead
        total = run.total if run else None
        self._listener(
            Progress(
                name=call.backfill.name,
                pass_number=shard.pass_number if shard else 1,
                scanned=shard.scanned if shard else 0,
                changed=shard.changed if shard else 0,
                pass_scanned=shard.pass_scanned if shard else 0,
                total=total,
                rate=sum([self._share * (call.rate or 0), *(each.rate or 0 for each in shards if not each.here)])
                or None,
                seconds_left=None if total is None else self._left(total - (shard.pass_scanned if shard else 0)),
                batch_size=call.pace.size,
                waiting=why,
                waiting_left=left,
                dead=call.dead,
                warnings=warnings,
                pace=call.held,
                shard=next((each for each in shards if each.number == at), None),
                shards=shards,
            )
        )

    def correct(self) -> None:
        """Tell once more how the run stands where dead letters were counted since it was told last: it is over."""
        if self._told not in {None, self._call.dead}:
            self.tell("", None, warnings=(), at=None)

    def shards(self) -> tuple[ShardProgress, ...]:
        """Return how each shard stands, as far as is known here."""
        call = self._call
        at = {worker.at: worker for worker in call.workers}
        dead = self._dead if len(call.parts) > 1 else dict.fromkeys(call.parts, call.dead)
        return tuple(
            self._standing(part, at.get(number), dead.get(number, 0)) for number, part in sorted(call.parts.items())
        )

    def _standing(self, part: Part, worker: Worker | None, dead: int) -> ShardProgress:
        shard, state, holder = part.shard, part.shard.state, ""
        if state == "running":
            holder = shown(part.lease.owner) if part.lease.owner and (worker or part.lease.seconds > 0) else ""
            state = "running" if worker or holder else "free"
        seen = self._seen.get(part.number) if holder and not worker else None
        rate = self._share * (worker.meter.rate or 0) if worker else seen.rate if seen else None
        left = max(0, part.about - shard.pass_scanned) / rate if rate and part.about is not None else None
        return ShardProgress(
            part.number,
            state,
            shard.pass_number,
            shard.scanned,
            shard.changed,
            dead,
            shard.seq,
            shard.pass_scanned,
            part.about,
            worker is not None,
            worker.waits if worker else "",
            holder,
            part.lease.seconds if holder else None,
            (rate or None) if state == "running" else None,
            self._with_hours(left) if state == "running" else None,
        )

    @property
    def _share(self) -> float:
        """Return how much of their rates the workers have together: under a limit one may wait for all others."""
        call = self._call
        rate, limit = call.rate, call.terms.limits.rate
        if not rate:
            return 1.0
        one = call.forecast.seconds(1) if call.held and len(call.workers) > 1 else None
        # Before the first wait a worker is as fast as its first batch, which says nothing of a run that is held.
        return min(1.0, 1 / (one * rate) if one else 1.0, limit / rate if limit else 1.0)

    # ------------------------------------------------------------------ how long it takes yet

    def _left(self, rows: int) -> float | None:
        """Return the seconds until the pass is over: all workers share what is left, as far as it can be shared."""
        call = self._call
        seconds = call.forecast.seconds(rows)
        if seconds and rows and len(call.parts) > 1:
            alone, workers = self._longest(rows)
            rate = rows / seconds / workers
            if call.held:  # who is alone need not share the limit with others
                rate = max(rate, *(worker.pace.rate or 0 for worker in call.workers))
            seconds = max(seconds, alone / rate)
        return self._with_hours(seconds)

    def _longest(self, rows: int) -> tuple[float, int]:
        """Return how many of so many rows the worker that ends last has yet, and how many workers there are."""
        call, busy, free = self._call, dict[int | None, float](), list[float]()
        at = {worker.at for worker in call.workers}
        for number, part in call.parts.items():
            if part.about is None:
                return 0.0, 1
            if part.shard.state == "running":
                rest = max(0.0, part.about - part.shard.pass_scanned)
                if number in at or (part.lease.owner and part.lease.seconds > 0):
                    busy[number] = rest
                else:
                    free.append(rest)
        idle = [0.0 for worker in call.workers if worker.at not in busy]
        known = sum(busy.values()) + sum(free)
        if not known:
            return 0.0, 1
        # Of the shards together more is known than of each.
        worth = call.workers[0].worth * known / rows
        return longest([*busy.values(), *idle], free, worth) * rows / known, len(busy) + len(idle)

    def _with_hours(self, seconds: float | None) -> float | None:
        """Return when so many seconds of work are over, with the closed hours that come before."""
        taken = math.inf if seconds is None else self._call.throttle.until(seconds)
        return None if math.isinf(taken) else taken

    # ------------------------------------------------------------------ looking

    async def look(self) -> None:
        """Read, now and then, how the shards of others stand, and the dead letters; where that fails less is told."""
        call, began = self._call, time.monotonic()
        if self._listener is None or call.run is None or began < self._due or call.seconds_left < _HURRY:
            return
        self._due = math.inf  # of several workers one looks
        try:
            with contextlib.suppress(SendokaError):
                parts = await read_shards(call.database, call.run.id)
                await self.count_dead(call.run.id)
                self._learn(parts, time.monotonic())
        finally:
            self._due = time.monotonic() + LOOK_EVERY

    async def ended(self, shard: Shard) -> None:
        """Read the dead letters where a shard of several was scanned just now: what is told of its end stays so."""
        call = self._call
        if self._listener is None or call.run is None or shard.state != "scanned" or call.seconds_left < _HURRY:
            return
        if len(call.parts) > 1 and shard.paged > shard.changed:  # else none of its rows can be dead
            with contextlib.suppress(SendokaError):
                await self.count_dead(call.run.id)

    async def count_dead(self, run: int) -> None:
        """Read how many dead letters each shard has."""
        self._dead = await dead_by_shard(self._call.database, run)
        self._call.dead = sum(self._dead.values())

    def _learn(self, parts: list[Part], now: float) -> None:
        """Note how the shards of others stand; of our own, and of what we did meanwhile, we know better."""
        call, here = self._call, {worker.at for worker in self._call.workers}
        for part in parts:
            known = call.parts.get(part.number)
            if known is not None and part.number in here:
                call.parts[part.number] = replace(known, about=part.about)
                self._seen.pop(part.number, None)
                continue
            if known is None or (part.shard.pass_number, part.shard.seq) >= (known.shard.pass_number, known.shard.seq):
                call.keep_one(part)
            self._seen[part.number] = _moved(self._seen.get(part.number), part.shard.scanned, now)


def _moved(before: _Seen | None, scanned: int, now: float) -> _Seen:
    if before is None or now <= before.at:
        return _Seen(scanned, now)
    return _Seen(scanned, now, (scanned - before.scanned) / (now - before.at) or None)
