"""The one way in which a database is asked for its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.database.transaction import READ_ONLY
from sendoka.errors import DatabaseError, InsufficientPrivilege, UndefinedTable
from sendoka.migrations.failure import no_grant
from sendoka.migrations.history import entries

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.history import Entry

__all__ = ["ask"]


_WAYS_OUT = {"3D000": "check the database's name in DATABASE_URL"}


async def ask(database: Database, question: Statement) -> list[Entry] | None:
    """Return the rows that `question` asks for, None where the database has no history table. Changes nothing.

    Raises MigrationError for a role that may not read the history and for tables of a newer Sendoka, else the
    DatabaseError or TransportError of the exchange.
    """
    try:
        return entries((await database.run_all([question], READ_ONLY))[0])
    except UndefinedTable:
        return None
    except InsufficientPrivilege as error:
        raise no_grant(error) from error
    except DatabaseError as error:
        error.statement = None  # it is ours, and says nothing to whoever reads the error
        error.todo = error.todo or _WAYS_OUT.get(error.sqlstate, "")
        raise
