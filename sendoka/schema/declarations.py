"""What Python declares, as one value that every kind reads its objects from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Sequence as SequenceOfSqlAlchemy
from sqlalchemy import exc
from sqlalchemy.types import SchemaType

from sendoka.errors import SchemaError
from sendoka.schema.model import PUBLIC, Id, Object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ForeignKey, MetaData, Table

__all__ = ["EXTRAS", "MARKS", "RENAMED", "Declarations", "declare"]

T = TypeVar("T")

EXTRAS = "sendoka"
"""The key of `MetaData.info` under which a list holds what SQLAlchemy has no class for."""

MARKS = "sendoka.renamed"
"""The key of `MetaData.info` under which a list holds renames, `old=new`."""


RENAMED = "renamed_from"
"""The key of `Column.info` and `Table.info` under which the old name stands."""


def declare(
    metadata: MetaData,
    *objects: Object | SchemaType | SequenceOfSqlAlchemy,
    renamed: Mapping[str, str] | None = None,
) -> None:
    """Add to a MetaData what SQLAlchemy has no class for, or no table that uses it: `declare(metadata, Namespace(…))`.

    `renamed` holds old names and new ones, of anything: `{"mood.sad": "mood.sorry", "active_orgs": "orgs_in_use"}`. It
    may stay after the migration: what fits nothing any more says nothing. Raises TypeError for what is no object of a
    schema.
    """
    for each in objects:
        if not isinstance(each, Object | SchemaType | SequenceOfSqlAlchemy):
            raise TypeError(f"declare() takes objects of a schema, such as Namespace(name=…), not {each!r}")
    metadata.info.setdefault(EXTRAS, []).extend(objects)
    metadata.info.setdefault(MARKS, []).extend(f"{old}={new}" for old, new in (renamed or {}).items())


@dataclass(frozen=True, slots=True)
class Declarations:
    """Tables, the MetaData they belong to, and `extras`: what those hold beside tables, for the kinds that read it."""

    tables: tuple[Table, ...] = ()
    metadata: tuple[MetaData, ...] = ()
    extras: tuple[Any, ...] = ()

    @classmethod
    def of(cls, tables: Iterable[Table], more: Iterable[MetaData] = ()) -> Declarations:
        """Return the declarations that `tables`, their MetaData and `more` make.

        Raises SchemaError for a foreign key to what is not declared.
        """
        tables = tuple(tables)
        metadata = tuple({id(each): each for each in (*(table.metadata for table in tables), *more)}.values())
        _refuse_dangling(tables)
        return cls(tables, metadata, tuple(extra for each in metadata for extra in each.info.get(EXTRAS, ())))

    def marks(self) -> tuple[str, ...]:
        """Return the renames that the schema itself speaks of, as answers: `column messages.body=messages.text`.

        Raises SchemaError for an old name that is no text.
        """
        own = [mark for table in self.tables for mark in _marks(table)]
        return (*own, *(mark for each in self.metadata for mark in each.info.get(MARKS, ())))

    def of_class(self, holds: type[T]) -> Iterator[T]:
        """Yield the extras of one class, in order."""
        return (each for each in self.extras if isinstance(each, holds))


def _marks(table: Table) -> Iterator[str]:
    namespace = table.schema or PUBLIC
    here = Id("table", namespace, "", table.name)
    if RENAMED in table.info:
        old = _old_name(table.info[RENAMED], f"table {table.fullname}")
        yield f"table {old if '.' in old else Id('table', namespace, '', old).address}={here.address}"
    for column in table.columns:
        if RENAMED in column.info:
            old = _old_name(column.info[RENAMED], f"column {table.fullname}.{column.name}")
            before, after = (Id("column", namespace, table.name, name) for name in (old, column.name))
            yield f"column {before.address}={after.address}"


def _old_name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise SchemaError(f"{RENAMED}={value!r} is no name", where=f"in {where}", todo=f'write {{"{RENAMED}": "old"}}')
    return value


def _refuse_dangling(tables: Sequence[Table]) -> None:
    """Raise SchemaError for a foreign key to nothing, before anyone asks its column for the type it would get."""
    for table in tables:
        for column in table.columns:
            for key in column.foreign_keys:
                try:
                    _ = key.column
                except exc.SQLAlchemyError as error:
                    raise _dangling(f"{table.fullname}.{column.name}", key, tables) from error


def _dangling(pointer: str, key: ForeignKey, tables: Sequence[Table]) -> SchemaError:
    target = key.target_fullname
    known = [f"{table.fullname}.{column.name}" for table in tables for column in table.columns]
    near = difflib.get_close_matches(target, known, n=1)
    todo = f"did you mean {near[0]}?" if near else ""
    if target in known:
        todo = "it is declared in another MetaData: take one for all tables"
    what = f"{pointer} points at {target}, which is not declared"
    return SchemaError(what, where=f"in table {pointer.rpartition('.')[0]}", todo=todo)
