"""The statements that make dead letters of rows in the batch of a step, as long as the run may have more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.dead_letters import Fault, bounded, bury, count_dead, most, too_many
from sendoka.backfills.shards import read_totals
from sendoka.backfills.stepping import StepFailed

if TYPE_CHECKING:
    from sendoka.backfills.batch import Page
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Statement
    from sendoka.errors import BatchFailed

__all__ = ["Graves"]


class Graves:
    """The dead letters that the batches of a step make."""

    def __init__(self, work: WalkOf) -> None:
        self._work = work

    async def of(self, page: Page, errors: dict[Any, Exception], shard: Shard) -> list[Statement]:
        """Return what makes dead letters of the rows that a step left out. Raises where those become too many."""
        if not errors:
            return []
        last = list(errors.values())[-1]
        if not self._work.max_dead:
            raise StepFailed(last)
        letters = {page.key_of(key): Fault.of(error) for key, error in errors.items()}
        return await self._made(letters, page.paged, last, shard)

    async def of_row(self, page: Page, error: Exception, shard: Shard) -> list[Statement]:
        """Return what makes a dead letter of the only row of a page. Raises where those become too many."""
        return await self._made({page.first_key: Fault.of(error)}, 1, error, shard)

    async def full(self, fault: Fault) -> BatchFailed:
        """Return the error for rows that could be no dead letters: another shard had the last room for them."""
        return too_many(self._work.backfill, *await self._counts(1, 1), fault)

    async def _made(self, letters: dict[str, Fault], paged: int, last: Exception, shard: Shard) -> list[Statement]:
        work, seq = self._work, shard.seq + 1
        dead, paged = await self._counts(len(letters), paged)
        bound = most(dead, paged, work.max_dead)
        if dead > bound:
            raise too_many(work.backfill, dead, paged, Fault.of(last)) from last
        place = {"run": work.run, "shard": work.shard, "seq": seq}
        graves = [bury(work.backfill, work.target, **place, key=key, fault=fault) for key, fault in letters.items()]
        return bounded(work.run, work.shard, seq, bound, graves)

    async def _counts(self, dead: int, paged: int) -> tuple[int, int]:
        """Return how many dead letters and rows paged the run has in all its shards, with so many more."""
        work = self._work
        before, totals = await count_dead(work.database, work.run), await read_totals(work.database, work.run)
        return before + dead, totals.paged + paged
