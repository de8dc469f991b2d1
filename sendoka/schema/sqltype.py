"""A column's type by its name in SQL: what SQLAlchemy has no class for, and what an extension brings."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy.types import UserDefinedType

from sendoka.schema.model import PUBLIC
from sendoka.schema.typenames import canonical_type, user_type_name

__all__ = ["SqlType", "named_type", "sql_type"]

_PART = r'(?:"(?:[^"]|"")+"|[a-zA-Z_][a-zA-Z0-9_$]*)'
_NAMED = re.compile(
    rf"(?:(?P<namespace>{_PART})\s*\.\s*)?(?P<name>{_PART})\s*(?P<modifiers>\([^()]*\))?\s*(?P<array>(?:\[\d*\]\s*)*)"
)
_CHAR = re.compile(r'"char"(?:\[\])*')  # the one built-in type whose name is always in quotes


class SqlType(UserDefinedType[Any]):
    """A type that is called so in SQL; values go to the driver and come from it as they are."""

    cache_ok = True

    def __init__(self, text: str, *, collation: str | None = None) -> None:
        self.text = text
        self.collation = collation

    def get_col_spec(self, **_: Any) -> str:
        """Return the name."""
        return self.text


def sql_type(text: str, *, collation: str | None = None) -> SqlType:
    """Return the type that SQL calls `text`: `Column("at", sql_type("point"))`, `sql_type("vector(3)")`.

    A name without a namespace is a built-in type or one of `public`. Raises ValueError for what names no type.
    """
    if named_type(text) is None:
        raise ValueError(f"{text!r} names no type: write it as point, vector(3) or billing.money[]")
    return SqlType(text, collation=collation)


@lru_cache(maxsize=4096)
def named_type(text: str) -> str | None:
    """Return a type as the model spells it, whether it is built in or `public.vector(3)`; None for what names none."""
    text = text.strip()
    canonical = canonical_type(text) or (text if _CHAR.fullmatch(text) else None)
    match = _NAMED.fullmatch(text)
    if canonical is not None or match is None:
        return canonical
    namespace = PUBLIC if match["namespace"] is None else _folded(match["namespace"])
    modifiers = re.sub(r"\s*,\s*", ",", match["modifiers"] or "")
    return user_type_name(namespace, _folded(match["name"]), modifiers + ("[]" if match["array"] else ""))


def _folded(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()
