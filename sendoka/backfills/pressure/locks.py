"""Yields to who waits for a lock on the table, or for one that a batch of ours holds."""

# ruff: noqa: S608 - the table is a number, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import SECONDS
from sendoka.backfills.signal import OURS, Busy, Signal, of_table

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Locks"]


class Locks(Signal):
    """Who waited for longer than the bound: a migration in the queue stops everything that comes behind it."""

    name = "locks"
    about = "who waits for a lock on the table, or for one that a batch holds"
    unit = SECONDS
    usual = 0.5
    most = 30.0

    def ask(self, target: Target, bound: float) -> str:
        """Return who waits longest: seconds, mode, process, and whether it is for the table itself."""
        # `waitstart` is new in Postgres 14. By whom one is blocked is a costly question, asked only of those that wait.
        return f"""(select jsonb_build_array(
  coalesce(extract(epoch from clock_timestamp() - w.since), 0), w.mode, w.pid, w.own)
from (
  select (to_jsonb(l) ->> 'waitstart')::timestamptz as since, l.mode, l.pid, l.relation is not null as own
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where not l.granted and l.pid <> pg_backend_pid() and coalesce(a.query, '') not {OURS} and (
    l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
      and {of_table("l.relation", target)}
    or l.relation is null and pg_blocking_pids(l.pid) && (select array_agg(o.pid) from pg_catalog.pg_stat_activity o
      where o.query {OURS} and o.pid <> pg_backend_pid()))
) w order by w.since limit 1)"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Tell of the one that waited longest."""
        if told is None or told[0] <= bound:
            return None
        _, mode, process, own = told
        what = f"a lock on {target.shown} ({mode})" if own else "a lock that a batch of ours holds"
        return Busy(f"process {process} waits for {what}")
