"""The difference of two schemas, as a pure function of their models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.model import Model
from sendoka.schema.parentage import parentage
from sendoka.schema.renaming import Renaming
from sendoka.schema.spelling import differences, remember
from sendoka.schema.ties import settled
from sendoka.schema.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendoka.schema.kind import Kind
    from sendoka.schema.model import Id, Object
    from sendoka.schema.step import Step

__all__ = ["Altered", "Changes", "Renamed", "diff", "moved"]


@dataclass(frozen=True, slots=True)
class Altered:
    """An object that is in both schemas, and the properties in which it differs."""

    old: Object
    new: Object
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Renamed:
    """What keeps its content and gets a new name: an object, or a piece of one, such as an enum's value.

    `statement` does it. `answered` is false where nobody had to be asked; `freely` is true of what differs in nothing
    but its name.
    """

    old: Id
    new: Id
    statement: str
    answered: bool
    freely: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What leads from one schema to another. `old` already has the new names of what was renamed.

    `left` says what is left as it is, because it hangs together with what is not managed.
    In between `leaving`, the steps before everything else, and `joining`, those after it, tables that change their
    parents stand alone, in both schemas; `wanted` is the schema that comes out of it all.
    `left_alone` are the objects of a kind that one of the two schemas says nothing of: they stay as they are.
    `is_spelled` is true where a Postgres spelled both: texts that differ then do not mean the same.
    """

    old: Model
    new: Model
    renamed: tuple[Renamed, ...]
    dropped: tuple[Object, ...]
    altered: tuple[Altered, ...]
    created: tuple[Object, ...]
    left: tuple[str, ...] = ()
    leaving: tuple[Step, ...] = ()
    joining: tuple[Step, ...] = ()
    left_alone: tuple[Object, ...] = ()
    wanted: Model = field(default_factory=Model)
    is_spelled: bool = False

    def __bool__(self) -> bool:
        made = self.dropped or self.altered or self.created
        return bool(self.renamed or made or self.leaving or self.joining)


@uncollected()
def diff(old: Model, new: Model, renaming: Renaming | None = None) -> Changes:
    """Return the changes that lead from `old` to `new`, once the objects of `renaming` are renamed.

    Nothing is taken for a rename but what `renaming` says, and what differs in its name alone and is of a kind that
    `renames_freely`. A kind that `new` is silent about stays as it is in `old`; one that only `old` is silent about is
    not compared.
    """
    renaming = (renaming or Renaming()).completed(old)
    answered = tuple(_answered(old, renaming))
    before = moved(old, renaming) if answered else old
    following = _following(before, new).completed(before)
    followed = tuple(replace(each, answered=False) for each in _answered(before, following))
    before = moved(before, following) if followed else before
    new, left_alone = _agreed(before, remember(before, new))
    new, left = settled(before, new)
    apart, wanted = parentage(before, new), new
    before, new = apart.old, apart.new
    dropped = [each for key, each in before.objects.items() if key not in new]
    created = [each for key, each in new.objects.items() if key not in before]
    renamed = tuple(_renamed(dropped, created, before))
    gone = {each.old for each in renamed}
    come = {each.new for each in renamed}
    freely = Renaming({each.old: each.new.name for each in renamed})
    return Changes(
        moved(before, freely) if renamed else before,
        new,
        (*answered, *followed, *renamed),
        tuple(each for each in dropped if each.id not in gone),
        tuple(_altered(before, new)),
        tuple(each for each in created if each.id not in come),
        left,
        tuple(apart.leaving),
        tuple(apart.joining),
        left_alone,
        wanted,
    )


def moved(old: Model, renaming: Renaming) -> Model:
    """Return the schema as it reads after the renames."""
    inherited = (kind_of(each).moved(each, renaming) for each in old.inherited)
    return old.with_objects((kind_of(each).moved(each, renaming) for each in old), inherited)


def _following(old: Model, new: Model) -> Renaming:
    """Return the renames of sequences that differ in their name alone and go with one column: they are what they were.

    Postgres keeps a serial column's sequence under its old name when the table gets another one.
    """
    come = {each.owner_id: each for each in new.all(Sequence) if each.owner and each.id not in old}
    names = {}
    for each in old.all(Sequence) if come else ():
        twin = come.get(each.owner_id) if each.owner and each.id not in new else None
        if twin is not None and not differences(each, twin):
            names[each.id] = twin.name
    return Renaming(names)


def _agreed(old: Model, new: Model) -> tuple[Model, tuple[Object, ...]]:
    """Return `new` with what `old` has of the kinds it is silent about, and what of one side the other leaves alone."""
    if not old.silent | new.silent:
        return new, ()
    kept = tuple(each for each in old if each.kind in new.silent - old.silent and kind_of(each).stays(each, old, new))
    unheard = tuple(each for each in new if each.kind in old.silent)
    silent = (new.silent | old.silent) - {each.kind for each in kept}
    if kept or unheard:
        new = new.with_objects([*(each for each in new if each.kind not in old.silent), *kept])
    return replace(new, silent=silent), (*kept, *unheard)


def _answered(old: Model, renaming: Renaming) -> Iterator[Renamed]:
    """Yield the answered renames by rank: a column's statement already speaks of its table's new name."""
    named = dict.fromkeys(each for key in renaming.keys if (each := _holder(key, old)) is not None)
    for kind, objects in groupby(sorted(named, key=lambda each: (kind_of(each).rank, each.kind)), key=kind_of):
        above = renaming.only(key for key in renaming.keys if _rank(key, old) < kind.rank)
        for each in objects:
            before, after = kind.moved(each, above), kind.moved(each, renaming)
            for one, other, statement in _renames(kind, before, after, old):
                yield Renamed(one, other, statement, True)
            if before.namespace != after.namespace:
                yield from _left_behind(each, old, above, after)


def _renames(kind: Kind[Any], before: Object, after: Object, old: Model) -> Iterator[tuple[Id, Id, str]]:
    """Yield the renames; the move comes first where the new name is still another's in the old namespace."""
    place = (before.namespace, after.name)
    both = before.namespace != after.namespace and before.name != after.name
    if both and (place in old.relations or place in old.types):
        between = replace(before, namespace=after.namespace)
        yield from kind.renames(before, between)
        yield from kind.renames(between, after)
    else:
        yield from kind.renames(before, after)


def _left_behind(owner: Object, old: Model, above: Renaming, moved: Object) -> Iterator[Renamed]:
    """Yield the moves of the parts that Postgres leaves behind when their table goes to another namespace."""
    for part in old.parts.get((owner.namespace, owner.name), ()):
        kind = kind_of(part)
        if kind.stays_behind:
            before = kind.moved(part, above)
            after = replace(before, namespace=moved.namespace)
            yield Renamed(before.id, after.id, kind.move(before, after), False)


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
                yield Renamed(each.id, twin.id, kind_of(each).rename(each, twin), False, freely=True)


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
