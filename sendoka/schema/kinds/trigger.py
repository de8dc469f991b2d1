"""Triggers, those that keep a constraint among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, qualified
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._stated import FIRING, FiringKind, Stated, fires_in_catalog
from sendoka.schema.mentioned import routines_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Id, Model

__all__ = ["FIRING", "Trigger", "TriggerKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Stated):
    """A trigger of a table or view. `definition` is the whole CREATE statement.

    `fires` is when: `origin` (always but on a replica), `replica`, `always`, or it is `disabled`.
    """

    kind = "trigger"
    fires: str = "origin"


class TriggerKind(FiringKind[Trigger]):
    """CREATE TRIGGER and its kin."""

    name = "trigger"
    holds = Trigger
    claims = ("trigger",)
    reads: ClassVar[tuple[type[Any], ...]] = (Trigger,)
    catalog = f"""
        select n.nspname as namespace, c.relname as "table", g.tgname as name, z.description as comment,
               json_build_object('canonical', pg_get_triggerdef(g.oid)) as definition,
               {fires_in_catalog("g.tgenabled")} as fires
          from pg_trigger g join pg_class c on c.oid = g.tgrelid join namespaces n on n.oid = c.relnamespace
               {described("pg_trigger", "g.oid")}
         where not g.tgisinternal and g.tgparentid = 0 and not exists (
               select from of_extensions x where x.classid = 'pg_trigger'::regclass and x.objid = g.oid)
         order by n.nspname, c.relname, g.tgname"""
    unmanaged = """
        select 'trigger ' || n.nspname || '.' || c.relname || '.' || g.tgname || ' is inherited, and fires otherwise'
          from pg_trigger g join pg_trigger p on p.oid = g.tgparentid join pg_class c on c.oid = g.tgrelid
               join namespaces n on n.oid = c.relnamespace
         where g.tgenabled <> p.tgenabled"""

    def label(self, obj: Trigger) -> str:
        """Return TRIGGER, its name and its table."""
        return f"TRIGGER {ident(obj.name)} ON {qualified(obj.namespace, obj.table)}"

    def needs(self, obj: Trigger, model: Model) -> Iterator[Id]:
        """Yield its table or view, the columns it speaks of and the function that it calls."""
        yield from super().needs(obj, model)
        yield from routines_in(obj.definition.text, model)


kind = TriggerKind()
