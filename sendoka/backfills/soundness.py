"""What is refused before anything runs, and what is only warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.errors import BackfillError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target

__all__ = ["check_index", "missing_index", "warnings_of"]


_HIDDEN = (
    "row level security is in force for this role: rows of {} that a policy hides from it are neither changed nor"
    " counted; the table's owner, or a role with bypassrls, has all of them"
)
_SORTED = 10_000
"""Sorting fewer rows than that takes some milliseconds."""


def check_index(backfill: Backfill, target: Target) -> None:
    """Refuse a key whose order no index has: every batch would read and sort the whole table."""
    facts = target.facts
    if facts is None or facts.index_for(target.key):
        return
    raise BackfillError(
        f"no index of {target.shown} serves the key ({', '.join(target.key)}): every batch would sort the whole table",
        where=f"in the backfill {backfill.name}; nothing was changed",
        todo=missing_index(target, target.key),
    )


def missing_index(target: Target, key: tuple[str, ...]) -> str:
    """Return what to do about an index that is not there: the statement that makes it."""
    columns = ", ".join(ident(column) for column in key)
    # Of a partitioned table none can be made so: its partitions have theirs first, or all of them are locked meanwhile.
    how = "" if target.facts and target.facts.kind == "p" else " concurrently"
    return f"walk by the primary key, or first make the index: create index{how} on {target.quoted} ({columns})"


def warnings_of(target: Target) -> list[str]:
    """Return what is no mistake by itself, and should be known: triggers that fire, functions that are volatile."""
    facts = target.facts
    if facts is None:
        return []
    sorts = (
        [f"no index gives the keys of source= in order: about {target.sorted_rows:,} rows are sorted for every batch"]
        if target.sorted_rows > _SORTED
        else []
    )
    fired = [
        f"the trigger {trigger} fires for every {'batch' if trigger in facts.by_statement else 'row'}"
        for trigger in facts.triggers
    ]
    hidden = [_HIDDEN.format(target.shown)] if facts.secured else []
    return [
        *hidden,
        *sorts,
        *fired,
        *(
            f"{name}() is volatile: it gives every row, and every try of a batch, another value"
            for name in facts.volatile
        ),
    ]
