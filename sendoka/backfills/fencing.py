"""The fence of a batch in the Python form: what lets it commit only where its lease and its place still hold."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.keyset import commas, keys_of
from sendoka.backfills.shards import BATCH_COLUMNS, TOOK
from sendoka.backfills.words import words
from sendoka.database.home import Ours
from sendoka.http.encode import encode

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database.statement import Statement

__all__ = ["Fence", "clock", "counted", "fence", "look", "unfalsified"]


@dataclass(frozen=True, slots=True)
class Fence:
    """What a batch of the Python form says it is: the lease it stands on, and how far it moves the cursor."""

    run: int
    shard: int
    epoch: int
    seq: int
    token: str
    cursor: str | None
    scanned: int
    paged: int
    last: bool
    lease: float

    @property
    def place(self) -> tuple[str, str, str]:
        """Run, shard and the sequence number of this batch, as parameters."""
        return str(self.run), str(self.shard), str(self.seq + 1)


def fence(batch: Fence) -> Statement:
    """Return the statement that lets a batch go on only if its lease and its place still hold.

    It moves the checkpoint by compare-and-swap and writes the batch's audit row, whose epoch cannot be null: where
    nothing could be moved the insert fails with 23502, and with it everything in the request.
    """
    text = f"""with sendoka_fence as (
  update sendoka.backfill_shards set seq = seq + 1, cursor = coalesce($5::jsonb, cursor), token = $6,
    scanned = scanned + $7::bigint, pass_scanned = pass_scanned + $7::bigint,
    paged = paged + $8::bigint, pass_paged = pass_paged + $8::bigint, updated_at = clock_timestamp(),
    state = case when $9::boolean then 'scanned' else state end,
    owner = case when $9::boolean then null else owner end,
    lease_until = case when $9::boolean then null else clock_timestamp() + make_interval(secs => $10::float8) end
  where run = $1::bigint and shard = $2::int and epoch = $4::bigint and seq = $3::bigint - 1
    and state = 'running' and not held
  returning epoch, pass
)
insert into sendoka.backfill_batches (run, shard, seq, epoch, pass, token, cursor, scanned, paged, changed, took)
values ($1::bigint, $2::int, $3::bigint, (select epoch from sendoka_fence), (select pass from sendoka_fence),
  $6, $5::jsonb, $7::bigint, $8::bigint, 0, {TOOK})"""
    amounts = (str(batch.scanned), str(batch.paged), "true" if batch.last else "false", str(batch.lease))
    return Ours(text, (*batch.place, str(batch.epoch), batch.cursor, batch.token, *amounts))


def look(batch: Fence) -> Statement:
    """Return the read of the batch's shard as it stands in its transaction, and the seconds since that began."""
    return Ours(
        f"""select {BATCH_COLUMNS}, {TOOK} as inside
from sendoka.backfill_shards where run = $1::bigint and shard = $2::int""",
        batch.place[:2],
    )


def clock() -> Statement:
    """Return the read of the seconds since its transaction began."""
    return Ours(f"select {TOOK}")


def counted(statement: Statement, batch: Fence) -> Statement:
    """Return the statement with its rows counted in the checkpoint and the audit row; as it is if it cannot be wrapped.

    Wrapped is a plain INSERT, UPDATE or DELETE without RETURNING.
    """
    found = list(words(statement.text))
    if not found or found[0] not in {"insert", "update", "delete"} or "returning" in found or ";" in found[:-1]:
        return statement
    text = statement.text.rstrip().removesuffix(";") if found[-1] == ";" else statement.text
    run, shard, seq = (f"${len(statement.params) + place}" for place in (1, 2, 3))
    wrapped = f"""with sendoka_change as (
{text}
returning 1
), sendoka_counted as (select count(*) as changed from sendoka_change), sendoka_shard as (
  update sendoka.backfill_shards b set changed = b.changed + n.changed, pass_changed = b.pass_changed + n.changed
  from sendoka_counted n where run = {run}::bigint and shard = {shard}::int
)
update sendoka.backfill_batches b set changed = b.changed + n.changed, took = {TOOK}
from sendoka_counted n where run = {run}::bigint and shard = {shard}::int and seq = {seq}::bigint"""
    return Ours(wrapped, (*statement.params, *batch.place))


def unfalsified(backfill: Backfill, target: Target, batch: Fence, keys: list[list[str | None]]) -> Statement:
    """Return the statement that lets a batch not go on whose change leaves `where` true for all of its rows.

    `keys` are the page's, a list a column. It fails with 23502 at `changed` of the batch's audit row, which no fence
    does; where nothing was counted as changed, or a single row is done, it does nothing.
    """
    names = [f"sendoka_{place}" for place in range(1, len(keys) + 1)]
    same = " and ".join(
        f"{key} = {name}::{target.types[column]}"
        for key, name, column in zip(keys_of(target), names, target.key, strict=True)
    )
    text = f"""update sendoka.backfill_batches b set changed = null
where b.run = $1::bigint and b.shard = $2::int and b.seq = $3::bigint and b.changed > 0 and b.paged = (
  select count(*) from unnest({commas(f"${place}::text[]" for place in range(4, len(keys) + 4))})
    as sendoka_batch({commas(names)}) join {target.quoted} on {same}
  where (
{backfill.predicate}
  )
)"""
    return Ours(text, (*batch.place, *(encode(each) for each in keys)))
