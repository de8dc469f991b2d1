"""A table as SQLAlchemy's Table, with all that can stand inside of it; what cannot is declared beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.schema.declared import next_of
from sendoka.schema.kinds._counting import USUAL
from sendoka.schema.kinds._options import listed_options
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.exclusion import Exclusion
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.index import Index
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.kinds.unique import Unique
from sendoka.schema.model import PUBLIC, Id
from sendoka.schema.names import default_name
from sendoka.schema.spelling import sequences_in
from sendoka.schema.to_python.code import Code, Name, Text, call, mapping, spread, tupled
from sendoka.schema.to_python.column import column_code
from sendoka.schema.to_python.constraints import (
    TRUE,
    check_code,
    foreign_key_code,
    is_plain_key,
    key_code,
)
from sendoka.schema.to_python.indexes import index_code
from sendoka.schema.to_python.indexes import is_sayable as is_sayable_index
from sendoka.schema.to_python.objects import options_in
from sendoka.schema.to_python.sql import bindless

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from sendoka.schema.kinds.table import Table
    from sendoka.schema.model import Member, Model
    from sendoka.schema.to_python.imports import Imports
    from sendoka.schema.to_python.types import Types

__all__ = ["INSIDE", "Said", "is_sayable", "said_of", "table_code"]

INSIDE = (Column, PrimaryKey, ForeignKey, Unique, Check, Index, Exclusion)
"""The classes of what stands inside of a table's statement, or could."""


@dataclass(frozen=True, slots=True)
class Said:
    """What of a table SQLAlchemy can say: its parts, and `serial`, the column whose sequence comes by itself."""

    table: Table
    columns: tuple[Column, ...]
    key: PrimaryKey | None
    foreign_keys: tuple[ForeignKey, ...]
    uniques: tuple[Unique, ...]
    checks: tuple[Check, ...]
    indexes: tuple[Index, ...]
    serial: Column | None

    @property
    def parts(self) -> frozenset[Id]:
        """The ids of its parts, and of the sequence that comes by itself."""
        found = (*self.columns, *self.foreign_keys, *self.uniques, *self.checks, *self.indexes)
        more = (self.key.id,) if self.key else ()
        return frozenset(
            (*(each.id for each in found), *more, *(sequences_in(self.serial.default) if self.serial else ()))
        )


def is_sayable(table: Table) -> bool:
    """Tell whether SQLAlchemy has words for a table itself: it has none for a partition."""
    forced = table.forced_row_security and not table.row_security
    dotted = any("." in name for place in table.inherits for name in place)
    usual = listed_options(options_in(table.options)) == table.options
    return table.partition_of is None and not forced and not dotted and usual


def said_of(table: Table, model: Model, sayable: Set[tuple[str, str]]) -> Said:
    """Return what SQLAlchemy can say of a table's parts; `sayable` are (namespace, name) of all tables that it can."""
    columns = tuple(model.members(table.id, Column))
    own = {each.name for each in columns}
    keys = [each for each in model.members(table.id, PrimaryKey) if {*each.columns, *each.include} <= own]
    key = keys[0] if keys else None
    return Said(
        table=table,
        columns=columns,
        key=key,
        foreign_keys=tuple(
            each
            for each in model.members(table.id, ForeignKey)
            if set(each.columns) <= own and _can_point(each, model, sayable)
        ),
        uniques=tuple(each for each in model.members(table.id, Unique) if {*each.columns, *each.include} <= own),
        checks=tuple(each for each in model.members(table.id, Check) if not each.no_inherit),
        indexes=tuple(
            each
            for each in model.members(table.id, Index)
            if {*each.plain_columns, *each.include} <= own and is_sayable_index(each)
        ),
        serial=_serial(columns, key, model),
    )


def _can_point(key: ForeignKey, model: Model, sayable: Set[tuple[str, str]]) -> bool:
    """Tell whether a foreign key's target can be named as SQLAlchemy does it: with dots between the names."""
    target = (key.target_namespace, key.target)
    columns = {each.name for each in model.members(Id("table", target[0], "", target[1]), Column)}
    named = not any("." in name for name in (*target, *key.target_columns))
    plain = all(name.isidentifier() for name in key.set_columns)
    return target in sayable and set(key.target_columns) <= columns and named and plain


def _serial(columns: Iterable[Column], key: PrimaryKey | None, model: Model) -> Column | None:
    """Return the column that SQLAlchemy makes SERIAL by itself, where its sequence is in every way the usual one."""
    if key is None or len(key.columns) != 1:
        return None
    (column,) = (each for each in columns if each.name == key.columns[0])
    owner = (column.table, column.name)
    name = default_name(column.table, column.name, "seq")
    usual = Sequence(name=name, namespace=column.namespace, type=column.type, counting=USUAL, owner=owner)
    pointing = any(column.name in each.columns for each in model.members(_table_id(column), ForeignKey))
    said = column.default is not None and column.default.text == next_of(column.namespace, name).text
    return column if said and not pointing and model.objects.get(usual.id) == usual else None


def _table_id(part: Member) -> Id:
    return Id("table", part.namespace, "", part.table)


def table_code(said: Said, types: Types, imports: Imports, late: Set[Id]) -> Code:
    """Return the Table; `late` are the foreign keys that close a circle."""
    table = said.table
    inline = {each.id: each for each in said.foreign_keys if len(each.columns) == 1}
    alone = {
        each.id for each in said.uniques if len(each.columns) == 1 and is_plain_key(each, f"{each.columns[0]}_key")
    }
    key = said.key
    in_order = [each.name for each in said.columns if key is not None and each.name in key.columns]
    plain_key = key is not None and is_plain_key(key, f"{key.table}_pkey") and tuple(in_order) == key.columns
    columns = [
        column_code(
            column,
            types,
            imports,
            keys=[(each, each.id in late) for each in inline.values() if each.columns == (column.name,)],
            unique=any(each.id in alone for each in said.uniques if each.columns == (column.name,)),
            key=key,
            marks_key=plain_key,
            serial=column is said.serial,
        )
        for column in said.columns
    ]
    parts = [key_code(key, imports)] if key is not None and not plain_key else []
    parts += [
        foreign_key_code(each, imports, late=each.id in late) for each in said.foreign_keys if each.id not in inline
    ]
    parts += [key_code(each, imports) for each in said.uniques if each.id not in alone]
    parts += [check_code(each, imports) for each in said.checks]
    parts += [index_code(each, imports) for each in said.indexes]
    metadata = Name(imports.use(".", "metadata"))
    everything = (Text(table.name), metadata, *columns, *parts)
    return spread(call(imports.use("sqlalchemy", "Table"), *everything, **_options(table)))


def _options(table: Table) -> dict[str, Code | None]:
    parents = [name if namespace == PUBLIC else f"{namespace}.{name}" for namespace, name in table.inherits]
    options = options_in(table.options)
    info: list[tuple[str, Code]] = []
    if table.row_security:
        info.append(("row_security", Text("forced") if table.forced_row_security else TRUE))
    if table.replica_identity in {"full", "nothing"}:  # an index says it by itself
        info.append(("replica_identity", Text(table.replica_identity or "")))
    return {
        "schema": Text(table.namespace) if table.namespace != PUBLIC else None,
        "comment": Text(table.comment) if table.comment else None,
        "info": mapping(info) if info else None,
        "prefixes": tupled([Text("UNLOGGED")]) if table.unlogged else None,
        "postgresql_partition_by": Text(bindless(table.partition_by.text)) if table.partition_by else None,
        "postgresql_inherits": tupled(map(Text, parents)) if parents else None,
        "postgresql_with": mapping((name, _option(value)) for name, value in options.items()) if options else None,
    }


def _option(value: object) -> Code:
    return Name(str(value)) if isinstance(value, int) else Text(str(value))
