"""The workers of one call: each takes a shard that is free, scans it, and takes the next, until all are scanned.

Nobody tells them what to take. A shard is claimed by a lease in the database, so workers of other processes and
machines are as good as those of this one; a lease that ran out, or whose process is known to be gone, is taken over.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills.owner import gone
from sendoka.backfills.patience import Stopped, rest
from sendoka.backfills.shards import claim_any, read_shards, release
from sendoka.backfills.stealing import steal
from sendoka.errors import SendokaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sendoka.backfills.call import Call
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Part
    from sendoka.backfills.sweep import Sweep
    from sendoka.backfills.target import Target

__all__ = ["Workers"]

_LOOK_EVERY = 0.5
"""Seconds between two looks of a worker at whether a shard is free."""


class Workers:
    """All workers of a call, for one pass."""

    def __init__(self, call: Call, sweeps: Sequence[Sweep], target: Target, run: Run) -> None:
        self._call = call
        self._sweeps = sweeps
        self._target = target
        self._run = run
        self._swept = False
        self._error: BaseException | None = None

    async def work(self) -> bool:
        """Scan what can be scanned; return whether any batch was done here.

        Raises the first error that a worker met. The others finish their batches before, as far as that can be done in
        a moment.
        """
        async with anyio.create_task_group() as group:
            for sweep in self._sweeps:
                group.start_soon(self._guarded, sweep, group.cancel_scope)
        if self._error is not None:
            raise self._error
        return self._swept

    async def _guarded(self, sweep: Sweep, scope: anyio.CancelScope) -> None:
        """Keep what the worker raises, for the task group would wrap it."""
        try:
            await self._go(sweep)
        except anyio.get_cancelled_exc_class():
            raise
        except Stopped:
            self._call.reason = self._call.reason or "interrupted"
        except BaseException as error:  # noqa: BLE001 - raised again by work()
            self._error = self._error or error
            self._call.failed = True
            scope.deadline = min(scope.deadline, anyio.current_time() + self._call.last_words(more=True))

    async def _go(self, sweep: Sweep) -> None:
        """Take one shard after the other, as long as any is to be scanned."""
        call, run, insist = self._call, self._run, sweep.worker.patience.insist
        while not call.reason and not call.stop():
            async with self._given_back(sweep.owner):
                part = await insist(lambda: self._claim(sweep.owner))
            if part is not None:
                call.parts[part.number] = part
                self._swept = await sweep.over(self._target, run, part, claimed=True) or self._swept
                continue
            call.keep(map(call.newest, await insist(lambda: read_shards(call.database, run.id))))
            states = {part.shard.state for part in call.parts.values()}
            if "held" in states or "running" not in states:
                return
            await insist(sweep.work(self._target, run, 0, sweep.owner).check_script)
            async with self._given_back(sweep.owner):
                part = await insist(lambda: self._steal(sweep))
            if part is None:
                await self._wait()
                continue
            call.parts[part.number] = part
            self._swept = await sweep.over(self._target, run, part, claimed=True) or self._swept
        if not call.reason:
            call.reason = "interrupted"

    @contextlib.asynccontextmanager
    async def _given_back(self, owner: str) -> AsyncIterator[None]:
        """Give back what was claimed where the answer is not known, or the next one waits for that lease."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(SendokaError), anyio.move_on_after(self._call.last_words(more=True), shield=True):
                await release(self._call.database, self._run.id, owner=owner)
            raise

    async def _claim(self, owner: str) -> Part | None:
        """Take a shard that is free, or that was held by a process which is gone."""
        call = self._call
        holders = [part.lease.owner for part in call.parts.values() if part.lease.owner]
        return await claim_any(
            call.database,
            self._run.id,
            owner=owner,
            lease=call.terms.lease,
            checksum=call.backfill.checksum(),
            heir_of=[holder for holder in holders if gone(holder)],
        )

    async def _steal(self, sweep: Sweep) -> Part | None:
        """Take half of what is left of the largest shard, where that is worth it."""
        call = self._call
        return await steal(
            call.database,
            self._target,
            self._run.id,
            list(call.parts.values()),
            owner=sweep.owner,
            lease=call.terms.lease,
            checksum=call.backfill.checksum(),
            least=sweep.worker.worth,
        )

    async def _wait(self) -> None:
        """Wait until another worker may be done with a shard, or its lease may have run out."""
        call = self._call
        leases = [part.lease.seconds for part in call.parts.values() if part.shard.state == "running"]
        if not leases:  # the last one was scanned meanwhile
            return
        if all(worker.at is None for worker in call.workers):
            call.waiting("other runners are at all the shards that are left", max(leases))
        await rest(min([_LOOK_EVERY, *(seconds + 0.01 for seconds in leases)]), call.stop)
