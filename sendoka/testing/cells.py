"""Python values as Postgres would answer them: a result with columns, their types, and cells as text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sendoka.database.statement import Field, Result
from sendoka.http.encode import Json, encode
from sendoka.http.types.catalog import RANGES, SCALARS, SPELLINGS
from sendoka.http.types.far import FarDatetime
from sendoka.http.types.interval import Interval
from sendoka.http.types.range import Multirange, Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.database.statement import Cells

__all__ = ["RowValues", "result_of"]

RowValues = Mapping[str, Any] | Sequence[Any]
"""One row of an answer: a mapping of column to value, or the values alone."""

# A bool is an int to Python, and a datetime a date: the first that fits counts.
_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"), (int, "int8"), (float, "float8"), (Decimal, "numeric"), (bytes, "bytea"), (UUID, "uuid"),
    (datetime, "timestamptz"), (date, "date"), (time, "time"), ((timedelta, Interval), "interval"), (dict, "jsonb"),
    (Json, "jsonb"), ((IPv4Network, IPv6Network), "cidr"),
    ((IPv4Address, IPv6Address), "inet"), (str, "text"),
)  # fmt: skip
_RANGES_OF = {
    "int8": "int8range", "numeric": "numrange", "date": "daterange", "timestamp": "tsrange", "timestamptz": "tstzrange"
}  # fmt: skip


@cache
def _types() -> dict[str, tuple[int, int]]:
    """Return the OID of every type that is known by name, and that of its array."""
    found = {scalar.name: (scalar.oid, scalar.array) for scalar in SCALARS}
    for kind in RANGES:
        found[kind.name] = (kind.oid, kind.array)
        found[kind.multirange] = (kind.multirange_oid, kind.multirange_array)
    return found | {spelling: found[name] for spelling, name in SPELLINGS.items()}


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
    if name not in _types():
        near = difflib.get_close_matches(name, _types(), n=1)
        raise ValueError(
            f"{kind!r} is no type that is known here; "
            + (f"did you mean {near[0]!r}?" if near else "give its OID, or the name of a built-in type")
        )
    return _types()[name][1 if array else 0]


def _inferred(values: Sequence[Any]) -> int:
    value = next((value for value in values if value is not None), None)
    if isinstance(value, list | tuple) and not isinstance(value, Multirange):
        return _types()[_name_of(_first_item(value))][1]
    return _types()[_name_of(value)][0]


def _first_item(value: Any) -> Any:
    """Return what a list holds, however deep."""
    if not isinstance(value, list | tuple) or isinstance(value, Multirange):
        return value
    return next((found for item in value if (found := _first_item(item)) is not None), None)


def _name_of(value: Any) -> str:
    if isinstance(value, Range | Multirange):
        return _name_of_range(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return "timestamp"
    return next((name for cls, name in _NAMES if isinstance(value, cls)), "text")


def _name_of_range(value: Range[Any] | Multirange[Any]) -> str:
    ranges = value if isinstance(value, Multirange) else (value,)
    end = next((end for one in ranges for end in (one.lower, one.upper) if end is not None), None)
    name = _RANGES_OF.get(_name_of(end), "int8range")
    return name.replace("range", "multirange") if isinstance(value, Multirange) else name


def _cell(value: Any) -> str | None:
    return encode(_written(value))


def _written(value: Any) -> Any:
    """Return `value` as Postgres writes it, where that is not how a parameter is written."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime) and not isinstance(value, FarDatetime):
        return _moment(value)
    if isinstance(value, timedelta):
        return _interval(value)
    if isinstance(value, list | tuple) and not isinstance(value, Multirange):
        return [_written(item) for item in value]
    return value


def _moment(value: datetime) -> str:
    """`2026-01-02 03:04:05.6+02`: a space, no zeros at the end, an offset as short as it can be, seconds included."""
    clock = value.replace(tzinfo=None).isoformat(sep=" ")
    offset = value.isoformat(sep=" ")[len(clock) :]
    return (clock.rstrip("0") if value.microsecond else clock) + offset.removesuffix(":00")


def _interval(value: timedelta) -> str:
    """`-1 days +02:03:04.5`, days and the rest apart as Postgres keeps them."""
    seconds = value.seconds
    rest = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if value.microseconds:
        rest = f"{rest}.{value.microseconds:06d}".rstrip("0")
    days = f"{value.days} day{'' if value.days == 1 else 's'}" if value.days else ""
    # Behind negative days Postgres writes the sign of a time that is not.
    return " ".join(part for part in (days, f"+{rest}" if value.days < 0 else rest) if part)
