"""The shards of a run, kept in the database: how far each is, in what pass, and who holds it."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.statements import BATCH_COLUMNS
from sendoka.database.home import Ours

if TYPE_CHECKING:
    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells

__all__ = [
    "TOTALS",
    "WIDTH",
    "Lease",
    "Shard",
    "claim",
    "next_pass",
    "read_shard",
    "read_totals",
    "release",
    "renew",
    "token_of",
]


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


# The columns of `Shard`, of all shards of a run together.
TOTALS = """case when bool_or(s.held) then 'held' when bool_or(s.state = 'running') then 'running'
  else min(s.state) end, max(s.pass), max(s.epoch), sum(s.seq),
  case when count(*) = 1 then min(s.cursor::text) end, sum(s.scanned), sum(s.paged), sum(s.changed),
  sum(s.pass_scanned), sum(s.pass_paged), sum(s.pass_changed)"""
WIDTH = 11


async def _rows(database: Database, text: str, *params: str | None) -> list[Cells]:
    return (await database.run(Ours(text, params))).rows


async def read_totals(database: Database, run: int) -> Shard:
    """Return all shards of a run as one; it has a cursor only where it is the only one."""
    text = f"select {TOTALS} from sendoka.backfill_shards s where s.run = $1::bigint"
    (cells,) = await _rows(database, text, str(run))
    return Shard.of(cells)


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
