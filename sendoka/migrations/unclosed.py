"""A migration that has not its row of the history any more when it comes to its end: nothing of it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import DatabaseError, MigrationFailed, Outcome
from sendoka.migrations.history import UNCLOSED

if TYPE_CHECKING:
    from sendoka.errors import TransportError
    from sendoka.migrations.files import Migration

__all__ = ["is_unclosed", "unclosed"]


def is_unclosed(error: DatabaseError | TransportError) -> bool:
    """Tell whether a migration had not its row any more when it came to its end."""
    return isinstance(error, DatabaseError) and UNCLOSED in error.message


def unclosed(migration: Migration, namespace: str, *, ended: bool) -> MigrationFailed:
    """Return the error of a file that had not its row any more at its end, so that nobody could say it is applied.

    ended: whether the history shows the row as begun, so that the file ended the transaction that it is.
    """
    if ended:
        return MigrationFailed(
            f"{migration.name}.sql ended its own transaction",
            migration=migration.name,
            outcome=Outcome.UNKNOWN,
            where="what ran before that point is committed",
            todo="look at what it changed, then take the command that ends the transaction out of the file",
        )
    return MigrationFailed(
        f"{migration.name}.sql is not applied: {UNCLOSED} at its end",
        migration=migration.name,
        where=f"something changed {namespace}.migrations while it ran; nothing of it remains in the database",
        todo=f"leave {namespace}.migrations alone in the file, and drop triggers, rules and policies of that table",
    )
