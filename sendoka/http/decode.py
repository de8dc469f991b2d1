"""Postgres' text to Python values, by the type's OID: one Python type a column, never a guess by value.

The OIDs are those of Postgres' `pg_type.dat`; they never change between versions.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sendoka.errors import DecodeError
from sendoka.http.row import Row, row_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.database.statement import Cells, Field, Result

    Decoder = Callable[[str], Any]

__all__ = ["decode_rows"]


_MISFITS = (ValueError, ArithmeticError, KeyError, TypeError, RecursionError)
"""TypeError: a cell that is no text. RecursionError: JSON nested deeper than Python goes."""


def decode_rows(result: Result[Cells]) -> list[Row]:
    """Return the rows of `result` with every cell as the Python type of its column; NULL is None.

    Raises DecodeError for a cell outside its Python type (a date of the year 12000); the statements did run.
    """
    row = row_type(tuple(field.name for field in result.fields))
    if not result.rows:
        return []
    if not result.fields:
        return [row(()) for _ in result.rows]
    columns = [
        _column(field, cells) for field, cells in zip(result.fields, zip(*result.rows, strict=True), strict=True)
    ]
    return list(map(row, zip(*columns, strict=True)))


def _column(field: Field, cells: tuple[str | None, ...]) -> tuple[Any, ...] | list[Any]:
    decoder = _DECODERS.get(field.type_oid)
    if decoder is None:
        return cells
    try:
        return [None if cell is None else decoder(cell) for cell in cells]
    except _MISFITS as error:
        raise DecodeError(
            f"column {field.name!r} holds a value that its Python type cannot: {_culprit(decoder, cells)!r}",
            passing=False,
            where="the statement did run, whatever `outcome` allows; only its answer cannot be shown",
            todo=f'select it as text: "{field.name}"::text',
        ) from error


def _culprit(decoder: Decoder, cells: tuple[str | None, ...]) -> str:
    for cell in cells:
        try:
            if cell is not None:
                decoder(cell)
        except _MISFITS:
            return cell if cell is not None and len(cell) <= 60 else f"{cell[:59] if cell else ''}…"
    return ""


_BOOL = {"t": True, "f": False}


def _bytea(text: str) -> bytes:
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return re.sub(rb"\\(\\|[0-7]{3})", _escaped_byte, text.encode())


def _escaped_byte(found: re.Match[bytes]) -> bytes:
    return b"\\" if found[1] == b"\\" else bytes([int(found[1], 8)])


# One part of an array literal: a brace or comma, a quoted element, or a bare one.
_PART = re.compile(r'[{},]|"(?:[^"\\]|\\.)*"|[^{},"]+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _array(decoder: Decoder) -> Decoder:
    """Return the decoder of arrays of what `decoder` decodes. Bounds such as `[0:1]=` are dropped."""

    def decode(text: str) -> list[Any]:
        stack: list[list[Any]] = [[]]
        for part in _PART.findall(text[text.index("{") :]):
            if part == "{":
                stack.append([])
            elif part == "}":
                done = stack.pop()
                stack[-1].append(done)
            elif part != ",":
                stack[-1].append(_item(part, decoder))
        (array,) = stack[0]
        return list(array)

    return decode


def _item(part: str, decoder: Decoder) -> Any:
    if part.startswith('"'):
        return decoder(_ESCAPED.sub(r"\1", part[1:-1]))
    return None if part == "NULL" else decoder(part)


# type, its OID, its array's OID, its decoder. What is not here stays text.
_TYPES: tuple[tuple[str, int, int, Decoder], ...] = (
    ("bool", 16, 1000, _BOOL.__getitem__),
    ("bytea", 17, 1001, _bytea),
    ("int8", 20, 1016, int),
    ("int2", 21, 1005, int),
    ("int4", 23, 1007, int),
    ("oid", 26, 1028, int),
    ("float4", 700, 1021, float),
    ("float8", 701, 1022, float),
    ("numeric", 1700, 1231, Decimal),
    ("text", 25, 1009, str),
    ("varchar", 1043, 1015, str),
    ("bpchar", 1042, 1014, str),
    ("name", 19, 1003, str),
    ("json", 114, 199, json.loads),
    ("jsonb", 3802, 3807, json.loads),
    ("uuid", 2950, 2951, UUID),
    ("date", 1082, 1182, date.fromisoformat),
    ("time", 1083, 1183, time.fromisoformat),
    ("timestamp", 1114, 1115, datetime.fromisoformat),
    ("timestamptz", 1184, 1185, datetime.fromisoformat),
)
_DECODERS: dict[int, Decoder] = {oid: decoder for _, oid, _, decoder in _TYPES if decoder is not str} | {
    array: _array(decoder) for _, _, array, decoder in _TYPES
}
