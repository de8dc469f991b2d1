"""What Python declares, as one value that every kind reads its objects from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Sequence as SequenceOfSqlAlchemy
from sqlalchemy import exc
from sqlalchemy.types import SchemaType

from sendoka.errors import SchemaError
from sendoka.schema.model import Object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ForeignKey, MetaData, Table

__all__ = ["EXTRAS", "Declarations", "declare"]

T = TypeVar("T")

EXTRAS = "sendoka"
"""The key of `MetaData.info` under which a list holds what SQLAlchemy has no class for."""


def declare(metadata: MetaData, *objects: Object | SchemaType | SequenceOfSqlAlchemy) -> None:
    """Add to a MetaData what SQLAlchemy has no class for, or no table that uses it: `declare(metadata, Namespace(…))`.

    Raises TypeError for what is no object of a schema.
    """
    for each in objects:
        if not isinstance(each, Object | SchemaType | SequenceOfSqlAlchemy):
            raise TypeError(f"declare() takes objects of a schema, such as Namespace(name=…), not {each!r}")
    metadata.info.setdefault(EXTRAS, []).extend(objects)


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

    def of_class(self, holds: type[T]) -> Iterator[T]:
        """Yield the extras of one class, in order."""
        return (each for each in self.extras if isinstance(each, holds))


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
