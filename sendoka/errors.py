"""Every exception of Sendoka, with what a caller can do about it.

The tree groups by that question, and its leaves carry Postgres' own condition names:

    SendokaError
    ├── SettingsError                 a bad connection string or setting
    ├── InvalidCursor                 a cursor that no page gave out
    ├── TransportError                the exchange over HTTP went wrong; `.outcome` says whether SQL ran
    │   ├── ConnectFailed             no connection: nothing was sent
    │   ├── RequestTimeout            the deadline passed
    │   ├── AnswerLost                sent, and no answer that can be read
    │   ├── EndpointError             the endpoint itself answered with an error (`.status`)
    │   ├── ProtocolError             an answer that is not Neon's protocol
    │   └── DecodeError               a cell that does not fit its column's type
    ├── DatabaseError                 Postgres said no (`.sqlstate`, `.constraint`, …)
    │   ├── IntegrityError            UniqueViolation, ForeignKeyViolation, NotNullViolation, CheckViolation
    │   ├── RetryableError            SerializationFailure, DeadlockDetected, LockNotAvailable
    │   ├── ProgrammingError          UndefinedTable, UndefinedColumn, InsufficientPrivilege, …
    │   └── QueryCanceled
    ├── SchemaError                   the declared schema contradicts itself
    ├── MigrationError                a folder or a history that is not what it should be
    └── BackfillError                 a backfill that cannot go on

An error's text is at most three short parts: what happened, where, what to do.
"""

from __future__ import annotations

import pickle
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NEON_ERROR_KEYS",
    "AnswerLost",
    "AnswerMissing",
    "BackfillChanged",
    "BackfillError",
    "BackfillRunning",
    "BatchFailed",
    "CheckViolation",
    "ChecksumMismatch",
    "ConnectFailed",
    "DatabaseError",
    "DeadlockDetected",
    "DecodeError",
    "DuplicateTable",
    "EndpointError",
    "ForeignKeyViolation",
    "ForkedHistory",
    "InsufficientPrivilege",
    "IntegrityError",
    "InvalidBackfill",
    "InvalidCursor",
    "InvalidMigration",
    "LockNotAvailable",
    "MigrationError",
    "MigrationFailed",
    "MissingMigration",
    "NotNullViolation",
    "Outcome",
    "ProgrammingError",
    "ProtocolError",
    "QueryCanceled",
    "ReadOnlyTransaction",
    "RequestTimeout",
    "RetryableError",
    "SchemaError",
    "SendokaError",
    "SerializationFailure",
    "SettingsError",
    "TransportError",
    "UndefinedColumn",
    "UndefinedTable",
    "UniqueViolation",
    "UnknownBackfill",
    "database_error",
]


NEON_ERROR_KEYS = (
    "message", "code", "detail", "hint", "position", "internalPosition", "internalQuery", "severity", "where",
    "table", "column", "schema", "dataType", "constraint", "file", "line", "routine",
)  # fmt: skip
"""The fields of Postgres' error as Neon names and orders them; an answer has all of them, null where unknown."""


class Outcome(StrEnum):
    """What is known about the statements of a call that raised."""

    NOT_SENT = "not_sent"
    """The request never left whole: nothing ran."""
    REFUSED = "refused"
    """It was answered before anything ran."""
    FAILED = "failed"
    """The database reported an error, and the transaction it happened in is undone."""
    UNKNOWN = "unknown"
    """It may have run. Of a `DecodeError` alone more is known: its statements did run."""


class SendokaError(Exception):
    """Never raised itself; catch it for everything that Sendoka raises on purpose.

    `what`, `where` and `todo` are the parts of the text; the two last may be empty.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.where, self.todo) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, self.__dict__.copy(), _portable(self.__cause__))


def _revive(
    cls: type[SendokaError], args: tuple[Any, ...], state: dict[str, Any], cause: BaseException | None
) -> SendokaError:
    error = cls(*args)
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """Return the cause, or a plain exception with its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - only ever what was dumped in the line itself
    except Exception:  # noqa: BLE001 - a foreign exception's pickling may raise anything
        return Exception(f"{type(cause).__name__}: {cause}")
    return cause


class SettingsError(SendokaError, ValueError):
    """A connection string, option or setting that cannot be used. Never prints the connection string."""

    exit_code = 2


class InvalidCursor(SendokaError, ValueError):
    """A cursor that no page of this list gave out."""

    exit_code = 2


class AnswerMissing(SendokaError):
    """A question that needs a person's answer was met where nobody can be asked. `todo` names the flag.

    `questions` are dictionaries of `question`, a text, and `answers`, each the list of arguments that gives it.
    """

    exit_code = 4

    def __init__(
        self, what: str, *, where: str = "", todo: str = "", questions: tuple[Mapping[str, Any], ...] = ()
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.questions = questions


# ------------------------------------------------------------------ the exchange over HTTP


class TransportError(SendokaError):
    """The exchange went wrong below SQL. `.outcome` says whether the statements may have run.

    `.passing` is true where the cause is known to pass by itself: a wake-up that failed, a rate limit, a lost
    connection. It is false for a name that does not resolve, a certificate that does not verify, a wrong password.
    """

    default_outcome: ClassVar[Outcome] = Outcome.UNKNOWN

    def __init__(
        self, what: str, *, outcome: Outcome | None = None, passing: bool = True, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.outcome = self.default_outcome if outcome is None else outcome
        self.passing = passing


class ConnectFailed(TransportError):
    """No connection could be made: name not found, refused, TLS. Nothing was sent."""

    default_outcome = Outcome.NOT_SENT


class RequestTimeout(TransportError):
    """The deadline passed; `.outcome` is `not_sent` where the request had not left whole, else `unknown`."""


class AnswerLost(TransportError):
    """The request was sent and its answer did not arrive whole, or says that the database was lost."""


class EndpointError(TransportError):
    """The endpoint answered with an error that is not Postgres' own. `.status` is the HTTP status."""

    def __init__(
        self,
        what: str,
        *,
        status: int = 0,
        outcome: Outcome | None = None,
        passing: bool = False,
        where: str = "",
        todo: str = "",
    ) -> None:
        super().__init__(what, outcome=outcome, passing=passing, where=where, todo=todo)
        self.status = status


class ProtocolError(TransportError):
    """An answer came that is not Neon's protocol: HTML, JSON of another shape, too few results."""


class DecodeError(TransportError, ValueError):
    """The statements did run, and a cell of their answer does not fit the Python type of its column.

    `.outcome` is `unknown`, because none of its values means "ran": do not send it again, unless twice does no harm.
    """


# ------------------------------------------------------------------ what Postgres reports


class DatabaseError(SendokaError):
    """Postgres reported an error. The fields are those of its protocol, `None` where it sent none.

    Source: "Error and Notice Message Fields" in the PostgreSQL documentation; Neon passes all of them on.
    """

    def __init__(
        self,
        message: str,
        *,
        sqlstate: str = "",
        severity: str = "ERROR",
        detail: str | None = None,
        hint: str | None = None,
        position: int | None = None,
        context: str | None = None,
        schema: str | None = None,
        table: str | None = None,
        column: str | None = None,
        datatype: str | None = None,
        constraint: str | None = None,
        statement: str | None = None,
        outcome: Outcome = Outcome.FAILED,
        todo: str = "",
    ) -> None:
        super().__init__(f"{message} ({sqlstate})" if sqlstate else message, todo=todo)
        self.args = (message,)
        self.message = message
        self.sqlstate = sqlstate
        self.severity = severity
        self.detail = detail
        self.hint = hint
        self.position = position
        self.context = context
        self.schema = schema
        self.table = table
        self.column = column
        self.datatype = datatype
        self.constraint = constraint
        self.statement = statement
        self.outcome = outcome

    def __str__(self) -> str:
        lines = [self.what]
        if self.detail:
            lines.append(f"detail: {self.detail}")
        if self.statement:
            lines.append(f"in: {_first_line(self.statement)}")
        if self.hint or self.todo:
            lines.append(f"hint: {self.hint or self.todo}")
        return "\n".join(lines)


class IntegrityError(DatabaseError):
    """Class 23: a constraint was violated. `.constraint` names it."""


class UniqueViolation(IntegrityError):
    """23505."""


class ForeignKeyViolation(IntegrityError):
    """23503."""


class NotNullViolation(IntegrityError):
    """23502. `.column` names it."""


class CheckViolation(IntegrityError):
    """23514."""


class RetryableError(DatabaseError):
    """The whole transaction may be sent again as it is."""


class SerializationFailure(RetryableError):
    """40001."""


class DeadlockDetected(RetryableError):
    """40P01."""


class LockNotAvailable(RetryableError):
    """55P03: `lock_timeout` passed, or NOWAIT met a lock."""


class ProgrammingError(DatabaseError):
    """Class 42: the statement cannot be right against this database."""


class UndefinedTable(ProgrammingError):
    """42P01."""


class UndefinedColumn(ProgrammingError):
    """42703."""


class DuplicateTable(ProgrammingError):
    """42P07: a relation of this name exists."""


class InsufficientPrivilege(ProgrammingError):
    """42501: the role lacks a grant."""


class QueryCanceled(DatabaseError):
    """57014: `statement_timeout` passed, or somebody cancelled it."""


class ReadOnlyTransaction(DatabaseError):
    """25006: a write met a read-only transaction or a replica."""


# SQLSTATE, or its two-character class, to the class raised for it.
# Source: "PostgreSQL Error Codes", Appendix A of the PostgreSQL documentation.
_BY_SQLSTATE: dict[str, type[DatabaseError]] = {
    "23": IntegrityError,
    "23505": UniqueViolation,
    "23503": ForeignKeyViolation,
    "23502": NotNullViolation,
    "23514": CheckViolation,
    "25006": ReadOnlyTransaction,
    "40001": SerializationFailure,
    "40P01": DeadlockDetected,
    "55P03": LockNotAvailable,
    "42": ProgrammingError,
    "42P01": UndefinedTable,
    "42703": UndefinedColumn,
    "42P07": DuplicateTable,
    "42501": InsufficientPrivilege,
    "57014": QueryCanceled,
}


# A list meets a column of JSON: what Postgres says, in whatever language, names the type last.
_TYPE_JSON = re.compile(r"\bjson\b")
_LIST_AS_JSON = "a list is sent as a Postgres array; for json write Json([...])"


def database_error(
    fields: Mapping[str, str | None], *, statement: str | None = None, outcome: Outcome = Outcome.FAILED
) -> DatabaseError:
    """Return the error for Postgres' fields, named as Neon names them (`code`, `dataType`, `where`, …)."""
    sqlstate = fields.get("code") or ""
    cls = _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2]) or DatabaseError
    position = fields.get("position")
    return cls(
        fields.get("message") or "the database reported an error without a message",
        sqlstate=sqlstate,
        severity=fields.get("severity") or "ERROR",
        detail=fields.get("detail"),
        hint=fields.get("hint"),
        position=int(position) if position and position.isdecimal() else None,
        context=fields.get("where"),
        schema=fields.get("schema"),
        table=fields.get("table"),
        column=fields.get("column"),
        datatype=fields.get("dataType"),
        constraint=fields.get("constraint"),
        statement=statement,
        outcome=outcome,
        todo=_LIST_AS_JSON if sqlstate == "22P02" and _TYPE_JSON.search(fields.get("message") or "") else "",
    )


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= 100 else line[:99] + "…"


# ------------------------------------------------------------------ schema, migrations, backfills


class SchemaError(SendokaError):
    """The declared schema contradicts itself, or cannot be loaded."""

    exit_code = 2


class MigrationError(SendokaError):
    """A migrations folder, or the history in a database, is not what it should be."""

    exit_code = 1


class InvalidMigration(MigrationError):
    """A file that breaks the format: name, header, directive, or what it holds."""


class ChecksumMismatch(MigrationError):
    """A file is not the one its successor, or the database, knows under that name."""


class MissingMigration(MigrationError):
    """A file that the chain, or the database, needs is not in the folder."""


class ForkedHistory(MigrationError):
    """Two files follow the same parent, or the database followed another branch."""


class MigrationFailed(MigrationError):
    """A statement of a migration was refused by the database. `.statement` is its number, from 1."""

    exit_code = 3

    def __init__(
        self, what: str, *, migration: str = "", statement: int | None = None, where: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.migration = migration
        self.statement = statement


class BackfillError(SendokaError):
    """A backfill cannot be declared, found or run."""


class InvalidBackfill(BackfillError):
    """A backfill that is declared wrongly, or a script that declares none."""

    exit_code = 2


class UnknownBackfill(BackfillError):
    """No script, or more than one, has the name that was asked for."""

    exit_code = 2


class BatchFailed(BackfillError):
    """A batch could not be applied. `.cursor` is the last key that was."""

    def __init__(self, what: str, *, cursor: tuple[Any, ...] | None = None, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.cursor = cursor


class BackfillRunning(BackfillError):
    """Another runner holds this backfill."""


class BackfillChanged(BackfillError):
    """The script is not the one that this run was started with."""

    exit_code = 1
