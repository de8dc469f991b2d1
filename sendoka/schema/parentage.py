"""Tables that join a partitioned table, leave it, or have columns of fewer or more parents: they keep their rows.

Both schemas are looked at as if such a table stood alone: what it has of its parent is its own. It is let go before
everything else and taken in after everything else, and in between it is a table as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sendoka.quoting import qualified
from sendoka.schema.hazards import located
from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.table import Table
from sendoka.schema.spelling import differences, same
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Member, Model, Object

__all__ = ["Parentage", "parentage"]

Place = tuple[str, str]
"""(namespace, name)"""


@dataclass(slots=True)
class Parentage:
    """The two schemas without what changes, the steps before everything else, and those after it."""

    old: Model
    new: Model
    leaving: list[Step] = field(default_factory=list)
    joining: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Move:
    """A table whose parents change: those it keeps, and how it stands before and after."""

    before: Table
    after: Table
    kept: tuple[Place, ...]

    @property
    def gone(self) -> tuple[Place, ...]:
        """The parents that it leaves."""
        return _parents(self.before)[len(self.kept) :]

    @property
    def come(self) -> tuple[Place, ...]:
        """The parents that it comes to."""
        return _parents(self.after)[len(self.kept) :]


def _parents(table: Table) -> tuple[Place, ...]:
    return (table.partition_of,) if table.partition_of else table.inherits


def _moves(old: Model, new: Model) -> Iterator[_Move]:
    for after in new.all(Table):
        before = old.objects.get(after.id)
        if not isinstance(before, Table) or not same(before.partition_by, after.partition_by):
            continue
        one, other = _parents(before), _parents(after)
        if one == other and bool(before.partition_of) == bool(after.partition_of):
            continue
        kept = 0
        if before.partition_of is None and after.partition_of is None:
            while one[kept : kept + 1] == other[kept : kept + 1] != ():
                kept += 1
        if not before.partition_of or _is_known(before, old):
            yield _Move(before, after, one[:kept])


def _is_known(table: Table, model: Model) -> bool:
    """Tell whether all that a partition keeps when it is let go is known: only a catalog tells the names of indexes."""
    if any(each.startswith(f"column {table.namespace}.{table.name}.") for each in model.unmanaged):
        return False
    own = [each for each in model.inherited if (each.namespace, each.table) == (table.namespace, table.name)]
    return len(own) == sum(1 for parent in _parents(table) for _ in _passed_on(parent, model))


def _passed_on(place: Place, model: Model) -> Iterator[Object]:
    """Yield the keys and indexes of a partitioned table, which each of its partitions has too."""
    for parent in (place, *_above(place, model)):
        yield from (each for each in model.parts.get(parent, ()) if kind_of(each).inherited)


def _above(place: Place, model: Model) -> Iterator[Place]:
    key = model.relations.get(place)
    table = None if key is None else model.objects[key]
    for parent in _parents(table) if isinstance(table, Table) else ():
        yield parent
        yield from _above(parent, model)


def parentage(old: Model, new: Model) -> Parentage:
    """Return what leads from one schema to the other, as far as tables change their parents and can keep their rows."""
    moves = list(_moves(old, new))
    found = Parentage(old, new)
    if not moves:
        return found
    before, after = dict(old.objects), dict(new.objects)
    for move in moves:
        before |= {each.id: each for each in _left(move, old)}
        found.leaving += [_part(move.before, parent) for parent in move.gone]
    found.old = old.with_objects(before.values())
    for move in moves:
        after |= {each.id: each for each in _met(move, found.old, new)}
        found.joining += [_join(move.after, parent) for parent in move.come]
    found.new = new.with_objects(after.values())
    return found


def _left(move: _Move, model: Model) -> Iterator[Object]:
    """Yield the table as it is once it has left its parents, and what is its own then."""
    bare = _bare(move.before, move.kept)
    yield bare
    if move.gone:
        yield from _heritage(bare, move.kept, move.gone, model)
    if move.gone and move.before.partition_of:
        place = (bare.namespace, bare.name)
        yield from (each for each in model.inherited if (each.namespace, each.table) == place)


def _met(move: _Move, left: Model, model: Model) -> Iterator[Object]:
    """Yield the table as it is before it comes to its parents, and what it must have by then."""
    bare = _bare(move.after, move.kept)
    yield bare
    if move.come:
        yield from _heritage(bare, move.kept, move.come, model)
    if move.come and move.after.partition_of:
        yield from _adopted(bare, move.come, left, model)


def _bare(table: Table, kept: tuple[Place, ...]) -> Table:
    return replace(table, partition_of=None, bound=None, inherits=kept)


def _heritage(table: Table, kept: tuple[Place, ...], parents: tuple[Place, ...], model: Model) -> Iterator[Member]:
    """Yield the columns and checks that a table has from `parents` alone, as its own."""
    elsewhere = {(each.kind, each.name) for parent in kept for each in _given(parent, model)}
    place = (table.namespace, table.name)
    seen = {(each.kind, each.id.name) for each in model.parts.get(place, ())} | elsewhere
    for parent in parents:
        for each in _given(parent, model):
            if (each.kind, each.name) not in seen:
                seen.add((each.kind, each.name))
                yield replace(each, namespace=table.namespace, table=table.name)


def _given(place: Place, model: Model) -> Iterator[Column | Check]:
    """Yield what a table gives to those that inherit from it; comments and numbers it keeps for itself."""
    for parent in (place, *_above(place, model)):
        for each in model.parts.get(parent, ()):
            if isinstance(each, Column):
                yield replace(each, comment=None, identity=None, statistics=None, options=())
            elif isinstance(each, Check) and not each.no_inherit:
                yield replace(each, comment=None)


def _adopted(table: Table, parents: tuple[Place, ...], old: Model, new: Model) -> Iterator[Object]:
    """Yield the keys and indexes of a table that its new partitioned table has as well, and takes for its own."""
    for each in old.parts.get((table.namespace, table.name), ()):
        if kind_of(each).inherited and each.id not in new:
            likes = (like for parent in parents for like in _passed_on(parent, new) if type(like) is type(each))
            if any(not differences(each, like) - {"comment"} for like in likes):
                yield each


def _part(table: Table, parent: Place) -> Step:
    name, address = qualified(table.namespace, table.name), table.id.address
    why = f"queries of {'.'.join(parent)} do not see the rows of {address} any more"
    hazard = located(Hazard("detach", address, why), ((table.namespace, table.name), parent))
    if table.partition_of:
        return Step(f"ALTER TABLE {qualified(*parent)} DETACH PARTITION {name}", (hazard,))
    return Step(f"ALTER TABLE {name} NO INHERIT {qualified(*parent)}", (hazard,))


def _join(table: Table, parent: Place) -> Step:
    name, address = qualified(table.namespace, table.name), table.id.address
    why = f"queries of {'.'.join(parent)} see the rows of {address} too"
    text = f"ALTER TABLE {name} INHERIT {qualified(*parent)}"
    if table.partition_of:
        why = f"all rows of {address} are read under a lock; it fails on one that is not for it"
        text = (
            f"ALTER TABLE {qualified(*parent)} ATTACH PARTITION {name} {table.bound.text if table.bound else 'DEFAULT'}"
        )
    return Step(text, (located(Hazard("attach", address, why), ((table.namespace, table.name), parent)),))
