"""What a kind of database object must know: to be read, created, changed, dropped and put in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from sendoka.quoting import ident, literal
from sendoka.schema.declared import checked_name
from sendoka.schema.model import Id, Member, Object
from sendoka.schema.step import Hazard, Step
from sendoka.schema.typenames import user_type, user_type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Kind", "Renaming"]

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Renaming:
    """The new names of objects of any kind, by the ids they have before anything is renamed."""

    names: Mapping[Id, str] = field(default_factory=dict)

    def name(self, key: Id) -> str:
        """Return the new name of what has the id `key`, its own where it keeps it."""
        return self.names.get(key, key.name)

    def namespace(self, name: str) -> str:
        """Return the namespace's new name."""
        return self.name(Id("namespace", "", "", name))

    def table(self, namespace: str, name: str) -> str:
        """Return the table's new name."""
        return self.name(Id("table", namespace, "", name))

    def column(self, namespace: str, table: str, name: str) -> str:
        """Return the column's new name; `table` is the table's old one."""
        return self.name(Id("column", namespace, table, name))

    def columns_of(self, namespace: str, table: str, names: Iterable[str]) -> tuple[str, ...]:
        """Return the new names of a table's columns."""
        return tuple(self.column(namespace, table, name) for name in names)

    def type(self, text: str) -> str:
        """Return how a type reads after the renames: `public.mood[]`."""
        named = user_type(text)
        if named is None:
            return text
        namespace, name, rest = named
        return user_type_name(self.namespace(namespace), self._standing(namespace, name), rest)

    def label(self, type_: str, label: str) -> str:
        """Return the new name of a value of the enum that `type_` names."""
        namespace, name, _ = user_type(type_) or ("", "", "")
        return self.name(Id("enum-value", namespace, name, label))

    def within(self, namespace: str, table: str) -> dict[str, str]:
        """Return `{old: new}` for the columns of one table."""
        place = ("column", namespace, table)
        return {key.name: new for key, new in self.names.items() if (key.kind, key.namespace, key.table) == place}

    def placed(self, obj: T) -> T:
        """Return the object under its new name, in its namespace's and its table's; what it speaks of stays as it is.

        A part's table may be anything that has parts: a table, a materialized view.
        """
        names = {"name": self.name(obj.id), "namespace": self.namespace(obj.namespace)}
        if isinstance(obj, Member):
            names["table"] = self._standing(obj.namespace, obj.table)
        return replace(obj, **names)

    def _standing(self, namespace: str, name: str) -> str:
        """Return the new name of what stands in a namespace by itself, of whatever kind."""
        place = (namespace, name)
        new = (new for key, new in self.names.items() if not key.table and (key.namespace, key.name) == place)
        return next(new, name)


class Kind(ABC, Generic[T]):
    """One kind of object. A file of `kinds/` defines one instance, and it is found.

    `holds` is the class of its objects; their fields are the properties it manages, the keys of the snapshot and the
    columns of `catalog`, a SELECT that may stand on the common table expressions of `from_catalog`: `namespaces(oid,
    nspname)`, `tables(oid, namespace, name)`, `indexed` (those that have indexes, materialized views among them), and
    `of_extensions(classid, objid)`. `claims` are the classes of
    `census.CENSUS` that it manages, such as `relation:v` or `type:e`: what nobody claims is listed as unmanaged.
    `unmanaged` is a SELECT of one text a row: what a database has of the claimed and no property covers. `reads` are
    the classes that it reads from SQLAlchemy, its constraints and the extras of `Declarations`; what no kind reads is
    refused. Kinds of lower `rank` are created earlier and dropped later, where nothing else decides.

    `has_parts` is true of what is created and dropped with its members inside; `keeps_order` of parts whose place among
    their neighbours the snapshot keeps; `renames_freely` where two objects that differ in nothing but their name are
    one, and nobody is asked; `renames_on_answer` where one that goes while another comes may be meant as a rename, and
    a person is asked. `has_privileges` is true of what GRANT knows.
    """

    name: ClassVar[str]
    rank: ClassVar[int]
    holds: ClassVar[type[Object]]
    catalog: ClassVar[str]
    claims: ClassVar[tuple[str, ...]] = ()
    unmanaged: ClassVar[str] = ""
    reads: ClassVar[tuple[type[Any], ...]] = ()
    has_parts: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False
    renames_freely: ClassVar[bool] = False
    renames_on_answer: ClassVar[bool] = False
    has_privileges: ClassVar[bool] = False

    def declared(self, declarations: Declarations) -> Iterator[T]:
        """Read the objects from what Python declares. Raises SchemaError, by name, for what is not managed.

        Here they are those of `declare()`, in order of their names; a kind that SQLAlchemy has a class for reads that.
        """
        found = sorted(cast("Iterator[T]", declarations.of_class(self.holds)), key=lambda each: each.id)
        noun = self.name.replace("-", " ")
        for each in found:
            checked_name(each.called, f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}")
        return iter(found)

    @abstractmethod
    def create(self, new: T, parts: Sequence[str]) -> list[Step]:
        """Return the steps that create it; `parts` are the clauses of what is created inside it."""

    def drop(self, old: T) -> str:
        """Return the statement that drops it. It has no CASCADE."""
        return f"DROP {self.label(old)}"

    @abstractmethod
    def needs(self, obj: T, model: Model) -> Iterator[Id]:
        """Yield what must exist before it does and cannot go while it stays; ids that do not exist are no harm."""

    @abstractmethod
    def moved(self, obj: T, renaming: Renaming) -> T:
        """Return the object as it reads after the renames."""

    def rename(self, old: T, new: T) -> str:
        """Return the statement that gives `old` the name of `new`."""
        return f"ALTER {self.label(old)} RENAME TO {ident(new.called)}"

    def renames(self, old: T, new: T) -> Iterator[tuple[Id, Id, str]]:
        """Yield what is renamed between the two, the object and pieces of it: (id, new id, statement)."""
        if old.name != new.name:
            yield old.id, new.id, self.rename(old, new)

    @abstractmethod
    def label(self, obj: T) -> str:
        """Return what COMMENT ON, DROP and ALTER call it: `TABLE "public"."orgs"`."""

    def part(self, new: T) -> str | None:
        """Return the clause that creates it inside its table's CREATE TABLE, or None where there is no such clause."""
        return None

    def afterwards(self, new: T) -> list[Step]:
        """Return what of a new object no CREATE can say, whether it was made by itself or inside its table."""
        return []

    def alter(self, old: T, new: T, changed: frozenset[str]) -> list[Step] | None:
        """Return the steps that change it in place, or None where it must be dropped and created again."""
        return None

    def superseded(self, old: T, new: T) -> tuple[T, tuple[Hazard, ...]] | None:
        """Return what `old` is called meanwhile, where `new` is made beside it and its users move over; else None.

        With it come the hazards of losing what only the old one has.
        """
        return None

    def stands_aside(self, obj: T, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return the steps that let go of `key` and take it up again; None where it must be dropped for that."""
        return None

    def goes_with(self, obj: T) -> Id | None:
        """Return what it disappears with, beside the table that it is a part of."""
        return None

    def opening(self, old: T, new: T) -> list[Step]:
        """Return what of an alteration is done at the beginning, because it makes room for others."""
        return []

    def closing(self, old: T | None, new: T, *, fresh: bool) -> list[Step]:
        """Return what is done about it at the end, once all of `closes_after` is there; `old` is None for a new one.

        `fresh` is true where what it goes with is new as well.
        """
        return []

    def closes_after(self, new: T) -> Iterator[Id]:
        """Yield what `closing` waits for."""
        return iter(())

    def remark(self, obj: T) -> Step:
        """Return COMMENT ON."""
        return Step(f"COMMENT ON {self.label(obj)} IS {'NULL' if obj.comment is None else literal(obj.comment)}")

    def survives(self, obj: T, old: Object, new: Object) -> bool:
        """Tell whether it may stay while something it needs is altered from `old` to `new`."""
        return True

    def risks(self, new: T) -> tuple[Hazard, ...]:
        """Return the hazards of creating it on a table that may hold rows."""
        return ()

    def holds_data(self, obj: T) -> bool:
        """Tell whether dropping it and making it again loses something."""
        return False

    def loss(self, old: T) -> Hazard:
        """Return the hazard of dropping it for good."""
        return Hazard(f"drop-{self.name}", old.id.address, f"{old.id} is dropped", asks=True)

    def relation(self, obj: T) -> str | None:
        """Return the name it occupies among its namespace's relations, or None."""
        return None

    def owned_by(self, obj: T) -> tuple[str, str] | None:
        """Return (namespace, name) of the table it is a part of, or None."""
        return (obj.namespace, obj.table) if isinstance(obj, Member) else None
