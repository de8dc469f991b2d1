"""What NOT NULL does to rows that are there, and the ways that need no allowance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.instead import with_value
from sendoka.schema.step import Hazard

if TYPE_CHECKING:
    from sendoka.schema.model import Member

__all__ = ["added_not_null", "set_not_null"]


def added_not_null(column: Member) -> Hazard:
    """Return the hazard of adding a column whose rows get no value."""
    return Hazard(
        "not-null",
        column.id.address,
        f"rows that {column.table} may have get no value for {column.name}, and the statement fails",
        asks=True,
        instead="give it a server default, or add it nullable and fill it with a backfill; set NOT NULL in a later "
        f"migration, {_without_a_lock(column)}",
    )


def set_not_null(column: Member) -> Hazard:
    """Return the hazard of making a column NOT NULL that may have rows without a value."""
    return Hazard(
        "not-null",
        column.id.address,
        f"the statement fails if a row of {column.table} has no {column.name}, and reads the whole table locked",
        asks=True,
        instead="fill it with a backfill first, or give it a server default and keep it nullable; set NOT NULL "
        f"{_without_a_lock(column)}",
        sql=with_value((column.namespace, column.table), column.name),
    )


def _without_a_lock(column: Member) -> str:
    """Return the way for a big table: Postgres takes a valid check for proof and does not read the rows again."""
    return (
        f"after CHECK ({column.name} IS NOT NULL), added with postgresql_not_valid=True and validated in the migration "
        "after it: then no row is read under the lock"
    )
