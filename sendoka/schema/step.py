"""What a plan is made of: transactions of steps, a step being a statement and what it may do to a live database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sendoka.schema.model import Id

__all__ = ["Hazard", "Plan", "Step", "Transaction"]


@dataclass(frozen=True, slots=True)
class Hazard:
    """What a step may do to a live database, with a name: `drop-column:messages.legacy`.

    `why` says it in a sentence. Where `asks` is true the step may lose data or fail on existing rows, and nothing is
    written before a person has allowed it by that name; `instead` are the ways that need no allowance.
    """

    name: str
    target: str
    why: str
    asks: bool = False
    instead: str = ""

    @property
    def flag(self) -> str:
        """The answer that allows it, as `--allow` takes it."""
        return f"{self.name}:{self.target}"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, without its semicolon, and its hazards.

    `commits_first` is true of what can be used only once it is committed. `about` is the object that it changes, by the
    id that it has afterwards; a plan's steps all have one.
    """

    text: str
    hazards: tuple[Hazard, ...] = ()
    commits_first: bool = False
    about: Id | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """Steps that run in one transaction: one migration file."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to get from one schema to another, with the answers it stands on.

    `renamed`, `created` and `allowed` read as in a migration's header: `column messages.body -> messages.text`,
    `column messages.size`, `drop-column messages.legacy`. `notes` are sentences about what could not be known without
    a database.
    """

    transactions: tuple[Transaction, ...] = ()
    renamed: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for transaction in self.transactions for step in transaction.steps)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """All hazards, in order."""
        return tuple(hazard for step in self.steps for hazard in step.hazards)
