"""What a database has of a folder, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.migrations.comparison import State, agree, compare, paired
from sendoka.migrations.failure import refusal
from sendoka.migrations.folder import look
from sendoka.migrations.inquiry import ask_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.errors import MigrationError
    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder
    from sendoka.migrations.history import Entry
    from sendoka.migrations.pushed import PushRow

__all__ = ["StatusReport", "StatusRow", "status"]


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One migration: in the folder, in the database, or both.

    What a squashed file stands for is `applied` where that, or the file, is.

    `state` is `applied`, `pending`, `newer` (only the database has it), `altered` or `forked` (the two differ here), or
    `running` (begun and not finished, in the folder or not). `applied_at` is ISO 8601 in UTC; of a `running` one it is
    when it was begun.
    """

    name: str
    state: str
    checksum: str
    applied_at: str | None = None
    seconds: float | None = None
    applied_by: str | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """All migrations, oldest first, and what the folder is to the database.

    `pushed` is the last push, None where nothing was pushed since the last migration that such a push led to.
    `problem` is what `migrate` would raise, because folder and history part or a file was edited that another one
    follows; None where there is none.
    """

    state: State
    rows: tuple[StatusRow, ...]
    pushed: PushRow | None = None
    problem: MigrationError | None = None

    @property
    def pending(self) -> int:
        """How many files the database has not."""
        return sum(row.state == "pending" for row in self.rows)


async def status(database: Database, folder: str | Path | Folder = "migrations") -> StatusReport:
    """Compare `folder` with the history of `database`; one request, nothing is changed.

    Raises SettingsError where there is no such folder, MigrationError for one that is broken in itself by more than an
    edited file, and for a role that may not read the history, else the DatabaseError or TransportError of the question.
    """
    found = look(folder)
    for flaw in found.flaws:
        if flaw.kind != "edited":
            raise flaw.error
    files, edited = found.migrations, found.flaws[0].error if found.flaws else None
    rows, pushed, _ = await ask_all(database)
    history = rows or []
    comparison = compare(files, history)
    return StatusReport(comparison.state, tuple(_rows(files, history)), pushed, refusal(comparison) or edited)


def _rows(files: Sequence[Migration], history: Sequence[Entry]) -> list[StatusRow]:
    found = paired(files, history)
    covered = [StatusRow(file.name, State.APPLIED, file.checksum) for file in found.files]
    replaced = [_row(entry, entry.state) for entry in found.entries]
    return [*covered, *replaced, *(each for pair in found.pairs for each in _paired(*pair))]


def _paired(file: Migration | None, entry: Entry | None) -> Iterator[StatusRow]:
    if entry is not None:
        yield _row(entry, _state(file, entry))
    elif file is not None:
        yield StatusRow(file.name, "pending", file.checksum)


def _row(entry: Entry, state: str) -> StatusRow:
    return StatusRow(entry.name, state, entry.checksum, entry.applied_at, entry.seconds, entry.applied_by)


def _state(file: Migration | None, entry: Entry) -> str:
    if file is None:
        return entry.state if entry.state == State.RUNNING else State.NEWER
    if agree(file, entry):
        return entry.state
    return State.ALTERED if file.name == entry.name else State.FORKED
