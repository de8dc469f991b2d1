"""The transport over httpx: for its proxies, a client of the user's own, and every mock that patches httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx

from sendoka.errors import AnswerLost, ConnectFailed, Outcome, ProtocolError, RequestTimeout, TransportError
from sendoka.http.reply import Reply
from sendoka.http.transport import WRONG_PORT, Transport

if TYPE_CHECKING:
    from sendoka.http.request import Request
    from sendoka.http.target import Target
    from sendoka.http.transport import Timing

__all__ = ["HttpxTransport"]

# httpx cannot tell how much of a body was handed over, so only what fails before the first byte is known unsent.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class HttpxTransport(Transport):
    """Sends through a given `httpx.AsyncClient`, or through one of its own."""

    def __init__(self, target: Target, connect_timeout: float, client: httpx.AsyncClient | None) -> None:
        self._target = target
        self._connect_timeout = connect_timeout
        self._given = client
        self._own: httpx.AsyncClient | None = None
        self._own_loop: object = None
        self._answered = False

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`."""
        client = self._given or await self._own_client()
        if client.is_closed:
            raise ConnectFailed(
                "the httpx.AsyncClient given as transport= is closed",
                passing=False,
                where=f"nothing was sent to {self._target.url}",
                todo="keep it open as long as the client is used, or leave transport= out",
            )
        left = timing.left()
        timeouts = httpx.Timeout(left, connect=min(self._connect_timeout, left))
        url = self._target.url
        try:
            with anyio.fail_after(left):
                headers = {**dict(request.headers), "Accept-Encoding": "identity"}
                post = client.build_request("POST", url, headers=headers, content=request.body, timeout=timeouts)
                response = await client.send(post, follow_redirects=False)
        except httpx.RequestError as error:
            raise _failure(self._target, error, timing, heard=self._answered) from error
        except TimeoutError:
            raise RequestTimeout(f"the deadline of {timing.seconds:g} s passed", passing=False) from None
        self._answered = True
        return Reply(response.status_code, response.content)

    async def _own_client(self) -> httpx.AsyncClient:
        """Return our own client, a new one for a new event loop: connections cannot move between loops."""
        loop = _running_loop()
        if self._own is None or self._own_loop != loop:
            local = self._target.is_loopback
            # Nothing on this machine is reached through a proxy, and plain HTTP needs no certificates.
            self._own = httpx.AsyncClient(trust_env=not local, verify=not local, follow_redirects=False)
            self._own_loop = loop
        return self._own

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        await anyio.sleep(seconds)

    async def aclose(self) -> None:
        """Close our own client; one that was handed over stays its owner's."""
        if self._own is not None and self._own_loop == _running_loop():
            await self._own.aclose()
        self._own = None


def _running_loop() -> object:
    return anyio.lowlevel.current_token()


def _failure(target: Target, error: httpx.RequestError, timing: Timing, *, heard: bool) -> TransportError:
    text = str(error) or type(error).__name__
    if isinstance(error, _BEFORE_SENDING):
        return ConnectFailed(
            f"no connection to {target.host}:{target.port}: {text}", passing=not _is_permanent(target, error)
        )
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeout(f"no answer within {timing.seconds:g} s", outcome=Outcome.UNKNOWN, passing=False)
    if not isinstance(error, httpx.TransportError):  # an answer that cannot be decoded, redirects of an auth flow
        return ProtocolError(f"the endpoint's answer cannot be read: {text}", passing=False)
    todo = WRONG_PORT if target.is_loopback and not heard else ""
    return AnswerLost(f"the connection ended before the answer was whole: {text}", todo=todo)


def _is_permanent(target: Target, error: httpx.RequestError) -> bool:
    return isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or target.is_loopback
