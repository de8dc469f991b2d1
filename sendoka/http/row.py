"""A row: a tuple whose columns have names."""

from __future__ import annotations

from collections import _tuplegetter as cell_at  # type: ignore[attr-defined]  # typeshed knows no private names
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Row", "row_type"]

# `cell_at(position, doc)` is what reads a field of a named tuple: the cell itself, in C, and not by way of
# `__getitem__`. As an attribute it takes an eighth of what a property does, and called it beats `tuple.__getitem__`.


class Row(tuple[Any, ...]):
    """One row: `row["name"]`, `row.name`, `row[0]`, `dict(row)`, `id, name = row`; equal to a tuple or dict alike.

    Of two columns with one name both are there by position, and neither by name. A column called as a method of Row
    (`keys`, `get`, …) is there by `row["keys"]`.
    """

    __slots__ = ()
    _positions: ClassVar[dict[str, int]] = {}
    _names: ClassVar[tuple[str, ...]] = ()

    def __getitem__(self, key: Any) -> Any:
        try:
            return tuple.__getitem__(self, self._position(key) if isinstance(key, str) else key)
        except TypeError:
            if isinstance(key, slice):
                raise
        raise TypeError(f"a cell is taken by its column's name or its position, row[0], not by a {type(key).__name__}")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the row has no column {name!r}; it has {', '.join(self._names) or 'none'}")

    def _position(self, name: str) -> int:
        position = self._positions.get(name)
        if position is None:
            known = ", ".join(self._names) or "none"
            raise KeyError(f"no column {name!r}; the row has {known}")
        if position < 0:
            raise KeyError(f"several columns are called {name!r}; take them by position")
        return position

    def keys(self) -> tuple[str, ...]:
        """Return the columns' names, in order."""
        return self._names

    def values(self) -> tuple[Any, ...]:
        """Return the cells, in order."""
        return tuple(self)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield (name, value), in order."""
        return zip(self._names, self, strict=True)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of the column `name`, or `default` where there is none."""
        return self[name] if name in self._positions else default

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping):
            return len(self._positions) == len(self) and dict(self) == other
        if isinstance(other, Row) and other._names != self._names:
            return False
        return tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __repr__(self) -> str:
        cells = ", ".join(f"{name}={value!r}" for name, value in zip(self._names, self, strict=True))
        return f"Row({cells})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self._names, tuple(self))


_METHODS = frozenset(name for name in vars(Row) if not name.startswith("__"))


@lru_cache(maxsize=512)
def row_type(names: tuple[str, ...]) -> type[Row]:
    """Return the class of rows with these columns. One class a shape makes a row as small as a tuple."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions[name] = -1 if name in positions else position
    cells = [cell_at(position, None) for position in range(len(names))]
    named = {name: cells[position] for name, position in positions.items() if position >= 0}
    numbered = {position: cells[position] for position in range(-len(names), len(names))}
    attributes = {name: cell for name, cell in named.items() if name not in _METHODS and not name.startswith("__")}
    readers: dict[Any, Any] = {**numbered, **named}
    item = _item({key: cell.__get__ for key, cell in readers.items()})
    own: dict[str, Any] = {"__slots__": (), "__getitem__": item, "_positions": positions, "_names": names}
    return type("Row", (Row,), {**attributes, **own})


def _item(cells: dict[Any, Callable[[Row], Any]]) -> Callable[[Row, Any], Any]:
    """Return the `__getitem__` of a class of rows, of which `cells` has a function for every name and position."""

    def __getitem__(self: Row, key: Any) -> Any:  # noqa: N807 - it becomes the method of this name
        try:
            return cells[key](self)
        except (KeyError, TypeError):  # not known, as several of one name, or no key of a dict, as a slice
            pass
        return Row.__getitem__(self, key)  # outside, so that its own error is the only one that is shown

    return __getitem__


def _revive(names: tuple[str, ...], cells: tuple[Any, ...]) -> Row:
    return row_type(names)(cells)
