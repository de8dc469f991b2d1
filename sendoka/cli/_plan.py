"""A plan for a program, and for a person: what happens to which table, as a tree."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sendoka.cli._hazard import hazard_data
from sendoka.cli._options import console, say
from sendoka.phrases import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.tree import Tree

    from sendoka.schema.diff import Altered, Changes
    from sendoka.schema.model import Id, Object
    from sendoka.schema.step import Hazard, Plan, Step

__all__ = ["Branch", "as_data", "as_tree", "branches_of", "show"]

COLORS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}
"""What is new, goes, changes and gets another name, by the sign in front of it."""

LONGEST = 60
"""Characters of a property's old and new values together, beyond which it is only named."""


def as_data(plan: Plan) -> list[list[dict[str, Any]]]:
    """Return the plan's transactions as JSON values."""
    return [[_step(step) for step in transaction.steps] for transaction in plan.transactions]


def _step(step: Step) -> dict[str, Any]:
    return {"statement": step.text, "hazards": [hazard_data(each) for each in step.hazards]}


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, and what hangs below it."""

    text: str
    color: str = ""
    branches: list[Branch] = field(default_factory=list)


def show(branches: Iterable[Branch]) -> None:
    """Print trees: with lines and colours on a terminal, indented by two spaces elsewhere."""
    if sys.stdout.isatty():
        out = console()
        for branch in branches:
            out.print(as_tree(branch))
    else:
        for line in _lines(branches, ""):
            say(line)


def _lines(branches: Iterable[Branch], indent: str) -> Iterator[str]:
    for branch in branches:
        yield indent + branch.text
        yield from _lines(branch.branches, indent + "  ")


def as_tree(branch: Branch) -> Tree:
    """Return the tree as rich draws it."""
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(branch.text, branch.color), guide_style="dim")
    for each in branch.branches:
        tree.children.append(as_tree(each))
    return tree


def branches_of(plan: Plan, changes: Changes) -> list[Branch]:
    """Return what a plan does as trees: a table, or what belongs to none, and below it its changes and their hazards.

    Where the plan has several transactions each is a tree of its own above them.
    """
    found = [_Tables(changes).of(transaction.steps) for transaction in plan.transactions]
    if len(found) < 2:
        return found[0] if found else []
    return [Branch(f"transaction {number} of {len(found)}", "bold", each) for number, each in enumerate(found, 1)]


class _Tables:
    """The changes of one transaction, put under the tables that they belong to."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.created = {each.id for each in changes.created}
        self.dropped = {each.id for each in changes.dropped}
        self.altered = {each.new.id: each for each in changes.altered}
        self.renamed = {each.new: each.old for each in changes.renamed}
        self.heads: dict[Id, Branch] = {}
        self.parts: dict[Id, Counter[str]] = {}

    def of(self, steps: Sequence[Step]) -> list[Branch]:
        """Return the branches, in the order in which the steps first touch them."""
        hazards: dict[Id, dict[Hazard, None]] = {}
        for step in steps:
            if step.about is not None:
                hazards.setdefault(step.about, {}).update(dict.fromkeys(step.hazards))
        for key, each in hazards.items():
            owner = self._owner(key)
            if owner in self.created and key in self.created:
                self.parts.setdefault(owner, Counter())[key.kind] += 1
            else:
                self._add(key, owner, list(each))
        return [self._with_parts(key, branch) for key, branch in self.heads.items()]

    def _with_parts(self, key: Id, branch: Branch) -> Branch:
        """Return a new table with how much it brings along; what that is stands in its file."""
        parts = ", ".join(counted(number, kind.replace("-", " ")) for kind, number in self.parts.get(key, {}).items())
        return replace(branch, text=f"{branch.text}, with {parts}") if parts else branch

    def _add(self, key: Id, owner: Id | None, hazards: Sequence[Hazard]) -> None:
        below = [_hazard(each) for each in hazards]
        if owner is None:
            self._head(key, self._line(key, key.address), below)
        else:
            sign, text = self._line(key, key._replace(table="", namespace="public").address)
            self._head(owner, ("", str(owner)), [Branch(f"{sign} {text}", COLORS.get(sign, ""), below)])

    def _head(self, key: Id, line: tuple[str, str], below: list[Branch]) -> None:
        """Hang `below` under the line of what stands by itself; its own sign wins over one without."""
        sign, text = line
        known = self.heads.get(key)
        if known is None or (sign and known.text == str(key)):
            whole = Branch(
                f"{sign} {text}" if sign else text, COLORS.get(sign, "bold"), known.branches if known else []
            )
            self.heads[key] = known = whole
        known.branches.extend(below)

    def _owner(self, key: Id) -> Id | None:
        """Return the table that `key` is a part of, None for what stands by itself."""
        each = self._object(key)
        place = _owned_by(each) if each is not None else None
        if place is None:
            return None
        return self.changes.new.relations.get(place) or self.changes.old.relations.get(place)

    def _object(self, key: Id) -> Object | None:
        return self.changes.new.objects.get(key) or self.changes.old.objects.get(key)

    def _line(self, key: Id, name: str) -> tuple[str, str]:
        """Return the sign and the words for what happens to an object."""
        text = f"{key.kind} {name}"
        if key in self.created:
            return "+", text + _form(self.changes.new.objects[key])
        if key in self.dropped:
            return "-", text
        if key in self.renamed:
            return ">", f"{text}, called {self.renamed[key].name} so far"
        if key in self.altered:
            return "~", f"{text}: {_changed(self.altered[key])}"
        return "~", f"{text}: made anew"


def _owned_by(each: Object) -> tuple[str, str] | None:
    from sendoka.schema.kinds import kind_of

    return kind_of(each).owned_by(each)


def _hazard(hazard: Hazard) -> Branch:
    word, color = ("allowed", "red") if hazard.asks else ("mind", "yellow")
    return Branch(f"{word}: {hazard.flag}: {hazard.why}", color)


def _form(each: Object) -> str:
    """Return what is worth a word of a new column."""
    form = getattr(each, "type", None)
    return (f" {form}" if isinstance(form, str) else "") + (" not null" if getattr(each, "not_null", False) else "")


def _changed(altered: Altered) -> str:
    return ", ".join(_property(name, altered) for name in sorted(altered.changed))


def _property(name: str, altered: Altered) -> str:
    old, new = getattr(altered.old, name), getattr(altered.new, name)
    words = name.replace("_", " ")
    if isinstance(old, bool) and isinstance(new, bool):
        return words if new else f"no longer {words}"
    if isinstance(old, str) and isinstance(new, str) and len(old + new) <= LONGEST and "\n" not in old + new:
        return f"{words} {old} → {new}"
    return words
