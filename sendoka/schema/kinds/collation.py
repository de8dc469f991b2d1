"""Collations: in what order texts stand, and which are equal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import literal, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import meanwhile
from sendoka.schema.model import Id, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["Collation", "CollationKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation(Object):
    """A collation of a `provider`, `icu`, `libc` or `builtin`, and its `locale`; with libc `ctype` may be another one.

    One that is not `deterministic` finds texts equal that have other bytes. `rules` are ICU's own words.
    """

    kind = "collation"
    provider: str
    locale: str
    ctype: str | None = None
    deterministic: bool = True
    rules: str | None = None


class CollationKind(Kind[Collation]):
    """CREATE COLLATION and its kin. Nothing of one can change: another is then made beside it, and its users move."""

    name = "collation"
    rank = 6
    holds = Collation
    claims = ("collation",)
    reads: ClassVar[tuple[type[Any], ...]] = (Collation,)
    renames_on_answer = True
    catalog = f"""
        select n.nspname as namespace, o.collname as name, z.description as comment,
               case o.collprovider when 'i' then 'icu' when 'c' then 'libc' else 'builtin' end as provider,
               coalesce(j.own ->> 'colllocale', j.own ->> 'colliculocale', o.collcollate) as locale,
               case when o.collprovider = 'c' then nullif(o.collctype, o.collcollate) end as ctype,
               o.collisdeterministic as deterministic, j.own ->> 'collicurules' as rules
          from pg_collation o join namespaces n on n.oid = o.collnamespace {described("pg_collation", "o.oid")}
               cross join lateral (select to_jsonb(o)) j(own)
         where not exists (
               select from of_extensions x where x.classid = 'pg_collation'::regclass and x.objid = o.oid)
         order by n.nspname, o.collname"""

    def create(self, new: Collation, parts: Sequence[str]) -> list[Step]:
        """Return CREATE COLLATION."""
        words = [f"provider = {new.provider}"]
        if new.ctype is None:
            words.append(f"locale = {literal(new.locale)}")
        else:
            words += [f"lc_collate = {literal(new.locale)}", f"lc_ctype = {literal(new.ctype)}"]
        words += [] if new.deterministic else ["deterministic = false"]
        words += [] if new.rules is None else [f"rules = {literal(new.rules)}"]
        return [Step(f"CREATE {self.label(new)} ({', '.join(words)})")]

    def label(self, obj: Collation) -> str:
        """Return COLLATION and its name."""
        return f"COLLATION {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: Collation, model: Model) -> Iterator[Id]:
        """Yield its namespace."""
        yield Id("namespace", "", "", obj.namespace)

    def moved(self, obj: Collation, renaming: Renaming) -> Collation:
        """Return it under its new name."""
        return renaming.placed(obj)

    def superseded(self, old: Collation, new: Collation) -> tuple[Collation, tuple[Hazard, ...]] | None:
        """Return the name that the old one has meanwhile."""
        return replace(old, name=meanwhile(old.name)), ()

    def loss(self, old: Collation) -> Hazard:
        """Return the loss of the collation; no row is lost."""
        return Hazard("drop-collation", old.id.address, f"the collation {old.id.address} is dropped", asks=True)


kind = CollationKind()
