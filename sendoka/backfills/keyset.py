"""Keys in SQL: where a page begins and ends, and how the next keys are read, as text.

- Keys are compared as rows, `(a, b) > (x, y)`: an index condition, where an OR chain is only a filter. The first page
  has its own text without a lower bound, and a shard that has no end one without an upper bound.
- A cursor is a JSON array of the key's values, made and read by Postgres, and cast back by the columns' types; in
  strides it is an object that says in which.
"""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters, and the rest is constant

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sendoka.backfills.order import hashed
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.target import Target

__all__ = [
    "Span",
    "aliases_of",
    "bound",
    "columns_of",
    "commas",
    "end_of",
    "key_of",
    "keys_of",
    "last_of",
    "row",
    "scan",
    "start_of",
    "stride_of",
    "values_of",
    "within",
]


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


def scan(target: Target, span: Span, stride: str, limit: str) -> str:
    """Return the read of the next keys, called k1, k2 and so on; `stride` and `limit` are SQL."""
    keys = keys_of(target)
    if target.listed:
        values = zip(values_of("l.key", target), aliases_of(target), strict=True)
        named = commas(f"{value} as {alias}" for value, alias in values)
        behind = f" and l.key > {span.start}" if span.start else ""
        return f"""select {named}, l.key as sendoka_key from sendoka.backfill_keys l
    where l.run = {target.listed:d}{behind}
    order by l.key limit {limit}"""
    named = commas(f"{key} as {alias}" for key, alias in zip(keys, aliases_of(target), strict=True))
    return f"""select {"distinct " if target.source else ""}{named} from {target.scanned}
    {bound(target, span, stride)}
    order by {commas(keys)} limit {limit}"""


def bound(target: Target, span: Span, stride: str) -> str:
    """Return the WHERE of a scan: in the span, in the stride."""
    bounds = []
    if target.strides > 1:
        steady = " || ',' || ".join(f"{ident(target.table)}.{ident(column)}::text" for column in hashed(target))
        # As an equation it would be taken for one row in 200, and the table be read and sorted instead of its index.
        bounds.append(f'abs((hashtext(({steady}) collate "C") & {target.strides - 1}) - {stride}) < 1')
    keys = row(keys_of(target))
    if span.start:
        bounds.append(f"{keys} > {row(values_of(span.start, target))}")
    if span.end:
        bounds.append(f"{keys} <= {row(values_of(span.end, target))}")
    return f"where {' and '.join(bounds)}" if bounds else ""


def within(target: Target, span: Span) -> str:
    """Return the WHERE of the rows in a span, of all strides; nothing where it is open at both ends."""
    return bound(replace(target, strides=1), span, "0")


def end_of(target: Target) -> str:
    """Return the read of the last key of `sendoka_scan`, by the names that it has there."""
    names = ["sendoka_key"] if target.listed else aliases_of(target)
    return f"select {commas(names)} from sendoka_scan order by {commas(f'{name} desc' for name in names)} limit 1"


def last_of(target: Target) -> str:
    """Return the cursor behind the row of a scan: its key, as it stands in the list where that is one."""
    return "sendoka_key" if target.listed else f"jsonb_build_array({commas(aliases_of(target))})"


def keys_of(target: Target) -> list[str]:
    """Return the columns of the key for SQL, with their table."""
    return [f"{ident(target.table)}.{ident(column)}" for column in target.key]


def aliases_of(target: Target) -> list[str]:
    """Return the names of the key's columns in a scan: k1, k2 and so on."""
    return [f"k{place}" for place in range(1, len(target.key) + 1)]


def columns_of(target: Target) -> list[str]:
    """Return the columns that a page shows, with their table."""
    return [f"{ident(target.table)}.{ident(column)}" for column in target.columns]


def values_of(source: str, target: Target) -> list[str]:
    """Return the values of a key; `source` is the SQL of a JSON array of them."""
    return [f"({source} ->> {place})::{target.types[column]}" for place, column in enumerate(target.key)]


def row(parts: list[str]) -> str:
    """Return the row of several values."""
    return f"({', '.join(parts)})"


def commas(parts: Iterable[str]) -> str:
    """Return them as a list in SQL."""
    return ", ".join(parts)
