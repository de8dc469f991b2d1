"""The end of an event loop, noticed: what a client opened in it is closed, also where nobody closed the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["Lifetime"]


class Lifetime:
    """Calls `close` when the running event loop ends, or when it is ended itself.

    A loop that ends, that of `asyncio.run` or of trio, first closes the asynchronous generators that began in it, while
    it can still wait for what they do. One that is only stopped and closed by hand does not.
    """

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._guard = _guard(close)

    async def begin(self) -> None:
        """Begin in the loop that runs."""
        await anext(self._guard)

    async def end(self) -> None:
        """Call `close`, unless it was called already."""
        await self._guard.aclose()


async def _guard(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()
