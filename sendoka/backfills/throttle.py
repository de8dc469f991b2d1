"""Makes room: before each batch it is asked whether there is any, and it waits until there is.

One is shared by all runners of a call. Everything is read in one request between two batches, and seldom enough that
it takes a fiftieth of the time; more only where a look takes over 0.2 s, for ten seconds are the longest between two.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

import anyio

from sendoka.backfills import runs
from sendoka.backfills.amounts import ROWS_A_SECOND
from sendoka.backfills.gauges import Gauges
from sendoka.backfills.patience import rest
from sendoka.backfills.signal import half_speed, signals
from sendoka.errors import DatabaseError, SendokaError, TransportError

if TYPE_CHECKING:
    from sendoka.backfills.call import Call, Worker
    from sendoka.backfills.gauges import Seen
    from sendoka.backfills.limits import Limits
    from sendoka.backfills.signal import Busy
    from sendoka.backfills.target import Target
    from sendoka.backfills.walk import Walk

__all__ = ["EVERY", "Throttle"]

EVERY = 1.0
"""Seconds between two looks, at least."""

_SHARE = 50
"""And so many times as long as a look took."""

_SELDOM = 10.0
"""But no more seconds than these."""

_HURRY = 2.0
"""A call that has so few seconds left, or less, has none for a look."""

_TIRED = 10
"""After a run has yielded to something for as long as it does, it goes on for so many times as long before it does
again, unless there was room meanwhile."""

_CAREFUL = 2.0
"""Seconds that a run rests at most where it cannot see whether there is room: as long as it worked, half the speed."""

_TOLD = 2.0
"""Seconds from which on a wait is told of by itself; what is shorter is said with the batches."""

_BEHIND = 0.02
"""Seconds between two looks of a worker at whether the one before it has taken its turn."""

_NOTED = 20.0
"""Seconds between two notes, for others, that a run waits and is alive; and between two looks far from its hours."""


class _Wait(NamedTuple):
    """Why there is no room, for how many seconds at least, and for how many at most if that is known.

    `limit` is whether the run keeps to a number: then it goes on in a moment, and will stand here again.
    """

    why: str
    seconds: float
    left: float | None
    limit: bool = False


class Throttle:
    """What holds the workers of a call back, all of them together."""

    def __init__(self, call: Call, limits: Limits) -> None:
        self._call = call
        self._limits = limits
        self._gauges = Gauges(limits.bounds)
        self._lock = anyio.Lock()
        self._due = 0.0
        # The first batch of a call comes before the first look, unless there are numbers to be kept from the start.
        self._begun = "wal" in limits.bounds or limits.window is not None
        self._clock: tuple[float, float] | None = None
        self._going = True
        self._busy: dict[str, Busy] = {}
        self._since: dict[str, float] = {}
        self._tired: dict[str, float] = {}
        self._hidden = ""
        self._held = (0.0, "")
        self._paid = 0.0
        self._queue: list[Worker] = []
        self._noted = (0.0, "")

    @property
    def most(self) -> int | None:
        """Rows that a batch may have for the sake of the rate, None for any number: a worker's part of a second's."""
        rate = self._limits.rate
        return None if rate is None else max(1, int(rate / len(self._call.workers)))

    async def room(self, target: Target, walk: Walk, worker: Worker) -> None:
        """Return when `worker` may begin its next batch, or must not go on; sets the call's reason for an end.

        Raises Stopped where the run is asked to stop meanwhile.
        """
        try:
            await self._room(target, walk, worker)
        finally:
            self._queue = [each for each in self._queue if each is not worker]

    async def _room(self, target: Target, walk: Walk, worker: Worker) -> None:
        call, began, held, rested = self._call, time.monotonic(), "", 0.0
        while True:
            await self._look(target)
            wait = self._wait(time.monotonic(), worker) if self._going else None
            if wait is None:
                if not self._going:
                    self._due = 0.0  # it may go on at any moment, and then within its limits: the next batch looks anew
                unseen = half_speed(self._hidden) if self._hidden else ""
                worker.held, worker.rested = held or unseen, rested
                return
            if wait.left is not None and wait.seconds > call.seconds_left:
                call.reason = wait.why if self._closed(time.monotonic()) else "deadline"
                return
            long = max(wait.seconds, time.monotonic() - began) >= _TOLD
            seconds = min(wait.seconds, EVERY)
            if long or not wait.limit:
                call.waiting(wait.why, wait.left, at=worker.at)
            if long:
                await self._note(wait.why)
            resting = time.monotonic()
            await walk.keep()
            await rest(seconds, call.stop)
            if wait.limit:
                held, rested = wait.why, rested + time.monotonic() - resting
            if self._closed(time.monotonic()):
                call.forecast.skip(time.monotonic())  # a day of closed hours says nothing of how fast a run is

    def begins(self, rows: int, worker: Worker) -> None:
        """Note that a batch of so many rows is sent now: they count from here on, or others would begin beside it.

        One that fails is sent again, and counts again: how many rows it had scanned by then nobody knows.
        """
        rate, worker.owed = self._limits.rate, rows
        if rate is not None:
            self._paid = worker.paid = max(self._paid, time.monotonic()) + rows / rate

    def spent(self, rows: int, seconds: float, worker: Worker) -> None:
        """Note that the batch of `worker` scanned so many rows in so many seconds, and is over now."""
        rate = self._limits.rate
        self._begun = True
        if self._hidden:
            self._hold(time.monotonic() + min(seconds, _CAREFUL), half_speed(self._hidden))
        if rate is not None:
            # Time that it did not need, and that is over, is no room for others: they would be too many at once.
            self._paid += max((rows - worker.owed) / rate, min(0.0, time.monotonic() - worker.paid))
        worker.owed = 0

    def look_first(self) -> None:
        """Look at the database before the first batch too: it is not the first one of the whole call."""
        self._begun = True

    async def settle(self) -> None:
        """Wait until the rate has caught up with the last batch: whoever goes on knows nothing of it.

        Raises Stopped where the run is asked to stop meanwhile.
        """
        await rest(self._paid - time.monotonic(), self._call.stop)

    def _hold(self, until: float, why: str) -> None:
        self._held = max(self._held, (until, why))

    def until(self, seconds: float) -> float:
        """Return the seconds from now until so many of them were in the hours of the run; infinity if never."""
        if self._limits.window is None or self._clock is None:
            return seconds
        then, clock = self._clock
        return self._limits.window.lasts(clock + time.monotonic() - then, seconds)

    def _closed(self, now: float) -> float:
        """Return the seconds until the hours of the run begin, 0 in them."""
        if self._limits.window is None or self._clock is None:
            return 0.0
        then, clock = self._clock
        return self._limits.window.opens_in(clock + now - then)

    def _wait(self, now: float, worker: Worker) -> _Wait | None:
        """Return for what `worker` has to wait now, None where there is room."""
        window = self._limits.window
        if window is not None and self._clock is None:
            return _Wait("the database's clock cannot be read", EVERY, None)
        closed = self._closed(now)
        if closed:
            return _Wait(f"it runs between {window} only", closed, closed)
        for name, busy in self._busy.items():
            return _Wait(busy.why, EVERY, max(0.0, self._since[name] + signals()[name].most - now))
        paid = (0.0, "") if self._limits.rate is None else self._turn(now, worker, self._limits.rate)
        until, why = max(self._held, paid)
        return _Wait(why, until - now, until - now, limit=True) if until > now else None

    def _turn(self, now: float, worker: Worker, rate: float) -> tuple[float, str]:
        """Return until when, and why, `worker` waits for the rate: who waits longest goes first.

        One that is not there by its turn, for it keeps its lease just then, is waited for a moment, and then passed by.
        """
        until, first = self._paid, not self._queue or self._queue[0] is worker
        if not first and until <= now < until + EVERY:
            until = now + _BEHIND
        if until > now and not any(each is worker for each in self._queue):
            self._queue.append(worker)
        return until, f"{ROWS_A_SECOND.shown(rate)} at most"

    # ------------------------------------------------------------------ looking

    async def _look(self, target: Target) -> None:
        """Read the clock, whether the run goes on, and all signals, unless that was done a moment ago."""
        if not self._begun or not self._looks():
            return
        async with self._lock:
            call, seen, began = self._call, None, time.monotonic()
            if began < self._due:
                return
            try:
                seen = await self._gauges.read(call.database, target, call.run.id if call.run else None)
            except (DatabaseError, TransportError) as error:
                await self._blind(error)
            now = time.monotonic()
            if seen is not None:
                self._learn(seen, now)
            every = EVERY if self._closed(now) < _NOTED else _NOTED
            self._due = now + max(every, min(_SELDOM, _SHARE * (now - began)))

    def _looks(self) -> bool:
        """Tell whether there is anything to look at, and time for it."""
        if self._limits.window is not None:
            return True
        return bool(self._gauges) and self._call.seconds_left > _HURRY

    async def _blind(self, error: DatabaseError | TransportError) -> None:
        """Nothing can be seen: be careful. Without any clock there are no hours, so that is insisted on."""
        said = f"{error.message} ({error.sqlstate})" if isinstance(error, DatabaseError) else error.what
        self._busy, self._hidden = {}, f"what the database is busy with: {said}"
        if (
            self._limits.window is not None
            and self._clock is None
            and not await self._call.workers[0].patience.meet(error)
        ):
            raise error

    def _learn(self, seen: Seen, now: float) -> None:
        self._clock = (now, seen.clock)
        self._going = seen.state not in {"paused", "cancelled", "done"}
        self._busy, self._hidden = {}, ""
        for name in self._limits.bounds:
            self._weigh(name, seen.busy.get(name), now)

    def _weigh(self, name: str, busy: Busy | None, now: float) -> None:
        """Yield to a signal for a while, but not for ever."""
        if busy is None:
            self._since.pop(name, None)
            self._tired.pop(name, None)
        elif busy.hidden:
            self._hidden = busy.why
        elif busy.seconds is not None:
            self._hold(now + busy.seconds, busy.why)
        elif now >= self._tired.get(name, 0.0):
            most = signals()[name].most
            if now - self._since.setdefault(name, now) < most:
                self._busy[name] = busy
            else:
                self._tired[name] = now + _TIRED * most
                del self._since[name]

    async def _note(self, why: str) -> None:
        """Note for others, now and then, that the run waits; where that fails they see less, and nothing else."""
        call, now = self._call, time.monotonic()
        noted, before = self._noted
        if call.run is None or (why == before and now < noted + _NOTED):
            return
        self._noted = (now, why)
        with contextlib.suppress(SendokaError):
            await runs.note_wait(call.database, call.run.id, why=why, by=call.by)
