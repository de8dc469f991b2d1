"""The begin of a call: which run it goes on with, or makes, and whether it may."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from sendoka.backfills import runs
from sendoka.backfills.after import check_after, unfinished
from sendoka.backfills.dead_letters import count_dead, prepare
from sendoka.backfills.keys import looked_at
from sendoka.backfills.left import left_and_dead
from sendoka.backfills.order import arranged, walked
from sendoka.backfills.owner import new_owner
from sendoka.backfills.patience import rest
from sendoka.backfills.revision import revision_of
from sendoka.backfills.shards import read_shards, read_totals
from sendoka.backfills.soundness import warnings_of
from sendoka.backfills.split import split
from sendoka.backfills.target import estimate, read_target
from sendoka.backfills.trial import PATIENCE, check_change
from sendoka.errors import BackfillChanged, BackfillError, DatabaseError
from sendoka.phrases import moment

if TYPE_CHECKING:
    from sendoka.backfills.call import Call
    from sendoka.backfills.order import Walked
    from sendoka.backfills.runs import Run
    from sendoka.backfills.target import Target

__all__ = ["find", "open_run", "wait_while_paused"]

_TRIAL = 0.1
"""The part of a deadline that trying the change may take, where the run is a new one."""

_LOOK_EVERY = 1.0
"""Seconds between two looks at whether a paused run may go on."""


async def find(call: Call) -> bool:
    """Find the newest run, and return whether there is anything to do: it may be done, paused or cancelled."""
    call.run = run = await call.insist(lambda: runs.find_run(call.database, call.backfill.name))
    again = call.terms.again
    if run and run.state == "done":
        await _look_back(call, run)
        call.was_done = not again or not (call.left or call.dead)
        return not call.was_done
    if run and (run.state == "paused" or (run.state == "cancelled" and not again)):
        call.reason = run.state
        return False
    return True


async def open_run(call: Call, table: Target) -> bool:
    """Make the run, or check that it is ours to go on with. Return whether its script changed.

    Raises BackfillError where a backfill that it comes after is not done, BackfillChanged for another script than it
    was begun with, unless that is accepted.
    """
    check_after(call.backfill, await call.insist(lambda: unfinished(call.database, call.backfill)))
    checksum = call.backfill.checksum()
    target = arranged(call.backfill, table, call.terms.order, await _order(call, table))
    call.by = replace(call.by, revision=await revision_of(call.backfill))
    run = call.run
    if run is None or run.over:
        call.run = run = await _new_run(call, target, checksum)
        call.dead = 0  # those of the run before are not its own
    else:
        number = run.id
        call.dead = await call.insist(lambda: prepare(call.database, number))
    changed = run.checksum != checksum
    if changed and not call.terms.accept_change:
        await _refuse_change(call, run, checksum)
    call.walked = walked(target)
    await _begin(call, run, checksum)
    for worker in call.workers:
        worker.pace.resume(run.rate)
    return changed or call.terms.accept_change


async def wait_while_paused(call: Call, run: Run) -> None:
    """Wait until a run that somebody paused may go on; set the reason where that will never be."""
    name = call.backfill.name
    while True:
        found = await call.insist(lambda: runs.find_run(call.database, name))
        call.run = found = found if found and found.id == run.id else replace(run, state="cancelled")
        if found.over:
            call.reason = found.state if found.state == "cancelled" else ""
            return
        if found.state != "paused":
            checksum = call.backfill.checksum()
            # What was accepted is going on from the script that the run had when this call came to it.
            if found.checksum not in {checksum, run.checksum if call.terms.accept_change else checksum}:
                await _refuse_change(call, found, checksum)
            if await _begin(call, found, checksum):
                return
        call.waiting(f"it is paused {found.reason}; let it go on with: sendoka backfill resume {name}")
        await rest(_LOOK_EVERY, call.stop)


async def _order(call: Call, table: Target) -> Walked | None:
    """Return the order of the run that goes on, None where one may be chosen: nothing was done by it yet."""
    run = call.run
    if run is None or run.over:
        return None
    if run.checksum != call.backfill.checksum():
        totals = await call.insist(lambda: read_totals(call.database, run.id))
        if totals.seq == 0:
            return None
    return run.walk or walked(table)


async def _look_back(call: Call, run: Run) -> None:
    """Read how a finished run ended, and what is to be done by now; a table that is gone has nothing."""
    database, backfill = call.database, call.backfill
    call.keep(await call.insist(lambda: read_shards(database, run.id)))
    call.script_changed = run.checksum != backfill.checksum()
    call.dead = await call.insist(lambda: count_dead(database, run.id))
    call.left = None
    with contextlib.suppress(BackfillError, DatabaseError):
        table = await call.insist(lambda: read_target(database, backfill))
        call.left, call.dead = await call.insist(lambda: left_and_dead(database, backfill, table, run.id))


async def _new_run(call: Call, target: Target, checksum: str) -> Run:
    database, name = call.database, call.backfill.name
    number = (call.run.number if call.run else 0) + 1
    call.warn(warnings_of(target))
    total = None if call.backfill.keys is not None else (await call.insist(lambda: estimate(database, target))).rows
    parts = 1 if target.source or call.backfill.keys is not None else call.terms.parts(total)
    bounds = await call.insist(lambda: split(database, target, parts, total))
    seconds = max(0.0, min(PATIENCE, call.seconds_left * _TRIAL)) if call.terms.deadline is not None else PATIENCE
    await check_change(database, call.backfill, await looked_at(database, call.backfill, target), seconds=seconds)
    return await call.insist(
        lambda: runs.open_run(
            database, name, checksum, number=number, total=total, by=call.by, walk=walked(target), bounds=bounds
        )
    )


async def _begin(call: Call, run: Run, checksum: str) -> bool:
    """Note that this process goes on with the run; return False where it may not, for it is paused or over."""
    call.by = replace(call.by, runner=new_owner())
    walk = call.walked
    assert walk is not None  # noqa: S101 - open_run() chose it
    accept = call.terms.accept_change
    kept = await call.insist(lambda: runs.begin(call.database, run, checksum, by=call.by, walk=walk, accept=accept))
    call.walked, call.begun = kept or walk, kept is not None
    return call.begun


async def _refuse_change(call: Call, run: Run, checksum: str) -> None:
    """Raise BackfillChanged, unless nothing was done by the former script yet."""
    totals = await call.insist(lambda: read_totals(call.database, run.id))
    if totals.seq == 0:
        return
    raise BackfillChanged(
        f"the script of the backfill {run.name} changed since its run was started {moment(run.started_at)}",
        where=f"the run began with {run.checksum[:12]}, the script is now {checksum[:12]}",
        todo="restore the script, or go on with the new one: --accept-change (accept_change=True)",
    )
