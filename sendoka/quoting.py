"""The only code of Sendoka that puts quotes around names and values in SQL."""

from __future__ import annotations

__all__ = ["ident", "literal", "qualified"]


def ident(name: str) -> str:
    """Return `name` as a quoted SQL identifier: `it"s` becomes `"it""s"`.

    Raises ValueError for an empty name and for NUL, which Postgres cannot hold.
    """
    if not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of anything in Postgres")
    return '"' + name.replace('"', '""') + '"'


def qualified(namespace: str, name: str) -> str:
    """Return `"namespace"."name"`."""
    return f"{ident(namespace)}.{ident(name)}"


def literal(text: str) -> str:
    """Return `text` as a SQL string literal that reads the same whatever `standard_conforming_strings` says.

    Raises ValueError for NUL, which Postgres cannot hold.
    """
    if "\0" in text:
        raise ValueError("a text with NUL cannot be sent to Postgres")
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted
