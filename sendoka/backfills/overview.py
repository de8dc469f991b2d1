"""All backfills at a glance: the newest run of each, how far it is, and whether it moves."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import count_all_dead
from sendoka.backfills.owner import gone, shown
from sendoka.backfills.report import ShardProgress
from sendoka.backfills.runs import RUN_COLUMNS, run_of
from sendoka.backfills.shards import TOTALS, WIDTH, Shard
from sendoka.backfills.tables import MISSING
from sendoka.database.home import Ours
from sendoka.errors import DatabaseError
from sendoka.http.encode import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.runs import Run
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells

__all__ = ["FRESH", "Activity", "list_runs"]

FRESH = 60.0
"""Seconds without a batch or a lease after which a runner is taken for dead; one statement may take as long."""

_LATEST = 20
"""Batches by which it is told how fast a shard is."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What shows whether a run is going on: who holds a shard of it, and the seconds since it last moved.

    `batch_ago` is None before the first batch; `noted_ago` is since somebody began the run, or noted its end. `dead` is
    how many rows it left out. `shards` are all of them: who holds one, and how fast its last batches were.
    """

    owner: str | None
    batch_ago: float | None
    noted_ago: float
    dead: int = 0
    shards: tuple[ShardProgress, ...] = ()


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
    shards = await _shards(database, [run.id for run, _, _ in found])
    return [
        (run, shard, replace(activity, dead=dead.get(run.id, 0), shards=tuple(shards[run.id])))
        for run, shard, activity in found
    ]


async def _shards(database: Database, runs: Sequence[int]) -> dict[int, list[ShardProgress]]:
    """Return the shards of each of these runs; the rate is that of the last batches, by the clock."""
    text = f"""select s.run, s.shard, case when s.held then 'held' else s.state end, s.pass, s.scanned, s.changed,
  (select count(*) from sendoka.dead_letters d where d.run = s.run and d.shard = s.shard), s.seq, s.pass_scanned,
  s.about, s.owner, extract(epoch from s.lease_until - clock_timestamp()), r.rate
from sendoka.backfill_shards s left join lateral (
  select sum(b.scanned) filter (where b.place > 1) / nullif(extract(epoch from max(b.at) - min(b.at)), 0) as rate
  from (
    select b.scanned, b.at, row_number() over (order by b.seq) as place from (
      select scanned, at, seq from sendoka.backfill_batches where run = s.run and shard = s.shard
      order by seq desc limit {_LATEST}
    ) b
  ) b
) r on s.state = 'running' and s.updated_at > clock_timestamp() - make_interval(secs => {FRESH})
where s.run = any($1::bigint[]) order by s.run, s.shard"""
    found: dict[int, list[ShardProgress]] = {run: [] for run in runs}
    for run, *cells in (await database.run(Ours(text, (str(encode(list(runs))),)))).rows:
        found[int(run or 0)].append(_shard(cells))
    return found


def _shard(cells: Sequence[str | None]) -> ShardProgress:
    number, state, passes, scanned, changed, dead, seq, pass_scanned, about, owner, lease, rate = cells
    total, left = None if about is None else int(about), float(lease or 0)
    held = bool(owner) and left > 0 and not gone(str(owner)) and state == "running"
    speed, done = float(rate or 0) or None, int(pass_scanned or 0)
    return ShardProgress(
        int(number or 0),
        "free" if state == "running" and not held else str(state),
        int(passes or 0),
        int(scanned or 0),
        int(changed or 0),
        int(dead or 0),
        int(seq or 0),
        done,
        total,
        holder=shown(owner) if held else "",
        lease=left if held else None,
        rate=speed,
        seconds_left=max(0, total - done) / speed if speed and total is not None else None,
    )


def _standing(cells: Cells) -> tuple[Run, Shard, Activity]:
    owner, batch_ago, noted_ago, *run = cells[WIDTH:]
    activity = Activity(owner, None if batch_ago is None else float(batch_ago), float(noted_ago or 0))
    return run_of(run), Shard.of(cells[:WIDTH]), activity
