"""Where a backfill stands, kept in the database: its runs, its shards with their cursors, and a row for every batch."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.statements import BATCH_COLUMNS
from sendoka.bookkeeping import ensure
from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells

__all__ = [
    "TABLES",
    "Lease",
    "Run",
    "Shard",
    "accept",
    "claim",
    "find_run",
    "finish",
    "list_runs",
    "next_pass",
    "open_run",
    "read_shard",
    "release",
    "renew",
    "token_of",
]

TABLES: tuple[Statement, ...] = (
    Statement("""create table if not exists sendoka.backfill_runs (
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
  unique (name, number)
)"""),
    # The row of a shard is written by every batch: the empty half of its page keeps those updates off the index.
    Statement("""create table if not exists sendoka.backfill_shards (
  run bigint not null references sendoka.backfill_runs (id),
  shard int not null,
  state text not null default 'running',
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
    Statement("""create table if not exists sendoka.backfill_batches (
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
)

_MISSING = frozenset({"42P01", "3F000"})
_UTC = """to_char({} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a backfill.

    Times are ISO 8601 in UTC; `total` is about how many rows the table had, if known.
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


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of a run and how far it is, in all and in this pass: rows scanned, paged and changed.

    Paged are the scanned rows that satisfied `where`. `cursor` is the last key that was scanned, a JSON array, None at
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
  {_UTC.format("started_at")}, started_by, {_UTC.format("finished_at")}, finished_by"""


def _run(cells: Cells) -> Run:
    number, name, count, checksum, state, total, started_at, started_by, finished_at, finished_by = cells
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
    )


async def _rows(database: Database, text: str, *params: str | None) -> list[Cells]:
    return (await database.run(Statement(text, params))).rows


async def find_run(database: Database, name: str) -> Run | None:
    """Return the newest run of the backfill `name`, None where there is none, or none of our tables."""
    text = f"select {_RUN} from sendoka.backfill_runs where name = $1 order by number desc limit 1"
    try:
        rows = await _rows(database, text, name)
    except DatabaseError as error:
        if error.sqlstate in _MISSING:
            return None
        raise
    return _run(rows[0]) if rows else None


async def list_runs(database: Database) -> list[tuple[Run, Shard]]:
    """Return the newest run of every backfill with its shard, in order of name; nothing where we have no tables."""
    columns = ", ".join(f"s.{column.strip()}" for column in BATCH_COLUMNS.split(","))
    text = f"""select {columns}, r.* from (
  select distinct on (name) {_RUN} from sendoka.backfill_runs order by name, number desc
) r join sendoka.backfill_shards s on s.run = r.id and s.shard = 0 order by r.name"""
    try:
        rows = await _rows(database, text)
    except DatabaseError as error:
        if error.sqlstate in _MISSING:
            return []
        raise
    return [(_run(cells[11:]), Shard.of(cells[:11])) for cells in rows]


async def open_run(database: Database, name: str, checksum: str, *, total: int | None, operator: str) -> Run:
    """Return the run to go on with: the newest one of `name`, or a new one. Two that open at once get the same."""
    await ensure(database, TABLES)
    make = (
        Statement(
            "insert into sendoka.backfill_runs (name, number, checksum, total, started_by)"
            " values ($1, 1, $2, $3::bigint, $4) on conflict (name, number) do nothing",
            (name, checksum, None if total is None else str(total), operator),
        ),
        Statement(
            "insert into sendoka.backfill_shards (run, shard)"
            " select id, 0 from sendoka.backfill_runs where name = $1 and number = 1"
            " on conflict (run, shard) do nothing",
            (name,),
        ),
        Statement(
            f"select {_RUN} from sendoka.backfill_runs where name = $1 order by number desc limit 1",
            (name,),
        ),
    )
    results = await database.run_all(make, TransactionOptions(isolation_level="ReadCommitted", idempotent=True))
    return _run(results[-1].rows[0])


async def accept(database: Database, run: Run, checksum: str) -> None:
    """Let a run go on with a changed script; the checksum it had is kept."""
    text = """update sendoka.backfill_runs set former_checksums = former_checksums || checksum, checksum = $2
where id = $1::bigint and checksum <> $2"""
    await _rows(database, text, str(run.id), checksum)


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


async def claim(database: Database, run: int, shard: int, *, owner: str, lease: float) -> Shard | None:
    """Take a shard that nobody holds, that we hold, or whose lease ran out; None where a rival holds it, or it is done.

    Taking it raises its epoch, so that nothing sent under an older lease can commit any more.
    """
    text = f"""update sendoka.backfill_shards set epoch = epoch + 1, owner = $3,
  lease_until = clock_timestamp() + make_interval(secs => $4::float8)
where run = $1::bigint and shard = $2::int and state = 'running'
  and (owner is null or owner = $3 or lease_until < clock_timestamp())
returning {BATCH_COLUMNS}"""
    rows = await _rows(database, text, str(run), str(shard), owner, str(lease))
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


async def finish(database: Database, run: int, *, operator: str) -> Run:
    """Note that a run is done and verified; the first to say so is kept."""
    text = """update sendoka.backfill_runs set state = 'done', finished_at = clock_timestamp(), finished_by = $2
where id = $1::bigint and state <> 'done'"""
    await _rows(database, text, str(run), operator)
    (cells,) = await _rows(database, f"select {_RUN} from sendoka.backfill_runs where id = $1::bigint", str(run))
    return _run(cells)
