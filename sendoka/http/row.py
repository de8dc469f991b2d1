"""A row: a tuple whose columns have names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Row", "row_type"]


class Row(tuple[Any, ...]):
    """One row: `row["name"]`, `row.name`, `row[0]`, `dict(row)`, `id, name = row`; equal to a tuple or dict alike.

    Of two columns with one name both are there by position, and neither by name. A column called as a method of Row
    (`keys`, `get`, …) is there by `row["keys"]`.
    """

    __slots__ = ()
    _positions: ClassVar[dict[str, int]] = {}
    _names: ClassVar[tuple[str, ...]] = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            position = self._positions.get(key, -1)
            return tuple.__getitem__(self, position if position >= 0 else self._position(key))
        return tuple.__getitem__(self, key)

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
    attributes = {
        name: property(itemgetter(position))
        for name, position in positions.items()
        if position >= 0 and name not in _METHODS and not name.startswith("__")
    }
    return type("Row", (Row,), {**attributes, "__slots__": (), "_positions": positions, "_names": names})


def _revive(names: tuple[str, ...], cells: tuple[Any, ...]) -> Row:
    return row_type(names)(cells)
