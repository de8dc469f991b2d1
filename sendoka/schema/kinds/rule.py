"""Rules, those that make a view apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, qualified
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._stated import FiringKind, Stated, fires_in_catalog
from sendoka.schema.mentioned import ids_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Id, Model

__all__ = ["Rule", "RuleKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Stated):
    """A rule of a table or view. `fires` is when, as a trigger's: `origin`, `replica`, `always` or `disabled`."""

    kind = "rule"
    fires: str = "origin"


class RuleKind(FiringKind[Rule]):
    """CREATE RULE."""

    name = "rule"
    holds = Rule
    claims = ("rule",)
    of_one_table = False
    reads: ClassVar[tuple[type[Any], ...]] = (Rule,)
    catalog = f"""
        select n.nspname as namespace, c.relname as "table", r.rulename as name, z.description as comment,
               json_build_object('canonical', rtrim(pg_get_ruledef(r.oid), ';')) as definition,
               {fires_in_catalog("r.ev_enabled")} as fires
          from pg_rewrite r join pg_class c on c.oid = r.ev_class join namespaces n on n.oid = c.relnamespace
               {described("pg_rewrite", "r.oid")}
         where r.rulename <> '_RETURN' and not exists (
               select from of_extensions x where x.classid = 'pg_rewrite'::regclass and x.objid = r.oid)
         order by n.nspname, c.relname, r.rulename"""

    def label(self, obj: Rule) -> str:
        """Return RULE, its name and its table."""
        return f"RULE {ident(obj.name)} ON {qualified(obj.namespace, obj.table)}"

    def needs(self, obj: Rule, model: Model) -> Iterator[Id]:
        """Yield its table or view, and what its statements speak of."""
        yield from super().needs(obj, model)
        yield from ids_in(obj.definition.text, model)


kind = RuleKind()
