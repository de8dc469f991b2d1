"""All backfills at a glance: the newest run of each, how far it is, and whether it moves."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

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

__all__ = ["FRESH", "Activity", "list_runs", "watch_runs"]

FRESH = 60.0
"""Seconds without a batch or a lease after which a runner is taken for dead; one statement may take as long."""

_LATEST = 50
"""Batches of a shard, at most, by which it is told how fast it is."""

_LATELY = 10.0
"""Seconds before a shard's last batch whose batches tell how fast it is; of slow ones the last few do."""

_FEW = 3


@dataclass(frozen=True, slots=True)
class Activity:
    """What shows whether a run is going on: who holds a shard of it, and the seconds since it last moved.

    `batch_ago` is None before the first batch; `noted_ago` is since somebody began the run, or noted its end. `dead` is
    how many rows it left out, `shards` are all of them, with who holds one and how fast it is, and `rate` is how fast
    they are together; only `watch_runs` asks for these.
    """

    owner: str | None
    batch_ago: float | None
    noted_ago: float
    dead: int = 0
    shards: tuple[ShardProgress, ...] = ()
    rate: float | None = None


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


async def watch_runs(database: Database) -> list[tuple[Run, Shard, Activity]]:
    """Return the same, with the shards of each run, and how fast they are."""
    found = await list_runs(database)
    if not found:
        return []
    shards = await _shards(database, [run.id for run, _, _ in found])
    return [
        (run, shard, replace(activity, shards=shards[run.id][0], rate=shards[run.id][1]))
        for run, shard, activity in found
    ]


async def _shards(database: Database, runs: Sequence[int]) -> dict[int, tuple[tuple[ShardProgress, ...], float | None]]:
    """Return the shards of each of these runs, and how many rows a second its workers scan by their latest batches.

    Of a run whose shards have no leases that is what all the latest batches say.
    """
    text = f"""select s.run, s.shard,
  case when s.held and s.state = 'running' then 'held' else s.state end, s.pass, s.scanned,
  s.changed, (select count(*) from sendoka.dead_letters d where d.run = s.run and d.shard = s.shard), s.seq,
  s.pass_scanned, s.about, s.owner, extract(epoch from s.lease_until - clock_timestamp()), b.scanned,
  extract(epoch from b.began), extract(epoch from b.ended)
from sendoka.backfill_shards s left join lateral (
  select sum(b.scanned) as scanned, min(b.at - make_interval(secs => coalesce(b.took, 0))) as began,
    max(b.at) as ended
  from (
    select l.*, row_number() over (order by l.seq desc) as place, max(l.at) over () as last
    from (
      select seq, scanned, at, took from sendoka.backfill_batches where run = s.run and shard = s.shard
      order by seq desc limit {_LATEST}
    ) l
  ) b where b.at > clock_timestamp() - make_interval(secs => {FRESH})
    and (b.place <= {_FEW} or b.at > b.last - make_interval(secs => {_LATELY}))
) b on s.updated_at > clock_timestamp() - make_interval(secs => {FRESH})
where s.run = any($1::bigint[]) order by s.run, s.shard"""
    rows = (await database.run(Ours(text, (str(encode(list(runs))),)))).rows
    found: dict[int, tuple[tuple[ShardProgress, ...], float | None]] = {}
    for number in runs:
        own = [(cells[1:-3], _Batches.of(cells[-3:])) for cells in rows if cells[0] == str(number)]
        shards = tuple(_shard(cells, batches.rate) for cells, batches in own)
        here = [shard.rate or 0 for shard in shards if shard.state == "running"]
        found[number] = (shards, sum(here) or _Batches.together([batches for _, batches in own]).rate)
    return found


class _Batches(NamedTuple):
    """Rows that batches scanned, and when the first of them began and the last one ended, in seconds since 1970."""

    scanned: int
    began: float
    ended: float

    @classmethod
    def of(cls, cells: Sequence[str | None]) -> _Batches:
        scanned, began, ended = cells
        return cls(int(scanned or 0), float(began or math.inf), float(ended or 0))

    @classmethod
    def together(cls, batches: Sequence[_Batches]) -> _Batches:
        return cls(
            sum(each.scanned for each in batches),
            min((each.began for each in batches), default=math.inf),
            max((each.ended for each in batches), default=0.0),
        )

    @property
    def rate(self) -> float | None:
        """Rows a second, None without a batch."""
        return self.scanned / (self.ended - self.began) or None if self.ended > self.began else None


def _shard(cells: Sequence[str | None], rate: float | None) -> ShardProgress:
    number, state, passes, scanned, changed, dead, seq, pass_scanned, about, owner, lease = cells
    total, left = None if about is None else int(about), float(lease or 0)
    held = bool(owner) and left > 0 and not gone(str(owner)) and state == "running"
    done = int(pass_scanned or 0)
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
        rate=rate,
        seconds_left=max(0, total - done) / rate if rate and total is not None else None,
    )


def _standing(cells: Cells) -> tuple[Run, Shard, Activity]:
    owner, batch_ago, noted_ago, *run = cells[WIDTH:]
    activity = Activity(owner, None if batch_ago is None else float(batch_ago), float(noted_ago or 0))
    return run_of(run), Shard.of(cells[:WIDTH]), activity
