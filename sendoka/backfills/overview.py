"""All backfills at a glance: the newest run of each, how far it is, and whether it moves."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import count_all_dead
from sendoka.backfills.runs import RUN_COLUMNS, run_of
from sendoka.backfills.shards import TOTALS, WIDTH, Shard
from sendoka.backfills.tables import MISSING
from sendoka.database.home import Ours
from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from sendoka.backfills.runs import Run
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells

__all__ = ["Activity", "list_runs"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What shows whether a run is going on: who holds a shard of it, and the seconds since it last moved.

    `batch_ago` is None before the first batch; `noted_ago` is since somebody began the run, or noted its end. `dead` is
    how many rows it left out.
    """

    owner: str | None
    batch_ago: float | None
    noted_ago: float
    dead: int = 0


_ACTIVITY = """min(s.owner) filter (where s.lease_until > clock_timestamp()),
  extract(epoch from clock_timestamp() - max(s.updated_at) filter (where s.seq > 0)),
  extract(epoch from clock_timestamp() - min(r.noted_at))"""


async def list_runs(database: Database) -> list[tuple[Run, Shard, Activity]]:
    """Return the newest run of every backfill, its shards together, in order of name; nothing without our tables."""
    text = f"""select t.*, {RUN_COLUMNS} from sendoka.backfill_runs n join lateral (
  select {TOTALS}, {_ACTIVITY}
  from sendoka.backfill_runs r join sendoka.backfill_shards s on s.run = r.id where r.id = n.id
) t on true
where number = (select max(m.number) from sendoka.backfill_runs m where m.name = n.name) order by name"""
    try:
        rows = (await database.run(Ours(text))).rows
    except DatabaseError as error:
        if error.sqlstate in MISSING:
            return []
        raise
    dead = await count_all_dead(database)
    found = [_standing(cells) for cells in rows]
    return [(run, shard, replace(activity, dead=dead.get(run.id, 0))) for run, shard, activity in found]


def _standing(cells: Cells) -> tuple[Run, Shard, Activity]:
    owner, batch_ago, noted_ago, *run = cells[WIDTH:]
    activity = Activity(owner, None if batch_ago is None else float(batch_ago), float(noted_ago or 0))
    return run_of(run), Shard.of(cells[:WIDTH]), activity
