"""The pages that a step's walk has in hand: the one whose batch comes next, and the one behind that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.backfills.flight import Flight
from sendoka.backfills.turn import Turn

if TYPE_CHECKING:
    import anyio
    from anyio.abc import TaskGroup

    from sendoka.backfills.batch import Page
    from sendoka.backfills.holding import Holding
    from sendoka.backfills.walk import WalkOf

__all__ = ["Hand"]


class Hand:
    """At most two pages, each with the turn of its step, which are called one after the other in `group`.

    `turn` is that of the next batch, `behind` that of the batch after it, which stands on the former's commit: it was
    read from where that one ends, under the same lease. Whatever casts doubt on that commit is a reason to `forget`.
    `reading` is the page behind both, where it is read beside the batch.
    """

    def __init__(self, work: WalkOf, holding: Holding, group: TaskGroup) -> None:
        self._work = work
        self._holding = holding
        self._group = group
        self._last: anyio.Event | None = None
        self.reading: Flight[Page] = Flight(group)
        self.turn: Turn | None = None
        self.behind: Turn | None = None

    def take(self, page: Page) -> Turn:
        """Take a page for the next batch."""
        self.turn = Turn(self._work, page)
        return self.turn

    def put_behind(self, page: Page) -> None:
        """Take the page behind that of the next batch."""
        self.behind = Turn(self._work, page)

    def begin(self, turn: Turn) -> None:
        """Call the step for the next batch."""
        self._begin(turn, None)

    def begin_behind(self) -> None:
        """Call the step for the page behind that of the next batch, which is on its way: once, and if there is one."""
        if self.behind is not None and self.turn is not None and not self.behind.begun:
            self._begin(self.behind, self.turn.page)

    def advance(self, page: Page | None) -> None:
        """The next batch is done, and `page` came with its answer: what is behind all that is in hand."""
        self.turn, self.behind = self.behind, None
        if page is None:
            return
        if self.turn is None:
            self.take(page)
        else:
            self.put_behind(page)

    def forget(self) -> None:
        """Drop all pages, and what the step is at; they are read anew, and the step is called again for their rows."""
        for turn in (self.turn, self.behind):
            if turn is not None:
                turn.drop()
        self.reading.drop()
        self.turn = self.behind = None

    def _begin(self, turn: Turn, former: Page | None) -> None:
        at = self._holding.shard
        if former is not None:
            at = replace(at, seq=at.seq + 1, cursor=former.cursor or at.cursor)
        if self._last is None:  # one task for all steps: one for each would cost as much as a small batch
            self._group.start_soon(self._holding.keep_on, self._steps)
        turn.begin(self._group, at, self._last)
        self._last = turn.ended

    def _steps(self) -> bool:
        """Tell whether a step goes on, also one whose answer nobody waits for any more."""
        return self._last is not None and not self._last.is_set()
