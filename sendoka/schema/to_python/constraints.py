"""The constraints of a table, inside its columns where they fit there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.schema.kinds.unique import Unique
from sendoka.schema.names import MAX_NAME
from sendoka.schema.to_python.code import Code, Name, Text, call, listed, mapping
from sendoka.schema.to_python.sql import bindless, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.schema.kinds._key import Key
    from sendoka.schema.kinds.check import Check
    from sendoka.schema.kinds.foreign_key import ForeignKey
    from sendoka.schema.kinds.index import Index
    from sendoka.schema.to_python.imports import Imports

__all__ = [
    "TRUE",
    "check_code",
    "foreign_key_code",
    "given_name",
    "is_plain_key",
    "key_code",
    "marks_code",
    "reference_code",
    "texts",
]

TRUE = Name("True")
CORE = "sqlalchemy"


def given_name(name: str, parts: Iterable[str]) -> Text | None:
    """Return a name; None where it is the one that the MetaData gives to what has none: `parts` joined."""
    usual = "_".join(parts)
    return None if name == usual and len(usual.encode()) <= MAX_NAME else Text(name)


def texts(names: Iterable[str]) -> list[Code]:
    """Return strings."""
    return [Text(name) for name in names]


def is_plain_key(key: Key, usual: str) -> bool:
    """Tell whether a primary key or unique says no more than its columns; `usual` is the name it has by itself."""
    plain = not (key.include or key.deferrable or key.initially_deferred or key.comment)
    plain = plain and marks_code(key) is None
    return plain and not _is_strict(key) and given_name(key.name, (usual,)) is None


def _comment(text: str | None) -> Text | None:
    return None if text is None else Text(text)


def _timing(obj: Key | ForeignKey) -> dict[str, Code | None]:
    deferred = Text("DEFERRED") if obj.initially_deferred else None
    return {"deferrable": TRUE if obj.deferrable else None, "initially": deferred}


def key_code(key: Key, imports: Imports) -> Code:
    """Return the PrimaryKeyConstraint or UniqueConstraint of a key."""
    primary = key.kind == "primary-key"
    usual = (key.table, "pkey") if primary else (key.table, *key.columns, "key")
    return call(
        imports.use(CORE, "PrimaryKeyConstraint" if primary else "UniqueConstraint"),
        *texts(key.columns),
        name=given_name(key.name, usual),
        **_timing(key),
        comment=_comment(key.comment),
        info=marks_code(key),
        postgresql_include=listed(texts(key.include)) if key.include else None,
        postgresql_nulls_not_distinct=TRUE if _is_strict(key) else None,
    )


def marks_code(obj: Key | Index, *more: tuple[str, Code]) -> Code | None:
    """Return the `info` of an index or a key: `more`, and what its table uses it for; None where it says nothing."""
    found = [*more, *((name, TRUE) for name in ("clustered", "replica_identity") if getattr(obj, name))]
    return mapping(found) if found else None


def _is_strict(key: Key) -> bool:
    return isinstance(key, Unique) and key.nulls_not_distinct


def check_code(check: Check, imports: Imports) -> Code:
    """Return the CheckConstraint. The MetaData puts the table's name around a name, unless that is marked as whole."""
    match = re.fullmatch(rf"{re.escape(check.table)}_(?P<inner>.+)_check", check.name, re.DOTALL)
    whole = call(imports.use("sqlalchemy.schema", "conv"), Text(check.name)) if match is None else None
    return call(
        imports.use(CORE, "CheckConstraint"),
        written(bindless(check.expression.text)),
        name=whole or Text(match["inner"] if match else check.name),
        comment=_comment(check.comment),
        postgresql_not_valid=TRUE if check.not_valid else None,
    )


def _pointing(key: ForeignKey, *, late: bool) -> dict[str, Code | None]:
    """Return what a ForeignKey and a ForeignKeyConstraint say alike."""
    on_delete = f"{key.on_delete} ({', '.join(key.set_columns)})" if key.set_columns else key.on_delete
    return {
        "name": given_name(key.name, (key.table, *key.columns, "fkey")),
        "onupdate": Text(key.on_update) if key.on_update != "NO ACTION" else None,
        "ondelete": Text(on_delete) if on_delete != "NO ACTION" else None,
        **_timing(key),
        "match": Text(key.match) if key.match != "SIMPLE" else None,
        "use_alter": TRUE if late else None,
        "comment": _comment(key.comment),
        "postgresql_not_valid": TRUE if key.not_valid else None,
    }


def _targets(key: ForeignKey) -> list[str]:
    namespace = "" if key.target_namespace == "public" else f"{key.target_namespace}."
    return [f"{namespace}{key.target}.{column}" for column in key.target_columns]


def reference_code(key: ForeignKey, imports: Imports, *, late: bool) -> Code:
    """Return the ForeignKey of a column; one that is `late` closes a circle of tables."""
    return call(imports.use(CORE, "ForeignKey"), *texts(_targets(key)), **_pointing(key, late=late))


def foreign_key_code(key: ForeignKey, imports: Imports, *, late: bool) -> Code:
    """Return the ForeignKeyConstraint."""
    columns, targets = listed(texts(key.columns)), listed(texts(_targets(key)))
    return call(imports.use(CORE, "ForeignKeyConstraint"), columns, targets, **_pointing(key, late=late))
