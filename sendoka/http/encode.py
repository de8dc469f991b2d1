"""Python values to the text that Postgres reads: every parameter travels as a string or null."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Json", "encode", "encode_all"]


@dataclass(frozen=True, slots=True)
class Json:
    """A parameter for a `json` or `jsonb` column, whatever its Python type: `Json([1, 2])`, `Json("text")`.

    A dict needs no `Json`; a list does, because a bare list is a Postgres array.
    """

    value: Any


def encode_all(params: tuple[Any, ...]) -> tuple[str | None, ...]:
    """Return the parameters as Postgres text. Raises TypeError or ValueError that names the one that cannot be sent."""
    return tuple(_named(value, number) for number, value in enumerate(params, 1))


def encode(value: Any) -> str | None:
    """Return `value` as Postgres text, None for NULL. Raises TypeError for a type that has no text."""
    if value is None:
        return None
    encoder = _ENCODERS.get(type(value)) or _inherited(type(value))
    return encoder(value)


def _named(value: Any, number: int) -> str | None:
    try:
        return encode(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"parameter ${number}: {error}") from None


def _inherited(cls: type) -> Callable[[Any], str | None]:
    if issubclass(cls, Enum):
        return _enum
    for base in cls.__mro__:
        if base in _ENCODERS:
            return _ENCODERS[base]
    raise TypeError(
        f"a value of type {cls.__name__} cannot be sent to Postgres; "
        "send text, or Json(…) where the column is json or jsonb"
    )


def _enum(value: Enum) -> str | None:
    return encode(value.value)


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _decimal(value: Decimal) -> str:
    if value.is_nan():
        return "NaN"
    return str(value)


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return "\\x" + bytes(value).hex()


def _interval(value: timedelta) -> str:
    # Each unit apart: Postgres keeps days and microseconds as they are given. Each with its sign: with IntervalStyle
    # sql_standard a sign in front of the first is otherwise taken for all of them.
    return f"{value.days:+d} days {value.seconds:+d} seconds {value.microseconds:+d} microseconds"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None


def _array(value: list[Any] | tuple[Any, ...]) -> str:
    return "{" + ",".join(_element(item) for item in value) + "}"


def _element(item: Any) -> str:
    if isinstance(item, list | tuple):
        return _array(item)
    text = encode(item)
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_ENCODERS: dict[type, Callable[[Any], str | None]] = {
    str: str,
    bool: _bool,
    int: str,
    float: _float,
    Decimal: _decimal,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: _interval,
    UUID: str,
    list: _array,
    tuple: _array,
    dict: _json,
    Json: lambda value: _json(value.value),
}
