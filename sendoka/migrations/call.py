"""One call of `migrate()`: its clock, its budget for locks, its tokens, and whom it tells."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.database.seam import Database
    from sendoka.migrations.event import Event

__all__ = ["Call", "is_asyncio"]

_LONGEST = 2.0
"""Seconds of the longest pause before the history is read again."""

_FIRST_LOCK, _LONGEST_LOCK = 0.5, 10.0
"""Seconds between two tries at a lock: the first pause, which doubles, and the longest. Whoever queued behind the
migration goes on meanwhile."""


def is_asyncio() -> bool:
    """Tell whether it is asyncio that runs the caller, and not trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@dataclass(slots=True)
class Call:
    """What all parts of a call share. `seconds` is its deadline, `lock_budget` the seconds that may go to locks."""

    database: Database
    seconds: float
    lock_budget: float
    on_event: Callable[[Event], None] | None
    tokens: set[str] = field(default_factory=set)
    """The tokens of this call: a row of the history that bears one of them is its own."""
    started: float = field(default_factory=time.monotonic)
    waits: int = 0
    lock_tries: int = 0
    lock_seconds: float = 0.0
    """What of the lock budget is used up."""

    def new_token(self) -> str:
        """Return a token that nobody else has."""
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return token

    def left(self) -> float:
        """Return the seconds until the deadline; below 0 once it has passed."""
        return self.seconds - (time.monotonic() - self.started)

    def tell(self, event: Event) -> None:
        """Hand `event` to the caller's hook."""
        if self.on_event is not None:
            self.on_event(event)

    async def pause(self) -> None:
        """Wait a moment before the history is read again; each is longer than the last, none passes the deadline."""
        self.waits += 1
        await self.sleep(min(_LONGEST, 0.05 * 1.5 ** min(self.waits, 20)))

    async def sleep(self, seconds: float) -> None:
        """Wait about `seconds`, jittered, and at most until the deadline."""
        jittered = seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        jittered = max(0.0, min(jittered, self.left()))
        if is_asyncio():
            await asyncio.sleep(jittered)
        else:
            from anyio import sleep as wait  # trio's; a hundred runners that wait need not load it

            await wait(jittered)

    def lock_pause(self, tried: float) -> float | None:
        """Return the seconds to wait before the next try at a lock, None where the budget is used up.

        `tried` is how many seconds the last try took; both are taken out of the budget.
        """
        pause: float = min(_LONGEST_LOCK, _FIRST_LOCK * 2.0 ** min(self.lock_tries, 10))
        self.lock_tries += 1
        self.lock_seconds += tried
        if self.lock_seconds + pause > self.lock_budget:
            return None
        self.lock_seconds += pause
        return pause
