"""`Direct`: a `Database` over TCP, with a pool of connections for each event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sendoka.database.home import NAMESPACE, at_home, checked_namespace
from sendoka.database.retry import Retry, persist
from sendoka.database.seam import Database
from sendoka.database.secret import Secret
from sendoka.database.transaction import DEFAULT, LEVELS, TransactionOptions, is_repeatable, isolation_level
from sendoka.direct.login import Login
from sendoka.errors import DatabaseError, Outcome, RequestTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from types import TracebackType
    from typing import Self

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.direct.connection import Connection

__all__ = ["Direct"]


class _Pool:
    """The connections of one event loop: those that are idle, and whose turn it is to open more."""

    def __init__(self, connections: int) -> None:
        self.idle: list[Connection] = []
        self.free = asyncio.Semaphore(connections)

    def take(self) -> Connection | None:
        """Return an idle connection that is not known to be gone."""
        while self.idle:
            connection = self.idle.pop()
            if connection.alive():
                return connection
        return None

    async def take_back(self, connection: Connection, *, kept: bool) -> None:
        """Keep a connection for the next caller, as good as new, or end it; being cancelled ends it too."""
        fresh = False
        try:
            fresh = kept and await connection.reset()
        finally:
            if fresh:
                self.idle.append(connection)
            else:
                await connection.close()


class Direct(Database):
    """A `Database` over a TCP connection.

    `url` is `postgresql://` or `postgresql+asyncpg://`. Nothing is opened before the first statement. Parameters and
    cells are Postgres text for every type, those of the database's own included; `Field.table_oid` and `.column` stay
    0, because asyncpg does not tell them. Up to `connections` statements run at a time in an event loop, more wait.
    `application_name` is what pg_stat_activity shows, where the URL does not say it; `namespace` is where our own
    tables are. Errors and outcomes are those of the client. Being cancelled leaves the outcome unknown; the server is
    told to cancel, and the connection ends.

    Raises SettingsError where the URL or the extra `direct` is missing, ValueError for no connections at all; close it,
    or use it as `async with`.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        application_name: str = "sendoka",
        retry: Retry | None = None,
        namespace: str = NAMESPACE,
    ) -> None:
        given = Secret(url)
        del url  # a traceback that shows local variables is to show no password
        self._shown = ""
        if connections < 1:
            raise ValueError(f"connections={connections}: at least 1 is needed")
        self.namespace = checked_namespace(namespace)
        self._login = Login(given, application_name)
        self._shown = self._login.shown
        self._retry = retry or Retry(attempts=4)
        self._connections = connections
        # Weak: a loop that is over takes its connections along, which cannot move to another.
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"Direct({self._shown!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the idle connections of the running event loop."""
        idle = self._pool().idle
        while idle:
            await idle.pop().close()

    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement outside any transaction block."""
        return (await self._send(list(at_home([statement], self.namespace)), None))[0]

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run all statements in one transaction, in order."""
        return await self._send(list(at_home(statements, self.namespace)), options)

    async def _send(self, statements: list[Statement], options: TransactionOptions | None) -> list[Result[Cells]]:
        said = options or DEFAULT
        deadline = None if said.timeout is None else time.monotonic() + said.timeout
        return await persist(
            lambda: self._once(statements, options, deadline),
            asyncio.sleep,
            retry=self._retry,
            batch=options is not None,
            repeatable=is_repeatable(said, statements),
            deadline=deadline,
            insistent=said.insistent,
        )

    async def _once(
        self, statements: list[Statement], options: TransactionOptions | None, deadline: float | None
    ) -> list[Result[Cells]]:
        outcome = Outcome.NOT_SENT
        try:
            async with (
                asyncio.timeout(None if deadline is None else deadline - time.monotonic()) as limit,
                self._connection() as connection,
            ):
                outcome = Outcome.UNKNOWN
                if options is None:
                    results = [await connection.execute(statements[0], first=True)]
                else:
                    results = await connection.transact(statements, _begin(options))
                if not limit.expired():
                    limit.reschedule(None)  # what follows readies the connection for the next caller
                return results
        except TimeoutError:
            after = f" of {options.timeout:g} s" if options and options.timeout is not None else ""
            raise RequestTimeout(f"the deadline{after} passed", outcome=outcome, passing=False) from None

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; it is kept when the statements answered, and ended when anything else happened."""
        pool = self._pool()
        async with pool.free:
            connection = pool.take() or await self._login.connect()
            kept = False
            try:
                yield connection
                kept = True
            except DatabaseError as error:
                kept = error.outcome is Outcome.FAILED
                raise
            finally:
                await pool.take_back(connection, kept=kept)

    def _pool(self) -> _Pool:
        return self._pools.setdefault(asyncio.get_running_loop(), _Pool(self._connections))


def _begin(options: TransactionOptions) -> str:
    """Return the BEGIN for `options`; what they leave open stays with the role's defaults."""
    level = isolation_level(options.isolation_level)
    words = [f"isolation level {LEVELS[level]}"] if level else []
    if options.read_only is not None:
        words.append("read only" if options.read_only else "read write")
    if options.deferrable is not None:
        words.append("deferrable" if options.deferrable else "not deferrable")
    return " ".join(["begin", ", ".join(words)]).strip()
