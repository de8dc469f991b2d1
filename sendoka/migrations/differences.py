"""What lies between two schemas, for a person: one line for each thing that differs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sendoka.schema.kinds import kind_of
from sendoka.schema.model import Expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.diff import Altered, Changes
    from sendoka.schema.model import Id, Object

__all__ = ["Difference", "Sort", "differences", "outer"]


class Sort(StrEnum):
    """How two schemas differ in one object."""

    MISSING = "missing"
    """Only the wanted one has it."""
    EXTRA = "extra"
    """Only the one that is there has it."""
    DIFFERS = "differs"
    """Both have it, in different forms or under different names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object in which two schemas differ; where `sort` is DIFFERS, `was` is its old name or `how` says in what.

    `how` names each of `properties`, with its values where they are short: `type is text, not varchar(32)`.
    """

    id: Id
    sort: Sort
    was: Id | None = None
    properties: tuple[str, ...] = ()
    how: str = ""

    @property
    def as_change(self) -> str:
        """A line about it, where what is there is the schema as it was, and what is wanted the schema as it is now."""
        if self.was is not None:
            return f"{self.was} is called {self.id.address} now"
        said = {Sort.EXTRA: "is not declared any more", Sort.MISSING: "is new"}
        return f"{self.id} {said.get(self.sort) or 'differs in ' + ', '.join(self.properties)}"

    @property
    def as_state(self) -> str:
        """A line about it, where what is there is a database."""
        if self.sort is Sort.DIFFERS:
            return f"{self.id} differs: {self.how}" if self.how else f"{self.id} differs"
        return f"{self.id} is {'missing' if self.sort is Sort.MISSING else 'in the database alone'}"


def differences(changes: Changes) -> list[Difference]:
    """Return what differs, where `changes` lead from the schema that is there to the one that is wanted.

    What comes or goes as a whole, such as a table with its columns, is one difference.
    """
    altered = {each.new.id for each in changes.altered}
    moved = {step.about for step in (*changes.leaving, *changes.joining) if step.about is not None} - altered
    return [
        *(Difference(each.new, Sort.DIFFERS, each.old, (), f"called {each.old.address}") for each in changes.renamed),
        *(Difference(each.id, Sort.EXTRA) for each in outer(changes.dropped)),
        *(_altered(each) for each in changes.altered),
        *(Difference(each, Sort.DIFFERS, None, ("parents",), "parents") for each in sorted(moved)),
        *(Difference(each.id, Sort.MISSING) for each in outer(changes.created)),
    ]


def outer(objects: Sequence[Object]) -> list[Object]:
    """Return `objects` without the parts of what comes or goes as a whole."""
    owners = {(each.namespace, each.name) for each in objects if kind_of(each).has_parts}
    return [each for each in objects if kind_of(each).owned_by(each) not in owners]


_LONGEST = 60


def _altered(altered: Altered) -> Difference:
    said = []
    for name in sorted(altered.changed):
        there, wanted = (_text(getattr(each, name, None)) for each in (altered.old, altered.new))
        short = there != wanted and max(len(there), len(wanted)) <= _LONGEST and there and wanted
        said.append(f"{name.replace('_', ' ')} is {there}, not {wanted}" if short else name.replace("_", " "))
    return Difference(altered.new.id, Sort.DIFFERS, None, tuple(sorted(altered.changed)), ", ".join(said))


def _text(value: Any) -> str:
    """Return a value of a property, empty where it is nothing that a line can show."""
    if isinstance(value, Expression):
        return value.canonical or value.declared or ""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int | str) else ""
