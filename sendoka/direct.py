"""The seam over TCP, for plain Postgres and for what outlives an HTTP request; the only importer of asyncpg."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sendoka.database.retry import Retry, may_send_again
from sendoka.database.seam import Database
from sendoka.database.statement import Cells, Field, Result, Statement
from sendoka.database.transaction import DEFAULT, TransactionOptions, isolation_level
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    DatabaseError,
    Outcome,
    SendokaError,
    SettingsError,
    TransportError,
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
_LEVELS = {
    "ReadUncommitted": "read uncommitted",
    "ReadCommitted": "read committed",
    "RepeatableRead": "repeatable read",
    "Serializable": "serializable",
}
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
        self._url, self._shown = _checked(url)
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
        repeatable = options is not None and (options.idempotent or options.read_only is True)
        unknown, attempt = False, 0
        while True:
            attempt += 1
            try:
                async with self._connection() as connection:
                    if options is None:
                        return [await connection.execute(statements[0], first=True)]
                    return await connection.transact(statements, _begin(options))
            except (DatabaseError, TransportError) as error:
                again = may_send_again(error, batch=options is not None, repeatable=repeatable, unknown_before=unknown)
                unknown = unknown or error.outcome is Outcome.UNKNOWN
                if attempt >= self._retry.attempts or not again:
                    raise
            await asyncio.sleep(self._retry.wait(attempt))

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


def _checked(url: str) -> tuple[str, str]:
    """Return the URL as asyncpg reads it, and what of it may be shown: host and database."""
    try:
        parts = urlsplit(url)
        shown = f"{parts.hostname or ''}{parts.path}"
        valid = parts.scheme in _SCHEMES and bool(parts.hostname or parts.query)
        _ = parts.port
    except ValueError:
        shown, valid = "", False
    if not valid:
        raise SettingsError(
            "the connection string is not a postgresql:// URL",
            todo="write postgresql://user:password@host:5432/database; encode @ : / ? # % in the password",
        ) from None
    return url.replace("+asyncpg", "", 1), shown


def _begin(options: TransactionOptions) -> str:
    """Return the BEGIN for `options`; what they leave open stays with the role's defaults."""
    level = isolation_level(options.isolation_level)
    words = [f"isolation level {_LEVELS[level]}"] if level else []
    if options.read_only is not None:
        words.append("read only" if options.read_only else "read write")
    if options.deferrable is not None:
        words.append("deferrable" if options.deferrable else "not deferrable")
    return " ".join(["begin", ", ".join(words)]).strip()


async def _connect(url: str, shown: str) -> _Connection:
    asyncpg = _asyncpg()
    where = f"connecting to {shown}"
    try:
        raw = await asyncpg.connect(url, statement_cache_size=0, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError) as error:
        why = str(error) or type(error).__name__
        raise ConnectFailed(f"no connection to Postgres: {why}", where=where) from error
    except asyncpg.PostgresError as error:
        raise _reported(error, None, Outcome.REFUSED) from None
    except (ValueError, asyncpg.InterfaceError):  # its text may hold the connection string
        raise SettingsError("asyncpg cannot use the connection string", where=where) from None
    connection = _Connection(raw, asyncpg)
    await connection.know_types()
    return connection


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
