"""The walk of the Python form: a step's statements behind a fence, a page to come in the same request.

A page that fails for its data is read again in halves, each a batch like any other, until a single row is at fault:
that row is written down as a dead letter by a batch of its own.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from anyio.lowlevel import cancel_shielded_checkpoint

from sendoka.backfills.batch import Page, read_page
from sendoka.backfills.bisection import Bisection
from sendoka.backfills.dates import in_iso, place_in, read_in_iso
from sendoka.backfills.dead_letters import Fault, is_full
from sendoka.backfills.fencing import Fence, clock, counted, fence, look, unfalsified
from sendoka.backfills.graves import Graves
from sendoka.backfills.hand import Hand
from sendoka.backfills.holding import Holding
from sendoka.backfills.line import Line
from sendoka.backfills.page_text import page as page_statement
from sendoka.backfills.patience import ANSWER_TOO_LARGE, TOO_LARGE, Stopped, is_fenced, is_of_data
from sendoka.backfills.shards import Shard, read_shard, token_of
from sendoka.backfills.stepping import JUDGED, StepFailed, endless_step, step_raised
from sendoka.courtesy import give_way
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, EndpointError, TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Cells, Result, Statement

__all__ = ["StepWalk"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")

_OLD = 10.0
"""Seconds that a run may rest between two batches until what it has in hand is read, and asked of the step, anew."""


_WORTH = 0.3
"""The part of a batch's time that its step must take to be called ahead: no more than this is gained by it, and where
they share a machine the step, the database and an application are in each other's way meanwhile."""

_WIDE = 1.5
"""A page that is so many times as large as the batch may be by now, as one before a deadline, is read anew."""

_ROOM = 1.5
"""How many times as long as the last step took the deadline must be away, or a step is not called ahead."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A batch's whole request. It is kept until its fate is known, and sent again as it is.

    The statement `looks_at` reads the shard; behind it a page of `following` rows is read, and the clock, or nothing
    where that is 0: `apart` reads one beside it.
    """

    fence: Fence
    request: list[Statement]
    looks_at: int
    following: int
    buries: bool
    """Whether it makes a dead letter of the page's row instead of changing it."""
    last: Fault | None
    """What the last row failed with that it makes a dead letter of."""
    apart: Callable[[], Awaitable[Page]] | None = None


class StepWalk:
    """A `Walk` that holds a lease on its shard; what it sends under a lease that was lost cannot commit.

    While a batch is on its way the step is called for the page behind it, and the page behind that one comes with the
    batch's answer. What that step says is sent only when the batch is known to be in.
    """

    def __init__(self, work: WalkOf, shard: Shard, group: TaskGroup) -> None:
        self._work = work
        self._holding = Holding(work, shard)
        self._hand = Hand(work, self._holding, group)
        self._graves = Graves(work)
        self._pending: _Pending | None = None
        self._parts = Bisection()
        # With verify= it is not `where` that says when it is done; and what changed rows before was judged then.
        self._unjudged = bool(work.backfill.where) and not work.backfill.verify and not shard.changed
        self._done = math.inf
        self._rested = self._alone = False
        self.batches = self.asked = 0
        self.width = self.stepped = 0.0
        self._written = 0.0
        self._line = Line()

    @property
    def shard(self) -> Shard:
        """How the shard stood when it was heard of last."""
        return self._holding.shard

    @property
    def lost(self) -> bool:
        """Whether the shard is somebody else's by now."""
        return self._holding.lost

    async def take(self) -> Shard | None:
        """Claim the shard, unless it is held; return it where nothing is left to take."""
        return None if self._pending is not None else await self._holding.take()

    async def keep(self) -> None:
        """Renew the lease, where a third of it has passed."""
        await self._holding.keep()

    async def stop(self) -> None:
        """Give the lease back; where that fails it runs out by itself. What the step is at ahead is for nothing."""
        self._hand.forget()
        await self._holding.give_back()

    async def batch(self, size: int) -> Shard:
        """Send what is pending, or else read, step and send; where the data is at fault, halve the page and go on."""
        if self._pending is None:
            self._look_at_the_clock()
        while True:
            if self._pending is None:
                try:
                    self._pending = await self._prepare(size)
                except StepFailed as failed:
                    assert self._hand.turn is not None  # noqa: S101 - its step failed
                    page = self._hand.turn.page
                    if not self._work.max_dead:
                        at = self._holding.shard
                        raise step_raised(self._work.backfill, page.batch, failed.error, at) from failed.error
                    await self._isolate(page, failed.error, size)
                    continue
            pending = self._pending
            try:
                return await self._send(pending)
            except EndpointError as error:
                if not self._lightens(pending, error):
                    raise
            except DatabaseError as error:
                turn = self._hand.turn
                if turn is None or not self._isolates(turn.page, pending, error):
                    raise
                await self._isolate(turn.page, error, size)

    def _look_at_the_clock(self) -> None:
        """After a long rest forget what is in hand: rows, and what a step asked elsewhere, were others then.

        Where a run rests before each batch nothing is gained by going ahead, and the step would be called in vain.
        """
        self._rested = time.monotonic() - self._done > _OLD
        if self._rested:
            self._hand.forget()

    def _lightens(self, pending: _Pending, error: EndpointError) -> bool:
        """Leave out the page behind a batch whose answer was too large; else, too large, its own page is read anew."""
        if error.status == ANSWER_TOO_LARGE and pending.following:
            self._pending = replace(pending, request=pending.request[: pending.looks_at + 1], following=0)
            self._alone = True
            return True
        if error.status in TOO_LARGE:
            self._forget()  # the next page is a smaller one
        return False

    def _isolates(self, page: Page, pending: _Pending, error: DatabaseError) -> bool:
        return bool(self._work.max_dead and page.paged) and not pending.buries and is_of_data(error)

    async def _isolate(self, page: Page, error: Exception, size: int) -> None:
        """Halve a page that failed, or have its one row made a dead letter. Raises where those become too many."""
        self._forget()
        if page.scanned > 1:
            self._parts.failed(page.scanned)
            if self._work.stop():
                raise Stopped
            return
        graves = await self._graves.of_row(page, error, self._holding.shard)
        self._hand.take(page)
        self._pending = self._request(page, [], following=size, graves=graves, last=Fault.of(error))

    def _forget(self) -> None:
        """Drop the batch, which is known not to be in, and all that was to come behind it."""
        self._pending = None
        self._hand.forget()

    def _goes_ahead(self) -> bool:
        """Tell whether a page is read ahead, and the step called for it, while the batch before is on its way.

        In a further pass it is not: there the rows are those that somebody changed meanwhile, and where that was the
        batch before, only a page that is read behind it is of any use. Nor is it where parts of a page are tried, or
        where a step takes next to no time.
        """
        backfill, shard = self._work.backfill, self._holding.shard
        may = backfill.ahead and shard.pass_number == 1 and not self._rested and not self._parts.going_on
        return may and self._pays()

    def _pays(self) -> bool:
        """Tell whether a step takes long enough for something to be gained where it is called ahead."""
        return self._line.long or self.stepped >= _WORTH * self._line.whole

    async def _read(self, cursor: str | None, size: int) -> Page:
        work = self._work
        result = await read_in_iso(work.database, self._page_statement(cursor, size), work.target)
        return self._weighed(read_page(result, size, work.backfill, work.target))

    def _weighed(self, page: Page) -> Page:
        """Return the page, having learned how wide its rows are."""
        self.width = max(page.size / page.scanned, self._written) if page.scanned else self.width
        return page

    def _page_statement(self, cursor: str | None, size: int) -> Statement:
        work, shard = self._work, self._holding.shard
        backfill = work.backfill_at(shard)
        page = page_statement(backfill, work.target, cursor, size, lower=shard.lower, upper=shard.upper)
        # With dead letters to leave out it asks our own tables, wherever they live.
        return page if shard.pass_number <= 1 else Ours(page.text, page.params)

    async def _prepare(self, size: int) -> _Pending:
        """Return the request that makes true what the step says of the next page."""
        hand, shard = self._hand, self._holding.shard
        if not self._work.counted:  # what is held to a rate needs no more haste
            await self._line.measure(self._work.database)
        turn = hand.turn
        if turn is None or (not turn.begun and turn.page.scanned > _WIDE * size):
            hand.forget()
            self._alone = False
            turn = hand.take(await self._read(shard.cursor, self._parts.size(size)))
        if not turn.begun:
            hand.begin(turn)
            if self._goes_ahead() and hand.behind is None and not turn.page.last:
                with contextlib.suppress(DatabaseError, TransportError):  # then it comes with the batch
                    hand.put_behind(await self._read(turn.page.cursor, size))
        changes = await turn.changes(shard)
        page, errors = turn.page, turn.errors
        graves = await self._graves.of(page, errors, shard)
        last = Fault.of(list(errors.values())[-1]) if errors else None
        give_way()
        return self._request(page, changes, following=size, graves=graves, last=last)

    def _request(
        self,
        page: Page,
        changes: list[Statement],
        *,
        following: int,
        graves: list[Statement],
        last: Fault | None = None,
    ) -> _Pending:
        work, shard = self._work, self._holding.shard
        batch = Fence(
            work.run,
            work.shard,
            shard.epoch,
            shard.seq,
            secrets.token_hex(8),
            page.cursor,
            page.scanned,
            page.paged,
            page.last,
            work.lease,
        )
        body = [*(counted(change, batch) for change in changes), *graves]
        if self._unjudged and changes and not graves and page.paged >= JUDGED:
            body.append(unfalsified(work.backfill, work.target, batch, page.keys))
        request = [fence(batch), *body, look(batch)]
        looks_at = len(request) - 1
        if page.scanned and not graves:
            self._written = sum(len(param) for each in changes for param in each.params if param) / page.scanned
        behind, following = self._following(page, following)
        if following and self._line.long and self._goes_ahead():
            return _Pending(batch, request, looks_at, 0, not changes, last, partial(self._read, behind, following))
        if following:
            request += [*in_iso(self._page_statement(behind, following), work.target), clock()]
        return _Pending(batch, request, looks_at, following, not changes, last)

    def _following(self, page: Page, size: int) -> tuple[str | None, int]:
        """Return behind which cursor, and of how many rows, a page is read with the batch of `page`: 0 for none."""
        behind, alone, self._alone = self._hand.behind, self._alone, False
        if behind is None:
            return page.cursor, 0 if page.last or alone else self._parts.size(size, then=1)
        return behind.page.cursor, 0 if behind.page.last else size

    async def _send(self, pending: _Pending) -> Shard:
        """Send the request. Its fate unknown, it stays pending; its place taken, we look by whom."""
        work, batch, hand = self._work, pending.fence, self._hand
        if self._pays() and work.seconds_left() > _ROOM * self.stepped:
            hand.begin_behind()  # else there may be no batch for it, and the step would be called in vain
        if pending.apart is not None and not hand.reading:
            hand.reading.send(pending.apart)
        give_way()
        began = time.monotonic()
        try:
            results = await work.database.run_all(pending.request, _OPTIONS)
        except DatabaseError as error:
            if pending.last and is_full(error, work.database):
                self._forget()
                raise await self._graves.full(pending.last) from error
            if error.sqlstate == "57014":
                self._forget()  # the next page is a smaller one
            if not is_fenced(error, work.database):
                raise
            if error.column == "changed":
                raise endless_step(work.backfill, batch.paged) from error
            return await self._settle(pending)
        *cells, written = results[pending.looks_at].rows[0]
        inside = results[-1].rows[0][-1]  # of the whole, with the page that may be behind the batch
        self._line.note(time.monotonic() - began, float(inside or 0), float(written or 0))
        # The answer was read in one go, and it is in, so nothing may end this here.
        await cancel_shielded_checkpoint()
        give_way()
        self._note(Shard.of(cells), batch)
        hand.advance(await self._behind(pending, results))
        give_way()
        return self._holding.shard

    async def _behind(self, pending: _Pending, answers: list[Result[Cells]]) -> Page | None:
        """Return the page that came with the batch, behind its other `answers`, or beside it; None where none did."""
        work, reading = self._work, self._hand.reading
        if pending.following:
            answer = answers[pending.looks_at + 1 + place_in(work.target)]
            return self._weighed(read_page(answer, pending.following, work.backfill, work.target))
        with contextlib.suppress(DatabaseError, TransportError):  # then it is read when its turn comes
            return await reading.land() if reading else None
        return None

    def _note(self, shard: Shard, batch: Fence) -> None:
        """A batch is in, and left the shard so."""
        turn = self._hand.turn
        assert turn is not None  # noqa: S101 - it was the batch's
        self._pending, self._done = None, time.monotonic()
        self._parts.done()
        self.batches += 1
        self.asked, self.stepped = turn.page.asked, turn.seconds
        self._unjudged = self._unjudged and not shard.changed
        self._holding.shard, self._holding.held = shard, not batch.last

    async def _settle(self, pending: _Pending) -> Shard:
        """Find out why the fence held: an earlier send committed, or somebody else went on with the shard, or held it.

        What it looks like now says nothing of what it was then: a pause may be over, the bounds may be others. All
        pages are read anew.
        """
        work, batch, holding = self._work, pending.fence, self._holding
        token = await token_of(work.database, work.run, work.shard, batch.seq + 1)
        shard, lease = await read_shard(work.database, work.run, work.shard)
        ours = shard.epoch == batch.epoch and lease.owner in {holding.owner, None}
        self._forget()
        self._parts.forget()
        self.batches += token == batch.token
        holding.shard = shard
        holding.held = ours and token == batch.token and shard.state == "running"
        return shard
