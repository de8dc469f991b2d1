"""Keeps to a budget of WAL, bytes a second: what standbys, archives and Neon's storage have to take in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.backfills.amounts import BYTES_A_SECOND
from sendoka.backfills.signal import Busy, Signal

if TYPE_CHECKING:
    from sendoka.backfills.target import Target

__all__ = ["Wal"]

_SAVED = 1.0
"""Seconds of the budget that may be saved up: what was not used in an hour is not to be spent at once."""


class Wal(Signal):
    """All WAL of the server since the call began, whoever made it: where others write much, the run writes less."""

    name = "wal"
    about = "a budget of WAL"
    unit = BYTES_A_SECOND
    usual = None
    most = 0.0

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None
        self._debt = 0.0

    def ask(self, target: Target, bound: float) -> str:
        """Return how many bytes were ever written."""
        return "to_jsonb(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'))"

    def judge(self, told: Any, target: Target, at: float, bound: float) -> Busy | None:
        """Wait until the budget has caught up with what was written."""
        written = float(told)
        then, before = self._before or (at, written)
        self._before = (at, written)
        self._debt = max(self._debt + written - before - bound * (at - then), -_SAVED * bound)
        if self._debt <= 0:
            return None
        return Busy(f"{BYTES_A_SECOND.shown(bound)} of WAL at most", seconds=self._debt / bound)
