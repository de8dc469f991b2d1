"""The lease under which a step walks its shard: taken, renewed, and given back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills.owner import gone, new_owner, shown
from sendoka.backfills.patience import rest
from sendoka.backfills.shards import Shard, claim, read_shard, release, renew
from sendoka.errors import BackfillRunning, SendokaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.walk import WalkOf

__all__ = ["Holding"]


class Holding:
    """The lease on a shard. `shard` is how that was seen last, and `held` whether it is ours as far as we know.

    Where others share the run the shard was claimed for us, and once it is another's we have `lost` it.
    """

    def __init__(self, work: WalkOf, shard: Shard) -> None:
        self._work = work
        self.shard = shard
        self.owner = work.owner or new_owner()
        self.held = bool(work.owner)
        self.lost = False
        self._renewed = 0.0

    async def take(self) -> Shard | None:
        """Claim the shard, unless it is held; return it where nothing is left to take."""
        if self.held:
            return None
        if not self._work.owner:
            return None if await self._claim() else self.shard
        # Who split it raised its epoch, and left it ours.
        if await self._claimed(None):
            return None
        self.shard, _ = await read_shard(self._work.database, self._work.run, self._work.shard)
        self.lost = True
        return self.shard

    async def keep(self) -> None:
        """Renew the lease, where a third of it has passed."""
        now = time.monotonic()
        if self.held and now >= self._renewed + self._work.lease / 3:
            self._renewed = now
            await self._renew()

    async def keep_on(self, needed: Callable[[], bool]) -> None:
        """Renew the lease again and again, a third of it after the other, where it is `needed` then."""
        while True:
            await anyio.sleep(self._work.lease / 3)
            if needed():
                await self._renew()

    async def give_back(self) -> None:
        """Let others have the shard; where that fails the lease runs out by itself."""
        if self.held:
            self.held = False
            with contextlib.suppress(SendokaError):
                await release(self._work.database, self._work.run, owner=self.owner)

    async def _claim(self) -> bool:
        """Take the shard, waiting at most until the lease seen first has run out. False if nothing is left to take."""
        work, until, rival = self._work, 0.0, None
        while not await self._claimed(rival if rival and gone(rival) else None):
            self.shard, lease = await read_shard(work.database, work.run, work.shard)
            if self.shard.state != "running":
                return False
            await work.check_script()
            if lease.owner != rival:
                rival, until = lease.owner, max(until, time.monotonic() + lease.seconds + 0.5)
            if rival and gone(rival):
                work.on_wait(f"{shown(rival)} does not exist any more; taking over", None)
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise BackfillRunning(
                    f"the backfill {work.backfill.name} is being run by {shown(rival)}",
                    where="it renewed its lease while this one waited; nothing was changed from here",
                    todo="let it go on, or stop it first",
                )
            work.on_wait(f"{shown(rival)} holds it", lease.seconds)
            await rest(min(left, max(0.1, lease.seconds), 1.0), work.stop)
        return True

    async def _claimed(self, heir_of: str | None) -> bool:
        work = self._work
        shard = await claim(
            work.database,
            work.run,
            work.shard,
            owner=self.owner,
            lease=work.lease,
            checksum=work.checksum,
            heir_of=heir_of,
        )
        if shard is not None:
            self.shard, self.held = shard, True
        return self.held

    async def _renew(self) -> None:
        work, epoch = self._work, self.shard.epoch
        with contextlib.suppress(SendokaError):
            await renew(work.database, work.run, work.shard, owner=self.owner, epoch=epoch, lease=work.lease)
