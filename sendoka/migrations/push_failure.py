"""What is said when a push cannot be applied: which statement, what remains, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.bookkeeping import is_altered, not_as_made
from sendoka.errors import DatabaseError, InsufficientPrivilege, MigrationFailed, ReadOnlyTransaction, TransportError
from sendoka.errors.masking import concealed, without
from sendoka.errors.pointer import pointed
from sendoka.migrations.failure import LOCK, failing_statement, no_grant, place, said_beside
from sendoka.migrations.rivals import is_our_grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.errors import MigrationError

__all__ = ["push_failed"]


async def push_failed(database: Database, error: DatabaseError, texts: Sequence[str], remains: str) -> MigrationError:
    """Return the error of a push whose transaction, with the statements `texts` among ours, was refused.

    remains: what the push left in the database, in words.
    """
    if isinstance(error, InsufficientPrivilege) and await is_our_grant(database, error):
        return no_grant(error, database.namespace)
    if isinstance(error, ReadOnlyTransaction):
        return MigrationFailed(
            "this database is read only, and nothing can be pushed to it",
            sqlstate=error.sqlstate,
            where="nothing was changed",
            todo="it is a replica, or its role defaults to read only; push to the primary",
        )
    number: int | None = None
    try:
        number = await failing_statement(database, texts, error)
    except (DatabaseError, TransportError) as probe:
        lines = [f"which statement could not be asked: {probe.what}"]
    else:
        if number is None and is_altered(error):
            return not_as_made(database.namespace, error.message)
        lines = [place(texts, number), *(_pointed(texts[number - 1], error.position) if number else ())]
    way_out = "pg_stat_activity shows who holds locks" if error.sqlstate == LOCK else "mend the schema or the rows"
    return MigrationFailed(
        f"the push failed: {without(error.what, *texts)}",
        statement=number,
        position=error.position if number else None,
        sqlstate=error.sqlstate,
        where="\n".join([*lines, *said_beside(texts, error)]),
        todo=f"{remains}; {way_out}, and push again",
    )


def _pointed(text: str, position: int | None) -> list[str]:
    """Return the line of a statement that `position` is in, and a mark under it; nothing where Postgres said none."""
    if position is None:
        return []
    shown, mark = concealed(text, position)
    here = pointed(shown, mark or 1)
    return here.under(f"in line {here.line}: ")
