"""The SQL of a batch, in both forms, as text: nothing here talks to a database.

What was tried and why it is written this way:

- The checkpoint's row is locked first, so a batch that is still in flight, a rival or a lost answer's twin, is waited
  for; `for update` then gives the newest version of that row.
- Keys are compared as rows, `(a, b) > (x, y)`: an index condition, where an OR chain is only a filter. The first page
  has its own text without a lower bound, and a shard that has no end one without an upper bound.
- A shard's bounds are read from its locked row, as the cursor is: one that was moved meanwhile holds for this batch.
- The rows of the page are read by the range of the scanned keys: looked up one by one they cost three times as much.
- `page` is read whole before the change starts: a lazily read page lets a trigger on a sibling row hide rows from the
  change in silence; read whole, Postgres reports it (27000).
- The cursor moves by what was scanned, never by what was changed, or it would stand still on rows that need no change.
- The update of the checkpoint joins it by its key alone: after a wait its other columns are those of a newer version.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sendoka.backfills.order import hashed
from sendoka.backfills.words import words
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.http.encode import encode
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target

__all__ = [
    "BATCH_COLUMNS",
    "TOOK",
    "Fence",
    "Span",
    "advanced",
    "change_batch",
    "change_of",
    "counted",
    "ended",
    "fence",
    "in_last",
    "key_of",
    "keys_of",
    "look",
    "looked_up",
    "page",
    "range_of",
    "remaining",
    "scan",
    "start_of",
    "stride_of",
    "unfalsified",
    "within",
    "write_back",
]

BATCH_COLUMNS = (
    "case when held then 'held' else state end, "
    "pass, epoch, seq, cursor::text, lower::text, upper::text, "
    "scanned, paged, changed, pass_scanned, pass_paged, pass_changed"
)
"""What a batch answers of its shard, in the order of `shards.Shard`."""


TOOK = "extract(epoch from clock_timestamp() - transaction_timestamp())"
"""The seconds since a batch's transaction began."""


def change_batch(backfill: Backfill, target: Target, *, first: bool, last: bool = True) -> str:
    """Return one whole batch of the SQL form. Parameters: run, shard, rows to scan, token, epoch, lease, owner.

    Who holds the shard under the name `owner` holds it for so many seconds (`lease`) more.
    first: whether it begins at the first row of the table: no key in the cursor yet, and no lower bound.
    last: whether the shard ends where the table does.
    """
    begin = start_of(target, "s.cursor", "s.lower")
    stride = f", {stride_of('s.cursor')} as stride" if target.strides > 1 else ""
    span = Span.of("sendoka_checkpoint", first=first, last=last)
    return f"""with sendoka_checkpoint as (
  select s.run, s.shard, s.cursor, {begin} as start, s.upper, s.seq{stride} from sendoka.backfill_shards s
  where s.run = $1::bigint and s.shard = $2::int and s.state = 'running' and not s.held and s.epoch = $5::bigint
    and {begin} is {"" if first else "not "}null and s.upper is {"" if last else "not "}null
  for update
), {range_of(backfill, target, span, "$3::int")}, {change_of(backfill)}, sendoka_tally as materialized (
  select (select count(*) from sendoka_scan) as scanned, (select count(*) from sendoka_locked) as paged,
    (select count(*) from sendoka_change) as changed,
    (select {_last(target)} from sendoka_end) as cursor
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
  select run, shard, seq, epoch, pass, token, cursor, batch_scanned, batch_paged, batch_changed, {TOOK}
  from sendoka_advanced
)
select {BATCH_COLUMNS} from sendoka_advanced"""


@dataclass(frozen=True, slots=True)
class Span:
    """The SQL of two JSON arrays of the key's values: what is behind `start`, up to and with `end`; None is open."""

    start: str | None
    end: str | None = None

    @classmethod
    def of(cls, checkpoint: str, *, first: bool, last: bool) -> Span:
        """Return that of a checkpoint's columns `start` and `upper`."""
        return cls(None if first else f"{checkpoint}.start", None if last else f"{checkpoint}.upper")


def start_of(target: Target, cursor: str, lower: str | None = None) -> str:
    """Return the SQL of the key behind which a batch begins, null at the table's start; the others are SQL too."""
    known = cursor if target.strides == 1 else f"{cursor} -> 'key'"
    return f"coalesce({known}, {lower})" if lower else known


def scan(target: Target, span: Span, stride: str, limit: str) -> str:
    """Return the read of the next keys, called k1, k2 and so on; `stride` and `limit` are SQL."""
    keys = keys_of(target)
    if target.listed:
        values = zip(_values("l.key", target), _aliases(target), strict=True)
        named = _list(f"{value} as {alias}" for value, alias in values)
        behind = f" and l.key > {span.start}" if span.start else ""
        return f"""select {named}, l.key as sendoka_key from sendoka.backfill_keys l
    where l.run = {target.listed:d}{behind}
    order by l.key limit {limit}"""
    named = _list(f"{key} as {alias}" for key, alias in zip(keys, _aliases(target), strict=True))
    return f"""select {"distinct " if target.source else ""}{named} from {target.scanned}
    {_bound(target, span, stride)}
    order by {_list(keys)} limit {limit}"""


def range_of(backfill: Backfill, target: Target, span: Span, limit: str) -> str:
    """Return a page of `sendoka_checkpoint`: its keys as `sendoka_scan`, its rows locked as `sendoka_locked`.

    `sendoka_end` is the last key. The second limit is never met: it keeps the planner with the index, which it might
    leave for so wide a range.
    """
    keys, aliases = keys_of(target), _aliases(target)
    stride = "sendoka_checkpoint.stride"
    bound = _bound(target, Span(span.start), stride) or "where true"
    end = _row([f"sendoka_end.{alias}" for alias in aliases])
    locked = f"""sendoka_locked as materialized (
  select l.* from sendoka_checkpoint cross join sendoka_end cross join lateral (
    select {_list(_columns(target))} from {target.quoted}
    {bound} and {_row(keys)} <= {end} and (
{backfill.predicate}
    )
    order by {_list(keys)} limit {limit} for no key update
  ) l
)"""
    return f"""sendoka_scan as materialized (
  select k.* from sendoka_checkpoint cross join lateral (
    {scan(target, span, stride, limit)}
  ) k
), sendoka_end as materialized (
  {_end(target)}
), {looked_up(backfill, target) if target.chosen else locked}"""


def _end(target: Target) -> str:
    """Return the read of the last key of `sendoka_scan`, by the names that it has there."""
    names = ["sendoka_key"] if target.listed else _aliases(target)
    return f"select {_list(names)} from sendoka_scan order by {_list(f'{name} desc' for name in names)} limit 1"


def _last(target: Target) -> str:
    """Return the cursor behind the row of a scan: its key, as it stands in the list where that is one."""
    return "sendoka_key" if target.listed else f"jsonb_build_array({_list(_aliases(target))})"


def looked_up(backfill: Backfill, target: Target) -> str:
    """Return the rows of the keys of `sendoka_scan`, wherever they lie, locked as `sendoka_locked`."""
    keys = keys_of(target)
    return f"""sendoka_locked as materialized (
  select {_list(_columns(target))} from {target.quoted}
  where {_row(keys)} in (select {_list(_aliases(target))} from sendoka_scan) and (
{backfill.predicate}
  )
  order by {_list(keys)} for no key update
)"""


def change_of(backfill: Backfill) -> str:
    """Return what a batch does with the rows of `sendoka_locked`: the page, read whole, and the change."""
    return f"""page as (
  select l.* from sendoka_locked l where (select count(*) from sendoka_locked) >= 0
), sendoka_change as (
{backfill.sql}
returning 1
)"""


def page(
    backfill: Backfill,
    target: Target,
    cursor: str | None,
    size: int,
    *,
    lower: str | None = None,
    upper: str | None = None,
) -> Statement:
    """Return the read of one page of the Python form: `size` rows behind `cursor`, in the bounds of its shard.

    Its columns: rows scanned, the next cursor (both in the first row only), the row's version, the page's columns.
    One row with an empty version comes where no scanned row satisfies `where`.
    """
    keys = keys_of(target)
    names = [ident(key) for key in target.key]
    known = key_of(cursor) is not None
    stride = stride_of("$2::jsonb")
    params = [str(size), cursor] if target.strides > 1 or known else [str(size)]

    def given(bound: str | None) -> str | None:
        if bound is None:
            return None
        params.append(bound)
        return f"${len(params)}::jsonb"

    span = Span(start_of(target, "$2::jsonb") if known else given(lower), given(upper))
    following = f"jsonb_build_array({_list(names)})"
    following = f"(select {following} from sendoka_scan order by {_list(f'{name} desc' for name in names)} limit 1)"
    if target.chosen:
        following = f"(select {_last(target)} from ({_end(target)}) sendoka_end)"
    if target.strides > 1:
        following = f"""case when (select count(*) from sendoka_scan) < $1::int and {stride} + 1 < {target.strides}
    then jsonb_build_object('stride', {stride} + 1, 'after', {following})
    else jsonb_build_object('stride', {stride}, 'key', {following}) end"""
    met = f"""select (
{backfill.predicate}
  ) is true as sendoka_hit, {ident(target.table)}.xmin::text as sendoka_version, {_list(_columns(target))}
  from {target.quoted}"""
    if target.chosen:
        read = f"""{scan(target, span, stride, "$1::int")}
), sendoka_met as materialized (
  {met} where {_row(keys)} in (select {_list(_aliases(target))} from sendoka_scan)"""
    else:
        read = f"""{met}
  {_bound(target, span, stride)}
  order by {_list(keys)} limit $1::int"""
    text = f"""with sendoka_scan as materialized (
  {read}
), sendoka_page as (
  select row_number() over (order by {_list(names)}) as sendoka_place, *
  from {"sendoka_met" if target.chosen else "sendoka_scan"} where sendoka_hit
)
select case when coalesce(sendoka_place, 1) = 1 then (select count(*) from sendoka_scan) end as sendoka_scanned,
  case when coalesce(sendoka_place, 1) = 1 then ({following})::text end as sendoka_cursor,
  sendoka_version, {_list(ident(column) for column in target.columns)}
from (select) one left join sendoka_page on true order by sendoka_place"""
    return Ours(text, tuple(params)) if target.listed else Statement(text, tuple(params))


def key_of(cursor: str | None) -> tuple[Any, ...] | None:
    """Return the key that a cursor holds, None where it holds none: at the start of a pass, or of a stride.

    A cursor is a JSON array of the key's values; in strides it is an object, `{"stride": 3, "key": […]}`, and without
    the key at the start of one.
    """
    found = None if cursor is None else json.loads(cursor)
    if isinstance(found, dict):
        found = found.get("key")
    return None if found is None else tuple(found)


def stride_of(cursor: str) -> str:
    """Return the SQL of the stride in which a cursor is; `cursor` is SQL."""
    return f"coalesce(({cursor} ->> 'stride')::int, 0)"


def _bound(target: Target, span: Span, stride: str) -> str:
    """Return the WHERE of a scan: in the span, in the stride."""
    bounds = []
    if target.strides > 1:
        steady = " || ',' || ".join(f"{ident(target.table)}.{ident(column)}::text" for column in hashed(target))
        # As an equation it would be taken for one row in 200, and the table be read and sorted instead of its index.
        bounds.append(f'abs((hashtext(({steady}) collate "C") & {target.strides - 1}) - {stride}) < 1')
    keys = _row(keys_of(target))
    if span.start:
        bounds.append(f"{keys} > {_row(_values(span.start, target))}")
    if span.end:
        bounds.append(f"{keys} <= {_row(_values(span.end, target))}")
    return f"where {' and '.join(bounds)}" if bounds else ""


def within(target: Target, span: Span) -> str:
    """Return the WHERE of the rows in a span, of all strides; nothing where it is open at both ends."""
    return _bound(replace(target, strides=1), span, "0")


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
    """Return the read of the batch's shard as it stands in its transaction."""
    return Ours(
        f"select {BATCH_COLUMNS} from sendoka.backfill_shards where run = $1::bigint and shard = $2::int",
        batch.place[:2],
    )


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


def write_back(backfill: Backfill, target: Target, columns: tuple[str, ...]) -> str:
    """Return the update behind `batch.update()`. Parameters, text arrays: one a key column, versions, one a column.

    A row is left alone if somebody changed it since the page was read, or if it no longer satisfies `where`.
    """
    keys, table = keys_of(target), ident(target.table)
    arrays = len(keys) + 1 + len(columns)
    names = [f"sendoka_{place}" for place in range(1, arrays + 1)]
    same = " and ".join(
        f"{key} = {name}::{target.types[column]}" for key, name, column in zip(keys, names, target.key, strict=False)
    )
    version, values = names[len(keys)], names[len(keys) + 1 :]
    sets = _list(
        f"{ident(column)} = {name}::{target.types[column]}" for column, name in zip(columns, values, strict=True)
    )
    return f"""update {target.quoted} set {sets}
from unnest({_list(f"${place}::text[]" for place in range(1, arrays + 1))}) as sendoka_batch({_list(names)})
where {same} and {table}.xmin = {version}::xid and (
{backfill.predicate}
)"""


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
  select count(*) from unnest({_list(f"${place}::text[]" for place in range(4, len(keys) + 4))})
    as sendoka_batch({_list(names)}) join {target.quoted} on {same}
  where (
{backfill.predicate}
  )
)"""
    return Ours(text, (*batch.place, *(encode(each) for each in keys)))


def remaining(backfill: Backfill, target: Target) -> Statement:
    """Return the query whose one number is what is left to do."""
    if backfill.verify:
        return Statement(backfill.verify)
    text = f"select count(*) from {target.quoted} where (\n{backfill.predicate}\n)"
    if not target.chosen:
        return Statement(text)
    text = f"{text} and {_row(keys_of(target))} in ({target.chosen})"
    return Ours(text) if target.listed else Statement(text)


def _aliases(target: Target) -> list[str]:
    return [f"k{place}" for place in range(1, len(target.key) + 1)]


def keys_of(target: Target) -> list[str]:
    """Return the columns of the key for SQL, with their table."""
    return [f"{ident(target.table)}.{ident(column)}" for column in target.key]


def _columns(target: Target) -> list[str]:
    return [f"{ident(target.table)}.{ident(column)}" for column in target.columns]


def _values(source: str, target: Target) -> list[str]:
    return [f"({source} ->> {place})::{target.types[column]}" for place, column in enumerate(target.key)]


def _row(parts: list[str]) -> str:
    return f"({', '.join(parts)})"


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)
