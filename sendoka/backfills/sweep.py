"""A pass of one runner over one shard: batch after batch, each sent as often as it must be."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills.beside import beside
from sendoka.backfills.change_walk import ChangeWalk
from sendoka.backfills.owner import new_owner
from sendoka.backfills.patience import TOO_LARGE, passes
from sendoka.backfills.step_walk import StepWalk
from sendoka.backfills.walk import WalkOf, after_correction, key_of
from sendoka.errors import (
    BatchFailed,
    DatabaseError,
    EndpointError,
    Outcome,
    RequestTimeout,
    TransportError,
)

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from sendoka.backfills.call import Call, Worker
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Part, Shard
    from sendoka.backfills.target import Target
    from sendoka.backfills.walk import Walk

__all__ = ["Sweep"]

_STEEP = 8
"""By how much a page that was too large is made smaller: each try may cost the server an answer of 64 MB."""


@dataclass(slots=True)
class Sweep:
    """What one worker does to a shard. `sent` are size and start of the batch that is on its way, None between two.

    `owner` is the name under which it holds shards, where there are several.
    """

    call: Call
    worker: Worker
    owner: str = field(default_factory=new_owner)
    sent: tuple[int, float] | None = None
    sent_any: bool = False

    async def over(self, target: Target, run: Run, part: Part, *, claimed: bool = False) -> bool:
        """Do batches of the shard until it is scanned, or another's; return whether any was done here.

        claimed: whether it is held by our `owner`; else it is the only one of its run, and waited for.
        """
        shard, self.worker.at = part.shard, part.number
        if shard.state != "running":
            return False
        async with beside() as group:
            walk = self.walk(self.work(target, run, part.number, self.owner if claimed else ""), shard, group)
            try:
                while shard.state == "running" and not walk.lost:
                    await self.call.teller.look()
                    await self.call.throttle.room(target, walk, self.worker)
                    await self.call.vacuuming.between(target, walk, at=part.number)
                    size = self._size()
                    if self.call.reason:
                        break
                    shard = await self._batch(target, walk, shard, size)
                    self.call.note(part.number, shard)
            finally:
                with anyio.move_on_after(self.call.last_words(more=True), shield=True):
                    await walk.stop()
                self.worker.at, self.worker.waits = None, ""
                self.call.here += walk.batches
                self.call.note(part.number, walk.shard)
        return True

    def cut(self) -> None:
        """Learn from the batch that was on its way when time ran out."""
        if self.sent is not None:
            rows, began = self.sent
            self.worker.pace.cut(rows, time.monotonic() - began)

    def walk(self, work: WalkOf, shard: Shard, group: TaskGroup) -> Walk:
        """Return the way through a shard that suits the form of the change; what goes on beside it does in `group`."""
        return StepWalk(work, shard, group) if work.backfill.step else ChangeWalk(work, shard, group)

    def work(self, target: Target, run: Run, number: int, owner: str) -> WalkOf:
        """Return what is walked: the shard with this number."""
        call, terms = self.call, self.call.terms
        return WalkOf(
            call.database,
            call.backfill,
            target,
            run.id,
            number,
            functools.partial(call.waiting, at=number),
            call.stop,
            call.backfill.checksum(),
            terms.lease,
            terms.max_dead,
            terms.step_timeout,
            owner,
            lambda: call.seconds_left,
            call.throttle.most is not None,
        )

    def _size(self) -> int:
        """Return the size of the next batch; where none shall be begun, set the reason."""
        size, most = self.worker.pace.within(self.call.seconds_left), self.call.throttle.most
        if self.call.stop():
            self.call.reason = "interrupted"
        elif size == 0 and self.sent_any:
            self.call.reason = "deadline"
        return max(1, size if most is None else min(size, most))

    async def _batch(self, target: Target, walk: Walk, before: Shard, size: int) -> Shard:
        """Do one batch, however often it must be sent: each time there has to be room, and its rows count.

        Return the shard as it was where the call must end before; its reason is set then.
        """
        call = self.call
        while True:
            try:
                taken = await walk.take()
                if taken is not None:
                    return taken
                call.throttle.begins(size, self.worker)
                began = time.monotonic()
                self.sent, self.sent_any = (size, began), True
                shard = await walk.batch(size)
            except (DatabaseError, TransportError) as error:
                self.sent, too_long = None, _too_long(error)
                too_large = _too_large(error) and call.backfill.step is not None and size > 1
                if too_long or too_large:
                    size = self.worker.pace.shrink(size, by=_STEEP if too_large else 2)
                if not await self.worker.patience.meet(error, passing=too_long or too_large or passes(error)):
                    raise _failed(call.backfill.name, error, before) from error
                await call.throttle.room(target, walk, self.worker)  # its hours may be over by now
                if call.reason:
                    return before
                continue
            if _stands(before, shard):
                raise _no_way(call.backfill.name, before)
            seconds, self.sent = time.monotonic() - began, None
            await call.teller.ended(shard)
            self.worker.pace.widen(walk.width)
            self._note(walk, before, shard, size, seconds)
            return shard

    def _note(self, walk: Walk, before: Shard, shard: Shard, size: int, seconds: float) -> None:
        """Learn from a batch that was done, and tell of it.

        Its step may have been called, or the batch itself sent, while the one before it was on its way, or the run
        rested: as long as that took a batch takes in any case.
        """
        asked = walk.asked or size
        call, worker = self.call, self.worker
        worker.patience.renew()
        scanned = max(0, shard.scanned - before.scanned)
        hits = max(0, shard.paged - before.paged)
        worker.pace.note(min(scanned, asked), max(seconds, walk.stepped), asked, hits=hits)
        worker.meter.add(scanned, seconds + worker.rested)
        call.throttle.spent(min(scanned, asked), seconds, worker)
        assert worker.at is not None  # noqa: S101 - over() set it
        call.note(worker.at, shard)
        call.waiting("", at=worker.at)


def _stands(before: Shard, shard: Shard) -> bool:
    """Tell whether a batch scanned rows and left the cursor where it was: the next one would scan them again."""
    scanned = shard.pass_number == before.pass_number and shard.scanned > before.scanned
    return scanned and shard.cursor is not None and shard.cursor == before.cursor


def _no_way(name: str, shard: Shard) -> BatchFailed:
    return BatchFailed(
        f"the walk of the backfill {name} does not move on: the database reads the key that it kept as another one, or"
        " an index has the keys in another order than they have now",
        cursor=key_of(shard.cursor),
        where=f"after the key {shard.cursor}; the rows behind it may have been changed twice",
        todo="walk by other columns that are unique, key=[…], or build the index anew: reindex",
    )


def _failed(name: str, error: DatabaseError | TransportError, shard: Shard) -> BatchFailed:
    said = error.message if isinstance(error, DatabaseError) else error.what
    code = f" ({error.sqlstate})" if isinstance(error, DatabaseError) else ""
    return BatchFailed(
        f"a batch of the backfill {name} failed: {said}{code}",
        cursor=key_of(shard.cursor),
        where=f"after the key {shard.cursor}" if shard.cursor else "at the first key",
        todo=_way_on(error, shard),
    )


def _way_on(error: DatabaseError | TransportError, shard: Shard) -> str:
    again = "run it again: it goes on where it stands"
    if _too_large(error):
        return (
            "one row is more than a request or an answer may hold: leave wide columns out of columns=[…], or write the"
            " change in SQL, sql=, where no row leaves the database"
        )
    if isinstance(error, DatabaseError) and error.sqlstate == "42501":
        return f"grant the role what is missing, and {again}"
    if passes(error):
        return f"it did not pass by itself while this waited; when it has, {again}"
    if isinstance(error, TransportError):
        return error.todo or f"see what stands between here and the database, and {again}"
    if error.sqlstate == "27000":
        return "a trigger changes other rows of the same page: let it not, or use batch_size=1"
    return after_correction(shard)


def _too_long(error: DatabaseError | TransportError) -> bool:
    """Tell whether the batch itself was too large: cancelled by the server, or not answered in the client's time."""
    if isinstance(error, DatabaseError):
        return error.sqlstate == "57014"
    return isinstance(error, RequestTimeout) and error.outcome is Outcome.UNKNOWN


def _too_large(error: DatabaseError | TransportError) -> bool:
    """Tell whether the request or its answer had too many bytes."""
    return isinstance(error, EndpointError) and error.status in TOO_LARGE
