"""What the caller of `run` says of how a backfill is to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.dead_letters import MAX_DEAD
from sendoka.backfills.order import checked_order
from sendoka.backfills.patience import WAITS
from sendoka.backfills.walk import LEASE, STEP_TIMEOUT
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from sendoka.database.retry import Retry

__all__ = ["Terms"]


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

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise InvalidBackfill(f"a batch of {self.batch_size} rows is none; batch_size is 1 or more")
        if self.max_dead < 0:
            raise InvalidBackfill(
                f"max_dead={self.max_dead} is no number of rows; 0 stops the run at the first that fails"
            )
        if not self.step_timeout > 0:
            raise InvalidBackfill(f"a step cannot end within {self.step_timeout} s; step_timeout is above 0")
        checked_order(self.order)
