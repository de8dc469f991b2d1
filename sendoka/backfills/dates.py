"""Dates as the client reads them: where a role shows them in another style, a page is read in ISO all the same.

The style is set for the read alone, behind what the same transaction writes, and set back: a trigger that makes a text
of a date, a deferred one too, makes it as it does for the application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["in_iso", "place_in", "read_in_iso"]

_SET = "select set_config('datestyle', $1, true)"
_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")


def in_iso(read: Statement, target: Target) -> list[Statement]:
    """Return the statements that read it, in a transaction; its result is at `place_in(target)` of theirs."""
    if not place_in(target):
        return [read]
    assert target.facts is not None  # noqa: S101 - they told the style
    return [Statement(_SET, ("ISO",)), read, Statement(_SET, (target.facts.style,))]


def place_in(target: Target) -> int:
    """Return how many statements of `in_iso` come before the read."""
    style = target.facts.style if target.facts else ""
    return int(bool(style) and not style.upper().startswith("ISO"))


async def read_in_iso(database: Database, read: Statement, target: Target) -> Any:
    """Return the result of a read. Raises what the exchange raises."""
    statements: Sequence[Statement] = in_iso(read, target)
    if len(statements) == 1:
        return await database.run(read)
    return (await database.run_all(statements, _OPTIONS))[place_in(target)]
