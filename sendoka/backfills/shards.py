"""The shards of a run, kept in the database: how far each is, in what pass, and who holds it."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.keyset import key_of
from sendoka.database.home import Ours
from sendoka.errors import BackfillChanged
from sendoka.http.encode import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells, Statement

__all__ = [
    "BATCH_COLUMNS",
    "TOOK",
    "TOTALS",
    "WIDTH",
    "WORKED",
    "Lease",
    "Part",
    "Shard",
    "claim",
    "claim_any",
    "hold",
    "part_of",
    "read_shard",
    "read_shards",
    "read_totals",
    "release",
    "renew",
    "together",
    "token_of",
]


BATCH_COLUMNS = (
    "case when held then 'held' else state end, "
    "pass, epoch, seq, cursor::text, lower::text, upper::text, "
    "scanned, paged, changed, pass_scanned, pass_paged, pass_changed"
)
"""What a batch answers of its shard, in the order of `Shard`."""

TOOK = "extract(epoch from clock_timestamp() - transaction_timestamp())"
"""The seconds since a batch's transaction began."""

WORKED = "extract(epoch from clock_timestamp() - statement_timestamp())"
"""The seconds since its statement began, which may have been kept waiting in its transaction."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of a run and how far it is, in all and in this pass: rows scanned, paged and changed.

    `state` is `running`, `scanned`, or `held` where the run is paused or cancelled. Paged are the scanned rows that
    satisfied `where`. `cursor` is the last key that was scanned, a JSON array, None at
    the start of a pass. The shard has the rows behind `lower`, up to and with `upper`, keys too; None is the table's
    own end.
    """

    state: str
    pass_number: int
    epoch: int
    seq: int
    cursor: str | None
    lower: str | None
    upper: str | None
    scanned: int
    paged: int
    changed: int
    pass_scanned: int
    pass_paged: int
    pass_changed: int

    @property
    def amounts(self) -> tuple[int, ...]:
        """Its counts: rows scanned, paged and changed, in all and in this pass."""
        return (self.scanned, self.paged, self.changed, self.pass_scanned, self.pass_paged, self.pass_changed)

    @property
    def first(self) -> bool:
        """Whether the next batch begins at the first row of the table."""
        return self.lower is None and key_of(self.cursor) is None

    @property
    def last(self) -> bool:
        """Whether it ends where the table does."""
        return self.upper is None

    @classmethod
    def of(cls, cells: Cells) -> Shard:
        """Return the shard whose columns are `BATCH_COLUMNS`."""
        state, pass_number, epoch, seq, cursor, lower, upper, *amounts = cells
        return cls(
            str(state),
            int(pass_number or 0),
            int(epoch or 0),
            int(seq or 0),
            cursor,
            lower,
            upper,
            *(int(amount or 0) for amount in amounts),
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a shard, and for how many seconds more by the database's clock; 0 if nobody does."""

    owner: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """A shard with its number in the run, and about how many rows it has, None if unknown."""

    number: int
    shard: Shard
    lease: Lease
    about: int | None


def together(shards: Sequence[Shard]) -> Shard:
    """Return shards of a run as one; it has a cursor and bounds only where it is the only one."""
    if len(shards) == 1:
        return shards[0]
    states = {shard.state for shard in shards}
    state = next((state for state in ("held", "running") if state in states), "scanned")
    return Shard(
        state,
        max(shard.pass_number for shard in shards),
        max(shard.epoch for shard in shards),
        sum(shard.seq for shard in shards),
        None,
        None,
        None,
        *(sum(amounts) for amounts in zip(*(shard.amounts for shard in shards), strict=True)),
    )


# The columns of `Shard`, of all shards of a run together.
TOTALS = """case when bool_or(s.held) then 'held' when bool_or(s.state = 'running') then 'running'
  else min(s.state) end, max(s.pass), max(s.epoch), sum(s.seq),
  case when count(*) = 1 then min(s.cursor::text) end, null, null, sum(s.scanned), sum(s.paged), sum(s.changed),
  sum(s.pass_scanned), sum(s.pass_paged), sum(s.pass_changed)"""
WIDTH = 13


async def _rows(database: Database, text: str, *params: str | None) -> list[Cells]:
    return (await database.run(Ours(text, params))).rows


async def read_totals(database: Database, run: int) -> Shard:
    """Return all shards of a run as one; it has a cursor only where it is the only one."""
    text = f"select {TOTALS} from sendoka.backfill_shards s where s.run = $1::bigint"
    (cells,) = await _rows(database, text, str(run))
    return Shard.of(cells)


async def read_shards(database: Database, run: int) -> list[Part]:
    """Return all shards of a run as they stand, in order of their numbers."""
    text = f"""select shard, about, owner, greatest(0, extract(epoch from lease_until - clock_timestamp())),
  {BATCH_COLUMNS}
from sendoka.backfill_shards where run = $1::bigint order by shard"""
    return [part_of(cells) for cells in await _rows(database, text, str(run))]


def part_of(cells: Cells) -> Part:
    """Return the part whose columns are: number, about, owner, seconds of its lease, and `BATCH_COLUMNS`."""
    number, about, owner, seconds, *shard = cells
    lease = Lease(owner, float(seconds or 0))
    return Part(int(number or 0), Shard.of(shard), lease, None if about is None else int(about))


async def read_shard(database: Database, run: int, shard: int) -> tuple[Shard, Lease]:
    """Return a shard as it stands, and who holds it. Raises BackfillChanged where it was made one with the others."""
    text = f"""select {BATCH_COLUMNS}, owner, greatest(0, extract(epoch from lease_until - clock_timestamp()))
from sendoka.backfill_shards where run = $1::bigint and shard = $2::int"""
    rows = await _rows(database, text, str(run), str(shard))
    if not rows:
        raise BackfillChanged(
            "the run goes on with another script",
            where="nothing had been done by then, so it is walked anew and in one piece; nothing was changed from here",
            todo="run it with the new script",
        )
    ((*cells, owner, seconds),) = rows
    return Shard.of(cells), Lease(owner, float(seconds or 0))


async def token_of(database: Database, run: int, shard: int, seq: int) -> str | None:
    """Return the token of the batch that took the place `seq`, None where none did."""
    text = "select token from sendoka.backfill_batches where run = $1::bigint and shard = $2::int and seq = $3::bigint"
    rows = await _rows(database, text, str(run), str(shard), str(seq))
    return rows[0][0] if rows else None


# The run, where its script is `{}`. It is locked: who waits for a shard whose epoch a changed script raises would take
# it with the script that the run had before the wait.
_RUN = """sendoka_run as materialized (
  select r.id from sendoka.backfill_runs r where r.id = $1::bigint and ({0}::text is null or r.checksum = {0}) for share
)"""


def hold(run: int, shard: int) -> Statement:
    """Return what waits for a batch of the shard that is on its way: what comes behind it finds what that one left."""
    text = """select 1 from sendoka.backfill_shards sendoka_checkpoint
where run = $1::bigint and shard = $2::int for update"""
    return Ours(text, (str(run), str(shard)))


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
    text = f"""with {_RUN.format("$6")}
update sendoka.backfill_shards set epoch = epoch + 1, owner = $3,
  lease_until = clock_timestamp() + make_interval(secs => $4::float8)
where run = $1::bigint and shard = $2::int and state = 'running' and not held
  and (owner is null or owner in ($3, $5) or lease_until < clock_timestamp())
  and exists (select from sendoka_run)
returning {BATCH_COLUMNS}"""
    rows = await _rows(database, text, str(run), str(shard), owner, str(lease), heir_of or owner, checksum)
    return Shard.of(rows[0]) if rows else None


async def claim_any(
    database: Database, run: int, *, owner: str, lease: float, checksum: str, heir_of: Sequence[str] = ()
) -> Part | None:
    """Take the first shard that nobody holds, or whose holder's lease ran out; None where there is none.

    What is ours already, by a claim whose answer was lost, comes first. One whose row is locked is passed by: a batch
    of it is in flight, whose sender lives, or has only just died.
    """
    text = f"""with {_RUN.format("$4")}, sendoka_free as (
  select s.run, s.shard from sendoka.backfill_shards s join sendoka_run r on r.id = s.run
  where s.state = 'running' and not s.held and (s.owner is null or s.owner = $2 or s.owner = any($5::text[])
    or s.lease_until < clock_timestamp())
  order by coalesce(s.owner = $2, false) desc, s.shard limit 1 for update of s skip locked
)
update sendoka.backfill_shards b set epoch = b.epoch + 1, owner = $2,
  lease_until = clock_timestamp() + make_interval(secs => $3::float8)
from sendoka_free f where b.run = f.run and b.shard = f.shard
returning b.shard, about, owner, $3::float8, {BATCH_COLUMNS}"""
    heirs = str(encode(list(heir_of)))
    rows = await _rows(database, text, str(run), owner, str(lease), checksum, heirs)
    return part_of(rows[0]) if rows else None


async def renew(database: Database, run: int, shard: int, *, owner: str, epoch: int, lease: float) -> None:
    """Hold a shard for `lease` seconds more, if it is still held under `epoch`."""
    text = """update sendoka.backfill_shards set lease_until = clock_timestamp() + make_interval(secs => $5::float8)
where run = $1::bigint and shard = $2::int and owner = $3 and epoch = $4::bigint and state = 'running'"""
    await _rows(database, text, str(run), str(shard), owner, str(epoch), str(lease))


async def release(database: Database, run: int, *, owner: str) -> None:
    """Give back what `owner` holds of a run, so that the next one need not wait for the lease to run out."""
    text = """update sendoka.backfill_shards set owner = null, lease_until = null
where run = $1::bigint and owner = $2"""
    await _rows(database, text, str(run), owner)
