"""Where a backfill stands, kept in the database: its runs, its shards with their cursors, and a row for every batch."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.backfills import dead_letters, events
from sendoka.backfills.order import Walked
from sendoka.backfills.statements import BATCH_COLUMNS
from sendoka.bookkeeping import ensure
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from sendoka.backfills.events import Actor
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Statement

__all__ = [
    "TABLES",
    "Activity",
    "Lease",
    "Run",
    "Shard",
    "begin",
    "claim",
    "find_run",
    "finish",
    "list_runs",
    "next_pass",
    "note_end",
    "open_run",
    "read_shard",
    "read_totals",
    "release",
    "renew",
    "token_of",
]

TABLES: tuple[Statement, ...] = (
    Ours("""create table if not exists sendoka.backfill_runs (
  id bigint generated always as identity primary key,
  name text not null,
  number int not null,
  checksum text not null,
  former_checksums text[] not null default '{}',
  state text not null default 'running',
  total bigint,
  started_at timestamptz not null default clock_timestamp(),
  started_by text not null,
  finished_at timestamptz,
  finished_by text,
  reason text,
  runner text,
  rate float8,
  revision text,
  walk jsonb,
  noted_at timestamptz not null default clock_timestamp(),
  unique (name, number)
)"""),
    # The row of a shard is written by every batch: the empty half of its page keeps those updates off the index.
    Ours("""create table if not exists sendoka.backfill_shards (
  run bigint not null references sendoka.backfill_runs (id),
  shard int not null,
  state text not null default 'running',
  held boolean not null default false,
  pass int not null default 1,
  epoch bigint not null default 0,
  owner text,
  lease_until timestamptz,
  seq bigint not null default 0,
  cursor jsonb,
  lower jsonb,
  upper jsonb,
  scanned bigint not null default 0,
  paged bigint not null default 0,
  changed bigint not null default 0,
  pass_scanned bigint not null default 0,
  pass_paged bigint not null default 0,
  pass_changed bigint not null default 0,
  token text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (run, shard)
) with (fillfactor = 50)"""),
    Ours("""create table if not exists sendoka.backfill_batches (
  run bigint not null,
  shard int not null,
  seq bigint not null,
  epoch bigint not null,
  pass int not null,
  token text,
  cursor jsonb,
  scanned bigint not null,
  paged bigint not null,
  changed bigint not null,
  at timestamptz not null default clock_timestamp(),
  primary key (run, shard, seq)
)"""),
    dead_letters.TABLE,
)

_MISSING = frozenset({"42P01", "3F000"})
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


@dataclass(frozen=True, slots=True)
class Activity:
    """What shows whether a run is going on: who holds a shard of it, and the seconds since it last moved.

    `batch_ago` is None before the first batch; `noted_ago` is since somebody began the run, or noted its end. `dead` is
    how many rows it left out.
    """

    owner: str | None
    batch_ago: float | None
    noted_ago: float
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of a run and how far it is, in all and in this pass: rows scanned, paged and changed.

    `state` is `running`, `scanned`, or `held` where the run is paused or cancelled. Paged are the scanned rows that
    satisfied `where`. `cursor` is the last key that was scanned, a JSON array, None at
    the start of a pass.
    """

    state: str
    pass_number: int
    epoch: int
    seq: int
    cursor: str | None
    scanned: int
    paged: int
    changed: int
    pass_scanned: int
    pass_paged: int
    pass_changed: int

    @classmethod
    def of(cls, cells: Cells) -> Shard:
        """Return the shard whose columns are `BATCH_COLUMNS`."""
        state, pass_number, epoch, seq, cursor, *amounts = cells
        return cls(
            str(state),
            int(pass_number or 0),
            int(epoch or 0),
            int(seq or 0),
            cursor,
            *(int(amount or 0) for amount in amounts),
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a shard, and for how many seconds more by the database's clock; 0 if nobody does."""

    owner: str | None
    seconds: float


_RUN = f"""id, name, number, checksum, state, total,
  {_UTC.format("started_at")}, started_by, {_UTC.format("finished_at")}, finished_by, reason, runner, rate,
  revision, walk::text"""

# The columns of `Shard`, of all shards of a run together.
_TOTALS = """case when bool_or(s.held) then 'held' when bool_or(s.state = 'running') then 'running'
  else min(s.state) end, max(s.pass), max(s.epoch), sum(s.seq),
  case when count(*) = 1 then min(s.cursor::text) end, sum(s.scanned), sum(s.paged), sum(s.changed),
  sum(s.pass_scanned), sum(s.pass_paged), sum(s.pass_changed)"""
_WIDTH = 11

_ACTIVITY = """min(s.owner) filter (where s.lease_until > clock_timestamp()),
  extract(epoch from clock_timestamp() - max(s.updated_at) filter (where s.seq > 0)),
  extract(epoch from clock_timestamp() - min(r.noted_at))"""


def _run(cells: Cells) -> Run:
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
    text = f"""select {_RUN} from sendoka.backfill_runs
where name = $1 and ($2::int is null or number = $2::int) order by number desc limit 1"""
    try:
        rows = await _rows(database, text, name, None if number is None else str(number))
    except DatabaseError as error:
        if error.sqlstate in _MISSING:
            return None
        raise
    return _run(rows[0]) if rows else None


async def list_runs(database: Database) -> list[tuple[Run, Shard, Activity]]:
    """Return the newest run of every backfill, its shards together, in order of name; nothing without our tables."""
    text = f"""select t.*, {_RUN} from sendoka.backfill_runs n join lateral (
  select {_TOTALS}, {_ACTIVITY}
  from sendoka.backfill_runs r join sendoka.backfill_shards s on s.run = r.id where r.id = n.id
) t on true
where number = (select max(m.number) from sendoka.backfill_runs m where m.name = n.name) order by name"""
    try:
        rows = await _rows(database, text)
    except DatabaseError as error:
        if error.sqlstate in _MISSING:
            return []
        raise
    dead = await dead_letters.count_all_dead(database)
    found = [_standing(cells) for cells in rows]
    return [(run, shard, replace(activity, dead=dead.get(run.id, 0))) for run, shard, activity in found]


def _standing(cells: Cells) -> tuple[Run, Shard, Activity]:
    owner, batch_ago, noted_ago, *run = cells[_WIDTH:]
    activity = Activity(owner, None if batch_ago is None else float(batch_ago), float(noted_ago or 0))
    return _run(run), Shard.of(cells[:_WIDTH]), activity


async def read_totals(database: Database, run: int) -> Shard:
    """Return all shards of a run as one; it has a cursor only where it is the only one."""
    text = f"select {_TOTALS} from sendoka.backfill_shards s where s.run = $1::bigint"
    (cells,) = await _rows(database, text, str(run))
    return Shard.of(cells)


async def open_run(
    database: Database,
    name: str,
    checksum: str,
    *,
    number: int,
    total: int | None,
    by: Actor,
    walk: Walked | None = None,
) -> Run:
    """Return the run `number` of `name`, or a newer one; it is made if missing. Two that open at once get the same."""
    await ensure(database, (*TABLES, *events.TABLES))
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
            "insert into sendoka.backfill_shards (run, shard)"
            " select id, 0 from sendoka.backfill_runs where name = $1 and number = $2::int"
            " on conflict (run, shard) do nothing",
            (name, str(number)),
        ),
        Ours(
            f"select {_RUN} from sendoka.backfill_runs where name = $1 order by number desc limit 1",
            (name,),
        ),
    )
    results = await database.run_all(make, TransactionOptions(isolation_level="ReadCommitted", idempotent=True))
    return _run(results[-1].rows[0])


async def begin(database: Database, run: Run, checksum: str, *, by: Actor, walk: Walked) -> Walked | None:
    """Note who goes on with a run now, and with which script. Return its order, None where it is paused or over.

    The checksum that it had is kept, and runners of that script are fenced off by a new epoch of every shard. Where
    they have done nothing yet the run is walked as the new one wants (`walk`).
    """
    text = """with sendoka_before as (
  select id, checksum <> $2 as other, checksum as former from sendoka.backfill_runs
  where id = $1::bigint and state not in ('done', 'paused', 'cancelled') for update
), sendoka_begun as (
  update sendoka.backfill_runs r set state = 'running', reason = null, runner = $3, noted_at = clock_timestamp(),
    former_checksums = case when b.other then r.former_checksums || r.checksum else r.former_checksums end,
    checksum = $2,
    walk = case when r.walk is null or b.other and not exists (
      select from sendoka.backfill_shards s where s.run = r.id and s.seq > 0) then $6::jsonb else r.walk end
  from sendoka_before b where r.id = b.id returning r.id, b.other, b.former, r.walk
), sendoka_fenced as (
  update sendoka.backfill_shards s set epoch = s.epoch + 1, owner = null, lease_until = null
  from sendoka_begun b where s.run = b.id and b.other
), sendoka_told as (
  insert into sendoka.backfill_events (run, event, operator, runner, checksum, revision, detail)
  select b.id, e.event, $4, $3, $2, $5, e.detail from sendoka_begun b cross join lateral (
    select 'script changed' as event, 'it was ' || left(b.former, 12) || ', and is ' || left($2, 12) as detail
    where b.other
    union all
    select case when exists (select from sendoka.backfill_events s where s.run = b.id and s.event = 'started')
      then 'continued' else 'started' end, null
  ) e
  where not exists (select from sendoka.backfill_events t where t.run = b.id and t.runner = $3)
)
select walk::text from sendoka_begun"""
    kept = json.dumps(walk.as_json())
    rows = await _rows(database, text, str(run.id), checksum, by.runner, by.operator, by.revision, kept)
    return Walked.of(json.loads(str(rows[0][0]))) if rows else None


async def note_end(database: Database, run: int, *, state: str, reason: str, rate: float | None, by: Actor) -> None:
    """Note that somebody ended a run before it was done: `stopped` or `failed`, and why.

    It does not touch the shards, so it never waits for a batch that is still in flight. What is paused, cancelled or
    done stays so.
    """
    text = """with sendoka_ended as (
  update sendoka.backfill_runs set state = $2, reason = $3, rate = coalesce($4::float8, rate),
    noted_at = clock_timestamp() where id = $1::bigint and state not in ('done', 'paused', 'cancelled') returning id
)
insert into sendoka.backfill_events (run, event, operator, runner, detail)
select e.id, $2, $6, $5, $3 from sendoka_ended e
where not exists (select from sendoka.backfill_events t where t.run = e.id and t.runner = $5 and t.event = $2)"""
    await _rows(database, text, str(run), state, reason, None if rate is None else str(rate), by.runner, by.operator)


async def read_shard(database: Database, run: int, shard: int) -> tuple[Shard, Lease]:
    """Return a shard as it stands, and who holds it."""
    text = f"""select {BATCH_COLUMNS}, owner, greatest(0, extract(epoch from lease_until - clock_timestamp()))
from sendoka.backfill_shards where run = $1::bigint and shard = $2::int"""
    ((*cells, owner, seconds),) = await _rows(database, text, str(run), str(shard))
    return Shard.of(cells), Lease(owner, float(seconds or 0))


async def token_of(database: Database, run: int, shard: int, seq: int) -> str | None:
    """Return the token of the batch that took the place `seq`, None where none did."""
    text = "select token from sendoka.backfill_batches where run = $1::bigint and shard = $2::int and seq = $3::bigint"
    rows = await _rows(database, text, str(run), str(shard), str(seq))
    return rows[0][0] if rows else None


async def claim(
    database: Database,
    run: int,
    shard: int,
    *,
    owner: str,
    lease: float,
    checksum: str | None = None,
    heir_of: str | None = None,
) -> Shard | None:
    """Take a shard that nobody holds, that we or `heir_of` hold, or whose lease ran out; only for `checksum` if given.

    Return None where a rival holds it, or it is done. Taking it raises its epoch, so that nothing sent under an older
    lease can commit any more.
    """
    text = f"""update sendoka.backfill_shards set epoch = epoch + 1, owner = $3,
  lease_until = clock_timestamp() + make_interval(secs => $4::float8)
where run = $1::bigint and shard = $2::int and state = 'running' and not held
  and (owner is null or owner in ($3, $5) or lease_until < clock_timestamp())
  and ($6::text is null or exists (select from sendoka.backfill_runs r where r.id = run and r.checksum = $6))
returning {BATCH_COLUMNS}"""
    rows = await _rows(database, text, str(run), str(shard), owner, str(lease), heir_of or owner, checksum)
    return Shard.of(rows[0]) if rows else None


async def renew(database: Database, run: int, shard: int, *, owner: str, epoch: int, lease: float) -> None:
    """Hold a shard for `lease` seconds more, if it is still held under `epoch`."""
    text = """update sendoka.backfill_shards set lease_until = clock_timestamp() + make_interval(secs => $5::float8)
where run = $1::bigint and shard = $2::int and owner = $3 and epoch = $4::bigint and state = 'running'"""
    await _rows(database, text, str(run), str(shard), owner, str(epoch), str(lease))


async def release(database: Database, run: int, shard: int, *, owner: str) -> None:
    """Give a shard back, so that the next one need not wait for the lease to run out."""
    text = """update sendoka.backfill_shards set owner = null, lease_until = null
where run = $1::bigint and shard = $2::int and owner = $3"""
    await _rows(database, text, str(run), str(shard), owner)


async def next_pass(database: Database, run: int, shard: int, *, after: int) -> None:
    """Send a shard whose pass `after` is over through the table again. Whoever asks second changes nothing."""
    text = """update sendoka.backfill_shards set state = 'running', pass = pass + 1, cursor = null, owner = null,
  lease_until = null, pass_scanned = 0, pass_paged = 0, pass_changed = 0
where run = $1::bigint and shard = $2::int and state = 'scanned' and pass = $3::int"""
    await _rows(database, text, str(run), str(shard), str(after))


async def finish(database: Database, run: int, *, by: Actor) -> Run:
    """Note that a run is done and verified; the first to say so is kept. One that is paused or cancelled stays so."""
    text = """with sendoka_done as (
  update sendoka.backfill_runs set state = 'done', reason = null, finished_at = clock_timestamp(), finished_by = $2
  where id = $1::bigint and state not in ('done', 'paused', 'cancelled') returning id
)
insert into sendoka.backfill_events (run, event, operator, runner) select id, 'done', $2, $3 from sendoka_done"""
    await _rows(database, text, str(run), by.operator, by.runner)
    (cells,) = await _rows(database, f"select {_RUN} from sendoka.backfill_runs where id = $1::bigint", str(run))
    return _run(cells)
