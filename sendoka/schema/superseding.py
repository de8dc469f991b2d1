"""Types that cannot be changed in place: another one is made beside each, and what holds its values moves over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.schema.diff import Altered
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds import kind_of
from sendoka.schema.spelling import differences

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Id, Model, Object
    from sendoka.schema.step import Hazard, Step

__all__ = ["Superseded", "steps_of", "superseded"]

Superseded = dict["Id", tuple["Object", "tuple[Hazard, ...]"]]
"""What an old type is called meanwhile, and what is lost of it, by the type's id."""


def superseded(changes: Changes) -> tuple[Superseded, list[Altered], set[Id]]:
    """Return the types that are superseded, what is altered, and the ids of those that move over to the new ones.

    A type that holds a superseded one may have to be superseded as well, until no more come.
    """
    altered = {each.new.id: each for each in changes.altered}
    found: Superseded = {}
    movers: set[Id] = set()
    known = -1
    while known < len(found):
        known = len(found)
        found |= dict(_superseded(altered.values(), changes.old, found))
        meanwhile = Renaming({key: old.name for key, (old, _) in found.items()})
        for each in changes.old if found else ():
            before = replace(kind_of(each).moved(each, meanwhile), name=each.name)
            after = changes.new.objects.get(each.id)
            if before != each and after is not None:
                altered[each.id] = Altered(before, after, differences(before, after))
                movers.add(each.id)
    return found, list(altered.values()), movers


def _superseded(
    altered: Iterable[Altered], model: Model, known: Collection[Id]
) -> Iterator[tuple[Id, tuple[Object, tuple[Hazard, ...]]]]:
    """Yield what gets another name meanwhile, by its id; nothing is lost where only what it is made of moves."""
    for each in altered:
        if each.new.id not in known and steps_of(each, model) is None:
            found = kind_of(each.new).superseded(each.old, each.new)
            if found is not None:
                lost = differences(model.objects[each.new.id], each.new) - {"comment"}
                yield each.new.id, found if lost else (found[0], ())


def steps_of(each: Altered, model: Model) -> list[Step] | None:
    """Return what changes an object of the old schema in place, None where it must be made anew."""
    kind = kind_of(each.new)
    stuck = kind.is_stuck(each.old, each.new, model)
    return None if stuck else kind.altered(each.old, each.new, each.changed)
