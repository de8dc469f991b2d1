"""One connection of the native transport: one request at a time, its answer parsed by httptools.

What may be claimed about a failure follows from when the last byte of the request was handed to the kernel. Before that
the request cannot have arrived whole, provided that the socket is aborted, for closing it would flush the rest. From
then on anything may have happened, also where not one byte of an answer came.
"""

from __future__ import annotations

import asyncio
import re
import select
import time
from typing import TYPE_CHECKING, cast

import httptools

from sendoka.errors import AnswerLost, Outcome, ProtocolError, TransportError
from sendoka.http.reply import Reply
from sendoka.http.transport import MAX_IDLE
from sendoka.http.transport.failure import switched, too_late, too_much

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.http.observe import Marks
    from sendoka.http.transport import Timing

__all__ = ["ROOM", "Connection"]

ROOM = 256 * 1024
"""Bytes that are read at a time. One place for all connections of a loop: each takes out what came before the next
reads. Without it asyncio has the system map and unmap as much memory for each answer, which costs more than the rest
of its work."""

MAX_OVERHEAD = 64 * 1024
"""Bytes that may come without one of a body among them: headers, interim answers, extensions and trailers of chunks."""

_BOOT = getattr(time, "CLOCK_BOOTTIME", None)

_HINT = rb"(?i)timeout\s*=\s*(\d{1,6})"  # as text, for Neon gives none and need not have it compiled


def _moment() -> tuple[float, float]:
    """Return (seconds since boot, seconds of the wall clock).

    One or the other also runs while a frozen function, or a suspended machine, sleeps.
    """
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT), time.time()


class Connection(asyncio.BufferedProtocol):
    """A socket and a parser, which calls the `on_…` methods. `ended` is called once, when the socket is gone.

    `room` is where bytes are read to. `unheard` is what to do where it ends without a byte.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[Connection], None],
        *,
        room: memoryview,
        max_answer: int,
        unheard: str,
    ) -> None:
        self._loop = loop
        self._ended = ended
        self._room = room
        self._max_answer = max_answer
        self._unheard = unheard
        self._transport: asyncio.Transport | None = None
        self._socket: asyncio.Transport | None = None
        self._poll: Callable[[int], object] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Reply] | None = None
        self._body: bytes | bytearray = b""
        self._overhead = 0
        self._framed = False
        self._trusted = MAX_IDLE
        self._idle_since = (0.0, 0.0)
        self._sent_whole = False
        self._marks: Marks | None = None
        self.timing: Timing | None = None
        self.reusable = False

    # -------------------------------------------------------------- for the pool and the transport

    def ready(self, transport: asyncio.Transport) -> None:
        """Take over the transport to write to, the one of TLS where there is TLS."""
        self._transport = transport
        self.reusable = True
        # With a limit of 0 asyncio tells as soon as all was handed over; TLS and the socket have a buffer each.
        transport.set_write_buffer_limits(high=0)

    def ask(self, data: bytes, timing: Timing) -> asyncio.Future[Reply]:
        """Write one request. The future that is returned gets its answer, or the TransportError of its failure."""
        transport = self._transport
        assert transport is not None  # noqa: S101 - the pool gives out none before ready()
        self._answer = answer = self._loop.create_future()
        self.timing = timing
        self._marks = timing.marks
        self._body = b""
        self._overhead = 0
        self._framed = self._sent_whole = self.reusable = False
        transport.write(data)
        del data  # a traceback that shows local variables would show the header with the password
        self.pause_writing()
        return answer

    def settle(self) -> None:
        """End what was asked, whatever became of it: answered, failed, cancelled."""
        answer, self._answer = self._answer, None
        self.timing = None
        self._body = b""
        if answer is not None and not self.reusable and answer.done() and not answer.cancelled():
            answer.exception()  # whoever was cancelled meanwhile does not fetch it; asyncio would complain

    def rest(self) -> None:
        """Become idle: from now on trust fades."""
        self._idle_since = _moment()

    def is_fresh(self) -> bool:
        """Tell whether the other side can be expected to listen still."""
        return self.reusable and not self.is_closing() and not self.is_stale() and not self._is_readable()

    def is_stale(self) -> bool:
        """Tell whether it was idle for longer than it is trusted, by either clock."""
        boot, wall = _moment()
        since_boot, since_wall = self._idle_since
        return boot - since_boot > self._trusted or wall - since_wall > self._trusted

    def is_closing(self) -> bool:
        """Tell whether the socket is known to have ended, or to end."""
        return self._transport is None or self._transport.is_closing()

    def expire(self, timing: Timing) -> None:
        """End a request whose deadline passed."""
        if self._sent_whole or self._is_flushed():
            self._fail(too_late(timing, Outcome.UNKNOWN, "waiting for the answer"))
        else:
            self._fail(too_late(timing, Outcome.NOT_SENT, "sending the request"))

    def abort(self) -> None:
        """End the socket without flushing what was not yet handed to the kernel."""
        self.reusable = False
        transport = self._transport or self._socket
        if transport is not None:
            transport.abort()

    # -------------------------------------------------------------- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = sock = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's
        sock.set_write_buffer_limits(high=0)
        self._poll = _poll_of(sock)

    def pause_writing(self) -> None:
        # Under TLS asyncio calls this with nothing left to write too: the buffers are what counts.
        if not self._sent_whole and self._is_flushed():
            self._sent_whole = True
            if self._marks is not None:
                self._marks.sent = time.monotonic()

    resume_writing = pause_writing

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._owed() is None:
            # Asked for by nobody: it must not become the answer to the next request.
            self.abort()
            return
        self._unheard = ""
        if self._marks is not None and self._marks.answered is None:
            self._marks.answered = time.monotonic()
        self._overhead += nbytes
        try:
            self._parser.feed_data(self._room[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ProtocolError(f"the endpoint's answer is not HTTP: {error}"), error)
        if len(self._body) > self._max_answer:
            self._fail(too_much(self._max_answer))
        elif self._overhead > MAX_OVERHEAD:
            what = f"the endpoint sent over {MAX_OVERHEAD:,} bytes of headers and nothing else"
            self._fail(ProtocolError(what, passing=False))

    def eof_received(self) -> None:
        self.reusable = False
        if not self._sent_whole and not self._is_flushed():
            # asyncio would go on flushing to a side that has stopped listening, or only says so.
            self._lost(None)
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.reusable = False
        self._lost(error)
        self._ended(self)

    # -------------------------------------------------------------- called by the parser

    def on_message_begin(self) -> None:
        if self._owed() is None:
            self.reusable = False  # bytes behind an answer

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) in _LENGTHS:
            name = name.lower()
            if name in {b"content-length", b"transfer-encoding"}:
                self._framed = True
            elif name == b"keep-alive" and (hint := re.search(_HINT, value)):
                # What the other side says it waits, less the time in which its end would cross our next request.
                self._trusted = min(MAX_IDLE, max(0.0, int(hint[1]) - 1.0))

    def on_body(self, body: bytes) -> None:
        if self._owed() is None:
            return  # of another answer in the same read: the one that was asked for is its reader's
        self._overhead = 0
        if not self._body:
            self._body = body
            return
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            self._fail(switched())
        elif 100 <= status < 200:
            self._framed = False
        else:
            self._deliver()

    # -------------------------------------------------------------- the end of a request

    def _deliver(self) -> None:
        if len(self._body) > self._max_answer:
            self._fail(too_much(self._max_answer))
        elif (answer := self._owed()) is not None:
            # An answer that overtakes its request (413) leaves a connection that still holds the rest of it.
            self.reusable = self._sent_whole and bool(self._parser.should_keep_alive())
            answer.set_result(Reply(self._parser.get_status_code(), self._body))

    def _lost(self, error: Exception | None) -> None:
        if self._owed() is None:
            return
        if error is None and self._body and not self._framed:
            self._deliver()  # an answer without a length ends with the connection; whether it is whole, its JSON tells
            return
        how = f": {error}" if error else ""
        if self._sent_whole:
            what = f"the connection ended before the answer was whole{how}"
            self._fail(AnswerLost(what, todo=self._unheard), error)
        else:
            what = f"the connection ended while the request was being sent{how}"
            self._fail(AnswerLost(what, outcome=Outcome.NOT_SENT, todo=self._unheard), error)

    def _fail(self, failure: TransportError, cause: BaseException | None = None) -> None:
        if (answer := self._owed()) is not None:
            failure.__cause__ = cause
            answer.set_exception(failure)
        self.abort()

    def _owed(self) -> asyncio.Future[Reply] | None:
        """Return the answer that somebody waits for, None where nobody does."""
        return None if self._answer is None or self._answer.done() else self._answer

    def _is_flushed(self) -> bool:
        """Tell whether all that was written is in the kernel's hands."""
        transport, sock = self._transport, self._socket
        if transport is None or sock is None or sock.is_closing():
            return False  # a write that failed leaves empty buffers too
        return not sock.get_write_buffer_size() and (transport is sock or not transport.get_write_buffer_size())

    def _is_readable(self) -> bool:
        """Tell whether the socket shows data or EOF that the event loop has not yet seen."""
        return self._poll is None or bool(self._poll(0))


_LENGTHS = frozenset(map(len, (b"content-length", b"transfer-encoding", b"keep-alive")))


def _poll_of(transport: asyncio.Transport) -> Callable[[int], object] | None:
    """Return a function that tells, without waiting, whether the transport's socket has anything to read."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return None
    if not hasattr(select, "poll"):
        return lambda _: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return poll.poll
