"""A transport that keeps no connection, so that no event loop is needed to close one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sendoka.http.transport import Transport, TransportOptions, Transports, asyncio_loop

if TYPE_CHECKING:
    from sendoka.http.reply import Reply
    from sendoka.http.request import Request
    from sendoka.http.transport import Timing

__all__ = ["FleetingTransport"]


class FleetingTransport(Transport):
    """Opens a connection for each request and ends it with the answer: native under asyncio, else over httpx.

    A test's client is made and forgotten by fixtures that run outside of every event loop, and its loop may be over
    before they are. On loopback a connection is no price for needing no loop at all.
    """

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """See `Transport.exchange`."""
        transports = Transports(request.target, _wanted(), TransportOptions())
        try:
            return await transports.choose().exchange(request, timing)
        finally:
            await transports.aclose()

    async def sleep(self, seconds: float) -> None:
        """See `Transport.sleep`."""
        if _wanted() == "native":
            await asyncio.sleep(seconds)
        else:
            import anyio

            await anyio.sleep(seconds)

    async def aclose(self) -> None:
        """Close nothing: nothing was kept."""


def _wanted() -> str:
    return "httpx" if asyncio_loop() is None else "native"
