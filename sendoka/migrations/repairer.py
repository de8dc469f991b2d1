"""`repair`: a row of the history is written by hand, as a person said, and what is written is known before.

Nothing is taken on trust, as in an adoption: each write is one transaction under the condition that the row, or the end
of the history, is still what was looked at. Where it is not, nothing is written. What there is to repair is planned by
`by_hand`, `settlement` and `acceptance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.bookkeeping import upgrade
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    MigrationError,
    Outcome,
    ReadOnlyTransaction,
    TransportError,
)
from sendoka.migrations.failure import no_grant
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.rivals import is_our_grant
from sendoka.quoting import literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.history import Entry

__all__ = ["Repair", "RowChange", "write"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """What is written to one row of the history: `{column: value}`, as they are and as they will be.

    `kind` is `insert`, `update` or `delete`.
    """

    kind: str
    migration: str
    was: dict[str, str | None]
    becomes: dict[str, str | None]

    def __str__(self) -> str:
        if self.kind == "insert":
            return f"insert the row of {self.migration}: {_cells(self.becomes)}"
        if self.kind == "delete":
            return f"delete the row of {self.migration}: {_cells(self.was)}"
        parts = [f"{name} {literal(old or '')} → {literal(self.becomes[name] or '')}" for name, old in self.was.items()]
        return f"update the row of {self.migration}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Repair:
    """What is going to be written, and what to know before. Without `changes` there is nothing to write.

    `happened` tells of a history that it was written. `settled` is false where nothing is written though something is
    still to be done; `notes` say what.
    """

    changes: tuple[RowChange, ...]
    notes: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    happened: Callable[[Sequence[Entry]], bool] = bool
    outdated: bool = False
    settled: bool = True


async def write(database: Database, repair: Repair) -> None:
    """Carry a repair out. Raises MigrationError where what it stands on has changed meanwhile; nothing is written then.

    A lost answer is met by reading the history again.
    """
    if repair.outdated:
        await upgrade(database)
    try:
        results = await database.run_all(repair.statements, TransactionOptions())
    except (DatabaseError, TransportError) as error:
        if error.outcome is Outcome.UNKNOWN:
            history, *_ = await ask_all(database)
            if repair.happened(history or []):
                return
            raise
        if isinstance(error, InsufficientPrivilege) and await is_our_grant(database, error, new=True):
            raise no_grant(error, database.namespace) from error
        if isinstance(error, DatabaseError):
            error.statement = None  # it is ours, and says nothing to whoever reads the error
        if isinstance(error, ReadOnlyTransaction):
            error.todo = "it is a replica, or its role is read only; repair through the primary"
        if isinstance(error, DatabaseError) and error.sqlstate[:2] == "23" and error.schema == database.namespace:
            raise _changed() from error
        raise
    if not results[-1].rows and not results[-1].row_count:
        raise _changed()


def _changed() -> MigrationError:
    return MigrationError(
        "the history changed while this was looked at",
        where="nothing was written",
        todo="give the command again: it sees what is there",
    )


def _cells(row: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {'null' if value is None else value}" for name, value in row.items())
