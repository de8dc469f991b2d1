"""The client: `sql = neon(url)`, `await sql("select …")`, `await sql.transaction([…])`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from sendoka.database.home import NAMESPACE, at_home, checked_namespace
from sendoka.database.retry import Retry, persist
from sendoka.database.seam import Database
from sendoka.database.secret import Secret
from sendoka.database.statement import Statement
from sendoka.database.transaction import DEFAULT, TransactionOptions, isolation_level, only_reads
from sendoka.errors import DatabaseError, Outcome, TransportError
from sendoka.http.compose import compose
from sendoka.http.credentials import Credentials
from sendoka.http.observe import Observer
from sendoka.http.query import Query, Reading
from sendoka.http.reply import read_batch, read_single
from sendoka.http.request import Request, batch_body, option_headers, single_body
from sendoka.http.target import Where, find_target
from sendoka.http.transport import MAX_ANSWER, MAX_CONNECTIONS, Timing, Transport, TransportOptions, Transports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Never, NoReturn, Self

    import httpx

    from sendoka.database.once import Once
    from sendoka.database.statement import Cells, Result
    from sendoka.http.compose import Composable
    from sendoka.http.credentials import Headers
    from sendoka.http.events import Hook
    from sendoka.http.observe import Watch
    from sendoka.http.reply import Reply
    from sendoka.http.row import Row
    from sendoka.http.target import Target
    from sendoka.http.transaction import Transaction
    from sendoka.http.types.choice import Types

    _Given = tuple[Where, str | Transport | httpx.AsyncClient | None, TransportOptions, bool, dict[str, Any]]

T = TypeVar("T")

__all__ = ["Neon", "neon"]


class Neon(Database):
    """A database behind Neon's `POST /sql`. Made by `neon()`; safe to share among any number of tasks.

    It opens no connection before the first statement. Use it in `async with`, or close it with `aclose()`.
    """

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        transports: Transports,
        observer: Observer,
        *,
        timeout: float,
        retry: Retry,
        types: Types | None,
        namespace: str = NAMESPACE,
        given: _Given | None = None,
    ) -> None:
        self.namespace = namespace
        self._given = given
        self._observer = observer
        self._target = target
        self._credentials = credentials
        self._transports = transports
        self._timeout = timeout
        self._retry = retry
        self._reading: Reading[Row] = Reading(types)

    @property
    def target(self) -> Target:
        """Which database, and where; its repr shows no secret."""
        return self._target

    @property
    def detoured(self) -> bool:
        """Whether its requests go through httpx, where it was not said how: a proxy applies, or a mock is loaded."""
        return self._transports.detoured

    @property
    def timeout(self) -> float:
        """The seconds that a call may take, where it does not say otherwise."""
        return self._timeout

    def __call__(
        self,
        statement: Composable,
        /,
        *params: Any,
        read_only: bool = False,
        idempotent: bool = False,
        timeout: float | None = None,
        types: Mapping[str | int, Callable[[str], Any]] | None = None,
        **unknown: Never,
    ) -> Query[Row]:
        """Return a query: a text with parameters for `$1, $2, …`, or a fragment, t-string or SQLAlchemy statement.

        Nothing is sent until it is awaited. `read_only=True` tells the server so, and `idempotent=True` is your word
        that running it twice does no harm; both let a lost answer be met by sending again. `timeout` is the seconds
        this call may take, where it is not the client's own. `types` says what cells are read as, over what the client
        says (see `Types`). Raises TypeError for a parameter that has no Postgres text, and for what is no statement.
        """
        if unknown:
            raise TypeError(_unknown(unknown))
        text, params = compose(statement, params)
        options = DEFAULT
        if read_only or idempotent or timeout is not None:
            _check_flag("read_only", read_only)
            _check_flag("idempotent", idempotent)
            if timeout is not None:
                _check_timeout(timeout)
            options = TransactionOptions(read_only=read_only or None, idempotent=idempotent, timeout=timeout)
        reading = self._reading if types is None else self._reading.typed(types)
        return Query(self, Statement(text, _encoded(params)), options, reading)

    def transaction(
        self,
        queries: Sequence[Query[T]] | Callable[[Neon], Sequence[Query[T]]] | None = None,
        *,
        isolation_level: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
        idempotent: bool = False,
        timeout: float | None = None,
        settings: Mapping[str, Any] | None = None,
        once: str | Once[Query[T]] | None = None,
    ) -> Transaction[T]:
        """Return a transaction of a list of queries (or of a plain function that returns one), sent when awaited.

        It answers the rows of each statement, in order. Whatever fails, COMMIT included, leaves nothing and raises one
        error. Options not given are left to the database; `timeout` is the seconds this call may take. `settings` hold
        for this transaction: `{"statement_timeout": "5s", "request.jwt.claims": {…}}`. `once` is a key that names the
        effect: with it the effect is there once, however often the call is sent or made (see `Once`). Raises
        TypeError, ValueError or RuntimeError at once for a list that cannot be one transaction.
        """
        from sendoka.http.transaction import LIST_FORM, Transaction, abandon, once_of, queries_of

        try:
            if queries is None:
                raise TypeError(LIST_FORM)
            listed = queries_of(self, queries)
            options = _options(isolation_level, read_only, deferrable, idempotent, timeout)
            return Transaction(self, listed, options, settings, once_of(self, once, options))
        except Exception:
            abandon([getattr(once, "then", None)])
            raise

    def begin(self, *arguments: object, **_options: object) -> NoReturn:
        """Raise an error that shows the list form: over HTTP nothing can be held open."""
        from sendoka.http.transaction import LIST_FORM, abandon

        abandon(arguments)
        raise TypeError(f"there is no begin(): {LIST_FORM}")

    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement by itself. See `Database.run`."""
        return await self.send(statement, DEFAULT)

    async def run_for(self, statement: Statement, seconds: float) -> Result[Cells]:
        """Run one statement by itself, which may take `seconds`. See `Database.run_for`."""
        return await self.send(statement, TransactionOptions(timeout=seconds))

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run `statements` as one transaction, in one request. See `Database.run_all`."""
        if not statements:
            return []
        statements = at_home(statements, self.namespace)
        body, headers = batch_body(statements), option_headers(options)
        return await self._exchange(
            body, headers, statements, lambda reply: read_batch(reply, statements), True, options
        )

    async def send(self, statement: Statement, options: TransactionOptions) -> Result[Cells]:
        """Run one statement: as a transaction of one where `options` say something to the server, else by itself."""
        if options.read_only:
            return (await self.run_all([statement], options))[0]
        (statement,) = at_home([statement], self.namespace)
        return await self._exchange(
            single_body(statement), (), [statement], lambda reply: read_single(reply, statement), False, options
        )

    async def _exchange(
        self,
        body: bytes,
        said: Headers,
        statements: Sequence[Statement],
        read: Callable[[Reply], T],
        batch: bool,
        options: TransactionOptions,
    ) -> T:
        reads = only_reads(options, statements)
        with self._observer.begin(statements, batch, only_reads=reads) as watch:
            timing = Timing.start(self._timeout if options.timeout is None else options.timeout, watch.marks)

            async def send() -> T:
                return read(await self._ask(body, said, timing, watch))

            # The first send stands here and not in the loop: nearly always it is the only one.
            try:
                return await send()
            except (TransportError, DatabaseError) as error:
                try:
                    return await persist(
                        send,
                        self._pause,
                        failed=error,
                        retry=self._retry,
                        batch=batch and not options.meets_conflicts,
                        repeatable=reads or options.idempotent,
                        deadline=timing.deadline,
                        insistent=options.insistent,
                        told=watch.again,
                    )
                except TransportError as last:
                    if last.outcome is Outcome.UNKNOWN:
                        from sendoka.http.blame import place

                        place(last, statements, only_reads=reads)
                    raise

    async def _ask(self, body: bytes, said: Headers, timing: Timing, watch: Watch) -> Reply:
        """Send one request, once."""
        # No name for the header lines: a traceback that shows local variables would show the password.
        request = Request(
            self._target, (self._credentials.fixed or await self._credentials.headers(timing)) + said, body
        )
        transport = self._transports.choose()
        watch.sending(transport, len(body))
        reply = await transport.exchange(request, timing)
        watch.answered(reply)
        return reply

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes a client of the same database in another process, secrets included; hooks stay here.

        Raises TypeError for a client that was not made by `neon()`.
        """
        if self._given is None:
            raise TypeError("only a client made by neon() can be pickled")
        return _made, self._given


def neon(
    url: str | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    user: str | None = None,
    password: str | Callable[[], str | Awaitable[str]] | None = None,
    database: str | None = None,
    token: str | Callable[[], str | Awaitable[str]] | None = None,
    application_name: str | None = None,
    endpoint: str | None = None,
    transport: str | Transport | httpx.AsyncClient | None = None,
    timeout: float = 60.0,
    connect_timeout: float = 10.0,
    retry: Retry | None = None,
    types: Types | Mapping[str | int, Callable[[str], Any]] | None = None,
    hooks: Iterable[Hook] = (),
    log_parameters: bool = False,
    ca: str | os.PathLike[str] | None = None,
    max_connections: int = MAX_CONNECTIONS,
    max_answer: int = MAX_ANSWER,
    namespace: str = NAMESPACE,
) -> Neon:
    """Return a client for the database at `url`, `postgresql://user:password@host/database`.

    url: the connection string; `DATABASE_URL` of the environment where neither it nor `host` is given.
    host, port, user, password, database: parts, which stand for those of the connection string, or make one.
        `password` may be a function, sync or async, that is asked before each send.
    token: a JWT, or a function that returns one, for Neon's authorization by token; it goes to the `apiauth` host.
    application_name: how this application names itself in the connection string.
    endpoint: the URL of `POST /sql`, where it is not the one that follows from the host by Neon's rules.
    transport: an `httpx.AsyncClient` or `Transport` of yours, or "native" or "httpx" to insist. By default native, and
        httpx where a proxy applies or where respx is loaded, so that its mocks work.
    timeout: seconds for a whole call, retries and a cold start included. connect_timeout: seconds for one connection.
    retry: how often and how long to wait between sends; only what cannot have run is sent again (see `Outcome`).
    types: what cells are read as where it is not what the catalog says: `{"jsonb": loads, 1700: float}`; see `Types`.
    hooks: functions that are called with a `RequestEvent` after each request, or hooks as `otel()` makes them.
    log_parameters: whether the lines of the logger `sendoka.http` show parameters.
    ca: a file of certificates in PEM, or a folder of hashed ones, to trust instead of the system's own.
    max_connections: how many an event loop may hold; who comes when all are in use waits in line.
    max_answer: bytes that the body of an answer may have.
    namespace: where Sendoka keeps its own tables, for two applications that share one database.

    Raises SettingsError, which never shows a secret.
    """
    if url is None and host is None:
        url = os.environ.get("DATABASE_URL", "")
    where = Where(
        None if url is None else Secret(url),
        None if endpoint is None else Secret(endpoint),
        *(host, port, user, password, database, token, application_name),
    )
    # From here on a traceback that shows local variables shows no password.
    del url, endpoint, password, token
    _check_timeout(timeout)
    _check_timeout(connect_timeout, "connect_timeout")
    _check_flag("log_parameters", log_parameters)
    retry = Retry() if retry is None else retry
    if not isinstance(retry, Retry):
        raise TypeError(f"retry= is a Retry(…), as Retry(attempts=1), not {retry!r}")
    options = TransportOptions(connect_timeout, max_connections, max_answer, ca)
    settings = {"timeout": timeout, "retry": retry, "types": _types(types), "namespace": checked_namespace(namespace)}
    return _made(where, transport, options, log_parameters, settings, hooks)


def _made(
    where: Where,
    transport: str | Transport | httpx.AsyncClient | None,
    options: TransportOptions,
    log_parameters: bool,
    settings: dict[str, Any],
    hooks: Iterable[Hook] = (),
) -> Neon:
    """Return the client of what was checked: by `neon()`, or in the process that pickled it."""
    target = find_target(where)
    return Neon(
        target,
        Credentials(target, where),
        Transports(target, transport, options),
        Observer(target, hooks, log_parameters=log_parameters),
        **settings,
        given=(where, transport, options, log_parameters, settings),
    )


def _unknown(given: Mapping[str, object]) -> str:
    """Say what is wrong with names that a statement was given; never their values."""
    listed = ", ".join(f"{name}=" for name in given)
    if given.keys() <= {"once", "settings", "isolation_level", "deferrable"}:
        return f"{listed} belongs to a transaction, be it of one statement: await sql.transaction([sql(…)], {listed}…)"
    return (
        f"a statement takes no {listed}: parameters have no names and follow the text in the order of $1, $2, …, "
        "and fragment() takes names in braces"
    )


def _encoded(params: tuple[Any, ...]) -> tuple[str | None, ...]:
    if not params:
        return ()
    from sendoka.http.encode import encode_all  # with the first parameter

    return encode_all(params)


def _types(given: Types | Mapping[str | int, Callable[[str], Any]] | None) -> Types | None:
    if given is None:
        return None
    from sendoka.http.types.choice import BUILT_IN, Types

    return given if isinstance(given, Types) else BUILT_IN.extended(given)


def _options(
    level: str | None, read_only: bool | None, deferrable: bool | None, idempotent: bool, timeout: float | None
) -> TransactionOptions:
    if timeout is not None:
        _check_timeout(timeout)
    for name, given in (("read_only", read_only), ("deferrable", deferrable), ("idempotent", idempotent)):
        _check_flag(name, given)
    return TransactionOptions(isolation_level(level), read_only, deferrable, idempotent, timeout)


def _check_timeout(given: object, name: str = "timeout") -> None:
    if not isinstance(given, int | float) or isinstance(given, bool) or not given > 0:
        raise ValueError(f"{name}= is a number of seconds above 0, not {given!r}")


def _check_flag(name: str, given: object) -> None:
    """Raise TypeError for what is neither True nor False: a text like "false" would count as true."""
    if given is not None and not isinstance(given, bool):
        raise TypeError(f"{name}= is True or False, not {given!r}")
