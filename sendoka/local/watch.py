"""A request whose client goes away: its statement is cancelled, and the session ends if that does not help at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from psycopg import Error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sendoka.local.wire import Backend

__all__ = ["Watch", "cancel"]

WATCH_AFTER = 0.02
"""Seconds that a request runs before its connection is watched: most are answered sooner and pay nothing for it."""

GRACE = 0.1
"""Seconds that PostgreSQL gets to end a cancelled statement."""


class Watch:
    """Watches the connection of a request that runs on `backend`, from its making until `end()`."""

    __slots__ = ("_backend", "_gone", "_receive", "_settled", "_task", "_timer")

    def __init__(self, backend: Backend, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        self._backend = backend
        self._receive = receive
        self._gone = False
        self._settled = False
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._start)

    def settle(self) -> None:
        """Stop to cancel: COMMIT is about to be sent."""
        self._settled = True

    def end(self) -> bool:
        """Stop watching. Return whether the session is untouched, so that another request may have it."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        return not self._gone

    def _start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._settled:
            return
        self._gone = True
        cancel(self._backend)
        await asyncio.sleep(GRACE)
        self._backend.close()


def cancel(backend: Backend) -> None:
    """Ask PostgreSQL to cancel what runs on `backend`, without waiting for it."""
    if backend.usable:
        request = backend.canceller()

        def send() -> None:
            with suppress(Error):
                request.cancel()

        asyncio.get_running_loop().run_in_executor(None, send)
