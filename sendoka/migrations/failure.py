"""What is said when a migration cannot be applied: which statement, what remains, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import DatabaseError, MigrationFailed, Outcome, ReadOnlyTransaction
from sendoka.migrations.history import REACHED, probe_statements

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.errors import InsufficientPrivilege, TransportError
    from sendoka.migrations.files import Migration

__all__ = ["ended_itself", "failed", "gave_up", "is_ours", "no_grant"]


def is_ours(error: DatabaseError) -> bool:
    """Tell whether the error came from our own tables, not from the migration's statements."""
    return error.schema == "sendoka" or "sendoka" in error.message


async def failed(database: Database, migration: Migration, error: DatabaseError) -> MigrationFailed:
    """Return the error that says which statement of `migration` the database refused."""
    if isinstance(error, ReadOnlyTransaction):
        return MigrationFailed(
            f"{migration.name}.sql cannot be applied: this database is read only",
            migration=migration.name,
            todo="it is a replica, or its role defaults to read only; migrate through the primary",
        )
    number = await _failing_statement(database, migration)
    statements = migration.statements
    where = f"statement {number} of {len(statements)}: {_first_line(statements[number - 1])}" if number else "at COMMIT"
    return MigrationFailed(
        f"{migration.name}.sql failed: {error.what}",
        migration=migration.name,
        statement=number,
        where=f"{where}\ndetail: {error.detail}" if error.detail else where,
        todo="nothing of it remains in the database; correct the file and migrate again",
    )


async def _failing_statement(database: Database, migration: Migration) -> int | None:
    """Return the number of the statement that fails, None where only COMMIT does.

    Neon's answer does not say which statement of a batch failed, so beginnings of the file are run, each in a
    transaction that cannot commit: first the whole of it, then halves.
    """
    count = len(migration.statements)
    if await _passes(database, migration, count):
        return None
    passing, failing = 0, count
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if await _passes(database, migration, middle):
            passing = middle
        else:
            failing = middle
    return failing


async def _passes(database: Database, migration: Migration, count: int) -> bool:
    try:
        await database.run_all(probe_statements(migration, count))
    except DatabaseError as error:
        return error.sqlstate == REACHED
    return True


def gave_up(migration: Migration, error: DatabaseError | TransportError, seconds: float) -> MigrationFailed:
    """Return the error of a migration that could not be settled before the deadline."""
    unknown = error.outcome is Outcome.UNKNOWN
    return MigrationFailed(
        f"{migration.name}.sql was not applied within {seconds:g} s: {error.what}",
        migration=migration.name,
        where="what was sent may still be applied" if unknown else "nothing of it remains in the database",
        todo="run `sendoka migrate` again; it cannot be applied twice",
    )


def no_grant(error: InsufficientPrivilege) -> MigrationFailed:
    """Return the error of a role that may not keep or read the history."""
    return MigrationFailed(
        f"the role may not keep its history: {error.message}",
        todo="the first time: grant create on database … to the role; later: grant usage on schema sendoka "
        "and select, insert, update on all its tables",
    )


def ended_itself(migration: Migration) -> MigrationFailed:
    """Return the error of a file that ended the transaction it is."""
    return MigrationFailed(
        f"{migration.name}.sql ended its own transaction",
        migration=migration.name,
        where="what ran before that point is committed",
        todo="look at what it changed, then take the command that ends the transaction out of the file",
    )


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("--")]
    return lines[0][:100] if lines else ""
