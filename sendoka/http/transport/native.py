"""The default transport: HTTP/1.1 with keep-alive over asyncio."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from sendoka.http.request import head_of
from sendoka.http.transport import Transport
from sendoka.http.transport.connection import Connection
from sendoka.http.transport.failure import WRONG_PORT, no_connection, not_connected_in_time
from sendoka.http.transport.lifetime import Lifetime
from sendoka.http.transport.pool import Pool
from sendoka.http.transport.tls import tls_context

if TYPE_CHECKING:
    import ssl

    from sendoka.http.reply import Reply
    from sendoka.http.request import Headers, Request
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing, TransportOptions

__all__ = ["NativeTransport"]

MOST_HEADS = 32
"""How many sets of header lines are kept as bytes; there are few, unless a token in them changes."""


class NativeTransport(Transport):
    """A pool of connections to one endpoint for each event loop: connections cannot move between loops."""

    def __init__(self, target: Target, options: TransportOptions) -> None:
        self._target = target
        self._options = options
        self._tls: ssl.SSLContext | None = None
        self._answered = False
        self._heads: dict[Headers, bytes] = {}
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`."""
        pool = self._pools.get(asyncio.get_running_loop()) or await self._enter()
        connection = pool.take() or await pool.wait(timing)
        if timing.marks is not None:
            timing.marks.connected = time.monotonic()
        try:
            pool.watch(timing)
            reply = await connection.ask(self._bytes_of(request), timing)
        finally:
            pool.give_back(connection)
        self._answered = True
        return reply

    def _bytes_of(self, request: Request) -> bytes:
        head = self._heads.get(request.headers)
        if head is None:
            if len(self._heads) >= MOST_HEADS:
                self._heads.clear()
            head = self._heads[request.headers] = head_of(request)
        return b"%b%d\r\n\r\n%b" % (head, len(request.body), request.body)

    # -------------------------------------------------------------- event loops

    async def _enter(self) -> Pool:
        """Make the pool of the running loop."""
        loop = asyncio.get_running_loop()
        for other in list(self._pools):
            if other.is_closed():  # by hand, and without a word to its generators
                self._pools.pop(other, None)
        pool = self._pools[loop] = Pool(loop, self._options.max_connections, self._connect)
        pool.lifetime = Lifetime(lambda: self._leave(pool))
        await pool.lifetime.begin()
        return pool

    async def _leave(self, pool: Pool) -> None:
        self._pools.pop(pool.loop, None)
        pool.close()
        # An aborted socket is closed in the next turn of the loop; who closes the client expects it done.
        await asyncio.sleep(0)

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """See `Transport.aclose`; what belongs to other loops is theirs to end."""
        pool = self._pools.get(asyncio.get_running_loop())
        if pool is not None and pool.lifetime is not None:
            await pool.lifetime.end()

    # -------------------------------------------------------------- connecting

    async def _connect(self, pool: Pool) -> Connection:
        seconds = self._options.connect_timeout
        try:
            async with asyncio.timeout(seconds):
                return await self._connected(pool)
        except TimeoutError:
            raise not_connected_in_time(self._target, seconds) from None
        except OSError as error:
            raise no_connection(self._target, error) from error

    async def _connected(self, pool: Pool) -> Connection:
        target, loop = self._target, pool.loop
        tls = self._context()
        unheard = WRONG_PORT if target.is_loopback and not self._answered else ""
        # Addresses of both families are raced; uvloop, which is no BaseEventLoop, tries one after the other.
        both = not target.is_loopback and isinstance(loop, asyncio.BaseEventLoop)
        race: dict[str, Any] = {"happy_eyeballs_delay": 0.25} if both else {}
        socket, connection = await loop.create_connection(
            lambda: Connection(loop, pool.lost, room=pool.room, max_answer=self._options.max_answer, unheard=unheard),
            host=target.host,
            port=target.port,
            **race,
        )
        if tls is None:
            connection.ready(socket)
            return connection
        try:
            # Above the socket, and not in one with it, so that the buffers of both can be looked into.
            transport = await loop.start_tls(socket, connection, tls, server_hostname=target.host)
        except BaseException:
            socket.abort()
            raise
        assert transport is not None  # noqa: S101 - None is for a transport that closes, which raises before
        connection.ready(transport)
        return connection

    def _context(self) -> ssl.SSLContext | None:
        if self._target.scheme == "http":
            return None
        if self._tls is None:
            self._tls = tls_context(self._options.ca)
        return self._tls
