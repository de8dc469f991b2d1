"""How a request's bytes travel: the seam below the client, and the choice among its implementations."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    import httpx

    from sendoka.http.observe import Marks
    from sendoka.http.reply import Reply
    from sendoka.http.request import Request
    from sendoka.http.target import Target

__all__ = ["WRONG_PORT", "Timing", "Transport", "Transports", "intercept"]

WRONG_PORT = "is that PostgreSQL's own port? start `sendoka dev`, and give the port that it prints"
"""What to do where something on this machine ends the connection, and never yet answered in HTTP."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The one deadline of a call; and where somebody wants to know them, the moments of its requests."""

    deadline: float
    seconds: float
    marks: Marks | None = None

    @classmethod
    def start(cls, seconds: float, marks: Marks | None = None) -> Timing:
        """Return the deadline `seconds` from now."""
        return cls(time.monotonic() + seconds, seconds, marks)

    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


class Transport(ABC):
    """One way to carry a request. It never sends the same request twice by itself, and follows no redirect."""

    @abstractmethod
    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """Send the request and return the answer, whole.

        Raises TransportError: `not_sent` where the request cannot have arrived whole, `unknown` from then on.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait, in the way of the event loop this transport runs on."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close what it opened."""


_interceptor: Transport | None = None


def intercept(transport: Transport | None) -> Transport | None:
    """Send every request of every client through `transport` (None: no more), and return what did so before."""
    global _interceptor
    before, _interceptor = _interceptor, transport
    return before


# Mocks that patch httpx: while one is loaded, requests go where it can see them.
_MOCKS = ("respx", "pytest_httpx")
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Transports:
    """The transports of one client, each made when it is first needed, chosen anew for each request."""

    def __init__(
        self, target: Target, wanted: str | Transport | httpx.AsyncClient | None, connect_timeout: float
    ) -> None:
        if isinstance(wanted, str) and wanted not in {"native", "httpx"}:
            raise SettingsError(
                f'transport={wanted!r}: expected "native", "httpx", a Transport or an httpx.AsyncClient'
            )
        self._target = target
        self._wanted = wanted
        self._connect_timeout = connect_timeout
        self._proxied = wanted is None and not target.is_loopback and _proxy_applies(target.host)
        self._native: Transport | None = None
        self._httpx: Transport | None = None

    def choose(self) -> Transport:
        """Return the transport for the next request."""
        if _interceptor is not None:
            return _interceptor
        if isinstance(self._wanted, Transport):
            return self._wanted
        if self._wanted == "native":
            return self._native_one()
        if self._wanted is not None or self._proxied or any(mock in sys.modules for mock in _MOCKS):
            return self._httpx_one()
        return self._native_one()

    def _native_one(self) -> Transport:
        if self._native is None:
            from sendoka.http.transport.native import NativeTransport

            self._native = NativeTransport(self._target, self._connect_timeout)
        return self._native

    def _httpx_one(self) -> Transport:
        if self._httpx is None:
            from sendoka.http.transport.over_httpx import HttpxTransport

            given = None if isinstance(self._wanted, str | Transport) else self._wanted
            self._httpx = HttpxTransport(self._target, self._connect_timeout, given)
        return self._httpx

    async def aclose(self) -> None:
        """Close the connections of all transports made so far."""
        for transport in (self._native, self._httpx):
            if transport is not None:
                await transport.aclose()


def _proxy_applies(host: str) -> bool:
    if not any(os.environ.get(name) for name in _PROXY_VARIABLES):
        return False
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return bool((proxies.get("https") or proxies.get("all")) and not proxy_bypass(host))
