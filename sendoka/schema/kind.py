"""What a kind of database object must know: to be read, created, changed, dropped and put in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from sendoka.schema.model import Member, Object
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Table

    from sendoka.schema.model import Id, Model

__all__ = ["Kind", "Renaming"]

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Renaming:
    """Old names to new ones: of tables by (namespace, table), of columns by (namespace, table's old name, column)."""

    tables: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def table(self, namespace: str, name: str) -> str:
        """Return the table's new name."""
        return self.tables.get((namespace, name), name)

    def column(self, namespace: str, table: str, name: str) -> str:
        """Return the column's new name; `table` is the table's old one."""
        return self.columns.get((namespace, table, name), name)

    def columns_of(self, namespace: str, table: str, names: Iterable[str]) -> tuple[str, ...]:
        """Return the new names of a table's columns."""
        return tuple(self.column(namespace, table, name) for name in names)

    def within(self, namespace: str, table: str) -> dict[str, str]:
        """Return `{old: new}` for the columns of one table."""
        return {old: new for (space, owner, old), new in self.columns.items() if (space, owner) == (namespace, table)}


class Kind(ABC, Generic[T]):
    """One kind of object. A file of `kinds/` defines one instance, and it is found.

    `holds` is the class of its objects; their fields are the properties it manages, the keys of the snapshot and the
    columns of `catalog`, a SELECT that may stand on the common table expression `tables(oid, namespace, name)`.
    `reads` are the classes of SQLAlchemy's constraints that it reads; one that no kind reads is refused. `unmanaged` is
    a SELECT of one text a row: what a database has of this kind and no property covers. Kinds of lower
    `rank` are created earlier and dropped later, where nothing else decides.
    """

    name: ClassVar[str]
    rank: ClassVar[int]
    holds: ClassVar[type[Object]]
    catalog: ClassVar[str]
    unmanaged: ClassVar[str] = ""
    reads: ClassVar[tuple[type[Any], ...]] = ()

    @abstractmethod
    def declared(self, tables: Sequence[Table]) -> Iterator[T]:
        """Read the objects from SQLAlchemy. Raises SchemaError, by name, for what the kind does not manage."""

    @abstractmethod
    def create(self, new: T, parts: Sequence[str]) -> list[Step]:
        """Return the steps that create it; `parts` are the clauses of what is created inside it."""

    @abstractmethod
    def drop(self, old: T) -> str:
        """Return the statement that drops it. It has no CASCADE."""

    @abstractmethod
    def needs(self, obj: T, model: Model) -> Iterator[Id]:
        """Yield what must exist before it does and cannot go while it stays; ids that do not exist are no harm."""

    @abstractmethod
    def moved(self, obj: T, renaming: Renaming) -> T:
        """Return the object as it reads after tables and columns were renamed."""

    @abstractmethod
    def rename(self, old: T, new: T) -> str:
        """Return the statement that gives `old` the name of `new`."""

    def part(self, new: T) -> str | None:
        """Return the clause that creates it inside its table's CREATE TABLE, or None where there is no such clause."""
        return None

    def alter(self, old: T, new: T, changed: frozenset[str]) -> list[Step] | None:
        """Return the steps that change it in place, or None where it must be dropped and created again."""
        return None

    def survives(self, obj: T, old: Object, new: Object) -> bool:
        """Tell whether it may stay while something it needs is altered from `old` to `new`."""
        return True

    def risks(self, new: T) -> tuple[Hazard, ...]:
        """Return the hazards of creating it on a table that may hold rows."""
        return ()

    def loss(self, old: T) -> Hazard:
        """Return the hazard of dropping it for good."""
        return Hazard(f"drop-{self.name}", old.id.address, f"{old.id} is dropped", asks=True)

    def relation(self, obj: T) -> str | None:
        """Return the name it occupies among its namespace's relations, or None."""
        return None

    def owned_by(self, obj: T) -> tuple[str, str] | None:
        """Return (namespace, name) of the table it is a part of, or None."""
        return (obj.namespace, obj.table) if isinstance(obj, Member) else None
