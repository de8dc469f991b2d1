"""One call of a step: within its time, and with what its failure says of the rows it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from sendoka.backfills.patience import is_of_row, passes
from sendoka.backfills.walk import after_correction, key_of
from sendoka.errors import BackfillError, BatchFailed, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.batch import Batch
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.shards import Shard
    from sendoka.database.seam import Database

__all__ = ["JUDGED", "StepFailed", "call_step", "endless_step", "step_raised"]

JUDGED = 10
"""So many rows that a step changed, and that all satisfy `where` afterwards, say that it would never be done."""


class StepFailed(Exception):
    """A step raised `error`, for which a single row may be at fault. Never leaves `run`."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


async def call_step(
    backfill: Backfill,
    database: Database,
    batch: Batch[Any],
    timeout: float,
    shard: Shard,
    warn: Callable[[str], None] | None = None,
) -> object:
    """Return what the step returns for `batch`, the rows behind the cursor of `shard`.

    A step that does not await cannot be ended in its time: it is kept, and `warn` is told.

    Raises StepFailed for what a row may be at fault for, BatchFailed for what the step is at fault for, or where it
    takes longer than `timeout` seconds; a failure that passes, and a BackfillError, as it is.
    """
    assert backfill.step is not None  # noqa: S101 - walk_of() saw to it
    try:
        with anyio.move_on_after(timeout) as scope:
            answer = await backfill.step(database, batch)
            if warn is not None and anyio.current_time() > scope.deadline:
                warn(_blocking(backfill, timeout))
            return answer
    except Exception as error:
        unknown = getattr(error, "outcome", None) is Outcome.UNKNOWN
        if isinstance(error, BackfillError) or (passes(error) and not unknown):
            raise
        if not is_of_row(error):
            raise step_raised(backfill, batch, error, shard) from error
        raise StepFailed(error) from error
    raise BatchFailed(
        f"the step {backfill.name} did not end within {timeout:g} s",
        cursor=key_of(shard.cursor),
        where=_where(batch, shard),
        todo="give what it waits for a time-out of its own, or the step more time: --step-timeout S (step_timeout=S),"
        " or less work: --batch-size N",
    )


def _blocking(backfill: Backfill, timeout: float) -> str:
    return (
        f"the step {backfill.name} took longer than {timeout:g} s and could not be ended, for it did not await: nothing"
        " else goes on meanwhile, nor is its lease renewed; call what blocks by await asyncio.to_thread(call, …), or"
        " make batches smaller"
    )


def step_raised(backfill: Backfill, batch: Batch[Any], error: BaseException, shard: Shard) -> BatchFailed:
    """Return the error of a step that raised `error`."""
    return BatchFailed(
        f"the step {backfill.name} raised {type(error).__name__}: {error}",
        cursor=key_of(shard.cursor),
        where=_where(batch, shard),
        todo=after_correction(shard),
    )


def endless_step(backfill: Backfill, rows: int) -> BackfillError:
    """Return the error of a step whose changes leave `where` true for all of a page."""
    return BackfillError(
        f"what the step {backfill.name} returns does not make where= false: all {rows} rows of its first page still"
        " satisfy it afterwards, so it would never be done",
        where=f"where {backfill.where}; the page was undone, and nothing was changed by it",
        todo="let what it returns make where= false, or give verify=, a query that counts what is left",
    )


def _where(batch: Batch[Any], shard: Shard) -> str:
    return f"on {len(batch.rows)} rows after {shard.cursor or 'the start'}; none of them was changed"
