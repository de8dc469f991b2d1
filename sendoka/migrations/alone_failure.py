"""What is said when a statement that runs in no transaction cannot be brought to its end: what remains, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import InvalidMigration, MigrationFailed, Outcome
from sendoka.errors.masking import without
from sendoka.migrations.failure import CANCELED, place, pointed_in, said_beside
from sendoka.quoting import qualified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.errors import DatabaseError
    from sendoka.migrations.files import Migration

__all__ = ["cannot_ask", "failed_alone", "gave_up_alone", "not_done"]

_AGAIN = "it may be given again at any time: what is done is not done twice"


def cannot_ask(migration: Migration, error: DatabaseError) -> InvalidMigration:
    """Return the error of a `done-when` that the database refuses."""
    return InvalidMigration(
        f"{migration.name}.sql cannot be asked whether it is done: {error.what}",
        where=f"done-when: {migration.done_when}",
        todo="write a query of one row and one column, true or false, that can be asked before and after",
    )


def failed_alone(
    migration: Migration, error: DatabaseError, invalid: Sequence[tuple[str, str]], *, released: bool
) -> MigrationFailed:
    """Return the error of a statement that failed; `invalid` are the indexes it left and that were not cleared."""
    lines = [place(migration.statements, 1), *pointed_in(migration, 1, error.position)]
    lines += said_beside(migration.statements, error)
    names = [qualified(namespace, name) for namespace, name in invalid]
    lines += [f"INVALID and left: {name}; drop index concurrently {name}" for name in names]
    lines += _row(released=released)
    return MigrationFailed(
        f"{migration.name}.sql failed: {without(error.what, *migration.statements)}",
        migration=migration.name,
        statement=1,
        position=error.position,
        sqlstate=error.sqlstate,
        where="\n".join(lines),
        todo=_way_out(error, clean=not names),
    )


def _way_out(error: DatabaseError, *, clean: bool) -> str:
    if error.sqlstate == CANCELED and "timeout" in error.message:
        return (
            "a statement without a transaction has the timeouts of its role and database alone: "
            "alter role … set statement_timeout = 0, and migrate again"
        )
    remains = "no INVALID index of it remains; " if clean else ""
    return f"{remains}correct the data or the file and migrate again"


def not_done(migration: Migration, *, released: bool) -> MigrationFailed:
    """Return the error of a statement that ran, and of which `done-when` is false all the same."""
    return MigrationFailed(
        f"{migration.name}.sql ran without an error, and its done-when is still false",
        migration=migration.name,
        statement=1,
        outcome=Outcome.UNKNOWN,
        where="\n".join([f"done-when: {migration.done_when}", *_row(released=released)]),
        todo="what the statement did remains; correct done-when, or the statement, and migrate again",
    )


def gave_up_alone(migration: Migration, seconds: float, why: str) -> MigrationFailed:
    """Return the error of a statement that was not seen done before the deadline."""
    return MigrationFailed(
        f"{migration.name}.sql was not finished within {seconds:g} s: {why}",
        migration=migration.name,
        outcome=Outcome.UNKNOWN,
        where="what works on it goes on, and its row waits for whoever migrates next",
        todo=f"run `sendoka migrate` again; {_AGAIN}",
    )


def _row(*, released: bool) -> list[str]:
    return [] if released else ["its row in the history is still `running`; the next migrate takes it over"]
