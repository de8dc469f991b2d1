"""A turn of a step: a page, and what the step says of it, be it while the batch before is still on its way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from sendoka.backfills.batch import losses_of, statements_of
from sendoka.backfills.stepping import call_step, step_raised
from sendoka.courtesy import breathe

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from sendoka.backfills.batch import Page
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Statement

__all__ = ["Turn"]


class Turn:
    """A page, and its step. `begun` is whether that was called, `ended` tells its end; it took so many `seconds`."""

    def __init__(self, work: WalkOf, page: Page) -> None:
        self._work = work
        self._scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self._changes: list[Statement] | None = None
        self._failure: Exception | None = None
        self.page = page
        self.begun = False
        self.seconds = 0.0

    @property
    def errors(self) -> dict[Any, Exception]:
        """The rows that are left out of the page, by their keys."""
        return losses_of(self.page.batch).errors

    def begin(self, group: TaskGroup, at: Shard, after: anyio.Event | None) -> None:
        """Call the step in `group`, once the event `after` was; `at` is its shard before its batch."""
        self.begun, self._failure = True, None
        self._scope, self.ended = anyio.CancelScope(), anyio.Event()
        group.start_soon(self._run, at, after)

    def drop(self) -> None:
        """Let the step end, whatever it is at: nobody asks for its answer any more."""
        self._scope.cancel()

    async def changes(self, at: Shard) -> list[Statement]:
        """Return what the step said, as soon as it did; where it failed, raise that, and it may be begun anew."""
        await self.ended.wait()
        if self._changes is not None:
            return self._changes
        self.begun = False
        if self._failure is None:
            # What ends all of us, a deadline, may reach the step first, and end the wait for it before it reaches this.
            await anyio.lowlevel.checkpoint()
            raise step_raised(self._work.backfill, self.page.batch, anyio.get_cancelled_exc_class()(), at)
        raise self._failure

    async def _run(self, at: Shard, after: anyio.Event | None) -> None:
        try:
            with self._scope:
                if after is not None:
                    await after.wait()
                began = time.monotonic()
                self._changes = await self._call(at)
                self.seconds = time.monotonic() - began
        except Exception as error:  # noqa: BLE001 - it is raised when its batch comes
            self._failure = error
        finally:
            self.ended.set()

    def _warn(self, text: str) -> None:
        self._work.on_wait("", None, warnings=(text,))

    async def _call(self, at: Shard) -> list[Statement]:
        work, batch = self._work, await self.page.ready()
        losses_of(batch).room = work.max_dead
        await breathe()
        answer = (
            await call_step(work.backfill, work.database, batch, work.step_timeout, at, self._warn)
            if batch.rows
            else None
        )
        await breathe()
        return statements_of(answer, work.backfill, work.database)
