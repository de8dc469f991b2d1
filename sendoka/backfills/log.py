"""The log of a backfill: its runs by name, and what happened to one of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sendoka.backfills.events import events_of
from sendoka.backfills.overview import list_runs
from sendoka.backfills.runs import find_run
from sendoka.errors import UnknownBackfill

if TYPE_CHECKING:
    from sendoka.backfills.events import Event
    from sendoka.backfills.runs import Run
    from sendoka.database.seam import Database

__all__ = ["history", "known_run"]


async def history(sql: Database, name: str, *, run: int | None = None) -> list[Event]:
    """Return what happened to the newest run of the backfill `name`, or to the one with the number `run`, in order.

    Raises UnknownBackfill where there is none.
    """
    return await events_of(sql, (await known_run(sql, name, run)).id)


async def known_run(database: Database, name: str, number: int | None = None) -> Run:
    """Return the newest run of `name`, or the one with this number. Raises UnknownBackfill where there is none."""
    found = await find_run(database, name, number)
    if found is not None:
        return found
    newest = {run.name: run.number for run, _, _ in await list_runs(database)}
    if name in newest:
        raise UnknownBackfill(f"the backfill {name} has no run {number}", todo=f"its newest run is {newest[name]}")
    near = difflib.get_close_matches(name, sorted(newest), n=3)
    were = f"; what was run: {', '.join(sorted(newest))}" if newest else ""
    todo = f"did you mean {' or '.join(near)}?" if near else f"begin it with: sendoka backfill run {name}{were}"
    raise UnknownBackfill(f"the backfill {name} was never run on this database", todo=todo)
