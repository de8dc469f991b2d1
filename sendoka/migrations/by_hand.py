"""`repair --applied`: files whose SQL somebody ran by hand, noted as applied and not run."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.bookkeeping import BOOTSTRAP, operator
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import DatabaseError, MigrationError
from sendoka.migrations.alone_failure import cannot_ask
from sendoka.migrations.called import called
from sendoka.migrations.comparison import State, agree, compare
from sendoka.migrations.failure import refusal
from sendoka.migrations.files import Migration
from sendoka.migrations.folder import read_folder
from sendoka.migrations.history import TABLES, record_statement, settings_statement
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.repairer import Repair, RowChange
from sendoka.migrations.standing import done_statement
from sendoka.quoting import literal

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.history import Entry

__all__ = ["Differ", "mark_applied"]

Differ = Callable[[Migration], Awaitable[Sequence[str]]]
"""Returns in what a database differs from the schema after a migration, a line each."""


async def mark_applied(
    database: Database, migrations: Path, name: str, differ: Differ, *, anyway: bool = False
) -> Repair:
    """Plan to note all pending files up to `name` as applied, and to run none of them.

    Where a file has a `done-when` the database is asked; `anyway` takes a no. Raises SettingsError for a file that is
    not there, MigrationError where folder and history part and where a `done-when` is false; else what the folder or
    the exchange raises.
    """
    files = read_folder(migrations)
    wanted = called(files, name, "--applied")
    history, pushed, outdated = await ask_all(database)
    chosen = _up_to(wanted, files, history or ())
    if not chosen:
        return Repair((), (f"{wanted.name} is applied already",))
    for file in chosen:
        await _refuse_undone(database, file, anyway=anyway)
    notes = [f"the database differs from {wanted.name}: {each}" for each in await differ(wanted)]
    notes += [f"{file.name} requires the backfill {each}: not asked" for file in chosen for each in file.requires]
    notes += ["the database was pushed to: `sendoka migrate` notes by itself what that led to"] if pushed else []
    token, by = secrets.token_hex(8), operator()
    return Repair(
        tuple(RowChange("insert", file.name, {}, _inserted(file, by)) for file in chosen),
        tuple(notes),
        _statements(chosen, history, token, by),
        lambda found: any(entry.token == token for entry in found),
        outdated,
    )


def _up_to(wanted: Migration, files: Sequence[Migration], history: Sequence[Entry]) -> Sequence[Migration]:
    """Return the files to note; none where the wanted one is applied. Raises MigrationError where none can be."""
    comparison = compare(files, history)
    unfinished = comparison.at[1] if comparison.at is not None and comparison.state is State.RUNNING else None
    if unfinished is not None and any(agree(wanted, each) and each.state == "applied" for each in history):
        return ()
    refused = refusal(comparison)
    if refused is not None:
        raise refused
    if unfinished is not None:
        raise MigrationError(
            f"{unfinished.name} was begun and is not finished",
            todo=f"settle it first: sendoka repair --settle {unfinished.name}",
        )
    pending = comparison.pending
    return pending[: pending.index(wanted) + 1] if wanted in pending else ()


async def _refuse_undone(database: Database, file: Migration, *, anyway: bool) -> None:
    if file.done_when is None:
        return
    try:
        (result,) = await database.run_all([done_statement(file)], READ_ONLY)
    except DatabaseError as error:
        raise cannot_ask(file, error) from error
    if result.rows[0][0] not in {"t", "true"} and not anyway:
        raise MigrationError(
            f"{file.name} is not done: its done-when is false",
            where=f"done-when: {file.done_when}",
            todo="run its statement, or `sendoka migrate`; --anyway notes it as applied all the same",
        )


def _statements(
    files: Sequence[Migration], history: Sequence[Entry] | None, token: str, by: str
) -> tuple[Statement, ...]:
    """Return the transaction that notes the files, where the history ends as it was seen to."""
    end = "select m.checksum from sendoka.migrations m order by m.seq desc limit 1"
    holds = f"({end}) = {literal(history[-1].checksum)}" if history else f"not exists ({end})"
    first, *rest = files
    return (
        *(() if history is not None else (*BOOTSTRAP, *TABLES)),
        settings_statement(""),
        record_statement(first, token, by, __version__, condition=holds),
        *(record_statement(file, token, by, __version__) for file in rest),
    )


def _inserted(file: Migration, by: str) -> dict[str, str | None]:
    return {
        "seq": str(file.number),
        "name": file.name,
        "checksum": file.checksum,
        "parent": file.parent.checksum if file.parent else None,
        "digest": file.digest,
        "state": "applied",
        "applied_by": f"the role, {by}" if by else "the role",
        "version": __version__,
    }
