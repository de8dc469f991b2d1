"""Our own clients of httpx in one event loop: several small ones, for its pool slows with the square of its size."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from sendoka.http.transport.lifetime import Lifetime

__all__ = ["EACH", "Shards"]

EACH = 10
"""Connections of one client. For every request and answer httpx looks at all that it holds, for each that is idle."""


class Shards:
    """Clients with `most` connections together, each made by `make` when the others are busy."""

    def __init__(self, most: int, make: Callable[[int], httpx.AsyncClient]) -> None:
        self._room = most
        self._make = make
        self._busy: dict[httpx.AsyncClient, int] = {}
        self.lifetime: Lifetime | None = None
        """What closes them with their loop; the transport begins it."""

    @contextmanager
    def borrowed(self) -> Iterator[httpx.AsyncClient]:
        """Lend the client with the fewest requests in flight."""
        client = self._next()
        self._busy[client] += 1
        try:
            yield client
        finally:
            self._busy[client] -= 1

    def _next(self) -> httpx.AsyncClient:
        least = min(self._busy, key=self._busy.__getitem__, default=None)
        if least is not None and (self._busy[least] < EACH or not self._room):
            return least
        connections = min(EACH, self._room)
        client = self._make(connections)
        self._room -= connections
        self._busy[client] = 0
        return client

    async def aclose(self) -> None:
        """Close them all."""
        for client in list(self._busy):
            await client.aclose()
