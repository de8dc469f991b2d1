"""What every way of walking a shard has in common: what is walked, and one batch after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.checkpoint import Shard
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["LEASE", "Walk", "WalkOf", "key_of"]

LEASE = 15.0
"""Seconds for which a step's shard is held; renewed while the step runs and with every batch."""


@dataclass(frozen=True, slots=True)
class WalkOf:
    """What is walked: a shard of a run, with the user's own client for the step and what to call when it waits."""

    database: Database
    backfill: Backfill
    target: Target
    run: int
    shard: int
    on_wait: Callable[[str], None]
    lease: float = LEASE


class Walk(Protocol):
    """One way through a shard. `batch` may be called again after any failure: its effect happens once."""

    async def batch(self, size: int) -> Shard:
        """Do the next batch of `size` rows scanned, and return the shard as it then stands."""

    async def stop(self) -> None:
        """Let others have the shard."""


def key_of(cursor: str | None) -> tuple[Any, ...] | None:
    """Return a cursor's values, None at the start of a pass."""
    return None if cursor is None else tuple(json.loads(cursor))
