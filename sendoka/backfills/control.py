"""Pauses, resumes and cancels a run from anywhere: what is said here holds for the very next batch.

A switch marks the run, and it marks its shards, for whose rows it waits: a batch that is in flight commits first, and
every later one finds its shard held and changes nothing. The run's row is locked before, so that no shard is added, and
so that a batch may still refer to it (a dead letter does): or each would wait for the other.

The shards get a new epoch too: a batch that was refused, and looks only after the run was resumed, sees that it was.

A switch says which one came before it, and holds only there: a pause that is delivered late, when the run was resumed
long ago, does not pause it again. Where others switched it meanwhile, it is looked at anew.
"""

# ruff: noqa: S608 - what is put into the texts is constant

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.log import known_run
from sendoka.backfills.owner import new_owner
from sendoka.backfills.runs import locked
from sendoka.bookkeeping import operator
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import BackfillError

if TYPE_CHECKING:
    from sendoka.database.seam import Database

__all__ = ["Switched", "cancel", "pause", "resume"]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted", idempotent=True)
_SWITCHES = "('paused', 'resumed', 'cancelled')"


@dataclass(frozen=True, slots=True)
class Switched:
    """What became of a run: `state` is `paused`, `resumed` or `cancelled`, or what it was where nothing `changed`."""

    name: str
    run: int
    state: str
    changed: bool


async def pause(sql: Database, name: str) -> Switched:
    """Let no batch of the backfill `name` be done from now on, until `resume`. Returns when none is in flight any more.

    Whoever runs it waits, up to a deadline; who comes later is told, and leaves. Pausing twice changes nothing.
    Raises UnknownBackfill where it was never run, BackfillError where its run is done or cancelled.
    """
    return await _switch(sql, name, "paused", from_states=("running", "stopped", "failed"))


async def resume(sql: Database, name: str) -> Switched:
    """Let a paused backfill go on: who waits for that does, else the next `run`. It changes no other run.

    Raises UnknownBackfill where it was never run, BackfillError where its run is done or cancelled.
    """
    return await _switch(sql, name, "resumed", from_states=("paused",))


async def cancel(sql: Database, name: str) -> Switched:
    """End the run of the backfill `name` for good. What it changed stays; a new run begins with `run(…, again=True)`.

    Raises UnknownBackfill where it was never run, BackfillError where its run is done.
    """
    return await _switch(sql, name, "cancelled", from_states=("running", "stopped", "failed", "paused"))


async def _switch(sql: Database, name: str, event: str, *, from_states: tuple[str, ...]) -> Switched:
    run, by = await known_run(sql, name), new_owner()
    while True:
        seen = await _last_switch(sql, run.id)
        state, count, others = await _try_switch(sql, run.id, event, from_states=from_states, seen=seen, by=by)
        if count or not others:
            break
    if not count and state in {"done", "cancelled"} and state != event:
        raise BackfillError(
            f"the run of the backfill {name} is {state}, so it cannot be {event}",
            where=f"run {run.number}; nothing was changed",
            todo=f"start a new run: sendoka backfill run {name} --again",
        )
    return Switched(name, run.number, event if count else state, bool(count))


async def _last_switch(sql: Database, run: int) -> str:
    """Return the number of the run's last switch, 0 before the first."""
    text = f"select coalesce(max(id), 0) from sendoka.backfill_events where run = $1::bigint and event in {_SWITCHES}"
    ((number,),) = (await sql.run(Ours(text, (str(run),)))).rows
    return str(number)


async def _try_switch(
    sql: Database, run: int, event: str, *, from_states: tuple[str, ...], seen: str, by: str
) -> tuple[str, int, int]:
    """Switch the run, unless it was switched since the one that was `seen` last.

    Return the state before, how many switches are our own (`by`), and how many others came since. Sent twice it holds
    once, and delivered late it finds the switch that was made meanwhile, if only by its own twin.
    """
    text = f"""with sendoka_before as (
  select id, state from sendoka.backfill_runs where id = $1::bigint for no key update
), sendoka_since as materialized (
  select id, coalesce(runner = $9, false) as ours from sendoka.backfill_events
  where run = $1::bigint and id > $8::bigint and event in {_SWITCHES}
), sendoka_switched as (
  update sendoka.backfill_runs r set state = $3, noted_at = clock_timestamp(), reason = $4
  from sendoka_before b where r.id = b.id and b.state = any($5::text[])
    and not exists (select from sendoka_since) returning r.id
), sendoka_shards as materialized (
  select s.run, s.shard from sendoka.backfill_shards s join sendoka_switched w on s.run = w.id
  order by s.shard for update of s
), sendoka_held as (
  update sendoka.backfill_shards s set held = $6::boolean, epoch = s.epoch + 1, owner = null, lease_until = null
  from sendoka_shards t where s.run = t.run and s.shard = t.shard
), sendoka_told as (
  insert into sendoka.backfill_events (run, event, operator, runner) select id, $2, $7, $9 from sendoka_switched
)
select state, (select count(*) from sendoka_switched) + (select count(*) from sendoka_since where ours),
  (select count(*) from sendoka_since where not ours) from sendoka_before"""
    who = operator() or "somebody"
    goes_on = event == "resumed"
    state, reason = ("stopped", f"resumed by {who}, and nobody runs it yet") if goes_on else (event, f"by {who}")
    states = "{" + ",".join(from_states) + "}"
    params = (str(run), event, state, reason, states, "false" if goes_on else "true", who, seen, by)
    _, result = await sql.run_all([locked("id = $1::bigint", str(run)), Ours(text, params)], _OPTIONS)
    ((before, count, others),) = result.rows
    return str(before), int(count or 0), int(others or 0)
