"""Random changes of a schema: something comes, goes, gets another name, or has one property changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Object
from tests.schemas.others import BESIDE, ON_TABLES
from tests.schemas.properties import CHANGES, divides
from tests.schemas.rights import grant
from tests.schemas.tables import INSIDE

if TYPE_CHECKING:
    from sendoka.schema.model import Id
    from tests.schemas.world import World

__all__ = ["edit", "grow"]


def grow(world: World) -> None:
    """Add something."""
    table = world.one(Table, lambda each: each.partition_of is None)
    if table is None or world.maybe(0.4):
        world.chance.choice((*BESIDE, grant))(world)
    elif world.maybe(0.75):
        world.chance.choice(INSIDE)(world, table)
    else:
        world.chance.choice(ON_TABLES)(world, table)


def edit(world: World) -> list[str]:
    """Make one to four changes; return the answers, `old=new`, about what got another name."""
    renamed = _rename(world) if world.maybe(0.15) else None
    for _ in range(world.chance.choice([1, 1, 1, 2, 3, 4])):
        draw = world.chance.random()
        if draw < 0.35 or len(world.objects) < 8:
            grow(world)
        elif draw < 0.5:
            _drop(world)
        else:
            _change(world)
    if renamed is None or not _is_there(world, renamed[1]):
        return []
    return [f"{renamed[0].address}={renamed[1].address}"]


def _is_there(world: World, key: Id) -> bool:
    if key.kind != "enum-value":
        return key in world.objects
    return any(enum.value(label) == key for enum in world.all(Enum) for label in enum.values)


def _drop(world: World) -> None:
    gone = world.chance.choice(list(world.objects.values()))
    if isinstance(gone, Column) and divides(world, gone):
        return
    world.drop(gone.id)


def _rename(world: World) -> tuple[Id, Id] | None:
    """Rename something that a person is asked about: (id, new id)."""
    obj = world.one(Object, lambda each: isinstance(each, Column) or kind_of(each).renames_on_answer)
    if obj is None:
        return None
    if isinstance(obj, Enum) and obj.values and world.maybe():
        label, new = world.chance.choice(obj.values), world.name("v")
        world.add(replace(obj, values=tuple(new if each == label else each for each in obj.values)))
        return obj.value(label), obj.value(new)
    name = world.name(obj.kind[0])
    world.rename(obj, name)
    return obj.id, obj.id._replace(name=name)


def _change(world: World) -> None:
    changing = [each for each in world.objects.values() if type(each) in CHANGES or each.comment is not None]
    if not changing:
        return
    obj = world.chance.choice(changing)
    change = world.chance.choice([*CHANGES.get(type(obj), ()), *CHANGES[Object]])
    new = change(world, obj)
    if new is not None and new != obj:
        world.add(new)
