"""The indexes of a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.schema.to_python.code import Code, Group, Name, Text, call, laid_out, listed, mapping
from sendoka.schema.to_python.constraints import TRUE, given_name, marks_code, texts
from sendoka.schema.to_python.objects import options_in
from sendoka.schema.to_python.sql import bindless, written

if TYPE_CHECKING:
    from sendoka.schema.kinds.index import Index, IndexKey
    from sendoka.schema.to_python.imports import Imports

__all__ = ["index_code", "is_sayable"]

CORE = "sqlalchemy"
_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")


def is_sayable(index: Index) -> bool:
    """Tell whether SQLAlchemy can say all of an index."""
    keys = index.keys
    if any(key.collation or (key.expression and key.operator_class and _order(key)) for key in keys):
        return False
    classes = {(key.column, key.operator_class) for key in keys if key.column is not None}
    if len({column for column, _ in classes}) < len(classes):
        return False  # one column twice, with two operator classes
    return all(option == option.lower() and " " not in option for option in index.options)


def index_code(index: Index, imports: Imports) -> Code:
    """Return the Index; one that is invalid is written as it was meant to be."""
    plain = all(_is_plain(key) for key in index.keys)
    name = given_name(index.name, (index.table, *index.plain_columns, "idx")) if plain else Text(index.name)
    classes = {_key_name(key, at): key.operator_class for at, key in enumerate(index.keys) if key.operator_class}
    return call(
        imports.use(CORE, "Index"),
        name or Name("None"),
        *(_key(key, at, imports) for at, key in enumerate(index.keys)),
        unique=TRUE if index.unique else None,
        info=marks_code(index, *([("comment", Text(index.comment))] if index.comment else [])),
        postgresql_using=Text(index.method) if index.method != "btree" else None,
        postgresql_ops=mapping((key, Text(value)) for key, value in classes.items()) if classes else None,
        postgresql_include=listed(texts(index.include)) if index.include else None,
        postgresql_nulls_not_distinct=TRUE if index.nulls_not_distinct else None,
        postgresql_where=_text(index.predicate.text, imports) if index.predicate else None,
        postgresql_with=_options(index.options),
    )


def _options(options: tuple[str, ...]) -> Code | None:
    pairs = options_in(options).items()
    return (
        mapping((key, Name(str(it)) if isinstance(it, int) else Text(str(it))) for key, it in pairs) if pairs else None
    )


def _is_plain(key: IndexKey) -> bool:
    return key.column is not None and not _order(key) and not key.operator_class


def _order(key: IndexKey) -> str:
    return (" desc" if key.descending else "") + (f" nulls {key.nulls}" if key.nulls else "")


def _key_name(key: IndexKey, at: int) -> str:
    return key.column if key.column is not None else f"expression_{at + 1}"


def _key(key: IndexKey, at: int, imports: Imports) -> Code:
    if key.expression is not None:
        if key.operator_class:
            literal = imports.use(CORE, "literal_column")
            label = f").label({laid_out(Text(_key_name(key, at)))})"
            return Group(f"{literal}(", (("", written(key.expression.text)),), label)
        return _text(key.expression.text + _order(key), imports)
    column = key.column or ""
    if not _order(key):
        return Text(column)
    if _SIMPLE.fullmatch(column) and not key.operator_class:
        return _text(column + _order(key), imports)
    order = (".desc()" if key.descending else "") + (f".nulls_{key.nulls}()" if key.nulls else "")
    return Group(f"{imports.use(CORE, 'column')}(", (("", Text(column)),), f"){order}")


def _text(sql: str, imports: Imports) -> Code:
    return call(imports.use(CORE, "text"), written(bindless(sql)))
