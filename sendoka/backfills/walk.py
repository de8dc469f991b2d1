"""What every way of walking a shard has in common: what is walked, and one batch after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sendoka.backfills.dead_letters import MAX_DEAD, without_dead
from sendoka.backfills.keyset import key_of
from sendoka.backfills.runs import find_run
from sendoka.errors import BackfillChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.target import Target
    from sendoka.database.seam import Database

__all__ = ["LEASE", "STEP_TIMEOUT", "OnWait", "Walk", "WalkOf", "after_correction", "key_of"]

LEASE = 15.0
"""Seconds for which a step's shard is held; renewed while the step runs and with every batch."""

STEP_TIMEOUT = 300.0
"""Seconds that a step may take for a page. Pages are cut to half a second, so that one hangs."""


class OnWait(Protocol):
    """Is told for what a walk waits, empty where it works, and for how many seconds at most; or warnings, each once."""

    def __call__(self, why: str, left: float | None = None, *, warnings: tuple[str, ...] = ()) -> None: ...


@dataclass(frozen=True, slots=True)
class WalkOf:
    """What is walked: a shard of a run, with the user's own client for the step.

    A run may have `max_dead` dead letters, a step `step_timeout` seconds a page. `on_wait` is told for what the walk
    waits, and how many seconds at most; `stop` is asked meanwhile. `owner` is the name under which the shard was
    claimed, where others share the run; empty where it is the only one, for which a walk waits. `seconds_left` tells
    how far the deadline is; `counted` whether rows a second are, so that no batch may begin before it is asked for.
    """

    database: Database
    backfill: Backfill
    target: Target
    run: int
    shard: int
    on_wait: OnWait
    stop: Callable[[], bool]
    checksum: str
    lease: float = LEASE
    max_dead: int = MAX_DEAD
    step_timeout: float = STEP_TIMEOUT
    owner: str = ""
    seconds_left: Callable[[], float] = lambda: math.inf
    counted: bool = False

    def backfill_at(self, shard: Shard) -> Backfill:
        """Return what a page of `shard` holds: after the first pass no dead letters, they had their turn."""
        return self.backfill if shard.pass_number <= 1 else without_dead(self.backfill, self.target, self.run)

    async def check_script(self) -> None:
        """Raise BackfillChanged where the run goes on with another script by now."""
        found = await find_run(self.database, self.backfill.name)
        if found and found.id == self.run and found.checksum != self.checksum:
            raise BackfillChanged(
                f"the run of the backfill {self.backfill.name} goes on with another script",
                where="somebody accepted a changed one while this was running; nothing more is changed from here",
                todo="run it with the new script",
            )


class Walk(Protocol):
    """One way through a shard. `batch` may be called again after any failure: its effect happens once."""

    batches: int
    """How many batches were done here."""

    width: float
    """How many bytes a scanned row of the last page had on the wire, read or written; 0 where none crosses it."""

    asked: int
    """For how many rows the page of the last batch was asked; 0 where that is the size it was given."""

    stepped: float
    """How many seconds the last batch took in any case, whatever else went on meanwhile: its step, or a call that was
    sent before its turn; 0 where neither was."""

    @property
    def shard(self) -> Shard:
        """How the shard stood when it was heard of last."""

    @property
    def lost(self) -> bool:
        """Whether the shard is somebody else's by now."""

    async def take(self) -> Shard | None:
        """Get hold of the shard, waiting for who holds it; return how it stands where nothing is left of it to do.

        Raises Stopped where the run is asked to stop meanwhile.
        """

    async def batch(self, size: int) -> Shard:
        """Do the next batch of `size` rows scanned, and return the shard as it then stands."""

    async def keep(self) -> None:
        """Hold on to the shard for now: the run waits. Called every second or so."""

    async def stop(self) -> None:
        """Let others have the shard."""


def after_correction(shard: Shard) -> str:
    """Return what to do after the script was corrected: with batches done by its former text, it must be accepted."""
    how = " with --accept-change (accept_change=True)" if shard.seq else ""
    return f"correct it and run it again{how}; it goes on where it stands"
