"""What a call of `migrate()` answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Applied", "MigrationReport"]


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration that was pending when the call began; `by_us` is false where another runner applied it.

    `seconds` is how long the database took for it. `recorded` is true where it was only noted, and none of it was run:
    a push or drizzle had brought the database there, or its `done-when` was true already. `by` is who applied it, as
    the history has it: the role, and where it ran.
    """

    name: str
    by_us: bool
    seconds: float | None = None
    recorded: bool = False
    by: str | None = None


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a call of `migrate` did. `head` is the folder's newest migration, None for an empty folder.

    `ahead` is true where the database has migrations that this folder does not: the code is older than the database.
    """

    head: str | None
    applied: tuple[Applied, ...] = ()
    ahead: bool = False
