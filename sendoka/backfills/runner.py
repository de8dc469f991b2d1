"""Runs a backfill from where it stands until it is done and verified, or until it must stop."""

from __future__ import annotations

import getpass
import math
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills import checkpoint
from sendoka.backfills.change_walk import ChangeWalk
from sendoka.backfills.declare import Backfill
from sendoka.backfills.pace import FIRST, Pace
from sendoka.backfills.patience import WAITS, Patience
from sendoka.backfills.report import Meter, Progress, RunReport
from sendoka.backfills.statements import remaining
from sendoka.backfills.step_walk import StepWalk
from sendoka.backfills.target import Target, estimate, read_target
from sendoka.backfills.walk import LEASE, WalkOf, key_of
from sendoka.database.seam import Database
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed, DatabaseError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.checkpoint import Run, Shard
    from sendoka.backfills.walk import Walk
    from sendoka.database.retry import Retry

__all__ = ["run"]

_SHARD = 0  # a run has one shard so far
_MARGIN = 1.3
"""A batch is begun only if this many times its usual duration is left before the deadline."""


async def run(
    sql: Database,
    backfill: Backfill,
    *,
    batch_size: int | None = None,
    deadline: float | None = None,
    accept_change: bool = False,
    lease: float = LEASE,
    retry: Retry = WAITS,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Run `backfill` from where it stands; return once it is done and verified, or had to stop.

    sql: the client, `neon(url)`; a step in Python is given it.
    batch_size: rows scanned a batch; by default it starts at 1,000 and adapts to half a second a batch.
    deadline: seconds after which this call is over, done or not; what it did stays, and the next call goes on.
    accept_change: go on although the script changed since the run was started.
    lease: seconds for which a step holds its rows against other runners; renewed as long as the process lives.
    retry: how often in a row, and how long, a failure that may pass is waited for.
    stop: asked before each batch; True ends the call there.
    on_progress: called after each batch, and whenever the run waits.

    Every row is changed once, whatever is killed or cut on the way, and however many runners there are. A run that is
    done is left alone, and the report says when it was done. Raises BackfillError for a declaration that does not fit
    the database and for rows that are left when no pass helps, BackfillChanged for another script than the run was
    started with, BackfillRunning where another process holds it, BatchFailed for a batch that cannot be done.
    """
    if not isinstance(backfill, Backfill):
        raise BackfillError(f"{backfill!r} is no backfill: it has neither sql= nor a step")
    if not isinstance(sql, Database):
        raise TypeError(f"a backfill runs on a client, neon(url), not on a {type(sql).__name__}")
    if batch_size is not None and batch_size < 1:
        raise BackfillError(f"a batch of {batch_size} rows is none; batch_size is 1 or more")
    pace = Pace(batch_size or FIRST, fixed=batch_size is not None)
    running = _Running(sql, backfill, pace, stop or _never, on_progress or _silent, lease, retry)
    running.until = math.inf if deadline is None else running.started + deadline
    with anyio.move_on_after(deadline) as scope:
        await running.go(accept_change=accept_change)
    if scope.cancelled_caught:
        running.reason = "deadline"
    return running.report()


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
    rate: float | None = None
    reason: str = ""
    was_done: bool = False
    run: Run | None = None
    shard: Shard | None = None
    patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        self.patience = Patience(self.waiting, self.retry)

    async def go(self, *, accept_change: bool) -> None:
        """Do passes until the backfill is verified, or something says stop."""
        name, insist = self.backfill.name, self.patience.insist
        self.run = await insist(lambda: checkpoint.find_run(self.database, name))
        if self.run and self.run.state == "done":
            self.was_done = True
            self.shard = await self._look(self.run)
            return
        target = await insist(lambda: read_target(self.database, self.backfill))
        changed = await self._open(target, accept_change=accept_change)
        swept = False
        while self.run and self.run.state != "done":
            self.shard = await self._look(self.run)
            swept = await self._pass(target, self.run, self.shard) or swept
            if self.reason:
                return
            await self._verify(target, self.run, self.shard, swept=swept, changed=changed)
            changed = False

    async def _open(self, target: Target, *, accept_change: bool) -> bool:
        """Make the run, or check that it is ours to go on with. Return whether its script changed."""
        name, checksum, insist = self.backfill.name, self.backfill.checksum(), self.patience.insist
        if self.run is None:
            total = await insist(lambda: estimate(self.database, target))
            operator = _operator()
            self.run = await insist(
                lambda: checkpoint.open_run(self.database, name, checksum, total=total, operator=operator)
            )
        found = self.run
        if found.checksum == checksum:
            return False
        if not accept_change:
            raise BackfillChanged(
                f"the script of the backfill {name} changed since its run was started {found.started_at}",
                where=f"the run began with {found.checksum[:12]}, the script is now {checksum[:12]}",
                todo="restore the script, or go on with the new one: --accept-change (accept_change=True)",
            )
        await insist(lambda: checkpoint.accept(self.database, found, checksum))
        return True

    async def _look(self, run: Run) -> Shard:
        shard, _ = await self.patience.insist(lambda: checkpoint.read_shard(self.database, run.id, _SHARD))
        return shard

    async def _pass(self, target: Target, run: Run, shard: Shard) -> bool:
        """Do batches until the shard is scanned; return whether any was done here."""
        if shard.state != "running":
            return False
        work = WalkOf(self.database, self.backfill, target, run.id, _SHARD, self.waiting, self.lease)
        walk: Walk = StepWalk(work, shard) if self.backfill.step else ChangeWalk(work, shard)
        try:
            while shard.state == "running":
                self.reason = self._stops()
                if self.reason:
                    break
                shard = self.shard = await self._batch(walk, shard)
        finally:
            with anyio.move_on_after(2, shield=True):
                await walk.stop()
        return True

    def _stops(self) -> str:
        if self.stop():
            return "interrupted"
        return "deadline" if time.monotonic() + _MARGIN * self.pace.expected > self.until else ""

    async def _batch(self, walk: Walk, before: Shard) -> Shard:
        """Do one batch, however often it must be sent."""
        while True:
            began, size = time.monotonic(), self.pace.size
            try:
                shard = await walk.batch(size)
            except (DatabaseError, TransportError) as error:
                if isinstance(error, DatabaseError) and error.sqlstate == "57014":
                    self.pace.shrink()
                if not await self.patience.meet(error):
                    raise self._failed(error, before) from error
                continue
            self.patience.renew()
            scanned = max(0, shard.scanned - before.scanned)
            self.pace.note(min(scanned, size), time.monotonic() - began)
            self.rate = self.meter.add(scanned)
            self.shard = shard
            self.waiting("")
            return shard

    def _failed(self, error: DatabaseError | TransportError, shard: Shard) -> BatchFailed:
        said = error.message if isinstance(error, DatabaseError) else error.what
        code = f" ({error.sqlstate})" if isinstance(error, DatabaseError) else ""
        todo = "correct it and run it again; it goes on where it stands"
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
        left = await self._left(target)
        if left == 0:
            self.run = await self.patience.insist(
                lambda: checkpoint.finish(self.database, run.id, operator=_operator())
            )
            return
        why = "" if changed and self.backfill.where else _hopeless(self.backfill, shard, left, swept=swept)
        if why:
            raise BackfillError(
                f"{left} row{'s are' if left != 1 else ' is'} left after pass {shard.pass_number} of the backfill"
                f" {self.backfill.name}: {why}",
                where=f"counted by: {' '.join(remaining(self.backfill, target).text.split())}",
                todo="correct the change, or where= and verify=, and run it again with --accept-change",
            )
        await self.patience.insist(lambda: checkpoint.next_pass(self.database, run.id, _SHARD, after=shard.pass_number))

    async def _left(self, target: Target) -> int:
        query = remaining(self.backfill, target)
        try:
            rows = (await self.patience.insist(lambda: self.database.run(query))).rows
            ((count,),) = rows
            return int(count or "")
        except ValueError:
            raise BackfillError(
                f"the verify query of the backfill {self.backfill.name} must return one number",
                where=query.text,
                todo="write select count(*) from …",
            ) from None

    def waiting(self, why: str) -> None:
        """Tell whoever listens where the run is, and for what it waits."""
        shard, run = self.shard, self.run
        if shard is None or run is None:
            return
        left = None if run.total is None else max(0, run.total - shard.pass_scanned)
        self.on_progress(
            Progress(
                run.name,
                shard.pass_number,
                shard.scanned,
                shard.changed,
                shard.pass_scanned,
                run.total,
                self.rate,
                left / self.rate if left is not None and self.rate else None,
                self.pace.size,
                why,
            )
        )

    def report(self) -> RunReport:
        """Return how this call ended."""
        run, shard = self.run, self.shard
        done = run is not None and run.state == "done"
        return RunReport(
            name=self.backfill.name,
            run=run.number if run else 0,
            state="done" if done else "stopped",
            reason="" if done else self.reason,
            scanned=shard.scanned if shard else 0,
            changed=shard.changed if shard else 0,
            unchanged=max(0, shard.paged - shard.changed) if shard else 0,
            passes=shard.pass_number if shard else 0,
            batches=shard.seq if shard else 0,
            retries=self.patience.retries,
            seconds=time.monotonic() - self.started,
            started_at=run.started_at if run else "",
            started_by=run.started_by if run else "",
            finished_at=run.finished_at if run else None,
            finished_by=run.finished_by if run else None,
            was_done=self.was_done,
        )


def _hopeless(backfill: Backfill, shard: Shard, left: int, *, swept: bool) -> str:
    """Say why another pass is of no use, or nothing where it may help: late commits, rows somebody held back."""
    if backfill.where is None:
        return "its rows have no where=, so another pass would change every row again"
    if shard.pass_changed == 0:
        return "a whole pass changed nothing" if swept else ""
    if shard.pass_paged <= left:
        return "the change does not make where= false"
    return ""


def _operator() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
