"""The runs of a backfill, kept in the database: each is made once, gone on with by whoever comes, and ended once."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.order import Walked
from sendoka.backfills.tables import MISSING, TABLES
from sendoka.bookkeeping import ensure
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.events import Actor
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Statement

__all__ = [
    "RUN_COLUMNS",
    "Run",
    "begin",
    "find_run",
    "finish",
    "locked",
    "next_pass",
    "note_end",
    "note_wait",
    "open_run",
    "read_run",
    "run_of",
]

_OPTIONS = TransactionOptions(isolation_level="ReadCommitted")
_IDEMPOTENT = TransactionOptions(isolation_level="ReadCommitted", idempotent=True)
_LARGEST = 2**31 - 1
"""No run has a larger number."""
_UTC = """to_char({} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a backfill.

    Times are ISO 8601 in UTC; `total` is about how many rows the table had, if known. `state` is what was noted last:
    `running`, `stopped`, `failed`, `paused`, `cancelled` (these with their `reason`) or `done`; who is killed notes
    nothing. `runner` is the process that began last, `rate` how many rows a second were scanned when it ended,
    `revision` the git revision of the script when the run began, None where there was none, `walk` the order in which
    it walks.
    """

    id: int
    name: str
    number: int
    checksum: str
    state: str
    total: int | None
    started_at: str
    started_by: str
    finished_at: str | None
    finished_by: str | None
    reason: str
    runner: str | None
    rate: float | None
    revision: str | None
    walk: Walked | None = None

    @property
    def over(self) -> bool:
        """Whether no batch of it will be done any more."""
        return self.state in {"done", "cancelled"}


RUN_COLUMNS = f"""id, name, number, checksum, state, total,
  {_UTC.format("started_at")}, started_by, {_UTC.format("finished_at")}, finished_by, reason, runner, rate,
  revision, walk::text"""


def run_of(cells: Cells) -> Run:
    """Return the run whose columns are `RUN_COLUMNS`."""
    number, name, count, checksum, state, total, started_at, started_by, finished_at, finished_by, *noted = cells
    reason, runner, rate, revision, walk = noted
    return Run(
        int(number or 0),
        str(name),
        int(count or 0),
        str(checksum),
        str(state),
        None if total is None else int(total),
        str(started_at),
        str(started_by),
        finished_at,
        finished_by,
        reason or "",
        runner,
        None if rate is None else float(rate),
        revision,
        None if walk is None else Walked.of(json.loads(walk)),
    )


async def _rows(database: Database, text: str, *params: str | None) -> list[Cells]:
    return (await database.run(Ours(text, params))).rows


async def find_run(database: Database, name: str, number: int | None = None) -> Run | None:
    """Return the newest run of `name`, or the one with this number; None where there is none, or none of our tables."""
    text = f"""select {RUN_COLUMNS} from sendoka.backfill_runs
where name = $1 and ($2::int is null or number = $2::int) order by number desc limit 1"""
    if number is not None and number > _LARGEST:
        return None
    try:
        rows = await _rows(database, text, name, None if number is None else str(number))
    except DatabaseError as error:
        if error.sqlstate in MISSING:
            return None
        raise
    return run_of(rows[0]) if rows else None


async def open_run(
    database: Database,
    name: str,
    checksum: str,
    *,
    number: int,
    total: int | None,
    by: Actor,
    walk: Walked | None = None,
    bounds: Sequence[str] = (),
) -> Run:
    """Return the run `number` of `name`, or a newer one; it is made if missing. Two that open at once get the same.

    bounds: where its shards meet, as `split` gives it; without, it has one.
    """
    shards = len(bounds) + 1
    await ensure(database, TABLES)
    make = (
        Ours(
            "insert into sendoka.backfill_runs (name, number, checksum, total, started_by, revision, walk)"
            " values ($1, $5::int, $2, $3::bigint, $4, $6, $7::jsonb) on conflict (name, number) do nothing",
            (
                name,
                checksum,
                None if total is None else str(total),
                by.operator,
                str(number),
                by.revision,
                None if walk is None else json.dumps(walk.as_json()),
            ),
        ),
        Ours(
            # Who comes second to the run waited for the first, and sees here the shards that it made: these hold.
            """insert into sendoka.backfill_shards (run, shard, lower, upper, about)
select r.id, n, case when n > 0 then $3::jsonb -> (n - 1) end, $3::jsonb -> n, $4::bigint
from sendoka.backfill_runs r cross join generate_series(0, jsonb_array_length($3::jsonb)) n
where r.name = $1 and r.number = $2::int
  and not exists (select from sendoka.backfill_shards s where s.run = r.id)""",
            (name, str(number), f"[{', '.join(bounds)}]", None if total is None else str(total // shards)),
        ),
        Ours(
            f"select {RUN_COLUMNS} from sendoka.backfill_runs where name = $1 order by number desc limit 1",
            (name,),
        ),
    )
    results = await database.run_all(make, _IDEMPOTENT)
    return run_of(results[-1].rows[0])


async def begin(
    database: Database, run: Run, checksum: str, *, by: Actor, walk: Walked, accept: bool = False
) -> Walked | None:
    """Note who goes on with a run now, and with which script. Return its order, None where it is paused or over.

    None too where another script has done something, unless that is accepted (`accept`): whoever looked before may
    have been too early to see it. And where it went on with another script behind this very begin, which is sent again.

    The checksum that it had is kept, and runners of that script are fenced off by a new epoch of every shard, above all
    that there were: a shard that is made later may have the number of one that is gone. Where
    they have done nothing yet the run is walked as the new one wants (`walk`): a batch of theirs that is in flight is
    waited for; its shards, bounded by the former key, become one again. Rivals that begin at once wait for each other
    at the run's row, so what they have to know of each other is read from that row: the rest is as it was before the
    wait. Where the run has a third script by now, neither this one nor the one it was read with, it begins nothing:
    delivered late, it would undo what somebody accepted meanwhile.
    """
    text = """with sendoka_before as (
  select id, checksum <> $2 as other, checksum as former, runner as latest from sendoka.backfill_runs
  where id = $1::bigint and state not in ('done', 'paused', 'cancelled') and checksum in ($2, $7) for no key update
), sendoka_shards as materialized (
  select s.seq, s.epoch from sendoka_before b join sendoka.backfill_shards s on s.run = b.id where b.other
  order by s.shard for no key update of s
), sendoka_begun as (
  update sendoka.backfill_runs r set state = 'running', reason = null, runner = $3, noted_at = clock_timestamp(),
    former_checksums = case when b.other then r.former_checksums || r.checksum else r.former_checksums end,
    checksum = $2,
    walk = case when r.walk is null or b.other and not exists (select from sendoka_shards where seq > 0)
      then $6::jsonb else r.walk end
  from sendoka_before b where r.id = b.id
    and (not b.other or not exists (select from sendoka.backfill_events t where t.run = b.id and t.runner = $3)
      and ($8::boolean or not exists (select from sendoka_shards where seq > 0)))
  returning r.id, b.other, b.former, b.latest, r.walk,
    b.other and not exists (select from sendoka_shards where seq > 0) as anew
), sendoka_fenced as (
  update sendoka.backfill_shards s set epoch = m.epoch + 1, owner = null, lease_until = null,
    lower = case when not b.anew then s.lower end, upper = case when not b.anew then s.upper end,
    about = case when not b.anew then s.about end
  from sendoka_begun b, (select max(epoch) as epoch from sendoka_shards) m
  where s.run = b.id and b.other and not (b.anew and s.shard > 0)
), sendoka_gone as (
  delete from sendoka.backfill_shards s using sendoka_begun b where s.run = b.id and b.anew and s.shard > 0
), sendoka_told as (
  insert into sendoka.backfill_events (run, event, operator, runner, checksum, revision, detail)
  select b.id, e.event, $4, $3, $2, $5, e.detail from sendoka_begun b cross join lateral (
    select 'script changed' as event, 'it was ' || left(b.former, 12) || ', and is ' || left($2, 12) as detail
    where b.other
    union all
    select case when b.latest is null then 'started' else 'continued' end, null
  ) e
  where b.latest is distinct from $3
    and not exists (select from sendoka.backfill_events t where t.run = b.id and t.runner = $3)
)
select walk::text from sendoka_begun"""
    kept = json.dumps(walk.as_json())
    params = (str(run.id), checksum, by.runner, by.operator, by.revision, kept, run.checksum)
    begun = Ours(text, (*params, "true" if accept else "false"))
    rows = (await database.run_all([locked("id = $1::bigint", str(run.id)), begun], _OPTIONS))[-1].rows
    return Walked.of(json.loads(str(rows[0][0]))) if rows else None


def locked(which: str, *params: str) -> Statement:
    """Return what goes before a statement about a run's shards: with its row locked none is added meanwhile.

    The statement behind it sees every shard, which it would not had it waited for that row itself.
    """
    return Ours(f"select from sendoka.backfill_runs where {which} for no key update", params)


async def note_end(database: Database, run: int, *, state: str, reason: str, rate: float | None, by: Actor) -> None:
    """Note that somebody ended a run before it was done: `stopped` or `failed`, and why.

    It does not touch the shards, so it never waits for a batch that is still in flight. What is paused, cancelled or
    done stays so. Said twice at once it is told once: the run's row is locked before, as a statement sees no event that
    was written while it waited.
    """
    text = """with sendoka_ended as (
  update sendoka.backfill_runs set state = $2, reason = $3, rate = coalesce($4::float8, rate),
    noted_at = clock_timestamp() where id = $1::bigint and state not in ('done', 'paused', 'cancelled') returning id
)
insert into sendoka.backfill_events (run, event, operator, runner, detail)
select e.id, $2, $6, $5, $3 from sendoka_ended e
where not exists (select from sendoka.backfill_events t where t.run = e.id and t.runner = $5 and t.event = $2)"""
    params = (str(run), state, reason, None if rate is None else str(rate), by.runner, by.operator)
    await database.run_all([locked("id = $1::bigint", str(run)), Ours(text, params)], _OPTIONS)


async def note_wait(database: Database, run: int, *, why: str, by: Actor) -> None:
    """Note that a run goes on, and waits: for whoever looks at it, and for the audit where it is a new reason."""
    text = """with sendoka_waits as (
  update sendoka.backfill_runs set state = 'running', reason = $2, runner = $4, noted_at = clock_timestamp()
  where id = $1::bigint and state not in ('done', 'paused', 'cancelled') returning id
)
insert into sendoka.backfill_events (run, event, operator, runner, detail)
select w.id, 'waits', $3, $4, $2 from sendoka_waits w where $2 is distinct from (
  select case when t.event = 'waits' then t.detail end from sendoka.backfill_events t where t.run = w.id
  order by t.id desc limit 1)"""
    params = (str(run), why, by.operator, by.runner)
    await database.run_all([locked("id = $1::bigint", str(run)), Ours(text, params)], _OPTIONS)


async def finish(database: Database, run: int, *, after: int, by: Actor) -> Run:
    """Note that a run is done, verified `after` this pass; the first to say so is kept.

    One that is paused or cancelled stays so, and so does one of which a shard is in another pass: somebody sent it
    through the table again, and will say how that ends. That waits for the run's row too (`next_pass`).
    """
    text = """with sendoka_done as (
  update sendoka.backfill_runs set state = 'done', reason = null, finished_at = clock_timestamp(), finished_by = $2
  where id = $1::bigint and state not in ('done', 'paused', 'cancelled')
    and not exists (select from sendoka.backfill_shards s
      where s.run = id and (s.state <> 'scanned' or s.pass <> $4::int)) returning id
)
insert into sendoka.backfill_events (run, event, operator, runner) select id, 'done', $2, $3 from sendoka_done"""
    params = (str(run), by.operator, by.runner, str(after))
    await database.run_all([locked("id = $1::bigint", str(run)), Ours(text, params)], _OPTIONS)
    return await read_run(database, run)


async def read_run(database: Database, run: int) -> Run:
    """Return the run with this id as it stands."""
    (cells,) = await _rows(database, f"select {RUN_COLUMNS} from sendoka.backfill_runs where id = $1::bigint", str(run))
    return run_of(cells)


async def next_pass(database: Database, run: int, *, after: int) -> None:
    """Send a run whose pass `after` is over in all shards through the table again, unless somebody found it done.

    Who asks second changes nothing.
    """
    text = """with sendoka_all as materialized (
  select s.shard, s.state, s.pass from sendoka.backfill_shards s join sendoka.backfill_runs r on r.id = s.run
  where s.run = $1::bigint and r.state not in ('done', 'cancelled') order by s.shard for update of s
)
update sendoka.backfill_shards b set state = 'running', pass = b.pass + 1, cursor = null, owner = null,
  lease_until = null, pass_scanned = 0, pass_paged = 0, pass_changed = 0
from sendoka_all a where b.run = $1::bigint and b.shard = a.shard
  and not exists (select from sendoka_all o where o.state <> 'scanned' or o.pass <> $2::int)"""
    params = (str(run), str(after))
    await database.run_all([locked("id = $1::bigint", str(run)), Ours(text, params)], _OPTIONS)
