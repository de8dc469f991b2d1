"""The default transport: HTTP/1.1 with keep-alive over asyncio, parsed by httptools.

What it may claim about a failure follows from when the last byte of the request was handed to the kernel. Before that
the request cannot have arrived whole, provided that the socket is aborted, for closing it would flush the rest. From
then on anything may have happened, also where not one byte of an answer came.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import ssl
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import httptools

from sendoka.errors import AnswerLost, ConnectFailed, Outcome, ProtocolError, RequestTimeout, TransportError
from sendoka.http.reply import Reply
from sendoka.http.transport import WRONG_PORT, Transport
from sendoka.http.transport.tls import tls_context

if TYPE_CHECKING:
    from sendoka.http.observe import Marks
    from sendoka.http.request import Request
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing

__all__ = ["NativeTransport"]

MAX_CONNECTIONS = 100
"""Requests above this number wait their turn, first come first served."""

MAX_IDLE = 55.0
"""Seconds after which an idle connection is not trusted any more; load balancers commonly close at 60."""


class _Pool:
    """The connections of one event loop: those that are idle, newest last, and whose turn it is to open more."""

    def __init__(self) -> None:
        self.idle: list[_Connection] = []
        self.turns = asyncio.Semaphore(MAX_CONNECTIONS)

    def checkout(self) -> _Connection | None:
        """Return an idle connection that can be trusted; end those that cannot."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_fresh():
                return connection
            connection.abort()
        return None

    def take_back(self, connection: _Connection) -> None:
        """Keep a connection for the next request, or end it."""
        if connection.reusable:
            connection.idle_since = _Clock.now()
            self.idle.append(connection)
        else:
            connection.abort()


class NativeTransport(Transport):
    """A pool of connections to one endpoint for each event loop: connections cannot move between loops."""

    def __init__(self, target: Target, connect_timeout: float) -> None:
        self._target = target
        self._connect_timeout = connect_timeout
        self._tls: ssl.SSLContext | None = None
        self._answered = False
        # Weak: a loop that is over (one `asyncio.run` after the other in one process) takes its pool along.
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`."""
        pool = self._pools.setdefault(asyncio.get_running_loop(), _Pool())
        try:
            async with asyncio.timeout(timing.left()):
                await pool.turns.acquire()
        except TimeoutError:
            raise _too_late(timing, Outcome.NOT_SENT, "waiting for a free connection") from None
        try:
            connection = pool.checkout() or await self._connect(timing)
            if timing.marks is not None:
                timing.marks.connected = time.monotonic()
            connection.marks = timing.marks
            return await self._on(connection, pool, request, timing)
        finally:
            pool.turns.release()

    async def _on(self, connection: _Connection, pool: _Pool, request: Request, timing: Timing) -> Reply:
        try:
            async with asyncio.timeout(timing.left()):
                reply = await connection.exchange(_bytes_of(request))
        except TimeoutError:
            outcome = Outcome.UNKNOWN if connection.sent_whole else Outcome.NOT_SENT
            raise _too_late(timing, outcome, "waiting for the answer") from None
        finally:
            pool.take_back(connection)
        self._answered = True
        return reply

    async def _connect(self, timing: Timing) -> _Connection:
        target = self._target
        loop = asyncio.get_running_loop()
        tls = self._context()
        unheard = WRONG_PORT if target.is_loopback and not self._answered else ""
        try:
            async with asyncio.timeout(min(self._connect_timeout, timing.left())):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop, unheard),
                    target.host,
                    target.port,
                    ssl=tls,
                    server_hostname=target.host if tls else None,
                    happy_eyeballs_delay=None if target.is_loopback else 0.25,
                )
        except TimeoutError:
            raise ConnectFailed(
                f"no connection to {target.host}:{target.port} in time", where=f"nothing was sent to {target.url}"
            ) from None
        except OSError as error:
            raise _no_connection(target, error) from error
        return connection

    def _context(self) -> ssl.SSLContext | None:
        if self._target.scheme == "http":
            return None
        if self._tls is None:
            self._tls = tls_context()
        return self._tls

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        """See `Transport.aclose`; what belongs to other loops is theirs to end."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        for connection in pool.idle if pool else []:
            connection.abort()
        # An aborted socket is closed in the next turn of the loop; who closes the client expects it done.
        await asyncio.sleep(0)


class _Clock:
    """Seconds that also pass while a frozen function, or a suspended machine, sleeps."""

    _BOOT = getattr(time, "CLOCK_BOOTTIME", None)

    @classmethod
    def now(cls) -> tuple[float, float]:
        """Return (seconds since boot, seconds of the wall clock)."""
        boot = time.clock_gettime(cls._BOOT) if cls._BOOT is not None else time.monotonic()
        return boot, time.time()

    @classmethod
    def since(cls, then: tuple[float, float]) -> float:
        """Return the longer of what the two clocks say has passed since `then`."""
        boot, wall = cls.now()
        return max(boot - then[0], wall - then[1])


class _Connection(asyncio.Protocol):
    """One connection, one request at a time. The parser calls the `on_…` methods.

    `unheard` is what to do where it ends without a byte.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, unheard: str) -> None:
        self._loop = loop
        self._unheard = unheard
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._framed = False
        self._unflushed = False
        self.marks: Marks | None = None
        self.reusable = False
        self.sent_whole = False
        self.idle_since = (0.0, 0.0)

    # -------------------------------------------------------------- for the pool

    async def exchange(self, data: bytes) -> Reply:
        """Write one request and wait for its answer."""
        assert self._transport is not None  # noqa: S101 - create_connection returns after connection_made
        if self._transport.is_closing():
            raise AnswerLost("the connection ended before the request was sent", outcome=Outcome.NOT_SENT)
        self._answer = self._loop.create_future()
        self._body = []
        self.reusable = self._framed = False
        self.sent_whole = False
        self._transport.write(data)
        del data  # a traceback that shows local variables would show the header with the password
        if not self._unflushed:
            self._sent()
        return await self._answer

    def is_fresh(self) -> bool:
        """Tell whether the other side can be expected to listen still."""
        transport = self._transport
        if transport is None or transport.is_closing() or not self.reusable:
            return False
        if _Clock.since(self.idle_since) > MAX_IDLE:
            return False
        return not _readable(transport)

    def abort(self) -> None:
        """End the socket without flushing what was not yet handed to the kernel."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    # -------------------------------------------------------------- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection makes
        self._transport = transport
        # With a limit of 0 the pair pause_writing/resume_writing tells exactly when all was handed over.
        transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        self._unflushed = True

    def resume_writing(self) -> None:
        self._unflushed = False
        self._sent()

    def _sent(self) -> None:
        self.sent_whole = True
        if self.marks is not None:
            self.marks.sent = time.monotonic()

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.abort()
            return
        self._unheard = ""
        if self.marks is not None and self.marks.answered is None:
            self.marks.answered = time.monotonic()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ProtocolError(f"the endpoint's answer is not HTTP: {error}"), error)

    def eof_received(self) -> None:
        self.reusable = False

    def connection_lost(self, error: Exception | None) -> None:
        self.reusable = False
        if self._answer is None or self._answer.done():
            return
        if self._complete_without_length():
            self._deliver()
            return
        how = f": {error}" if error else ""
        if self.sent_whole:
            lost = AnswerLost(f"the connection ended before the answer was whole{how}", todo=self._unheard)
            self._fail(lost, error)
        else:
            what = f"the connection ended while the request was being sent{how}"
            self._fail(AnswerLost(what, outcome=Outcome.NOT_SENT, todo=self._unheard), error)

    # -------------------------------------------------------------- called by the parser

    def on_message_begin(self) -> None:
        # Bytes behind an answer were asked for by nobody: they must not become the answer to the next request.
        if self._answer is None or self._answer.done():
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._framed = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if 100 <= self._parser.get_status_code() < 200:
            self._body, self._framed = [], False
            return
        self._deliver()

    def _deliver(self) -> None:
        if self._answer is not None and not self._answer.done():
            # An answer that overtakes its request (413) leaves a connection that still holds the rest of it.
            self.reusable = self.sent_whole and bool(self._parser.should_keep_alive())
            self._answer.set_result(Reply(self._parser.get_status_code(), b"".join(self._body)))

    def _complete_without_length(self) -> bool:
        """An answer without a length ends with the connection; whether it is whole, its JSON tells."""
        return bool(self._body) and not self._framed

    def _fail(self, failure: TransportError, cause: BaseException | None) -> None:
        self.reusable = False
        if self._answer is not None and not self._answer.done():
            failure.__cause__ = cause
            self._answer.set_exception(failure)
        self.abort()


def _readable(transport: asyncio.Transport) -> bool:
    """Tell whether the socket shows data or EOF that the event loop has not yet seen."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _bytes_of(request: Request) -> bytes:
    target = request.target
    lines = [f"POST {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + request.body


def _too_late(timing: Timing, outcome: Outcome, doing: str) -> RequestTimeout:
    return RequestTimeout(
        f"the deadline of {timing.seconds:g} s passed while {doing}",
        outcome=outcome,
        passing=False,
        todo="give more time with neon(url, timeout=…)" if outcome is Outcome.NOT_SENT else "",
    )


def _no_connection(target: Target, error: OSError) -> ConnectFailed:
    place = f"{target.host}:{target.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectFailed(f"the certificate of {place} does not verify: {error.verify_message}", passing=False)
    if isinstance(error, socket.gaierror):
        return ConnectFailed(
            f"the host {target.host} cannot be found: {error.strerror}",
            passing=error.errno == socket.EAI_AGAIN,
            todo="check the host of the connection string",
        )
    todo = "start the local endpoint with `sendoka dev`" if target.is_loopback else ""
    refused = _refused(error)
    reason = "connection refused" if refused else (error.strerror or str(error))
    return ConnectFailed(f"no connection to {place}: {reason}", passing=not (refused and target.is_loopback), todo=todo)


def _refused(error: OSError) -> bool:
    # Trying several addresses of one name, asyncio joins their errors into one text.
    return error.errno == errno.ECONNREFUSED or "Connect call failed" in str(error)
