"""Runs a backfill from where it stands until it is done and verified, or until it must stop."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills import checkpoint
from sendoka.backfills.change_walk import ChangeWalk
from sendoka.backfills.dead_letters import MAX_DEAD, count_dead, prepare
from sendoka.backfills.declare import Backfill
from sendoka.backfills.events import Actor
from sendoka.backfills.left import hopeless, left_and_dead
from sendoka.backfills.order import Walked, arranged, checked_order, walked
from sendoka.backfills.owner import new_owner
from sendoka.backfills.pace import FIRST, Pace
from sendoka.backfills.patience import WAITS, Patience, Stopped, passes, rest
from sendoka.backfills.report import Meter, Progress, RunReport
from sendoka.backfills.revision import revision_of
from sendoka.backfills.statements import remaining
from sendoka.backfills.step_walk import StepWalk
from sendoka.backfills.target import Target, estimate, read_target
from sendoka.backfills.trial import PATIENCE, check_change
from sendoka.backfills.walk import LEASE, STEP_TIMEOUT, WalkOf, after_correction, key_of
from sendoka.bookkeeping import operator
from sendoka.database.seam import Database
from sendoka.errors import (
    BackfillChanged,
    BackfillError,
    BackfillRunning,
    BatchFailed,
    DatabaseError,
    InvalidBackfill,
    Outcome,
    RequestTimeout,
    SendokaError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.checkpoint import Run, Shard
    from sendoka.backfills.walk import Walk
    from sendoka.database.retry import Retry

__all__ = ["run"]

_SHARD = 0  # a run has one shard so far

_TRIAL = 0.1
"""The part of a deadline that trying the change may take, where the run is a new one."""

_LAST_WORDS = 2.0
"""Seconds for giving back the lease, and as many for noting how a run ended, whatever the deadline."""
_LOOK_EVERY = 1.0
"""Seconds between two looks at whether a paused run may go on."""


async def run(
    sql: Database,
    backfill: Backfill,
    *,
    batch_size: int | None = None,
    deadline: float | None = None,
    accept_change: bool = False,
    again: bool = False,
    max_dead: int = MAX_DEAD,
    step_timeout: float = STEP_TIMEOUT,
    order: str | None = None,
    lease: float = LEASE,
    retry: Retry = WAITS,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Run `backfill` from where it stands; return once it is done and verified, or had to stop.

    sql: the client, `neon(url)`; a step in Python is given it.
    batch_size: rows scanned a batch; by default it starts at 1,000 and adapts to half a second a batch.
    deadline: seconds after which this call is over, done or not; what it did stays, and the next call goes on. Batches
        are made small enough for it, so that a call gets something done.
    accept_change: go on although the script changed since the run was started.
    again: start a new run where the last one is done and rows are to be done again; the old one is kept for the audit.
    max_dead: how many rows that cannot be changed the run may leave out, as dead letters, in all; 0 stops it at the
        first one. It stops at ten as long as no row went well.
    step_timeout: seconds that a step in Python may take for one page.
    order: `key`, `created` or `strided`, instead of the declaration's or the one that suits the table; it holds for the
        whole of a run.
    lease: seconds for which a step holds its rows against other runners; renewed as long as the process lives.
    retry: how often in a row, and how long, a failure that may pass is waited for.
    stop: asked before each batch and while it waits; True ends the call there.
    on_progress: called after each batch, and whenever the run waits.

    Every row is changed once, whatever is killed or cut on the way, and however many runners there are. A run that is
    done is left alone unless `again` is given, and the report says when it was done and how many rows are left now; so
    is one that is cancelled. One that is paused is left alone in any case; one that is paused meanwhile is waited for.
    Raises InvalidBackfill for what is no backfill, BackfillError for a declaration that does not fit the database and
    for rows that are left when no pass helps, BackfillChanged for another script than the run was
    started with, BackfillRunning where another process holds it, BatchFailed for a batch that cannot be done.
    """
    if not isinstance(backfill, Backfill):
        raise InvalidBackfill(f"{backfill!r} is no backfill: it has neither sql= nor a step")
    if not isinstance(sql, Database):
        raise TypeError(f"a backfill runs on a client, neon(url), not on a {type(sql).__name__}")
    if batch_size is not None and batch_size < 1:
        raise InvalidBackfill(f"a batch of {batch_size} rows is none; batch_size is 1 or more")
    if max_dead < 0:
        raise InvalidBackfill(f"max_dead={max_dead} is no number of rows; 0 stops the run at the first that fails")
    if not step_timeout > 0:
        raise InvalidBackfill(f"a step cannot end within {step_timeout} s; step_timeout is above 0")
    pace = Pace(batch_size or FIRST, fixed=batch_size is not None)
    running = _Running(sql, backfill, pace, stop or _never, on_progress or _silent, lease, retry)
    running.max_dead, running.step_timeout = max_dead, step_timeout
    running.order = checked_order(order)
    running.until = math.inf if deadline is None else running.started + deadline
    return await running.call(deadline, accept_change=accept_change, again=again)


def _never() -> bool:
    return False


def _silent(_progress: Progress) -> None:
    return None


@dataclass(slots=True)
class _Running:
    """One call of `run`: what it was given, and what it knows by now."""

    database: Database
    backfill: Backfill
    pace: Pace
    stop: Callable[[], bool]
    on_progress: Callable[[Progress], None]
    lease: float
    retry: Retry
    started: float = field(default_factory=time.monotonic)
    until: float = math.inf
    meter: Meter = field(default_factory=Meter)
    order: str | None = None
    kept: Walked | None = None
    """The order that the run has, as its row says."""
    reason: str = ""
    here: int = 0
    was_done: bool = False
    left: int | None = 0
    script_changed: bool = False
    max_dead: int = MAX_DEAD
    step_timeout: float = STEP_TIMEOUT
    dead: int = 0
    begun: bool = False
    run: Run | None = None
    by: Actor = field(default_factory=lambda: Actor(operator()))
    shard: Shard | None = None
    sent: tuple[int, float] | None = None
    """Size and start of the batch that is on its way."""
    sent_any: bool = False
    patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        self.patience = Patience(self.waiting, self.stop, self.retry)

    async def call(self, deadline: float | None, *, accept_change: bool, again: bool) -> RunReport:
        """Do it, note how it ended, and report."""
        try:
            with anyio.move_on_after(deadline) as scope:
                await self.go(accept_change=accept_change, again=again)
            if scope.cancelled_caught:
                self.reason = "deadline"
        except Stopped:
            self.reason = "interrupted"
        except BackfillRunning:
            raise  # the run is somebody else's, who says how it goes
        except SendokaError as error:
            await self._end("failed", error.what)
            raise
        except Exception as error:
            await self._end("failed", f"{type(error).__name__}: {error}")
            raise
        except BaseException:
            await self._end("stopped", "interrupted")
            raise
        await self._end("stopped", self.reason)
        return self.report()

    async def _end(self, state: str, reason: str) -> None:
        """Note how this call ended, as far as that can be done in a moment, and read what the report needs."""
        if self.reason == "deadline" and self.sent is not None:
            rows, began = self.sent
            self.pace.cut(rows, time.monotonic() - began)
        run = self.run
        if run is None or self.was_done:
            return
        with contextlib.suppress(SendokaError), anyio.move_on_after(_LAST_WORDS, shield=True):
            if self.begun and run.state != "done":
                rate = self.pace.rate
                await checkpoint.note_end(self.database, run.id, state=state, reason=reason, rate=rate, by=self.by)
            if state != "failed":
                self.shard = await checkpoint.read_totals(self.database, run.id)
                self.dead = await count_dead(self.database, run.id)

    async def go(self, *, accept_change: bool, again: bool) -> None:
        """Do passes until the backfill is verified, or something says stop."""
        name, insist = self.backfill.name, self.patience.insist
        self.run = await insist(lambda: checkpoint.find_run(self.database, name))
        if self.run and self.run.state == "done":
            await self._look_back(self.run)
            if not again or not (self.left or self.dead):
                self.was_done = True
                return
        elif self.run and (self.run.state == "paused" or (self.run.state == "cancelled" and not again)):
            self.reason = self.run.state
            return
        table = await insist(lambda: read_target(self.database, self.backfill))
        target = arranged(self.backfill, table, self.order, await self._kept(table))
        changed = await self._open(target, accept_change=accept_change)
        swept = False
        while self.run and not self.run.over:
            target = arranged(self.backfill, table, self.order, self.kept)  # a rival may have made the run
            self.shard = await self._look(self.run)
            swept = await self._pass(target, self.run, self.shard) or swept
            if not self.reason and self.shard.state == "held":
                await self._wait_while_paused(self.run)
                continue
            if self.reason:
                return
            await self._verify(target, self.run, self.shard, swept=swept, changed=changed)
            changed = False

    async def _kept(self, table: Target) -> Walked | None:
        """Return the order of the run that goes on, None where one may be chosen: nothing was done by it yet."""
        run = self.run
        if run is None or run.over:
            return None
        if run.checksum != self.backfill.checksum():
            totals = await self.patience.insist(lambda: checkpoint.read_totals(self.database, run.id))
            if totals.seq == 0:
                return None
        return run.walk or walked(table)

    async def _look_back(self, run: Run) -> None:
        """Read how a finished run ended, and what is to be done by now; a table that is gone has nothing."""
        insist = self.patience.insist
        self.shard = await insist(lambda: checkpoint.read_totals(self.database, run.id))
        self.script_changed = run.checksum != self.backfill.checksum()
        self.dead = await insist(lambda: count_dead(self.database, run.id))
        self.left = None
        with contextlib.suppress(BackfillError, DatabaseError):
            self.left = await self._left(await insist(lambda: read_target(self.database, self.backfill)), run)

    async def _open(self, target: Target, *, accept_change: bool) -> bool:
        """Make the run, or check that it is ours to go on with. Return whether its script changed."""
        checksum = self.backfill.checksum()
        self.by = replace(self.by, revision=await revision_of(self.backfill))
        if self.run is None or self.run.over:
            self.run = await self._new_run(target, checksum, (self.run.number if self.run else 0) + 1)
        else:
            number = self.run.id
            self.dead = await self.patience.insist(lambda: prepare(self.database, number))
        found = self.run
        changed = found.checksum != checksum
        if changed and not accept_change:
            await self._refuse_change(found, checksum)
        self.kept = walked(target)
        await self._begin(found, checksum)
        if self.pace.rate is None:
            self.pace.rate = found.rate
        return changed or accept_change

    async def _begin(self, run: Run, checksum: str) -> bool:
        """Note that this process goes on with the run; return False where it may not, for it is paused or over."""
        self.by = replace(self.by, runner=new_owner())
        walk = self.kept
        assert walk is not None  # noqa: S101 - _open() chose it
        kept = await self.patience.insist(lambda: checkpoint.begin(self.database, run, checksum, by=self.by, walk=walk))
        self.kept, self.begun = kept or walk, kept is not None
        return self.begun

    async def _wait_while_paused(self, run: Run) -> None:
        """Wait until a run that somebody paused may go on; set the reason where that will never be."""
        name, insist = self.backfill.name, self.patience.insist
        while True:
            found = await insist(lambda: checkpoint.find_run(self.database, name))
            self.run = run = found if found and found.id == run.id else replace(run, state="cancelled")
            if run.over:
                self.reason = run.state if run.state == "cancelled" else ""
                return
            if run.state != "paused":
                checksum = self.backfill.checksum()
                if run.checksum != checksum:
                    await self._refuse_change(run, checksum)
                if await self._begin(run, checksum):
                    return
            self.waiting(f"it is paused {run.reason}; let it go on with: sendoka backfill resume {name}")
            await rest(_LOOK_EVERY, self.stop)

    async def _new_run(self, target: Target, checksum: str, number: int) -> Run:
        database, name, insist = self.database, self.backfill.name, self.patience.insist
        seconds = PATIENCE if self.until == math.inf else max(0.0, self.until - time.monotonic()) * _TRIAL
        total = await insist(lambda: estimate(database, target))
        await check_change(database, self.backfill, target, seconds=min(PATIENCE, seconds))
        return await insist(
            lambda: checkpoint.open_run(
                database, name, checksum, number=number, total=total, by=self.by, walk=walked(target)
            )
        )

    async def _refuse_change(self, run: Run, checksum: str) -> None:
        """Raise BackfillChanged, unless nothing was done by the former script yet."""
        totals = await self.patience.insist(lambda: checkpoint.read_totals(self.database, run.id))
        if totals.seq == 0:
            return
        raise BackfillChanged(
            f"the script of the backfill {run.name} changed since its run was started {_shown_time(run.started_at)}",
            where=f"the run began with {run.checksum[:12]}, the script is now {checksum[:12]}",
            todo="restore the script, or go on with the new one: --accept-change (accept_change=True)",
        )

    async def _look(self, run: Run) -> Shard:
        shard, _ = await self.patience.insist(lambda: checkpoint.read_shard(self.database, run.id, _SHARD))
        return shard

    async def _pass(self, target: Target, run: Run, shard: Shard) -> bool:
        """Do batches until the shard is scanned; return whether any was done here."""
        if shard.state != "running":
            return False
        checksum = self.backfill.checksum()
        work = WalkOf(
            self.database,
            self.backfill,
            target,
            run.id,
            _SHARD,
            self.waiting,
            self.stop,
            checksum,
            self.lease,
            self.max_dead,
            self.step_timeout,
        )
        walk: Walk = StepWalk(work, shard) if self.backfill.step else ChangeWalk(work, shard)
        try:
            while shard.state == "running":
                size = self._size()
                if self.reason:
                    break
                shard = self.shard = await self._batch(walk, shard, size)
        finally:
            self.here += walk.batches
            with anyio.move_on_after(_LAST_WORDS, shield=True):
                await walk.stop()
        return True

    def _size(self) -> int:
        """Return the size of the next batch; where none shall be begun, set the reason."""
        size = self.pace.within(self.until - time.monotonic())
        if self.stop():
            self.reason = "interrupted"
        elif size == 0 and self.sent_any:
            self.reason = "deadline"
        return max(1, size)

    async def _batch(self, walk: Walk, before: Shard, size: int) -> Shard:
        """Do one batch, however often it must be sent."""
        while True:
            try:
                taken = await walk.take()
                if taken is not None:
                    return taken
                began = time.monotonic()
                self.sent, self.sent_any = (size, began), True
                shard = await walk.batch(size)
            except (DatabaseError, TransportError) as error:
                self.sent, too_long = None, _too_long(error)
                if too_long:
                    self.pace.shrink()
                    size = max(1, size // 2)
                if not await self.patience.meet(error, passing=too_long or passes(error)):
                    raise self._failed(error, before) from error
                continue
            self._note(before, shard, size, time.monotonic() - began)
            return shard

    def _note(self, before: Shard, shard: Shard, size: int, seconds: float) -> None:
        """Learn from a batch that was done, and tell of it."""
        self.sent = None
        self.patience.renew()
        scanned = max(0, shard.scanned - before.scanned)
        self.pace.note(min(scanned, size), seconds, size)
        self.meter.add(scanned, seconds)
        self.shard = shard
        self.waiting("")

    def _failed(self, error: DatabaseError | TransportError, shard: Shard) -> BatchFailed:
        said = error.message if isinstance(error, DatabaseError) else error.what
        code = f" ({error.sqlstate})" if isinstance(error, DatabaseError) else ""
        todo = after_correction(shard)
        if isinstance(error, DatabaseError) and error.sqlstate == "27000":
            todo = "a trigger changes other rows of the same page: let it not, or use batch_size=1"
        return BatchFailed(
            f"a batch of the backfill {self.backfill.name} failed: {said}{code}",
            cursor=key_of(shard.cursor),
            where=f"after the key {shard.cursor}" if shard.cursor else "at the first key",
            todo=todo,
        )

    async def _verify(self, target: Target, run: Run, shard: Shard, *, swept: bool, changed: bool) -> None:
        """Finish the run if nothing is left, else send it through the table again, or say why that is of no use."""
        left = await self._left(target, run)
        if left == 0:
            self.run = await self.patience.insist(lambda: checkpoint.finish(self.database, run.id, by=self.by))
            return
        why = "" if changed and self.backfill.where else hopeless(self.backfill, shard, left, swept=swept)
        if why:
            raise BackfillError(
                f"{left} row{'s are' if left != 1 else ' is'} left after pass {shard.pass_number} of the backfill"
                f" {self.backfill.name}: {why}",
                where=f"counted by: {' '.join(remaining(self.backfill, target).text.split())}",
                todo="correct the change, or where= and verify=, and run it again with --accept-change",
            )
        await self.patience.insist(lambda: checkpoint.next_pass(self.database, run.id, _SHARD, after=shard.pass_number))

    async def _left(self, target: Target, run: Run) -> int:
        """Count the dead letters, and return how many rows are left beside them."""
        database, backfill = self.database, self.backfill
        left, self.dead = await self.patience.insist(lambda: left_and_dead(database, backfill, target, run.id))
        return left

    def waiting(self, why: str, left: float | None = None) -> None:
        """Tell whoever listens where the run is, and for what it waits; nothing is counted before there is a run."""
        shard, run, rate = self.shard, self.run, self.meter.rate
        total = run.total if run else None
        scanned = shard.pass_scanned if shard else 0
        self.on_progress(
            Progress(
                name=self.backfill.name,
                pass_number=shard.pass_number if shard else 1,
                scanned=shard.scanned if shard else 0,
                changed=shard.changed if shard else 0,
                pass_scanned=scanned,
                total=total,
                rate=rate,
                seconds_left=max(0, total - scanned) / rate if total is not None and rate else None,
                batch_size=self.pace.size,
                waiting=why,
                waiting_left=left,
                dead=self.dead,
            )
        )

    def report(self) -> RunReport:
        """Return how this call ended."""
        run, shard = self.run, self.shard
        state = run.state if run and (run.over or run.state == "paused") else "stopped"
        return RunReport(
            name=self.backfill.name,
            run=run.number if run else 0,
            state=state,
            reason="" if state == "done" else run.reason if run and state != "stopped" else self.reason,
            scanned=shard.scanned if shard else 0,
            changed=shard.changed if shard else 0,
            unchanged=max(0, shard.paged - shard.changed - self.dead) if shard else 0,
            dead=self.dead,
            passes=shard.pass_number if shard else 0,
            batches=shard.seq if shard else 0,
            here=self.here,
            retries=self.patience.retries,
            seconds=time.monotonic() - self.started,
            started_at=run.started_at if run else "",
            started_by=run.started_by if run else "",
            finished_at=run.finished_at if run else None,
            finished_by=run.finished_by if run else None,
            was_done=self.was_done,
            left=self.left if self.was_done else 0,
            script_changed=self.script_changed and self.was_done,
        )


def _shown_time(iso: str) -> str:
    """Return a time for people: seconds, and that it is UTC."""
    return f"{iso[:19].replace('T', ' ')} UTC"


def _too_long(error: DatabaseError | TransportError) -> bool:
    """Tell whether the batch itself was too large: cancelled by the server, or not answered in the client's time."""
    if isinstance(error, DatabaseError):
        return error.sqlstate == "57014"
    return isinstance(error, RequestTimeout) and error.outcome is Outcome.UNKNOWN
