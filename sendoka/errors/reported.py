"""What Postgres reports, with the fields of its protocol, under its own condition names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.errors.base import Outcome, SendokaError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NEON_ERROR_KEYS",
    "CheckViolation",
    "DatabaseError",
    "DeadlockDetected",
    "DuplicateTable",
    "ForeignKeyViolation",
    "InsufficientPrivilege",
    "IntegrityError",
    "LockNotAvailable",
    "NotNullViolation",
    "ProgrammingError",
    "QueryCanceled",
    "ReadOnlyTransaction",
    "RetryableError",
    "SerializationFailure",
    "UndefinedColumn",
    "UndefinedTable",
    "UniqueViolation",
    "database_error",
]


NEON_ERROR_KEYS = (
    "message", "code", "detail", "hint", "position", "internalPosition", "internalQuery", "severity", "where",
    "table", "column", "schema", "dataType", "constraint", "file", "line", "routine",
)  # fmt: skip
"""The fields of Postgres' error as Neon names and orders them; an answer has all of them, null where unknown."""


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
