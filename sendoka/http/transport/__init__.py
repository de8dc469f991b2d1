"""How a request's bytes travel: the seam below the client, and the choice among its implementations."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import httpx

    from sendoka.http.observe import Marks
    from sendoka.http.reply import Reply
    from sendoka.http.request import Request
    from sendoka.http.target import Target

__all__ = ["Timing", "Transport", "TransportOptions", "Transports", "asyncio_loop", "intercept"]

MAX_CONNECTIONS = 100
"""Requests above this number wait their turn, first come first served."""

MAX_IDLE = 55.0
"""Seconds after which an idle connection is not trusted any more; load balancers commonly close at 60."""

MAX_ANSWER = 256 * 1024 * 1024
"""Bytes of one answer's body; Neon's own limit for an answer is 64 MB."""


class Timing(NamedTuple):
    """The one deadline of a call: the moment, of `time.monotonic()`, and the seconds it was given at the start.

    Where somebody wants to know them, the moments of its requests are noted in `marks`.
    """

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


@dataclass(slots=True, repr=False, eq=False)
class TransportOptions:
    """What the transports of one client may hold open and take in, and whom they trust.

    `connect_timeout` is in seconds, `max_connections` counts for each event loop, `max_answer` is in bytes. `ca` is a
    file of certificates in PEM, or a folder as `openssl rehash` makes it; it replaces the system's own.
    """

    connect_timeout: float = 10.0
    max_connections: int = MAX_CONNECTIONS
    max_answer: int = MAX_ANSWER
    ca: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for name in ("max_connections", "max_answer"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is a whole number above 0, not {value!r}")
        if self.ca is not None:
            if not isinstance(self.ca, str | os.PathLike):
                kind = type(self.ca).__name__
                raise SettingsError(f"ca= is the path of a file or folder of certificates in PEM, not of type {kind}")
            from sendoka.http.transport.tls import check_ca

            check_ca(self.ca, f"ca={os.fspath(self.ca)!r}")


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


def _check(wanted: object) -> None:
    """Raise SettingsError for what is no transport; httpx' client is known by its shape, so that none is imported."""
    if wanted is None or isinstance(wanted, Transport) or wanted in ("native", "httpx"):
        return
    cls = type(wanted)
    if isinstance(wanted, str | type) or not (hasattr(cls, "send") and hasattr(cls, "aclose")):
        shown = repr(wanted) if isinstance(wanted, str | type) else f"<{cls.__module__}.{cls.__qualname__}>"
        raise SettingsError(f'transport={shown}: expected "native", "httpx", a Transport or an httpx.AsyncClient')


_interceptor: Transport | None = None


def intercept(transport: Transport | None) -> Transport | None:
    """Send every request of every client through `transport` (None: no more), and return what did so before."""
    global _interceptor
    before, _interceptor = _interceptor, transport
    return before


_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Transports:
    """The transports of one client, each made when it is first needed, chosen anew for each request."""

    def __init__(
        self, target: Target, wanted: str | Transport | httpx.AsyncClient | None, options: TransportOptions
    ) -> None:
        _check(wanted)
        self._target = target
        self._wanted = wanted
        self._options = options
        self._proxied = not target.is_loopback and _proxy_applies(target.host)
        self._made: dict[str, Transport] = {}

    @property
    def detoured(self) -> bool:
        """Whether requests go through httpx: behind a proxy, or with a mock loaded that patches it."""
        return self._proxied or "respx" in sys.modules or "pytest_httpx" in sys.modules

    def choose(self) -> Transport:
        """Return the transport for the next request: under trio, too, it is that of httpx.

        Raises SettingsError where the native one is insisted upon, and no event loop of asyncio runs.
        """
        if _interceptor is not None:
            return _interceptor
        if self._wanted is None:
            return self._httpx() if self.detoured or asyncio_loop() is None else self._native()
        if self._wanted == "native":
            if asyncio_loop() is None:
                raise SettingsError(
                    'transport="native" needs asyncio, and no event loop of it runs',
                    todo='under trio leave transport= out, or give transport="httpx"',
                )
            return self._native()
        return self._wanted if isinstance(self._wanted, Transport) else self._httpx()

    # Two threads may come here at once; `setdefault` lets one of them win.

    def _native(self) -> Transport:
        made = self._made.get("native")
        if made is None:
            from sendoka.http.transport.native import NativeTransport

            made = self._made.setdefault("native", NativeTransport(self._target, self._options))
        return made

    def _httpx(self) -> Transport:
        made = self._made.get("httpx")
        if made is None:
            from sendoka.http.transport.over_httpx import HttpxTransport

            given = None if isinstance(self._wanted, str | Transport) else self._wanted
            made = self._made.setdefault("httpx", HttpxTransport(self._target, self._options, given))
        return made

    async def aclose(self) -> None:
        """Close the connections of all transports made so far."""
        for transport in list(self._made.values()):
            await transport.aclose()


def asyncio_loop() -> AbstractEventLoop | None:
    """Return the event loop of asyncio that runs in this thread; None under trio, and where none runs."""
    asyncio = sys.modules.get("asyncio")  # where nobody imported it, none of its loops runs
    return None if asyncio is None else asyncio._get_running_loop()


def _proxy_applies(host: str) -> bool:
    if not any(os.environ.get(name) for name in _PROXY_VARIABLES):
        return False
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return bool((proxies.get("https") or proxies.get("all")) and not proxy_bypass(host))
