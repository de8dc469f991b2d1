"""Yields to a vacuum of the table: what it cleans up is what batches leave behind."""

# ruff: noqa: S608 - the table is a number, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.signal import Busy, Signal, of_table

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Vacuum"]


class Vacuum(Signal):
    """A vacuum of the table, autovacuum's too.

    To a role that may not read statistics its table is hidden; the lock that it holds is not.
    """

    name = "vacuum"
    about = "a vacuum of the table"
    unit = None
    usual = 1.0
    most = 600.0

    def ask(self, target: Target, bound: float) -> str:
        """Return whether there is one."""
        return f"""to_jsonb(exists (
  select from pg_catalog.pg_stat_progress_vacuum v where v.datname = current_database() and (
    {of_table("v.relid", target)} or v.relid is null and exists (
      select from pg_catalog.pg_locks l where l.pid = v.pid and l.granted and l.locktype = 'relation'
        and {of_table("l.relation", target)})
)))"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Tell of it."""
        return Busy(f"vacuum of {target.shown} is going on") if told else None
