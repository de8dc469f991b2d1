"""A fleet of machines at one run: one shard a task of dask, as many tasks at once as its workers have room for.

Which shards are free stands in the database, so other runners of any kind may share the run, and whatever dies leaves
nothing behind but a lease. What is said here is only what a person wants to see, and when to end.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anyio

from sendoka.backfills.bundle import bundled
from sendoka.backfills.errand import Account, Errand
from sendoka.backfills.owner import gone, marked, new_owner
from sendoka.backfills.parcel import Contents, sealed, sendable
from sendoka.backfills.patience import Stopped
from sendoka.backfills.scheduler import Scheduler, connected
from sendoka.backfills.shards import read_shards, release
from sendoka.backfills.stealing import steal
from sendoka.errors import FleetFailed, InvalidBackfill, SendokaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.backfills.bundle import Bundle
    from sendoka.backfills.call import Call, Worker
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.parcel import Parcel
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Part
    from sendoka.backfills.target import Target
    from sendoka.backfills.terms import Terms
    from sendoka.database.seam import Database

__all__ = ["Fleet", "gathered"]

_TICK = 0.05
"""Seconds between two looks at what came of the errands; none of them asks anybody."""

_LOOK_EVERY = 1.0
"""Seconds between two looks at the shards, and at how many workers there are."""

_ALONE = 60.0
"""Seconds for which a fleet may be without any worker: they may be on their way."""


@dataclass(slots=True)
class _Trip:
    """An errand that is under way: what dask knows it by, and the one of the call's workers that stands for it."""

    future: Any
    worker: Worker


@contextlib.asynccontextmanager
async def gathered(dask: object, sql: Database, backfill: Backfill, terms: Terms) -> AsyncIterator[Fleet]:
    """Give a fleet that may do the backfill: its workers are there, and what they are sent can be sent.

    Raises InvalidBackfill for what cannot be done by one, SettingsError where dask is not installed, FleetFailed where
    no fleet is to be had.
    """
    if terms.workers > 1:
        raise InvalidBackfill(
            "a fleet has workers of its own, as many as dask gives it",
            todo="leave out --workers (workers=), or --dask (dask=)",
        )
    terms.check_shards(backfill, fleet=True)
    sendable(sql)
    bundle = bundled(backfill)
    scheduler = await connected(dask, terms.deadline)
    try:
        yield Fleet(scheduler, bundle)
    finally:
        await scheduler.close()


@dataclass(slots=True)
class Fleet:
    """The workers that a scheduler has, for one call of `run`; `slots` is how many errands they do at once."""

    scheduler: Scheduler
    bundle: Bundle
    mark: str = field(default_factory=lambda: new_owner().rpartition(":")[2])
    slots: int = field(init=False)

    def __post_init__(self) -> None:
        self.slots = self.scheduler.slots

    async def work(self, call: Call, target: Target, run: Run) -> bool:
        """Have all shards scanned that can be; return whether any batch was done.

        Raises the first error that a worker met, after the others had a moment to finish their batches, and FleetFailed
        where the fleet is lost.
        """
        return await _Pass(self, call, target, run).work()

    def parcel(self, call: Call, run: Run) -> Parcel:
        """Return what every errand of the run is sent. A rate is shared out: it holds for all of them together."""
        limits = call.terms.limits
        if limits.rate is not None:
            limits = replace(limits, rate=limits.rate / self.slots)
        terms = replace(
            call.terms, workers=1, shards=None, again=False, accept_change=False, limits=limits, vacuum=False
        )
        client = sendable(call.database)
        contents = Contents(client, self.bundle, terms, run.id, call.by.operator, call.by.revision)
        return sealed(call.backfill.name, self.mark, contents)


class _Pass:
    """One pass over the shards that are left."""

    def __init__(self, fleet: Fleet, call: Call, target: Target, run: Run) -> None:
        self._fleet = fleet
        self._scheduler = fleet.scheduler
        self._call = call
        self._target = target
        self._run = run
        self._parcel = fleet.parcel(call, run)
        self._trips: dict[int, _Trip] = {}
        self._swept = False
        self._error: BaseException | None = None
        self._ends = float("inf")
        self._looked = self._ordered = -_LOOK_EVERY

    async def work(self) -> bool:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._count)
                group.start_soon(self._vacuum)
                await self._drive()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(self._call.last_words(more=True)):
                await self._recall()
            await self._give_back()
        if self._error is not None:
            raise self._error
        if self._call.stop() and not self._call.reason:
            self._call.reason = "interrupted"
        return self._swept

    async def _vacuum(self) -> None:
        """Vacuum the table after every tenth of it, as its order wants it; a worker sees only its own shard."""
        try:
            while True:
                await anyio.sleep(_LOOK_EVERY / 4)
                await self._call.vacuuming.between(self._target, None, at=None)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - raised again by work(), for the task group would wrap it
            self._fail(error)

    async def _drive(self) -> None:
        """Hand out and collect; what is raised is kept, for the task group would wrap it."""
        more = True
        while more:
            try:
                more = await self._goes_on()
            except Stopped:
                self._call.reason = self._call.reason or "interrupted"  # what is under way may finish its batch
            except Exception as error:  # noqa: BLE001 - raised again by work()
                self._fail(error)
                return
            await anyio.sleep(_TICK)

    async def _goes_on(self) -> bool:
        """Do what there is to be done now; return whether there will be more."""
        if self._scheduler.lost:
            raise self._scheduler.gone()
        await self._listen()
        await self._collect()
        if self._error is not None or self._call.reason or self._call.stop():
            return await self._ending()
        now = time.monotonic()
        if now < self._looked + _LOOK_EVERY:
            return True
        self._looked = now
        parts = await self._call.insist(lambda: read_shards(self._call.database, self._run.id))
        self._call.keep(parts)
        await self._hand_out(parts)
        await self._call.teller.look()
        if self._trips:
            return True
        return self._idle(parts)

    # ------------------------------------------------------------------ handing out

    async def _count(self) -> None:
        """See how many workers there are, again and again; the fleet has failed where there is none for too long."""
        alone, since = False, 0.0
        while True:
            await anyio.sleep(_LOOK_EVERY)
            try:
                slots = await self._scheduler.count()
            except FleetFailed as error:
                self._fail(error)
                return
            now = time.monotonic()
            if slots:
                alone = False
                if self._call.terms.limits.rate is None:  # each has its share of a rate, new ones would be too many
                    self._fleet.slots = slots
                continue
            alone, since = True, since if alone else now
            if now - since > _ALONE:
                self._fail(_deserted(self._scheduler.address))
                return
            self._call.waiting("no worker of the fleet is there", since + _ALONE - now)

    async def _hand_out(self, parts: list[Part]) -> None:
        """Send an errand for each shard that is free, as far as there is room; split one where there is more room."""
        free = [part for part in parts if part.number not in self._trips and self._is_free(part)]
        for part in free[: max(0, self._fleet.slots - len(self._trips))]:
            self._send(part.number)
        if not free and self._trips and len(self._trips) < self._fleet.slots:
            half = await self._call.insist(lambda: self._steal(parts))
            if half is not None:
                self._call.parts[half.number] = half
                self._send(half.number)

    def _is_free(self, part: Part) -> bool:
        owner = part.lease.owner
        open_to_us = not owner or part.lease.seconds <= 0 or marked(owner, self._fleet.mark) or gone(owner)
        return part.shard.state == "running" and open_to_us

    def _send(self, number: int) -> None:
        call = self._call
        busy = [trip.worker for trip in self._trips.values()]
        worker = next((each for each in call.workers if all(each is not other for other in busy)), None)
        if worker is None:  # more workers came to the fleet than there were
            worker = call.add_worker()
        seconds = None if call.terms.deadline is None else max(0.0, call.seconds_left)
        errand = Errand(number, seconds, replace(call.pace))
        self._trips[number] = _Trip(self._scheduler.send(self._parcel, errand), worker)
        worker.at = number

    async def _steal(self, parts: list[Part]) -> Part | None:
        """Split the largest shard; the errand takes over the half that is marked as ours."""
        call = self._call
        return await steal(
            call.database,
            self._target,
            self._run.id,
            parts,
            owner=new_owner(self._fleet.mark),
            lease=call.terms.lease,
            checksum=call.backfill.checksum(),
            least=call.workers[0].worth,
        )

    def _idle(self, parts: list[Part]) -> bool:
        """Tell whether others are at what is left, which is waited for."""
        states = {part.shard.state for part in parts}
        if "held" in states or "running" not in states:
            self._call.waiting("")  # what a worker says last may not have come
            return False
        if self._fleet.slots:
            leases = [part.lease.seconds for part in parts if part.shard.state == "running"]
            self._call.waiting("other runners are at all the shards that are left", max(leases, default=0))
        return True

    # ------------------------------------------------------------------ what came of it

    async def _listen(self) -> None:
        """Show what workers say on their way."""
        call = self._call
        for words in self._scheduler.heard():
            trip = self._trips.get(words["number"])
            if words["call"] != self._fleet.mark or trip is None:
                continue
            trip.worker.meter.take(words["rate"])
            trip.worker.held = words["held"]
            call.pace.size = words["size"]
            call.dead = max(call.dead, words["dead"])
            part = call.parts.get(words["number"])
            if part is not None and words["seq"] > part.shard.seq:
                names = ("scanned", "paged", "changed", "pass_scanned", "pass_paged", "pass_changed")
                amounts = dict(zip(names, words["amounts"], strict=True))
                shard = replace(part.shard, state=words["state"], seq=words["seq"], **amounts)
                await call.teller.ended(shard)
                call.note(part.number, shard)
            call.waiting(words["waiting"], words["left"], at=words["number"], warnings=tuple(words["warnings"]))

    async def _collect(self) -> None:
        """Take what became of the errands that are over."""
        for number, trip in list(self._trips.items()):
            if not trip.future.done():
                continue
            found = await self._scheduler.account(trip.future)
            if isinstance(found, Account) and found.shard is not None:
                await self._call.teller.ended(found.shard)
            del self._trips[number]
            if isinstance(found, Account):
                if found.batches:  # else somebody else took it just before, and needs a moment
                    self._looked = -_LOOK_EVERY
                self._settle(found, trip.worker)
            else:
                self._fail(self._meant(found, number))
            trip.worker.at, trip.worker.waits = None, ""

    def _settle(self, account: Account, worker: Worker) -> None:
        call = self._call
        call.here += account.batches
        call.dead = max(call.dead, account.dead)
        call.warn(account.warnings)  # the word of it may have been lost
        worker.patience.retries += account.retries
        self._swept = self._swept or account.shard is not None
        known = call.parts.get(account.number)
        news = account.shard is not None and (known is None or known.shard.seq < account.shard.seq)
        if account.shard is not None:
            call.note(account.number, account.shard)
        if account.pace.rate is not None:
            call.pace.size, call.pace.rate, call.pace.width = account.pace.size, account.pace.rate, account.pace.width
        if account.error is not None:
            self._fail(account.error)
        elif account.reason:
            call.reason = call.reason or account.reason
        elif news:
            call.waiting("", at=account.number)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error, self._ends = error, time.monotonic() + self._call.last_words(more=True)

    def _meant(self, error: BaseException, number: int) -> BaseException:
        """Return what dask says of an errand, as an error that says what to do."""
        kind = type(error).__name__
        if isinstance(error, SendokaError):
            return error
        if "Cancelled" in kind or self._scheduler.lost:
            return self._scheduler.gone(f"while {len(self._trips) + 1} of its tasks were under way")
        if kind == "KilledWorker":
            return FleetFailed(
                f"every worker that was given the shard {number} died of it, or beside it",
                where=str(error).partition(". ")[0],
                todo="look into the logs of the workers, for memory above all; give them more, or --batch-size N less",
            )
        return FleetFailed(
            f"a worker could not do the shard {number}: {kind}: {error}",
            todo="what was changed stays; see the logs of the workers",
        )

    # ------------------------------------------------------------------ ending

    async def _ending(self) -> bool:
        """Let the errands finish their batches; return whether any is still at it, and waited for."""
        now = time.monotonic()
        if not self._trips or now > self._ends:
            return False
        if now >= self._ordered + _LOOK_EVERY:
            self._ordered = now
            await self._scheduler.order(self._fleet.mark, now=False)
        return True

    async def _recall(self) -> None:
        """End what is still under way, as after a second Ctrl-C, and take what became of it."""
        if self._trips and not self._scheduler.lost:
            await self._scheduler.order(self._fleet.mark, now=True)
            while any(not trip.future.done() for trip in self._trips.values()):  # noqa: ASYNC110 - dask is in a thread
                await anyio.sleep(_TICK)
            await self._collect()

    async def _give_back(self) -> None:
        """Release what this call still holds: stolen as the deadline came, or of an errand that had no time to do so.

        What that one has in flight may commit all the same, until somebody else has the shard.
        """
        call, run = self._call, self._run.id
        with contextlib.suppress(SendokaError), anyio.move_on_after(call.last_words(more=True), shield=True):
            parts = await read_shards(call.database, run)
            for owner in {part.lease.owner for part in parts if marked(part.lease.owner, self._fleet.mark)}:
                await release(call.database, run, owner=owner or "")


def _deserted(address: str) -> FleetFailed:
    return FleetFailed(
        f"all workers of the scheduler at {address} are gone",
        where=f"there was none for {_ALONE:g} s",
        todo="start some and run it again, or run it without --dask (dask=): it goes on where it stands",
    )
