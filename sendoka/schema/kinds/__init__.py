"""The kinds of database objects: one file each, and each file is found."""

from __future__ import annotations

from functools import cache
from typing import Any

from sendoka.discover import objects_of
from sendoka.schema.kind import Kind

__all__ = ["all_kinds", "kind_named", "kind_of", "kinds_by_name"]


@cache
def all_kinds() -> tuple[Kind[Any], ...]:
    """Return every kind, in order of rank."""
    return tuple(sorted(objects_of(__name__, Kind, noun="kind"), key=lambda kind: (kind.rank, kind.name)))


@cache
def kinds_by_name() -> dict[str, Kind[Any]]:
    """Return every kind by its name."""
    return {kind.name: kind for kind in all_kinds()}


def kind_named(name: str) -> Kind[Any]:
    """Return the kind of that name."""
    return kinds_by_name()[name]


def kind_of(obj: Any) -> Kind[Any]:
    """Return the kind of an object, or of an id."""
    return kinds_by_name()[obj.kind]
