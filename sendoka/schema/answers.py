"""What a person must decide, and the flags that say it: `--rename old=new`, `--allow drop-column:messages.legacy`."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.errors import AnswerMissing, SettingsError
from sendoka.schema.kind import Renaming
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sendoka.schema.diff import Changes
    from sendoka.schema.model import Model, Object
    from sendoka.schema.step import Hazard, Plan

__all__ = ["answered", "read_renames"]


def read_renames(texts: Sequence[str], old: Model, new: Model) -> Renaming:
    """Return the renames that the answers `old=new` name: `widgets=gadgets`, `messages.body=messages.text`.

    A column's old address may have its table's old or new name; its new one may be the bare name. Raises SettingsError
    for an answer that fits no table or column that went and one that came.
    """
    gone = {each.id.address: each for each in old.all(Table) if each.id not in new}
    come = {each.id.address: each for each in new.all(Table) if each.id not in old}
    tables: dict[tuple[str, str], str] = {}
    columns: dict[tuple[str, str, str], str] = {}
    rest = []
    for text in texts:
        pair = next(((gone[a], come[b]) for a, b in _splits(text) if a in gone and b in come), None)
        if pair is None:
            rest.append(text)
        else:
            _once(text, (pair[0].namespace, pair[0].name) not in tables and pair[1].name not in tables.values())
            _same_place(text, pair[0].namespace, pair[1].namespace)
            tables[pair[0].namespace, pair[0].name] = pair[1].name
    moves = _Moves(old, new, Renaming(tables=tables))
    for text in rest:
        column, name = moves.find(text)
        key = (column.namespace, column.table, column.name)
        _once(text, key not in columns and (*key[:2], name) not in {(*k[:2], v) for k, v in columns.items()})
        columns[key] = name
    return Renaming(tables, columns)


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield every way to read `text` as old=new: a quoted name may hold the sign."""
    for place, sign in enumerate(text):
        if sign == "=":
            yield text[:place].strip(), text[place + 1 :].strip()


def _once(text: str, is_first: bool) -> None:
    if not is_first:
        raise SettingsError(f"--rename {text}: one of the two is renamed already")


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


def answered(plan: Plan, changes: Changes, allow: Collection[str]) -> Plan:
    """Return the plan with what `allow` allowed, as it is kept in the migration.

    Raises AnswerMissing where a hazard that asks is not allowed; its text lists the exact flags, renames that may be
    meant included. Raises SettingsError for an allowance that fits nothing.
    """
    asking = {hazard.flag: hazard for hazard in plan.hazards if hazard.asks}
    for flag in allow:
        if flag not in {hazard.flag for hazard in plan.hazards}:
            raise SettingsError(f"--allow {flag} fits nothing in this plan", todo=_could_allow(asking))
    missing = [hazard for flag, hazard in asking.items() if flag not in allow]
    if missing:
        raise _question(missing, changes)
    return replace(plan, allowed=tuple(f"{each.name} {each.target}" for each in asking.values()))


def _could_allow(asking: Iterable[str]) -> str:
    flags = ", ".join(asking)
    return f"it asks for: {flags}" if flags else "it asks for nothing"


def _question(missing: list[Hazard], changes: Changes) -> AnswerMissing:
    why: list[str] = []
    flags: list[str] = []
    for hazard in missing:
        why.append(hazard.why + (f" – or {hazard.instead}" if hazard.instead else ""))
        flags.extend(f"--rename {each}" for each in _candidates(hazard, changes))
        flags.append(f"--allow {hazard.flag}")
    what = "a question needs your answer" if len(missing) == 1 else f"{len(missing)} questions need your answer"
    todo = "answer with: " + "  or  ".join(flags)
    return AnswerMissing(f"{what}: nothing was written", where="\n".join(why), todo=todo)


def _candidates(hazard: Hazard, changes: Changes) -> list[str]:
    """Return the renames that a drop may be meant as, the likeliest first."""
    gone = next((each for each in changes.dropped if _is_loss_of(each, hazard)), None)
    if gone is None:
        return []
    fitting = [each for each in changes.created if type(each) is type(gone) and _place(each) == _place(gone)]
    ranked = sorted(fitting, key=lambda each: -_likeness(gone, each, changes))
    return [f"{gone.id.address}={each.id.address}" for each in ranked[:5]]


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
