"""Changes put in order: what depends on what, and the statements, least destructive first choice of each kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.errors import SchemaError
from sendoka.schema.hazards import located
from sendoka.schema.instead import Likes, kept_name
from sendoka.schema.kinds import kind_named, kind_of
from sendoka.schema.notes import notes
from sendoka.schema.order import Node, Phase, in_order
from sendoka.schema.replacing import made_anew
from sendoka.schema.spelling import differences
from sendoka.schema.step import Hazard, Plan, Step, in_transactions
from sendoka.schema.superseding import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendoka.schema.diff import Altered, Changes, Renamed
    from sendoka.schema.model import Id, Object

__all__ = ["plan"]


def plan(changes: Changes, *, online: bool = False) -> Plan:
    """Return the statements for `changes`, in an order in which each can run. No answer is asked for here.

    `online` takes the ways that hold nobody up for indexes and constraints of tables that are there already: it needs
    more transactions for them, and statements that run in none. Raises SchemaError where objects need each other in a
    circle. Bodies of functions that do are taken unread.
    """
    homes, rest = _homes(changes)
    graph = _Graph(rest, online=online)
    steps = graph.steps()
    renames = [*_renames(changes, freely=False), *changes.leaving, *_renames(changes, freely=True)]
    first = [*homes, *renames, *(step for step in steps if step.commits_first)]
    unread = [Step("SET LOCAL check_function_bodies = off")] if graph.unread else []
    mine = (step for step in steps if not step.commits_first)
    then = [*unread, *mine, *changes.joining]
    apart = any(step.commits_first for step in first)
    batches = [first, then] if apart else [[*first, *then]]
    renamed = tuple(f"{each.new.kind} {each.old.address} -> {each.new.address}" for each in _answered(changes))
    transactions = tuple(one for batch in batches for one in in_transactions(batch))
    return Plan(transactions, renamed=renamed, notes=tuple(notes(changes)))


def _answered(changes: Changes) -> Iterator[Renamed]:
    return (each for each in changes.renamed if each.answered)


def _homes(changes: Changes) -> tuple[list[Step], Changes]:
    """Return the steps that make the namespaces into which something moves, and the changes without them."""
    wanted = {each.new.namespace for each in changes.renamed if each.old.namespace != each.new.namespace}
    made = [each for each in changes.created if each.kind == "namespace" and each.name in wanted]
    steps = [
        replace(step, about=each.id) for each in made for step in (*kind_of(each).create(each, ()), *_remarks(each))
    ]
    return steps, replace(changes, created=tuple(each for each in changes.created if each not in made))


def _renames(changes: Changes, *, freely: bool) -> Iterator[Step]:
    for each in (each for each in changes.renamed if each.freely == freely):
        why = f"code that still says {_said(each)} fails"
        verb = "rename" if each.old.namespace == each.new.namespace else "move"
        place = (each.old.namespace, each.old.table or each.old.name)
        hazard = Hazard(f"{verb}-{each.new.kind}", each.old.address, why, sql=kept_name(each))
        hazards = (located(hazard, (place,)),) if each.answered else ()
        yield Step(each.statement, hazards, about=each.new)


def _said(each: Renamed) -> str:
    return each.old.name if each.old.name != each.new.name else each.old.address


class _Graph:
    """The changes as nodes, and the edges that dependencies draw between them."""

    def __init__(self, changes: Changes, *, online: bool = False) -> None:
        self.changes = changes
        self.online = online
        self.nodes: list[Node] = []
        self.dropping: dict[Id, int] = {}
        self.making: dict[Id, int] = {}
        self.altering: dict[Id, int] = {}
        self.opening: dict[Id, int] = {}
        ungranted = (each for each in changes.dropped if kind_of(each).of_roles)
        self.ungranted = {need for each in ungranted for need in kind_of(each).needs(each, changes.old)}
        self.unread = False
        self.anew = anew = made_anew(changes)
        replaced = anew.keys
        dropped = [*changes.dropped, *(changes.old.objects[key] for key in replaced)]
        created = [*changes.created, *(changes.new.objects[key] for key in replaced)]
        self.old_owners = {(each.namespace, each.name) for each in dropped if kind_of(each).has_parts}
        self.new_owners = {(each.namespace, each.name) for each in created if kind_of(each).has_parts}
        self.likes = Likes(changes.created)
        self._add_drops(dropped)
        self._add_alters(each for each in anew.altered if each.new.id not in replaced)
        self._add_creates(created)
        self._connect()
        self._add_asides()
        self._add_closings()

    # -------------------------------------------------------------- nodes

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _add_drops(self, objects: list[Object]) -> None:
        owners: dict[tuple[str, str], int] = {}
        # What goes with another one comes after it.
        for each in sorted(objects, key=lambda each: (kind_of(each).goes_with(each) is not None, kind_of(each).rank)):
            kind = kind_of(each)
            taken_along = self._taken_along(each, owners)
            if taken_along is not None:
                self.dropping[each.id] = taken_along
                continue
            self.dropping[each.id] = self._add(Node(Phase.DROP, each, self._removal(each)))
            if kind.has_parts:
                owners[each.namespace, each.name] = self.dropping[each.id]

    def _removal(self, each: Object) -> list[Step]:
        """Return the steps that drop an object, with the hazards of what is lost by that."""
        kind, anew = kind_of(each), each.id in self.changes.new
        steps = kind.takes_back(each)
        if steps is not None:
            return [replace(step, hazards=()) for step in steps] if anew else steps
        hazards = self._anew(each) if anew and not kind.holds_data(each) else (self._loss(each),)
        return [*kind.freeing(each, self.changes.old), Step(kind.drop(each), hazards)]

    def _anew(self, each: Object) -> tuple[Hazard, ...]:
        """Return what is lost of an object that is dropped and made again: grants that are not known, or not kept."""
        unknown = kind_of(each).has_privileges and any(kind_named(name).of_roles for name in self.changes.old.silent)
        if not unknown and each.id not in self.ungranted:
            return ()
        why = f"{each.id.address} is dropped and made again: privileges that were granted on it are gone"
        return (Hazard("made-anew", each.id.address, why),)

    def _taken_along(self, each: Object, owners: dict[tuple[str, str], int]) -> int | None:
        """Return the drop that takes this object along, if there is one."""
        owner = kind_of(each).owned_by(each)
        if owner in owners and not self._stands_in_the_way(each):
            return owners[owner]
        companion = kind_of(each).goes_with(each)
        return None if companion is None else self.dropping.get(companion)

    def _stands_in_the_way(self, each: Object) -> bool:
        """Tell whether a part of a dropped table must go before it: it points at another table that goes as well."""
        owners = {need for need in kind_of(each).needs(each, self.changes.old) if kind_of(need).has_parts}
        return len(owners) > 1 and all((need.namespace, need.name) in self.old_owners for need in owners)

    def _loss(self, each: Object) -> Hazard:
        """A drop asks, unless it follows from another that does: a part's from its table's, any where no data is."""
        kind = kind_of(each)
        gone = [need for need in kind.needs(each, self.changes.old) if need in self.anew.gone]
        if kind.holds_data(each):
            gone = [need for need in gone if (need.namespace, need.name) == kind.owned_by(each)]
        loss = replace(kind.loss(each), asks=False) if gone else kind.loss(each)
        return replace(loss, sql=self.likes.as_rename(each) or loss.sql)

    def _add_alters(self, altered: Iterable[Altered]) -> None:
        for each in altered:
            key = each.new.id
            if key in self.anew.superseded:
                steps = self._beside(each)
            else:
                steps = [self._spared(step, each) for step in steps_of(each, self.changes.old) or []]
            self.altering[key] = self._add(Node(Phase.ALTER, each.new, steps))
            opening = kind_of(each.new).opening(each.old, each.new)
            if opening:
                self.opening[key] = self._add(Node(Phase.DROP, each.new, opening))
                self._edge(self.opening[key], self.altering[key])
        users = {self.altering[mover] for mover in self.anew.movers if mover in self.altering}
        ends = {
            key: self._add(Node(Phase.CLOSE, old, [Step(kind_of(old).drop(old))], {self.altering[key], *users}))
            for key, (old, _) in self.anew.superseded.items()
        }
        for key, end in ends.items():
            gone = self.changes.old.objects[key]
            for need in kind_of(gone).needs(gone, self.changes.old):
                self._edge(end, ends.get(need, self.dropping.get(need)))

    def _beside(self, each: Altered) -> list[Step]:
        """Return the steps that give the old one another name and make the new one beside it."""
        kind, (meanwhile, hazards) = kind_of(each.new), self.anew.superseded[each.new.id]
        first = Step(kind.rename(each.old, meanwhile), hazards)
        return [*kind.approach(each.old, each.new), first, *kind.create(each.new, ()), *_remarks(each.new)]

    def _spared(self, step: Step, each: Altered) -> Step:
        """Return a step without the fear of losing values, where they only move to a type that is made anew."""
        if each.new.id not in self.anew.movers or "type" in differences(
            self.changes.old.objects[each.new.id], each.new
        ):
            return step
        why = f"{each.new.id.address}: every row is written again under an exclusive lock, for its type is made anew"
        rewrite = Hazard("rewrite", each.new.id.address, why)
        return replace(step, hazards=tuple(rewrite if one.name == "change-type" else one for one in step.hazards))

    def _add_creates(self, objects: list[Object]) -> None:
        parts: dict[tuple[str, str], list[str]] = {}
        inside: list[tuple[Object, tuple[str, str]]] = []
        merging: set[object] = set()
        for each in sorted(objects, key=lambda each: kind_of(each).rank):
            kind = kind_of(each)
            owner = kind.owned_by(each)
            part = kind.part(each) if owner in self.new_owners else None
            merged = (owner, kind.merges(each))
            if owner is not None and part is not None and (merged[1] is None or merged not in merging):
                merging.add(merged)
                parts.setdefault(owner, []).append(part)
                inside.append((each, owner))
            else:
                self.making[each.id] = self._add(Node(Phase.CREATE, each, []))
        for index in self.making.values():
            self._create(index, parts)
        owners = {(key.namespace, key.name): node for key, node in self.making.items() if kind_of(key).has_parts}
        for each, owner in inside:
            self.making[each.id] = owners[owner]
            self.nodes[owners[owner]].steps.extend(_remarks(each))

    def _create(self, index: int, parts: dict[tuple[str, str], list[str]]) -> None:
        """Give the node of something new its steps."""
        node = self.nodes[index]
        each, kind = node.obj, kind_of(node.obj)
        owner = kind.owned_by(each)
        hazards = kind.risks(each, self.changes.new) if self._stands_on_old(each, owner) else ()
        online = kind.online(each, self.changes.new) if hazards else None
        if online is not None and self.online:
            node.steps = [*(step for step in online if not step.apart), *_remarks(each)]
            node.phase = Phase.ALONE if any(step.done_when for step in online) else node.phase
            self._add(Node(Phase.APART, each, [step for step in online if step.apart], {index}))
            return
        if online is not None:
            sql = tuple(tuple(step.text for step in one.steps) for one in in_transactions(online))
            hazards = tuple(replace(hazard, sql=hazard.sql or sql) for hazard in hazards)
        first, *rest = kind.create(each, parts.get((each.namespace, each.name), ()) if kind.has_parts else ())
        node.steps = [replace(first, hazards=first.hazards + hazards), *rest, *_remarks(each)]

    def _stands_on_old(self, each: Object, owner: tuple[str, str] | None) -> bool:
        """Tell whether what is created is a part of something that is there already."""
        companion = kind_of(each).goes_with(each)
        if owner is None:
            return companion is not None and companion not in self.making
        return owner not in self.new_owners

    def _add_asides(self) -> None:
        for key, (down, up, needs) in self.anew.aside.items():
            if key in self.anew.keys:
                continue
            each = self.changes.new.objects[key]
            first = self._add(Node(Phase.DROP, each, down))
            then = self._add(Node(Phase.CREATE, each, up))
            for node in (self.dropping[need] for need in needs if need in self.dropping):
                self._edge(first, node)
            # What it takes up again may be another one, which its text means now.
            for need in (*needs, *kind_of(each).needs(each, self.changes.new)):
                self._edge(self.making.get(need), then)
            self._edge(first, self.altering.get(key))
            self._edge(self.altering.get(key), then)

    def _add_closings(self) -> None:
        providers = {**self.altering, **self.making}
        altered = {each.new.id: each.old for each in self.anew.altered}
        for key, node in providers.items():
            each = self.changes.new.objects[key]
            before = None if key in self.making else altered[key]
            fresh = kind_of(each).goes_with(each) in self.making
            steps = kind_of(each).closing(before, each, self.changes.new, fresh=fresh)
            if steps:
                waits = (providers.get(need) for need in kind_of(each).closes_after(each))
                self._add(Node(Phase.CLOSE, each, steps, {node, *(each for each in waits if each is not None)}))

    # -------------------------------------------------------------- edges

    def _connect(self) -> None:
        providers = {**self.altering, **self.making}
        retouched = {
            each.new.id for each in self.anew.altered if each.new.kind == "column" and "type" not in each.changed
        }
        retouched &= self.altering.keys()
        for key, node in providers.items():
            each = self.changes.new.objects[key]
            needs = list(kind_of(each).needs(each, self.changes.new))
            # A column that keeps its type can be read before and after it is altered.
            either = {need for need in needs if each.is_relation and need in retouched}
            for need in needs:
                self._edge(None if need in either else providers.get(need), node)
            wanted = {providers.get(want) for want in (*either, *kind_of(each).wants(each, self.changes.new))}
            self.nodes[node].rather.update(want for want in wanted if want is not None and want != node)
            self.unread = self.unread or kind_of(each).is_unreadable(each, self.changes.new)
        hindered = {**self.altering, **self.dropping}
        for key, node in self.dropping.items():
            each = self.changes.old.objects[key]
            for need in kind_of(each).needs(each, self.changes.old):
                self._edge(node, hindered.get(need))
            self._edge(node, self.making.get(key))
        for key, node in self.altering.items():
            before = self.changes.old.objects[key]
            aside = self.anew.aside[key][2] if key in self.anew.aside else ()
            for need in kind_of(before).needs(before, self.changes.old):
                if need not in aside:
                    self._edge(node, self.dropping.get(need))
            companion = kind_of(before).goes_with(before)
            self._edge(self.opening.get(key, node), self.dropping.get(companion) if companion else None)
        self._free_names()

    def _free_names(self) -> None:
        """A relation's name is free for another kind only once its holder is gone, and a table has one primary key."""
        holders = {}
        keys = {(key.namespace, key.table): node for key, node in self.dropping.items() if key.kind == "primary-key"}
        for key, node in self.dropping.items():
            each = self.changes.old.objects[key]
            holders[each.namespace, kind_of(each).relation(each)] = node
        for key, node in self.making.items():
            each = self.changes.new.objects[key]
            relation = kind_of(each).relation(each)
            self._edge(keys.get((key.namespace, key.table)) if key.kind == "primary-key" else None, node)
            self._edge(holders.get((each.namespace, relation)) if relation else None, node)
            taken = f"foreign table {each.namespace}.{relation}"
            if relation and taken in self.changes.old.unmanaged:
                raise SchemaError(f"{each.id} has the name of a {taken}, which is not managed", todo="drop that before")

    def _edge(self, first: int | None, then: int | None) -> None:
        if first is not None and then is not None and first != then:
            self.nodes[then].before.add(first)

    def steps(self) -> list[Step]:
        """Return all steps in order. Raises SchemaError where objects need each other in a circle."""
        places, broken = in_order(self.nodes)
        self.unread = self.unread or any(self.nodes[index].obj.is_routine for index in broken)
        return [self._placed(step, self.nodes[index]) for index in places for step in self.nodes[index].steps]

    def _placed(self, step: Step, node: Node) -> Step:
        """Return a step that says what it is about, and whose hazards say which tables they lock."""
        key = node.obj.id
        if not step.hazards:
            return replace(step, about=key)
        places = kind_of(node.obj).locks(node.obj, self.changes.old if node.phase == Phase.DROP else self.changes.new)
        return replace(step, about=key, hazards=tuple(located(each, places) for each in step.hazards))


def _remarks(each: Object) -> list[Step]:
    """Return what is said of a new object once it is there."""
    kind = kind_of(each)
    return [*kind.afterwards(each), *([] if each.comment is None else [kind.remark(each)])]
