"""What each type is read as: the catalog, and what a client or a query says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.http.types.catalog import RANGES, SCALARS, SPELLINGS, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Decoder = Callable[[str], Any]

__all__ = ["BUILT_IN", "Reader", "Types"]


class Reader(NamedTuple):
    """How cells of one type are read: one by one, and, where `column` is given, a column without NULLs at once."""

    decode: Decoder
    column: Callable[[Sequence[str]], list[Any]] | None = None


class Types:
    """What cells are read as, by type. `Types.of({"jsonb": loads, 1700: float, "numeric[]": my_array})` says otherwise.

    A key is a type's name (`"int8"`, `"bigint"`, `"text[]"`) or OID, which is the only way to name a type of an
    extension or of your own; a value is called with a cell's text and never with NULL. What is said about a type holds
    in its arrays and ranges too, unless something is said about those. Immutable.
    """

    __slots__ = ("_overrides", "_readers")

    def __init__(self, overrides: Mapping[int, Decoder], /) -> None:
        self._overrides = dict(overrides)
        # Filled as columns of a type are met.
        self._readers: dict[int, Reader] = {}

    @classmethod
    def of(cls, overrides: Mapping[str | int, Decoder]) -> Types:
        """Return the built-in types with these overrides. Raises ValueError or TypeError for what names no type."""
        return BUILT_IN.extended(overrides)

    def extended(self, overrides: Mapping[str | int, Decoder]) -> Types:
        """Return these types with more overrides; the later ones win."""
        return Types({**self._overrides, **_checked(overrides)}) if overrides else self

    def reader(self, oid: int) -> Reader | None:
        """Return how cells of this type are read; None where they stay text."""
        found = self._readers.get(oid)
        if found is None:
            found = _reader(oid, self._overrides)
            if found is not None:
                self._readers[oid] = found
        return found

    def __repr__(self) -> str:
        names: dict[int, str | int] = {oid: name for name, oid in _names().items()}
        said = {names.get(oid, oid): decode for oid, decode in self._overrides.items()}
        return f"Types.of({said!r})"


def _reader(oid: int, overrides: Mapping[int, Decoder]) -> Reader | None:
    decode = _decoder(oid, overrides)
    scalar = None if oid in overrides else _SCALARS.get(oid)
    return None if decode is None or decode is str else Reader(decode, scalar.column if scalar else None)


def _decoder(oid: int, overrides: Mapping[int, Decoder]) -> Decoder | None:
    if oid in overrides:
        return overrides[oid]
    if oid in _SCALARS:
        return _SCALARS[oid].decode
    if oid in _ELEMENTS:
        from sendoka.http.types.array import array_reader

        of, separator = _ELEMENTS[oid]
        return array_reader(_decoder(of, overrides) or str, separator)
    if oid in _ENDS:
        from sendoka.http.types.range import multirange_reader, range_reader

        of, is_multirange = _ENDS[oid]
        return (multirange_reader if is_multirange else range_reader)(_decoder(of, overrides) or str)
    return None


_SCALARS = {scalar.oid: scalar for scalar in SCALARS}
# Of an array's OID, those of its elements and what parts them.
_ELEMENTS = {scalar.array: (scalar.oid, scalar.separator) for scalar in SCALARS if scalar.array}
_ELEMENTS |= {kind.array: (kind.oid, ",") for kind in RANGES}
_ELEMENTS |= {kind.multirange_array: (kind.multirange_oid, ",") for kind in RANGES}
# Of a range's OID or a multirange's, that of the type of its ends, and which of the two it is.
_ENDS = {kind.oid: (kind.of, False) for kind in RANGES} | {kind.multirange_oid: (kind.of, True) for kind in RANGES}


@cache
def _names() -> dict[str, int]:
    """Return the OID of every type by its name in Postgres, an array's being `name[]`."""
    known = {name: oid for scalar in SCALARS for name, oid in _named(scalar)}
    for kind in RANGES:
        known |= {kind.name: kind.oid, f"{kind.name}[]": kind.array}
        known |= {kind.multirange: kind.multirange_oid, f"{kind.multirange}[]": kind.multirange_array}
    return known


def _named(scalar: Scalar) -> list[tuple[str, int]]:
    own = (scalar.name, scalar.oid)
    return [own, (f"{scalar.name}[]", scalar.array)] if scalar.array else [own]


def _checked(overrides: Mapping[str | int, Decoder]) -> dict[int, Decoder]:
    given: object = overrides
    if not isinstance(given, Mapping):
        raise TypeError(
            f'types= maps names of types to functions of a text, as types={{"jsonb": str}}, not {type(given).__name__}'
        )
    found = {_oid(key): decode for key, decode in overrides.items()}
    for key, decode in overrides.items():
        if not callable(decode):
            raise TypeError(f"types={{{key!r}: …}} takes a function from text to a value, not {decode!r}")
    return found


def _oid(key: str | int) -> int:
    if isinstance(key, int) and not isinstance(key, bool) and 0 < key < 2**32:
        return key
    if not isinstance(key, str):
        raise TypeError(f"types= is keyed by a type's name or OID, not by {key!r}")
    word = " ".join(key.lower().split())
    base = word.removesuffix("[]")
    oid = _names().get(SPELLINGS.get(base, base) + word[len(base) :])
    if oid is None:
        raise ValueError(
            f"no built-in type is called {key!r}; a type of an extension or of yours is named by its OID: "
            "select 'name'::regtype::oid"
        )
    return oid


BUILT_IN = Types({})
"""The types as the catalog has them."""
