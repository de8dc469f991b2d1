"""What the caller of `run` says of how a backfill is to be run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import MAX_DEAD
from sendoka.backfills.limits import Limits
from sendoka.backfills.order import checked_order
from sendoka.backfills.patience import WAITS
from sendoka.backfills.walk import LEASE, STEP_TIMEOUT
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.database.retry import Retry

__all__ = ["Terms"]


_PER_WORKER = 4
"""Shards a worker: who is done early takes another."""

_LEAST = 1000
"""Rows that a shard has at least, where nobody says how many shards there are to be."""

_MOST = {"batch_size": 10_000_000, "workers": 10_000, "shards": 10_000}
"""What is more is a slip: each batch is a transaction, and every look at a run reads all of its shards."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of `run`, which says what each means. Raises InvalidBackfill for those that cannot be."""

    batch_size: int | None = None
    deadline: float | None = None
    accept_change: bool = False
    again: bool = False
    max_dead: int = MAX_DEAD
    step_timeout: float = STEP_TIMEOUT
    order: str | None = None
    lease: float = LEASE
    retry: Retry = WAITS
    workers: int = 1
    shards: int | None = None
    limits: Limits = field(default_factory=Limits.of)
    vacuum: bool = True

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise InvalidBackfill(f"a batch of {self.batch_size} rows is none; batch_size is 1 or more")
        if self.max_dead < 0:
            raise InvalidBackfill(
                f"max_dead={self.max_dead} is no number of rows; 0 stops the run at the first that fails"
            )
        if not self.step_timeout > 0:
            raise InvalidBackfill(f"a step cannot end within {self.step_timeout} s; step_timeout is above 0")
        if self.workers < 1:
            raise InvalidBackfill(f"{self.workers} workers change nothing; workers is 1 or more")
        if self.shards is not None and self.shards < 1:
            raise InvalidBackfill(f"a table in {self.shards} shards is none; shards is 1 or more")
        if not 0 < self.lease < math.inf:
            raise InvalidBackfill(f"nothing is held for {self.lease} s; lease is some seconds above 0")
        if self.deadline is not None and math.isnan(self.deadline):
            raise InvalidBackfill("a deadline is a number of seconds, and not nan")
        for name, most in _MOST.items():
            if (getattr(self, name) or 0) > most:
                raise InvalidBackfill(f"{name}={getattr(self, name):,} is too many; give {most:,} at most")
        checked_order(self.order)

    def check_shards(self, backfill: Backfill, *, fleet: bool = False) -> None:
        """Raise InvalidBackfill where a backfill whose rows are chosen is to be split: it is walked in one shard."""
        several = fleet or self.workers > 1 or (self.shards or 1) > 1
        if several and (backfill.keys is not None or backfill.source):
            raise InvalidBackfill(
                f"the backfill {backfill.name} chooses its rows, and is walked in one shard by one worker",
                todo="leave out --workers, --shards and --dask (workers=, shards=, dask=), or walk the table: table=,"
                " where=",
            )

    def parts(self, total: int | None) -> int:
        """Return into how many shards a table of about so many rows is to be split, None where nobody can tell."""
        if self.shards is not None or self.workers == 1:
            return self.shards or 1
        wanted = self.workers * _PER_WORKER
        return wanted if total is None else max(1, min(wanted, total // _LEAST))
