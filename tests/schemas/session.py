"""A database as one connection has it, without HTTP: schemas are built in transactions that are never committed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from psycopg import errors, pq

from sendoka.database import Database, Result, Statement
from sendoka.database.transaction import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from sendoka.database import TransactionOptions
    from sendoka.database.statement import Cells
    from sendoka.schema.step import Plan

__all__ = ["Session"]

_LONG = 1500
"""Texts as long as that are the questions to the catalog: they are always the same, and planned once."""

_WOKEN = "select from pg_trigger union all select from pg_rewrite where oid >= 16384 and rulename <> '_RETURN' limit 1"
"""Whatever another statement sets off; a foreign key and a deferrable key are triggers to Postgres."""


class Session(Database):
    """The seam over one psycopg connection. Nobody else looks at its database meanwhile.

    What Postgres refuses is raised as psycopg's own error. Inside of `undone()` a transaction is a savepoint.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._wire = connection.pgconn
        self._planned: dict[str, bytes] = {}
        self.execute("set client_min_messages = error; set jit = off")

    def execute(self, text: str) -> list[Cells]:
        """Run a text of SQL, of one statement or more, and return the rows of its last one."""
        return self._rows(self._wire.exec_(text.encode()))

    def apply(self, plan: Plan) -> None:
        """Run the transactions of a plan."""
        for transaction in plan.transactions:
            with self.transaction():
                for step in transaction.steps:
                    self.execute(step.text)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Undo at the end whatever is done inside."""
        self.execute("begin")
        try:
            yield
        finally:
            self.execute("rollback")

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Neither triggers, foreign keys nor rules are looked at inside.

        Where there is none there is nothing to do: to say it makes Postgres forget all that it has planned.
        """
        if not self.execute(_WOKEN):
            yield
            return
        self.execute("set session_replication_role = replica")
        try:
            yield
        finally:
            self.execute("set session_replication_role = origin")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo what is done inside if it fails."""
        inside = self._wire.transaction_status != pq.TransactionStatus.IDLE
        self.execute("savepoint inner_one" if inside else "begin")
        try:
            yield
        except BaseException:
            self.execute("rollback to inner_one" if inside else "rollback")
            raise
        self.execute("release inner_one" if inside else "commit")

    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement."""
        return (await self.run_all([statement]))[0]

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run all statements, as if nobody else were there. What reads leaves no setting behind."""
        with contextlib.ExitStack() as stack:
            if options.read_only:
                stack.enter_context(self._looking())
            else:
                stack.enter_context(self.transaction())
            return [Result((), self._run(each.text), "", None) for each in statements]

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        inside = self._wire.transaction_status != pq.TransactionStatus.IDLE
        self.execute("savepoint inner_one" if inside else "begin")
        try:
            yield
        finally:
            self.execute("rollback to inner_one" if inside else "rollback")

    def _run(self, text: str) -> list[Cells]:
        if len(text) < _LONG:
            return self.execute(text)
        name = self._planned.get(text)
        if name is None:
            name = b"planned_%d" % len(self._planned)
            self._rows(self._wire.prepare(name, text.encode()))
            self._planned[text] = name
        return self._rows(self._wire.exec_prepared(name, None))

    def _rows(self, result: Any) -> list[Cells]:
        if result.status not in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.EMPTY_QUERY}:
            raise errors.error_from_result(result)
        return [
            [_text(result.get_value(row, column)) for column in range(result.nfields)] for row in range(result.ntuples)
        ]


def _text(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode()
