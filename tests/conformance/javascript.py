"""What Python values are in JavaScript, in the notation of the recorded vectors: plain JSON, else `{"$": kind, …}`."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["as_javascript"]

# What the official driver hands out as text, because a number of JavaScript would round it.
INT8, INT8_ARRAY = 20, 1016


def as_javascript(value: Any, oid: int = 0) -> Any:
    """Return what the official driver gives for `value`, a cell of a column of type `oid`, where the two correspond."""
    match value:
        case list() | tuple():
            return [as_javascript(item, oid) for item in value]
        case dict():
            return {key: as_javascript(item) for key, item in value.items()}
        case int() if oid in {INT8, INT8_ARRAY}:
            return str(value)
        case float():
            return _number(value)
        case date():
            return _moment(value)
        case bytes():
            return {"$": "Buffer", "hex": value.hex()}
        case Decimal() | time() | UUID():
            return _text(value)
    return value


def _text(value: Decimal | time | UUID) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return text.rstrip("0") if isinstance(value, time) and "." in text else text


def _number(value: float) -> Any:
    if math.isnan(value):
        return {"$": "number", "v": "NaN"}
    if math.isinf(value):
        return {"$": "number", "v": "Infinity" if value > 0 else "-Infinity"}
    if value == 0 and math.copysign(1, value) < 0:
        return {"$": "number", "v": "-0"}
    # JavaScript has one kind of numbers, and writes the whole ones without a point.
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def _moment(value: date) -> dict[str, str]:
    """A `Date` has milliseconds and no zone; the process that recorded lived in UTC."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return {"$": "Date", "iso": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"}
