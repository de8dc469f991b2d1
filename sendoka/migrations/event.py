"""What `migrate()` tells while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sendoka.migrations.blockers import Blocker

__all__ = ["Event", "Kind"]

Kind = Literal["applying", "applied", "recorded", "waiting"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a migration; `str(event)` is a line for a person.

    `kind` is `applying` (it is being sent), `applied` (by this call), `recorded` (noted as applied by this call and not
    run, for a push or drizzle had brought the database there, or its `done-when` was true before its statement was
    sent), or `waiting` (for a lock, another runner, a statement that runs in no transaction, or the database itself;
    what became of the migration is asked next). `migration` is its name, `seconds` how long the database took to apply
    it, where that is known. `why` says what is waited for, why it was only recorded or, of an `applied`, what is to be
    said about it. `blockers` are those who hold locks on the tables that the migration names, where a lock is waited
    for and somebody was seen.
    """

    kind: Kind
    migration: str
    seconds: float | None = None
    why: str = ""
    blockers: tuple[Blocker, ...] = ()

    def __str__(self) -> str:
        if self.kind == "waiting":
            return "; ".join([f"waiting: {self.why}", *map(str, self.blockers)])
        if self.kind == "recorded":
            return f"recorded {self.migration}: {self.why}, so none of it was run"
        took = "" if self.seconds is None else f" in {self.seconds:.2f} s"
        return f"{self.kind} {self.migration}{took}" + (f" ({self.why})" if self.why else "")
