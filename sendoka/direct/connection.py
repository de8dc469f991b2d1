"""One of asyncpg's connections, made to speak text, and its errors made ours."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Field, Result, Statement
from sendoka.errors import AnswerLost, Outcome, SendokaError, database_error

if TYPE_CHECKING:
    from sendoka.database.statement import Cells
    from sendoka.errors import DatabaseError

__all__ = ["Connection", "reported"]

# What a pooled connection is put back to: the seam has no session, so nothing of one may reach the next caller. It is
# what Neon's proxy does between two requests (`reset_session_background` in neondatabase/neon).
_RESET = """close all; set session authorization default; reset all; deallocate all; unlisten *;
select pg_advisory_unlock_all(); discard temp; discard sequences"""
_FAREWELL = 2.0  # seconds for the server to acknowledge a cancel, and to part
_COPY = re.compile(r"(?:[\s;]|--[^\n]*|/\*.*?\*/)*copy\b.*\b(?:from\s+stdin|to\s+stdout)\b", re.IGNORECASE | re.DOTALL)
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


def reported(error: Any, statement: Statement | None, outcome: Outcome) -> DatabaseError:
    """Return our error for one of asyncpg's, whose fields are those of the protocol."""
    fields = {ours: getattr(error, theirs, None) for ours, theirs in _FIELDS.items()}
    fields["message"] = fields["message"] or str(error)
    if (fields["hint"] or "").lstrip().startswith("NOTE: pgbouncer"):
        fields["hint"] = None  # asyncpg's own words, not Postgres'
    return database_error(fields, statement=statement.text if statement else None, outcome=outcome)


class Connection:
    """One of asyncpg's connections, made to speak text."""

    def __init__(self, raw: Any, asyncpg: Any) -> None:
        self._raw = raw
        self._asyncpg = asyncpg
        # What asyncpg raises where the connection is gone; the last when it notices in the middle of a step of its own.
        self._losses = (OSError, asyncpg.PostgresConnectionError, asyncpg.InternalClientError)
        self.failures = (asyncpg.PostgresError, asyncpg.InterfaceError, *self._losses)
        self._known: set[int] = set()

    def alive(self) -> bool:
        """Tell whether it is not known to be gone."""
        return not self._raw.is_closed()

    async def close(self) -> None:
        """Part from the server. A statement that still runs is cancelled there, which no closed socket would do."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._raw.close()
        except (*self.failures, TimeoutError):
            pass
        finally:
            self._raw.terminate()

    async def reset(self) -> bool:
        """Make it as good as new; tell whether it can be used again."""
        open_block = self._raw.is_in_transaction()  # who runs BEGIN by itself leaves one
        try:
            await self._raw.execute(f"rollback; {_RESET}" if open_block else _RESET)
        except self.failures:
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
        """Run the statements as one transaction. Whatever fails, nothing of them stays."""
        await self._command(begin, Outcome.NOT_SENT)
        try:
            results = [await self.execute(statement) for statement in statements]
        except SendokaError:
            # The error says what happened; a connection that is lost now undoes the transaction just as well.
            with contextlib.suppress(*self.failures):
                await self._raw.execute("rollback")
            raise
        await self._command("commit", Outcome.UNKNOWN)
        return results

    async def _command(self, text: str, lost: Outcome) -> None:
        try:
            await self._raw.execute(text)
        except self.failures as error:
            raise self._ours(error, Statement(text), lost) from None

    async def execute(self, statement: Statement, *, first: bool = False) -> Result[Cells]:
        """Run one statement. Lost while it was only being parsed, and `first`, it was not sent as far as SQL goes."""
        lost = Outcome.NOT_SENT if first else Outcome.UNKNOWN
        try:
            _refuse_copy(statement)
            prepared = await self._prepare(statement.text)
            _count(statement, len(prepared.get_parameters()))
            lost = Outcome.UNKNOWN
            records = await prepared.fetch(*statement.params)
        except self.failures as error:
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
        """Return our error: what the server reported, and else the connection is lost."""
        # Where the server said why it ends the connection, asyncpg hands that over as the cause.
        for said in (error, error.__cause__):
            severity = getattr(said, "severity_en", None) or getattr(said, "severity", None)
            if severity is not None:
                return reported(said, statement, lost if severity in {"FATAL", "PANIC"} else Outcome.FAILED)
        if isinstance(error, self._losses) or not self.alive():
            return AnswerLost(f"the connection was lost: {error or type(error).__name__}", outcome=lost)
        # asyncpg itself refuses to go on, before anything of the statement was executed.
        message = str(error).partition("\n")[0]
        return database_error({"code": "08P01", "message": message}, statement=statement.text)


def _refuse_copy(statement: Statement) -> None:
    """Raise for a COPY that wants data of us or brings us some: waiting for it would never end."""
    if _COPY.match(statement.text):
        fields = {"code": "0A000", "severity": "ERROR", "message": "COPY … STDIN or STDOUT is not possible here"}
        raise database_error(fields, statement=statement.text)


def _count(statement: Statement, wanted: int) -> None:
    """Raise what the server would, where the parameters are too few or too many; asyncpg does not even ask it."""
    given = len(statement.params)
    if given != wanted:
        message = f'bind message supplies {given} parameters, but prepared statement "" requires {wanted}'
        raise database_error({"code": "08P01", "message": message, "severity": "ERROR"}, statement=statement.text)


def _tag(tag: str | None) -> tuple[str, int | None]:
    """Return a command tag's first word and its last number: `INSERT 0 5` is INSERT and 5."""
    words = (tag or "").split()
    if not words:
        return "", None
    return words[0], int(words[-1]) if words[-1].isdecimal() else None
