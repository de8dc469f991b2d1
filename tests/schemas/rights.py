"""Privileges at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.function import Function
from sendoka.schema.kinds.grant import Grant
from sendoka.schema.kinds.materialized_view import MaterializedView
from sendoka.schema.kinds.namespace import Namespace
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.view import View
from sendoka.schema.model import Object

if TYPE_CHECKING:
    from tests.schemas.world import World

__all__ = ["PRIVILEGES", "grant"]

PRIVILEGES = {
    "table": ("delete", "insert", "select", "update"),
    "view": ("insert", "select"),
    "materialized-view": ("select",),
    "column": ("insert", "select", "update"),
    "sequence": ("select", "usage"),
    "function": ("execute",),
    "enum": ("usage",),
    "namespace": ("usage",),
}
_HOLDERS = (Table, View, MaterializedView, Sequence, Function, Enum, Namespace)


def grant(world: World) -> None:
    """Give a role something that it does not have by itself."""
    held = world.one(Object, lambda each: isinstance(each, _HOLDERS))
    if held is None or (isinstance(held, Function) and not held.name.endswith("(integer)")):
        return
    kind = kind_of(held).name
    found = Grant(
        name=world.chance.choice(["pg_monitor", "pg_signal_backend"]),
        namespace="" if kind == "namespace" else held.namespace,
        on=kind,
        target=held.name,
        privileges=tuple(sorted(world.sample(list(PRIVILEGES[kind]), 2))),
    )
    columns = [each for each in world.all(Column) if (each.namespace, each.table) == (held.namespace, held.name)]
    world.add(found)
    if columns and world.maybe(0.3):
        column = world.chance.choice(columns).name
        world.add(
            Grant(
                name="pg_monitor",
                namespace=held.namespace,
                on="table",
                target=held.name,
                column=column,
                privileges=("select",),
            )
        )
