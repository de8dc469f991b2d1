"""What parts of a table share that are one whole CREATE statement: triggers, rules, statistics objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sendoka.quoting import ident, qualified
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._type import keeps_type
from sendoka.schema.model import Expression, Id, Member, Object
from sendoka.schema.rewording import renamed_statement
from sendoka.schema.spelling import mentions
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.schema.model import Model

__all__ = ["FIRING", "FiringKind", "Stated", "StatedKind", "fires_in_catalog"]

FIRING = {"origin": "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}
"""When a trigger or a rule fires, and the words that make it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated(Member):
    """A part of a table or view whose `definition` is the statement that makes it."""

    definition: Expression


S = TypeVar("S", bound=Stated)


class StatedKind(Kind[S]):
    """CREATE and DROP; what changes is made anew. With `of_one_table` its text names columns of no other."""

    rank = 90
    of_one_table: ClassVar[bool] = True

    def create(self, new: S, parts: Sequence[str]) -> list[Step]:
        """Return the statement as it was declared."""
        return [Step(new.definition.text)]

    def needs(self, obj: S, model: Model) -> Iterator[Id]:
        """Yield its table or view, and the columns of it that it speaks of."""
        place = (obj.namespace, obj.table)
        holder = model.relations.get(place)
        if holder is not None:
            yield holder
        yield from (each.id for each in model.columns(*place) if mentions(obj.definition, each.name))

    def moved(self, obj: S, renaming: Renaming) -> S:
        """Return it under its table's new name, what its text speaks of under theirs."""
        columns = renaming.within(obj.namespace, obj.table) if self.of_one_table else {}
        definition = renamed_statement(obj.definition, renaming, columns=columns, on=True)
        return replace(renaming.placed(obj), definition=definition)

    def survives(self, obj: S, old: Object, new: Object) -> bool:
        """Return false where a column that it speaks of changes its type: Postgres refuses that."""
        return keeps_type(old, new)

    def loss(self, old: S) -> Hazard:
        """Return the loss of it; no row is lost."""
        what = self.name.replace("-", " ")
        return Hazard(f"drop-{self.name}", old.id.address, f"the {what} {old.id.address} is dropped", asks=True)


def fires_in_catalog(enabled: str) -> str:
    """Return the SQL of when a trigger or a rule fires; `enabled` is the catalog's letter for it."""
    return f"""case {enabled} when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always'
                    else 'origin' end"""


class FiringKind(StatedKind[S]):
    """Triggers and rules: their objects have `fires`, one of `FIRING`."""

    def create(self, new: S, parts: Sequence[str]) -> list[Step]:
        """Return the statement as it was declared, and when it fires if that is not usual."""
        steps = super().create(new, parts)
        return steps if _fires(new) == "origin" else [*steps, self._firing(new)]

    def alter(self, old: S, new: S, changed: frozenset[str]) -> list[Step] | None:
        """Return ENABLE or DISABLE where only that changes."""
        return [self._firing(new)] if changed == {"fires"} else None

    def _firing(self, new: S) -> Step:
        table = qualified(new.namespace, new.table)
        return Step(f"ALTER TABLE {table} {FIRING[_fires(new)]} {self.name.upper()} {ident(new.name)}")


def _fires(obj: Stated) -> str:
    return str(getattr(obj, "fires", "origin"))
