"""All connections of a server: how many there may be, how long each may take, and how they end."""

from __future__ import annotations

import asyncio
import logging
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.http.transport.connection import ROOM
from sendoka.local.connection import Connection

if TYPE_CHECKING:
    import socket

    from sendoka.local.app import Endpoint

__all__ = ["Front", "Patience"]

MOST = 10_000
"""Connections at a time, where the system admits so many files: Neon's own number."""

AT_ONCE = 8
"""Connections that asyncio accepts before it looks at anything else: those over the limit end before more come."""

QUEUE = 1024
"""Connections that the system holds until they are accepted."""

RESERVED = 200
"""Files that are left for sessions with PostgreSQL and for the program around the endpoint."""

_logger = logging.getLogger("sendoka.local")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for a request's `head` in all, between pieces of its `body`, between requests (`idle`), for an answer to
    be taken (`write`; the last 64 kB may take `idle`), and for a client to notice the end (`linger`)."""

    head: float = 20.0
    body: float = 30.0
    idle: float = 75.0
    write: float = 60.0
    linger: float = 5.0


class Front:
    """Makes connections for an event loop's servers, watches their deadlines and ends them."""

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self.endpoint = endpoint
        self.patience = patience
        self.room = memoryview(bytearray(ROOM))
        self.stopping = False
        self.now = 0.0
        self._most = _most_connections()
        self._all: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_report)
        self.now = loop.time()
        self._servers = [
            await loop.create_server(lambda: Connection(self), sock=bound, backlog=AT_ONCE) for bound in sockets
        ]
        for bound in sockets:
            bound.listen(QUEUE)
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, grace: float) -> None:
        """Accept no more and let the requests that run end within `grace` seconds; cancel the rest, then cut it off."""
        self.stopping = True
        for server in self._servers:
            server.close()
        for connection in list(self._all):
            connection.end_if_idle()
        if not await self._empty(grace):
            self.endpoint.give_up()  # what still runs or waits is answered with `connection closed`
            await self._empty(grace)
        for connection in list(self._all):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self.endpoint.aclose()

    async def _empty(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._all and loop.time() < until:  # noqa: ASYNC110 - it ends with the deadline too
            await asyncio.sleep(0.005)
        return not self._all

    # -------------------------------------------------------------- connections tell

    def joined(self, connection: Connection) -> None:
        """Take a connection in. Beyond the limit, the one ends that has waited the longest without a request that runs.

        That is this one where all others are being answered.
        """
        self._all.add(connection)
        self._idle[connection] = None
        if len(self._all) > self._most:
            spare = next(iter(self._idle))
            self.left(spare)  # now, not when its socket is gone: in a burst the next one would find it again
            spare.abort()

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self._all.discard(connection)
        self._idle.pop(connection, None)

    def busied(self, connection: Connection) -> None:
        """Note that a request is being answered."""
        self._idle.pop(connection, None)

    def idled(self, connection: Connection) -> None:
        """Note that none is."""
        if connection in self._all:
            self._idle[connection] = None

    async def _sweep(self) -> None:
        # One look at all of them is cheaper than a timer for each request.
        shortest = min(self.patience.head, self.patience.body, self.patience.idle, self.patience.linger)
        while True:
            await asyncio.sleep(min(1.0, shortest / 4))
            self.now = asyncio.get_running_loop().time()
            for connection in [late for late in self._all if late.deadline < self.now]:
                connection.expire()


def _most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else max(20, min(MOST, files - RESERVED))


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # asyncio's own handler writes tracebacks for clients that went away.
    error = context.get("exception")
    level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
    _logger.log(level, context["message"], exc_info=error)
