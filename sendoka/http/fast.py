"""Many values at once: JSON by the fastest reader that is installed, and no collector looking in between.

`orjson` (extra `fast`) is used where it pays and can give the very same values; it is never needed.
"""

from __future__ import annotations

import gc
import json
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from sendoka.courtesy import give_way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["loads", "loads_all", "uncollected"]

_WORTH = 1 << 16
"""Bytes of JSON from which on importing and asking orjson pays."""

_MUCH = 1 << 20
"""Bytes of bodies that were read in all from which on it pays for each, be they small."""

_MANY = 1 << 12
"""Values from which on pausing the collector pays."""

# Digits as 0, anything else as 1: nineteen digits in a row may be a number that orjson rounds to a float.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x31 for byte in range(256))
_LONG = b"0" * 19
_DECODE = json.JSONDecoder().raw_decode


@cache
def _orjson() -> Callable[[bytes | bytearray], Any] | None:
    try:
        import orjson
    except ImportError:
        return None
    return orjson.loads


def loads(body: bytes | bytearray) -> Any:
    """Return what a body of JSON holds, its numbers small. Raises ValueError or RecursionError as `json.loads` does."""
    faster = _orjson() if _pays(len(body)) else None
    if faster is not None:
        try:
            found = faster(body)
            give_way()
            return found
        except ValueError:
            # It is stricter and shallower: what json reads all the same is read, and what it refuses says so.
            pass
    found = _object(body)
    return json.loads(body) if found is None else found


class _Bodies:
    """How many bytes were read in all."""

    read = 0


def _pays(size: int) -> bool:
    """Tell whether to ask orjson for a body of so many bytes, and count them."""
    _Bodies.read += size
    return size >= _WORTH or _Bodies.read >= _MUCH


def _object(body: bytes | bytearray) -> Any:
    """Return the object that is the whole body, and None for anything else, without looking for other encodings."""
    if not body.startswith(b"{"):
        return None
    try:
        text = body.decode()
        found, end = _DECODE(text)
    except ValueError:
        return None  # json itself says what is wrong
    return found if end == len(text) else None


def loads_all(texts: Sequence[str]) -> list[Any]:
    """Return what each of `texts`, JSON documents, holds: parsed as one list. Raises ValueError for what is none."""
    joined = f"[{','.join(texts)}]"
    if len(joined) < _WORTH or _orjson() is None:
        return _list(json.loads(joined), texts)
    body = joined.encode("utf-8", "surrogatepass")
    return _list(json.loads(joined) if _LONG in body.translate(_DIGITS) else loads(body), texts)


def _list(found: list[Any], texts: Sequence[str]) -> list[Any]:
    if len(found) != len(texts):
        raise ValueError("a text that is not one JSON document")
    return found


def uncollected(values: int) -> AbstractContextManager[None]:
    """Pause the garbage collector while that many values are made: it would look at all of them, again and again.

    Nothing made here is garbage or in a circle. It is for code without await, so no other task runs meanwhile; of two
    threads the first to end lets the collector go on, which costs time and nothing else.
    """
    return _AS_IT_IS if values < _MANY or not gc.isenabled() else _Paused()


_AS_IT_IS = nullcontext()


class _Paused(AbstractContextManager[None]):
    def __enter__(self) -> None:
        gc.disable()

    def __exit__(self, *details: object) -> None:
        gc.enable()
