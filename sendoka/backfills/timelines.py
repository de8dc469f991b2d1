"""How a run went over time: its batches in a few hundred slots, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import list_dead
from sendoka.backfills.events import events_of
from sendoka.backfills.log import known_run
from sendoka.backfills.shards import read_totals
from sendoka.database.home import Ours

if TYPE_CHECKING:
    from sendoka.backfills.dead_letters import DeadLetter
    from sendoka.backfills.events import Event
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Shard
    from sendoka.database.seam import Database

__all__ = ["SLOTS", "Slot", "Span", "Timeline", "timeline"]

SLOTS = 240
"""So many slots a timeline has at most: one for every few pixels of a plot."""

_EACH = 4
"""Batches that a slot holds on average, at least: so an empty one is a time in which nothing was done."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Part of a run's time. `start` is in seconds since the run began; its batches are those that ended in it.

    `took` is the mean and `longest` the longest of the seconds that the server took for them, None without a batch.
    """

    start: float
    batches: int
    scanned: int
    changed: int
    took: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A shard's time: from when its first batch began until its last one ended, in seconds since the run began.

    Both are None without a batch. `took` are the seconds that the server took for all of its batches.
    """

    number: int
    start: float | None
    end: float | None
    batches: int
    scanned: int
    changed: int
    dead: int
    took: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run, how far it is, and how it went: `slots` of `width` seconds each, as many as `seconds` hold.

    `seconds` are from the begin of the run to its last batch, or its end. `events`, dead `letters` and `shards` are all
    of them.
    """

    run: Run
    totals: Shard
    seconds: float
    width: float
    slots: tuple[Slot, ...]
    events: tuple[Event, ...]
    letters: tuple[DeadLetter, ...]
    shards: tuple[Span, ...] = ()


async def timeline(sql: Database, name: str, *, run: int | None = None, slots: int = SLOTS) -> Timeline:
    """Return how the newest run of the backfill `name` went, or the one with the number `run`.

    There are `slots` slots, one at least, and fewer where the run has fewer batches. Raises UnknownBackfill where there
    is no such run.
    """
    found = await known_run(sql, name, run)
    seconds, width, parts = await _read(sql, found.id, slots)
    return Timeline(
        found,
        await read_totals(sql, found.id),
        seconds,
        width,
        tuple(parts),
        tuple(await events_of(sql, found.id)),
        tuple(await list_dead(sql, found.id)),
        tuple(await _spans(sql, found.id)),
    )


async def _spans(database: Database, run: int) -> list[Span]:
    text = """select s.shard, extract(epoch from b.began - r.started_at), extract(epoch from b.ended - r.started_at),
  s.seq, s.scanned, s.changed,
  (select count(*) from sendoka.dead_letters d where d.run = s.run and d.shard = s.shard), b.took
from sendoka.backfill_shards s join sendoka.backfill_runs r on r.id = s.run left join (
  select shard, min(at - make_interval(secs => coalesce(took, 0))) as began, max(at) as ended, sum(took) as took
  from sendoka.backfill_batches where run = $1::bigint group by shard
) b using (shard) where s.run = $1::bigint order by s.shard"""
    return [
        Span(
            int(number or 0),
            None if start is None else max(0.0, float(start)),
            None if end is None else float(end),
            int(batches or 0),
            int(scanned or 0),
            int(changed or 0),
            int(dead or 0),
            float(took or 0),
        )
        for number, start, end, batches, scanned, changed, dead, took in (
            await database.run(Ours(text, (str(run),)))
        ).rows
    ]


async def _read(database: Database, run: int, slots: int) -> tuple[float, float, list[Slot]]:
    text = """with sendoka_span as (
  select r.started_at as start, count(b.at) as batches,
    greatest(extract(epoch from coalesce(r.finished_at, max(b.at), r.started_at) - r.started_at), 0.001) as seconds
  from sendoka.backfill_runs r left join sendoka.backfill_batches b on b.run = r.id
  where r.id = $1::bigint group by r.id
), sendoka_width as (
  select s.*, n.parts, s.seconds / n.parts as width
  from sendoka_span s cross join lateral (select least($2::int, greatest(s.batches / $3::int, 1))::int as parts) n
), sendoka_part as (
  select least(floor(extract(epoch from b.at - w.start) / w.width)::int, w.parts - 1) as place,
    count(*) as batches, sum(b.scanned) as scanned, sum(b.changed) as changed, avg(b.took) as took,
    max(b.took) as longest
  from sendoka_width w join sendoka.backfill_batches b on b.run = $1::bigint group by 1
)
select w.seconds, w.width, g.place, coalesce(p.batches, 0), coalesce(p.scanned, 0), coalesce(p.changed, 0), p.took,
  p.longest
from sendoka_width w cross join generate_series(0, w.parts - 1) g (place)
left join sendoka_part p using (place) order by g.place"""
    rows = (await database.run(Ours(text, (str(run), str(max(1, slots)), str(_EACH))))).rows
    seconds, width = float(rows[0][0] or 0), float(rows[0][1] or 1)
    return (
        seconds,
        width,
        [
            Slot(
                int(place or 0) * width,
                int(batches or 0),
                int(scanned or 0),
                int(changed or 0),
                None if took is None else float(took),
                None if longest is None else float(longest),
            )
            for _, _, place, batches, scanned, changed, took, longest in rows
        ],
    )
