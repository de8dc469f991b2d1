"""What a plan is made of: transactions of steps, a step being a statement and what it may do to a live database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sendoka.schema.model import Id

__all__ = ["Hazard", "Lock", "Place", "Plan", "Step", "Transaction", "in_transactions"]

Place = tuple[str, str]
"""(namespace, name) of a table."""

_BLOCKED = {"ACCESS EXCLUSIVE": "reads and writes", "SHARE ROW EXCLUSIVE": "writes", "SHARE": "writes"}


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that a step takes on tables until its transaction ends, and what happens to their rows under it.

    `mode` is Postgres' word for it; `rows` are `read`, `written`, or, where it is empty, not touched.
    """

    mode: str
    tables: tuple[Place, ...]
    rows: str = ""

    @property
    def blocks(self) -> str:
        """What of others waits meanwhile: `reads and writes`, `writes`, or nothing."""
        return _BLOCKED.get(self.mode, "")


@dataclass(frozen=True, slots=True)
class Hazard:
    """What a step may do to a live database, with a name: `drop-column:messages.legacy`.

    `why` says it in a sentence. Where `asks` is true the step may lose data or fail on existing rows, and nothing is
    written before a person has allowed it by that name; `instead` are the ways that need no allowance, and `sql` their
    statements: those of one migration file, of the next one, and so on. `lock` is None where no table is locked.
    """

    name: str
    target: str
    why: str
    asks: bool = False
    instead: str = ""
    lock: Lock | None = None
    sql: tuple[tuple[str, ...], ...] = ()

    @property
    def flag(self) -> str:
        """The answer that allows it, as `--allow` takes it."""
        return f"{self.name}:{self.target}"


@dataclass(frozen=True, slots=True)
class Step:
    """One statement, without its semicolon, and its hazards.

    `commits_first` is true of what can be used only once it is committed, `apart` of what waits until all before it is
    committed, so that their locks are let go. `done_when` makes it a statement that runs in no transaction: a query,
    true or false, that tells whether it is done. `about` is the object that it changes, by the id that it has
    afterwards; a plan's steps all have one.
    """

    text: str
    hazards: tuple[Hazard, ...] = ()
    commits_first: bool = False
    about: Id | None = None
    apart: bool = False
    done_when: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """Steps that run in one transaction: one migration file. With `done_when` it is one step that runs in none."""

    steps: tuple[Step, ...]

    @property
    def done_when(self) -> str | None:
        """The query that tells whether its one step is done, None for a transaction."""
        return self.steps[0].done_when


def in_transactions(steps: Iterable[Step]) -> Iterator[Transaction]:
    """Yield the transactions that `steps` need, in their order."""
    batch: list[Step] = []
    for step in steps:
        last = batch[-1] if batch else None
        if last is not None and (step.done_when or last.done_when or (step.apart and not last.apart)):
            yield Transaction(tuple(batch))
            batch = []
        batch.append(step)
    if batch:
        yield Transaction(tuple(batch))


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
