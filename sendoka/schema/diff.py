"""The difference of two schemas, as a pure function of their models."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sendoka.schema.kind import Renaming
from sendoka.schema.kinds import kind_of
from sendoka.schema.model import Model
from sendoka.schema.spelling import differences, remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendoka.schema.model import Id, Object

__all__ = ["Altered", "Changes", "Renamed", "diff"]


@dataclass(frozen=True, slots=True)
class Altered:
    """An object that is in both schemas, and the properties in which it differs."""

    old: Object
    new: Object
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Renamed:
    """What keeps its content and gets a new name: an object, or a piece of one, such as an enum's value.

    `statement` does it. `answered` is false where nobody had to be asked.
    """

    old: Id
    new: Id
    statement: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What leads from one schema to another. `old` already has the new names of what was renamed."""

    old: Model
    new: Model
    renamed: tuple[Renamed, ...]
    dropped: tuple[Object, ...]
    altered: tuple[Altered, ...]
    created: tuple[Object, ...]

    def __bool__(self) -> bool:
        return bool(self.renamed or self.dropped or self.altered or self.created)


def diff(old: Model, new: Model, renaming: Renaming | None = None) -> Changes:
    """Return the changes that lead from `old` to `new`, once the objects of `renaming` are renamed.

    Nothing is taken for a rename but what `renaming` says, and what differs in its name alone and is of a kind that
    `renames_freely`.
    """
    renaming = renaming or Renaming()
    answered = tuple(_answered(old, renaming))
    moved = Model.of((kind_of(each).moved(each, renaming) for each in old), old.unmanaged) if answered else old
    new = remember(moved, new)
    dropped = [each for key, each in moved.objects.items() if key not in new]
    created = [each for key, each in new.objects.items() if key not in moved]
    renamed = tuple(_renamed(dropped, created, moved))
    gone = {each.old for each in renamed}
    come = {each.new for each in renamed}
    return Changes(
        moved,
        new,
        (*answered, *renamed),
        tuple(each for each in dropped if each.id not in gone),
        tuple(_altered(moved, new)),
        tuple(each for each in created if each.id not in come),
    )


def _answered(old: Model, renaming: Renaming) -> Iterator[Renamed]:
    """Yield the answered renames by rank: a column's statement already speaks of its table's new name."""
    named = dict.fromkeys(each for key in renaming.names if (each := _holder(key, old)) is not None)
    for kind, objects in groupby(sorted(named, key=lambda each: (kind_of(each).rank, each.kind)), key=kind_of):
        above = Renaming({key: name for key, name in renaming.names.items() if _rank(key, old) < kind.rank})
        for each in objects:
            for before, after, statement in kind.renames(kind.moved(each, above), kind.moved(each, renaming)):
                yield Renamed(before, after, statement, True)


def _rank(key: Id, old: Model) -> int:
    holder = _holder(key, old)
    return 0 if holder is None else kind_of(holder).rank


def _holder(key: Id, old: Model) -> Object | None:
    """Return the object with the id `key`, or the type that it is a piece of."""
    return old.objects.get(key) or old.objects.get(old.types.get((key.namespace, key.table), key))


def _renamed(dropped: Iterable[Object], created: Iterable[Object], old: Model) -> Iterator[Renamed]:
    """Pair what is equal but for its name."""
    taken = {(each.namespace, kind_of(each).relation(each)) for each in old}
    waiting = [each for each in created if _may_be_renamed(each) and not _is_taken(each, taken)]
    by_content: dict[tuple[str, str, str], list[Object]] = {}
    for each in waiting:
        by_content.setdefault(_place(each), []).append(each)
    for each in dropped:
        if _may_be_renamed(each):
            twins = by_content.get(_place(each), [])
            twin = next((other for other in twins if not differences(each, other)), None)
            if twin is not None:
                twins.remove(twin)
                yield Renamed(each.id, twin.id, kind_of(each).rename(each, twin), False)


def _may_be_renamed(each: Object) -> bool:
    return kind_of(each).renames_freely


def _is_taken(each: Object, taken: set[tuple[str, str | None]]) -> bool:
    relation = kind_of(each).relation(each)
    return relation is not None and (each.namespace, relation) in taken


def _place(each: Object) -> tuple[str, str, str]:
    return (each.kind, each.id.namespace, each.id.table)


def _altered(old: Model, new: Model) -> Iterator[Altered]:
    for key, after in new.objects.items():
        before = old.objects.get(key)
        if before is not None:
            changed = differences(before, after)
            if changed:
                yield Altered(before, after, changed)
