"""A page of the SQL form, one row after the other: what fails is a dead letter, and everything else is changed.

It is one statement for the server, a block in plpgsql with a subtransaction a row, and moves the checkpoint as a usual
batch does: all of it commits, or nothing. A row is locked, read and changed for itself, by what is known of it then;
one that was deleted meanwhile is scanned and nothing else. Constraints that would wait for the end of the transaction
are checked row by row too, or one row would undo them all.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are numbers, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills.change_text import advanced, ended, in_last
from sendoka.backfills.dead_letters import AT_FIRST, LOCK, keys_of
from sendoka.backfills.keyset import Span, scan, start_of, stride_of
from sendoka.backfills.patience import OF_DATA
from sendoka.backfills.shards import BATCH_COLUMNS, TOOK
from sendoka.database.home import Ours
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.shards import Shard
    from sendoka.backfills.target import Target
    from sendoka.database.statement import Statement

__all__ = ["TOO_MANY", "isolated_batch"]

TOO_MANY = "SB002"
"""The SQLSTATE of a page with more dead rows than the run may have. Its detail: dead letters, rows paged, SQLSTATE."""

_BLOCK = """
#variable_conflict use_column
declare
  sendoka_checkpoint record;
  sendoka_row record;
  sendoka_count record;
  sendoka_scanned bigint := 0;
  sendoka_paged bigint := 0;
  sendoka_changed bigint := 0;
  sendoka_dead bigint;
  sendoka_before bigint;
  sendoka_cursor jsonb;
  sendoka_state text;
  sendoka_said text;
begin
  select s.cursor, {start} as start, s.upper, s.seq, {stride} as stride into sendoka_checkpoint
  from sendoka.backfill_shards s
  where s.run = {run} and s.shard = {shard} and s.state = 'running' and not s.held and s.epoch = {epoch}
    and {start} is {is_first} and s.upper is {is_last}
  for update;
  if not found then
    return;
  end if;
  set constraints all immediate;
  -- Two shards that counted at once would both think that there is room. The count is of what is committed by then.
  perform pg_advisory_xact_lock({lock}, ({run} % 2147483647)::int);
  sendoka_dead := (select count(*) from sendoka.dead_letters d where d.run = {run});
  sendoka_before := (select sum(s.paged) from sendoka.backfill_shards s where s.run = {run});
  for sendoka_row in {scan} loop
    sendoka_scanned := sendoka_scanned + 1;
    sendoka_cursor := {cursor};
    begin
      with sendoka_locked as materialized (
        select {columns} from {table} where ({keys}) = ({values}) and (
{predicate}
        ) for no key update
      ), page as (
        select l.* from sendoka_locked l where (select count(*) from sendoka_locked) >= 0
      ), sendoka_change as (
{sql}
returning 1
      )
      select (select count(*) from sendoka_locked) as paged, (select count(*) from sendoka_change) as changed
      into sendoka_count;
      sendoka_paged := sendoka_paged + sendoka_count.paged;
      sendoka_changed := sendoka_changed + sendoka_count.changed;
    exception when others then
      if sqlstate !~ {of_data} then
        raise;
      end if;
      get stacked diagnostics sendoka_state = returned_sqlstate, sendoka_said = message_text;
      sendoka_paged := sendoka_paged + 1;
      sendoka_dead := sendoka_dead + 1;
      insert into sendoka.dead_letters as d (run, shard, key, seq, sqlstate, message)
      values ({run}, {shard}, sendoka_cursor, sendoka_checkpoint.seq + 1, sendoka_state, left(sendoka_said, 2000))
      on conflict (run, key) do update set shard = excluded.shard, seq = excluded.seq, sqlstate = excluded.sqlstate,
        message = excluded.message, attempt = d.attempt + 1, at = excluded.at;
      exit when sendoka_dead > {max_dead};
    end;
  end loop;
  if sendoka_dead > {max_dead}
    or sendoka_dead > {at_first} and sendoka_dead >= sendoka_before + sendoka_paged then
    raise exception using errcode = '{too_many}', message = sendoka_said,
      detail = format('%s %s %s', sendoka_dead, sendoka_before + sendoka_paged, sendoka_state);
  end if;
  update sendoka.backfill_shards b set seq = b.seq + 1, cursor = {advanced}, token = '{token}',
    scanned = b.scanned + sendoka_scanned, paged = b.paged + sendoka_paged, changed = b.changed + sendoka_changed,
    pass_scanned = b.pass_scanned + sendoka_scanned, pass_paged = b.pass_paged + sendoka_paged,
    pass_changed = b.pass_changed + sendoka_changed, updated_at = clock_timestamp(),
    {ended}
  from (select sendoka_scanned as scanned, sendoka_cursor as cursor) t,
    (select sendoka_checkpoint.cursor as cursor, sendoka_checkpoint.stride as stride) c
  where b.run = {run} and b.shard = {shard};
  insert into sendoka.backfill_batches (run, shard, seq, epoch, pass, token, cursor, scanned, paged, changed, took)
  select run, shard, seq, epoch, pass, token, cursor, sendoka_scanned, sendoka_paged, sendoka_changed, {took}
  from sendoka.backfill_shards b where b.run = {run} and b.shard = {shard};
end"""


def isolated_batch(
    backfill: Backfill,
    target: Target,
    *,
    run: int,
    shard: int,
    at: Shard,
    size: int,
    token: str,
    max_dead: int,
    lease: float,
    owner: str,
) -> list[Statement]:
    """Return a batch that goes row by row, and the read of its shard: its last answer is `BATCH_COLUMNS` and the token.

    The token is of hexadecimal digits; `lease` and `owner` are as in `change_batch`. It fails with
    TOO_MANY where the run would have more than `max_dead` dead letters. It did something where the token is that of the
    batch.
    """
    keys = keys_of(target)
    row = [f"sendoka_row.k{place}" for place in range(1, len(keys) + 1)]
    span = Span.of("sendoka_checkpoint", first=at.first, last=at.last)
    block = _BLOCK.format(
        run=int(run),
        shard=int(shard),
        epoch=int(at.epoch),
        start=start_of(target, "s.cursor", "s.lower"),
        stride=stride_of("s.cursor") if target.strides > 1 else "0",
        is_first="null" if at.first else "not null",
        is_last="null" if at.last else "not null",
        scan=scan(target, span, "sendoka_checkpoint.stride", str(int(size))),
        advanced=advanced(target, str(int(size))),
        ended=ended(f"t.scanned < {size:d}{in_last(target)}", f"{lease:f}", literal(owner)),
        table=target.quoted,
        keys=", ".join(keys),
        size=int(size),
        values=", ".join(row),
        cursor="sendoka_row.sendoka_key" if target.listed else f"jsonb_build_array({', '.join(row)})",
        columns=", ".join(f"{ident(target.table)}.{ident(column)}" for column in target.columns),
        predicate=backfill.predicate,
        sql=backfill.sql,
        of_data=literal(OF_DATA),
        max_dead=int(max_dead),
        at_first=AT_FIRST,
        too_many=TOO_MANY,
        token=token,
        took=TOOK,
        lock=LOCK,
    )
    look = f"select {BATCH_COLUMNS}, token from sendoka.backfill_shards where run = $1::bigint and shard = $2::int"
    return [Ours(f"do {literal(block)}"), Ours(look, (str(run), str(shard)))]
