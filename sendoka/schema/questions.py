"""What a plan asks of a person, and the flags that answer: a drop and what hangs on whether it is a rename are one."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing
from sendoka.schema.diff import diff
from sendoka.schema.kinds import kind_of
from sendoka.schema.likeness import content, likeness
from sendoka.schema.model import Id, Member
from sendoka.schema.plan import plan
from sendoka.schema.renames import become, kinds_of, name_holder, pieces
from sendoka.schema.renaming import Renaming

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Object
    from sendoka.schema.step import Hazard

__all__ = ["Question", "questions", "unanswered"]

_MOST = 5
"""How many renames a question offers."""
_LIKE_ENOUGH = 0.5
"""What of its content something in another namespace must share to be offered, unless it has the same name."""
_HERE = 0.5
"""What standing in the same namespace counts beside the likeness."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and its answers: each the arguments that give it, all of them needed together."""

    text: str
    answers: tuple[tuple[str, ...], ...]


def unanswered(asked: Sequence[Question]) -> AnswerMissing:
    """Return the error that lists the questions, with the exact flags that answer them."""
    count = "a question needs your answer" if len(asked) == 1 else f"{len(asked)} questions need your answer"
    lines = [", or ".join(map(_spoken, each.answers)) for each in asked]
    data = ({"question": each.text, "answers": [list(flags) for flags in each.answers]} for each in asked)
    return AnswerMissing(
        f"{count}: nothing was done",
        where="\n".join(each.text for each in asked),
        todo="answer with: " + "\nand with: ".join(lines),
        questions=tuple(data),
    )


def _spoken(flags: Sequence[str]) -> str:
    """Return the flags of one answer as they are typed, after a word for how many there are."""
    count = len(flags) // 2
    return ("" if count == 1 else "both " if count == 2 else "all of ") + shlex.join(flags)


def questions(
    missing: Sequence[Hazard], changes: Changes, allow: Collection[str], creates: Collection[Id]
) -> list[Question]:
    """Return what the hazards in `missing` ask, in their order; what is in `creates` is new, and no rename."""
    return _Questions(missing, changes, allow, creates).all()


class _Questions:
    """The questions that a plan's hazards make."""

    def __init__(
        self, missing: Sequence[Hazard], changes: Changes, allow: Collection[str], creates: Collection[Id]
    ) -> None:
        self.missing = missing
        self.changes = changes
        self.allow = frozenset(allow)
        self.subjects = {hazard: _subject(hazard, changes) for hazard in missing}
        self.renames = {hazard: _candidates(self.subjects[hazard], changes, creates) for hazard in missing}

    def all(self) -> list[Question]:
        """Return the questions, in order of their hazards; first those whose answer may settle others."""
        groups = sorted(self._groups(), key=lambda group: self._weight(group[0]))
        return [self._question(drops, others) for drops, others in groups]

    def _weight(self, hazard: Hazard) -> int:
        """Return 0 where a namespace may be renamed, 1 where anything else that stands in one may, 2 for all others."""
        renames = self.renames[hazard]
        if not renames or renames[0][0].table:
            return 2
        return 0 if renames[0][0].kind == "namespace" else 1

    def _groups(self) -> list[tuple[Hazard, list[Hazard]]]:
        """Return each hazard with those that its renames would answer as well, and no other hazard's."""
        owners: dict[Hazard, list[Hazard]] = {
            each: [drop for drop in self.missing if drop != each and self._would_answer(drop, each)]
            for each in self.missing
        }
        joined = {each: drops[0] for each, drops in owners.items() if len(drops) == 1}
        return [
            (each, [other for other in self.missing if joined.get(other) == each])
            for each in self.missing
            if each not in joined
        ]

    def _would_answer(self, drop: Hazard, other: Hazard) -> bool:
        """Tell whether a rename of what `drop` drops would answer `other` too: it made it, or holds it."""
        if other.target in {new.address for _, new in self.renames[drop]}:
            return True
        holder, inner = self.subjects[drop], self.subjects[other]
        if holder is None or inner is None or not self.renames[drop]:
            return False
        return holder.kind == "namespace" and inner.namespace == holder.name

    def _question(self, hazard: Hazard, others: list[Hazard]) -> Question:
        group = {each.flag for each in (hazard, *others)}
        renames = [self._by_rename(old, new, group) for old, new in self.renames[hazard]]
        renames += [
            self._rename(old, new)
            for drop in self.missing
            for old, new in self.renames[drop]
            if new.address == hazard.target
        ]
        text = "; ".join(_why(each) for each in (hazard, *others))
        return Question(text, (*renames, _allowing(each.flag for each in (hazard, *others))))

    def _by_rename(self, old: Id, new: Id, group: Collection[str]) -> tuple[str, ...]:
        """Return the rename with what must be allowed besides: the plan is made again with it.

        What holds others has questions of its own, about those, which are asked once it is known to be a rename.
        """
        if old.kind in {"namespace", "table"}:
            return self._rename(old, new)
        homes = {old: new.namespace} if old.namespace != new.namespace else {}
        again = plan(diff(self.changes.old, self.changes.new, Renaming({old: new.name}, homes)))
        elsewhere = {each.flag for each in self.missing} - set(group) | self.allow
        needed = dict.fromkeys(each.flag for each in again.hazards if each.asks and each.flag not in elsewhere)
        return (*self._rename(old, new), *_allowing(needed))

    def _rename(self, old: Id, new: Id) -> tuple[str, str]:
        """Return the flag; it says the kind where the names alone fit two."""
        text = f"{old.address}={new.address}"
        kinds = kinds_of(text, self.changes.old, self.changes.new)
        return ("--rename", f"{old.kind} {text}" if kinds - {old.kind} else text)


def _why(hazard: Hazard) -> str:
    return hazard.why + (f" – or {hazard.instead}" if hazard.instead else "")


def _allowing(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(argument for flag in flags for argument in ("--allow", flag))


# ------------------------------------------------------------------ what a drop may be meant as


def _subject(hazard: Hazard, changes: Changes) -> Id | None:
    """Return the id of what a hazard says is dropped; None where it drops nothing of a name."""
    for each in changes.dropped:
        if hazard.flag == f"drop-{each.kind}:{each.id.address}":
            return each.id
    for old, new in ((each.old, each.new) for each in changes.altered):
        for gone in pieces(old, new)[0]:
            if hazard.flag == f"drop-{gone.kind}:{gone.address}":
                return gone
    return None


def _candidates(gone: Id | None, changes: Changes, creates: Collection[Id]) -> list[tuple[Id, Id]]:
    """Return the renames that a drop may be meant as, the likeliest first."""
    if gone is None:
        return []
    ranked = sorted(_fitting(gone, changes, creates), key=lambda each: -each[0])
    return [(gone, key) for _, key in ranked[:_MOST]]


def _fitting(gone: Id, changes: Changes, creates: Collection[Id]) -> Iterator[tuple[float, Id]]:
    """Yield what came of the same kind in the same place, and how like it is."""
    old = changes.old.objects.get(gone)
    if old is None:
        for one, other in ((each.old, each.new) for each in changes.altered):
            if gone in pieces(one, other)[0]:
                come = (key for key in pieces(one, other)[1] if key not in creates)
                yield from ((_name_likeness(gone, key), key) for key in come)
        return
    kind = kind_of(old)
    if not (kind.renames_on_answer or kind.renames_if_alterable):
        return
    for new in changes.created:
        near = new.kind == old.kind and new.id not in creates and _is_near(old, new, changes)
        if near and become(old, new) and name_holder(old, new, changes.old) is None:
            here = _HERE if new.namespace == old.namespace else 0.0
            yield here + likeness(old, new, changes.old, changes.new), new.id


def _is_near(old: Object, new: Object, changes: Changes) -> bool:
    """Tell whether one could be the other by where they stand: parts in one table, all else in one namespace.

    What moved to another namespace has the same name there, or much the same content.
    """
    if isinstance(old, Member) or old.namespace == new.namespace:
        return (old.namespace, old.id.table) == (new.namespace, new.id.table)
    if old.kind == "sequence" and getattr(old, "owner", None):
        return False  # it moves with its table
    return old.name == new.name or content(old, new, changes.old, changes.new) >= _LIKE_ENOUGH


def _name_likeness(old: Id, new: Id) -> float:
    return difflib.SequenceMatcher(None, old.name, new.name).ratio()
