"""The keys that a backfill is given: a list, a CSV file, or a function that yields them; read anew by every call."""

# ruff: noqa: S608 - names and values are quoted by sendoka.quoting

from __future__ import annotations

import csv
import hashlib
import inspect
import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendoka.errors import BackfillError
from sendoka.http.encode import encode
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["PEEKED", "digest_of", "given_keys", "looked_at", "order_of", "peeked", "source_of"]

PEEKED = 1000
"""So many keys are looked at before a run begins."""

Key = tuple[str, ...]


async def given_keys(database: Database, backfill: Backfill, target: Target) -> AsyncGenerator[Key, None]:
    """Yield the keys, each the texts of its columns. Raises BackfillError for what is none, and says which it is."""
    keys = backfill.keys
    if isinstance(keys, Path):
        for key in _of_file(keys, backfill, target):
            yield key
    elif callable(keys):
        place = 0
        async with aclosing(_called(keys, database, backfill)) as values:
            async for value in values:
                place += 1
                yield _texts(value, place, backfill, target)
    else:
        for place, value in enumerate(keys, 1):
            yield _texts(value, place, backfill, target)


async def peeked(database: Database, backfill: Backfill, target: Target) -> tuple[list[Key], int | None]:
    """Return the first keys, and how many there are in all; None of a function, which is not read to its end."""
    first: list[Key] = []
    count = 0
    async with aclosing(given_keys(database, backfill, target)) as keys:
        async for key in keys:
            count += 1
            if len(first) < PEEKED:
                first.append(key)
            elif callable(backfill.keys):
                return first, None
    return first, count


async def looked_at(database: Database, backfill: Backfill, target: Target) -> Target:
    """Return `target` with the first keys, where it was given any: what is tried or planned before they are stored."""
    if backfill.keys is None:
        return target
    keys, _ = await peeked(database, backfill, target)
    return replace(target, source=source_of(keys, target))


def source_of(keys: list[Key], target: Target) -> str:
    """Return the SELECT of these keys."""
    columns = ", ".join(
        f"(given.value ->> {place})::{target.types[column]} as {ident(column)}"
        for place, column in enumerate(target.key)
    )
    return f"select {columns} from jsonb_array_elements({literal(json.dumps(keys))}::jsonb) given"


def digest_of(backfill: Backfill) -> str | None:
    """Return what tells these keys from others, whatever their order in a list; None for a function.

    Raises BackfillError for a file that cannot be read.
    """
    if isinstance(backfill.keys, Path):
        try:
            with backfill.keys.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(backfill.keys, error, backfill) from error
    if callable(backfill.keys):
        return None
    return hashlib.sha256("\n".join(sorted(map(repr, backfill.keys))).encode()).hexdigest()


def order_of(backfill: Backfill) -> str:
    """Return what tells one order of these keys from another; a file has one, which its digest tells."""
    if isinstance(backfill.keys, Path) or callable(backfill.keys):
        return ""
    return hashlib.sha256("\n".join(map(repr, backfill.keys)).encode()).hexdigest()


def _texts(value: Any, place: int, backfill: Backfill, target: Target) -> Key:
    width = len(target.key)
    if isinstance(value, Mapping) and set(target.key) <= set(value):
        value = tuple(value[column] for column in target.key)
    parts = value if isinstance(value, tuple | list) else (value,)
    if len(parts) != width:
        raise _wrong(
            f"the key number {place}, {value!r}, has {len(parts)} values, and the key is ({', '.join(target.key)})",
            backfill,
            "give a tuple of as many values for each" if width > 1 else "give one value for each",
        )
    try:
        texts = [encode(part) for part in parts]
    except (TypeError, ValueError) as error:
        raise _wrong(f"the key number {place} cannot be sent: {error}", backfill, "") from error
    if None in texts:
        raise _wrong(f"the key number {place} is None, and a key is never null", backfill, "leave it out")
    return tuple(str(text) for text in texts)


async def _called(keys: Any, database: Database, backfill: Backfill) -> AsyncGenerator[Any, None]:
    wanted = [one for one in inspect.signature(keys).parameters.values() if one.default is one.empty]
    found = keys(database) if wanted else keys()
    if not hasattr(found, "__aiter__"):
        raise _wrong(
            f"keys={keys.__name__} is no async generator", backfill, "let it be `async def` and yield each key"
        )
    try:
        async for value in found:
            yield value
    finally:
        if hasattr(found, "aclose"):
            await found.aclose()


# ------------------------------------------------------------------ files


def _of_file(path: Path, backfill: Backfill, target: Target) -> Iterator[Key]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            places = _columns(next(lines, []), path, backfill, target)
            for cells in lines:
                if cells:
                    yield _cells(cells, places, lines.line_num, path, backfill)
    except OSError as error:
        raise _unreadable(path, error, backfill) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise _wrong(f"{path.name} is no CSV file in UTF-8: {error}", backfill, "") from error


def _columns(header: list[str], path: Path, backfill: Backfill, target: Target) -> list[int]:
    names = [name.strip() for name in header]
    for column in target.key:
        if names.count(column) != 1:
            has = f"has the columns ({', '.join(names)})" if names else "is empty"
            raise _wrong(
                f"{path.name} {has}, and the key is ({', '.join(target.key)})",
                backfill,
                "its first line must name each column of the key once",
            )
    return [names.index(column) for column in target.key]


def _cells(cells: list[str], places: list[int], line: int, path: Path, backfill: Backfill) -> Key:
    found = tuple(cells[place] if place < len(cells) else "" for place in places)
    if not all(found):
        raise _wrong(f"line {line} of {path.name} has no key", backfill, "give each line a value for it")
    return found


def _unreadable(path: Path, error: OSError, backfill: Backfill) -> BackfillError:
    return _wrong(f"{path} cannot be read: {error.strerror or error}", backfill, "give its path from where you run it")


def _wrong(what: str, backfill: Backfill, todo: str) -> BackfillError:
    return BackfillError(what, where=f"in keys= of the backfill {backfill.name}; no row was changed", todo=todo)
