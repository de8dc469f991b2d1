"""What the database says about the table that a backfill walks: its key, its columns and their types, its size."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Statement
from sendoka.errors import BackfillError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.declare import Backfill
    from sendoka.database.seam import Database

__all__ = ["Target", "estimate", "nearest", "read_target"]

# One round trip. A type is written without its length, so that casting to it never cuts a value off.
_FACTS = """
select c.oid::text, n.nspname::text, c.relname::text, c.relkind::text,
  (select json_agg(json_build_array(a.attname, format_type(a.atttypid, -1), a.attnotnull) order by a.attnum)
     from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text,
  (select json_agg(json_build_array(i.indisprimary, (
       select json_agg(a.attname order by k.place)
         from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
         join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.place <= i.indnkeyatts)) order by i.indisprimary desc, i.indexrelid)
     from pg_catalog.pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
      and i.indpred is null and i.indexprs is null)::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass($1)
"""

_ROWS = """
select case when s.reltuples >= 0 and s.relpages > 0
  then round(s.reltuples / s.relpages * (pg_relation_size(s.oid) / current_setting('block_size')::int))::bigint::text
  end, (pg_relation_size(s.oid))::text, s.relkind::text
from pg_catalog.pg_class s where s.oid = $1::oid
"""
_COUNTED_BELOW = 256 * 1024 * 1024
"""A table without statistics is counted if it has fewer bytes than this."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be walked: its `key` in order, the `columns` that a page holds, the `types` of all its columns."""

    oid: str
    namespace: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    types: dict[str, str]

    @property
    def quoted(self) -> str:
        """The table's name for SQL, with its namespace."""
        return f"{ident(self.namespace)}.{ident(self.table)}"

    @property
    def shown(self) -> str:
        """The table's name for people."""
        return self.table if self.namespace == "public" else f"{self.namespace}.{self.table}"


async def read_target(database: Database, backfill: Backfill) -> Target:
    """Read the table of `backfill` from the catalog.

    Raises BackfillError for a table or column that is not there, and for a key that is not unique or may be null:
    walking by such a key would leave rows out.
    """
    name = ".".join(ident(part) for part in backfill.table.split("."))
    rows = (await database.run(Statement(_FACTS, (name,)))).rows
    if not rows:
        raise BackfillError(
            f"the table {backfill.table} of the backfill {backfill.name} does not exist",
            where="nothing was changed",
            todo="apply the migration that makes it (sendoka migrate), or correct table=",
        )
    oid, namespace, table, kind, columns, uniques = rows[0]
    if kind not in {"r", "p"}:
        raise BackfillError(f"{backfill.table} is not a table, so its rows cannot be walked and locked")
    facts: list[list[Any]] = json.loads(columns or "[]")
    types = {column: kind for column, kind, _ in facts}
    keys: list[list[Any]] = json.loads(uniques or "[]")
    key = backfill.key or tuple(next((names for primary, names in keys if primary), ()))
    _check_columns(backfill, types)
    _check_key(backfill, key, {column for column, _, filled in facts if filled}, [set(names) for _, names in keys])
    wanted = (*key, *(column for column in backfill.columns or types if column not in key))
    return Target(str(oid), str(namespace), str(table), key, wanted, types)


def _check_columns(backfill: Backfill, types: dict[str, str]) -> None:
    for column in (*backfill.key, *backfill.columns):
        if column not in types:
            raise BackfillError(
                f"the table {backfill.table} has no column {column!r}",
                where=f"in the backfill {backfill.name}",
                todo=nearest(column, types),
            )


def nearest(column: str, known: Iterable[str]) -> str:
    """Return what to do about a column that a table does not have: the name that was meant, or all that it has."""
    known = list(known)
    near = difflib.get_close_matches(column, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known)}"


def _check_key(backfill: Backfill, key: tuple[str, ...], filled: set[str], uniques: list[set[str]]) -> None:
    where = f"in the backfill {backfill.name}"
    if not key:
        raise BackfillError(
            f"the table {backfill.table} has no primary key to walk by",
            where=where,
            todo="give key=[…]: unique columns",
        )
    nullable = [column for column in key if column not in filled]
    if nullable:
        raise BackfillError(
            f"the key column {nullable[0]!r} of {backfill.table} may be null, so its rows cannot be walked in order",
            where=where,
        )
    if not any(unique <= set(key) for unique in uniques):
        raise BackfillError(
            f"the key ({', '.join(key)}) of {backfill.table} is not unique: rows that share it could be left out",
            where=where,
            todo="add the primary key's columns at its end: key=[…, 'id']",
        )


async def estimate(database: Database, target: Target) -> int | None:
    """Return about how many rows the table has: by its statistics, else counted where it is small, else None."""
    ((by_statistics, size, kind),) = (await database.run(Statement(_ROWS, (target.oid,)))).rows
    if by_statistics is not None:
        return int(by_statistics)
    if kind == "r" and int(size or 0) < _COUNTED_BELOW:
        ((count,),) = (await database.run(Statement(f"select count(*)::text from {target.quoted}"))).rows  # noqa: S608 - quoted by ident()
        return int(count or 0)
    return None
