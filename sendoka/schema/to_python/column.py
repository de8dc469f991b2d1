"""A column of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.to_python.code import Code, Name, Text, call, mapping
from sendoka.schema.to_python.constraints import TRUE, reference_code
from sendoka.schema.to_python.objects import options_in
from sendoka.schema.to_python.sql import bindless, written
from sendoka.schema.to_python.types import is_numeric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.kinds.column import Column, Identity
    from sendoka.schema.kinds.foreign_key import ForeignKey
    from sendoka.schema.kinds.primary_key import PrimaryKey
    from sendoka.schema.to_python.imports import Imports
    from sendoka.schema.to_python.types import Types

__all__ = ["column_code"]

CORE = "sqlalchemy"
FALSE = Name("False")


def column_code(
    column: Column,
    types: Types,
    imports: Imports,
    *,
    keys: Sequence[tuple[ForeignKey, bool]],
    unique: bool,
    key: PrimaryKey | None,
    marks_key: bool,
    serial: bool,
) -> Code:
    """Return the Column with what can stand inside it.

    `keys` are its foreign keys, and whether one is late; `key` is its table's primary key, which the columns say by
    themselves where `marks_key`; `serial` is true where SQLAlchemy makes its default.
    """
    in_key = key is not None and column.name in key.columns
    default = column.default is not None and not serial
    counts = serial or default or column.identity or column.generated
    alone = in_key and key is not None and len(key.columns) == 1 and is_numeric(column.type)
    return call(
        imports.use(CORE, "Column"),
        Text(column.name),
        types.code(column.type, column.collation, imports),
        *(reference_code(each, imports, late=late) for each, late in keys),
        *([_identity(column.identity, imports)] if column.identity else []),
        *([_computed(column, imports)] if column.generated else []),
        primary_key=TRUE if in_key and marks_key else None,
        # Without a word SQLAlchemy would number the rows of such a key.
        autoincrement=FALSE if alone and not counts else None,
        nullable=FALSE if column.not_null and not in_key and not column.identity else None,
        unique=TRUE if unique else None,
        server_default=_text(column.default.text, imports) if column.default and default else None,
        comment=Text(column.comment) if column.comment else None,
        info=_info(column),
    )


def _text(sql: str, imports: Imports) -> Code:
    return call(imports.use(CORE, "text"), written(bindless(sql)))


def _computed(column: Column, imports: Imports) -> Code:
    expression = column.generated.text if column.generated else ""
    kept = FALSE if column.virtual else TRUE
    return call(imports.use(CORE, "Computed"), written(bindless(expression)), persisted=kept)


def _identity(identity: Identity, imports: Imports) -> Code:
    counting = identity.counting
    return call(
        imports.use(CORE, "Identity"),
        always=TRUE if identity.always else None,
        start=_number(counting.start),
        increment=_number(counting.increment if counting.increment != 1 else None),
        minvalue=_number(counting.minimum),
        maxvalue=_number(counting.maximum),
        cycle=TRUE if counting.cycle else None,
        cache=_number(counting.cache if counting.cache != 1 else None),
    )


def _number(value: int | None) -> Name | None:
    return None if value is None else Name(str(value))


def _info(column: Column) -> Code | None:
    said = [("storage", column.storage), ("compression", column.compression)]
    found: list[tuple[str, Code]] = [(name, Text(value)) for name, value in said if value is not None]
    found += [("statistics", Name(str(column.statistics)))] if column.statistics is not None else []
    told = options_in(column.options)
    found += [("options", mapping((name, Text(str(value))) for name, value in told.items()))] if told else []
    return mapping(found) if found else None
