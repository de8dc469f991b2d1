"""What the database says about the table that a backfill walks: its key, its columns and their types, its size."""

# ruff: noqa: S608 - names are quoted by sendoka.quoting, values are parameters or numbers, and the rest is constant

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.backfills.facts import read_facts
from sendoka.backfills.models import misfit_of
from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import BackfillError, DatabaseError
from sendoka.quoting import ident

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.declare import Backfill
    from sendoka.backfills.facts import Facts
    from sendoka.database.seam import Database

__all__ = ["Estimate", "Target", "estimate", "listed", "nearest", "read_target", "values_of"]

# Statistics say how densely a table was filled when it was vacuumed or analyzed last, and it has so many rows on every
# page that it has now. Pages that it has more since then may be full of dead rows: every trial of a change, which is
# undone, leaves some. So as many as are dead are taken off, but none of those that were counted then. Where the server
# has forgotten how many are dead, as after a crash, it is told as the planner would.
# A partitioned table has the rows of its partitions; how many these have stands with each of them.
_ROWS = """
select case when bool_and(t.rows is not null) then sum(t.rows)::bigint end, coalesce(sum(t.size), 0),
  coalesce(bool_or(t.foreign), false)
from (
  select pg_relation_size(s.oid) as size, s.relkind = 'f' as foreign,
    case when s.relkind = 'f' then nullif(s.reltuples, -1) when pg_relation_size(s.oid) = 0 then 0
      when s.reltuples >= 0 and s.relpages > 0
      then greatest(s.reltuples, round(s.reltuples / s.relpages * (
        pg_relation_size(s.oid) / current_setting('block_size')::int)) - coalesce(pg_stat_get_dead_tuples(s.oid), 0))
    end as rows
  from pg_catalog.pg_class s where s.oid = $1::oid and s.relkind <> 'p'
    or s.oid in (select p.relid from pg_partition_tree($1::oid) p where p.isleaf)
) t
"""
_COUNTED_BELOW = 256 * 1024 * 1024
"""A table without statistics is counted if it has fewer bytes than this."""

_COUNTED_COST = 100_000
"""The rows of a SELECT are counted where the planner expects it to cost less: about what so large a table costs."""
_COUNT_QUICKLY = Statement("select set_config('statement_timeout', '1s', true)")

_LASTING = "every request may be another session: put its rows into a table that all have, create unlogged table …"


class Estimate(NamedTuple):
    """About how many rows there are, None where nobody knows, and by what: `statistics`, `count` or `planner`."""

    rows: int | None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be walked: its `key` in order, the `columns` that a page holds, the `types` of all its columns.

    `order` is how it is walked (one of `order.ORDERS`), in so many `strides`, and `why`. `declared` is the key as the
    declaration has it, or the primary key: what a step knows a row by, however the table is walked.

    `vacuums` is whether it is of use to vacuum it in between. Not all rows are walked where `rows` says what chooses
    them: `source` is a SELECT of keys, of which every scan sorts `sorted_rows`; or the keys are those of the run
    `listed`.
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
    source: str = ""
    sorted_rows: int = 0
    rows: str = ""
    listed: int = 0
    vacuums: bool = False

    @property
    def chosen(self) -> str:
        """The SELECT of the keys of the rows that are walked, where these are not all of the table; else empty."""
        if self.listed:
            values = values_of("sendoka_list.key", self)[1:-1]
            return f"select {values} from sendoka.backfill_keys sendoka_list where sendoka_list.run = {self.listed:d}"
        columns = ", ".join(f"{ident(self.table)}.{ident(column)}" for column in self.key)
        return f"select {columns} from {self.scanned}" if self.source else ""

    @property
    def scanned(self) -> str:
        """What a scan reads its keys from, by the name of the table."""
        return f"(\n{self.source}\n) as {ident(self.table)}" if self.source else self.quoted

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
        raise await _missing(database, backfill)
    _check_kind(backfill, facts)
    key = backfill.key or facts.primary_key
    _check_columns(backfill, facts.columns)
    _check_key(backfill, key, facts)
    wanted = (*key, *(column for column in backfill.columns or facts.columns if column not in key))
    _check_model(backfill, wanted)
    found = Target(facts.oid, facts.namespace, facts.table, key, wanted, facts.columns, facts, declared=key)
    found = replace(found, rows="source" if backfill.source else "" if backfill.keys is None else "keys")
    return await _with_source(database, backfill, found) if backfill.source else found


async def _missing(database: Database, backfill: Backfill) -> BackfillError:
    """Return the error for a table that is not there; one that another session made for itself is named as such."""
    text = "select count(*) from pg_catalog.pg_class where relname = $1 and relpersistence = 't' and relkind = 'r'"
    ((temporary,),) = (await database.run(Statement(text, (backfill.table.split(".")[-1],)))).rows
    if temporary != "0":
        return BackfillError(
            f"{backfill.table} is a temporary table, which only the session that made it has",
            where=f"in the backfill {backfill.name}; nothing was changed",
            todo=_LASTING,
        )
    return BackfillError(
        f"the table {backfill.table} of the backfill {backfill.name} does not exist",
        where="nothing was changed",
        todo="apply the migration that makes it (sendoka migrate), or correct table=",
    )


async def _with_source(database: Database, backfill: Backfill, table: Target) -> Target:
    """Return the table with the SELECT that its rows are chosen by, planned as a scan of it will be."""
    target = replace(table, source=str(backfill.source))
    names = ", ".join(f"{ident(target.table)}.{ident(column)}" for column in target.key)
    text = f"explain (format json) select distinct {names} from {target.scanned} order by {names} limit 1000"
    try:
        ((told,),) = (await database.run(Statement(text))).rows
    except DatabaseError as error:
        if not error.sqlstate.startswith("42"):
            raise
        raise BackfillError(
            f"source= of the backfill {backfill.name} cannot be read: {error.message}",
            where="nothing was changed",
            todo=error.hint or f"it must return the columns of the key: select {', '.join(target.key)} from …",
        ) from error
    return replace(target, sorted_rows=_sorted(json.loads(str(told))[0]["Plan"]))


def _sorted(node: dict[str, Any]) -> int:
    """Return how many rows a plan sorts or hashes before it gives the first one; 0 where an index has the order."""
    own = (
        int(node["Plan Rows"]) if node["Node Type"] in {"Sort", "Aggregate"} and node.get("Strategy") != "Sorted" else 0
    )
    return max([own, *(_sorted(each) for each in node.get("Plans", ()))])


def listed(backfill: Backfill, target: Target, run: int) -> Target:
    """Return `target` with the keys that the run with this id was given, where it was given any."""
    return target if backfill.keys is None else replace(target, source="", listed=run)


def values_of(source: str, target: Target) -> str:
    """Return the row of the key's values in a JSON array; `source` is its SQL."""
    values = (f"({source} ->> {place})::{target.types[column]}" for place, column in enumerate(target.key))
    return f"({', '.join(values)})"


def _check_kind(backfill: Backfill, facts: Facts) -> None:
    where = f"in the backfill {backfill.name}; nothing was changed"
    if facts.other:
        raise BackfillError(
            f"{backfill.table} is {facts.other}, which is not a table whose rows any session can walk and lock",
            where=where,
            todo="give the table that its rows are in; the change may write elsewhere",
        )
    if facts.heirs:
        raise BackfillError(
            f"other tables inherit from {backfill.table}, {', '.join(facts.heirs)}: no key is unique over all of them",
            where=where,
            todo="part them (alter table … no inherit …) and make a backfill of each, or make it a partitioned table",
        )


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
    unfit = next((column for column in key if column in facts.unfit), None)
    if unfit is not None:
        raise BackfillError(
            f"{backfill.table} cannot be walked by {unfit!r}: a value of type {facts.columns[unfit]}"
            f" {facts.unfit[unfit]}",
            where=where,
            todo="walk by other columns that are unique and never null: key=[…]",
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


async def estimate(database: Database, target: Target) -> Estimate:
    """Return about how many rows the table has: by its statistics, else counted where it is small, else None.

    Those of a source are counted where that is quickly done, and else what the planner expects.
    """
    if target.source:
        return await _of_source(database, target)
    ((by_statistics, size, elsewhere),) = (await database.run(Statement(_ROWS, (target.oid,)))).rows
    if by_statistics is not None:
        return Estimate(int(by_statistics), "statistics")
    if elsewhere == "f" and int(size or 0) < _COUNTED_BELOW:
        ((count,),) = (await database.run(Statement(f"select count(*)::text from {target.quoted}"))).rows
        return Estimate(int(count or 0), "count")
    return Estimate(None)


async def _of_source(database: Database, target: Target) -> Estimate:
    ((told,),) = (await database.run(Statement(f"explain (format json) select from {target.scanned}"))).rows
    expected = json.loads(str(told))[0]["Plan"]
    if expected["Total Cost"] <= _COUNTED_COST:
        keys = ", ".join(f"{ident(target.table)}.{ident(column)}" for column in target.key)
        count = Statement(f"select count(*)::text from (select distinct {keys} from {target.scanned}) sendoka_keys")
        try:
            _, found = await database.run_all([_COUNT_QUICKLY, count], READ_ONLY)
        except DatabaseError as error:
            if not error.sqlstate:
                raise
        else:
            return Estimate(int(str(found.rows[0][0])), "count")
    return Estimate(int(expected["Plan Rows"]), "planner")
