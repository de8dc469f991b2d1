"""A signal of pressure: something that others in the database need, and for which a run makes room.

Each is a module of `sendoka/backfills/pressure/` that defines one subclass; there is no list to edit. What a signal
asks is one expression, and all of them are read in one request.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.discover import objects_of

if TYPE_CHECKING:
    from sendoka.backfills.amounts import Unit
    from sendoka.backfills.target import Target

__all__ = ["OURS", "Busy", "Signal", "half_speed", "of_table", "signals"]

OURS = "like '%sendoka\\_%'"
"""What the query of a batch is, as SQL behind it: every one of them names its parts so."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Why there is no room for a batch, as a clause that stays the same while it lasts.

    `seconds` is how long there will be none, None where that is seen by looking again. `hidden` says that this role
    cannot see whether there is room.
    """

    why: str
    seconds: float | None = None
    hidden: bool = False


class Signal(ABC):
    """One signal, as one call of `run` sees it; it may remember what it saw before.

    `name` is how it is set and switched off, `about` what is yielded to, as a noun. `usual` is its bound where nothing
    is said, None where it is switched off then; `unit` what the bound is of, None where there is none, and `usual` 1.
    A run yields `most` seconds in a row at most. `touches` is whether it reads the table itself, and so may have to
    wait for who locks it.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    unit: ClassVar[Unit | None]
    usual: ClassVar[float | None]
    most: ClassVar[float]
    touches: ClassVar[bool] = False

    @abstractmethod
    def ask(self, target: Target, bound: float) -> str:
        """Return a SQL expression of type jsonb, null where there is nothing to be told of."""

    @abstractmethod
    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Return why there is no room, None where there is; `told` at the moment `at`, seconds of the database's clock.

        It is asked again at every look, in order.
        """


@cache
def signals() -> dict[str, type[Signal]]:
    """Return all signals by their names, in order."""
    found: list[type[Signal]] = objects_of("sendoka.backfills.pressure", type, noun="signal")
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def half_speed(hidden: str) -> str:
    """Return why a run that cannot see something rests for as long as it works."""
    return f"half speed, for this role cannot see {hidden}"


def of_table(column: str, target: Target) -> str:
    """Return the SQL of whether `column` is the table's oid, or that of a partition of it."""
    oid = int(target.oid)
    return f"({column} = {oid} or {column} in (select p.relid from pg_catalog.pg_partition_tree({oid}) p))"  # noqa: S608
