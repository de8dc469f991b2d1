"""The SQL of a batch in the SQL form, as text: nothing here talks to a database.

What was tried and why it is written this way:

- The checkpoint's row is locked first, so a batch that is still in flight, a rival or a lost answer's twin, is waited
  for; `for update` then gives the newest version of that row.
- A shard's bounds are read from its locked row, as the cursor is: one that was moved meanwhile holds for this batch.
- The rows of the page are read by the range of the scanned keys: looked up one by one they cost three times as much.
- They are locked before they are changed, or the change would overwrite what the application wrote meanwhile. At
  REPEATABLE READ Postgres itself refuses that (40001), and nothing is locked twice: a tenth of a batch's time. It does
  so for rows that the change changes, so only a change of the very rows of the page may do without the locks; and not
  where a trigger or a volatile function fires, which may rely on what it finds once it has waited for a lock.
- `page` is read whole before the change starts: a lazily read page lets a trigger on a sibling row hide rows from the
  change in silence; read whole, Postgres reports it (27000).
- The cursor moves by what was scanned, never by what was changed, or it would stand still on rows that need no change.
- The update of the checkpoint joins it by its key alone: after a wait its other columns are those of a newer version.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.backfills.keyset import (
    Span,
    aliases_of,
    bound,
    columns_of,
    commas,
    end_of,
    keys_of,
    last_of,
    row,
    scan,
    start_of,
    stride_of,
)
from sendoka.backfills.shards import BATCH_COLUMNS, TOOK, WORKED
from sendoka.backfills.words import words
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target

__all__ = ["advanced", "change_batch", "change_of", "ended", "in_last", "looked_up", "may_go_unlocked", "range_of"]

_STRIDE = "sendoka_checkpoint.stride"


def may_go_unlocked(backfill: Backfill, target: Target) -> bool:
    """Tell whether a batch may leave its page unlocked, at REPEATABLE READ.

    It may where the change is an UPDATE or a DELETE of the table that is walked, and where nothing but the table's own
    constraints fires.
    """
    facts = target.facts
    if facts is None or next(words(backfill.sql or ""), "") not in {"update", "delete"}:
        return False
    return facts.own and not facts.triggers and not facts.volatile


def change_batch(backfill: Backfill, target: Target, *, first: bool, last: bool = True, locks: bool = True) -> str:
    """Return one whole batch of the SQL form. Parameters: run, shard, rows to scan, token, epoch, lease, owner.

    It answers `BATCH_COLUMNS` and seconds, those of its transaction (`inside`) and its own (`worked`), or no row where
    nothing is to be done under this epoch.

    Who holds the shard under the name `owner` holds it for so many seconds (`lease`) more.
    first: whether it begins at the first row of the table: no key in the cursor yet, and no lower bound.
    last: whether the shard ends where the table does.
    locks: whether the page is locked; if not, the batch is for REPEATABLE READ, and only where `may_go_unlocked`.
    """
    begin = start_of(target, "s.cursor", "s.lower")
    stride = f", {stride_of('s.cursor')} as stride" if target.strides > 1 else ""
    span = Span.of("sendoka_checkpoint", first=first, last=last)
    return f"""with sendoka_checkpoint as (
  select s.run, s.shard, s.cursor, {begin} as start, s.upper, s.seq{stride} from sendoka.backfill_shards s
  where s.run = $1::bigint and s.shard = $2::int and s.state = 'running' and not s.held and s.epoch = $5::bigint
    and {begin} is {"" if first else "not "}null and s.upper is {"" if last else "not "}null
  for update
), {range_of(backfill, target, span, "$3::int", locks=locks)}, {change_of(backfill)}, sendoka_tally as materialized (
  select (select count(*) from sendoka_scan) as scanned, (select count(*) from sendoka_hits) as paged,
    (select count(*) from sendoka_change) as changed,
    (select {last_of(target)} from sendoka_end) as cursor
), sendoka_advanced as (
  update sendoka.backfill_shards b set seq = c.seq + 1, cursor = {advanced(target, "$3::int")}, token = $4,
    scanned = b.scanned + t.scanned, paged = b.paged + t.paged, changed = b.changed + t.changed,
    pass_scanned = b.pass_scanned + t.scanned, pass_paged = b.pass_paged + t.paged,
    pass_changed = b.pass_changed + t.changed, updated_at = clock_timestamp(),
    {ended(f"t.scanned < $3::int{in_last(target)}", "$6::float8", "$7")}
  from sendoka_checkpoint c, sendoka_tally t where b.run = c.run and b.shard = c.shard
  returning b.*, t.scanned as batch_scanned, t.paged as batch_paged, t.changed as batch_changed
), sendoka_audit as (
  insert into sendoka.backfill_batches (run, shard, seq, epoch, pass, token, cursor, scanned, paged, changed, took)
  select run, shard, seq, epoch, pass, token, cursor, batch_scanned, batch_paged, batch_changed, {WORKED}
  from sendoka_advanced
)
select {BATCH_COLUMNS}, {TOOK} as inside, {WORKED} as worked from sendoka_advanced"""


def range_of(backfill: Backfill, target: Target, span: Span, limit: str, *, locks: bool) -> str:
    """Return a page of `sendoka_checkpoint`: its keys as `sendoka_scan`, its rows as `sendoka_hits`, locked or not.

    `sendoka_end` is the last key.
    """
    if target.chosen:
        rows = looked_up(backfill, target, locks=locks)
    elif locks:
        rows = _locked(backfill, target, span, limit)
    else:
        return _read_once(backfill, target, span, limit)
    return f"""sendoka_scan as materialized (
  select k.* from sendoka_checkpoint cross join lateral (
    {scan(target, span, _STRIDE, limit)}
  ) k
), sendoka_end as materialized (
  {end_of(target)}
), {rows}"""


def _locked(backfill: Backfill, target: Target, span: Span, limit: str) -> str:
    """Return the rows up to the last key of `sendoka_scan`, locked.

    The second limit is never met: it keeps the planner with the index, which it might leave for so wide a range.
    """
    keys = keys_of(target)
    behind = bound(target, Span(span.start), _STRIDE) or "where true"
    end = row([f"sendoka_end.{alias}" for alias in aliases_of(target)])
    return f"""sendoka_hits as materialized (
  select l.* from sendoka_checkpoint cross join sendoka_end cross join lateral (
    select {commas(columns_of(target))} from {target.quoted}
    {behind} and {row(keys)} <= {end} and (
{backfill.predicate}
    )
    order by {commas(keys)} limit {limit} for no key update
  ) l
)"""


def _read_once(backfill: Backfill, target: Target, span: Span, limit: str) -> str:
    """Return the same without locks, where keys and rows are read at once."""
    keys, names = keys_of(target), [ident(key) for key in target.key]
    named = commas(f"{name} as {alias}" for name, alias in zip(names, aliases_of(target), strict=True))
    return f"""sendoka_scan as materialized (
  select k.* from sendoka_checkpoint cross join lateral (
    select (
{backfill.predicate}
    ) is true as sendoka_hit, {commas(columns_of(target))} from {target.quoted}
    {bound(target, span, _STRIDE)}
    order by {commas(keys)} limit {limit}
  ) k
), sendoka_end as materialized (
  select {named} from sendoka_scan order by {commas(f"{name} desc" for name in names)} limit 1
), sendoka_hits as (
  select {commas(ident(column) for column in target.columns)} from sendoka_scan where sendoka_hit
)"""


def looked_up(backfill: Backfill, target: Target, *, locks: bool) -> str:
    """Return the rows of the keys of `sendoka_scan`, wherever they lie, as `sendoka_hits`."""
    keys = keys_of(target)
    return f"""sendoka_hits as materialized (
  select {commas(columns_of(target))} from {target.quoted}
  where {row(keys)} in (select {commas(aliases_of(target))} from sendoka_scan) and (
{backfill.predicate}
  )
  order by {commas(keys)}{" for no key update" if locks else ""}
)"""


def change_of(backfill: Backfill) -> str:
    """Return what a batch does with the rows of `sendoka_hits`: the page, read whole, and the change."""
    return f"""page as (
  select l.* from sendoka_hits l where (select count(*) from sendoka_hits) >= 0
), sendoka_change as (
{backfill.sql}
returning 1
)"""


def advanced(target: Target, limit: str) -> str:
    """Return the cursor behind a batch of the SQL form that scanned `t` from the checkpoint `c`; `limit` is SQL."""
    if target.strides == 1:
        return "coalesce(t.cursor, c.cursor)"
    return f"""case
      when t.scanned < {limit} and c.stride + 1 < {target.strides} then jsonb_build_object('stride', c.stride + 1)
      when t.cursor is null then c.cursor else jsonb_build_object('stride', c.stride, 'key', t.cursor) end"""


def in_last(target: Target) -> str:
    """Return the further condition for the end of a pass: that the checkpoint `c` is in the last stride."""
    return "" if target.strides == 1 else f" and c.stride + 1 >= {target.strides}"


def ended(end: str, lease: str, owner: str) -> str:
    """Return what becomes of the checkpoint `b` by a batch of the SQL form: state and lease. All of it is SQL."""
    return f"""state = case when {end} then 'scanned' else b.state end,
    owner = case when {end} then null else b.owner end, lease_until = case when {end} then null
      when b.owner = {owner} then clock_timestamp() + make_interval(secs => {lease}) else b.lease_until end"""
