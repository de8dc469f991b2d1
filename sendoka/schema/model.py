"""A schema as comparable values: a set of objects, whoever it was read from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from sendoka.errors import SchemaError
from sendoka.schema.typenames import user_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["PUBLIC", "STRICT", "Expression", "Id", "Member", "Model", "Object", "Ties"]

PUBLIC = "public"
"""The namespace that every database has; it is left out of addresses."""

STRICT = {"extra": "forbid"}
"""What pydantic is told of every class that is read from JSON: a property that nobody knows is an error."""

T = TypeVar("T", bound="Object")

_SIMPLE = re.compile(r"[a-z_][a-z0-9_$]*")


class Id(NamedTuple):
    """What tells one object of a schema from all others. `table` is empty for what is no part of a table.

    A named tuple: a schema is looked up by it hundreds of thousands of times, and a dataclass hashes slowly.
    """

    kind: str
    namespace: str
    table: str
    name: str

    @property
    def address(self) -> str:
        """The object's name in flags and headers: `messages.body`, or `billing.invoices` outside of `public`."""
        namespace = "" if self.namespace == PUBLIC else self.namespace
        return ".".join(_part(name) for name in (namespace, self.table, self.name) if name)

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"


def _part(name: str) -> str:
    """Return `name` so that it can be split from its neighbours and stays on one line."""
    return name if _SIMPLE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Expression:
    """A piece of SQL: as somebody wrote it, as Postgres spells it, or both. `spelling.same` compares two."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    declared: str | None = None
    canonical: str | None = None

    @property
    def text(self) -> str:
        """The text to put into SQL. Raises ValueError where neither is known."""
        text = self.declared if self.declared is not None else self.canonical
        if text is None:
            raise ValueError("an expression without any text")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One object of a schema. Each kind's file has its own subclass, with the properties that the kind manages.

    `comment` is what COMMENT ON says of it. `is_type` is true of what a column can be of, `is_relation` of
    what a query reads from, `is_routine` of what it calls.
    """

    kind: ClassVar[str]
    is_type: ClassVar[bool] = False
    is_relation: ClassVar[bool] = False
    is_routine: ClassVar[bool] = False
    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    name: str
    namespace: str = PUBLIC
    comment: str | None = None

    @property
    def id(self) -> Id:
        """What tells it from all others."""
        return Id(self.kind, self.namespace, "", self.name)

    @property
    def above(self) -> tuple[tuple[str, str], ...]:
        """(namespace, name) of the relations whose columns it has too."""
        return ()

    @property
    def called(self) -> str:
        """The name that a text of SQL calls it by."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Object):
    """An object that is a part of a table and disappears with it."""

    table: str

    @property
    def id(self) -> Id:
        """What tells it from all others."""
        return Id(self.kind, self.namespace, self.table, self.name)


@dataclass(frozen=True, slots=True)
class Ties:
    """How objects hang together with what no kind manages, by its texts.

    `beyond` is all of it that a database has. What `needs` it cannot be made without, what is `held` by it can neither
    go nor be made anew.
    """

    beyond: frozenset[str] = frozenset()
    needs: Mapping[Id, tuple[str, ...]] = field(default_factory=dict)
    held: Mapping[Id, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A schema: its objects by id, in the order they were read. Two are equal if they have equal objects.

    `unmanaged` names what the reader met and no kind manages, `marks` the renames that the schema itself speaks of, as
    answers `old=new`, `silent` the kinds that its source says nothing of; none of them is a part of the comparison.
    """

    objects: Mapping[Id, Object] = field(default_factory=dict)
    unmanaged: tuple[str, ...] = field(default=(), compare=False)
    marks: tuple[str, ...] = field(default=(), compare=False)
    parts: Mapping[tuple[str, str], tuple[Object, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The members of each table, by (namespace, name)."""
    types: Mapping[tuple[str, str], Id] = field(default_factory=dict, compare=False, repr=False)
    """The ids of the types, by (namespace, name)."""
    relations: Mapping[tuple[str, str], Id] = field(default_factory=dict, compare=False, repr=False)
    """The ids of tables and views, by (namespace, name)."""
    routines: Mapping[tuple[str, str], tuple[Id, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The ids of the routines that have a name, by (namespace, name)."""
    ties: Ties = field(default_factory=Ties, compare=False, repr=False)
    silent: frozenset[str] = field(default=frozenset(), compare=False)
    inherited: tuple[Member, ...] = field(default=(), compare=False, repr=False)
    """What partitions have from their tables, where a catalog told: it is no object of the schema."""
    extensions: tuple[Id, ...] = field(default=(), compare=False, repr=False)
    """The ids of the extensions: a type that is neither built in nor an object here is one of theirs."""

    @classmethod
    def of(
        cls,
        objects: Iterable[Object],
        unmanaged: Iterable[str] = (),
        marks: Iterable[str] = (),
        *,
        ties: Ties | None = None,
        silent: Iterable[str] = (),
        inherited: Iterable[Member] = (),
    ) -> Model:
        """Return the model of `objects`. Raises SchemaError where two have one id."""
        found: dict[Id, Object] = {}
        for each in objects:
            key = each.id
            if key in found:
                raise SchemaError(f"the schema has two of one name: {key}", todo="rename one of them")
            found[key] = each
        types: dict[tuple[str, str], Id] = {}
        relations: dict[tuple[str, str], Id] = {}
        routines: dict[tuple[str, str], tuple[Id, ...]] = {}
        for key, each in found.items():
            if each.is_type:
                types[each.namespace, each.name] = key
            if each.is_relation:
                relations[each.namespace, each.name] = key
            if each.is_routine:
                place = (each.namespace, each.called)
                routines[place] = (*routines.get(place, ()), key)
        parts, heard, others = _parts(found.values()), frozenset(silent), tuple(inherited)
        extensions = tuple(key for key in found if key.kind == "extension")
        known = (parts, types, relations, routines, ties or Ties(), heard, others, extensions)
        return cls(found, tuple(unmanaged), tuple(marks), *known)

    def with_objects(self, objects: Iterable[Object], inherited: Iterable[Member] | None = None) -> Model:
        """Return the model of other objects, with the same marks, and the same of all that is not managed."""
        others = self.inherited if inherited is None else inherited
        return Model.of(objects, self.unmanaged, self.marks, ties=self.ties, silent=self.silent, inherited=others)

    def with_texts(self, learned: Mapping[Id, Object]) -> Model:
        """Return the model with other objects under the same ids, which differ in the texts of expressions alone."""
        places = {(each.namespace, each.table) for each in learned.values() if isinstance(each, Member)}
        parts = {place: tuple(learned.get(each.id, each) for each in self.parts[place]) for place in places}
        return replace(self, objects={**self.objects, **learned}, parts={**self.parts, **parts})

    def attentive(self, other: Model) -> Model:
        """Return it as silent only where `other` is as well: what it never spoke of is not there."""
        return replace(self, silent=self.silent & other.silent)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects.values())

    def __len__(self) -> int:
        return len(self.objects)

    def __contains__(self, key: object) -> bool:
        return key in self.objects

    def all(self, holds: type[T]) -> list[T]:
        """Return the objects of one class, in order."""
        return [each for each in self if isinstance(each, holds)]

    def type_id(self, text: str) -> Id | None:
        """Return the id of the type that `text` names, `public.mood[]`; None for one that is built in or not known.

        A table or view is the type of its rows.
        """
        named = user_type(text)
        return None if named is None else self.types.get(named[:2]) or self.relations.get(named[:2])

    def columns(self, namespace: str, table: str) -> Iterator[Object]:
        """Yield the columns that a query of a relation sees: its own, and those of what it is a part of or inherits."""
        place = (namespace, table)
        yield from (each for each in self.parts.get(place, ()) if each.kind == "column")
        key = self.relations.get(place)
        for above in self.objects[key].above if key is not None else ():
            yield from self.columns(*above)

    def members(self, table: Id, holds: type[T]) -> list[T]:
        """Return the parts of `table` that are of one class, in order."""
        return [each for each in self.parts.get((table.namespace, table.name), ()) if isinstance(each, holds)]


def _parts(objects: Iterable[Object]) -> dict[tuple[str, str], tuple[Object, ...]]:
    parts: dict[tuple[str, str], list[Object]] = {}
    for each in objects:
        if isinstance(each, Member):
            parts.setdefault((each.namespace, each.table), []).append(each)
    return {table: tuple(members) for table, members in parts.items()}
