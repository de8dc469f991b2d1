"""Arrays as lists, nested where Postgres' have several dimensions."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Decoder = Callable[[str], Any]

__all__ = ["Array", "array_reader", "array_text"]

T = TypeVar("T")


class Array(list[T]):
    """A list that came from an array whose elements are not counted from 1; `lower_bounds` has one number a dimension.

    In Python it is a list like any other, counted from 0; as a parameter it goes back with its bounds.
    """

    __slots__ = ("lower_bounds",)

    def __init__(self, items: Iterable[T] = (), lower_bounds: Iterable[int] = ()) -> None:
        super().__init__(items)
        self.lower_bounds = tuple(lower_bounds)

    def __repr__(self) -> str:
        return f"Array({list(self)!r}, lower_bounds={self.lower_bounds})"


def array_text(value: list[Any] | tuple[Any, ...], write: Callable[[Any], str]) -> str:
    """Return an array literal; `write` gives the text of one element, which may be an array again.

    Raises ValueError where the bounds of an `Array` no longer fit its dimensions.
    """
    body = "{" + ",".join(map(write, value)) + "}"
    bounds = value.lower_bounds if isinstance(value, Array) else ()
    if not bounds or not value:
        return body
    lengths = _lengths(value)
    if len(lengths) != len(bounds):
        raise ValueError(f"an array of {len(lengths)} dimensions has {len(bounds)} lower bounds")
    spans = (f"[{low}:{low + length - 1}]" for low, length in zip(bounds, lengths, strict=True))
    return f"{''.join(spans)}={body}"


def _lengths(value: Any) -> list[int]:
    lengths = []
    while isinstance(value, list | tuple) and value:
        lengths.append(len(value))
        value = value[0]
    return lengths


@cache
def _parts(separator: str) -> re.Pattern[str]:
    """Return the pattern of one part of an array literal: a brace or separator, a quoted element, or a bare one."""
    return re.compile(rf'[{{}}{separator}]|"(?:[^"\\]|\\.)*"|[^{{}}{separator}"]+', re.DOTALL)


def array_reader(decode: Decoder, separator: str = ",") -> Decoder:
    """Return the reader of arrays whose elements `decode` reads. NULL is None."""

    def read(text: str) -> list[Any]:
        bounds: tuple[int, ...] = ()
        if text.startswith("["):
            spans, _, text = text.partition("=")
            bounds = tuple(map(int, re.findall(r"\[(-?[0-9]+):", spans)))
        items = _flat(text, decode, separator)
        if items is None:
            items = _nested(text, decode, separator)
        return Array(items, bounds) if bounds else items

    return read


def _flat(text: str, decode: Decoder, separator: str) -> list[Any] | None:
    """Return the elements where none is quoted and none an array, which is most arrays; else None."""
    body = text[1:-1]
    if '"' in body or "{" in body or text[0] != "{" or text[-1] != "}":
        return None
    return [None if part == "NULL" else decode(part) for part in body.split(separator)] if body else []


def _nested(text: str, decode: Decoder, separator: str) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for part in _parts(separator).findall(text):
        if part == "{":
            stack.append([])
        elif part == "}":
            done = stack.pop()
            stack[-1].append(done)
        elif part != separator:
            stack[-1].append(_item(part, decode))
    ((array,),) = stack
    return list(array)


def _item(part: str, decode: Decoder) -> Any:
    if part.startswith('"'):
        return decode(re.sub(r"(?s)\\(.)", r"\1", part[1:-1]))
    return None if part == "NULL" else decode(part)
