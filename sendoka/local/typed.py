"""Cells as typed JSON, for requests that do not ask for raw text: what Neon makes of each type, its faults included."""

from __future__ import annotations

import math
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from sendoka.local.failure import Failure
from sendoka.local.parameters import to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ELEMENTS", "typed_cell"]

_BOOL, _INT2, _INT4, _FLOAT4, _FLOAT8, _JSON, _JSONB = 16, 21, 23, 700, 701, 114, 3802

# Built-in array types to their elements, of those whose elements are not plain strings in JSON.
# Source: pg_type.dat of PostgreSQL, typarray.
ELEMENTS: Mapping[int, int] = {
    1000: _BOOL,
    1005: _INT2,
    1007: _INT4,
    1021: _FLOAT4,
    1022: _FLOAT8,
    199: _JSON,
    3807: _JSONB,
    **dict.fromkeys(
        (
            *(1001, 1002, 1003, 1006, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1020),
            *(1027, 1028, 1034, 1040, 1041, 1115, 1182, 1183, 1185, 1187, 1231, 1263, 1270, 143, 271, 629, 651, 719),
            *(775, 791, 1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2949, 2951, 3221, 3643, 3644, 3645, 3735),
            *(3770, 3905, 3907, 3909, 3911, 3913, 3927, 4090, 4097, 5039, 6150, 6151, 6152, 6153, 6155, 6157),
        ),
        25,
    ),
}


def typed_cell(oid: int, elements: Mapping[int, int]) -> Callable[[str], str]:
    """Return what writes a cell of type `oid` as JSON. `elements` adds array types that are not built in.

    An element 0 says that the type is no array.
    """
    if oid in _VECTORS:
        return _refuse
    element = ELEMENTS.get(oid) or elements.get(oid) or None
    if element is not None:
        write = _SCALARS.get(element, encode_basestring)
        return lambda text: _array(text, write)
    return _SCALARS.get(oid, encode_basestring)


# int2vector and oidvector count as arrays and are not written like them.
_VECTORS = frozenset({22, 30})


def _refuse(_: str) -> str:
    raise _unreadable()


def _unreadable() -> Failure:
    return Failure("could not parse postgres response", status=500)


def _bool(text: str) -> str:
    return "true" if text == "t" else "false"


def _int(text: str) -> str:
    try:
        return str(int(text))
    except ValueError:
        raise _unreadable() from None


def _float(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        raise _unreadable() from None
    return to_text(number) if math.isfinite(number) else encode_basestring(text)


def _verbatim(text: str) -> str:
    return text


_SCALARS: Mapping[int, Callable[[str], str]] = {
    _BOOL: _bool,
    _INT2: _int,
    _INT4: _int,
    _FLOAT4: _float,
    _FLOAT8: _float,
    _JSON: _verbatim,
    _JSONB: _verbatim,
}


def _array(text: str, write: Callable[[str], str]) -> str:
    """Write an array literal as a list. An empty one is read as one empty element, as Neon reads it."""
    body = text[text.index("=") + 1 :] if text.startswith("[") else text  # without its decoration of bounds
    out: list[str] = []
    at = 0
    while at < len(body):
        mark = body[at]
        if mark == "{":
            out.append("[")
            at += 1
            if body.startswith("}", at):
                out.append(write(""))
        elif mark in "},":
            out.append("]" if mark == "}" else ",")
            at += 1
        else:
            element, at = _quoted(body, at + 1) if mark == '"' else _bare(body, at)
            out.append("null" if element is None else write(element))
    return "".join(out)


def _quoted(body: str, at: int) -> tuple[str, int]:
    chars: list[str] = []
    while body[at] != '"':
        at += body[at] == "\\"
        chars.append(body[at])
        at += 1
    return "".join(chars), at + 1


def _bare(body: str, at: int) -> tuple[str | None, int]:
    end = at
    while body[end] not in ",}":
        end += 1
    word = body[at:end]
    return (None if word == "NULL" else word), end
