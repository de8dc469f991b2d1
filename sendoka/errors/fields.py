"""Postgres' error as Neon writes it, and the class that its SQLSTATE chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import circumstances, data, programming
from sendoka.errors.base import Outcome
from sendoka.errors.reported import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEON_ERROR_KEYS", "database_error"]

NEON_ERROR_KEYS = (
    "message", "code", "detail", "hint", "position", "internalPosition", "internalQuery", "severity", "where",
    "table", "column", "schema", "dataType", "constraint", "file", "line", "routine",
)  # fmt: skip
"""The fields of Postgres' error as Neon names and orders them; an answer has all of them, null where unknown."""

# Postgres gives it the code of a broken protocol, and it is a mistake in the call. `routine` is the same in every
# language; who says it without having asked Postgres says it in English.
_BIND_ROUTINE = "exec_bind_message"
_BIND_MESSAGE = "bind message supplies "
_COUNT = "give as many parameters as the statement has of $1, $2, …"

_BY_SQLSTATE = {
    code: kind
    for module in (circumstances, data, programming)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, DatabaseError)
    for code in vars(kind)["sqlstates"]
}


def database_error(
    fields: Mapping[str, str | None], *, statement: str | None = None, outcome: Outcome = Outcome.FAILED
) -> DatabaseError:
    """Return the error for Postgres' fields, named as Neon names them (`code`, `dataType`, `where`, …)."""
    sqlstate = fields.get("code") or ""
    cls = _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2]) or DatabaseError
    position, message, todo = fields.get("position"), fields.get("message") or "", ""
    if sqlstate == "08P01" and (fields.get("routine") == _BIND_ROUTINE or message.startswith(_BIND_MESSAGE)):
        cls, todo = programming.ProgrammingError, _COUNT
    return cls(
        message or "the database reported an error without a message",
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
        todo=todo,
    )
