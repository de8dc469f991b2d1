"""Changes of objects as nodes of a graph, and the order in which each can be made."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from sendoka.errors import SchemaError
from sendoka.schema.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.model import Object
    from sendoka.schema.step import Step

__all__ = ["Node", "Phase", "in_order"]


class Phase(IntEnum):
    """When something happens to an object, where nothing else decides."""

    DROP = 0
    ALTER = 1
    CREATE = 2
    CLOSE = 3
    ALONE = 4
    APART = 5


@dataclass(slots=True, eq=False)
class Node:
    """One object's drop, alteration, creation, or its end after all else, and what must come before it.

    `rather` had better come before it as well.
    """

    phase: Phase
    obj: Object
    steps: list[Step]
    before: set[int] = field(default_factory=set)
    rather: set[int] = field(default_factory=set)

    @property
    def order(self) -> tuple[int, int]:
        """What comes first among those that wait for nothing: by phase and rank."""
        rank = kind_of(self.obj).rank
        return (self.phase, -rank if self.phase is Phase.DROP else rank)


def in_order(nodes: Sequence[Node]) -> tuple[list[int], list[int]]:
    """Return the places of the nodes in an order in which each can come, and those whose `rather` could not be.

    What waits for nothing goes by phase, rank and place. Raises SchemaError where objects need each other in a circle.
    """
    waits = {index: node.before | node.rather for index, node in enumerate(nodes)}
    after: dict[int, list[int]] = {}
    for index, firsts in waits.items():
        for first in firsts:
            after.setdefault(first, []).append(index)
    ready = [(nodes[index].order, index) for index, firsts in waits.items() if not firsts]
    heapq.heapify(ready)
    done: list[int] = []
    broken: list[int] = []
    while waits:
        if not ready:
            broken += _without_wishes(nodes, waits)
            ready = [(nodes[index].order, index) for index, firsts in waits.items() if not firsts]
            heapq.heapify(ready)
        index = heapq.heappop(ready)[1]
        done.append(index)
        del waits[index]
        for other in after.get(index, ()):
            if other in waits and index in waits[other]:
                waits[other].remove(index)
                if not waits[other]:
                    heapq.heappush(ready, (nodes[other].order, other))
    return done, broken


def _without_wishes(nodes: Sequence[Node], waits: dict[int, set[int]]) -> list[int]:
    """Take away what had better come first, and return from whom. Raises SchemaError where that frees nothing."""
    broken = [index for index, firsts in waits.items() if not firsts <= nodes[index].before]
    for index in broken:
        waits[index] &= nodes[index].before
    if all(waits.values()):
        circle = sorted(str(nodes[index].obj.id) for index in waits)
        raise SchemaError("the changes need each other in a circle", where=", ".join(circle[:5]))
    return broken
