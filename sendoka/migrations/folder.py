"""The migrations folder: which files it has, and the chain that their checksums make."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sendoka.errors import ChecksumMismatch, ForkedHistory, InvalidMigration, MissingMigration, SettingsError
from sendoka.migrations.files import flaws, normal, parse
from sendoka.migrations.flaw import Flaw, broken
from sendoka.migrations.header import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.errors import MigrationError
    from sendoka.migrations.files import Migration, Parent

__all__ = ["Folder", "Look", "OnDisk", "content_of", "look", "read_folder", "read_newest"]

_DIGITS = re.compile("[0-9]+")


class Folder(Protocol):
    """What a migrations folder must be able to do; `pathlib.Path` and `importlib.resources` paths can."""

    @property
    def name(self) -> str: ...
    def iterdir(self) -> Iterator[Folder]: ...
    def is_dir(self) -> bool: ...
    def read_bytes(self) -> bytes: ...


class Look(NamedTuple):
    """What a folder holds: its migrations, oldest first, all that is wrong, and name and text of broken files."""

    migrations: list[Migration]
    flaws: list[Flaw]
    broken: list[tuple[str, str]]


def read_folder(folder: str | Path | Folder) -> list[Migration]:
    """Return all migrations of a folder, oldest first, with the chain verified.

    Raises a MigrationError that names the file and the way out: ForkedHistory, ChecksumMismatch, MissingMigration or
    InvalidMigration; and SettingsError where there is no such folder.
    """
    found = look(folder)
    for flaw in found.flaws:
        raise flaw.error
    return found.migrations


def read_newest(folder: str | Path | Folder) -> Migration | None:
    """Return the newest migration of a folder, reading no other file; None where the folder has none.

    Raises SettingsError where there is no such folder, and InvalidMigration or ForkedHistory for what it reads.
    """
    names, files, wrong = _listing(folder)
    for flaw in wrong:
        if not names or flaw.kind == "duplicate-number":
            raise flaw.error
    if not names:
        return None
    content = content_of(names[-1], files)
    if isinstance(content, Flaw):
        raise content.error
    return parse(names[-1], content)


def look(folder: str | Path | Folder) -> Look:
    """Return what a folder holds, with everything that is wrong and not the first alone.

    What only follows from something else is left out: a file is not told that its parent is missing where that one is
    there and cannot be read. Raises SettingsError where there is no such folder.
    """
    names, files, wrong = _listing(folder)
    migrations: list[Migration] = []
    torn: list[tuple[str, str]] = []
    unread = {flaw.file.removesuffix(".sql") for flaw in wrong}
    for name in names:
        content = content_of(name, files)
        try:
            if not isinstance(content, Flaw):
                migrations.append(parse(name, content))
                continue
            wrong.append(content)
        except InvalidMigration:
            wrong.extend(flaws(name, str(content)))
            torn.append((name, normal(str(content))))
        unread.add(name)
    wrong.extend(_Chain(migrations, unread).flaws())
    return Look(migrations, wrong, torn)


# ------------------------------------------------------------------ the files


def _listing(folder: str | Path | Folder) -> tuple[list[str], OnDisk | _Elsewhere, list[Flaw]]:
    """Return the name of each migration, by number, the files, and what is wrong with the names."""
    found: dict[int, str] = {}
    wrong: list[Flaw] = []
    files = OnDisk(folder) if isinstance(folder, str | os.PathLike) else _Elsewhere(folder)
    for file in sorted(files.names):
        name, dot, suffix = file.rpartition(".")
        if suffix.lower() != "sql" or not dot or name.startswith("."):
            continue
        number = number_of(name)
        if number is None or suffix != "sql":
            wrong.append(_no_name(file))
        elif number in found:
            wrong.append(_same_number(number, found[number], name))
        else:
            found[number] = name
    return [found[number] for number in sorted(found)], files, wrong


class _NoFileError(Exception):
    """A folder, a pipe or a device, with the name of a file."""


class OnDisk:
    """Files of which none is looked at before it is asked for: there may be thousands.

    Without pathlib, which takes a cold start three milliseconds with all that it imports.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(folder) or os.curdir
        try:
            self.names = os.listdir(self._folder)  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for a NUL in the name
            from pathlib import Path

            raise _no_folder(Path(folder)) from None

    def read(self, name: str) -> bytes:
        """Return what a file holds. Raises _NoFileError for what is none, whose reading may never end."""
        path = os.path.join(self._folder, name)  # noqa: PTH118
        mode = os.stat(path).st_mode  # noqa: PTH116
        if not stat.S_ISREG(mode):
            sort = "a folder" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
            raise _NoFileError(sort)
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()


class _Elsewhere:
    """Files in a zip, or wherever else `importlib.resources` finds them."""

    def __init__(self, folder: Folder) -> None:
        # A path into a zip says that it is a folder of whatever its text ends with a slash.
        if not folder.is_dir() or not getattr(folder, "exists", folder.is_dir)():
            raise _no_folder(folder)
        self._files = {each.name: each for each in folder.iterdir()}
        self.names = list(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name].read_bytes()


def _no_folder(place: Folder) -> SettingsError:
    return SettingsError(
        f"there is no migrations folder {place.name!r}",
        where=str(place),
        todo="`sendoka generate` makes it; one of another name belongs into [tool.sendoka] of pyproject.toml",
    )


def _no_name(file: str) -> Flaw:
    todo = "expected four digits and words of a–z and 0–9: 0042_reflective_fury.sql"
    return Flaw("file-name", file, 0, InvalidMigration(f"{file} is not the name of a migration", todo=todo))


def _same_number(number: int, one: str, other: str) -> Flaw:
    names = " and ".join(f"{name}.sql" for name in sorted((one, other)))
    error = ForkedHistory(
        f"two migrations have the number {number:04d}: {names}",
        todo="`sendoka rebase` puts the other one behind the one that is applied or was merged first",
    )
    return Flaw("duplicate-number", f"{other}.sql", 0, error)


def content_of(name: str, files: OnDisk | _Elsewhere) -> str | Flaw:
    """Return the text of the file `name` (without `.sql`), or what keeps it from being read."""
    try:
        content = files.read(f"{name}.sql")
    except _NoFileError as error:
        todo = "take it away, or give it a name that does not end in .sql"
        return broken("unreadable", name, 0, f"is {error}, and no file", todo)
    except OSError as error:
        what = f"cannot be read: {error.strerror or type(error).__name__}"
        return broken("unreadable", name, 0, what, "take it back from version control, or mend its permissions")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return broken("encoding", name, line, f"is not UTF-8: see byte {error.start}", "save the file in that encoding")


# ------------------------------------------------------------------ the chain


class _Chain:
    """The files that could be read, and the links between them."""

    def __init__(self, migrations: Sequence[Migration], unread: set[str]) -> None:
        self.migrations = migrations
        self.unread = unread
        self.unread_numbers = {int(found[0]) for name in unread if (found := _DIGITS.match(name))}
        self.known = {migration.as_parent.name: migration for migration in migrations}

    def flaws(self) -> Iterator[Flaw]:
        """Yield what is wrong with each link, the oldest first."""
        previous: Migration | None = None
        for migration in self.migrations:
            found = self._link(migration, previous)
            if found is not None:
                kind, error = found
                yield Flaw(kind, f"{migration.name}.sql", 2, error)
            if found is None or found[0] != "out-of-order":
                previous = migration

    def _link(self, migration: Migration, previous: Migration | None) -> tuple[str, MigrationError] | None:
        parent = migration.parent
        if parent is None:
            return None if previous is None else self._second_root(migration, previous)
        if parent.name in self.unread or number_of(parent.name) in self.unread_numbers:
            return None
        known = self.known.get(parent.name)
        if known is None:
            return "lost", self._lost(migration, parent)
        if known.number >= migration.number:
            return "out-of-order", _out_of_order(migration, parent)
        if known is not previous and not self._gap(known, migration):
            return "forked", self._forked(migration, parent, previous)
        return None if parent.checksum == known.checksum else _edited(migration, parent, known)

    def _gap(self, older: Migration, newer: Migration) -> bool:
        """Tell whether a file that cannot be read may stand between the two."""
        return any(older.number < number < newer.number for number in self.unread_numbers)

    def _second_root(self, migration: Migration, previous: Migration) -> tuple[str, MigrationError]:
        first = self.migrations[0]
        if migration.replaces is not None:
            return "squash", ForkedHistory(
                f"{migration.name}.sql replaces all up to its number, and {previous.name}.sql is beside it",
                todo="delete the files that it replaces, or take it away",
            )
        return "forked", ForkedHistory(
            f"{migration.name}.sql says it is the first migration, but {first.name}.sql comes before it",
            todo="`sendoka rebase` puts the files of the other chain behind the one that is applied",
        )

    def _lost(self, migration: Migration, parent: Parent) -> MigrationError:
        words = parent.name.partition("_")[2]
        moved = next((each.name for each in self.migrations if each.name.partition("_")[2] == words), None)
        if moved is not None:
            return MissingMigration(
                f"{migration.name}.sql follows {parent.name}, which is not in the folder: it seems to be {moved} now",
                todo=f"call {moved}.sql {parent.name}.sql again, in its first line too; a migration keeps its number",
            )
        return MissingMigration(
            f"{migration.name}.sql follows {parent.name}, which is not in the folder",
            todo=f"restore {parent.name}.sql; a migration is never deleted or renamed",
        )

    def _forked(self, migration: Migration, parent: Parent, previous: Migration | None) -> MigrationError:
        before = previous.name if previous else "nothing"
        return ForkedHistory(
            f"{migration.name}.sql follows {parent.name}, but {before} comes before it",
            todo="two branches were merged: `sendoka rebase` puts one behind the other",
        )


def _out_of_order(migration: Migration, parent: Parent) -> MigrationError:
    return ForkedHistory(
        f"{migration.name}.sql follows {parent.name}, whose number is not lower: the files are out of order",
        todo="give the file its old number again; if it was applied nowhere, delete it and generate it again",
    )


def _edited(migration: Migration, parent: Parent, known: Migration) -> tuple[str, MigrationError]:
    if known.replaces is not None:
        return "squash", ChecksumMismatch(
            f"{known.name}.sql stands for another {parent.name} than the one that {migration.name}.sql follows",
            where=f"expected sha256:{parent.checksum[:12]}…, the file replaces sha256:{known.checksum[:12]}…",
            todo=f"restore both files (git checkout); squash the chain that {migration.name} goes on from",
        )
    return "edited", ChecksumMismatch(
        f"{known.name}.sql was edited after {migration.name}.sql was made on top of it",
        where=f"expected sha256:{parent.checksum[:12]}…, the file has sha256:{known.checksum[:12]}…",
        todo="restore the file (git checkout) and put the change into a new migration",
    )
