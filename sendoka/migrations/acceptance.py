"""`repair --accept`: the newest applied file as it is now, where only how it is written was edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.database.home import Ours
from sendoka.errors import MigrationError, SettingsError
from sendoka.migrations.called import called
from sendoka.migrations.comparison import agree
from sendoka.migrations.edits import differing, version_of
from sendoka.migrations.folder import look
from sendoka.migrations.history import settings_statement
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.repairer import Repair, RowChange

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry

__all__ = ["Versions", "accept"]

Versions = Callable[[Path], Sequence[bytes]]
"""Returns what a file was in version control. Raises SettingsError where there is none."""

_RESTORE = "restore the file (git checkout) and put the change into a new migration"


async def accept(database: Database, migrations: Path, name: str, versions: Versions) -> Repair:
    """Plan to take the newest applied file as it is now, where only comments or white space of it were edited.

    Raises MigrationError where other files or rows follow it, so that its checksum is named elsewhere, and where the
    text that was applied is not found or did something else.
    """
    found = look(migrations)
    file = called(found.migrations, name, "--accept")
    history, _, outdated = await ask_all(database)
    entry = next((each for each in history or () if each.name == file.name), None)
    if entry is None:
        raise SettingsError(
            f"{file.name} is not applied in this database: there is no edit to accept",
            todo="a file that is applied nowhere may be edited; `sendoka status` lists what is applied here",
        )
    if agree(file, entry):
        return Repair((), (f"{file.name} is what was applied: there is no edit to accept",))
    _refuse_followers(file, entry, found.migrations, history or ())
    if file.replaces is not None or entry.squashed or entry.state != "applied":
        raise MigrationError(
            f"{file.name} stands for other files, or is not finished: an edit of it is not accepted", todo=_RESTORE
        )
    what = differing(_applied(migrations / f"{file.name}.sql", file, entry, versions), file)
    if what is not None:
        raise MigrationError(f"the edit of {file.name}.sql changes what it does: {what}", todo=_RESTORE)
    keys = ("checksum", "digest")
    return Repair(
        (RowChange("update", file.name, dict.fromkeys(keys, entry.checksum), dict.fromkeys(keys, file.checksum)),),
        ("every other database that has the file as it was needs the same repair",),
        (settings_statement(""), _accept_statement(file, entry)),
        lambda rows: any(row.checksum == file.checksum for row in rows),
        outdated,
    )


def _refuse_followers(file: Migration, entry: Entry, files: Sequence[Migration], history: Sequence[Entry]) -> None:
    followers = [each.name for each in files if each.parent and each.parent.name == file.name]
    followers += [each.name for each in history if each.seq > entry.seq and each.name not in followers]
    if followers:
        raise MigrationError(
            f"{file.name} is not the newest: {', '.join(followers)} names it by its checksum",
            where="an edit below the newest file would have to be written into all that follows",
            todo=_RESTORE,
        )


def _applied(path: Path, file: Migration, entry: Entry, versions: Versions) -> Migration:
    """Return the file as it was applied. Raises MigrationError where it is not to be had."""
    why = "no commit has it"
    try:
        old = version_of(file, entry.digest, versions(path))
    except SettingsError as error:
        old, why = None, error.what
    if old is None:
        raise MigrationError(
            f"the text of {file.name}.sql that was applied is not known: {why}",
            where=f"looked in Git for sha256:{entry.digest[:12]}…; without it nobody can tell what the edit changes",
            todo=_RESTORE,
        )
    return old


def _accept_statement(file: Migration, entry: Entry) -> Statement:
    return Ours(
        "update sendoka.migrations set checksum = $2, digest = $2 where checksum = $1 and digest = $1 and name = $3 "
        "and state = 'applied' and not exists (select from sendoka.migrations n where n.parent = $1) "
        "returning seq::text",
        (entry.checksum, file.checksum, file.name),
    )
