"""The connections of one event loop: those that are idle, who waits for one, and whose time is up."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from sendoka.errors import Outcome
from sendoka.http.transport import MAX_IDLE
from sendoka.http.transport.connection import ROOM
from sendoka.http.transport.failure import too_late

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from sendoka.http.transport import Timing
    from sendoka.http.transport.connection import Connection
    from sendoka.http.transport.lifetime import Lifetime

__all__ = ["Pool"]


class Pool:
    """At most `most` connections, made by `connect`, for whoever asks first.

    Who finds none idle waits for whatever comes first, a connection given back or a new one; so a slow connect delays
    nobody who could do without it. Waiters are served in the order they came.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        most: int,
        connect: Callable[[Pool], Coroutine[None, None, Connection]],
    ) -> None:
        self.loop = loop
        self.room = memoryview(bytearray(ROOM))
        """Where its connections read to."""
        self._most = most
        self._connect = connect
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []  # the one given back last is taken first, so that the others may age
        self._waiting: deque[_Waiter] = deque()
        self._connecting: set[asyncio.Task[Connection]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._closed = False
        self.lifetime: Lifetime | None = None
        """What ends the pool with its loop; the transport begins it."""

    # -------------------------------------------------------------- for the transport

    def take(self) -> Connection | None:
        """Return an idle connection that can be trusted; end those that cannot."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.is_fresh():
                return connection
            self._end(connection)
        return None

    async def wait(self, timing: Timing) -> Connection:
        """Return the next connection that is free, or new. Raises TransportError: `not_sent`."""
        waiter = _Waiter(self.loop.create_future(), timing)
        self._waiting.append(waiter)
        while True:
            self.watch(timing)
            self._connect_more()
            try:
                connection = await waiter.connection
            except BaseException:
                self._leave(waiter)
                raise
            if not connection.is_closing():
                return connection
            # It ended between being handed over and here: first in the line again.
            waiter.connection = self.loop.create_future()
            self._waiting.appendleft(waiter)
            self._end(connection)

    def give_back(self, connection: Connection) -> None:
        """Take a connection back, whatever became of its request: for the next in line, to rest, or to end."""
        connection.settle()
        if connection.reusable:
            self._hand_over(connection)
        else:
            self._end(connection)
            self._connect_more()

    def watch(self, timing: Timing) -> None:
        """See to it that somebody looks when this deadline passes. One timer serves all of them."""
        if timing.deadline < self._alarm_at:
            self._set_alarm(timing.deadline)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that ended by itself while it was idle; who uses it hears of it otherwise."""
        with suppress(ValueError):
            self._idle.remove(connection)
            self._open.discard(connection)

    def close(self) -> None:
        """End what is idle; what is in use ends when it is given back."""
        self._closed = True
        for connection in self._idle:
            self._open.discard(connection)
            connection.abort()
        self._idle.clear()
        self._cancel_surplus()
        if self._alarm is not None and not self._open and not self._waiting:
            self._alarm.cancel()

    # -------------------------------------------------------------- who gets what

    def _hand_over(self, connection: Connection) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.connection.done():  # one that was cancelled a moment ago has not left the line yet
                waiter.connection.set_result(connection)
                return
        if self._closed:
            self._end(connection)
            return
        connection.rest()
        self._idle.append(connection)
        if self._alarm is None:
            self._set_alarm(inf)

    def _end(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.abort()

    def _leave(self, waiter: _Waiter) -> None:
        """Let a waiter go that failed or was cancelled; what it was just handed is for the next."""
        future = waiter.connection
        if future.done() and not future.cancelled() and future.exception() is None:
            self.give_back(future.result())
        with suppress(ValueError):
            self._waiting.remove(waiter)
        self._cancel_surplus()

    # -------------------------------------------------------------- new connections

    def _connect_more(self) -> None:
        """Begin a connection for each waiter that has none on the way, as far as there is room."""
        while self._waiting and self._waiting[0].connection.done():
            self._waiting.popleft()
        while len(self._connecting) < len(self._waiting) and len(self._open) + len(self._connecting) < self._most:
            task = self.loop.create_task(self._connect(self))
            self._connecting.add(task)
            task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[Connection]) -> None:
        self._connecting.discard(task)
        if not task.cancelled():
            error = task.exception()
            if error is None:
                self._open.add(task.result())
                self._hand_over(task.result())
            else:
                self._disappoint(error)
        self._connect_more()

    def _disappoint(self, error: BaseException) -> None:
        """Tell the first in line, unless enough connections are still on the way for all."""
        while len(self._connecting) < len(self._waiting):
            waiter = self._waiting.popleft()
            if not waiter.connection.done():
                waiter.connection.set_exception(error)
                return

    def _cancel_surplus(self) -> None:
        """Cancel connections that nobody waits for any more."""
        surplus = len(self._connecting) - len(self._waiting)
        for task in list(self._connecting)[: max(0, surplus)]:
            task.cancel()

    # -------------------------------------------------------------- time

    def _set_alarm(self, deadline: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        now = time.monotonic()
        # Never later than the age of what is idle asks for.
        self._alarm_at = min(deadline, now + MAX_IDLE)
        self._alarm = self.loop.call_later(max(0.0, self._alarm_at - now), self._look)

    def _look(self) -> None:
        """End what is too late or too old, and set the alarm for the next."""
        self._alarm, self._alarm_at = None, inf
        now = time.monotonic()
        later = inf
        for connection in list(self._open):
            timing = connection.timing
            if timing is None:
                continue
            if timing.deadline <= now:
                connection.expire(timing)
            else:
                later = min(later, timing.deadline)
        for waiter in list(self._waiting):
            if waiter.timing.deadline <= now:
                waiter.expire()
                self._waiting.remove(waiter)
            else:
                later = min(later, waiter.timing.deadline)
        for connection in [connection for connection in self._idle if connection.is_stale()]:
            self._idle.remove(connection)
            self._end(connection)
        if later < inf or self._idle:
            self._set_alarm(later)


class _Waiter:
    """A place in the line."""

    __slots__ = ("connection", "timing")

    def __init__(self, connection: asyncio.Future[Connection], timing: Timing) -> None:
        self.connection = connection
        self.timing = timing

    def expire(self) -> None:
        if not self.connection.done():
            what = "waiting for a connection"
            self.connection.set_exception(too_late(self.timing, Outcome.NOT_SENT, what))
