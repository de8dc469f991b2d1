"""A change made once more on another schema: what one branch changed, on top of what the other one did.

A change is known by the schemas before and after it. Made on a third one, each object that it touches must be there as
it was before, in the properties that it touches; what the third has beside that stays.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sendoka.schema.diff import diff, moved
from sendoka.schema.kinds import kind_of, kinds_by_name
from sendoka.schema.model import Member
from sendoka.schema.plan import plan
from sendoka.schema.renames import read_renames
from sendoka.schema.renaming import Renaming
from sendoka.schema.spelling import differences, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Id, Model, Object
    from sendoka.schema.step import Step

__all__ = ["Replayed", "replayed", "told_renames", "turned"]

_RENAMED = re.compile(r'(\S+) ((?:"(?:[^"\\]|\\.)*"|[^"])*?) -> (.+)')
_LAST = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^."]+)$')


@dataclass(frozen=True, slots=True)
class Replayed:
    """A change on top of another schema: `model` is what comes of it, where no `conflicts` say why it does not go.

    `changes` is the change as it was made first. `others` are sentences on the statements that it takes now, and did
    not take then, or the other way round: SQL that was written for it then does something else.
    """

    model: Model
    changes: Changes
    conflicts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def told_renames(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the answers `column messages.body=messages.text` of what headers say, `column messages.body -> …`.

    What got its name and then its namespace, in two lines, is one answer.
    """
    found: list[list[str]] = []
    for text in texts:
        match = _RENAMED.fullmatch(text)
        if match is None:
            continue
        kind, old, new = match.groups()
        earlier = next((each for each in found if each[0] == kind and each[2] == old), None)
        if earlier is not None:
            earlier[2] = new
        elif [kind, old, new] not in found:
            found.append([kind, old, new])
    return tuple(f"{kind} {old}={new}" for kind, old, new in found)


def turned(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the answers that undo the renames that headers tell of.

    A part gets its bare name, for its table may get another one as well.
    """
    answers = []
    for text in texts:
        match = _RENAMED.fullmatch(text)
        if match is not None:
            answers.append(f"{match[1]} {match[3]} -> {_bare(match[1], match[2])}")
    return told_renames(reversed(answers))


def _bare(kind: str, address: str) -> str:
    of = kinds_by_name().get(kind)
    if kind != "enum-value" and not (of is not None and issubclass(of.holds, Member)):
        return address
    match = _LAST.search(address)
    name = match[0] if match is not None else address
    return str(json.loads(name)) if name.startswith('"') else name


def replayed(before: Model, after: Model, onto: Model, renames: Sequence[str] = ()) -> Replayed:
    """Make the change from `before` to `after` on top of `onto`; `renames` are its answers, `old=new`.

    Raises SettingsError for an answer that fits nothing.
    """
    before, onto = before.attentive(after), onto.attentive(after)
    renaming = read_renames(renames, before, after)
    changes = diff(before, after, renaming)
    made = _Onto(before, onto)
    for each in _renamings(changes, renaming):
        if not made.rename(each):
            return Replayed(onto, changes, tuple(made.conflicts))
    model = made.changed(changes.wanted)
    if made.conflicts:
        return Replayed(onto, changes, tuple(dict.fromkeys(made.conflicts)))
    return Replayed(model, changes, others=tuple(_others(changes, diff(onto, model, renaming))))


def _renamings(changes: Changes, renaming: Renaming) -> Iterator[Renaming]:
    """Yield the renames in the order in which they are made: the answered, sequences that follow, equal twins."""
    yield renaming
    follow = {each.old: each.new.name for each in changes.renamed if not each.answered and each.old.kind == "sequence"}
    yield Renaming(follow)
    yield Renaming({each.old: each.new.name for each in changes.renamed if each.freely})


class _Onto:
    """The schema that a change is made on, and the one it was made on first, renamed and changed step by step."""

    def __init__(self, before: Model, onto: Model) -> None:
        self.before = before
        self.onto = onto
        self.conflicts: list[str] = []

    def rename(self, renaming: Renaming) -> bool:
        """Rename in both; tell whether that could be done.

        What partitions have from their tables is no object, and is left to the change itself.
        """
        renaming = renaming.only(key for key in renaming.keys if _is_there(key, self.before))
        if not renaming:
            return True
        for key in renaming.keys:
            new = _id_after(key, self.before, renaming)
            if not _is_there(key, self.onto):
                self.conflicts.append(f"{key} gets another name here, and is not there any more")
            elif key.kind == "enum-value" and _is_there(key._replace(name=renaming.name(key)), self.onto):
                self.conflicts.append(f"{key} is called {renaming.name(key)} here, and there is another one by now")
            elif new is not None and new in self.onto:
                self.conflicts.append(f"{key} is called {new.address} here, and there is another {new} by now")
        if self.conflicts:
            return False
        self.before = moved(self.before, renaming.completed(self.before))
        self.onto = moved(self.onto, renaming.completed(self.onto))
        return True

    def changed(self, wanted: Model) -> Model:
        """Return the schema with all that leads to `wanted`; what does not go is among the conflicts."""
        objects = dict(self.onto.objects)
        for key, was in self.before.objects.items():
            if key not in wanted:
                self._drop(key, was, objects)
            else:
                self._alter(key, was, wanted.objects[key], objects)
        for key, new in wanted.objects.items():
            if key not in self.before:
                if key in objects:
                    self.conflicts.append(f"{key} is new on both sides")
                else:
                    objects[key] = new
        made = self.onto.with_objects(objects.values())
        if not self.conflicts:
            self.conflicts += [*_lost(wanted, made, self.onto), *_lost(self.onto, made, wanted)]
            self.conflicts += _twice(made, wanted, self.onto)
        return made

    def _drop(self, key: Id, was: Object, objects: dict[Id, Object]) -> None:
        there = objects.pop(key, None)
        owner = kind_of(was).owned_by(was)
        if there is None:
            if owner is None or owner in self.onto.relations:
                self.conflicts.append(f"{key} is dropped here, and is not there any more")
            return
        changed = differences(was, there)
        if changed:
            self.conflicts.append(f"{key} is dropped here, and has another {_listed(changed)} there")

    def _alter(self, key: Id, was: Object, new: Object, objects: dict[Id, Object]) -> None:
        changed = differences(was, new)
        if not changed:
            return
        there = objects.get(key)
        if there is None:
            self.conflicts.append(f"{key} has another {_listed(changed)} here, and is not there any more")
            return
        both = frozenset(name for name in changed if not same(getattr(was, name), getattr(there, name)))
        if both:
            self.conflicts.append(f"{key} has another {_listed(both)} on both sides")
        beside = {each.name for each in fields(was) if not each.compare}  # what is known of it, and is no property
        known = {name for name in beside if getattr(was, name) != getattr(new, name)}
        objects[key] = replace(there, **{name: getattr(new, name) for name in changed | known})


def _id_after(key: Id, model: Model, renaming: Renaming) -> Id | None:
    """Return the id that an object has after the renames; None for a piece of one, such as an enum's value."""
    each = model.objects.get(key)
    return None if each is None else kind_of(each).moved(each, renaming).id


def _is_there(key: Id, model: Model) -> bool:
    holder = model.objects.get(model.types.get((key.namespace, key.table), key))
    return key in model or (key.kind == "enum-value" and key.name in getattr(holder, "values", ()))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)).replace("_", " ")


def _lost(source: Model, made: Model, other: Model) -> Iterator[str]:
    """Yield what needs something that is in `source`, where it comes from, and is not in `made`.

    What is in `other` as it is does without: that schema stands.
    """
    for key, each in made.objects.items():
        if key not in source or other.objects.get(key) == each:
            continue
        needs = list(kind_of(each).needs(each, source))
        if isinstance(each, Member):
            needs.append(source.relations.get((each.namespace, each.table), key))
        for need in needs:
            if need in source and need not in made:
                yield f"{key} needs {need}, which is not there any more"


def _twice(made: Model, *sources: Model) -> Iterator[str]:
    """Yield what cannot stand beside each other, though the ids differ, and stood so in none of `sources`."""
    taken: dict[tuple[str, str], Id] = {}
    for key, each in made.objects.items():
        name = kind_of(each).relation(each) or (each.name if each.is_type else None)
        other = taken.setdefault((each.namespace, name), key) if name is not None else key
        if not any(key in source and other in source for source in sources):
            yield f"{other} and {key} want the same name"
    primary = Counter((key.namespace, key.table) for key in made.objects if key.kind == "primary-key")
    for place, count in primary.items():
        if count > 1:
            yield f"{made.relations.get(place, place[1])} has a primary key on both sides"


def _others(first: Changes, now: Changes) -> Iterator[str]:
    """Yield where the plans of the two changes part."""
    then, here = ({step.text: step.about for step in _steps(each)} for each in (first, now))
    for text, about in here.items():
        if text not in then:
            yield f"{about or 'the schema'}: it takes {_short(text)} now"
    for text, about in then.items():
        if text not in here:
            yield f"{about or 'the schema'}: {_short(text)} does not fit any more"


def _steps(changes: Changes) -> Iterator[Step]:
    for transaction in plan(changes).transactions:
        yield from transaction.steps


def _short(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 80 else line[:79] + "…"
