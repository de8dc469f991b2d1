"""The folders that drizzle-kit writes, as what they are: statements in the order in which drizzle runs them.

Both layouts are read: `0000_name.sql` with `meta/_journal.json` (drizzle-kit 0.x), and a folder
`20260102030405_name/migration.sql` for each migration (1.0).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.errors import InvalidMigration, MissingMigration
from sendoka.script import BREAKPOINT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DrizzleMigration", "is_drizzle_folder", "read_drizzle_folder"]

_JOURNAL = "meta/_journal.json"
_STAMPED = "[0-9]*_*/migration.sql"
_PULLED = re.compile(
    r"-- Current sql file was generated after introspecting the database\n[^\n]*\n/\*\n(?P<script>.*)\*/", re.DOTALL
)
"""What `drizzle-kit pull` writes first: the schema that was there, in a comment so that nobody runs it."""


@dataclass(frozen=True, slots=True)
class DrizzleMigration:
    """One migration: its name, as drizzle calls it, and its statements, as drizzle sends them."""

    name: str
    statements: tuple[str, ...]


def is_drizzle_folder(folder: Path) -> bool:
    """Tell whether drizzle-kit wrote this folder."""
    return (folder / _JOURNAL).is_file() or any(folder.glob(_STAMPED))


def read_drizzle_folder(folder: Path) -> list[DrizzleMigration]:
    """Return the migrations of a folder of drizzle's, in the order in which a new database runs them.

    A schema that `drizzle-kit pull` put into a comment counts as run. Raises InvalidMigration for a journal or a file
    that cannot be read, and MissingMigration for a file that the journal names and that is not there.
    """
    if (folder / _JOURNAL).is_file():
        return [_read(folder / f"{name}.sql", name) for name in _names(folder / _JOURNAL)]
    return [_read(path, path.parent.name) for path in sorted(folder.glob(_STAMPED))]


def _names(journal: Path) -> list[str]:
    """Return the names that the journal lists, in its order: drizzle runs no file that it does not list."""
    try:
        found: Any = json.loads(journal.read_text(encoding="utf-8"))
        names = [entry["tag"] for entry in found["entries"]]
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidMigration(
            "drizzle's journal cannot be read", where=str(journal), todo="restore it from version control"
        ) from error
    for name in names:
        if not isinstance(name, str) or not name or "/" in name or "\\" in name:
            raise InvalidMigration(f"drizzle's journal lists {name!r}, which names no file", where=str(journal))
    return names


def _read(path: Path, name: str) -> DrizzleMigration:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingMigration(
            f"drizzle's journal lists {path.name}, and it is not in the folder",
            where=str(path.parent),
            todo="restore it from version control",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidMigration(f"{path.name} is not UTF-8", where=f"byte {error.start}") from error
    pulled = _PULLED.match(text)
    # drizzle splits wherever the marker stands, and so must who reads what it wrote.
    chunks = (pulled["script"] if pulled else text).split(BREAKPOINT)
    return DrizzleMigration(name, tuple(chunk.strip() for chunk in chunks if chunk.strip()))
