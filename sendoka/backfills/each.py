"""The rows of a batch one by one: a function is awaited for each, some at once, and what it raises is of its row."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from sendoka.backfills.patience import is_of_row
from sendoka.database.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

__all__ = ["Calls", "Losses"]

T = TypeVar("T")

_PASSING = frozenset({408, 425, 429})
"""The answers of a service in the 4xx that pass by themselves; those from 500 on do too."""

_OF_THE_ROW = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
"""What a second call would raise again."""

_WAITS = Retry(first=0.5, longest=30.0)


@dataclass(slots=True)
class Losses:
    """The rows of a batch that are left out, by key, each with its error. `room` is how many may be, None for any."""

    errors: dict[Any, Exception] = field(default_factory=dict)
    room: int | None = None

    @property
    def full(self) -> bool:
        """Whether more rows are left out than the run may leave out: then it stops anyway."""
        return self.room is not None and len(self.errors) > self.room


@dataclass(slots=True)
class Calls:
    """How `function` is called: `limit` calls at once, each `timeout` seconds, `attempts` a row, `per_second` begun.

    What may pass is tried again, after what a `Retry-After` says or a moment that grows; what is of the row by its
    kind, as a ValueError or a 404 is, fails at once.
    """

    function: Callable[[Any], Awaitable[Any]]
    limit: int
    timeout: float | None
    attempts: int
    per_second: float | None
    _next: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"batch.each() takes an async function of a row, not {self.function!r}")
        if self.limit < 1 or self.attempts < 1:
            raise ValueError("batch.each(): limit and attempts are 1 or more")
        if not all(bound is None or bound > 0 for bound in (self.timeout, self.per_second)):
            raise ValueError("batch.each(): timeout and per_second are above 0")

    async def over(self, rows: Iterable[tuple[Any, Any]], losses: Losses) -> dict[Any, Any]:
        """Call it for every (key, row); return what it returned by key, but for None, in the order of the rows.

        What a row is at fault for goes to `losses`; anything else ends all calls and is raised.
        """
        known = list(rows)
        waiting, found = iter(known), dict[Any, Any]()
        wrong: list[Exception] = []
        async with anyio.create_task_group() as group:

            async def work() -> None:
                try:
                    await self._work(waiting, found, losses)
                except Exception as error:  # noqa: BLE001 - the task group would wrap it
                    wrong.append(error)
                    group.cancel_scope.cancel()

            for _ in range(min(self.limit, len(known))):
                group.start_soon(work)
        if wrong:
            raise wrong[0]
        return {key: found[key] for key, _ in known if found.get(key) is not None}

    async def _work(self, waiting: Iterator[tuple[Any, Any]], found: dict[Any, Any], losses: Losses) -> None:
        for key, row in waiting:
            try:
                found[key] = await self._insist(row)
            except Exception as error:
                if not is_of_row(error):
                    raise
                losses.errors[key] = error
            if losses.full:
                return

    async def _insist(self, row: Any) -> Any:
        for attempt in range(1, self.attempts + 1):
            await self._turn()
            try:
                return await self._call(row)
            except Exception as error:
                if attempt == self.attempts or not is_of_row(error) or not _may_pass(error):
                    raise
                await anyio.sleep(max(_asked_for(error), _WAITS.wait(attempt)))
        raise AssertionError("attempts is 1 or more")

    async def _call(self, row: Any) -> Any:
        with anyio.move_on_after(self.timeout) as scope:
            return await self.function(row)
        assert scope.cancelled_caught  # noqa: S101 - nothing else leaves the block without returning
        raise TimeoutError(f"it did not end within {self.timeout:g} s")

    async def _turn(self) -> None:
        """Wait until the next call may begin."""
        if self.per_second is None:
            return
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + 1 / self.per_second
        await anyio.sleep(turn - now)


def _may_pass(error: Exception) -> bool:
    """Tell whether another call may succeed, by the status that clients of HTTP keep with their errors."""
    status = _status(error)
    if status is not None:
        return status in _PASSING or status >= 500
    return not isinstance(error, _OF_THE_ROW)


def _status(error: Exception) -> int | None:
    answer = getattr(error, "response", None)
    found = (
        getattr(answer, "status_code", None) or getattr(error, "status_code", None) or getattr(error, "status", None)
    )
    return found if isinstance(found, int) else None


def _asked_for(error: Exception) -> float:
    """Return the seconds that a service asked for in its `Retry-After`, 0 where it did not; a date is not read."""
    headers = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after") or headers.get("Retry-After") or 0))
    except (AttributeError, TypeError, ValueError):
        return 0.0
