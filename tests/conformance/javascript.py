"""What Python values are in JavaScript, in the notation of the recorded vectors: plain JSON, else `{"$": kind, …}`."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sendoka import FarDate, FarDatetime
from sendoka.http.encode import encode

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
        case FarDate() | FarDatetime():
            return _far(str(value))
        case date():
            return _moment(value)
        case bytes():
            return {"$": "Buffer", "hex": value.hex()}
        case str() | int() | None:
            return value
    return _text(value)


def _text(value: Any) -> str | None:
    """The official driver leaves as text what it has no type for; ours has, and this is how it goes back."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, time):
        return re.sub(r"(?<=\.)(\d+?)0+\b", r"\1", str(value))
    return encode(value)


def _far(text: str) -> dict[str, str]:
    """Infinity is a number in JavaScript, and the year 1 BC is the year 0."""
    if "infinity" in text:
        return {"$": "number", "v": text.replace("i", "I", 1)}
    found = re.fullmatch(r"(\d+)(-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\+00)? BC", text)
    assert found, text
    return {"$": "Date", "iso": f"{1 - int(found[1]):07d}{found[2]}T{found[3]}.000Z"}


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
