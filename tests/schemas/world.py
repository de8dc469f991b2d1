"""A schema that grows at random, and the picks from it that its growth is made of."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds._routine import Routine
from sendoka.schema.kinds.collation import Collation
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.composite_type import CompositeType
from sendoka.schema.kinds.domain import Domain
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.namespace import Namespace
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import PUBLIC, Expression, Id, Model, Object
from sendoka.schema.names import MAX_NAME
from sendoka.schema.typenames import parse_type, user_type, user_type_name
from tests.schemas.values import columns_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

__all__ = ["TYPES", "World", "category", "relation", "text"]

T = TypeVar("T", bound=Object)
S = TypeVar("S")

TYPES = (
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(10,2)",
    "numeric(14,4)",
    "real",
    "double precision",
    "text",
    "character varying",
    "character varying(20)",
    "character varying(60)",
    "character(4)",
    "boolean",
    "bytea",
    "date",
    "timestamp with time zone",
    "timestamp without time zone",
    "timestamp(3) with time zone",
    "time without time zone",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "inet",
    "int4range",
    "daterange",
    "tsvector",
    "bit(4)",
    "bit varying(8)",
    "integer[]",
    "text[]",
    "character varying(30)[]",
)
_ODD = ("{p}'{n}", "{p} {n}", '{p}"{n}', "{P}{n}", "é{n}😀{p}", "{p}.{n}", "{p}-{n}$", "{p}{n}" + "x" * 70)


def text(sql: str) -> Expression:
    """Return an expression as somebody writes it."""
    return Expression(declared=sql)


def category(of: str) -> str:
    """Return `number`, `text` or another word for what a type's values can be asked."""
    parsed = parse_type(of)
    if parsed is None:
        return "other"
    if parsed.array:
        return "array"
    if parsed.base in {"smallint", "integer", "bigint", "numeric", "real", "double precision"}:
        return "number"
    if parsed.base in {"text", "character varying"}:
        return "text"
    if parsed.base.endswith("range"):
        return "range"
    return "document" if parsed.base == "jsonb" else "other"


class World:
    """The objects of a schema in order, and a source of chance. `major` is the server's version."""

    def __init__(self, chance: random.Random, major: int, extensions: Iterable[str] = ()) -> None:
        self.chance = chance
        self.major = major
        self.available = tuple(extensions)
        self.objects: dict[Id, Object] = {}
        self._count = 0

    # -------------------------------------------------------------- the schema

    @property
    def model(self) -> Model:
        """The schema as it is now."""
        return Model.of(self.objects.values())

    def copy(self) -> World:
        """Return another one with the same objects; both draw from one source of chance."""
        other = World(self.chance, self.major, self.available)
        other.objects, other._count = dict(self.objects), self._count
        return other

    def add(self, *found: Object) -> None:
        """Put objects in, or in the place of those with their ids."""
        self.objects.update((each.id, each) for each in found)

    def drop(self, gone: Id) -> None:
        """Take an object away, and all that needs it."""
        model, waiting = self.model, [gone]
        while waiting:
            key = waiting.pop()
            if self.objects.pop(key, None) is not None:
                waiting += [each.id for each in model if key in set(_needs(each, model))]

    def rename(self, old: Object, name: str) -> None:
        """Give an object another name, wherever it is spoken of: names are only used once."""
        swaps = {ident(old.called): ident(name), literal(old.called): literal(name)}
        renamed = (_renamed(each, old, name, swaps) for each in self.objects.values())
        self.objects = {each.id: each for each in renamed}

    # -------------------------------------------------------------- chance

    def maybe(self, share: float = 0.5) -> bool:
        """Return true in a share of the times."""
        return self.chance.random() < share

    def name(self, prefix: str) -> str:
        """Return a name that was never used, an odd one at times."""
        self._count += 1
        plain = f"{prefix}{self._count}"
        if not self.maybe(0.12):
            return plain
        # What stands in a literal, as a sequence does in nextval(), has no quote of its own.
        odd = self.chance.choice(_ODD[prefix in {"n", "s"} :]).format(p=prefix, P=prefix.upper(), n=self._count)
        return odd.encode()[:MAX_NAME].decode(errors="ignore")

    def namespace(self) -> str:
        """Return the name of a namespace that is there."""
        return self.chance.choice([PUBLIC, PUBLIC, *(each.name for each in self.all(Namespace))])

    def all(self, holds: type[T], where: Callable[[T], bool] = lambda _: True) -> list[T]:
        """Return the objects of a class that meet a condition."""
        return [each for each in self.objects.values() if isinstance(each, holds) and where(each)]

    def one(self, holds: type[T], where: Callable[[T], bool] = lambda _: True) -> T | None:
        """Return any object of a class, if there is one."""
        found = self.all(holds, where)
        return self.chance.choice(found) if found else None

    def type(self) -> str:
        """Return any type that a column can have."""
        ours = [
            user_type_name(each.namespace, each.name)
            for each in self.all(Object)
            if isinstance(each, Enum | Domain | CompositeType)
        ]
        if ours and self.maybe(0.35):
            return self.chance.choice(ours) + ("[]" if self.maybe(0.15) else "")
        citext = next((each for each in self.all(Object) if each.id == Id("extension", "", "", "citext")), None)
        if citext is not None and self.maybe(0.1):
            return user_type_name(citext.namespace, "citext")
        return self.chance.choice(TYPES)

    def collation(self) -> str:
        """Return a collation that a text can have."""
        ours = [f"{ident(each.namespace)}.{ident(each.name)}" for each in self.all(Collation)]
        return self.chance.choice(["C", *ours])

    def columns(self, table: Table, where: Callable[[Column], bool] = lambda _: True) -> list[Column]:
        """Return a table's columns, inherited ones too, as far as they meet a condition."""
        return [each for each in columns_of(table, self.model) if where(each)]

    def sample(self, found: list[S], most: int) -> list[S]:
        """Return one to `most` of them, in any order."""
        return self.chance.sample(found, self.chance.randint(1, min(most, len(found))))

    # -------------------------------------------------------------- texts

    def condition(self, column: Column) -> str:
        """Return what every generated value of a column meets."""
        name = ident(column.name)
        other = self.chance.randint(1, 99)
        return {
            "number": f"{name} >= -{other}",
            "text": self.chance.choice(
                [f"length({name}) < 1{other}", f"{name} <> 'no{other}'", f"{name} not in ('no', 'x{other}')"]
            ),
            "array": f"cardinality({name}) < 1{other}",
            "document": f"{name} <> '{{\"no\": {other}}}'",
        }.get(category(column.type), f"({name} is not null or {other} > 0)")

    def computed(self, column: Column) -> str:
        """Return an immutable expression of a column; it is of the type integer or text."""
        name = ident(column.name)
        return {"number": f"({name} + {self.chance.randint(1, 9)})", "text": f"lower({name})"}.get(
            category(column.type), f"({name} is null)"
        )


def _needs(obj: Object, model: Model) -> Iterable[Id]:
    """Return what an object cannot be without. A table cannot be without the columns it is partitioned by."""
    yield from kind_of(obj).needs(obj, model)
    if isinstance(obj, Table) and obj.partition_by is not None:
        yield from (each.id for each in model.members(obj.id, Column) if ident(each.name) in obj.partition_by.text)
    goes_with = kind_of(obj).goes_with(obj)
    if goes_with is not None:
        yield goes_with


def _renamed(each: Any, old: Object, name: str, swaps: dict[str, str]) -> Any:
    values = {one.name: _swapped(getattr(each, one.name), old.called, name, swaps) for one in fields(each)}
    values["comment"] = each.comment
    if isinstance(each, Routine):
        types = each.name.partition("(")[2].removesuffix(")").split(", ")
        values["name"] = f"{each.called}({', '.join(_in_type(of, old.called, name) for of in types)})"
    return replace(each, **values)


def _swapped(value: Any, old: str, new: str, swaps: dict[str, str]) -> Any:
    if isinstance(value, Expression):
        return Expression(*(None if each is None else _in_text(each, swaps) for each in (value.declared, None)))
    if isinstance(value, str):
        return new if value == old else _in_type(value, old, new)
    if isinstance(value, tuple):
        return tuple(_swapped(each, old, new, swaps) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(
            value, **{one.name: _swapped(getattr(value, one.name), old, new, swaps) for one in fields(value)}
        )
    return value


def _in_type(of: str, old: str, new: str) -> str:
    named = user_type(of)
    if named is None:
        return of
    namespace, name, rest = named
    if of == f"{ident(namespace)}.{ident(name)}":  # as a collation is spelled
        return f"{ident(new if namespace == old else namespace)}.{ident(new if name == old else name)}"
    return user_type_name(new if namespace == old else namespace, new if name == old else name, rest)


def _in_text(sql: str, swaps: dict[str, str]) -> str:
    for old, new in swaps.items():
        sql = re.sub(re.escape(old), lambda _, new=new: new, sql)  # type: ignore[misc]
    return sql


def relation(obj: Object) -> str:
    """Return an object's name as a statement says it."""
    return qualified(obj.namespace, obj.called)
