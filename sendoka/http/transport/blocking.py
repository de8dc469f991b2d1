"""A transport for a program without an event loop: one request over a blocking socket, whose coroutine never waits.

It is for what may be asked again by another transport where it fails, so what it says of a failure is little.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httptools

from sendoka.errors import AnswerLost, ProtocolError
from sendoka.http.reply import Reply
from sendoka.http.request import head_of
from sendoka.http.transport import Transport
from sendoka.http.transport.failure import no_connection, switched, too_much
from sendoka.http.transport.tls import tls_context

if TYPE_CHECKING:
    from sendoka.http.request import Request
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing, TransportOptions

__all__ = ["BlockingTransport"]

_PIECE = 64 * 1024


class BlockingTransport(Transport):
    """Opens a connection for every request. It blocks its thread, so it belongs where no event loop runs."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`. The deadline is that of each step alone."""
        with self._connected(request.target, timing) as line:
            if timing.marks is not None:
                timing.marks.connected = time.monotonic()
            answer = _Answer(self._options.max_answer)
            try:
                line.sendall(b"%b%d\r\n\r\n%b" % (head_of(request), len(request.body), request.body))
                while answer.reply is None:
                    line.settimeout(max(0.001, timing.left()))
                    answer.feed(line.recv(_PIECE))
            except OSError as error:
                raise AnswerLost(f"the connection ended before the answer was whole: {error}") from error
            return answer.reply

    def _connected(self, target: Target, timing: Timing) -> socket.socket:
        seconds = max(0.001, min(self._options.connect_timeout, timing.left()))
        try:
            line = socket.create_connection((target.host, target.port), seconds)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "http":
                return line
            try:
                return tls_context(self._options.ca).wrap_socket(line, server_hostname=target.host)
            except BaseException:
                line.close()
                raise
        except OSError as error:
            raise no_connection(target, error) from error

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        time.sleep(seconds)  # noqa: ASYNC251 - nothing else runs here

    async def aclose(self) -> None:
        """Nothing is held open."""


class _Answer:
    """An answer on its way, fed to httptools, which calls the `on_…` methods. `reply` is the whole of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self.reply: Reply | None = None

    def feed(self, data: bytes) -> None:
        """Take what was read. Raises ProtocolError for what is no answer, AnswerLost where it ended."""
        if not data:
            raise AnswerLost("the connection ended before the answer was whole")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise ProtocolError(f"the endpoint's answer is not HTTP: {error}") from error
        if len(self._body) > self._most:
            raise too_much(self._most)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 101:
            raise switched()
        if status >= 200:
            self.reply = self.reply or Reply(status, bytes(self._body))
