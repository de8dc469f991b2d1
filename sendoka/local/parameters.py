"""JSON parameters as the Postgres text that Neon makes of them, its faults included."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["to_text"]


def to_text(value: Any) -> str:
    """Return the text of a parameter that is not null: a string as it is, a list as an array literal, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _array(value)
    return _json(value)


def _array(values: list[Any]) -> str:
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _array(value)
    if isinstance(value, bool | int | float):
        return _json(value)
    # Neon escapes for JSON where the array's grammar has other rules, so "\n" loses its backslash: a client that
    # sends arrays must see that here too.
    return _quoted(value if isinstance(value, str) else _json(value))


def _json(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(item) for item in value) + "]"
    if isinstance(value, float):
        return _number(value)
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Print a float as Rust's serde_json does: the shortest digits, `1e21` without a plus, `1.0` with its fraction."""
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits)) if digits else 0
    digits = digits.rstrip("0")
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """Write 0.DIGITS × 10^point."""
    if len(digits) <= point <= 16:
        return digits.ljust(point, "0") + ".0"
    if 0 < point <= 16:
        return f"{digits[:point]}.{digits[point:]}"
    if -5 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1}"
