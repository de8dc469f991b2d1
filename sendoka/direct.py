"""The seam over TCP, for plain Postgres and for what outlives an HTTP request; the only importer of asyncpg."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sendoka.database.retry import Retry, persist
from sendoka.database.seam import Database
from sendoka.database.secret import Secret
from sendoka.database.statement import Cells, Field, Result, Statement
from sendoka.database.transaction import DEFAULT, LEVELS, TransactionOptions, isolation_level
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    DatabaseError,
    Outcome,
    RequestTimeout,
    SendokaError,
    SettingsError,
    database_error,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["Direct"]

_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "postgres+asyncpg")
_CONNECT_SECONDS = 30.0
# What a pooled connection is put back to: the seam has no session, so nothing of one may reach the next caller.
_RESET = "select pg_advisory_unlock_all(); close all; unlisten *; reset all; discard temp"
_FIELDS = {
    "code": "sqlstate",
    "severity": "severity",
    "message": "message",
    "detail": "detail",
    "hint": "hint",
    "position": "position",
    "where": "context",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "dataType": "data_type_name",
    "constraint": "constraint_name",
}


class Direct(Database):
    """A `Database` over a TCP connection.

    `url` is `postgresql://` or `postgresql+asyncpg://`. Nothing is opened before the first statement. Parameters and
    cells are Postgres text for every type, those of the database's own included; `Field.table_oid` and `.column` stay
    0, because asyncpg does not tell them. Up to `connections` statements run at a time, more wait. Being cancelled
    leaves the outcome unknown and ends the connection.

    Raises SettingsError where the URL or the extra `direct` is missing; close it, or use it as `async with`.
    """

    def __init__(self, url: str, *, connections: int = 4, retry: Retry | None = None) -> None:
        given = Secret(url)
        del url  # a traceback that shows local variables is to show no password
        self._shown = ""
        self._shown = _checked(given)
        self._url = Secret(given.text.replace("+asyncpg", "", 1))
        self._retry = retry or Retry(attempts=4)
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(connections)

    def __repr__(self) -> str:
        return f"Direct({self._shown!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all idle connections."""
        while self._idle:
            await self._idle.pop().close()

    async def run(self, statement: Statement) -> Result[Cells]:
        """Run one statement outside any transaction block."""
        return (await self._send([statement], None))[0]

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Run all statements in one transaction, in order."""
        return await self._send(list(statements), options)

    async def _send(self, statements: list[Statement], options: TransactionOptions | None) -> list[Result[Cells]]:
        said = options or DEFAULT
        deadline = None if said.timeout is None else time.monotonic() + said.timeout
        return await persist(
            lambda: self._once(statements, options, deadline),
            asyncio.sleep,
            retry=self._retry,
            batch=options is not None,
            repeatable=said.repeatable,
            deadline=deadline,
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
    async def _connection(self) -> AsyncIterator[_Connection]:
        """Lend a connection; it is kept when the statements answered, and ended when anything else happened."""
        async with self._free:
            connection = self._take() or await _connect(self._url, self._shown)
            kept = False
            try:
                yield connection
                kept = True
            except DatabaseError as error:
                kept = error.outcome is Outcome.FAILED
                raise
            finally:
                if kept and await connection.reset():
                    self._idle.append(connection)
                else:
                    connection.end()

    def _take(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.alive():
                return connection
        return None


def _checked(url: Secret) -> str:
    """Return what of the URL may be shown: host and database."""
    shown = _place(url.text)
    if shown is None:
        raise SettingsError(
            "the connection string is not a postgresql:// URL",
            todo="write postgresql://user:password@host:5432/database; encode @ : / ? # % in the password",
        )
    return shown


def _place(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
        valid = parts.scheme in _SCHEMES and bool(parts.hostname or parts.query)
        return f"{parts.hostname or ''}{parts.path}" if valid else None
    except ValueError:
        return None


def _begin(options: TransactionOptions) -> str:
    """Return the BEGIN for `options`; what they leave open stays with the role's defaults."""
    level = isolation_level(options.isolation_level)
    words = [f"isolation level {LEVELS[level]}"] if level else []
    if options.read_only is not None:
        words.append("read only" if options.read_only else "read write")
    if options.deferrable is not None:
        words.append("deferrable" if options.deferrable else "not deferrable")
    return " ".join(["begin", ", ".join(words)]).strip()


async def _connect(url: Secret, shown: str) -> _Connection:
    asyncpg = _asyncpg()
    raw = await _opened(asyncpg, url, shown)
    if isinstance(raw, SendokaError):
        raise raw
    connection = _Connection(raw, asyncpg)
    await connection.know_types()
    return connection


async def _opened(asyncpg: Any, url: Secret, shown: str) -> Any:
    """Return asyncpg's connection, or our error: raised from here, asyncpg's frames with the URL would come along."""
    where = f"connecting to {shown}"
    try:
        return await asyncpg.connect(url.text, statement_cache_size=0, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError) as error:
        why = str(error) or type(error).__name__
        failed = ConnectFailed(f"no connection to Postgres: {why}", where=where)
        failed.__cause__ = error.with_traceback(None)
        failed.__cause__.__context__ = None
        return failed
    except asyncpg.PostgresError as error:
        return _reported(error, None, Outcome.REFUSED)
    except (ValueError, asyncpg.InterfaceError):  # its text may hold the connection string
        return SettingsError("asyncpg cannot use the connection string", where=where)


def _asyncpg() -> Any:
    try:
        import asyncpg
    except ImportError as error:
        raise SettingsError("Postgres over TCP needs asyncpg", todo='pip install "sendoka[direct]"') from error
    return asyncpg


def _reported(error: Any, statement: Statement | None, outcome: Outcome) -> DatabaseError:
    """Return our error for one of asyncpg's, whose fields are those of the protocol."""
    fields = {ours: getattr(error, theirs, None) for ours, theirs in _FIELDS.items()}
    fields["message"] = fields["message"] or str(error)
    return database_error(fields, statement=statement.text if statement else None, outcome=outcome)


class _Connection:
    """One of asyncpg's connections, made to speak text."""

    def __init__(self, raw: Any, asyncpg: Any) -> None:
        self._raw = raw
        self._asyncpg = asyncpg
        # What asyncpg raises where the connection is gone; the last when it notices in the middle of a step of its own.
        self._losses = (OSError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)
        self._failures = (asyncpg.PostgresError, asyncpg.InterfaceError, *self._losses)
        self._known: set[int] = set()

    def alive(self) -> bool:
        return not self._raw.is_closed()

    def end(self) -> None:
        self._raw.terminate()

    async def close(self) -> None:
        with contextlib.suppress(*self._failures, TimeoutError):
            await self._raw.close(timeout=5)

    async def reset(self) -> bool:
        try:
            await self._raw.execute(_RESET)
        except self._failures:
            return False
        return True

    async def know_types(self) -> None:
        """Make every type of the database travel as text, in both directions.

        `set_type_codec` does this for scalar types only. Its own last step, `add_python_codec` of the connection's
        settings, does it for arrays, ranges and composites too; a test holds it to that.
        """
        settings = self._raw._protocol.get_settings()
        for oid, name in await self._raw.fetch("select oid, typname from pg_catalog.pg_type"):
            number = int(oid)
            settings.add_python_codec(number, name, "pg_catalog", [], "scalar", str, str, "text")
            self._known.add(number)

    async def transact(self, statements: list[Statement], begin: str) -> list[Result[Cells]]:
        await self._command(begin, Outcome.NOT_SENT)
        try:
            results = [await self.execute(statement) for statement in statements]
        except SendokaError:
            if self.alive():
                await self._command("rollback", Outcome.FAILED)
            raise
        await self._command("commit", Outcome.UNKNOWN)
        return results

    async def _command(self, text: str, lost: Outcome) -> None:
        try:
            await self._raw.execute(text)
        except self._failures as error:
            raise self._ours(error, Statement(text), lost) from None

    async def execute(self, statement: Statement, *, first: bool = False) -> Result[Cells]:
        """Run one statement. Lost while it was only being parsed, and `first`, it was not sent as far as SQL goes."""
        lost = Outcome.NOT_SENT if first else Outcome.UNKNOWN
        try:
            prepared = await self._prepare(statement.text)
            lost = Outcome.UNKNOWN
            records = await prepared.fetch(*statement.params)
        except self._failures as error:
            raise self._ours(error, statement, lost) from None
        fields = tuple(Field(column.name, column.type.oid) for column in prepared.get_attributes())
        command, count = _tag(prepared.get_statusmsg())
        return Result(fields, [list(record) for record in records], command, count)

    async def _prepare(self, text: str) -> Any:
        """Prepare without a name; types made since the connection was opened are learnt first."""
        try:
            prepared = await self._raw.prepare(text, name="")
            types = [*prepared.get_parameters(), *(column.type for column in prepared.get_attributes())]
            if all(kind.oid in self._known for kind in types):
                return prepared
        except self._asyncpg.UnsupportedClientFeatureError:
            pass
        await self.know_types()
        return await self._raw.prepare(text, name="")

    def _ours(self, error: Any, statement: Statement, lost: Outcome) -> SendokaError:
        severity = getattr(error, "severity_en", None) or getattr(error, "severity", None)
        ended = severity in {"FATAL", "PANIC"} or isinstance(error, self._losses)
        if ended or not self.alive():
            said = getattr(error, "message", None) or str(error) or type(error).__name__
            return AnswerLost(f"the connection was lost: {said}", outcome=lost)
        if isinstance(error, self._asyncpg.PostgresError):
            return _reported(error, statement, Outcome.FAILED)
        # asyncpg counts the parameters itself, where the server would answer 08P01.
        said = str(error).partition("\n")[0]
        return database_error({"code": "08P01", "message": said}, statement=statement.text)


def _tag(tag: str | None) -> tuple[str, int | None]:
    """Return a command tag's first word and its last number: `INSERT 0 5` is INSERT and 5."""
    words = (tag or "").split()
    if not words:
        return "", None
    return words[0], int(words[-1]) if words[-1].isdecimal() else None
