"""What a person must decide, and the flags that say it: `--rename old=new`, `--allow drop-column:messages.legacy`."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing, SettingsError
from sendoka.schema.diff import diff
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds.column import Column
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

    A column's old address may have its table's old or new name; its new one may be the bare name. Raises SettingsError
    for an answer that fits no table or column that went and one that came.
    """
    gone = {each.id.address: each for each in old.all(Table) if each.id not in new}
    come = {each.id.address: each for each in new.all(Table) if each.id not in old}
    names: dict[Id, str] = {}
    rest = []
    for text in texts:
        pair = next(((gone[a], come[b]) for a, b in _splits(text) if a in gone and b in come), None)
        if pair is None:
            rest.append(text)
        else:
            _same_place(text, pair[0].namespace, pair[1].namespace)
            _once(text, names, pair[0].id, pair[1].name)
    moves = _Moves(old, new, Renaming(dict(names)))
    for text in rest:
        column, name = moves.find(text)
        _once(text, names, column.id, name)
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


def _same_place(text: str, old: str, new: str) -> None:
    if old != new:
        raise SettingsError(f"--rename {text}: moving a table to another namespace is not managed yet")


class _Moves:
    """The columns that went and came, by every address an answer may give them."""

    def __init__(self, old: Model, new: Model, tables: Renaming) -> None:
        self.gone: dict[str, Column] = {}
        self.come: dict[tuple[str, str], dict[str, str]] = {}
        self.tables = tables
        moved = {each.id: replace(each, table=tables.table(each.namespace, each.table)) for each in old.all(Column)}
        kept = {each.id for each in moved.values()}
        for key, each in moved.items():
            if each.id not in new:
                before = old.objects[key]
                if isinstance(before, Column):
                    self.gone[key.address] = self.gone[each.id.address] = before
        for column in new.all(Column):
            if column.id not in kept:
                names = self.come.setdefault((column.namespace, column.table), {})
                names[column.id.address] = names[column.name] = column.name

    def find(self, text: str) -> tuple[Column, str]:
        """Return the old column and its new name. Raises SettingsError where none fits."""
        for old, new in _splits(text):
            column = self.gone.get(old)
            if column is not None:
                table = (column.namespace, self.tables.table(column.namespace, column.table))
                if new in self.come.get(table, {}):
                    return column, self.come[table][new]
        raise SettingsError(
            f"--rename {text} fits nothing: no such table or column went while the other came",
            todo="write it as --rename table=table or --rename table.column=table.column",
        )


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
            each: [drop for drop in self.missing if each.target in {new.id.address for _, new in self.renames[drop]}]
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
            if new.id.address == hazard.target
        ]
        text = "; ".join(_why(each) for each in (hazard, *others))
        return _Question(text, (*renames, _allowing(each.flag for each in (hazard, *others))))

    def _by_rename(self, old: Object, new: Object, group: Collection[str]) -> tuple[str, ...]:
        """Return the rename with what must be allowed besides: the plan is made again with it.

        A renamed table has questions of its own, about its columns, which are asked once it is known to be one.
        """
        if isinstance(old, Table):
            return _rename(old, new)
        again = plan(diff(self.changes.old, self.changes.new, Renaming({old.id: new.name})))
        elsewhere = {each.flag for each in self.missing} - set(group) | self.allow
        needed = dict.fromkeys(each.flag for each in again.hazards if each.asks and each.flag not in elsewhere)
        return (*_rename(old, new), *_allowing(needed))


def _why(hazard: Hazard) -> str:
    return hazard.why + (f" – or {hazard.instead}" if hazard.instead else "")


def _rename(old: Object, new: Object) -> tuple[str, str]:
    return ("--rename", f"{old.id.address}={new.id.address}")


def _allowing(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(argument for flag in flags for argument in ("--allow", flag))


def _candidates(hazard: Hazard, changes: Changes) -> list[tuple[Object, Object]]:
    """Return the renames that a drop may be meant as, the likeliest first."""
    gone = next((each for each in changes.dropped if _is_loss_of(each, hazard)), None)
    if gone is None:
        return []
    fitting = [each for each in changes.created if type(each) is type(gone) and _place(each) == _place(gone)]
    ranked = sorted(fitting, key=lambda each: -_likeness(gone, each, changes))
    return [(gone, each) for each in ranked[:5]]


def _is_loss_of(each: Object, hazard: Hazard) -> bool:
    return isinstance(each, Table | Column) and hazard.flag == f"drop-{each.kind}:{each.id.address}"


def _place(each: Object) -> tuple[str, str]:
    return (each.namespace, each.id.table)


def _likeness(old: Object, new: Object, changes: Changes) -> float:
    likeness = difflib.SequenceMatcher(None, old.name, new.name).ratio()
    if isinstance(old, Column) and isinstance(new, Column):
        return likeness + 2 * (old.type == new.type) + (old.not_null == new.not_null)
    before = {(each.name, each.type) for each in changes.old.members(old.id, Column)}
    after = {(each.name, each.type) for each in changes.new.members(new.id, Column)}
    return likeness + 3 * len(before & after) / max(len(before | after), 1)
