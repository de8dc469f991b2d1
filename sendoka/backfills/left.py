"""How many rows a backfill leaves to be done: what decides whether it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills.statements import remaining
from sendoka.backfills.target import read_target
from sendoka.errors import BackfillError

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result

__all__ = ["count_in", "verify"]


async def verify(sql: Database, backfill: Backfill) -> int:
    """Return how many rows are left to be done, by the backfill's `verify=` or else its `where=`. It changes nothing.

    Raises BackfillError for a declaration that does not fit the database, else what the exchange raises.
    """
    target = await read_target(sql, backfill)
    return count_in(await sql.run(remaining(backfill, target)), backfill, target)


def count_in(result: Result[Cells], backfill: Backfill, target: Target) -> int:
    """Return the one number of the answer. Raises BackfillError for any other answer."""
    try:
        ((count,),) = result.rows
        return int(count or "")
    except ValueError:
        raise BackfillError(
            f"the verify query of the backfill {backfill.name} must return one number",
            where=remaining(backfill, target).text,
            todo="write select count(*) from …",
        ) from None
