"""The migrations folder: which files it has, and the chain that their checksums make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sendoka.errors import (
    ChecksumMismatch,
    ForkedHistory,
    InvalidMigration,
    MigrationError,
    MissingMigration,
    SettingsError,
)
from sendoka.migrations.files import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.migrations.files import Migration, Parent

__all__ = ["Folder", "read_folder", "read_newest"]


class Folder(Protocol):
    """What a migrations folder must be able to do; `pathlib.Path` and `importlib.resources` paths can."""

    @property
    def name(self) -> str: ...
    def iterdir(self) -> Iterator[Folder]: ...
    def is_dir(self) -> bool: ...
    def read_bytes(self) -> bytes: ...


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
    elif previous is None or parent.name != previous.as_parent.name:
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
