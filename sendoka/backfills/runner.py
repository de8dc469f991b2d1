"""Runs a backfill from where it stands until it is done and verified, or until it must stop."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from sendoka.backfills import runs
from sendoka.backfills.after import check_after_itself
from sendoka.backfills.call import Call
from sendoka.backfills.dead_letters import MAX_DEAD, count_dead
from sendoka.backfills.declare import Backfill
from sendoka.backfills.left import hopeless, left_and_dead, of_others, of_ours, remaining
from sendoka.backfills.limits import Limits
from sendoka.backfills.listing import list_keys
from sendoka.backfills.opening import find, open_run, wait_while_paused
from sendoka.backfills.order import arranged
from sendoka.backfills.pace import FIRST, FIRST_OF_STEP, MOST, Pace
from sendoka.backfills.patience import WAITS, Stopped
from sendoka.backfills.shards import read_shards
from sendoka.backfills.sweep import Sweep
from sendoka.backfills.target import listed, read_target
from sendoka.backfills.terms import Terms
from sendoka.backfills.walk import LEASE, STEP_TIMEOUT
from sendoka.backfills.workers import Workers
from sendoka.courtesy import settled
from sendoka.database.seam import Database
from sendoka.errors import BackfillError, BackfillRunning, InvalidBackfill, SendokaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sendoka.backfills.fleet import Fleet
    from sendoka.backfills.report import Progress, RunReport
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.target import Target
    from sendoka.database.retry import Retry

__all__ = ["run"]


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
    rate: str | float | None = None,
    wal_budget: str | None = None,
    between: str | None = None,
    tz: str | None = None,
    yields: Mapping[str, str] | None = None,
    vacuum: bool = True,
    lease: float = LEASE,
    retry: Retry = WAITS,
    workers: int = 1,
    shards: int | None = None,
    dask: Any = None,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Run `backfill` from where it stands; return once it is done and verified, or had to stop.

    sql: the client, `neon(url)`; a step in Python is given it.
    batch_size: rows scanned a batch; by default it starts at 1,000 and adapts to half a second a batch.
    deadline: seconds within which this call is over, done or not; what it did stays, and the next call goes on. Batches
        are made small enough for it, so that a call gets something done. The last fifth, two seconds at most, is for
        giving back what it holds and noting how it ended.
    accept_change: go on although the script changed since the run was started.
    again: start a new run where the last one is done and rows are to be done again; the old one is kept for the audit.
    max_dead: how many rows that cannot be changed the run may leave out, as dead letters, in all; 0 stops it at the
        first one. It stops at ten as long as no row went well.
    step_timeout: seconds that a step in Python may take for one page.
    order: `key`, `created` or `strided`, instead of the declaration's or the one that suits the table; it holds for the
        whole of a run.
    rate: rows scanned a second at most, over all workers of this call: `2000/s`, or the number.
    wal_budget: bytes of WAL a second at most that the server writes, whoever makes them: `20MB/s`.
    between: the hours of the day in which batches are done, `01:00-05:00`, over midnight too; by the database's clock.
    tz: whose clocks `between` is of, `Europe/Oslo`.
    yields: what it yields to, by name: `{"vacuum": "off", "transactions": "30min"}`; `{"all": "off"}` for nothing.
        Otherwise it makes room for lock waiters, old transactions, vacuum, standbys, Neon's storage, and readers of the
        table, for a bounded time each.
    vacuum: whether the table is vacuumed after every tenth of it, where it is walked in the order of its rows on disk,
        the change updates it, and the role may do so.
    lease: seconds for which a step holds its rows against other runners; renewed as long as the process lives.
    retry: how often in a row, and how long, a failure that may pass is waited for.
    workers: how many batches are done at once, each in a shard of its own. Other processes may run the same backfill
        too, and share its shards.
    shards: into how many ranges of about as many rows a new run splits its table, by default four a worker, and one
        where there is one worker. A run that goes on keeps its own.
    dask: the address of a scheduler of dask.distributed, `tcp://host:8786`, or its Client or cluster: its workers do
        the batches, a shard a task, instead of this process.
    stop: asked before each batch and while it waits; True ends the call there.
    on_progress: called after each batch, and whenever the run waits; at the end once more where rows were left out
        that it was not told of.

    Every row is changed once, whatever is killed or cut on the way, and however many runners there are. A run that is
    done is left alone unless `again` is given, and the report says when it was done and how many rows are left now; so
    is one that is cancelled. One that is paused is left alone in any case; one that is paused meanwhile is waited for.
    Raises InvalidBackfill for what is no backfill, BackfillError for a declaration that does not fit the database and
    for rows that are left when no pass helps, BackfillChanged for another script than the run was
    started with, BackfillRunning where another process holds it, BatchFailed for a batch that cannot be done, and
    FleetFailed where dask= has no workers to give, or loses them.
    """
    if not isinstance(backfill, Backfill):
        raise InvalidBackfill(f"{backfill!r} is no backfill: it has neither sql= nor a step")
    if not isinstance(sql, Database):
        raise TypeError(f"a backfill runs on a client, neon(url), not on a {type(sql).__name__}")
    check_after_itself(backfill)
    limits = Limits.of(rate=rate, wal_budget=wal_budget, between=between, tz=tz, yields=yields)
    bounds = (max_dead, step_timeout, order, lease, retry, workers, shards)
    terms = Terms(batch_size, deadline, accept_change, again, *bounds, limits, vacuum)
    terms.check_shards(backfill)
    first = FIRST if backfill.sql else FIRST_OF_STEP
    pace = Pace(batch_size or first, fixed=batch_size is not None, most=MOST)
    told = (stop or _never, on_progress)
    if dask is None:
        call = Call(sql, backfill, terms, pace, *told)
        with settled() if backfill.step else contextlib.nullcontext():  # in SQL no rows come and go here
            await _Running(call).run()
        return call.report()
    from sendoka.backfills.fleet import gathered

    began = time.monotonic()
    async with gathered(dask, sql, backfill, terms) as fleet:
        call = Call(sql, backfill, replace(terms, workers=max(1, fleet.slots)), pace, *told, started=began)
        await _Running(call, fleet).run()
    return call.report()


def _never() -> bool:
    return False


class _Running:
    """A call of `run` on its way: passes over the table, a count after each, and a last word in any case."""

    def __init__(self, call: Call, fleet: Fleet | None = None) -> None:
        self._call = call
        self._fleet = fleet
        self._sweeps = [Sweep(call, worker) for worker in call.workers]

    async def run(self) -> None:
        """Do it, and note how it ended."""
        call = self._call
        try:
            with anyio.move_on_after(call.seconds_left) as scope:
                await self._go()
            if scope.cancelled_caught:
                call.reason = "deadline"
        except Stopped:
            call.reason = "interrupted"
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
        await self._end("stopped", call.reason)

    async def _end(self, state: str, reason: str) -> None:
        """Note how this call ended, as far as that can be done in a moment, and read what the report needs."""
        call = self._call
        if call.reason == "deadline":
            for sweep in self._sweeps:
                sweep.cut()
        run = call.run
        if run is None or call.was_done:
            return
        with contextlib.suppress(SendokaError), anyio.move_on_after(call.last_words(), shield=True):
            if call.begun and run.state != "done":
                rates = [worker.pace.rate for worker in call.workers if worker.pace.rate]
                rate = sum(rates) / len(rates) if rates else None
                await runs.note_end(call.database, run.id, state=state, reason=reason, rate=rate, by=call.by)
            if state != "failed":
                call.keep(await read_shards(call.database, run.id))
                call.dead = await count_dead(call.database, run.id)
                if call.dead and len(call.parts) > 1:
                    await call.teller.count_dead(run.id)
                call.teller.correct()

    async def _go(self) -> None:
        """Do passes until the backfill is verified, or something says stop."""
        call = self._call
        if not await find(call):
            return
        table = await call.insist(lambda: read_target(call.database, call.backfill))
        changed = await open_run(call, table)
        swept = False
        while call.run and not call.run.over:
            if not call.begun:  # it was paused just then
                await wait_while_paused(call, call.run)
                continue
            target = arranged(call.backfill, table, call.terms.order, call.walked)  # a rival may have made the run
            if call.backfill.keys is not None:
                # Each time: another script that began before anything was done may have made the run anew.
                if not await list_keys(call, call.run, target):
                    await wait_while_paused(call, call.run)
                    if call.reason:
                        return
                    continue
                target = listed(call.backfill, target, call.run.id)
            swept = await self._pass(target, call.run) or swept
            shard = call.shard
            assert shard is not None  # noqa: S101 - a run has shards
            if not call.reason and shard.state == "held":
                await wait_while_paused(call, call.run)
                continue
            if call.reason:
                return
            if shard.state == "scanned":
                await self._verify(target, call.run, shard, swept=swept, changed=changed)
                changed = False

    async def _pass(self, target: Target, run: Run) -> bool:
        """Scan all shards, as far as that is possible here; return whether any batch was done."""
        call = self._call
        call.forecast.skip(time.monotonic())
        await self._look(run)
        if self._fleet is not None:
            return await self._fleet.work(call, target, run)
        if len(call.parts) > 1 or len(self._sweeps) > 1:
            return await Workers(call, self._sweeps, target, run).work()
        (part,) = call.parts.values()
        sweep = self._sweeps[0]
        if call.backfill.step is None:
            # Who changed the script raised the epoch: the one that was read may be theirs. A step claims its shard.
            await call.insist(sweep.work(target, run, part.number, "").check_script)
        swept = await sweep.over(target, run, part)
        if swept:
            await self._look(run)  # others may have split it
        return swept

    async def _look(self, run: Run) -> None:
        call = self._call
        call.keep(await call.insist(lambda: read_shards(call.database, run.id)))

    async def _verify(self, target: Target, run: Run, shard: Shard, *, swept: bool, changed: bool) -> None:
        """Finish the run if nothing is left, else send it through the table again, or say why that is of no use."""
        call, database, backfill = self._call, self._call.database, self._call.backfill
        left, call.dead = await call.insist(lambda: left_and_dead(database, backfill, target, run.id))
        if left == 0:
            call.run = await call.insist(lambda: runs.finish(database, run.id, after=shard.pass_number, by=call.by))
            return
        others = await call.insist(lambda: of_others(database, backfill, target, run.id, left, shard))
        ours = await call.insist(lambda: of_ours(database, backfill, target, run.id, shard))
        given = changed and backfill.where  # what the former script left to be done may be done by this one
        why = "" if given else hopeless(backfill, shard, left, swept=swept, others=others, ours=ours)
        if why:
            raise BackfillError(
                f"{left} row{'s are' if left != 1 else ' is'} left after pass {shard.pass_number} of the backfill"
                f" {backfill.name}: {why}",
                where=f"counted by: {' '.join(remaining(backfill, target).text.split())}",
                todo="correct the change, or where= and verify=, and run it again with --accept-change",
            )
        await call.insist(lambda: runs.next_pass(database, run.id, after=shard.pass_number))
        call.run = await call.insist(lambda: runs.read_run(database, run.id))  # a rival may have found it done
