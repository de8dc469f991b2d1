"""Tables that point at each other in a circle: which of their foreign keys comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.schema.kinds.foreign_key import ForeignKey
    from sendoka.schema.model import Id

__all__ = ["late_keys"]

Place = tuple[str, str]


def late_keys(keys: Iterable[ForeignKey]) -> frozenset[Id]:
    """Return the foreign keys without which no circle is left; one into its own table makes none."""
    pointing: dict[Place, list[ForeignKey]] = {}
    for key in keys:
        if (key.namespace, key.table) != (key.target_namespace, key.target):
            pointing.setdefault((key.namespace, key.table), []).append(key)
    late: set[Id] = set()
    done: set[Place] = set()
    for start in sorted(pointing):
        _walk(start, pointing, done, late)
    return frozenset(late)


def _walk(start: Place, pointing: dict[Place, list[ForeignKey]], done: set[Place], late: set[Id]) -> None:
    """Go from table to table, the deepest first; a key that leads back to where we came from is late."""
    if start in done:
        return
    open_: dict[Place, list[ForeignKey]] = {start: list(pointing.get(start, ()))}
    path = [start]
    while path:
        here = path[-1]
        if not open_[here]:
            done.add(path.pop())
            continue
        key = open_[here].pop(0)
        target = (key.target_namespace, key.target)
        if target in path:
            late.add(key.id)
        elif target not in done:
            open_[target] = list(pointing.get(target, ()))
            path.append(target)
