"""The dead letters of a backfill, tried again after a correction: each once a call, and changed once whatever happens.

A letter's trial is one transaction: the letter is taken away, the change is done for its row, and the batch that this
is stands in the audit. What is sent twice finds the letter gone, or tried once more than it thought. It is fenced as
batches are: from the moment in which a run is paused or cancelled no letter of it is tried any more.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from sendoka.backfills.batch import losses_of, read_page, statements_of
from sendoka.backfills.call import LAST_WORDS
from sendoka.backfills.dates import read_in_iso
from sendoka.backfills.dead_letters import Fault, bury, is_row, list_dead
from sendoka.backfills.events import Actor, note
from sendoka.backfills.fencing import Fence, counted
from sendoka.backfills.order import arranged
from sendoka.backfills.owner import new_owner
from sendoka.backfills.patience import WAITS, Patience, Stopped, is_fenced, is_of_data
from sendoka.backfills.revision import revision_of
from sendoka.backfills.runs import find_run
from sendoka.backfills.shards import read_shard
from sendoka.backfills.stepping import StepFailed, call_step
from sendoka.backfills.target import read_target
from sendoka.backfills.walk import STEP_TIMEOUT
from sendoka.bookkeeping import operator
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import BatchFailed, DatabaseError, SendokaError, TransportError, UnknownBackfill
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills.dead_letters import DeadLetter
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.target import Target
    from sendoka.database.retry import Retry
    from sendoka.database.seam import Database

__all__ = ["RetryReport", "retry_dead"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")
_LEFT_ALONE = Fault(None, "the change left the row as it was")


@dataclass(frozen=True, slots=True)
class RetryReport:
    """What became of the dead letters of the run number `run`: so many were tried, `settled`, and are left.

    Settled is a letter whose row was changed, or is gone, or does not satisfy `where` any more. `letters` are those
    that are left, `dead` is their number. `reason` says why it ended before all were tried: `interrupted`, or that the
    run is `paused by …` or `cancelled by …`. `script_changed` says that the script is not the one that the run goes by.
    """

    name: str
    run: int
    tried: int
    settled: int
    dead: int
    letters: tuple[DeadLetter, ...]
    reason: str = ""
    script_changed: bool = False


async def retry_dead(
    sql: Database,
    backfill: Backfill,
    *,
    step_timeout: float = STEP_TIMEOUT,
    retry: Retry = WAITS,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> RetryReport:
    """Try the dead letters of the newest run of `backfill` again, with the script as it is now.

    A row that can be changed is changed once and its letter is gone; what fails again stays, tried once more. The run
    itself is as done as it was. A script that changed since is what this is for: it is not refused, and the event
    `retried` keeps its checksum; to go on with the run itself it must still be accepted. One that is paused or
    cancelled is left alone. `on_progress` is told how many of how many were tried. The other parameters are as in
    `run`.

    Raises UnknownBackfill for a backfill that was never run, BatchFailed for what no row is at fault for.
    """
    patience = Patience(lambda _: None, stop or _never, retry)
    found = await patience.insist(lambda: find_run(sql, backfill.name))
    if found is None:
        raise UnknownBackfill(
            f"the backfill {backfill.name} was never run on this database", todo=f"sendoka backfill run {backfill.name}"
        )
    letters = await patience.insist(lambda: list_dead(sql, found.id))
    held, tried, reason = _held(found), 0, ""
    if letters and not held:
        work = _Retrial(sql, backfill, found, letters, patience, stop or _never, on_progress or _silent)
        tried, reason = await work.go(step_timeout)
    left = await patience.insist(lambda: list_dead(sql, found.id)) if tried else letters
    settled = _settled(letters[:tried], left)
    changed = found.checksum != backfill.checksum()
    return RetryReport(backfill.name, found.number, tried, settled, len(left), tuple(left), held or reason, changed)


def _held(run: Run) -> str:
    """Return why no letter of the run may be tried; empty where it may."""
    return f"{run.state} {run.reason}" if run.state in {"paused", "cancelled"} else ""


def _settled(tried: list[DeadLetter], left: list[DeadLetter]) -> int:
    kept = {letter.key for letter in left}
    return sum(letter.key not in kept for letter in tried)


@dataclass(slots=True)
class _Retrial:
    """Letters on their way: each is tried once, and what became of them is noted in any case."""

    database: Database
    backfill: Backfill
    run: Run
    letters: list[DeadLetter]
    patience: Patience
    stop: Callable[[], bool]
    on_progress: Callable[[int, int], None]
    tried: int = 0

    async def go(self, step_timeout: float) -> tuple[int, str]:
        """Try the letters; return how many, and why not all of them."""
        insist, backfill = self.patience.insist, self.backfill
        table = await insist(lambda: read_target(self.database, backfill))
        target = arranged(backfill, table, kept=self.run.walk)
        trial = _Trial(self.database, backfill, target, self.run.id, step_timeout)
        by = Actor(operator(), new_owner(), await revision_of(backfill))
        checksum = backfill.checksum()
        await insist(
            lambda: note(self.database, self.run.id, "retried", by=by, checksum=checksum, detail=self._told(None))
        )
        try:
            reason = await self._each(trial)
        finally:
            with contextlib.suppress(SendokaError), anyio.move_on_after(LAST_WORDS, shield=True):
                left = await list_dead(self.database, self.run.id)
                told = self._told(left)
                await note(self.database, self.run.id, "retried", by=by, checksum=checksum, detail=told)
        return self.tried, reason

    def _told(self, left: list[DeadLetter] | None) -> str:
        if left is None:
            return f"{len(self.letters)} dead letters to be tried"
        settled = _settled(self.letters[: self.tried], left)
        return f"{self.tried} of {len(self.letters)} dead letters tried, {settled} settled, {len(left)} left"

    async def _each(self, trial: _Trial) -> str:
        try:
            for letter in self.letters:
                if self.stop():
                    return "interrupted"
                await _insist(trial, letter, self.patience)
                self.tried += 1
                self.on_progress(self.tried, len(self.letters))
        except Stopped:
            return "interrupted"
        except _Held:
            found = await self.patience.insist(lambda: find_run(self.database, self.backfill.name))
            return (_held(found) if found else "") or "it was held for a moment"
        return ""


class _Held(Exception):
    """The run was paused or cancelled, so no letter may be tried. Never leaves `retry_dead`."""


def _silent(_tried: int, _of: int) -> None:
    return None


def _never() -> bool:
    return False


async def _insist(trial: _Trial, letter: DeadLetter, patience: Patience) -> None:
    """Try the letter until its fate is known."""
    while True:
        try:
            known = await trial.attempt(letter)
        except (DatabaseError, TransportError) as error:
            if not await patience.meet(error):
                raise trial.failed(letter, error) from error
        else:
            patience.renew()
            if known:
                return


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is tried again, with what."""

    database: Database
    backfill: Backfill
    target: Target
    run: int
    step_timeout: float

    async def attempt(self, letter: DeadLetter) -> bool:
        """Try a letter's row once; return False where a batch came between, and it is to be tried anew."""
        shard, _ = await read_shard(self.database, self.run, letter.shard)
        if shard.state == "held":
            raise _Held
        place = Fence(self.run, letter.shard, shard.epoch, shard.seq, secrets.token_hex(8), None, 0, 0, False, 0)
        try:
            request = await self._request(letter, shard, place)
            await self.database.run_all(request, _OPTIONS)
        except StepFailed as failed:
            await self._note(letter, Fault.of(failed.error))
        except DatabaseError as error:
            if is_fenced(error, self.database):
                return not await self._stands(letter)  # an earlier send of ours, or a rival, has done it
            if not is_of_data(error):
                raise
            await self._note(letter, Fault.of(error))
        return True

    async def _request(self, letter: DeadLetter, shard: Shard, place: Fence) -> list[Statement]:
        """Return the trial. Where `where` tells that the row is still to be changed, its letter is written anew."""
        changes = [self._change(letter, place)] if self.backfill.sql else await self._steps(letter, shard, place)
        request = [_open(letter, place), *changes]
        if self.backfill.where:
            request.append(
                bury(
                    self.backfill,
                    self.target,
                    run=self.run,
                    shard=letter.shard,
                    seq=shard.seq + 1,
                    key=letter.key,
                    fault=_LEFT_ALONE,
                    attempt=letter.attempt + 1,
                )
            )
        return request

    def _change(self, letter: DeadLetter, place: Fence) -> Statement:
        """Return the change of the SQL form for the one row, counted."""
        text = f"""with sendoka_locked as materialized (
  select {self._columns()} from {self.target.quoted} where {is_row("$4::jsonb", self.target)} and (
{self.backfill.predicate}
  ) for no key update
), page as (
  select l.* from sendoka_locked l where (select count(*) from sendoka_locked) >= 0
), sendoka_change as (
{self.backfill.sql}
returning 1
), sendoka_counted as (select count(*) as changed from sendoka_change), sendoka_shard as (
  update sendoka.backfill_shards b set changed = b.changed + n.changed, pass_changed = b.pass_changed + n.changed
  from sendoka_counted n where run = $1::bigint and shard = $2::int
)
update sendoka.backfill_batches b set changed = b.changed + n.changed
from sendoka_counted n where run = $1::bigint and shard = $2::int and seq = $3::bigint"""
        return Ours(text, (*place.place, letter.key))

    async def _steps(self, letter: DeadLetter, shard: Shard, place: Fence) -> list[Statement]:
        """Return what the step says of the row, counted; nothing for one that is gone."""
        text = f"""select '1' as sendoka_scanned, $1::jsonb::text as sendoka_cursor,
  {ident(self.target.table)}.xmin::text as sendoka_version, {self._columns()}
from {self.target.quoted} where {is_row("$1::jsonb", self.target)} and (
{self.backfill.predicate}
)"""
        result = await read_in_iso(self.database, Statement(text, (letter.key,)), self.target)
        if not result.rows:
            return []
        batch = read_page(result, 1, self.backfill, self.target).batch
        losses, answer = losses_of(batch), None
        if batch.rows:
            answer = await call_step(self.backfill, self.database, batch, self.step_timeout, shard)
        for error in losses.errors.values():
            raise StepFailed(error)
        return [counted(each, place) for each in statements_of(answer, self.backfill, self.database)]

    def _columns(self) -> str:
        return ", ".join(f"{ident(self.target.table)}.{ident(column)}" for column in self.target.columns)

    async def _stands(self, letter: DeadLetter) -> bool:
        """Tell whether the letter is there and was not tried since it was read."""
        text = """select count(*) from sendoka.dead_letters
where run = $1::bigint and key = $2::jsonb and attempt = $3::int"""
        ((count,),) = (await self.database.run(Ours(text, self._same(letter)))).rows
        return count == "1"

    async def _note(self, letter: DeadLetter, fault: Fault) -> None:
        """Note what the row failed with this time, once."""
        text = """update sendoka.dead_letters set attempt = attempt + 1, sqlstate = $4, message = $5,
  at = clock_timestamp() where run = $1::bigint and key = $2::jsonb and attempt = $3::int"""
        await self.database.run(Ours(text, (*self._same(letter), fault.sqlstate, fault.message)))

    def _same(self, letter: DeadLetter) -> tuple[str, str, str]:
        return str(self.run), letter.key, str(letter.attempt)

    def failed(self, letter: DeadLetter, error: DatabaseError | TransportError) -> BatchFailed:
        """Return the error of a trial that no row is at fault for."""
        said = f"{error.message} ({error.sqlstate})" if isinstance(error, DatabaseError) else error.what
        return BatchFailed(
            f"the dead letters of the backfill {self.backfill.name} cannot be tried: {said}",
            where=f"at the key {letter.key}; it and those behind it are as they were",
            todo="correct the script and try them again",
        )


def _open(letter: DeadLetter, place: Fence) -> Statement:
    """Return what begins a trial: the letter taken away and the batch's audit row, which fails where either is not so.

    The checkpoint's row is locked first, as every batch does. Its cursor stays, and what says when it moved.
    """
    text = """with sendoka_place as (
  select s.run, s.shard from sendoka.backfill_shards s
  where s.run = $1::bigint and s.shard = $2::int and s.seq = $3::bigint - 1 and not s.held for update
), sendoka_letter as (
  delete from sendoka.dead_letters d using sendoka_place p
  where d.run = p.run and d.key = $5::jsonb and d.attempt = $6::int returning d.run
), sendoka_fence as (
  update sendoka.backfill_shards b set seq = b.seq + 1, token = $4 from sendoka_place p, sendoka_letter l
  where b.run = p.run and b.shard = p.shard returning b.epoch, b.pass, b.cursor
)
insert into sendoka.backfill_batches (run, shard, seq, epoch, pass, token, cursor, scanned, paged, changed)
values ($1::bigint, $2::int, $3::bigint, (select epoch from sendoka_fence), (select pass from sendoka_fence), $4,
  (select cursor from sendoka_fence), 0, 0, 0)"""
    return Ours(text, (*place.place, place.token, letter.key, str(letter.attempt)))
