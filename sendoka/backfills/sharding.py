"""Into which shards a run would split its table: found out by `plan`, with how many rows each of them has."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.backfills.keyset import keys_of
from sendoka.backfills.shards import read_shards
from sendoka.backfills.split import parted, sample_for
from sendoka.backfills.target import values_of
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.target import Target
    from sendoka.backfills.terms import Terms
    from sendoka.database.seam import Database

__all__ = ["Sharding", "kept", "planned"]


@dataclass(frozen=True, slots=True)
class Sharding:
    """The shards of a run.

    `way` is how the table is split: `whole` where it is not, by `every key`, by the `histogram` of the key, or by a
    `sample` of its pages; `kept` where the run goes on with the shards that it has. `rows` are about how many rows each
    of them has, None where nobody can tell; `bounds` the last keys of all but the last one, in the order of the walk.
    `balance` is how many times as large as the mean the largest is: 1.0 by every key, otherwise by another sample; None
    where it was not found out.
    """

    number: int
    way: str
    rows: tuple[int | None, ...]
    bounds: tuple[tuple[Any, ...], ...]
    balance: float | None


async def planned(sql: Database, target: Target, terms: Terms, total: int | None) -> Sharding:
    """Return the shards into which a new run would split a table of about so many rows, None where nobody can tell."""
    way, bounds = await parted(sql, target, 1 if target.source else terms.parts(total), total)
    number = len(bounds) + 1
    keys = tuple(tuple(json.loads(bound)) for bound in bounds)
    if way in {"whole", "every key"}:
        return Sharding(number, way, (None if total is None else total // number,) * number, keys, 1.0)
    met = await _met(sql, target, bounds, sample_for(target, number, total))
    mean = sum(met) / number
    rows = tuple(None if total is None or not mean else round(total * each / sum(met)) for each in met)
    return Sharding(number, way, rows, keys, max(met) / mean if mean else None)


async def kept(sql: Database, run: int) -> Sharding:
    """Return the shards that a run has."""
    parts = await read_shards(sql, run)
    bounds = tuple(tuple(json.loads(part.shard.upper)) for part in parts if part.shard.upper is not None)
    return Sharding(len(parts), "kept", tuple(part.about for part in parts), bounds, None)


async def _met(sql: Database, target: Target, bounds: Sequence[str], source: str) -> list[int]:
    """Return how many rows of `source` lie in each shard: those up to and with its bound, behind the one before."""
    keys = keys_of(target)
    names = ", ".join(f"k{place}" for place in range(1, len(keys) + 1))
    text = f"""with sendoka_both as (
  select {", ".join(keys)}, 0 from {source}
  union all
  select {values_of("b.bound", target)[1:-1]}, 1 from jsonb_array_elements($1::jsonb) b(bound)
), sendoka_placed as (
  select bound, sum(bound) over (order by {names}, bound) as place from sendoka_both b({names}, bound)
)
select n, count(p.place) from generate_series(0, {len(bounds):d}) n
left join sendoka_placed p on p.place = n and p.bound = 0 group by n order by n"""
    (result,) = await sql.run_all([Statement(text, (f"[{', '.join(bounds)}]",))], READ_ONLY)
    return [int(count or 0) for _, count in result.rows]
