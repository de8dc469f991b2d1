"""Composite types: rows under a name, without a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import collate, collation_ids, collation_in_catalog, givers, meanwhile, type_in_catalog
from sendoka.schema.model import STRICT, Id, Object
from sendoka.schema.step import Hazard, Step
from sendoka.schema.typenames import spelled_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sendoka.schema.model import Model

__all__ = ["Attribute", "CompositeType", "CompositeTypeKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A part of a composite type. It may have a comment."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    name: str
    type: str
    collation: str | None = None
    comment: str | None = None

    @property
    def typed(self) -> str:
        """The words for its type."""
        return spelled_type(self.type) + collate(self.collation)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeType(Object):
    """A type whose values have named parts, in an order."""

    kind = "composite-type"
    is_type = True
    attributes: tuple[Attribute, ...] = ()


class CompositeTypeKind(Kind[CompositeType]):
    """CREATE TYPE … AS (…) and its kin. Attributes are added at the end and dropped in place.

    Postgres refuses to change an attribute's type where a column has the composite one: another is then made beside it,
    and its users move.
    """

    name = "composite-type"
    rank = 9
    holds = CompositeType
    claims = ("relation:c",)
    reads: ClassVar[tuple[type[Any], ...]] = (CompositeType,)
    renames_on_answer = True
    has_privileges = True
    catalog = f"""
        select c.nspname as namespace, c.relname as name, z.description as comment,
               coalesce((select json_agg(json_build_object('name', a.attname,
                              'type', {type_in_catalog("format_type(a.atttypid, a.atttypmod)")},
                              'comment', o.description, 'collation', case when a.attcollation <> y.typcollation then
                                   {collation_in_catalog("k")} end) order by a.attnum)
                           from pg_attribute a join pg_type y on y.oid = a.atttypid
                                left join pg_collation k on k.oid = a.attcollation
                                left join pg_description o on o.objoid = c.oid and o.objsubid = a.attnum
                                     and o.classoid = 'pg_catalog.pg_class'::regclass
                          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as attributes
          from relations c {described("pg_type", "c.reltype")}
         where c.relkind = 'c' order by c.nspname, c.relname"""

    def create(self, new: CompositeType, parts: Sequence[str]) -> list[Step]:
        """Return CREATE TYPE."""
        attributes = ", ".join(f"{ident(each.name)} {each.typed}" for each in new.attributes)
        remarks = (self._remark(new, each) for each in new.attributes if each.comment is not None)
        return [Step(f"CREATE {self.label(new)} AS ({attributes})"), *remarks]

    def label(self, obj: CompositeType) -> str:
        """Return TYPE and its name."""
        return f"TYPE {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: CompositeType, model: Model) -> Iterator[Id]:
        """Yield its namespace and the types of its attributes."""
        yield Id("namespace", "", "", obj.namespace)
        for each in obj.attributes:
            yield from givers(each.type, model)
        yield from collation_ids(*(each.collation for each in obj.attributes))

    def moved(self, obj: CompositeType, renaming: Renaming) -> CompositeType:
        """Return it under its new name, the types of its attributes under theirs."""
        attributes = (
            replace(each, type=renaming.type(each.type), collation=renaming.collation(each.collation))
            for each in obj.attributes
        )
        return replace(renaming.placed(obj), attributes=tuple(attributes))

    def alter(self, old: CompositeType, new: CompositeType, changed: frozenset[str]) -> list[Step] | None:
        """Return ADD and DROP ATTRIBUTE, where the order and the types of what stays do."""
        if _is_reordered(old, new) or _retyped(old, new):
            return None
        before = {each.name: each.comment for each in old.attributes}
        said = (self._remark(new, each) for each in new.attributes if each.comment != before.get(each.name))
        return [*self.approach(old, new), *said]

    def approach(self, old: CompositeType, new: CompositeType) -> list[Step]:
        """Return DROP and ADD ATTRIBUTE: then both types have the same ones, and values move over as texts."""
        before, after = ({each.name: each for each in one.attributes} for one in (old, new))
        gone = [self._dropped(new, name) for name in before if name not in after]
        come = (each for name, each in after.items() if name not in before)
        return [*gone, *(self._attribute(new, f"ADD ATTRIBUTE {ident(each.name)} {each.typed}") for each in come)]

    def _remark(self, new: CompositeType, attribute: Attribute) -> Step:
        said = "NULL" if attribute.comment is None else literal(attribute.comment)
        return Step(f"COMMENT ON COLUMN {qualified(new.namespace, new.name)}.{ident(attribute.name)} IS {said}")

    def _attribute(self, new: CompositeType, words: str, *hazards: Hazard) -> Step:
        return Step(f"ALTER {self.label(new)} {words}", hazards)

    def _dropped(self, new: CompositeType, name: str) -> Step:
        address = Id("attribute", new.namespace, new.name, name).address
        why = f"the attribute {address} is dropped with all its values"
        return self._attribute(new, f"DROP ATTRIBUTE {ident(name)}", Hazard("drop-attribute", address, why, asks=True))

    def _retyped(self, new: CompositeType, attribute: Attribute) -> Hazard:
        address = Id("attribute", new.namespace, new.name, attribute.name).address
        why = f"{address} becomes {attribute.type}: a value may be cut, rounded, read differently or refused"
        return Hazard("change-type", address, why, asks=True)

    def superseded(self, old: CompositeType, new: CompositeType) -> tuple[CompositeType, tuple[Hazard, ...]] | None:
        """Return the name that the old type has meanwhile, where what stays keeps its order: values move as texts."""
        if _is_reordered(old, new):
            return None
        return replace(old, name=meanwhile(old.name)), tuple(self._retyped(new, each) for each in _retyped(old, new))

    def loss(self, old: CompositeType) -> Hazard:
        """Return the loss of the type; the columns that had it are asked for by themselves."""
        return Hazard("drop-composite-type", old.id.address, f"the type {old.id.address} is dropped", asks=True)

    def relation(self, obj: CompositeType) -> str:
        """Return its name."""
        return obj.name


def _is_reordered(old: CompositeType, new: CompositeType) -> bool:
    """Tell whether what stays has another order, or something comes before it."""
    before, after = ([each.name for each in one.attributes] for one in (old, new))
    kept = [name for name in before if name in after]
    return [*kept, *(name for name in after if name not in before)] != after


def _retyped(old: CompositeType, new: CompositeType) -> list[Attribute]:
    before = {each.name: each for each in old.attributes}
    return [each for each in new.attributes if before.get(each.name, each).typed != each.typed]


kind = CompositeTypeKind()
