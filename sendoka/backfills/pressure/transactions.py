"""Yields to old transactions: as long as one is open, vacuum cannot remove what batches leave behind."""

# ruff: noqa: S608 - the bound is a number, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import SECONDS, spoken
from sendoka.backfills.signal import Busy, Signal

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Transactions"]


class Transactions(Signal):
    """Transactions of this database that hold a snapshot or changed something, and prepared ones.

    A role sees the age of its own transactions; those of others it sees, but not since when. They are as old as they
    have been seen for.
    """

    name = "transactions"
    about = "a transaction that is open for so long that it holds back vacuum"
    unit = SECONDS
    usual = 600.0
    most = 60.0

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def ask(self, target: Target, bound: float) -> str:
        """Return those that are older than the bound, or of unknown age: age, role, process, what tells it apart."""
        return f"""(select jsonb_agg(jsonb_build_array(t.age, t.role, t.pid, t.id)) from (
  select extract(epoch from clock_timestamp() - a.xact_start) as age, a.usename as role, a.pid,
    v.virtualtransaction as id
  from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_locks v on v.pid = a.pid and v.locktype = 'virtualxid' and v.granted
  where a.datname = current_database() and a.pid <> pg_backend_pid()
    and (a.backend_xmin is not null or a.backend_xid is not null)
    and a.backend_type is distinct from 'autovacuum worker'
    and a.pid not in (select p.pid from pg_catalog.pg_stat_progress_vacuum p)
  union all
  select extract(epoch from clock_timestamp() - x.prepared), x.owner, null, x.gid
  from pg_catalog.pg_prepared_xacts x where x.database = current_database()
) t where t.age is null or t.age > {bound})"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Tell of the oldest one."""
        found = [(age, role, process, name) for age, role, process, name in told or ()]
        self._seen = {name: self._seen.get(name, at) for _, _, _, name in found}
        aged = [(at - self._seen[name] if age is None else age, *rest, name) for age, *rest, name in found]
        age, role, process, name = max(aged, default=(0.0, "", 0, ""), key=lambda each: each[0])
        if age <= bound:
            return None
        which = f"prepared as {name!r}" if process is None else f"process {process}"
        return Busy(f"a transaction of {role}, open for over {spoken(bound)}, holds back vacuum ({which})")
