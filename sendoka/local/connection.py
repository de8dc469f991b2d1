"""One client's connection: HTTP/1.1 read by httptools, its requests answered one after the other.

What is too much, too slow or no HTTP gets a short answer and a close. Sources: RFC 9112 for the form of messages and
when a connection ends; Neon's proxy is built on hyper, which answers a head that is too large with 431.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import httptools

from sendoka.local.answer import JSON, Answer, Request, announces_more
from sendoka.local.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sendoka.local.front import Front

__all__ = ["HEADERS", "HEAD_BYTES", "Connection"]

HEAD_BYTES = 64 * 1024
"""Bytes of a request's first line and headers."""

HEADERS = 128
"""Headers of a request."""

PIECES = 20
"""Pieces of an answer that is sent slowly."""

_LARGE_HEAD = "the request's first line and headers are too large"
_LARGE_FRAME = "the request has too much around its body: headers that follow it, or extensions of chunks"

_BODIES = frozenset({b"content-length", b"transfer-encoding"})
_OFFERS = frozenset({b"connection", b"upgrade", b"expect"})

_logger = logging.getLogger("sendoka.local")


class _LargeHead(Exception):
    """The first line and the headers of a request are too large."""


class Connection(asyncio.BufferedProtocol):
    """Reads requests, has the endpoint answer them in order, and writes the answers."""

    __slots__ = (
        "_body",
        "_closing",
        "_expecting",
        "_front",
        "_headers",
        "_in_head",
        "_overhead",
        "_parser",
        "_queue",
        "_room",
        "_size",
        "_task",
        "_transport",
        "_url",
        "deadline",
    )

    _transport: asyncio.Transport

    def __init__(self, front: Front) -> None:
        self._front = front
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request | Answer, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._closing = False
        self._forget()
        self.on_message_begin()

    def _forget(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: bytearray | None = bytearray()  # not a list: pieces may be of one byte
        self._size = 0
        self._in_head = True
        self._overhead = 0  # bytes that came without one of a body among them
        self._expecting = False  # to be told that the body may come, once all before it is answered

    # -------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for type checkers; a server makes no other
        self._transport = transport
        self._front.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what runs for a client that went away."""
        self._closing = True
        self._front.left(self)
        if self._task is not None:
            self._task.cancel()
        self.resume_writing()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to read to."""
        return self._front.room

    def buffer_updated(self, nbytes: int) -> None:
        """Read requests out of what came."""
        data: bytes | memoryview = self._front.room[:nbytes]
        while data and not self._closing:  # what comes after the last answer is let go
            data = self._read(data)

    def _read(self, data: bytes | memoryview) -> bytes:
        """Read up to where another protocol is offered; return what to read instead of the rest."""
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._decline(bytes(data[upgrade.args[0] :]))
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _LargeHead):
                raise
            self._refuse(431, _LARGE_HEAD)
        except httptools.HttpParserError as error:
            self._refuse(400, f"the request could not be read as HTTP: {error}")
        else:
            if self._overhead > HEAD_BYTES:
                self._refuse(431, _LARGE_HEAD if self._in_head else _LARGE_FRAME)
        return b""

    def pause_writing(self) -> None:
        """Wait with the next answer until the client has taken this one."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Go on."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # -------------------------------------------------------------- what the parser calls

    def on_message_begin(self) -> None:
        """Start the clock."""
        self.deadline = self._front.now + self._front.patience.head

    def on_url(self, url: bytes) -> None:
        """Collect the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header. The first of a name counts, as in the map that Neon's proxy asks, and none after a body."""
        if not self._in_head:
            return
        self._size += len(name) + len(value)
        if len(self._headers) >= HEADERS or self._size > HEAD_BYTES:
            raise _LargeHead
        self._headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """See what is announced."""
        self._in_head, self._size = False, 0
        self.deadline = self._front.now + self._front.patience.body
        if announces_more(self._headers, self._front.endpoint.max_request):
            self._too_large()
        elif self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._expecting = True
            if self._task is None:
                self._go_on()

    def _go_on(self) -> None:
        self._expecting = False
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Collect the body, up to the limit."""
        self._overhead = 0
        self._expecting = False
        self.deadline = self._front.now + self._front.patience.body
        self._size += len(data)
        if self._body is not None:
            self._body += data
            if self._size > self._front.endpoint.max_request:
                self._too_large()

    def on_message_complete(self) -> None:
        """Answer the request, or let it wait for its turn."""
        upgrade = self._parser.should_upgrade()
        if upgrade and self._headers.keys() & _BODIES and self._parser.get_method() != b"CONNECT":
            return  # the parser takes the body for another protocol: see _decline
        if self._body is None:  # it was answered
            self._forget()
        else:
            self._take(bytes(self._body), keep=self._parser.should_keep_alive() and not upgrade)

    # -------------------------------------------------------------- requests

    def _decline(self, rest: bytes) -> bytes:
        """Return what to read where another protocol was offered, as curl and Java's client do with every request."""
        if not self._url:
            self._closing = True  # it was answered, and what follows is not for us
            return b""
        lines = [self._parser.get_method() + b" " + self._url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self._headers.items() if name not in _OFFERS]
        if not self._parser.should_keep_alive():
            lines.append(b"connection: close")
        if self._expecting:
            lines.append(b"expect: 100-continue")
        self._parser = httptools.HttpRequestParser(self)
        self._forget()
        return b"\r\n".join(lines) + b"\r\n\r\n" + rest

    def _too_large(self) -> None:
        # Answered at once. What still comes is read and let go, so that the client gets to see the answer.
        self._body = None
        self._take(None, keep=False)

    def _take(self, body: bytes | None, *, keep: bool) -> None:
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, _path(self._url), self._headers, body)
        if body is not None:
            self._forget()
        self._put(request, keep=keep)

    def _refuse(self, status: int, message: str) -> None:
        self._put(Answer.of(Failure(message, status=status), (JSON,)), keep=False)
        self._closing = True

    def _put(self, what: Request | Answer, *, keep: bool) -> None:
        if self._closing or self._transport.is_closing():
            return
        self._queue.append((what, keep))
        if self._task is None:
            self._front.busied(self)
            task = _start(self._answer_all())
            self._task = None if task.done() else task
        else:
            self._transport.pause_reading()  # it sends faster than it is answered

    async def _answer_all(self) -> None:
        keep = True
        try:
            while self._queue and keep:
                what, keep = self._queue.popleft()
                keep = keep and not self._front.stopping
                answer = what if isinstance(what, Answer) else await self._respond(what)
                head_only = isinstance(what, Request) and what.method == "HEAD"
                await self._write(answer, head_only=head_only, keep=keep)
                keep = keep and not self._transport.is_closing()
        except asyncio.CancelledError:
            return  # the client is gone
        finally:
            self._task = None
            self._front.idled(self)
        if self._front.stopping:
            self._transport.close()
        elif keep:
            patience = self._front.patience
            self.deadline = self._front.now + (patience.body if self._has_begun else patience.idle)
            if self._expecting:
                self._go_on()
        else:
            self._end()
        self._transport.resume_reading()

    async def _respond(self, request: Request) -> Answer:
        try:
            return await self._front.endpoint.respond(request)
        except Exception:
            _logger.exception("a request could not be answered")
            return Answer(500, b'{"msg":"the endpoint failed; see its log"}')

    async def _write(self, answer: Answer, *, head_only: bool, keep: bool) -> None:
        self.deadline = self._front.now + self._front.patience.write
        head = answer.head(last=not keep)
        body = b"" if head_only else answer.body
        if answer.cut is not None:
            self._transport.write(answer.cut.keep(head, body))
            self._transport.close()
        elif answer.seconds:
            await self._drip(head, body, answer.seconds)
        else:
            self._transport.write(head + body if len(body) < HEAD_BYTES else head)
            if len(body) >= HEAD_BYTES:
                self._transport.write(body)
        if not keep and not self._transport.is_closing():
            self._transport.set_write_buffer_limits(high=0)  # the end follows: the client must have taken all of it
        if self._room is not None:
            await self._room

    async def _drip(self, head: bytes, body: bytes, seconds: float) -> None:
        step = max(1, -(-len(body) // PIECES))
        pieces = [head, *(body[at : at + step] for at in range(0, len(body), step))]
        for piece in pieces:
            self._transport.write(piece)
            self.deadline = self._front.now + self._front.patience.write
            await asyncio.sleep(seconds / len(pieces))

    # -------------------------------------------------------------- ends

    @property
    def _has_begun(self) -> bool:
        """Tell whether part of a request is here."""
        return self._overhead > 0 or not self._in_head

    def expire(self) -> None:
        """End what takes too long. Half a request gets an answer, one that is being answered has all the time."""
        if self._task is not None and self._room is None:
            return
        if self._task is None and not self._closing and self._has_begun:
            self._refuse(408, "the request did not come to its end in time")
        else:
            self._transport.abort()

    def end_if_idle(self) -> None:
        """End it unless a request is being answered, or on its way."""
        if self._task is None and (self._closing or not self._has_begun):
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def _end(self) -> None:
        """Close after what was written, once the client has: with bytes unread, TCP would take the answer away."""
        self._closing = True
        if self._transport.is_closing():
            return
        self.deadline = self._front.now + self._front.patience.linger
        try:
            self._transport.write_eof()
        except OSError:  # the client is gone already
            self._transport.abort()


if sys.version_info >= (3, 12):

    def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # At once, up to where it must wait: that saves a turn of the event loop.
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)

else:

    def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)


def _path(target: bytes) -> bytes:
    if not target.startswith(b"/"):
        # The absolute form, which proxies send.
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2] if b"://" in target else target
    return target.partition(b"?")[0]
