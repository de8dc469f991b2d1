"""Calls that are on their way at once, and come down in the order in which they were sent."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

__all__ = ["Flight"]

T = TypeVar("T")


class _Sent(Generic[T]):
    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self.answer: T | None = None
        self.failure: Exception | None = None
        self.began = time.monotonic()
        self.seconds = 0.0

    async def run(self, call: Callable[[], Awaitable[T]]) -> None:
        try:
            with self.scope:
                self.answer = await call()
        except Exception as error:  # noqa: BLE001 - it is raised where its answer is asked for
            self.failure = error
        finally:
            self.seconds = time.monotonic() - self.began
            self.ended.set()


class Flight(Generic[T]):
    """Calls under way, each a task of `group`. `spent` are the seconds that the last one took behind the one before."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._sent: deque[_Sent[T]] = deque()
        self._landed = 0.0
        self.spent = 0.0

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def is_down(self) -> bool:
        """Whether all that were sent have ended, be it that nobody asked for their answers yet."""
        return all(each.ended.is_set() for each in self._sent)

    def send(self, call: Callable[[], Awaitable[T]]) -> None:
        """Begin a call."""
        sent: _Sent[T] = _Sent()
        self._sent.append(sent)
        self._group.start_soon(sent.run, call)

    async def land(self) -> T | None:
        """Return what the oldest call answers, or raise its failure; None where it was dropped.

        Where this is cancelled, all calls are dropped.
        """
        sent = self._sent[0]
        try:
            await sent.ended.wait()
        except BaseException:
            self.drop()
            raise
        self._sent.popleft()
        ended = sent.began + sent.seconds
        self.spent, self._landed = ended - max(sent.began, self._landed), ended
        if sent.failure is not None:
            raise sent.failure
        return sent.answer

    def drop(self) -> None:
        """Let all calls end, whatever they are at: nobody asks for their answers any more."""
        while self._sent:
            self._sent.popleft().scope.cancel()
