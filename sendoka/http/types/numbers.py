"""Truth values, numbers and bytes as text."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal

__all__ = [
    "TRUTH",
    "bool_text",
    "bytes_text",
    "decimal_text",
    "float_text",
    "int_text",
    "read_bytes",
    "read_float4",
    "read_int",
]

_FLOAT4 = struct.Struct("f")

TRUTH = {"t": True, "f": False}
"""A boolean by its text."""


def bool_text(value: bool) -> str:
    """Return a boolean's text."""
    return "true" if value else "false"


def int_text(value: int) -> str:
    """Return an integer's digits, also where they are more than Python writes by itself (4,300)."""
    try:
        return int.__repr__(value)
    except ValueError:
        return str(Decimal(value))


def read_int(text: str) -> int:
    """Return the integer of digits, also where they are more than Python reads by itself (4,300)."""
    try:
        return int(text)
    except ValueError:
        return int(Decimal(text))


def float_text(value: float) -> str:
    """Return a float's shortest text that is read as the same number, or NaN and Infinity as Postgres writes them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def read_float4(text: str) -> float:
    """Return the number that a `real` holds: its text has the fewest digits that name it among the numbers of 32 bits.

    Read as one of 64 bits they are another number: 67108872 is written 6.710887e+07.
    """
    number: float = _FLOAT4.unpack(_FLOAT4.pack(float(text)))[0]
    return number


def decimal_text(value: Decimal) -> str:
    """Return a decimal's text. Postgres has one NaN, without payload."""
    return "NaN" if value.is_nan() else str(value)


def bytes_text(value: bytes | bytearray | memoryview) -> str:
    """Return bytes in the hex form of `bytea`."""
    return "\\x" + bytes(value).hex()


def read_bytes(text: str) -> bytes:
    """Return the bytes of a `bytea` in hex or in escape form (bytea_output); no text is in both."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return re.sub(rb"\\(\\|[0-7]{3})", _escaped_byte, text.encode("ascii"))


def _escaped_byte(found: re.Match[bytes]) -> bytes:
    return b"\\" if found[1] == b"\\" else bytes([int(found[1], 8)])
