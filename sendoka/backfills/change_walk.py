"""The walk of the SQL form: every batch is one statement, which finds its own place."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sendoka.backfills.checkpoint import Shard, read_shard
from sendoka.backfills.statements import change_batch, key_of
from sendoka.database.home import Ours

if TYPE_CHECKING:
    from sendoka.backfills.walk import WalkOf

__all__ = ["ChangeWalk"]


class ChangeWalk:
    """A `Walk` that needs no lease: rivals, and the twin of a lost answer, each take the next page."""

    def __init__(self, work: WalkOf, shard: Shard) -> None:
        self._work = work
        self._shard = shard
        self._first = change_batch(work.backfill, work.target, first=True)
        self._next = change_batch(work.backfill, work.target, first=False)
        self.batches = 0

    async def take(self) -> None:
        """Nothing is to be held."""

    async def batch(self, size: int) -> Shard:
        """Run the statement; where it finds the shard elsewhere than we thought, only look."""
        work = self._work
        text = self._first if key_of(self._shard.cursor) is None else self._next
        params = (str(work.run), str(work.shard), str(size), secrets.token_hex(8), str(self._shard.epoch))
        rows = (await work.database.run(Ours(text, params))).rows
        if rows:
            self.batches += 1
            self._shard = Shard.of(rows[0])
            return self._shard
        found, _ = await read_shard(work.database, work.run, work.shard)
        if found.epoch != self._shard.epoch:
            await work.check_script()
        self._shard = found
        return found

    async def stop(self) -> None:
        """Nothing is held."""
