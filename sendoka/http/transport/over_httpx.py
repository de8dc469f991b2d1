"""The transport over httpx: for its proxies, a client of the user's own, trio, and every mock that patches httpx."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import anyio
import httpx

from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    Outcome,
    ProtocolError,
    RequestTimeout,
    SettingsError,
    TransportError,
)
from sendoka.http.reply import Reply
from sendoka.http.transport import MAX_IDLE, Transport, asyncio_loop
from sendoka.http.transport.failure import (
    WRONG_PORT,
    no_connection,
    not_connected_in_time,
    switched,
    too_late,
    too_much,
)
from sendoka.http.transport.lifetime import Lifetime
from sendoka.http.transport.shards import Shards
from sendoka.http.transport.tls import tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    import httpcore

    from sendoka.http.observe import Marks
    from sendoka.http.request import Request
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing, TransportOptions

__all__ = ["HttpxTransport"]

# What httpx raises before the first byte of a request leaves. It cannot tell how much of a body was handed over.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class HttpxTransport(Transport):
    """Sends through a given `httpx.AsyncClient`, or through some of its own for each event loop."""

    def __init__(self, target: Target, options: TransportOptions, client: httpx.AsyncClient | None) -> None:
        self._target = target
        self._options = options
        self._given = client
        self._own: WeakKeyDictionary[Any, Shards] = WeakKeyDictionary()
        self._tls: ssl.SSLContext | None = None
        self._answered = False

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`."""
        if self._given is None:
            shards = self._own.get(_here()) or await self._enter()
            with shards.borrowed() as client:
                return await self._through(client, request, timing)
        if self._given.is_closed:
            raise ConnectFailed(
                "the httpx.AsyncClient given as transport= is closed",
                passing=False,
                where=f"nothing was sent to {self._target.url}",
                todo="keep it open as long as the client is used, or leave transport= out",
            )
        return await self._through(self._given, request, timing)

    async def _through(self, client: httpx.AsyncClient, request: Request, timing: Timing) -> Reply:
        trace = _Trace(min(self._options.connect_timeout, timing.left()), timing.marks)
        try:
            with anyio.fail_after(timing.left()):
                reply = await self._sent(client, self._post(client, request, timing, trace))
        except httpx.RequestError as error:
            raise self._failure(error, timing, trace) from _bare(error)
        except TimeoutError:
            raise _passed(timing, trace) from None
        except httpx.HTTPStatusError as error:
            # A hook of the client raised it. It goes no further: it holds the request, and that the password.
            status = error.response.status_code
        else:
            self._answered = True
            return reply
        finally:
            await trace.end()
        raise _withheld(status)

    def _post(self, client: httpx.AsyncClient, request: Request, timing: Timing, trace: _Trace) -> httpx.Request:
        return client.build_request(
            "POST",
            self._target.url,
            headers={**dict(request.headers), "Accept-Encoding": "identity"},
            content=request.body,
            timeout=httpx.Timeout(timing.left(), connect=trace.patience),
            extensions={"trace": trace},
        )

    async def _sent(self, client: httpx.AsyncClient, post: httpx.Request) -> Reply:
        response = await client.send(post, stream=True, follow_redirects=False)
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > self._options.max_answer:
                    raise too_much(self._options.max_answer)
        finally:
            await response.aclose()
        return Reply(response.status_code, body)

    # -------------------------------------------------------------- our own clients

    async def _enter(self) -> Shards:
        """Make the clients of the running loop: connections cannot move between loops."""
        loop = _here()
        shards = self._own[loop] = Shards(self._options.max_connections, self._new_client)
        shards.lifetime = Lifetime(lambda: self._leave(loop, shards))
        await shards.lifetime.begin()
        return shards

    async def _leave(self, loop: object, shards: Shards) -> None:
        if self._own.get(loop) is shards:
            del self._own[loop]
        await shards.aclose()

    def _new_client(self, most: int) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=MAX_IDLE)
        if self._target.is_loopback:
            # Nothing on this machine is reached through a proxy.
            verify = self._context() if self._target.scheme == "https" else False
            return httpx.AsyncClient(trust_env=False, verify=verify, limits=limits)
        context = self._context()
        try:
            return httpx.AsyncClient(verify=context, limits=limits)
        except ImportError:
            raise SettingsError(
                "the environment names a SOCKS proxy, and httpx lacks what that takes",
                todo='pip install "httpx[socks]"',
            ) from None
        except (ValueError, httpx.InvalidURL):  # whose text may hold the proxy's password
            raise SettingsError(
                "the environment names a proxy that cannot be used",
                todo="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY: expected http://user:password@host:port",
            ) from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._options.ca)
        return self._tls

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        await anyio.sleep(seconds)

    async def aclose(self) -> None:
        """Close our own clients of this loop; one that was handed over stays its owner's."""
        shards = self._own.get(_here())
        if shards is not None and shards.lifetime is not None:
            await shards.lifetime.end()

    # -------------------------------------------------------------- failures

    def _failure(self, error: httpx.RequestError, timing: Timing, trace: _Trace) -> TransportError:
        text = str(error) or type(error).__name__
        timed_out = isinstance(error, httpx.TimeoutException)
        too_short = isinstance(error, httpx.ConnectTimeout) and trace.patience < self._options.connect_timeout
        if timed_out and (too_short or not timing.left()):
            return _passed(timing, trace)
        if not trace.sending and (trace.heard or isinstance(error, _BEFORE_SENDING)):
            return self._not_connected(error, text)
        if timed_out:  # of a mock, or of a client that is given less time than the call
            return RequestTimeout(f"no answer: {text}", outcome=Outcome.UNKNOWN, passing=False)
        if not isinstance(error, httpx.TransportError):  # an answer that cannot be decoded, redirects of an auth flow
            return ProtocolError(f"the endpoint's answer cannot be read: {text}", passing=False)
        if "_SWITCH_UPGRADE" in text:  # of h11
            return switched()
        if isinstance(error, httpx.RemoteProtocolError) and not _ENDED.search(text):
            return ProtocolError(f"the endpoint's answer is not HTTP: {text}")
        todo = WRONG_PORT if self._target.is_loopback and not self._answered else ""
        return AnswerLost(f"the connection ended before the answer was whole: {text}", todo=todo)

    def _not_connected(self, error: httpx.RequestError, text: str) -> ConnectFailed:
        target = self._target
        if isinstance(error, httpx.ConnectTimeout):
            return not_connected_in_time(target, self._options.connect_timeout)
        if isinstance(error, httpx.ProxyError):
            return ConnectFailed(
                f"the proxy gave no connection to {target.host}:{target.port}: {text}",
                passing=not text.startswith("407"),
                todo="check the user and password of the proxy" if text.startswith("407") else "",
            )
        system = next((cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno), None)
        if system is not None:
            return no_connection(target, system)
        permanent = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or target.is_loopback
        return ConnectFailed(f"no connection to {target.host}:{target.port}: {text}", passing=not permanent)


class _Trace:
    """What httpcore tells on a request's way. A transport that is no httpcore's, as a mock's, tells nothing.

    `patience` is the seconds that a connection may take.
    """

    def __init__(self, patience: float, marks: Marks | None) -> None:
        self.patience = patience
        self.heard = False
        self.sending = False
        self._marks = marks
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        self.heard = True
        step = event.partition(".")[2]
        if step == "connect_tcp.complete":
            self._stream = info["return_value"]
        if step == "send_request_headers.started" and info["request"].method != b"CONNECT":
            self.sending = True  # a proxy was first asked for a tunnel; this goes to the endpoint
        if self._marks is not None and self.sending:
            self._note(self._marks, step)

    async def end(self) -> None:
        """Close what httpcore 1.0 leaves open where its handshake of TLS is cancelled."""
        if self._stream is not None and not self.sending:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()

    def _note(self, marks: Marks, step: str) -> None:
        now = time.monotonic()
        if step == "send_request_headers.started":
            marks.connected = now
        elif step == "send_request_body.complete":
            marks.sent = now
        elif step == "receive_response_headers.complete":
            marks.answered = now


# How h11 says that the connection ended; its other texts are about bytes that are no HTTP.
_ENDED = re.compile("disconnected|closed")


def _withheld(status: int) -> ProtocolError:
    return ProtocolError(
        f"the httpx.AsyncClient given as transport= withheld an answer of status {status}",
        passing=status >= 500,
        todo="leave raise_for_status() out of its event_hooks: what went wrong stands in the body",
    )


def _passed(timing: Timing, trace: _Trace) -> TransportError:
    if trace.heard and not trace.sending:
        return too_late(timing, Outcome.NOT_SENT, "waiting for a connection")
    return too_late(timing, Outcome.UNKNOWN, "waiting for the answer")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what led to `error`, itself first, through groups too."""
    found: list[BaseException | None] = [error]
    seen: set[int] = set()
    while found:
        cause = found.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            found.extend(reversed(cause.exceptions))
        found += [cause.__context__, cause.__cause__]


def _bare(error: httpx.RequestError) -> httpx.RequestError:
    """Return the error without the request that it holds and the frames that it passed: both hold the password."""
    for cause in _causes(error):
        cause.__traceback__ = None
        if isinstance(cause, httpx.RequestError):
            cause.request = httpx.Request("POST", "https://endpoint.invalid/sql")
    return error


def _here() -> object:
    """Return what connections cannot leave: the running loop of asyncio, or trio's run."""
    return asyncio_loop() or sys.modules["trio"].lowlevel.current_trio_token()
