"""Statistics objects: what the planner is to know of columns together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import qualified
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._stated import Stated, StatedKind
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import Id
from sendoka.schema.renaming import Renaming
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model, Object

__all__ = ["Statistics", "StatisticsKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Stated):
    """A statistics object, which stands in the namespace of its table. `target` is how closely is looked at them."""

    kind = "statistics"
    target: int | None = None


class StatisticsKind(StatedKind[Statistics]):
    """CREATE STATISTICS."""

    name = "statistics"
    holds = Statistics
    claims = ("statistics",)
    stays_behind = True
    reads: ClassVar[tuple[type[Any], ...]] = (Statistics,)
    catalog = f"""
        select t.namespace, t.name as "table", s.stxname as name, z.description as comment,
               json_build_object('canonical', replace(pg_get_statisticsobjdef(s.oid), ' ON ' || o.listed,
                    ' ON ' || coalesce(k.by_name, '') || substr(o.listed, coalesce(length(k.by_place), 0) + 1)
                    )) as definition,
               nullif((to_jsonb(s) ->> 'stxstattarget')::int, -1) as target
          from indexed t join pg_statistic_ext s on s.stxrelid = t.oid join pg_namespace n on n.oid = s.stxnamespace
               cross join lateral (select pg_get_statisticsobjdef_columns(s.oid) as listed) o
               -- Postgres lists columns by their place in the table, which is no property of anything.
               cross join lateral (select string_agg(quote_ident(a.attname), ', ' order by a.attname) as by_name,
                                          string_agg(quote_ident(a.attname), ', ' order by a.attnum) as by_place
                                     from unnest(s.stxkeys::int2[]) as c(number)
                                     join pg_attribute a on a.attrelid = t.oid and a.attnum = c.number) k
               {described("pg_statistic_ext", "s.oid")}
         where n.nspname = t.namespace
         order by t.namespace, t.name, s.stxname"""
    unmanaged = """
        select 'statistics ' || n.nspname || '.' || s.stxname || ' stands in another namespace than its table'
          from pg_statistic_ext s join pg_class c on c.oid = s.stxrelid join namespaces n on n.oid = s.stxnamespace
         where s.stxnamespace <> c.relnamespace"""

    def afterwards(self, new: Statistics) -> list[Step]:
        """Return its target."""
        return [] if new.target is None else [self._aimed(new)]

    def alter(self, old: Statistics, new: Statistics, changed: frozenset[str]) -> list[Step] | None:
        """Return SET STATISTICS where only that changes."""
        return [self._aimed(new)] if changed == {"target"} else None

    def _aimed(self, new: Statistics) -> Step:
        return Step(f"ALTER {self.label(new)} SET STATISTICS {-1 if new.target is None else new.target}")

    def label(self, obj: Statistics) -> str:
        """Return STATISTICS and its name."""
        return f"STATISTICS {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: Statistics, model: Model) -> Iterator[Id]:
        """Yield its table, the columns it speaks of and the functions it calls."""
        yield from super().needs(obj, model)
        yield from routines_in(obj.definition.text, model)

    def moved(self, obj: Statistics, renaming: Renaming) -> Statistics:
        """Return it in its table's namespace, its own name in its text as well."""
        home, _ = renaming.place(obj.namespace, obj.table)
        own = Id("statistics", obj.namespace, "", obj.name)
        return super().moved(obj, Renaming(renaming.names, {**renaming.homes, own: home}, renaming.calls))

    def survives(self, obj: Statistics, old: Object, new: Object) -> bool:
        """Return true: Postgres makes it anew by itself."""
        return True


kind = StatisticsKind()
