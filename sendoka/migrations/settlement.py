"""`repair --settle`: what becomes of a row that says `running`, by what the server and a person say of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from sendoka.database.transaction import READ_ONLY
from sendoka.errors import DatabaseError, MigrationError, MissingMigration
from sendoka.migrations import alone
from sendoka.migrations.alone_failure import cannot_ask
from sendoka.migrations.called import called
from sendoka.migrations.comparison import agree
from sendoka.migrations.folder import read_folder
from sendoka.migrations.history import settings_statement
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.repairer import Repair, RowChange
from sendoka.migrations.standing import close_statement, questions, release_statement, standing_in
from sendoka.quoting import qualified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry
    from sendoka.migrations.standing import Standing

__all__ = ["Settled", "settle"]

Settled = Literal["pending", "applied"]
"""What a file is afterwards."""


async def settle(database: Database, migrations: Path, name: str, *, as_: Settled | None = None) -> Repair:
    """Plan what becomes of a row that is `running`: the server is asked, twice where nobody seems to work on it.

    It is closed where its `done-when` is true. Else nothing is planned, but that its row goes with `as_` "pending". Of
    a file that is a transaction Sendoka never leaves such a row, so `as_` must say what it is to be.

    Raises MigrationError where somebody works on it, and where it is done or applied and `as_` says "pending";
    MissingMigration where its file is not in the folder.
    """
    history, _, outdated = await ask_all(database)
    entry = called(history or (), name, "--settle", place="in the history of this database")
    if entry.state != "running" and as_ == "pending":
        raise MigrationError(
            f"{entry.name} is {entry.state}, and is not made pending: its statements would run twice",
            where=f"applied by {entry.applied_by or 'somebody'}, {entry.applied_at or 'nobody knows when'}",
            todo=f"to undo it, write a migration that does: `sendoka generate --revert {entry.name}`",
        )
    if entry.state != "running":
        return Repair((), (f"{entry.name} is {entry.state} already",))
    file = _file_of(entry, migrations)
    notes: tuple[str, ...] = ()
    if file.done_when is not None:
        standing = await _asked_twice(database, file)
        if standing.done is (as_ == "pending"):
            return _unsettled(file, entry, standing)
        as_ = "applied" if standing.done else "pending"
        names = [qualified(namespace, index) for namespace, index in standing.invalid]
        notes = tuple(f"INVALID and left: {each}; drop index concurrently {each}" for each in names)
    elif as_ is None:
        raise MigrationError(
            f"{entry.name} is one transaction, of which Sendoka leaves no unfinished row: somebody wrote it by hand",
            where=_begun(entry),
            todo="look whether its statements were run, and say so: --as applied, or --as pending",
        )
    if as_ == "applied":
        change = RowChange("update", entry.name, {"state": "running"}, {"state": "applied"})
        statement = close_statement(file, entry.token or "")
    else:
        _refuse_followed(entry, history or ())
        was = {"state": "running", "seq": str(entry.seq), "applied_by": entry.applied_by}
        change = RowChange("delete", entry.name, was, {})
        statement = release_statement(file, entry.token or "")
    return Repair((change,), notes, (settings_statement(""), statement), _happened(entry, as_), outdated)


def _file_of(entry: Entry, migrations: Path) -> Migration:
    file = next((each for each in read_folder(migrations) if agree(each, entry)), None)
    if file is None:
        raise MissingMigration(
            f"the file of {entry.name} is not in this folder, so nobody can tell what it is about",
            where=_begun(entry),
            todo="give the command in a checkout that has it",
        )
    return file


def _refuse_followed(entry: Entry, history: Sequence[Entry]) -> None:
    """Raise MigrationError where the row is not the newest: it cannot go."""
    if history[-1] != entry:
        raise MigrationError(
            f"{history[-1].name} follows {entry.name}, which is not finished: somebody wrote that by hand",
            todo="`sendoka repair` says what is wrong with the rows",
        )


def _happened(entry: Entry, as_: Settled) -> Callable[[Sequence[Entry]], bool]:
    """Return what tells that the row is gone, or closed."""

    def happened(found: Sequence[Entry]) -> bool:
        row = next((each for each in found if each.checksum == entry.checksum), None)
        return row is None if as_ == "pending" else row is not None and row.state == "applied"

    return happened


def _unsettled(file: Migration, entry: Entry, standing: Standing) -> Repair:
    """Return what is said where the server and what is wanted do not go together, or nothing is wanted."""
    if standing.done:
        raise MigrationError(
            f"{entry.name} is done: its done-when is true",
            where=f"done-when: {file.done_when}",
            todo="without --as its row is closed",
        )
    left = [f"it clears first what was left INVALID: {qualified(*each)}" for each in standing.invalid]
    return Repair(
        (),
        (
            f"{entry.name} is not done, and nobody works on it ({_begun(entry)})",
            "`sendoka migrate` takes it over, and runs its statement again",
            *left,
            "--as pending takes its row away instead, so that the file is pending again",
        ),
        settled=False,
    )


async def _asked_twice(database: Database, file: Migration) -> Standing:
    """Return what the server shows; where nobody works on it and it is not done, after a second look.

    Raises MigrationError where somebody works on it.
    """
    standing = await _asked(database, file)
    if not (standing.done or standing.workers):
        await asyncio.sleep(alone.APART)
        standing = await _asked(database, file)
    if standing.workers:
        raise MigrationError(
            f"{file.name} is worked on, and is not settled from outside",
            where="\n".join(map(str, standing.workers)),
            todo="wait for it, or end it with `select pg_cancel_backend(PID)`; `sendoka migrate` waits by itself",
        )
    return standing


async def _asked(database: Database, file: Migration) -> Standing:
    try:
        return standing_in(await database.run_all(questions(file), READ_ONLY))
    except DatabaseError as error:
        raise cannot_ask(file, error) from error


def _begun(entry: Entry) -> str:
    return f"begun by {entry.applied_by or 'somebody'}, {entry.applied_at or 'nobody knows when'}"
