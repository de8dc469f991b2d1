"""The checks of what a backfill is declared with: names and texts of SQL, and how it is said that they cannot be."""

from __future__ import annotations

import re

from sendoka.backfills.words import strip_end, words
from sendoka.database.transaction import control_command
from sendoka.errors import InvalidBackfill

__all__ = ["check_names", "fragment", "is_name", "one_change", "wrong"]

_FIRST_WORDS = ("insert", "update", "delete")


def fragment(label: str, text: str | None, table: str) -> str | None:
    """Return the condition or query without its end, None where there is none."""
    if text is None:
        return None
    text = strip_end(text)
    found = list(words(text))
    if not found:
        raise wrong(f"{label}= is empty", table)
    if ";" in found:
        raise wrong(f"{label}= holds more than one statement", table)
    _closed(label, found, table)
    return text


def one_change(sql: str, table: str) -> str:
    """Return the text of the SQL form without its end. Raises InvalidBackfill for what cannot be one batch's change."""
    text = strip_end(sql)
    found = list(words(text))
    _check_kind(text, found, table)
    if ";" in found:
        raise wrong("sql= holds more than one statement", table, "one backfill is one statement; declare another")
    if "returning" in found:
        raise wrong("sql= has a RETURNING; the runner adds its own", table, "leave it out")
    _check_page(found, table)
    _closed("sql", found, table)
    return text


def _check_kind(text: str, found: list[str], table: str) -> None:
    first = found[0] if found else ""
    control = control_command(text)
    if control:
        raise wrong(f"sql= is {control}; a batch is one transaction by itself", table)
    if first not in _FIRST_WORDS:
        raise wrong(f"sql= must be one INSERT, UPDATE or DELETE; it starts with {first.upper() or 'nothing'}", table)


def _check_page(found: list[str], table: str) -> None:
    if "page" not in found and '"page"' not in found:
        raise wrong(
            "sql= does not read `page`, so every batch would change everything",
            table,
            "join the rows of the batch: update t set … from page p where t.id = p.id",
        )


def _closed(label: str, found: list[str], table: str) -> None:
    """Refuse what would reach beyond its place once it is wrapped: open parentheses and quotes, parameters."""
    depth = 0
    for word in found:
        depth += (word == "(") - (word == ")")
        if depth < 0:
            break
    if depth:
        raise wrong(f"the parentheses of {label}= do not match", table)
    if {"'", '"'} & set(found):
        raise wrong(f"{label}= opens a quote that it does not close", table)
    if any(re.fullmatch(r"\$\d+", word) for word in found):
        raise wrong(f"{label}= has a parameter, and nothing gives it a value", table, "write the value into the text")


def check_names(label: str, names: tuple[str, ...], table: str) -> None:
    """Raise InvalidBackfill for what are no names of columns, each once."""
    if not all(is_name(name) for name in names):
        raise wrong(f"{label}= holds names of columns, not {names!r}", table)
    if len(set(names)) != len(names):
        raise wrong(f"{label}= names a column twice", table)


def is_name(value: object) -> bool:
    """Tell whether a value can be the name of anything in Postgres."""
    return isinstance(value, str) and bool(value) and "\0" not in value


def wrong(what: str, table: str, todo: str = "") -> InvalidBackfill:
    """Return the error of a declaration of a backfill of `table`."""
    return InvalidBackfill(what, where=f"in the backfill of {table}", todo=todo)
