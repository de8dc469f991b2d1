"""Enums: types whose values are labels in an order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Enum as Declared

from sendoka.errors import SchemaError
from sendoka.quoting import literal, qualified
from sendoka.schema.declared import checked_name, native_enum
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._type import meanwhile
from sendoka.schema.model import PUBLIC, Id, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Enum", "EnumKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum(Object):
    """An enum. `values` are its labels, in the order in which they sort."""

    kind = "enum"
    is_type = True
    values: tuple[str, ...] = ()

    def value(self, label: str) -> Id:
        """Return the id under which a value is renamed and dropped: `mood.sad`."""
        return Id("enum-value", self.namespace, self.name, label)


class EnumKind(Kind[Enum]):
    """CREATE TYPE … AS ENUM and its kin.

    Values are added and renamed in place. Postgres can neither remove one nor change their order: the type is then made
    anew beside the old one, and every column moved over.
    """

    name = "enum"
    rank = 5
    holds = Enum
    claims = ("type:e",)
    reads: ClassVar[tuple[type[Any], ...]] = (Enum, Declared)
    renames_on_answer = True
    has_privileges = True
    catalog = f"""
        select t.nspname as namespace, t.typname as name, z.description as comment,
               coalesce((select json_agg(e.enumlabel order by e.enumsortorder)
                           from pg_enum e where e.enumtypid = t.oid), '[]') as values
          from types t {described("pg_type", "t.oid")}
         where t.typtype = 'e' order by t.nspname, t.typname"""

    def declared(self, declarations: Declarations) -> Iterator[Enum]:
        """Read the enums of columns, and those declared by themselves, each once."""
        found: dict[Id, Enum] = {}
        for each, where in _declared(declarations):
            known = found.setdefault(each.id, each)
            if known.values != each.values:
                raise SchemaError(
                    f"the enum {each.id.address} is declared with other values elsewhere",
                    where=f"in {where}",
                    todo="declare it once, and use that object in every column",
                )
            if known.comment is None:
                found[each.id] = each
        return iter(sorted(found.values(), key=lambda each: each.id))

    def create(self, new: Enum, parts: Sequence[str]) -> list[Step]:
        """Return CREATE TYPE."""
        return [Step(f"CREATE TYPE {_name(new)} AS ENUM ({', '.join(map(literal, new.values))})")]

    def label(self, obj: Enum) -> str:
        """Return TYPE and its name."""
        return f"TYPE {_name(obj)}"

    def needs(self, obj: Enum, model: Model) -> Iterator[Id]:
        """Yield its namespace."""
        yield Id("namespace", "", "", obj.namespace)

    def moved(self, obj: Enum, renaming: Renaming) -> Enum:
        """Return it under its new name, its values under theirs."""
        return replace(renaming.placed(obj), values=tuple(renaming.name(obj.value(label)) for label in obj.values))

    def renames(self, old: Enum, new: Enum) -> Iterator[tuple[Id, Id, str]]:
        """Yield the type's rename, then those of its values."""
        yield from super().renames(old, new)
        for before, after in zip(old.values, new.values, strict=True):
            if before != after:
                text = f"ALTER TYPE {_name(new)} RENAME VALUE {literal(before)} TO {literal(after)}"
                yield old.value(before), new.value(after), text

    def alter(self, old: Enum, new: Enum, changed: frozenset[str]) -> list[Step] | None:
        """Return ADD VALUE for each new one, where the others keep their order."""
        return None if _is_reordered(old, new) else [_added(new, label, old.values) for label in _new_values(old, new)]

    def superseded(self, old: Enum, new: Enum) -> tuple[Enum, tuple[Hazard, ...]] | None:
        """Return the name that the old type has meanwhile, where a value goes or moves."""
        if not _is_reordered(old, new):
            return None
        gone = (label for label in old.values if label not in new.values)
        return replace(old, name=meanwhile(old.name)), tuple(_lost(old, label) for label in gone)

    def loss(self, old: Enum) -> Hazard:
        """Return the loss of the type; the columns that had it are asked for by themselves."""
        return Hazard("drop-enum", old.id.address, f"the enum {old.id.address} is dropped", asks=True)


def _name(enum: Enum) -> str:
    return qualified(enum.namespace, enum.name)


def _is_reordered(old: Enum, new: Enum) -> bool:
    """Tell whether a value is gone, or has another place among those that stay."""
    return [label for label in new.values if label in old.values] != list(old.values)


def _new_values(old: Enum, new: Enum) -> Iterator[str]:
    return (label for label in new.values if label not in old.values)


def _added(new: Enum, label: str, known: Sequence[str]) -> Step:
    """Return ADD VALUE. It goes behind its neighbour, which is there by then; the first goes before the next one."""
    place = new.values.index(label)
    follows = [each for each in new.values[place + 1 :] if each in known]
    where = ""
    if follows:
        where = f" AFTER {literal(new.values[place - 1])}" if place else f" BEFORE {literal(follows[0])}"
    why = f"{label!r} can never be removed from {new.id.address} in place, and code that does not know it may meet it"
    hazard = Hazard("add-enum-value", new.value(label).address, why)
    return Step(f"ALTER TYPE {_name(new)} ADD VALUE {literal(label)}{where}", (hazard,), commits_first=True)


def _lost(old: Enum, label: str) -> Hazard:
    return Hazard(
        "drop-enum-value",
        old.value(label).address,
        f"the value {label!r} of {old.id.address} is dropped; the statement fails if a row holds it",
        asks=True,
        instead="give such rows another value first",
    )


def _declared(declarations: Declarations) -> Iterator[tuple[Enum, str]]:
    for table in declarations.tables:
        for column in table.columns:
            enum = native_enum(column.type)
            if enum is not None:
                where = f"column {table.fullname}.{column.name}"
                yield _checked(_read(enum, where), where), where
    for extra in declarations.of_class(Enum):
        yield _checked(extra, "declare()"), "declare()"
    for declared in declarations.of_class(Declared):
        yield _checked(_read(declared, "declare()"), "declare()"), "declare()"


def _read(enum: Declared, where: str) -> Enum:
    if enum.name is None:
        raise SchemaError("an enum needs a name", where=f"in {where}", todo='write Enum(…, name="mood")')
    return Enum(name=str(enum.name), namespace=enum.schema or PUBLIC, values=tuple(map(str, enum.enums)))


def _checked(enum: Enum, where: str) -> Enum:
    checked_name(enum.name, "an enum")
    for label in enum.values:
        checked_name(label or "_", f"a value of the enum {enum.name}")  # one may be empty
    if len(set(enum.values)) < len(enum.values):
        raise SchemaError(f"the enum {enum.id.address} has a value twice", where=f"in {where}")
    return enum


kind = EnumKind()
