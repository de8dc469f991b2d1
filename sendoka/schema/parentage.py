"""Tables that join a partitioned table, leave it, or have columns of fewer or more parents: they keep their rows.

Both schemas are looked at as if such a table stood alone: what it has of its parent is its own. It is let go before
everything else and taken in after everything else, and in between it is a table as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sendoka.quoting import qualified
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.statistics import Statistics
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.trigger import Trigger
from sendoka.schema.model import Member
from sendoka.schema.spelling import same
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model, Object

__all__ = ["Parentage", "parentage"]


@dataclass(slots=True)
class Parentage:
    """The two schemas without what changes, the steps before everything else, and those after it."""

    old: Model
    new: Model
    leaving: list[Step] = field(default_factory=list)
    joining: list[Step] = field(default_factory=list)


def parentage(old: Model, new: Model) -> Parentage:
    """Return what leads from one schema to the other, as far as tables change their parents and can keep their rows."""
    found = Parentage(old, new)
    alone: list[tuple[Table, Table]] = []
    for after in new.all(Table):
        before = old.objects.get(after.id)
        if not isinstance(before, Table) or _parents(before) == _parents(after):
            continue
        if before.inherits or after.inherits:
            _inherited(before, after, found)
        elif before.partition_by == after.partition_by or same(before.partition_by, after.partition_by):
            alone.append((before, after))
    for before, after in alone:
        if before.partition_of is None or _may_leave(before, old):
            _partitioned(before, after, found)
    return found


def _parents(table: Table) -> tuple[tuple[str, str], ...]:
    return (table.partition_of,) if table.partition_of is not None else table.inherits


# ------------------------------------------------------------------ partitions


def _may_leave(table: Table, model: Model) -> bool:
    """Tell whether all that a partition keeps when it is let go is known: what has an index gets names unasked."""
    differs = f"column {table.namespace}.{table.name}."
    if any(each.startswith(differs) for each in model.unmanaged):
        return False
    return all(isinstance(each, Column | Check | Trigger | Statistics) for each in _of_parents(table, model))


def _of_parents(table: Table, model: Model) -> Iterator[Member]:
    """Yield the parts of the tables that a partition is a part of, the uppermost first."""
    if table.partition_of is None:
        return
    above = next((each for each in model.all(Table) if (each.namespace, each.name) == table.partition_of), None)
    if above is not None:
        yield from _of_parents(above, model)
        parts = model.parts.get(table.partition_of, ())
        yield from (each for each in parts if isinstance(each, Member))


def _partitioned(before: Table, after: Table, found: Parentage) -> None:
    name = qualified(after.namespace, after.name)
    if before.partition_of is not None:
        why = f"{before.id.address} is no part of {before.partition_of[1]} any more: its rows are not found there"
        leave = f"ALTER TABLE {qualified(*before.partition_of)} DETACH PARTITION {name}"
        found.leaving.append(Step(leave, (Hazard("detach", before.id.address, why),)))
        found.old = _standing_alone(before, found.old)
    if after.partition_of is not None and after.bound is not None:
        why = f"all rows of {after.id.address} are read under a lock, and the statement fails if one is out of bounds"
        join = f"ALTER TABLE {qualified(*after.partition_of)} ATTACH PARTITION {name} {after.bound.text}"
        found.joining.append(Step(join, (Hazard("attach", after.id.address, why),)))
        found.new = _standing_alone(after, found.new)


def _standing_alone(table: Table, model: Model) -> Model:
    """Return the schema with the columns and checks of a partition's parents as its own."""
    own = {each.id for each in model}
    copies: list[Object] = []
    for each in _of_parents(table, model):
        copy = replace(each, namespace=table.namespace, table=table.name, comment=None)
        if isinstance(copy, Column):
            copies.append(replace(copy, identity=None))
        elif isinstance(copy, Check) and not copy.no_inherit and copy.id not in own:
            copies.append(copy)
    return _with(model, replace(table, partition_of=None, bound=None), *copies)


# ------------------------------------------------------------------ inheritance


def _inherited(before: Table, after: Table, found: Parentage) -> None:
    """Let go of parents, whose columns then are its own, and take in those whose columns it has by itself."""
    if before.partition_of or after.partition_of:
        return
    gone = [each for each in before.inherits if each not in after.inherits]
    kept = tuple(each for each in before.inherits if each in after.inherits)
    come = after.inherits[len(kept) :]
    if kept + come != after.inherits or not all(_has_by_itself(after, each, found.new) for each in come):
        return
    name = qualified(after.namespace, after.name)
    found.leaving += [Step(f"ALTER TABLE {name} NO INHERIT {qualified(*each)}") for each in gone]
    found.joining += [Step(f"ALTER TABLE {name} INHERIT {qualified(*each)}") for each in come]
    found.old = _left(before, gone, kept, found.old)
    found.new = _with(found.new, replace(after, inherits=kept))


def _has_by_itself(table: Table, parent: tuple[str, str], model: Model) -> bool:
    """Tell whether a table has all that it would have of a parent anyway: else it could not come to be the same."""
    own = {(each.kind, each.name) for each in model.parts.get((table.namespace, table.name), ())}
    return all((each.kind, each.name) in own for each in _inheritable(parent, model))


def _inheritable(parent: tuple[str, str], model: Model) -> list[Column | Check]:
    parts = (each for each in model.parts.get(parent, ()) if isinstance(each, Column | Check))
    return [each for each in parts if not (isinstance(each, Check) and each.no_inherit)]


def _left(table: Table, gone: Sequence[tuple[str, str]], kept: tuple[tuple[str, str], ...], model: Model) -> Model:
    """Return the schema once a table has the columns and checks of parents as its own that no other parent has."""
    other = {each.name for parent in kept for each in _inheritable(parent, model)}
    copies = [
        replace(each, namespace=table.namespace, table=table.name, comment=None)
        for parent in gone
        for each in _inheritable(parent, model)
        if each.name not in other
    ]
    fresh = [each for each in copies if each.id not in model]
    return _with(model, replace(table, inherits=kept), *fresh)


def _with(model: Model, table: Table, *more: Object) -> Model:
    rest = (each for each in model if each.id != table.id)
    return model.with_objects([table, *rest, *more])
