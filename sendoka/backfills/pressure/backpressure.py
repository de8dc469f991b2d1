"""Yields to Neon's backpressure: a compute slows its own writes down where the storage behind it does not keep up."""

# ruff: noqa: S608 - the namespace is quoted by sendoka.quoting, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import BYTES
from sendoka.backfills.signal import Busy, Signal
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Backpressure"]

_THROTTLED = 0.1
"""The part of the time for which the compute may slow itself down."""

# Only what belongs to the extension is called: a function of that name may be anybody's.
_FIND = """(select jsonb_build_object('namespace', min(n.nspname::text), 'functions', count(*), 'may',
  bool_and(has_function_privilege(p.oid, 'execute') and has_schema_privilege(n.oid, 'usage')))
from pg_catalog.pg_extension e
join pg_catalog.pg_depend d on d.refobjid = e.oid and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
join pg_catalog.pg_proc p on p.oid = d.objid and d.classid = 'pg_proc'::regclass and p.pronargs = 0
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where e.extname = 'neon' and p.proname in ('backpressure_throttling_time', 'backpressure_lsns'))"""


class Backpressure(Signal):
    """Bytes that the storage has not received, and the time for which the compute slowed writes down.

    The extension `neon` tells both. The first look is whether it is there, and which role may ask it.
    """

    name = "backpressure"
    about = "Neon's storage, where it is behind"
    unit = BYTES
    usual = 200 * 1024.0**2
    most = 300.0

    def __init__(self) -> None:
        self._namespace = ""
        self._before: tuple[float, float] | None = None

    def ask(self, target: Target, bound: float) -> str:
        """Return where the functions are; then what they say: microseconds throttled in all, bytes behind."""
        if not self._namespace:
            return _FIND
        where = ident(self._namespace)
        return f"""(select jsonb_build_array({where}.backpressure_throttling_time(),
  pg_wal_lsn_diff(pg_current_wal_insert_lsn(), l.received_lsn)) from {where}.backpressure_lsns() l)"""

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Tell of both."""
        if isinstance(told, dict):
            found = told["functions"] == 2
            self._namespace = told["namespace"] if found and told["may"] else ""
            return Busy("Neon's backpressure", hidden=True) if found and not told["may"] else None
        if told is None:
            return None
        throttled, behind = told
        then, before = self._before or (at, throttled)
        self._before = (at, throttled)
        if behind is not None and behind > bound:
            return Busy(f"Neon's storage is over {BYTES.shown(bound)} behind")
        if at > then and (throttled - before) / 1e6 > _THROTTLED * (at - then):
            return Busy("Neon slows writes down, for its storage is behind")
        return None
