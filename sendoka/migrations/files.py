"""Migration files: their names, their headers, and the chain that their checksums make.

A file's checksum covers the line that names its parent's checksum, so the files form a hash chain, like commits: an
edit below the head, a renumbering, a fork and a lost file show offline, and the newest file's checksum names them all.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sendoka.database.transaction import control_command
from sendoka.errors import (
    ChecksumMismatch,
    ForkedHistory,
    InvalidMigration,
    MigrationError,
    MissingMigration,
    SettingsError,
)
from sendoka.script import join, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "DIRECTIVES",
    "Folder",
    "Migration",
    "Parent",
    "checksum",
    "parse",
    "read_folder",
    "read_newest",
    "render",
]

DIRECTIVES = ("sendoka", "parent", "renamed", "created", "allowed", "transaction", "done-when")
"""The header lines a file may have: its name, its parent, the answers a person gave when it was generated, and of the
one statement that can run in no transaction that it is so, and how to ask whether it is done."""

_ANSWERS = frozenset({"renamed", "created", "allowed"})

_FILE_NAME = re.compile(r"(?P<number>[0-9]{4,})_[a-z0-9]+(?:_[a-z0-9]+)*")
_DIRECTIVE = re.compile(r"--\s*(?P<key>[a-z][a-z-]*):\s*(?P<value>.*?)\s*")
_PARENT = re.compile(r"(?P<name>\S+) sha256:(?P<checksum>[0-9a-f]{64})")


class Folder(Protocol):
    """What a migrations folder must be able to do; `pathlib.Path` and `importlib.resources` paths can."""

    @property
    def name(self) -> str: ...
    def iterdir(self) -> Iterator[Folder]: ...
    def is_dir(self) -> bool: ...
    def read_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Parent:
    """The migration that another one follows."""

    name: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, such as `0042_reflective_fury`.

    `text` has its line endings and BOM normalised; `answers` are the (directive, value) pairs a person decided.
    `done_when` is the query, true or false, that tells whether its one statement is done, of a file that runs in no
    transaction; None for all others.
    """

    number: int
    name: str
    text: str
    checksum: str
    parent: Parent | None
    answers: tuple[tuple[str, str], ...]
    done_when: str | None = None

    @property
    def statements(self) -> list[str]:
        """Its SQL statements, in order."""
        lines = self.text.split("\n")
        return split("\n".join(lines[_header_length(lines) :]))


def checksum(text: str) -> str:
    """Return the sha256, in hex, of a migration's text. Line endings and a BOM do not count."""
    return hashlib.sha256(_normal(text).encode()).hexdigest()


def _normal(text: str) -> str:
    """Return `text` without a BOM and with `\\n` as its only line ending."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def render(
    name: str,
    parent: Migration | None,
    statements: Sequence[str],
    answers: Iterable[tuple[str, str]],
    done_when: str | None = None,
) -> str:
    """Return the text of a new migration file; with `done_when` it is one that runs in no transaction."""
    known = f"{parent.name} sha256:{parent.checksum}" if parent else "none"
    alone = [] if done_when is None else [("transaction", "none"), ("done-when", done_when)]
    header = [("sendoka", name), ("parent", known), *answers, *alone]
    return "".join(f"-- {key}: {value}\n" for key, value in header) + "\n" + join(list(statements))


def parse(name: str, content: str) -> Migration:
    """Return the migration in the file `name` (without `.sql`). Raises InvalidMigration for what breaks the format."""
    found = _FILE_NAME.fullmatch(name)
    if found is None:
        raise InvalidMigration(
            f"{name}.sql is not the name of a migration",
            todo="expected four digits and words: 0042_reflective_fury.sql",
        )
    text = _normal(content)
    header = _header(name, text)
    if header[:1] != [("sendoka", name)]:
        raise _misnamed(name, header)
    _check_statements(name, text)
    answers = tuple((key, value) for key, value in header if key in _ANSWERS)
    parent, done_when = _parent(name, header), _done_when(name, header)
    migration = Migration(int(found["number"]), name, text, checksum(text), parent, answers, done_when)
    if done_when is not None and len(migration.statements) != 1:
        raise InvalidMigration(
            f"{name}.sql runs in no transaction and holds {len(migration.statements)} statements",
            todo="put one statement into it, and each other one into a file of its own",
        )
    return migration


def _header(name: str, text: str) -> list[tuple[str, str]]:
    """Return the directives at the top of the file, before its first line that is no comment."""
    header = []
    lines = text.split("\n")
    for line in lines[: _header_length(lines)]:
        directive = _DIRECTIVE.fullmatch(line)
        if directive is None:
            continue
        if directive["key"] not in DIRECTIVES:
            raise InvalidMigration(
                f"{name}.sql has the unknown directive {directive['key']!r}",
                where=f"line: {line}",
                todo=f"known are {', '.join(DIRECTIVES)}; a comment of your own goes below the first empty line",
            )
        header.append((directive["key"], directive["value"]))
    return header


def _header_length(lines: Sequence[str]) -> int:
    """Return how many lines at the top are comments."""
    for count, line in enumerate(lines):
        if not line.startswith("--") or line.startswith("-->"):
            return count
    return len(lines)


def _misnamed(name: str, header: list[tuple[str, str]]) -> InvalidMigration:
    if header and header[0][0] == "sendoka":
        old = header[0][1]
        return InvalidMigration(
            f"{name}.sql says that it is {old}: the file was renamed", todo=f"rename it back to {old}.sql"
        )
    return InvalidMigration(
        f"{name}.sql does not begin with its name", todo=f"a migration begins with the line: -- sendoka: {name}"
    )


def _parent(name: str, header: list[tuple[str, str]]) -> Parent | None:
    parents = [value for key, value in header if key == "parent"]
    if len(parents) != 1 or header[1][0] != "parent":
        raise InvalidMigration(
            f"{name}.sql does not name its parent in its second line",
            todo="write: -- parent: NAME sha256:CHECKSUM, or -- parent: none in the first migration",
        )
    if parents[0] == "none":
        return None
    found = _PARENT.fullmatch(parents[0])
    if found is None:
        raise InvalidMigration(
            f"{name}.sql names its parent in a way that cannot be read: {parents[0]}",
            todo="write: -- parent: NAME sha256:CHECKSUM",
        )
    return Parent(found["name"], found["checksum"])


def _done_when(name: str, header: list[tuple[str, str]]) -> str | None:
    """Return the query of a file that runs in no transaction, None for a file that is one."""
    given: dict[str, list[str]] = {"transaction": [], "done-when": []}
    for key, value in header:
        if key in given:
            given[key].append(value)
    if any(value != "none" for value in given["transaction"]):
        raise InvalidMigration(
            f"{name}.sql has a transaction that is not none: {given['transaction'][0]!r}",
            todo="leave the line out: a file is one transaction; or write -- transaction: none",
        )
    if not any(given.values()):
        return None
    if [len(values) for values in given.values()] != [1, 1]:
        raise InvalidMigration(
            f"{name}.sql must have each of the lines transaction and done-when once, or neither",
            todo="write: -- transaction: none, and below it -- done-when: select … that is true once it is done",
        )
    if not re.match(r"select\b", given["done-when"][0], re.IGNORECASE):
        raise InvalidMigration(
            f"{name}.sql says it is done when {given['done-when'][0]!r}, which is no query",
            todo="write: -- done-when: select … that is true once it is done",
        )
    return given["done-when"][0]


def _check_statements(name: str, text: str) -> None:
    for number, statement in enumerate(split(text), 1):
        command = control_command(statement)
        if command:
            raise InvalidMigration(
                f"{name}.sql holds {command}, which would end its transaction",
                where=f"statement {number}",
                todo="leave it out: a file is one transaction",
            )


# ------------------------------------------------------------------ the folder


def read_folder(folder: str | Path | Folder) -> list[Migration]:
    """Return all migrations of a folder, oldest first, with the chain verified.

    Raises a MigrationError that names the file and the way out: ForkedHistory, ChecksumMismatch, MissingMigration or
    InvalidMigration; and SettingsError where there is no such folder.
    """
    migrations = [_read(name, file) for _, name, file in _listing(folder)]
    previous: Migration | None = None
    for migration in migrations:
        _check_link(migration, previous, migrations)
        previous = migration
    return migrations


def read_newest(folder: str | Path | Folder) -> Migration | None:
    """Return the newest migration of a folder, reading no other file; None where the folder has none.

    Raises SettingsError where there is no such folder, and InvalidMigration or ForkedHistory for what it reads.
    """
    listing = _listing(folder)
    return _read(*listing[-1][1:]) if listing else None


def _listing(folder: str | Path | Folder) -> list[tuple[int, str, Folder]]:
    place: Folder = Path(folder) if isinstance(folder, str) else folder
    if not place.is_dir():
        raise SettingsError(
            f"there is no migrations folder {place.name!r}",
            where=str(place),
            todo="`sendoka generate` makes it; one of another name belongs into [tool.sendoka] of pyproject.toml",
        )
    found: dict[int, tuple[str, Folder]] = {}
    for file in place.iterdir():
        name, dot, suffix = file.name.rpartition(".")
        if suffix != "sql" or not dot or name.startswith("."):
            continue
        digits = name.partition("_")[0]
        number = int(digits) if digits.isdecimal() else -1 - len(found)
        if number in found:
            raise _same_number(number, name, found[number][0])
        found[number] = (name, file)
    return [(number, *found[number]) for number in sorted(found)]


def _same_number(number: int, one: str, other: str) -> ForkedHistory:
    names = " and ".join(f"{name}.sql" for name in sorted((one, other)))
    return ForkedHistory(
        f"two migrations have the number {number:04d}: {names}",
        todo="keep the one that is applied or was merged first, delete the other and generate it again",
    )


def _read(name: str, file: Folder) -> Migration:
    try:
        content = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidMigration(
            f"{name}.sql is not UTF-8", where=f"byte {error.start}", todo="save the file in that encoding"
        ) from error
    return parse(name, content)


def _check_link(migration: Migration, previous: Migration | None, all_of_them: Sequence[Migration]) -> None:
    """Raise where the parent that `migration` names is not `previous`, as it is."""
    parent = migration.parent
    if parent is None:
        if previous is not None:
            raise _second_root(migration, all_of_them[0])
    elif previous is None or parent.name != previous.name:
        raise _another_parent(migration, parent, previous, all_of_them)
    elif parent.checksum != previous.checksum:
        raise _edited(migration, parent, previous)


def _second_root(migration: Migration, first: Migration) -> ForkedHistory:
    return ForkedHistory(
        f"{migration.name}.sql says it is the first migration, but {first.name}.sql comes before it",
        todo="keep the chain that is applied, delete the other one's files and generate them again",
    )


def _edited(migration: Migration, parent: Parent, previous: Migration) -> ChecksumMismatch:
    return ChecksumMismatch(
        f"{previous.name}.sql was edited after {migration.name}.sql was made on top of it",
        where=f"expected sha256:{parent.checksum[:12]}…, the file has sha256:{previous.checksum[:12]}…",
        todo="restore the file (git checkout) and put the change into a new migration",
    )


def _another_parent(
    migration: Migration, parent: Parent, previous: Migration | None, all_of_them: Sequence[Migration]
) -> MigrationError:
    if all(parent.name != other.name for other in all_of_them):
        return MissingMigration(
            f"{migration.name}.sql follows {parent.name}, which is not in the folder",
            todo=f"restore {parent.name}.sql; a migration is never deleted or renamed",
        )
    return ForkedHistory(
        f"{migration.name}.sql follows {parent.name}, but {previous.name if previous else 'nothing'} comes before it",
        todo="two branches were merged: delete the later file and generate it again",
    )
