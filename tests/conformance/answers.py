"""What a caller of ours gets, in the notation of the recorded vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.javascript import as_javascript

if TYPE_CHECKING:
    from sendoka.database.statement import Result
    from sendoka.errors import DatabaseError
    from sendoka.http.row import Row

__all__ = ["FIELDS", "error_of", "result_of", "rows_of"]

FIELDS = {
    "message": "message",
    "code": "sqlstate",
    "detail": "detail",
    "hint": "hint",
    "position": "position",
    "severity": "severity",
    "where": "context",
    "schema": "schema",
    "table": "table",
    "column": "column",
    "dataType": "datatype",
    "constraint": "constraint",
}
"""The fields of Postgres' error: Neon's names, and ours. The others tell where in Postgres' source it was raised."""


def error_of(error: DatabaseError) -> dict[str, Any]:
    """Return the fields of an error under Neon's names."""
    fields = {name: getattr(error, ours) for name, ours in FIELDS.items()}
    return fields | {"position": None if error.position is None else str(error.position)}


def rows_of(result: Result[Row]) -> list[list[Any]]:
    """Return the rows as the official driver gives them in its array mode."""
    types = [field.type_oid for field in result.fields]
    return [[as_javascript(cell, oid) for oid, cell in zip(types, row, strict=True)] for row in result.rows]


def result_of(result: Result[Row]) -> dict[str, Any]:
    """Return a result as the official driver gives it with `fullResults`."""
    fields = [
        {
            "name": field.name,
            "dataTypeID": field.type_oid,
            "tableID": field.table_oid,
            "columnID": field.column,
            "dataTypeSize": field.type_size,
            "dataTypeModifier": field.type_modifier,
        }
        for field in result.fields
    ]
    return {"fields": fields, "rows": rows_of(result), "command": result.command, "rowCount": result.row_count}
