"""What a person must decide, and the flags that say it: `--rename old=new`, `--allow drop-column:messages.legacy`."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing, SettingsError
from sendoka.schema.diff import diff
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.table import Table
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Id, Model, Object
    from sendoka.schema.step import Hazard, Plan

__all__ = ["answered", "read_renames"]


def read_renames(texts: Sequence[str], old: Model, new: Model) -> Renaming:
    """Return the renames that the answers `old=new` name: `widgets=gadgets`, `messages.body=messages.text`.

    The old address of a column, or of an enum's value, may have its table's or its enum's old or new name; its new one
    may be the bare name. Raises SettingsError for an answer that fits nothing that went while its like came.
    """
    gone = {each.id.address: each.id for each in old if kind_of(each).renames_on_answer and each.id not in new}
    come = {each.id.address: each.id for each in new if kind_of(each).renames_on_answer and each.id not in old}
    names: dict[Id, str] = {}
    rest = []
    for text in texts:
        pairs = ((gone[a], come[b]) for a, b in _splits(text) if a in gone and b in come)
        pair = next((pair for pair in pairs if pair[0].kind == pair[1].kind), None)
        if pair is None:
            rest.append(text)
        else:
            _same_place(text, *pair)
            _once(text, names, pair[0], pair[1].name)
    moves = _Moves(old, new, Renaming(dict(names)))
    for text in rest:
        piece, name = moves.find(text)
        _once(text, names, piece, name)
    return Renaming(names)


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield every way to read `text` as old=new: a quoted name may hold the sign."""
    for place, sign in enumerate(text):
        if sign == "=":
            yield text[:place].strip(), text[place + 1 :].strip()


def _once(text: str, names: dict[Id, str], key: Id, name: str) -> None:
    """Add the new name of `key`; neither of the two may be in `names` yet."""
    if key in names or (replace(key, name=name), name) in {(replace(k, name=new), new) for k, new in names.items()}:
        raise SettingsError(f"--rename {text}: one of the two is renamed already")
    names[key] = name


def _same_place(text: str, old: Id, new: Id) -> None:
    if old.namespace != new.namespace:
        raise SettingsError(f"--rename {text}: moving a {old.kind} to another namespace is not managed yet")


class _Moves:
    """The columns and the enums' values that went and came, by every address an answer may give them."""

    def __init__(self, old: Model, new: Model, renamed: Renaming) -> None:
        self.gone: dict[str, tuple[Id, Id]] = {}
        self.come: dict[Id, dict[str, str]] = {}
        for owner in old:
            after = new.objects.get(replace(owner.id, name=renamed.name(owner.id)))
            if after is not None:
                self._add(_pieces(owner, old), _pieces(after, new), after.id)

    def _add(self, before: Sequence[Id], after: Sequence[Id], owner: Id) -> None:
        kept = {each.name for each in before} & {each.name for each in after}
        for each in before:
            if each.name not in kept:
                moved = replace(each, table=owner.name)
                self.gone[each.address] = self.gone[moved.address] = (each, owner)
        for each in after:
            if each.name not in kept:
                names = self.come.setdefault(owner, {})
                names[each.address] = names[each.name] = each.name

    def find(self, text: str) -> tuple[Id, str]:
        """Return the old id and the new name. Raises SettingsError where none fits."""
        for old, new in _splits(text):
            if old in self.gone:
                piece, owner = self.gone[old]
                if new in self.come.get(owner, {}):
                    return piece, self.come[owner][new]
        raise SettingsError(
            f"--rename {text} fits nothing: nothing of that name went while the other came",
            todo="write it as --rename table=table, or --rename table.column=table.column; enums and values alike",
        )


def _pieces(owner: Object, model: Model) -> list[Id]:
    """Return the ids of what has a name inside of `owner` and may be renamed on an answer."""
    if isinstance(owner, Enum):
        return [owner.value(label) for label in owner.values]
    return [each.id for each in model.members(owner.id, Column)] if isinstance(owner, Table) else []


def answered(steps: Plan, changes: Changes, allow: Collection[str]) -> Plan:
    """Return `steps` with what `allow` allowed, as it is kept in the migration.

    Raises AnswerMissing where a hazard that asks is not allowed; its text and its `questions` list the exact flags,
    renames that may be meant included. Raises SettingsError for an allowance that fits nothing.
    """
    asking = {hazard.flag: hazard for hazard in steps.hazards if hazard.asks}
    for flag in allow:
        if flag not in {hazard.flag for hazard in steps.hazards}:
            raise SettingsError(f"--allow {flag} fits nothing in this plan", todo=_could_allow(asking))
    missing = [hazard for flag, hazard in asking.items() if flag not in allow]
    if missing:
        raise _unanswered(_Questions(missing, changes, allow).all())
    return replace(steps, allowed=tuple(f"{each.name} {each.target}" for each in asking.values()))


def _could_allow(asking: Iterable[str]) -> str:
    flags = ", ".join(asking)
    return f"it asks for: {flags}" if flags else "it asks for nothing"


# ------------------------------------------------------------------ what was not answered


def _unanswered(questions: list[_Question]) -> AnswerMissing:
    count = "a question needs your answer" if len(questions) == 1 else f"{len(questions)} questions need your answer"
    lines = [", or ".join(map(_spoken, each.answers)) for each in questions]
    data = ({"question": each.text, "answers": [list(flags) for flags in each.answers]} for each in questions)
    return AnswerMissing(
        f"{count}: nothing was written",
        where="\n".join(each.text for each in questions),
        todo="answer with: " + "\nand with: ".join(lines),
        questions=tuple(data),
    )


def _spoken(flags: Sequence[str]) -> str:
    """Return the flags of one answer as they are typed, after a word for how many there are."""
    count = len(flags) // 2
    return ("" if count == 1 else "both " if count == 2 else "all of ") + shlex.join(flags)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and its answers: each the arguments that give it, all of them needed together."""

    text: str
    answers: tuple[tuple[str, ...], ...]


class _Questions:
    """The questions that a plan's hazards make. A drop and what else hangs on whether it is a rename are one."""

    def __init__(self, missing: Sequence[Hazard], changes: Changes, allow: Collection[str]) -> None:
        self.missing = missing
        self.changes = changes
        self.allow = frozenset(allow)
        self.renames = {hazard: _candidates(hazard, changes) for hazard in missing}

    def all(self) -> list[_Question]:
        """Return the questions, in order of their hazards."""
        return [self._question(drops, others) for drops, others in self._groups()]

    def _groups(self) -> list[tuple[Hazard, list[Hazard]]]:
        """Return each hazard with those that its renames would answer as well, and no other hazard's."""
        owners: dict[Hazard, list[Hazard]] = {
            each: [drop for drop in self.missing if each.target in {new.address for _, new in self.renames[drop]}]
            for each in self.missing
        }
        joined = {each: drops[0] for each, drops in owners.items() if len(drops) == 1}
        return [
            (each, [other for other in self.missing if joined.get(other) == each])
            for each in self.missing
            if each not in joined
        ]

    def _question(self, hazard: Hazard, others: list[Hazard]) -> _Question:
        group = {each.flag for each in (hazard, *others)}
        renames = [self._by_rename(old, new, group) for old, new in self.renames[hazard]]
        renames += [
            _rename(old, new)
            for drop in self.missing
            for old, new in self.renames[drop]
            if new.address == hazard.target
        ]
        text = "; ".join(_why(each) for each in (hazard, *others))
        return _Question(text, (*renames, _allowing(each.flag for each in (hazard, *others))))

    def _by_rename(self, old: Id, new: Id, group: Collection[str]) -> tuple[str, ...]:
        """Return the rename with what must be allowed besides: the plan is made again with it.

        A renamed table has questions of its own, about its columns, which are asked once it is known to be one.
        """
        if old.kind == Table.kind:
            return _rename(old, new)
        again = plan(diff(self.changes.old, self.changes.new, Renaming({old: new.name})))
        elsewhere = {each.flag for each in self.missing} - set(group) | self.allow
        needed = dict.fromkeys(each.flag for each in again.hazards if each.asks and each.flag not in elsewhere)
        return (*_rename(old, new), *_allowing(needed))


def _why(hazard: Hazard) -> str:
    return hazard.why + (f" – or {hazard.instead}" if hazard.instead else "")


def _rename(old: Id, new: Id) -> tuple[str, str]:
    return ("--rename", f"{old.address}={new.address}")


def _allowing(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(argument for flag in flags for argument in ("--allow", flag))


def _candidates(hazard: Hazard, changes: Changes) -> list[tuple[Id, Id]]:
    """Return the renames that a drop may be meant as, the likeliest first."""
    gone, fitting = _fitting(hazard, changes)
    if gone is None:
        return []
    ranked = sorted(fitting, key=lambda each: -_likeness(gone, each, changes))
    return [(gone, each) for each in ranked[:5]]


def _fitting(hazard: Hazard, changes: Changes) -> tuple[Id | None, list[Id]]:
    """Return what a hazard says is dropped, and what came in its place; (None, []) where it drops nothing of a name."""
    for each in changes.dropped:
        if hazard.flag == f"drop-{each.kind}:{each.id.address}":
            asked = isinstance(each, Column) or kind_of(each).renames_on_answer
            place = (each.kind, each.namespace, each.id.table)
            come = (other.id for other in changes.created)
            return each.id, [key for key in come if asked and (key.kind, key.namespace, key.table) == place]
    for old, new in ((each.old, each.new) for each in changes.altered):
        if isinstance(old, Enum) and isinstance(new, Enum):
            for label in old.values:
                if hazard.flag == f"drop-enum-value:{old.value(label).address}":
                    return old.value(label), [new.value(each) for each in new.values if each not in old.values]
    return None, []


def _likeness(old: Id, new: Id, changes: Changes) -> float:
    likeness = difflib.SequenceMatcher(None, old.name, new.name).ratio()
    one, other = changes.old.objects.get(old), changes.new.objects.get(new)
    if isinstance(one, Column) and isinstance(other, Column):
        return likeness + 2 * (one.type == other.type) + (one.not_null == other.not_null)
    return likeness + 3 * _shared(_content(one, changes.old), _content(other, changes.new))


def _content(each: Object | None, model: Model) -> set[object]:
    """Return what an object consists of, to see how much of it another one has too."""
    if isinstance(each, Enum):
        return set(each.values)
    return {(column.name, column.type) for column in model.members(each.id, Column)} if each is not None else set()


def _shared(one: set[object], other: set[object]) -> float:
    return len(one & other) / max(len(one | other), 1)
