"""The folders that drizzle-kit writes, as what they are: statements in the order in which drizzle runs them.

Both layouts are read: `0000_name.sql` with `meta/_journal.json` (drizzle-kit 0.x), and a folder
`20260102030405_name/migration.sql` for each migration (1.0).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
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
    """One migration: its name, as drizzle calls it, and its statements, as drizzle sends them.

    `when` is the moment that drizzle knows it by, in milliseconds since 1970. `hashes` are the sha256, in hex, that it
    may have noted: of the text as it is, and as it would be with other line ends, for Git may change those.
    """

    name: str
    statements: tuple[str, ...]
    when: int
    hashes: tuple[str, ...]


def is_drizzle_folder(folder: Path) -> bool:
    """Tell whether drizzle-kit wrote this folder."""
    return (folder / _JOURNAL).is_file() or any(folder.glob(_STAMPED))


def read_drizzle_folder(folder: Path) -> list[DrizzleMigration]:
    """Return the migrations of a folder of drizzle's, in the order in which a new database runs them.

    A schema that `drizzle-kit pull` put into a comment counts as run. Raises InvalidMigration for a journal or a file
    that cannot be read, and MissingMigration for a file that the journal names and that is not there.
    """
    if (folder / _JOURNAL).is_file():
        return [_read(folder / f"{name}.sql", name, when) for name, when in _listed(folder / _JOURNAL)]
    return [_read(path, path.parent.name, _stamp(path)) for path in sorted(folder.glob(_STAMPED))]


def _listed(journal: Path) -> list[tuple[str, int]]:
    """Return the names and moments that the journal lists, in its order: drizzle runs no file that it does not list."""
    try:
        found: Any = json.loads(journal.read_text(encoding="utf-8"))
        listed = [(entry["tag"], int(entry["when"])) for entry in found["entries"]]
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidMigration(
            "drizzle's journal cannot be read", where=str(journal), todo="restore it from version control"
        ) from error
    for name, _ in listed:
        if not isinstance(name, str) or not name or "/" in name or "\\" in name:
            raise InvalidMigration(f"drizzle's journal lists {name!r}, which names no file", where=str(journal))
    return listed


def _stamp(path: Path) -> int:
    """Return the moment in a folder's name, `20260102030405_name`, which is in UTC."""
    stamp = path.parent.name.partition("_")[0]
    try:
        moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        what = f"{path.parent.name} does not begin with a moment, 20260102030405"
        raise InvalidMigration(
            what, where=str(path.parent.parent), todo="give it the name that drizzle gave it"
        ) from error
    return int(moment.timestamp()) * 1000


def _hashes(text: str) -> tuple[str, ...]:
    unix = text.replace("\r\n", "\n")
    texts = dict.fromkeys((text, unix, unix.replace("\n", "\r\n")))
    return tuple(hashlib.sha256(each.encode()).hexdigest() for each in texts)


def _read(path: Path, name: str, when: int) -> DrizzleMigration:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise MissingMigration(
            f"drizzle's journal lists {path.name}, and it is not in the folder",
            where=str(path.parent),
            todo="restore it from version control",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidMigration(f"{path.name} is not UTF-8", where=f"byte {error.start}") from error
    pulled = _PULLED.match(text.replace("\r\n", "\n"))
    # drizzle splits wherever the marker stands, and so must who reads what it wrote.
    chunks = (pulled["script"] if pulled else text).split(BREAKPOINT)
    statements = tuple(chunk.strip() for chunk in chunks if chunk.strip())
    return DrizzleMigration(name, statements, when, _hashes(text))
