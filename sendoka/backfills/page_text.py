"""The SQL of a page in the Python form: how it is read, and how `batch.update()` writes it back."""

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
    key_of,
    keys_of,
    last_of,
    row,
    scan,
    start_of,
    stride_of,
)
from sendoka.database.home import Ours
from sendoka.database.statement import Statement
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.target import Target

__all__ = ["page", "write_back"]


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

    Its columns: rows scanned, the next cursor, the row's version, the page's columns. The first row has only the first
    two, all others only the rest; a scan that is kept gives its rows in the order in which it read them.
    """
    keys = keys_of(target)
    names = [ident(key) for key in target.key]
    known = key_of(cursor) is not None
    stride = stride_of("$2::jsonb")
    params = [str(size), cursor] if target.strides > 1 or known else [str(size)]

    def given(edge: str | None) -> str | None:
        if edge is None:
            return None
        params.append(edge)
        return f"${len(params)}::jsonb"

    span = Span(start_of(target, "$2::jsonb") if known else given(lower), given(upper))
    following = f"jsonb_build_array({commas(names)})"
    following = f"(select {following} from sendoka_scan order by {commas(f'{name} desc' for name in names)} limit 1)"
    if target.chosen:
        following = f"(select {last_of(target)} from ({end_of(target)}) sendoka_end)"
    if target.strides > 1:
        following = f"""case when (select count(*) from sendoka_scan) < $1::int and {stride} + 1 < {target.strides}
    then jsonb_build_object('stride', {stride} + 1, 'after', {following})
    else jsonb_build_object('stride', {stride}, 'key', {following}) end"""
    met = f"""select (
{backfill.predicate}
  ) is true as sendoka_hit, {ident(target.table)}.xmin::text as sendoka_version, {commas(columns_of(target))}
  from {target.quoted}"""
    if target.chosen:
        read = f"""{scan(target, span, stride, "$1::int")}
), sendoka_met as materialized (
  {met} where {row(keys)} in (select {commas(aliases_of(target))} from sendoka_scan)
  order by {commas(keys)}"""
    else:
        read = f"""{met}
  {bound(target, span, stride)}
  order by {commas(keys)} limit $1::int"""
    columns = commas(ident(column) for column in target.columns)
    text = f"""with sendoka_scan as materialized (
  {read}
)
select (select count(*) from sendoka_scan) as sendoka_scanned, ({following})::text as sendoka_cursor,
  null as sendoka_version, {commas(f"null as {ident(column)}" for column in target.columns)}
union all
select null, null, sendoka_version, {columns}
from {"sendoka_met" if target.chosen else "sendoka_scan"} where sendoka_hit"""
    return Ours(text, tuple(params)) if target.listed else Statement(text, tuple(params))


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
    sets = commas(
        f"{ident(column)} = {name}::{target.types[column]}" for column, name in zip(columns, values, strict=True)
    )
    return f"""update {target.quoted} set {sets}
from unnest({commas(f"${place}::text[]" for place in range(1, arrays + 1))}) as sendoka_batch({commas(names)})
where {same} and {table}.xmin = {version}::xid and (
{backfill.predicate}
)"""
