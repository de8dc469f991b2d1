"""Materialized views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sendoka.schema.kinds._view import Queried, QueriedKind, queried_catalog
from sendoka.schema.step import Hazard

__all__ = ["MaterializedView", "MaterializedViewKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterializedView(Queried):
    """A query whose rows are kept until the next REFRESH; its indexes are parts of it."""

    kind = "materialized-view"


class MaterializedViewKind(QueriedKind[MaterializedView]):
    """CREATE MATERIALIZED VIEW. One whose query changes is made anew, and its indexes with it."""

    name = "materialized-view"
    words = "MATERIALIZED VIEW"
    holds = MaterializedView
    claims = ("relation:m",)
    reads: ClassVar[tuple[type[Any], ...]] = (MaterializedView,)
    catalog = queried_catalog("m")
    unmanaged = """
        select 'materialized view ' || c.nspname || '.' || c.relname || ' ' || o.what
          from relations c, lateral (values
               ('has a tablespace', c.reltablespace <> 0), ('holds no rows yet', not c.relispopulated),
               ('has an access method', c.relam <> (select oid from pg_am where amname = 'heap')),
               ('has storage or statistics of a column', exists (
                    select from pg_attribute a join pg_type t on t.oid = a.atttypid
                     where a.attrelid = c.oid and a.attnum > 0 and (a.attstorage <> t.typstorage
                           or coalesce(a.attstattarget, -1) <> -1 or a.attoptions is not null
                           or a.attcompression <> '')))) o(what, met)
         where c.relkind = 'm' and o.met"""

    def loss(self, old: MaterializedView) -> Hazard:
        """Return the loss of the view and its kept rows, which its query can make again."""
        why = f"the materialized view {old.id.address} is dropped with its rows"
        return Hazard("drop-materialized-view", old.id.address, why, asks=True)


kind = MaterializedViewKind()
