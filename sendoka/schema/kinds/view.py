"""Views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sendoka.schema.kinds._view import Queried, QueriedKind, queried_catalog
from sendoka.schema.step import Hazard

__all__ = ["View", "ViewKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Queried):
    """A query that is run wherever its name stands. `options` hold its check option and its security."""

    kind = "view"


class ViewKind(QueriedKind[View]):
    """CREATE VIEW. One whose query changes is made anew: in place Postgres can only add columns to its end."""

    name = "view"
    words = "VIEW"
    holds = View
    claims = ("relation:v",)
    reads: ClassVar[tuple[type[Any], ...]] = (View,)
    catalog = queried_catalog("v")
    unmanaged = """
        select 'view ' || n.nspname || '.' || c.relname || ' has a default or a comment on its column ' || a.attname
          from pg_class c join namespaces n on n.oid = c.relnamespace
               join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relkind = 'v' and (a.atthasdef or exists (
               select from pg_description d where d.classoid = 'pg_class'::regclass and d.objoid = c.oid
                  and d.objsubid = a.attnum))"""

    def loss(self, old: View) -> Hazard:
        """Return the loss of the view; no row is lost."""
        return Hazard("drop-view", old.id.address, f"the view {old.id.address} is dropped", asks=True)


kind = ViewKind()
