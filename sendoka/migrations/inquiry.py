"""The one way in which a database is asked for its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sendoka.bookkeeping import FACTS, facts_in, is_altered, is_outdated, not_as_made
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import DatabaseError, InsufficientPrivilege, UndefinedTable
from sendoka.migrations.history import entries, history_statement

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.migrations.history import Entry
    from sendoka.migrations.pushed import PushRow

__all__ = ["Found", "ask", "ask_all"]


_WAYS_OUT = {"3D000": "check the database's name in DATABASE_URL"}


async def ask(database: Database, question: Statement) -> list[Entry] | None:
    """Return the rows that `question` asks for, None where the database has no history table. Changes nothing.

    Raises MigrationError for a role that may not read the history and for tables of a newer Sendoka, else the
    DatabaseError or TransportError of the exchange.
    """
    results = await _asked(database, question)
    return None if results is None else entries(results[0])


class Found(NamedTuple):
    """The whole history, and the row of the last push; None for what the database has not.

    `outdated` is true where an older Sendoka made our tables.
    """

    history: list[Entry] | None
    pushed: PushRow | None
    outdated: bool = False


async def ask_all(database: Database) -> Found:
    """Return all that a database has of ours about migrations. Raises what `ask` does."""
    results = await _asked(database, history_statement(), FACTS)
    if results is None:
        return Found(None, None)
    from sendoka.migrations.pushed import row_of  # a start with nothing to do does not ask for it

    facts = facts_in(results[1])
    return Found(entries(results[0]), row_of(facts), is_outdated(facts))


async def _asked(database: Database, *questions: Statement) -> list[Result[Cells]] | None:
    try:
        return await database.run_all(questions, READ_ONLY)
    except UndefinedTable as error:
        if f'"{database.namespace}.facts"' in error.message:  # the history is there, for it was looked for first
            raise not_as_made(database.namespace, error.message) from error
        return None
    except InsufficientPrivilege as error:
        from sendoka.migrations.failure import unreadable

        raise unreadable(error, database.namespace) from error
    except DatabaseError as error:
        if is_altered(error):
            raise not_as_made(database.namespace, error.message) from error
        error.statement = None  # it is ours, and says nothing to whoever reads the error
        error.todo = error.todo or _WAYS_OUT.get(error.sqlstate, "")
        raise
