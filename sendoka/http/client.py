"""The client: `sql = neon(url)`, `await sql("select …")`, `await sql.transaction([…])`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sendoka.database.retry import Retry, persist
from sendoka.database.seam import Database
from sendoka.database.secret import Secret
from sendoka.database.statement import Statement
from sendoka.database.transaction import DEFAULT, TransactionOptions, isolation_level, may_set
from sendoka.http.encode import encode_all
from sendoka.http.query import LIST_FORM, Query, Transaction, abandon, statements_of
from sendoka.http.reply import read_batch, read_single
from sendoka.http.request import batch_request, single_request
from sendoka.http.target import Target, read_target
from sendoka.http.transport import Timing, Transport, Transports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import NoReturn, Self, TypeVar

    import httpx

    from sendoka.database.statement import Cells, Result
    from sendoka.http.query import Queries
    from sendoka.http.reply import Reply
    from sendoka.http.request import Request

    T = TypeVar("T")

__all__ = ["Neon", "neon"]


class Neon(Database):
    """A database behind Neon's `POST /sql`. Made by `neon()`; safe to share among any number of tasks.

    It opens no connection before the first statement. Use it in `async with`, or close it with `aclose()`.
    """

    def __init__(self, target: Target, transports: Transports, *, timeout: float, retry: Retry) -> None:
        self._target = target
        self._transports = transports
        self._timeout = timeout
        self._retry = retry

    @property
    def target(self) -> Target:
        """Which database, and where; its repr shows no secret."""
        return self._target

    def __call__(
        self,
        text: str,
        /,
        *params: Any,
        read_only: bool = False,
        idempotent: bool = False,
        timeout: float | None = None,
    ) -> Query:
        """Return the query `text` with parameters for `$1, $2, …`. Nothing is sent until it is awaited.

        `read_only=True` tells the server so, and `idempotent=True` is your word that running it twice does no harm;
        both let a lost answer be met by sending again. `timeout` is the seconds this call may take, where it is not the
        client's own. Raises TypeError for a parameter that has no Postgres text.
        """
        if not isinstance(text, str):
            raise TypeError(f"a statement is text, not {type(text).__name__}")
        _check_timeouts(timeout)
        options = TransactionOptions(read_only=read_only or None, idempotent=idempotent, timeout=timeout)
        return Query(self, Statement(text, encode_all(params)), options)

    def transaction(
        self,
        queries: Queries | None = None,
        *,
        isolation_level: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        idempotent: bool = False,
        timeout: float | None = None,
    ) -> Transaction:
        """Return a transaction of a list of queries (or of a plain function that returns one), sent when awaited.

        It answers the rows of each statement, in order. Whatever fails, COMMIT included, leaves nothing and raises one
        error. Options not given are left to the database; `timeout` is the seconds this call may take. Raises
        TypeError, ValueError or RuntimeError at once for a list that cannot be one transaction.
        """
        if queries is None:
            raise TypeError(LIST_FORM)
        statements = statements_of(self, queries)
        _check_timeouts(timeout)
        options = _options(isolation_level, read_only, deferrable, idempotent, timeout)
        return Transaction(self, statements, options)

    def begin(self, *arguments: object, **_options: object) -> NoReturn:
        """Raise an error that shows the list form: over HTTP nothing can be held open."""
        abandon(arguments)
        raise TypeError(f"there is no begin(): {LIST_FORM}")

    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement by itself. See `Database.run`."""
        return await self.send(statement, DEFAULT)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run `statements` as one transaction, in one request. See `Database.run_all`."""
        if not statements:
            return []
        request = batch_request(self._target, statements, options)
        if not options.idempotent and any(may_set(statement.text) for statement in statements):
            # The headers were written; for sending again it counts as what it may make of itself.
            options = replace(options, read_only=None)
        return await self._exchange(request, lambda reply: read_batch(reply, statements), True, options)

    async def send(self, statement: Statement, options: TransactionOptions) -> Result[Cells]:
        """Run one statement: as a transaction of one where `options` say something to the server, else by itself."""
        if options.read_only:
            return (await self.run_all([statement], options))[0]
        request = single_request(self._target, statement)
        return await self._exchange(request, lambda reply: read_single(reply, statement), False, options)

    async def _exchange(
        self, request: Request, read: Callable[[Reply], T], batch: bool, options: TransactionOptions
    ) -> T:
        timing = Timing.start(self._timeout if options.timeout is None else options.timeout)

        async def send() -> T:
            return read(await self._transports.choose().exchange(request, timing))

        return await persist(
            send,
            self._pause,
            retry=self._retry,
            batch=batch,
            repeatable=options.repeatable,
            deadline=timing.deadline,
        )

    async def _pause(self, seconds: float) -> None:
        await self._transports.choose().sleep(seconds)

    async def aclose(self) -> None:
        """Close the connections. The client can be used again afterwards, and opens new ones."""
        await self._transports.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<neon {self._target.url} database={self._target.database!r}>"


def neon(
    url: str | None = None,
    *,
    endpoint: str | None = None,
    transport: str | Transport | httpx.AsyncClient | None = None,
    timeout: float = 60.0,
    connect_timeout: float = 10.0,
    retry: Retry | None = None,
) -> Neon:
    """Return a client for the database at `url`, `postgresql://user:password@host/database`.

    url: the connection string; `DATABASE_URL` of the environment where it is not given.
    endpoint: the URL of `POST /sql`, where it is not the one that follows from the host by Neon's rules.
    transport: an `httpx.AsyncClient` or `Transport` of yours, or "native" or "httpx" to insist. By default native, and
        httpx where a proxy applies or where respx is loaded, so that its mocks work.
    timeout: seconds for a whole call, retries and a cold start included. connect_timeout: seconds for one connection.
    retry: how often and how long to wait between sends; only what cannot have run is sent again (see `Outcome`).

    Raises SettingsError, which never shows the string.
    """
    given = Secret(os.environ.get("DATABASE_URL", "") if url is None else url)
    place = None if endpoint is None else Secret(endpoint)
    # From here on a traceback that shows local variables shows no password.
    del url, endpoint
    _check_timeouts(timeout, connect_timeout)
    target = read_target(given, place)
    return Neon(target, Transports(target, transport, connect_timeout), timeout=timeout, retry=retry or Retry())


def _options(
    level: str | None, read_only: bool | None, deferrable: bool | None, idempotent: bool, timeout: float | None
) -> TransactionOptions:
    return TransactionOptions(isolation_level(level), read_only, deferrable, idempotent, timeout)


def _check_timeouts(*timeouts: float | None) -> None:
    if any(timeout is not None and not timeout > 0 for timeout in timeouts):
        raise ValueError("a timeout is a number of seconds above 0")
