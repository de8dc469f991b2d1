"""What the database says about the table that a backfill walks: its key, its columns and their types, its size."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.facts import read_facts
from sendoka.backfills.models import misfit_of
from sendoka.database.statement import Statement
from sendoka.errors import BackfillError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.facts import Facts
    from sendoka.database.seam import Database

__all__ = ["Target", "estimate", "nearest", "read_target"]

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
    """A table to be walked: its `key` in order, the `columns` that a page holds, the `types` of all its columns.

    `order` is how it is walked (one of `order.ORDERS`), in so many `strides`, and `why`. `declared` is the key as the
    declaration has it, or the primary key: what a step knows a row by, however the table is walked.
    """

    oid: str
    namespace: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    types: dict[str, str]
    facts: Facts | None = None
    order: str = "key"
    strides: int = 1
    why: str = ""
    declared: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that a step knows a row by; they are among those of `key`."""
        return self.declared if self.declared and set(self.declared) <= set(self.key) else self.key

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
    facts = await read_facts(database, backfill)
    if facts is None:
        raise BackfillError(
            f"the table {backfill.table} of the backfill {backfill.name} does not exist",
            where="nothing was changed",
            todo="apply the migration that makes it (sendoka migrate), or correct table=",
        )
    if facts.kind not in {"r", "p"}:
        raise BackfillError(f"{backfill.table} is not a table, so its rows cannot be walked and locked")
    key = backfill.key or facts.primary_key
    _check_columns(backfill, facts.columns)
    _check_key(backfill, key, facts)
    wanted = (*key, *(column for column in backfill.columns or facts.columns if column not in key))
    _check_model(backfill, wanted)
    return Target(facts.oid, facts.namespace, facts.table, key, wanted, facts.columns, facts, declared=key)


def _check_columns(backfill: Backfill, types: dict[str, str]) -> None:
    for column in (*backfill.key, *backfill.columns):
        if column not in types:
            raise BackfillError(
                f"the table {backfill.table} has no column {column!r}",
                where=f"in the backfill {backfill.name}",
                todo=nearest(column, types),
            )


def _check_model(backfill: Backfill, columns: tuple[str, ...]) -> None:
    why = "" if backfill.model is None else misfit_of(backfill.model, columns)
    if why:
        raise BackfillError(
            f"the rows of {backfill.table} do not fit the model of the backfill {backfill.name}: {why}",
            where="nothing was changed",
            todo="columns= says which columns a row has beside the key",
        )


def nearest(column: str, known: Iterable[str]) -> str:
    """Return what to do about a column that a table does not have: the name that was meant, or all that it has."""
    known = list(known)
    near = difflib.get_close_matches(column, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known)}"


def _check_key(backfill: Backfill, key: tuple[str, ...], facts: Facts) -> None:
    where = f"in the backfill {backfill.name}"
    if not key:
        raise BackfillError(
            f"the table {backfill.table} has no primary key to walk by",
            where=where,
            todo="give key=[…]: unique columns",
        )
    nullable = [column for column in key if column not in facts.filled]
    if nullable:
        raise BackfillError(
            f"the key column {nullable[0]!r} of {backfill.table} may be null, so its rows cannot be walked in order",
            where=where,
            todo="walk by the primary key, or make it not null",
        )
    if not any(index.unique and set(index.columns) <= set(key) for index in facts.indexes):
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
