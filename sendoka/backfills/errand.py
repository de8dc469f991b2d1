"""What a worker of a fleet does: one shard of a run, in a thread of its own, and what it says of it.

A shard is a leased row here as everywhere. Where dask takes a worker for dead and has its shard done by another one,
that one takes the lease over at once, for both were sent by the same call; who was only cut off finds its next batch
refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import copyreg
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from sendoka import __version__
from sendoka.backfills.bundle import unpacked
from sendoka.backfills.call import Call
from sendoka.backfills.events import Actor
from sendoka.backfills.order import arranged
from sendoka.backfills.owner import gone, marked, new_owner
from sendoka.backfills.patience import Stopped
from sendoka.backfills.runs import find_run
from sendoka.backfills.shards import claim, read_shards, release
from sendoka.backfills.sweep import Sweep
from sendoka.backfills.target import read_target
from sendoka.backfills.telling import Teller
from sendoka.errors import FleetFailed, SendokaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.pace import Pace
    from sendoka.backfills.parcel import Parcel
    from sendoka.backfills.shards import Part, Shard

__all__ = ["TOPIC", "Account", "Errand", "Order", "Trip", "do", "order", "pickle_errors_as_ours", "version"]

TOPIC = "sendoka-backfills"
"""Under which name dask passes on what workers say; one for all runs, for a scheduler keeps only the last of each."""

_TELL = 0.5
"""Seconds between two words of a worker, at least; why it waits is said at once."""

_LOOK = 0.1
"""Seconds between two looks at whether the errand shall end at once."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A shard by its number, for how many seconds (None for any), and with what pace it begins."""

    number: int
    seconds: float | None
    pace: Pace


@dataclass(frozen=True, slots=True)
class Account:
    """What became of an errand: how the shard stands, None where it was not to be had; `error` ended it.

    `reason` says why it ended before its shard did, empty where nothing told it to; `batches` were done by it, and of
    `warnings` it told.
    """

    number: int
    shard: Shard | None
    batches: int
    retries: int
    dead: int
    reason: str
    pace: Pace
    error: SendokaError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Order:
    """What a call wants of its errands here: to finish their batch, or to end `now`."""

    stop: bool = False
    now: bool = False


_orders: dict[str, Order] = {}


def version() -> str:
    """Return the version of Sendoka here; dask runs it on every worker."""
    return __version__


def order(call: str, now: bool) -> None:
    """Tell all errands of a call on this worker, those that come later too, to finish their batch, or to end `now`."""
    given = _orders.setdefault(call, Order())
    given.stop, given.now = True, given.now or now


def pickle_errors_as_ours() -> None:
    """Have our errors pickled as they say themselves, with a cause that cannot be pickled as its text.

    Whoever imports dask lets tblib pickle all exceptions that there are, causes and all, and fails for such a cause.
    """
    classes: list[type[SendokaError]] = [SendokaError]
    while classes:
        each = classes.pop()
        copyreg.dispatch_table.pop(each, None)
        classes += each.__subclasses__()


def do(parcel: Parcel, errand: Errand) -> Account:
    """Do one shard, and return what became of it. Raises FleetFailed where this is another Sendoka than the sender's.

    dask runs it in a thread; the errors that a run may end with are returned, for the logs of a worker are not theirs.
    """
    from distributed import get_worker

    pickle_errors_as_ours()
    worker = get_worker()
    if parcel.version != __version__:
        raise FleetFailed(
            f"the worker {worker.address} has sendoka {__version__}, and the parcel is of {parcel.version}",
            todo=f'install it where the workers run: pip install "sendoka[dask]=={parcel.version}"',
        )
    given = _orders.setdefault(parcel.call, Order())

    def say(words: dict[str, Any]) -> None:
        worker.log_event(TOPIC, {"call": parcel.call, "number": errand.number, **words})

    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state != "cancelled"

    trip = Trip(parcel, errand, given, say, wanted)
    account = asyncio.run_coroutine_threadsafe(trip.go(Path(worker.local_directory)), _loop()).result()
    if account.error is not None:
        error = account.error
        error.where = "; ".join(part for part in (error.where, f"on the worker {worker.address}") if part)
    return account


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of all errands of this process, as a call has one for all its workers.

    A script may keep what belongs to a loop, a client of httpx for one, from one shard to the next.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="sendoka", daemon=True).start()
    return loop


class Trip:
    """An errand on its way; `say` passes on how it goes, and `wanted` whether anybody still waits for it.

    Whoever sent it may be killed: dask gives up what it had asked for then, but cannot end a thread. A shard may take
    hours, so the errand looks itself, and ends after its batch as if it had been told to.
    """

    def __init__(
        self,
        parcel: Parcel,
        errand: Errand,
        given: Order,
        say: Callable[[dict[str, Any]], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._parcel = parcel
        self._errand = errand
        self._order = given
        self._say = say
        self._wanted = wanted
        self._call: Call | None = None

    def _stops(self) -> bool:
        return self._order.stop or not self._wanted()

    async def go(self, room: Path) -> Account:
        """Do it until its shard is scanned or somebody else's, its time is over, or it is told to end."""
        error: SendokaError | None = None
        reason = ""
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, scope)
                try:
                    reason = await self._timed(room)
                except Stopped:
                    reason = "interrupted"
                except SendokaError as raised:
                    error = raised
                group.cancel_scope.cancel()
        return self._account("interrupted" if scope.cancelled_caught else reason, error)

    async def _watch(self, scope: anyio.CancelScope) -> None:
        while not self._order.now:  # noqa: ASYNC110 - it is set by another thread
            await anyio.sleep(_LOOK)
        scope.cancel()

    async def _timed(self, room: Path) -> str:
        contents = self._parcel.opened()
        backfill = unpacked(contents.bundle, room)
        terms = replace(contents.terms, deadline=self._errand.seconds)
        by = Actor(contents.operator, new_owner(self._parcel.call), contents.revision)
        pace = replace(self._errand.pace)
        self._call = call = Call(contents.client, backfill, terms, pace, self._stops, None, by=by)
        call.teller = _Teller(call, self._errand.number, self._say)
        call.throttle.look_first()
        sweep = Sweep(call, call.workers[0], owner=by.runner)
        with anyio.move_on_after(call.seconds_left) as scope:
            async with contents.client:
                await self._shard(call, sweep, contents.run)
        if scope.cancelled_caught:
            sweep.cut()
            return "deadline"
        return call.reason

    async def _shard(self, call: Call, sweep: Sweep, number: int) -> None:
        backfill, shard = call.backfill, self._errand.number
        call.run = run = await call.insist(lambda: find_run(call.database, backfill.name))
        if run is None or run.id != number or run.over:
            return
        table = await call.insist(lambda: read_target(call.database, backfill))
        target = arranged(backfill, table, call.terms.order, run.walk)
        await call.insist(sweep.work(target, run, shard, sweep.owner).check_script)
        part = await self._claimed(call, run.id, sweep.owner)
        if part is not None:
            call.parts = {part.number: part}
            await sweep.over(target, run, part, claimed=True)
            await call.throttle.settle()

    async def _claimed(self, call: Call, run: int, owner: str) -> Part | None:
        """Take the shard, from another errand of this call too: dask sends two for one where a worker is gone."""
        number, lease = self._errand.number, call.terms.lease

        async def take() -> Part | None:
            known = {part.number: part for part in await read_shards(call.database, run)}
            if number not in known:
                return None
            holder = known[number].lease.owner
            heir = holder if holder and (marked(holder, self._parcel.call) or gone(holder)) else None
            checksum = call.backfill.checksum()
            shard = await claim(call.database, run, number, owner=owner, lease=lease, checksum=checksum, heir_of=heir)
            return None if shard is None else replace(known[number], shard=shard)

        try:
            return await call.insist(take)
        except BaseException:
            with contextlib.suppress(SendokaError), anyio.move_on_after(call.last_words(more=True), shield=True):
                await release(call.database, run, owner=owner)
            raise

    def _account(self, reason: str, error: SendokaError | None) -> Account:
        call, pace = self._call, self._errand.pace
        if call is None:
            return Account(self._errand.number, None, 0, 0, 0, reason, pace, error)
        part = call.parts.get(self._errand.number)
        shard, retries = part.shard if part else None, call.workers[0].patience.retries
        told = (call.dead, reason, call.pace, error, call.warnings)
        return Account(self._errand.number, shard, call.here, retries, *told)


class _Teller(Teller):
    """Tells the driver, which sees all shards, how this one goes: now and then, and at once why it waits."""

    def __init__(self, call: Call, number: int, say: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(call, None)
        self._of = call
        self._number = number
        self._say = say
        self._said = (0.0, "")

    def tell(self, why: str, left: float | None, *, warnings: tuple[str, ...], at: int | None) -> None:
        """Pass on what is new, with the counts of the shard."""
        now, (then, before), part = time.monotonic(), self._said, self._of.parts.get(self._number)
        if part is None or (why == before and now < then + _TELL and not warnings):
            return
        self._said, worker, shard = (now, why), self._of.workers[0], part.shard
        self._say(
            {
                "state": shard.state,
                "amounts": list(shard.amounts),
                "seq": shard.seq,
                "size": worker.pace.size,
                "rate": worker.meter.rate,
                "held": worker.held,
                "waiting": why,
                "left": left,
                "dead": self._of.dead,
                "warnings": warnings,
            }
        )
