"""The walk of the Python form: a step's statements behind a fence, the next page in the same request.

A page that fails for its data is read again in halves, each a batch like any other, until a single row is at fault:
that row is written down as a dead letter by a batch of its own.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio

from sendoka.backfills.batch import Page, losses_of, read_page, statements_of
from sendoka.backfills.bisection import Bisection
from sendoka.backfills.dead_letters import Fault, bounded, bury, count_dead, is_full, most, too_many
from sendoka.backfills.fencing import Fence, counted, fence, look, unfalsified
from sendoka.backfills.owner import gone, new_owner, shown
from sendoka.backfills.page_text import page as page_statement
from sendoka.backfills.patience import ANSWER_TOO_LARGE, TOO_LARGE, Stopped, is_fenced, is_of_data, rest
from sendoka.backfills.shards import Shard, claim, read_shard, read_totals, release, renew, token_of
from sendoka.backfills.stepping import JUDGED, StepFailed, call_step, endless_step, step_raised
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import BackfillRunning, BatchFailed, DatabaseError, EndpointError, SendokaError

if TYPE_CHECKING:
    from sendoka.backfills.walk import WalkOf
    from sendoka.database.statement import Statement

__all__ = ["StepWalk"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A batch's whole request. It is kept until its fate is known, and sent again as it is.

    The statement `looks_at` reads the shard; the end reads a page of `following` rows, or nothing where that is 0.
    """

    fence: Fence
    request: list[Statement]
    looks_at: int
    following: int
    buries: bool
    """Whether it makes a dead letter of the page's row instead of changing it."""
    last: Fault | None
    """What the last row failed with that it makes a dead letter of."""


class StepWalk:
    """A `Walk` that holds a lease on its shard; what it sends under a lease that was lost cannot commit.

    Where others share the run the shard was claimed for it, and once it is another's this walk has lost it.
    """

    def __init__(self, work: WalkOf, shard: Shard) -> None:
        self._work = work
        self._shard = shard
        self._lease = work.lease
        self._owner = work.owner or new_owner()
        self._held = bool(work.owner)
        self._page: Page | None = None
        self._pending: _Pending | None = None
        self._parts = Bisection()
        # With verify= it is not `where` that says when it is done; and what changed rows before was judged then.
        self._unjudged = bool(work.backfill.where) and not work.backfill.verify and not shard.changed
        self.batches = 0
        self.width = 0.0
        self._written = 0.0
        self.lost = False
        self._renewed = 0.0

    async def take(self) -> Shard | None:
        """Claim the shard, unless it is held; return it where nothing is left to take."""
        if self._pending is not None or self._held:
            return None
        if not self._work.owner:
            return None if await self._claim() else self._shard
        # Who split it raised its epoch, and left it ours.
        if await self._claimed(None):
            return None
        self._shard, _ = await read_shard(self._work.database, self._work.run, self._work.shard)
        self.lost = True
        return self._shard

    async def batch(self, size: int) -> Shard:
        """Send what is pending, or else read, step and send; where the data is at fault, halve the page and go on."""
        while True:
            if self._pending is None:
                if self._page is None:
                    self._page = await self._read(self._parts.size(size))
                try:
                    self._pending = await self._prepare(self._page, following=self._parts.size(size, then=1))
                except StepFailed as failed:
                    if not self._work.max_dead:
                        raised = step_raised(self._work.backfill, self._page.batch, failed.error, self._shard)
                        raise raised from failed.error
                    await self._isolate(self._page, failed.error, size)
                    continue
            page, pending = self._page, self._pending
            try:
                return await self._send(pending)
            except EndpointError as error:
                if not self._lightens(pending, error):
                    raise
            except DatabaseError as error:
                if page is None or not self._isolates(page, pending, error):
                    raise
                await self._isolate(page, error, size)

    def _lightens(self, pending: _Pending, error: EndpointError) -> bool:
        """Leave out the page behind a batch whose answer was too large; else, too large, its own page is read anew."""
        if error.status == ANSWER_TOO_LARGE and pending.following:
            self._pending = replace(pending, request=pending.request[: pending.looks_at + 1], following=0)
            return True
        if error.status in TOO_LARGE:
            self._pending = self._page = None  # the next page is a smaller one
        return False

    def _isolates(self, page: Page, pending: _Pending, error: DatabaseError) -> bool:
        return bool(self._work.max_dead and page.paged) and not pending.buries and is_of_data(error)

    async def _isolate(self, page: Page, error: Exception, size: int) -> None:
        """Halve a page that failed, or have its one row made a dead letter. Raises where those become too many."""
        work, shard = self._work, self._shard
        self._pending = None
        if page.scanned > 1:
            self._page = None
            self._parts.failed(page.scanned)
            if work.stop():
                raise Stopped
            return
        fault = Fault.of(error)
        try:
            bound = await self._room(1, 1, fault)
        except BatchFailed as failed:
            raise failed from error
        place = {"run": work.run, "shard": work.shard, "seq": shard.seq + 1}
        grave = bury(work.backfill, work.target, **place, key=page.first_key, fault=fault)
        self._pending = self._request(
            page, [], following=self._parts.size(size, then=1), graves=self._bounded(bound, [grave]), last=fault
        )

    async def _counts(self, dead: int, paged: int) -> tuple[int, int]:
        """Return how many dead letters and rows paged the run has in all its shards, with so many more."""
        work = self._work
        before, totals = await count_dead(work.database, work.run), await read_totals(work.database, work.run)
        return before + dead, totals.paged + paged

    async def _room(self, dead: int, paged: int, fault: Fault) -> int:
        """Return how many dead letters the run may have. Raises where so many more are too many."""
        work = self._work
        dead, paged = await self._counts(dead, paged)
        bound = most(dead, paged, work.max_dead)
        if dead > bound:
            raise too_many(work.backfill, dead, paged, fault)
        return bound

    def _bounded(self, bound: int, graves: list[Statement]) -> list[Statement]:
        return bounded(self._work.run, self._work.shard, self._shard.seq + 1, bound, graves)

    async def _full(self, fault: Fault) -> BatchFailed:
        """Return the error for rows that could be no dead letters: another shard had the last room for them."""
        self._pending = None
        return too_many(self._work.backfill, *await self._counts(1, 1), fault)

    async def keep(self) -> None:
        """Renew the lease, where a third of it has passed."""
        now = time.monotonic()
        if self._held and now >= self._renewed + self._lease / 3:
            self._renewed = now
            await self._renew()

    async def stop(self) -> None:
        """Give the lease back; where that fails it runs out by itself."""
        if self._held:
            self._held = False
            with contextlib.suppress(SendokaError):
                await release(self._work.database, self._work.run, owner=self._owner)

    async def _claim(self) -> bool:
        """Take the shard, waiting at most until the lease seen first has run out. False if nothing is left to take."""
        work, until, rival = self._work, 0.0, None
        while not await self._claimed(rival if rival and gone(rival) else None):
            self._shard, lease = await read_shard(work.database, work.run, work.shard)
            if self._shard.state != "running":
                return False
            await work.check_script()
            if lease.owner != rival:
                rival, until = lease.owner, max(until, time.monotonic() + lease.seconds + 0.5)
            if rival and gone(rival):
                work.on_wait(f"{shown(rival)} does not exist any more; taking over", None)
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise BackfillRunning(
                    f"the backfill {work.backfill.name} is being run by {shown(rival)}",
                    where="it renewed its lease while this one waited; nothing was changed from here",
                    todo="let it go on, or stop it first",
                )
            work.on_wait(f"{shown(rival)} holds it", lease.seconds)
            await rest(min(left, max(0.1, lease.seconds), 1.0), work.stop)
        return True

    async def _claimed(self, heir_of: str | None) -> bool:
        work = self._work
        shard = await claim(
            work.database,
            work.run,
            work.shard,
            owner=self._owner,
            lease=self._lease,
            checksum=work.checksum,
            heir_of=heir_of,
        )
        if shard is not None:
            self._shard, self._held = shard, True
        return self._held

    async def _read(self, size: int) -> Page:
        work = self._work
        result = await work.database.run(self._page_statement(self._shard.cursor, size))
        return self._weighed(read_page(result, size, work.backfill, work.target))

    def _weighed(self, page: Page) -> Page:
        """Return the page, having learned how wide its rows are."""
        self.width = max(page.size / page.scanned, self._written) if page.scanned else self.width
        return page

    def _page_statement(self, cursor: str | None, size: int) -> Statement:
        work, shard = self._work, self._shard
        backfill = work.backfill_at(shard)
        page = page_statement(backfill, work.target, cursor, size, lower=shard.lower, upper=shard.upper)
        # With dead letters to leave out it asks our own tables, wherever they live.
        return page if shard.pass_number <= 1 else Ours(page.text, page.params)

    async def _prepare(self, page: Page, *, following: int) -> _Pending:
        """Run the step on the page, and return the request that makes its answer true."""
        work = self._work
        losses = losses_of(page.batch)
        losses.room = work.max_dead
        answer = await self._step(page) if page.batch.rows else None
        changes = statements_of(answer, work.backfill, work.database)
        graves = await self._graves(page, losses.errors)
        last = Fault.of(list(losses.errors.values())[-1]) if losses.errors else None
        return self._request(page, changes, following=following, graves=graves, last=last)

    async def _graves(self, page: Page, errors: dict[Any, Exception]) -> list[Statement]:
        """Return what makes dead letters of the rows that are left out. Raises where those become too many."""
        work, shard = self._work, self._shard
        if not errors:
            return []
        last = list(errors.values())[-1]
        if not work.max_dead:
            raise StepFailed(last)
        try:
            bound = await self._room(len(errors), page.paged, Fault.of(last))
        except BatchFailed as failed:
            raise failed from last
        place = {"run": work.run, "shard": work.shard, "seq": shard.seq + 1}
        graves = [
            bury(work.backfill, work.target, **place, key=page.key_of(key), fault=Fault.of(error))
            for key, error in errors.items()
        ]
        return self._bounded(bound, graves)

    def _request(
        self,
        page: Page,
        changes: list[Statement],
        *,
        following: int,
        graves: list[Statement],
        last: Fault | None = None,
    ) -> _Pending:
        work = self._work
        batch = Fence(
            work.run,
            work.shard,
            self._shard.epoch,
            self._shard.seq,
            secrets.token_hex(8),
            page.cursor,
            page.scanned,
            page.paged,
            page.last,
            self._lease,
        )
        body = [*(counted(change, batch) for change in changes), *graves]
        if self._unjudged and changes and not graves and page.paged >= JUDGED:
            body.append(unfalsified(work.backfill, work.target, batch, page.keys))
        request = [fence(batch), *body, look(batch)]
        looks_at = len(request) - 1
        if page.scanned and not graves:
            self._written = sum(len(param) for each in changes for param in each.params if param) / page.scanned
        if not batch.last:
            request.append(self._page_statement(page.cursor, following))
        return _Pending(batch, request, looks_at, 0 if batch.last else following, not changes, last)

    async def _step(self, page: Page) -> object:
        """Call the step, and hold the lease meanwhile."""
        work, failure, answer = self._work, None, None
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep)
            try:
                answer = await call_step(work.backfill, work.database, page.batch, work.step_timeout, self._shard)
            except Exception as error:  # noqa: BLE001 - the task group would wrap it
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return answer

    async def _keep(self) -> None:
        while True:
            await anyio.sleep(self._lease / 3)
            await self._renew()

    async def _renew(self) -> None:
        work, epoch = self._work, self._shard.epoch
        with contextlib.suppress(SendokaError):
            await renew(work.database, work.run, work.shard, owner=self._owner, epoch=epoch, lease=self._lease)

    async def _send(self, pending: _Pending) -> Shard:
        """Send the request. Its fate unknown, it stays pending; its place taken, we look by whom."""
        work, batch = self._work, pending.fence
        try:
            results = await work.database.run_all(pending.request, _OPTIONS)
        except DatabaseError as error:
            if pending.last and is_full(error, work.database):
                raise await self._full(pending.last) from error
            if error.sqlstate == "57014":
                self._pending = self._page = None  # the next page is a smaller one
            if not is_fenced(error, work.database):
                raise
            if error.column == "changed":
                raise endless_step(work.backfill, batch.paged) from error
            return await self._settle(pending)
        self._pending = None
        self._parts.done()
        self.batches += 1
        self._page = None
        if pending.following:
            self._page = self._weighed(read_page(results[-1], pending.following, work.backfill, work.target))
        self._shard = Shard.of(results[pending.looks_at].rows[0])
        self._unjudged = self._unjudged and not self._shard.changed
        self._held = not batch.last
        return self._shard

    async def _settle(self, pending: _Pending) -> Shard:
        """Find out why the fence held: an earlier send committed, or somebody else went on with the shard, or held it.

        What it looks like now says nothing of what it was then: a pause may be over, and the page is read anew.
        """
        work, batch = self._work, pending.fence
        token = await token_of(work.database, work.run, work.shard, batch.seq + 1)
        shard, lease = await read_shard(work.database, work.run, work.shard)
        ours = shard.epoch == batch.epoch and lease.owner in {self._owner, None}
        self._shard, self._page, self._pending = shard, None, None
        self._parts.forget()
        self.batches += token == batch.token
        self._held = ours and token == batch.token and shard.state == "running"
        return shard
