"""What is in both schemas and cannot stay while the rest changes: it is made anew, stands aside, or is superseded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import SchemaError
from sendoka.schema.kinds import kind_of
from sendoka.schema.superseding import steps_of, superseded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Id, Model, Object
    from sendoka.schema.step import Step

__all__ = ["MadeAnew", "made_anew"]


def made_anew(changes: Changes) -> MadeAnew:
    """Return what is made anew. Raises SchemaError where what is not managed needs it."""
    found = MadeAnew(changes)
    found.check_ties([*found.keys, *found.superseded], "be made anew")
    found.check_ties([each.new.id for each in found.altered if "type" in each.changed], "change its type")
    return found


class MadeAnew:
    """What must be taken down and put back. `keys` are dropped and created again.

    `superseded` are types beside which another one is made, and `movers` go over to those; `altered` is what changes
    where it is, the movers among it. `aside` are the steps by which something lets go of what is made anew and takes
    it up again, with that.
    """

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.gone = {each.id for each in changes.dropped}
        self.superseded, self.altered, self.movers = superseded(changes)
        self.alterable = {each.new.id for each in self.altered if steps_of(each, changes.old) is not None}
        self.aside: dict[Id, tuple[list[Step], list[Step], list[Id]]] = {}
        self.keys = self._keys()

    def _keys(self) -> dict[Id, None]:
        """Return what is in both schemas and cannot stay: unalterable, or in the way of something it needs."""
        changes = self.changes
        if not (self.altered or changes.dropped):
            return {}
        unalterable = (each.new.id for each in self.altered if each.new.id not in self.alterable)
        stuck = (kind_of(each.new).stuck_in(each.old, each.new, changes.old) for each in self.altered)
        anew = (*unalterable, *(key for key in stuck if key is not None and key in changes.new))
        replaced = {key: None for key in anew if key not in self.superseded}
        needing = _dependants(changes.old)
        for key in self.superseded:
            replaced |= {other.id: None for other in needing.get(key, ()) if self._is_stuck(other)}
        for altered in self.altered:
            for other in needing.get(altered.old.id, ()):
                if not kind_of(other).survives(other, altered.old, altered.new) and other.id in changes.new:
                    replaced[other.id] = None
        waiting = [*replaced, *self.gone]
        while waiting:
            key = waiting.pop()
            for other in needing.get(key, ()):
                if other.id not in replaced and self._goes_along(other, key):
                    replaced[other.id] = None
                    waiting.append(other.id)
        self._free_companions(replaced)
        return replaced

    def _free_companions(self, replaced: Collection[Id]) -> None:
        """Have what stays let go of what it would disappear with."""
        for each in self.changes.old if replaced else ():
            companion = kind_of(each).goes_with(each)
            stays = each.id in self.changes.new and each.id not in replaced
            needs = kind_of(each).needs(each, self.changes.old)
            if companion is not None and companion in replaced and stays and companion not in needs:
                self._stands_aside(each, companion)

    def _goes_along(self, other: Object, key: Id) -> bool:
        """Tell whether something that stays must be made anew because `key`, which it needs, goes."""
        if other.id not in self.changes.new or other.id in self.superseded or self._lets_go(other, key):
            return False
        return not (self._stands_aside(other, key) or self._does_without(other, key))

    def _is_stuck(self, other: Object) -> bool:
        """Tell whether something that uses a superseded type can neither move over nor goes anyway."""
        return other.id in self.changes.new and other.id not in self.movers and other.id not in self.superseded

    def _stands_aside(self, other: Object, key: Id) -> bool:
        """Note who need not be dropped while `key` is made anew: it lets go of it, and takes it up again."""
        old, after = self.changes.old, self.changes.new.objects[other.id]
        aside = kind_of(other).stands_aside(other, key, old)
        back = kind_of(after).stands_aside(after, key, self.changes.new)
        if aside is None or back is None:
            return False
        down, up, keys = self.aside.setdefault(other.id, ([], [], []))
        down += [step for step in aside[0] if step not in down]
        up += [step for step in back[1] if step not in up]
        keys.append(key)
        return True

    def _lets_go(self, other: Object, key: Id) -> bool:
        """Tell whether what needed `key` is altered, and does without it afterwards."""
        after = self.changes.new.objects[other.id]
        return other.id in self.alterable and key not in kind_of(after).needs(after, self.changes.new)

    def _does_without(self, other: Object, key: Id) -> bool:
        """Tell whether what needed `key` does without it as it is; what holds data is not dropped to find out."""
        after = self.changes.new.objects[other.id]
        return kind_of(after).holds_data(after) and key not in kind_of(after).needs(after, self.changes.new)

    def check_ties(self, keys: Iterable[Id], what: str) -> None:
        """Refuse what Postgres refuses while something that is not managed holds it."""
        held = self.changes.old.ties.held
        for key in keys:
            if key in held and key not in self.gone:
                raise SchemaError(
                    f"{key} must {what}, and {held[key][0]} needs it, which is not managed",
                    todo=f"drop {held[key][0]} before, and make it again afterwards",
                )


def _dependants(model: Model) -> dict[Id, list[Object]]:
    needing: dict[Id, list[Object]] = {}
    for each in model:
        for need in kind_of(each).needs(each, model):
            needing.setdefault(need, []).append(each)
    return needing
