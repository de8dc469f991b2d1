"""The walk of the SQL form: every batch is one statement, which finds its own place."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from sendoka.backfills.caution import Caution
from sendoka.backfills.change_text import change_batch, may_go_unlocked
from sendoka.backfills.dead_letters import Fault, too_many
from sendoka.backfills.isolation import TOO_MANY, isolated_batch
from sendoka.backfills.patience import is_of_data
from sendoka.backfills.shards import Shard, read_shard, release
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, DeadlockDetected, SendokaError, SerializationFailure

if TYPE_CHECKING:
    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Cells, Result

__all__ = ["ChangeWalk"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")
_UNLOCKED = TransactionOptions(isolation_level="RepeatableRead", meets_conflicts=True)


class ChangeWalk:
    """A `Walk` that needs no lease: rivals, and the twin of a lost answer, each take the next page.

    Where others share the run it has one all the same, so that each is at a shard of its own.
    """

    def __init__(self, work: WalkOf, shard: Shard) -> None:
        self._work = work
        self._shard = shard
        self._texts: dict[tuple[bool, bool, bool, bool], str] = {}
        self._caution = Caution() if may_go_unlocked(work.backfill, work.target) else None
        self.batches = self.asked = 0
        self.width = self.stepped = 0.0
        self.lost = False

    async def take(self) -> None:
        """Nothing is to be held."""

    async def batch(self, size: int) -> Shard:
        """Run the statement, row by row where a row is at fault; it finds the shard elsewhere: only look."""
        before = self._shard
        try:
            shard = await self._change(size)
        except DatabaseError as error:
            if not is_of_data(error) or not self._work.max_dead:
                raise
            shard = await self._isolate(size, error)
        if shard is not None:
            self.batches += 1
            self._shard = shard
            return shard
        found, lease = await read_shard(self._work.database, self._work.run, self._work.shard)
        self.lost = bool(self._work.owner) and lease.owner != self._work.owner
        if found.epoch != before.epoch:
            await self._work.check_script()
        self._shard = found
        return found

    async def keep(self) -> None:
        """Nothing is held."""

    async def stop(self) -> None:
        """Give the lease back, if there is one; where that fails it runs out by itself."""
        work = self._work
        if work.owner and not self.lost and self._shard.state == "running":
            with contextlib.suppress(SendokaError):
                await release(work.database, work.run, owner=work.owner)

    async def _change(self, size: int) -> Shard | None:
        """Do the page without locking it, where it may be and where nobody changes its rows meanwhile; else lock it."""
        work, shard, caution = self._work, self._shard, self._caution
        place = (str(work.run), str(work.shard), str(size), secrets.token_hex(8), str(shard.epoch))
        params = (*place, str(work.lease), work.owner)
        if caution and caution.allows:
            try:
                results = await work.database.run_all([Ours(self._text(locks=False), params)], _UNLOCKED)
            except (SerializationFailure, DeadlockDetected):
                caution.met()
            else:
                caution.spared()
                return _found(results[0])
        elif caution:
            caution.passed()
        return _found(await work.database.run(Ours(self._text(locks=True), params)))

    def _text(self, *, locks: bool) -> str:
        """Return the batch's text, which differs at the table's ends, and after the first pass."""
        work, shard = self._work, self._shard
        which = (shard.first, shard.last, shard.pass_number > 1, locks)
        if which not in self._texts:
            backfill = work.backfill_at(shard)
            self._texts[which] = change_batch(backfill, work.target, first=shard.first, last=shard.last, locks=locks)
        return self._texts[which]

    async def _isolate(self, size: int, cause: DatabaseError) -> Shard | None:
        """Do the page row by row. Raises the `cause` where the role may not run a block of plpgsql."""
        work, token = self._work, secrets.token_hex(8)
        request = isolated_batch(
            work.backfill_at(self._shard),
            work.target,
            run=work.run,
            shard=work.shard,
            at=self._shard,
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


def _found(result: Result[Cells]) -> Shard | None:
    return Shard.of(result.rows[0]) if result.rows else None
