"""A worker that finds no shard free takes half of what is left of the largest that another one is at.

The middle key is found by Postgres: exactly where few rows are left, else in a sample. Then one transaction moves the
end of that shard to it and makes a shard of the rest. It takes the lock that every batch takes: a batch in flight
commits first, and where it went beyond the middle nothing is stolen; a later one finds another epoch, and goes on with
the new end.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills.keyset import Span, key_of, keys_of, start_of, within
from sendoka.backfills.runs import locked
from sendoka.backfills.shards import BATCH_COLUMNS, part_of
from sendoka.backfills.split import sample_of, tiles
from sendoka.backfills.target import values_of
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.shards import Part
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["SMALL", "steal"]

SMALL = 50_000
"""Up to so many rows that are left are counted; about as long as a batch."""

_PAGES = 3000
"""Pages of the table that a sample reads."""

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")


async def steal(
    database: Database,
    target: Target,
    run: int,
    parts: Iterable[Part],
    *,
    owner: str,
    lease: float,
    checksum: str,
    least: int,
    small: int = SMALL,
) -> Part | None:
    """Take half of the largest shard that somebody is at, held by `owner` then; None where each half is too small.

    least: rows that a half has at least, about; `small` is what is counted.
    """
    victim = max((part for part in parts if part.shard.state == "running"), key=_rest, default=None)
    if victim is None or target.chosen or _rest(victim) < 2 * least:
        return None
    middle, rest = await _middle(database, target, victim, small)
    if middle is None or rest < 2 * least:
        return None
    if rest > small and victim.about is not None:
        rest = max(rest, round(_rest(victim)))
    params = (
        str(run),
        str(victim.number),
        str(victim.shard.pass_number),
        checksum,
        victim.shard.upper,
        middle,
        str(rest // 2),
        owner,
        str(lease),
    )
    cut = Ours(_cut(target), params)
    _, result = await database.run_all([locked("id = $1::bigint", str(run)), cut], _OPTIONS)
    return part_of(result.rows[0]) if result.rows else None


def _rest(part: Part) -> float:
    """Return about how many rows are left of a shard, infinity where nobody can tell."""
    return float("inf") if part.about is None else max(0, part.about - part.shard.pass_scanned)


async def _middle(database: Database, target: Target, part: Part, small: int) -> tuple[str | None, int]:
    """Return the middle key of what is left of a shard, and how many rows that are, more than `small` at most.

    In strides each of them goes over the whole shard, so its middle is that of all of it.
    """
    shard, params = part.shard, [str(small + 1)]
    known = shard.cursor if target.strides == 1 and key_of(shard.cursor) is not None else shard.lower

    def given(bound: str | None) -> str | None:
        if bound is None:
            return None
        params.append(bound)
        return f"${len(params)}::jsonb"

    span = Span(given(known), given(shard.upper))
    keys = ", ".join(keys_of(target))
    names = ", ".join(f"k{place}" for place in range(1, len(target.key) + 1))
    text = f"""with sendoka_rest as materialized (
  select *, row_number() over (order by {names}) as sendoka_place from (
    select {keys} from {target.quoted} {within(target, span)} order by {keys} limit $1::int
  ) r ({names})
), sendoka_count as (select count(*) as rows from sendoka_rest)
select jsonb_build_array({names})::text, rows from sendoka_rest, sendoka_count
where sendoka_place = case when rows < $1::int then (rows + 1) / 2 else rows - 1 end"""
    (found,) = await database.run_all([Statement(text, tuple(params))], READ_ONLY)
    if not found.rows:
        return None, 0
    ((middle, rows),) = found.rows
    if int(rows or 0) <= small:
        return middle, int(rows or 0)
    # Where the sample met none of them the first `small` rows stay, and all others are taken.
    params[0] = "1"
    inside = within(target, span) or "where true"
    source = sample_of(target, _PAGES, _PAGES * 100, None)
    source = f"(select {keys} from {source} {inside} and $1::int = 1) as {ident(target.table)}"
    (sampled,) = await database.run_all([Statement(tiles(target, 2, source).text, tuple(params))], READ_ONLY)
    return (sampled.rows[0][0] if sampled.rows else middle), int(rows or 0)


def _cut(target: Target) -> str:
    """Return the cut. Parameters: run, shard, pass, checksum, its end, the middle, rows of each half, owner, lease.

    A shard of this number there may have been before, which a changed script made one with the others: the new one goes
    on with the epochs, or what was sent for the former one could do something to it.
    """
    start, middle = start_of(target, "s.cursor", "s.lower"), values_of("$6::jsonb", target)
    ahead, cursor = f" and ({start} is null or {middle} > {values_of(f'({start})', target)})", "null::jsonb"
    if target.strides > 1:
        # A stride that went beyond the middle is scanned up to there in the new shard too.
        key = "c.cursor -> 'key'"
        ahead = ""
        cursor = f"case when {values_of(f'({key})', target)} > {middle} then c.cursor else c.cursor - 'key' end"
    return f"""with sendoka_victim as (
  select s.* from sendoka.backfill_shards s join sendoka.backfill_runs r on r.id = s.run
  where s.run = $1::bigint and s.shard = $2::int and s.state = 'running' and not s.held and s.pass = $3::int
    and r.checksum = $4 and r.state not in ('done', 'paused', 'cancelled')
    and s.upper is not distinct from $5::jsonb{ahead}
  for update of s
), sendoka_cut as (
  update sendoka.backfill_shards b set upper = $6::jsonb, epoch = b.epoch + 1,
    about = v.pass_scanned + $7::bigint
  from sendoka_victim v where b.run = v.run and b.shard = v.shard returning b.pass, b.epoch, b.cursor, v.upper
)
insert into sendoka.backfill_shards (run, shard, pass, epoch, owner, lease_until, cursor, lower, upper, about)
select $1::bigint, (select max(shard) + 1 from sendoka.backfill_shards where run = $1::bigint), c.pass, c.epoch, $8,
  clock_timestamp() + make_interval(secs => $9::float8), {cursor}, $6::jsonb, c.upper, $7::bigint
from sendoka_cut c
returning shard, about, owner, $9::float8, {BATCH_COLUMNS}"""
