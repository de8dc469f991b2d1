"""Ranges and multiranges as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    Decoder = Callable[[str], Any]

__all__ = ["Multirange", "Range", "multirange_reader", "range_reader"]

T = TypeVar("T")

_BOUNDS = frozenset({"[)", "(]", "[]", "()"})


@total_ordering
@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """A range: `Range(1, 10)` is 1 to 9, `Range(1, 10, "[]")` has both ends; an end that is None is unbounded.

    `Range.nothing()` is Postgres' `empty`. They sort as Postgres sorts them. A range of whole numbers or of days comes
    back from Postgres in its canonical form, `[)`. Raises ValueError for other bounds.
    """

    lower: T | None = None
    upper: T | None = None
    bounds: str = "[)"
    is_empty: bool = False

    def __post_init__(self) -> None:
        if self.bounds not in _BOUNDS:
            raise ValueError(f"the bounds of a range are one of [) (] [] (), not {self.bounds!r}")
        if self.is_empty and (self.lower, self.upper) != (None, None):
            raise ValueError("an empty range has no ends")
        # What is unbounded does not include its end: one value, one form.
        lower, upper = ("(" if self.lower is None else self.bounds[0], ")" if self.upper is None else self.bounds[1])
        object.__setattr__(self, "bounds", lower + upper)

    @staticmethod
    def nothing() -> Range[Any]:
        """Return the range that holds no value."""
        return Range(is_empty=True)

    def __contains__(self, value: Any) -> bool:
        if self.is_empty:
            return False
        lower: Any = self.lower
        upper: Any = self.upper
        above = lower is None or lower < value or (self.bounds[0] == "[" and lower == value)
        return bool(above and (upper is None or value < upper or (self.bounds[1] == "]" and upper == value)))

    def __postgres__(self) -> str:
        if self.is_empty:
            return "empty"
        return f"{self.bounds[0]}{_end(self.lower)},{_end(self.upper)}{self.bounds[1]}"

    def __lt__(self, other: Range[T]) -> bool:
        return self._rank() < other._rank() if isinstance(other, Range) else NotImplemented  # type: ignore[redundant-expr]  # other callers

    def _rank(self) -> tuple[Any, ...]:
        if self.is_empty:
            return (0,)
        lower = (0,) if self.lower is None else (1, self.lower, self.bounds[0] == "(")
        upper = (1,) if self.upper is None else (0, self.upper, self.bounds[1] == "]")
        return 1, lower, upper


class Multirange(tuple[Range[T], ...]):
    """A multirange: a tuple of its ranges, `Multirange([Range(1, 3), Range(5, 9)])`.

    Postgres gives the ranges sorted, those that touch as one, and no empty one among them.
    """

    __slots__ = ()

    def __new__(cls, ranges: Iterable[Range[T]] = ()) -> Self:
        self = super().__new__(cls, ranges)
        for found in self:
            if not isinstance(found, Range):
                raise TypeError(f"a multirange is made of Range values, not of {type(found).__name__}")
        return self

    def __postgres__(self) -> str:
        return "{" + ",".join(part.__postgres__() for part in self) + "}"

    def __repr__(self) -> str:
        return f"Multirange({list(self)!r})"


def _end(value: Any) -> str:
    from sendoka.http.encode import encode

    text = encode(value)
    return "" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_END = r'(?:"((?:[^"\\]|""|\\.)*)"|([^"\\,()\[\]{}]*))'
_RANGE = rf"(?s:(empty)|([\[(]){_END},{_END}([\])]))"


def range_reader(decode: Decoder) -> Decoder:
    """Return the reader of ranges whose ends `decode` reads."""

    def read(text: str) -> Range[Any]:
        found = re.fullmatch(_RANGE, text)
        if found is None:
            raise ValueError(f"{text!r} is not a range")
        return _range(found, decode)

    return read


def multirange_reader(decode: Decoder) -> Decoder:
    """Return the reader of multiranges whose ends `decode` reads."""

    def read(text: str) -> Multirange[Any]:
        if not re.fullmatch(rf"\{{(?:{_RANGE}(?:,(?!\}})|(?=\}})))*\}}", text):
            raise ValueError(f"{text!r} is not a multirange")
        return Multirange(_range(found, decode) for found in re.finditer(_RANGE, text))

    return read


def _range(found: re.Match[str], decode: Decoder) -> Range[Any]:
    empty, opening, *ends, closing = found.groups()
    if empty:
        return Range.nothing()
    lower, upper = (_read_end(ends[0], ends[1], decode), _read_end(ends[2], ends[3], decode))
    return Range(lower, upper, opening + closing)


def _read_end(quoted: str | None, bare: str | None, decode: Decoder) -> Any:
    if quoted is None:
        return decode(bare) if bare else None
    return decode(re.sub(r'(?s)\\(.)|""', lambda found: found[1] or '"', quoted))
