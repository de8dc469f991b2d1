"""What each fault does to a request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.local.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.local.faults import Fault

__all__ = ["Answer", "Mishaps"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client. `cut` closes the connection instead: after half of the body where there is one."""

    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cut: bool = False


CUT = Answer(cut=True)


class Mishaps:
    """Makes faults happen, and holds the requests that are to arrive late."""

    def __init__(self) -> None:
        self._held: dict[bytes, list[asyncio.Event]] = {}
        self._late: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        """Tell whether a request is held, so that its resend must be noticed."""
        return bool(self._held)

    async def run(self, fault: Fault | None, body: bytes, run: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to the request of this `body`, which `run` runs, spoilt by `fault`. Raises Failure."""
        try:
            return await run() if fault is None else await self._spoil(fault, body, run)
        finally:
            if fault is None or fault.kind != "late":
                for event in self._held.pop(body, []):
                    event.set()

    async def close(self) -> None:
        """Forget the requests that are held."""
        for task in list(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        self._held.clear()

    async def _spoil(self, fault: Fault, body: bytes, run: Callable[[], Awaitable[Answer]]) -> Answer:
        match fault.kind:
            case "refuse":
                raise Failure(fault.message, status=fault.status)
            case "cut_before":
                return CUT
            case "late":
                self._hold(fault, body, run)
                return CUT
            case "delay":
                await asyncio.sleep(fault.seconds)
                return await run()
            case "connection_closed":
                await run()
                raise Failure("connection closed")
            case "cut_body":
                return replace(await run(), cut=True)
            case _:
                with suppress(Failure):
                    await run()
                return CUT

    def _hold(self, fault: Fault, body: bytes, run: Callable[[], Awaitable[Answer]]) -> None:
        event = asyncio.Event()
        if not fault.seconds:
            self._held.setdefault(body, []).append(event)

        async def arrive() -> None:
            await (asyncio.sleep(fault.seconds) if fault.seconds else event.wait())
            with suppress(Failure):
                await run()

        task = asyncio.create_task(arrive())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
