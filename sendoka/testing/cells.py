"""Python values as Postgres would answer them: a result with columns, their types, and cells as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sendoka.database.statement import Field, Result
from sendoka.http.encode import Json, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.database.statement import Cells

__all__ = ["RowValues", "result_of"]

RowValues = Mapping[str, Any] | Sequence[Any]
"""One row of an answer: a mapping of column to value, or the values alone."""

# The name of a type, its OID, and the OID of an array of it. Source: pg_type.dat of PostgreSQL.
_TYPES: dict[str, tuple[int, int]] = {
    "bool": (16, 1000), "bytea": (17, 1001), "int8": (20, 1016), "int2": (21, 1005), "int4": (23, 1007),
    "text": (25, 1009), "oid": (26, 1028), "json": (114, 199), "float4": (700, 1021), "float8": (701, 1022),
    "inet": (869, 1041), "varchar": (1043, 1015), "date": (1082, 1182), "time": (1083, 1183),
    "timestamp": (1114, 1115), "timestamptz": (1184, 1185), "interval": (1186, 1187), "numeric": (1700, 1231),
    "uuid": (2950, 2951), "jsonb": (3802, 3807),
}  # fmt: skip
# A bool is an int to Python, and a datetime a date: the first that fits counts.
_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"), (int, "int8"), (float, "float8"), (Decimal, "numeric"), (bytes, "bytea"), (UUID, "uuid"),
    (datetime, "timestamptz"), (date, "date"), (time, "time"), (timedelta, "interval"), (dict, "jsonb"),
    (Json, "jsonb"), (str, "text"),
)  # fmt: skip


def result_of(
    rows: Iterable[RowValues], *, columns: Sequence[str] = (), types: Mapping[str, str | int] | None = None
) -> Result[Cells]:
    """Return `rows` as a result without a command. Values alone belong to `columns`, else to column1, column2, …

    `types` names the type of a column (`"uuid"`, `"int4[]"`, an OID), where it does not follow from its values. Raises
    ValueError for rows of different columns, and for a type or column that is unknown.
    """
    named = [_named(row, columns) for row in rows]
    names = tuple(columns) or (tuple(named[0]) if named else ())
    if any(tuple(row) != names for row in named):
        raise ValueError("all rows of an answer have the same columns, in the same order")
    said = {name: _oid(kind) for name, kind in (types or {}).items()}
    if not said.keys() <= set(names):
        raise ValueError(f"types= names {sorted(said.keys() - set(names))}, the columns are {list(names)}")
    fields = tuple(Field(name, said.get(name) or _inferred([row[name] for row in named])) for name in names)
    return Result(fields, [[_cell(row[name]) for name in names] for row in named], "", len(named))


def _named(row: RowValues, columns: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if isinstance(row, str | bytes) or not isinstance(row, Sequence):
        raise TypeError(f"a row is a mapping or a sequence of values, not {type(row).__name__}: {row!r}")
    names = columns or [f"column{number}" for number in range(1, len(row) + 1)]
    if len(names) != len(row):
        raise ValueError(f"a row has {len(row)} values for {len(names)} columns")
    return dict(zip(names, row, strict=True))


def _oid(kind: str | int) -> int:
    if isinstance(kind, int):
        return kind
    name, array, _ = kind.partition("[]")
    if name not in _TYPES:
        raise ValueError(f"{kind!r} is no type that is known here; give its OID, or one of: {', '.join(_TYPES)}")
    return _TYPES[name][1 if array else 0]


def _inferred(values: Sequence[Any]) -> int:
    value = next((value for value in values if value is not None), None)
    if isinstance(value, list | tuple):
        return _TYPES[_name_of(_first_item(value))][1]
    return _TYPES[_name_of(value)][0]


def _first_item(value: Any) -> Any:
    """Return what a list holds, however deep."""
    if not isinstance(value, list | tuple):
        return value
    return next((found for item in value if (found := _first_item(item)) is not None), None)


def _name_of(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        return "timestamp"
    return next((name for cls, name in _NAMES if isinstance(value, cls)), "text")


def _cell(value: Any) -> str | None:
    return encode(_written(value))


def _written(value: Any) -> Any:
    """Return `value` as Postgres writes it, where that is not how a parameter is written."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, timedelta):
        return _interval(value)
    return [_written(item) for item in value] if isinstance(value, list | tuple) else value


def _moment(value: datetime) -> str:
    """`2026-01-02 03:04:05.6+02`: a space, no zeros at the end, and an offset as short as it can be."""
    text = value.replace(tzinfo=None).isoformat(sep=" ")
    if value.microsecond:
        text = text.rstrip("0")
    offset = value.strftime("%z")
    minutes = offset[3:5]
    return text + offset[:3] + (f":{minutes}" if minutes not in {"", "00"} else "")


def _interval(value: timedelta) -> str:
    """`-1 days +02:03:04.5`, days and the rest apart as Postgres keeps them."""
    seconds = value.seconds
    rest = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if value.microseconds:
        rest = f"{rest}.{value.microseconds:06d}".rstrip("0")
    days = f"{value.days} day{'' if value.days == 1 else 's'}" if value.days else ""
    # Behind negative days Postgres writes the sign of a time that is not.
    return " ".join(part for part in (days, f"+{rest}" if value.days < 0 else rest) if part)
