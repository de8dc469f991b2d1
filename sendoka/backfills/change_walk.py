"""The walk of the SQL form: every batch is one statement, which finds its own place.

Over a long line the next one is sent before the last is answered. It waits in the database for the one before it, and
reads nothing until then: its first statement does the waiting, so the batch behind that sees what the former left.
"""

from __future__ import annotations

import contextlib
import functools
import math
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

import anyio

from sendoka.backfills.caution import Caution
from sendoka.backfills.change_text import change_batch, may_go_unlocked
from sendoka.backfills.dead_letters import Fault, too_many
from sendoka.backfills.flight import Flight
from sendoka.backfills.isolation import TOO_MANY, isolated_batch
from sendoka.backfills.line import Line
from sendoka.backfills.patience import is_of_data
from sendoka.backfills.shards import Shard, hold, read_shard, release
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, DeadlockDetected, SendokaError, SerializationFailure, TransportError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Cells, Result

__all__ = ["ChangeWalk"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")
_UNLOCKED = TransactionOptions(isolation_level="RepeatableRead", meets_conflicts=True)

_AT_ONCE = 2
"""Calls on their way over a long line: with two the database has the next one when it is done with the last."""

_ROOM = 8
"""How many times as long as the last call took the deadline must be away, or none is sent before its turn."""

_ALONE = frozenset({"55P03", "53300", "53400"})
"""What a call may meet only because another is under way: it waits for that too long, or is a connection too many."""

_AWHILE = 1.0
"""Seconds at most for which calls under way are waited for at the end; what they do they do without us too."""


class _Place(NamedTuple):
    """What a batch's text and epoch are for: ends of the table that the shard has, and whether it is a further pass."""

    first: bool
    last: bool
    further: bool
    epoch: int

    @classmethod
    def of(cls, shard: Shard) -> _Place:
        return cls(shard.first, shard.last, shard.pass_number > 1, shard.epoch)


class _Done(NamedTuple):
    """What a call found: where it was sent for, of what size, and how its shard stands now, None if it did nothing.

    The database worked so many seconds (`worked`) for it.
    """

    place: _Place
    size: int
    shard: Shard | None
    worked: float = 0.0


class ChangeWalk:
    """A `Walk` that needs no lease: rivals, and the twin of a lost answer, each take the next page.

    Where others share the run it has one all the same, so that each is at a shard of its own.
    """

    def __init__(self, work: WalkOf, shard: Shard, group: TaskGroup) -> None:
        self._work = work
        self.shard = shard
        self._texts: dict[tuple[bool, bool, bool, bool], str] = {}
        self._caution = Caution() if may_go_unlocked(work.backfill, work.target) else None
        self._early = Caution()
        self._flight: Flight[_Done] = Flight(group)
        self._line = Line()
        self._done = math.inf
        self.batches = self.asked = 0
        self.width = self.stepped = 0.0
        self.lost = False

    async def take(self) -> None:
        """Nothing is to be held."""

    async def batch(self, size: int) -> Shard:
        """Run the statement, row by row where a row is at fault; it finds the shard elsewhere: only look."""
        before = self.shard
        try:
            shard = await self._next(size)
        except DatabaseError as error:
            if not is_of_data(error) or not self._work.max_dead:
                raise
            shard = await self._isolate(size, error)
        self._done = time.monotonic()
        if shard is not None:
            return self._keep(shard)
        await self._land()
        found, lease = await read_shard(self._work.database, self._work.run, self._work.shard)
        self.lost = bool(self._work.owner) and lease.owner != self._work.owner
        if found.epoch != before.epoch:
            await self._work.check_script()
        self.shard = found
        return found

    async def keep(self) -> None:
        """Nothing is held."""

    async def stop(self) -> None:
        """Wait for what is under way, and give the lease back, if there is one; where that fails it just runs out."""
        work = self._work
        with anyio.move_on_after(_AWHILE):
            await self._land()
        if work.owner and not self.lost and self.shard.state == "running":
            with contextlib.suppress(SendokaError):
                await release(work.database, work.run, owner=work.owner)

    # ------------------------------------------------------------------ calls under way

    async def _next(self, size: int) -> Shard | None:
        """Return how the shard stands after the next batch, None where there was nothing to do for it.

        Over a long line one more is sent first. One that was sent for another place, as before the end of a stride,
        has done nothing, and says nothing. Where one fails nothing is under way any more, and each waits for the one
        before it for a while, a longer one each time.
        """
        flight, early = self._flight, self._early
        self.asked, self.stepped = size, 0.0
        if not self._work.counted:
            await self._line.measure(self._work.database)
        if self._goes_ahead():
            while len(flight) < _AT_ONCE:
                flight.send(functools.partial(self._call, size))
        while flight:
            try:
                done = await flight.land()
            except (DatabaseError, TransportError) as error:
                early.met()
                await self._land()
                if not isinstance(error, DatabaseError) or error.sqlstate not in _ALONE:
                    raise
                break
            if done is not None and (done.shard is not None or done.place == _Place.of(self.shard)):
                # Answers may come together, or the later one first: what the database did took its time all the same.
                self.asked, self.stepped = done.size, max(flight.spent, done.worked)
                return done.shard
        if not early.allows:
            early.passed()
        return await self._change(size)

    def _goes_ahead(self) -> bool:
        """Tell whether a batch is sent before the last one is answered.

        Not where the run rests between batches, for it would go on meanwhile; nor in further passes, which are small.
        """
        work, shard, line = self._work, self.shard, self._line
        rested = self._flight.is_down if self._flight else time.monotonic() - self._done > line.whole
        return (
            line.long
            and self._early.allows
            and not rested
            and not work.counted
            and not shard.first
            and shard.pass_number == 1
            and work.seconds_left() > _ROOM * line.whole
        )

    async def _call(self, size: int) -> _Done:
        """Do a page behind all that is under way."""
        work, place = self._work, _Place.of(self.shard)
        began = time.monotonic()
        request = [hold(work.run, work.shard), self._statement(size, place, locks=True)]
        result = (await work.database.run_all(request, _OPTIONS))[-1]
        return _Done(place, size, self._found(result, began), self._line.work)

    async def _land(self) -> None:
        """Wait for all that is under way, whatever becomes of it."""
        while self._flight:
            with contextlib.suppress(DatabaseError, TransportError):
                done = await self._flight.land()
                if done is not None and done.shard is not None:
                    self._keep(done.shard)

    def _keep(self, shard: Shard) -> Shard:
        """Note a batch that was done here, and return how the shard stands: an answer may come behind a later one."""
        self.batches += 1
        if shard.epoch != self.shard.epoch or shard.seq > self.shard.seq:
            self.shard = shard
        return self.shard

    # ------------------------------------------------------------------ one call

    async def _change(self, size: int) -> Shard | None:
        """Do the page without locking it, where it may be and where nobody changes its rows meanwhile; else lock it."""
        work, caution, place = self._work, self._caution, _Place.of(self.shard)
        if caution and caution.allows:
            began = time.monotonic()
            try:
                results = await work.database.run_all([self._statement(size, place, locks=False)], _UNLOCKED)
            except (SerializationFailure, DeadlockDetected):
                caution.met()
            else:
                caution.spared()
                return self._found(results[0], began)
        elif caution:
            caution.passed()
        began = time.monotonic()
        return self._found(await work.database.run(self._statement(size, place, locks=True)), began)

    def _found(self, result: Result[Cells], began: float) -> Shard | None:
        """Return how the shard stands, if the call did anything, having learned how far the database is."""
        if not result.rows:
            return None
        *cells, inside, worked = result.rows[0]
        self._line.note(time.monotonic() - began, float(inside or 0), float(worked or 0))
        return Shard.of(cells)

    def _statement(self, size: int, place: _Place, *, locks: bool) -> Ours:
        """Return a batch with a token of its own. Its text differs at the table's ends, and after the first pass."""
        work, which = self._work, (place.first, place.last, place.further, locks)
        if which not in self._texts:
            backfill = work.backfill_at(self.shard)
            self._texts[which] = change_batch(backfill, work.target, first=place.first, last=place.last, locks=locks)
        at = (str(work.run), str(work.shard), str(size), secrets.token_hex(8), str(place.epoch))
        return Ours(self._texts[which], (*at, str(work.lease), work.owner))

    async def _isolate(self, size: int, cause: DatabaseError) -> Shard | None:
        """Do the page row by row. Raises the `cause` where the role may not run a block of plpgsql."""
        work, token = self._work, secrets.token_hex(8)
        request = isolated_batch(
            work.backfill_at(self.shard),
            work.target,
            run=work.run,
            shard=work.shard,
            at=self.shard,
            size=size,
            token=token,
            max_dead=work.max_dead,
            lease=work.lease,
            owner=work.owner,
        )
        try:
            (cells,) = (await work.database.run_all(request, _OPTIONS))[-1].rows
        except DatabaseError as error:
            if error.sqlstate == "42501":
                raise cause from error
            if error.sqlstate != TOO_MANY:
                raise
            dead, paged, code = (error.detail or "0 0").split(" ", 2)
            raise too_many(work.backfill, int(dead), int(paged), Fault(code, error.message)) from error
        return Shard.of(cells[:-1]) if cells[-1] == token else None
