"""Yields to standbys that are behind, and on Neon to the safekeepers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import BYTES
from sendoka.backfills.signal import Busy, Signal

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Replication"]


class Replication(Signal):
    """Bytes of WAL that were made and not replayed by a standby.

    On Neon the one that reads is called `walproposer`, and what counts is what was received: that is replayed when
    somebody asks for a page. Who replays nothing, as an archive that pg_receivewal writes, is as far as it has written.
    """

    name = "replication"
    about = "a standby that is behind"
    unit = BYTES
    usual = 100 * 1024.0**2
    most = 300.0

    def ask(self, target: Target, bound: float) -> str:
        """Return who reads the WAL, and the bytes by which it is behind; null where this role cannot see them."""
        return """(select jsonb_agg(jsonb_build_array(r.application_name, pg_wal_lsn_diff(pg_current_wal_insert_lsn(),
  case when r.application_name = 'walproposer' then r.write_lsn
    else coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn, case when r.state is not null then r.sent_lsn end) end)))
from pg_catalog.pg_stat_replication r where r.state is null or r.state in ('streaming', 'catchup'))"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Tell of the one that is furthest behind."""
        known = [(lag, name) for name, lag in told or () if lag is not None]
        lag, name = max(known, default=(0, ""))
        if lag > bound:
            return Busy(f"the standby {name} is over {BYTES.shown(bound)} behind")
        # What slows Neon down is told by its own functions.
        hidden = [name for name, lag in told or () if lag is None and name != "walproposer"]
        return Busy(f"how far the standby {hidden[0]} is behind", hidden=True) if hidden else None
