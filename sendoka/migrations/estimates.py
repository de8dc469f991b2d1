"""How many rows tables have, as the planner would guess: from the statistics, and never by counting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sendoka.database.seam import Database
    from sendoka.schema.step import Place

__all__ = ["estimated_rows"]

# Rows a page, of the last count, times the pages there are now; where nobody counted yet, as many as the columns'
# widths leave room for. A partitioned table has the rows of its partitions.
_QUESTION = """
    with asked as (
        select n.nspname as namespace, c.relname as name, c.oid
          from jsonb_array_elements($1::jsonb) e join pg_namespace n on n.nspname = e ->> 0
               join pg_class c on c.relnamespace = n.oid and c.relname = e ->> 1),
    holders as (
        select a.namespace, a.name, a.oid from asked a
        union
        select a.namespace, a.name, p.relid from asked a, pg_partition_tree(a.oid) p where p.isleaf),
    sizes as (
        select h.namespace, h.name, c.reltuples, c.relpages,
               pg_relation_size(c.oid) / current_setting('block_size')::int as pages,
               (select sum(case when b.attlen > 0 then b.attlen else 32 end)
                  from pg_attribute b where b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped) as width
          from holders h join pg_class c on c.oid = h.oid
         where c.relkind in ('r', 'm', 'p'))
    select namespace, name, round(sum(
               case when relpages > 0 and reltuples >= 0 then reltuples / relpages * pages
                    else pages * (current_setting('block_size')::int - 24) / (28 + coalesce(width, 0)) end))::bigint
      from sizes group by namespace, name"""


async def estimated_rows(database: Database, tables: Collection[Place], *, deadline: float) -> Mapping[Place, int]:
    """Return about how many rows each of `tables` has, by (namespace, name); what is not there is left out.

    It is one read-only request, given up after `deadline` seconds. Raises what the database raises.
    """
    question = Statement(_QUESTION, (json.dumps(sorted(tables)),))
    options = TransactionOptions(read_only=True, timeout=deadline)
    (result,) = await database.run_all([question], options)
    return {(str(namespace), str(name)): int(count or 0) for namespace, name, count in result.rows}
