"""What each fault does to a request."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sendoka.local.answer import ANY_ORIGIN, Answer, Cut, Header
from sendoka.local.failure import Failure
from sendoka.local.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.local.fault import Fault

    Run = Callable[[Failure | None], Awaitable[Answer]]
    """Runs the request: to its end, or a batch up to its COMMIT where the failure given is raised instead."""

__all__ = ["Mishaps"]

NOTHING = Cut(body=False, at=0)
A_WHILE = 2.0
"""Seconds that a kind takes which was not told how long."""


class Mishaps:
    """Makes faults happen, and holds the requests that are to arrive late.

    Thread-safe: a request may come in one event loop, and what it waits for in another.
    """

    def __init__(self, max_request: int, max_response: int) -> None:
        self._too_large = f"request is too large (max is {max_request} bytes)"
        self._answer_too_large = f"response is too large (max is {max_response} bytes)"
        self._held: dict[bytes, list[_Held]] = {}
        self._turn = threading.Lock()
        self._late: set[asyncio.Task[None]] = set()
        self._asleep_until = 0.0

    def __bool__(self) -> bool:
        """Tell whether a request without a fault is concerned too: one is held for its resend, or a wake-up goes on."""
        return bool(self._held) or time.monotonic() < self._asleep_until

    async def run(self, fault: Fault | None, body: bytes, run: Run) -> Answer:
        """Return the answer to the request of this `body`, which `run` runs, spoilt by `fault`. Raises Failure."""
        try:
            if fault is None or fault.kind == "wake_up":
                await self._wake_up(fault)
                return await run(None)
            return await self._spoil(fault, body, run)
        finally:
            if fault is None or fault.kind != "late":
                with self._turn:
                    held = self._held.pop(body, [])
                for one in held:
                    one.release()

    async def close(self) -> None:
        """Forget the requests that are held in the running event loop, and in those that have ended."""
        here = asyncio.get_running_loop()
        late = [task for task in list(self._late) if task.get_loop() is here]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._late.difference_update([task for task in list(self._late) if task.get_loop().is_closed()])
        with self._turn:
            for body in list(self._held):
                held = [one for one in self._held.pop(body) if one.loop is not here and not one.loop.is_closed()]
                if held:
                    self._held[body] = held
        self._asleep_until = 0.0

    async def _wake_up(self, fault: Fault | None) -> None:
        now = time.monotonic()
        if fault is not None:
            self._asleep_until = max(self._asleep_until, now + (fault.seconds or A_WHILE))
        if now < self._asleep_until:
            await asyncio.sleep(self._asleep_until - now)

    async def _spoil(self, fault: Fault, body: bytes, run: Run) -> Answer:
        kind = KINDS[fault.kind]
        if kind.fields:
            raise Failure(
                kind.fields["message"], status=kind.status, fields={"code": "", "severity": "", **kind.fields}
            )
        if kind.content is not None or fault.kind == "answer":
            return await self._other_answer(fault, run)
        if fault.kind in _BEFORE:
            return await self._before(fault, body, run)
        return await self._after(fault, run)

    async def _before(self, fault: Fault, body: bytes, run: Run) -> Answer:
        match fault.kind:
            case "refuse":
                raise Failure(fault.message, status=fault.status or KINDS["refuse"].status)
            case "too_large":
                raise Failure(self._too_large, status=413)
            case "wake_up_fails":
                await asyncio.sleep(fault.seconds or A_WHILE)
                raise Failure("Couldn't connect to compute node", status=500)
            case "delay":
                await asyncio.sleep(fault.seconds)
                return await run(None)
            case "late":
                self._hold(fault, body, run)
        return Answer(cut=NOTHING)

    async def _after(self, fault: Fault, run: Run) -> Answer:
        match fault.kind:
            case "connection_closed":
                await run(None)
                raise Failure("connection closed")
            case "answer_too_large":
                raise await _undoing_a_batch(run, Failure(self._answer_too_large, status=507, keeps_session=True))
            case "unreadable":
                failure = Failure("could not parse postgres response", status=500, keeps_session=True)
                raise await _undoing_a_batch(run, failure)
            case "twice":
                with suppress(Failure):
                    await run(None)
                return await run(None)
        answer = await _whatever_it_answers(run)
        match fault.kind:
            case "drip":
                return replace(answer, seconds=fault.seconds or A_WHILE)
            case "half_json":
                return replace(answer, body=Cut(body=True, at=fault.at).keep(b"", answer.body))
            case "cut_head" | "cut_body":
                return replace(answer, cut=Cut(body=fault.kind == "cut_body", at=fault.at))
        return Answer(cut=NOTHING)

    async def _other_answer(self, fault: Fault, run: Run) -> Answer:
        kind = KINDS[fault.kind]
        if kind.runs and fault.run:
            await _whatever_it_answers(run)
        content, type_ = kind.content or (fault.body, fault.type)
        headers: tuple[Header, ...] = ((b"content-type", type_.encode()), ANY_ORIGIN)
        if fault.location:
            headers = (*headers, (b"location", fault.location.encode()))
        return Answer(fault.status or kind.status, content.encode(), headers)

    def _hold(self, fault: Fault, body: bytes, run: Run) -> None:
        held = _Held(asyncio.get_running_loop())
        if not fault.seconds:
            with self._turn:
                self._held.setdefault(body, []).append(held)

        async def arrive() -> None:
            await (asyncio.sleep(fault.seconds) if fault.seconds else held.event.wait())
            with suppress(Failure):
                await run(None)

        task = asyncio.create_task(arrive())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


@dataclass(frozen=True, slots=True)
class _Held:
    """A request that waits in an event loop until the same was sent again, there or elsewhere."""

    loop: asyncio.AbstractEventLoop
    event: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let it run. Where its event loop has ended, it has too."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.event.set)


_BEFORE = frozenset({"refuse", "too_large", "wake_up_fails", "delay", "late", "cut_before"})


async def _whatever_it_answers(run: Run) -> Answer:
    try:
        return await run(None)
    except Failure as failure:
        return Answer.of(failure)


async def _undoing_a_batch(run: Run, failure: Failure) -> Failure:
    await run(failure)
    return failure
