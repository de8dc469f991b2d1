"""Where a table is split into shards of about as many rows each: keys in the order of its walk, found by Postgres.

Keys are compared by Postgres alone: a linguistic collation orders them unlike Python. Of a table that is small enough
every key is read, which is exact. A larger one is split by the histogram of its key, which costs nothing, where that is
fine and fresh enough and the key is one column; else by a sample of whole pages, of the whole key: rows of one moment
can be split then too.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters or numbers, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills.keyset import keys_of
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY

if TYPE_CHECKING:
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["EXACT", "PAGES", "parted", "sample_for", "sample_of", "split", "tiles"]

EXACT = 1_000_000
"""Up to so many rows every key is read: about half a second."""

PAGES = 600
"""Pages a shard that a sample reads. Where keys lie on disk in their order a page is as good as a row: the sizes of
shards then vary by a 25th of one."""

_ROWS = 3000
"""Rows a shard that are looked at in those pages."""

_FINE = 10
"""Intervals a shard that a histogram must have."""

_FRESH = 20
"""A histogram is fresh as long as not every so many-th row was written since."""

_PAGE = 8192


async def split(
    database: Database, target: Target, parts: int, total: int | None, *, exact: int = EXACT, pages: int = PAGES
) -> list[str]:
    """Return the last keys of all shards but the last one: JSON arrays, in order, fewer where there are few rows.

    total: about how many rows the table has, None if unknown. The others say what is exact, and how much is sampled.
    """
    _, bounds = await parted(database, target, parts, total, exact=exact, pages=pages)
    return bounds


async def parted(
    database: Database, target: Target, parts: int, total: int | None, *, exact: int = EXACT, pages: int = PAGES
) -> tuple[str, list[str]]:
    """Return the same, and before it in which way it was found: `every key`, `histogram`, `sample`, or `whole`."""
    if parts < 2:
        return "whole", []
    if total is not None and total <= exact:
        return "every key", await _keys(database, tiles(target, parts, target.quoted))
    found = await _keys(database, _by_histogram(target, parts, total or 0)) if len(target.key) == 1 else []
    if found:
        return "histogram", found
    return "sample", await _keys(database, tiles(target, parts, sample_for(target, parts, total, pages)))


async def _keys(database: Database, statement: Statement) -> list[str]:
    (result,) = await database.run_all([statement], READ_ONLY)
    return [str(key) for (key,) in result.rows]


def sample_for(target: Target, parts: int, total: int | None, pages: int = PAGES) -> str:
    """Return the sample of the table, for a FROM, that is enough for so many shards."""
    return sample_of(target, parts * pages, parts * _ROWS, total)


def sample_of(target: Target, pages: int, rows: int, total: int | None) -> str:
    """Return the table for a FROM, of which about so many pages are read, and of these about so many rows."""
    size = max(1, (target.facts.size if target.facts else 0) // _PAGE)
    share = min(1.0, pages / size)
    some = f"{target.quoted} tablesample system ({100 * share:.6f})" if share < 1 else target.quoted
    thin = 1.0 if total is None else rows / max(1.0, total * share)
    return f"{some} where random() < {thin:.6f}" if thin < 1 else some


def tiles(target: Target, parts: int, source: str) -> Statement:
    """Return the read of the last key of each of so many equal parts of the rows in `source`, but the last."""
    keys = keys_of(target)
    names = [f"k{place}" for place in range(1, len(keys) + 1)]
    order = ", ".join(names)
    columns = ", ".join(f"{key} as {name}" for key, name in zip(keys, names, strict=True))
    return Statement(
        f"""select jsonb_build_array({order})::text from (
  select t.*, lead(sendoka_tile) over (order by {order}) as sendoka_next from (
    select {columns}, ntile({parts:d}) over (order by {", ".join(keys)}) as sendoka_tile from {source}
  ) t
) t where sendoka_tile < sendoka_next order by {order}"""
    )


def _by_histogram(target: Target, parts: int, total: int) -> Statement:
    """Return the read of the bounds nearest to equal parts; it gives nothing where the histogram is not good enough."""
    (column,) = target.key
    text = f"""select jsonb_build_array(b.bound)::text from (
  select h.bound, h.place, count(*) over () - 1 as intervals from pg_catalog.pg_stats s
  cross join lateral unnest(s.histogram_bounds::text::{target.types[column]}[]) with ordinality h(bound, place)
  where s.schemaname = $1 and s.tablename = $2 and s.attname = $3 and s.most_common_vals is null
) b join generate_series(1, {parts - 1:d}) n on b.place = 1 + round(n * b.intervals / {parts:d}::numeric)
where b.intervals >= {_FINE * parts:d} and {total:d} >= {_FRESH:d} * (
  select coalesce(sum(a.n_mod_since_analyze), 0) from pg_catalog.pg_stat_all_tables a where a.relid = $4::oid)
order by b.place"""
    return Statement(text, (target.namespace, target.table, column, target.oid))
