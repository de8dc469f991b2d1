"""`Database`: the one thing the migration engine and the backfill runner stand on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from sendoka.database.home import NAMESPACE
from sendoka.database.transaction import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.database.transaction import TransactionOptions

__all__ = ["Database"]


class Database(ABC):
    """A Postgres database that can be asked, without a session.

    Text goes through: parameters and cells are Postgres text or None. What is raised is a `DatabaseError` or a
    `TransportError`, and each says by `.outcome` whether its statements ran. An implementation sends again by itself
    only what cannot have run, or what `options` say is read only or idempotent.

    `namespace` is where our own tables are: who sends statements of the class `Ours` puts it into them.
    """

    namespace: str = NAMESPACE

    @abstractmethod
    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement in its own transaction, or in none where it manages its own (CREATE INDEX CONCURRENTLY)."""

    async def run_for(self, statement: Statement, seconds: float) -> Result[Cells]:
        """Do what `run` does, and let it take `seconds`, where the implementation has a limit of its own."""
        return await self.run(statement)

    @abstractmethod
    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run all statements in one transaction, in order; return one result for each, or raise and leave nothing."""
