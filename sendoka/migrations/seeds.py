"""The rows that migrations themselves put into a database, as statements that put the same ones into another."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from sendoka.database.statement import Statement
from sendoka.database.transaction import READ_ONLY
from sendoka.errors import MigrationError
from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.trigger import Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.seam import Database
    from sendoka.database.statement import Cells
    from sendoka.schema.model import Id, Model

__all__ = ["MOST_ROWS", "Seeds", "filled_tables", "read_seeds"]

MOST_ROWS = 1000
"""Rows of one table that a file may carry; more is data, and no seed."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Rows by table, (namespace, name), in the order in which they can be put in, and what depends on them.

    `counters` are where sequences stand, (namespace, name, value, whether that one was given out). `views` are the
    materialized ones with rows, (namespace, name, digest), oldest first. `triggered` are those of the tables that have
    triggers, which must not fire once more, and `forced` those whose policies their owner obeys as well.
    """

    rows: tuple[tuple[tuple[str, str], tuple[str, ...], tuple[Cells, ...]], ...] = ()
    counters: tuple[tuple[str, str, str, bool], ...] = ()
    views: tuple[tuple[str, str, str], ...] = ()
    triggered: frozenset[tuple[str, str]] = frozenset()
    forced: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.rows or self.counters or self.views)

    def statements(self) -> list[str]:
        """Return what puts the rows into empty tables, and sequences and views where they stood."""
        found = []
        for place, columns, rows in self.rows:
            table = qualified(*place)
            values = ",\n".join(f"    ({', '.join(map(_literal, row))})" for row in rows)
            names = ", ".join(map(ident, columns))
            before = ["DISABLE TRIGGER USER"] if place in self.triggered else []
            after = ["ENABLE TRIGGER USER"] if place in self.triggered else []
            if place in self.forced:
                before.append("NO FORCE ROW LEVEL SECURITY")
                after.append("FORCE ROW LEVEL SECURITY")
            found += [f"ALTER TABLE {table} {each};" for each in before]
            found.append(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES\n{values};")
            found += [f"ALTER TABLE {table} {each};" for each in after]
        found += [_counting(*each) for each in self.counters]
        return found + [f"REFRESH MATERIALIZED VIEW {qualified(*each[:2])};" for each in self.views]


def _counting(namespace: str, name: str, value: str, called: bool) -> str:
    return f"SELECT setval({literal(qualified(namespace, name))}, {value}{'' if called else ', false'});"


def _literal(cell: str | None) -> str:
    return "NULL" if cell is None else literal(cell)


async def read_seeds(database: Database, model: Model) -> Seeds:
    """Return the rows of a database that migrations have just made, by the tables of `model`, its schema.

    Raises MigrationError for a table with more than MOST_ROWS, and for rows whose tables need each other in a circle.
    """
    counts = await filled_tables(database, model)
    for table, count in counts.items():
        if count > MOST_ROWS:
            raise MigrationError(
                f"the migrations put {count} rows into {table.id.address}, and a file carries {MOST_ROWS} at most",
                todo="squash up to the file before the one that does, with --to, or put such rows in by a backfill",
            )
    filled = _in_order(list(counts), model)
    columns = {each.id: _columns(each, model) for each in filled}
    rows = await _cells(database, [_select(each, columns[each.id]) for each in filled])
    return Seeds(
        rows=tuple(
            ((each.namespace, each.name), columns[each.id], tuple(found))
            for each, found in zip(filled, rows, strict=True)
        ),
        counters=await _counters(database),
        views=await _views(database),
        triggered=frozenset((each.namespace, each.name) for each in filled if model.members(each.id, Trigger)),
        forced=frozenset((each.namespace, each.name) for each in filled if each.forced_row_security),
    )


async def filled_tables(database: Database, model: Model) -> dict[Table, int]:
    """Return the tables of `model` that hold rows in a database with that schema, and how many."""
    tables = [each for each in model.all(Table) if each.partition_by is None]
    counted = await _cells(database, [_count(each) for each in tables])
    counts = {table: int(count or 0) for table, ((count,),) in zip(tables, counted, strict=True)}
    return {table: count for table, count in counts.items() if count}


_SEQUENCES = (
    "select schemaname, sequencename, start_value from pg_sequences "
    "where schemaname not in ('sendoka', 'pg_catalog') order by 1, 2"
)

# One is made after what it reads, so the oldest can be filled first.
_VIEWS = (
    "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind = 'm' and c.relispopulated and n.nspname not in ('sendoka', 'pg_catalog') order by c.oid"
)


async def _counters(database: Database) -> tuple[tuple[str, str, str, bool], ...]:
    """Return the sequences that do not stand at their beginning any more, or were put somewhere else."""
    (sequences,) = await _cells(database, [_SEQUENCES])
    places = [(str(namespace), str(name)) for namespace, name, _ in sequences]
    stand = await _cells(database, [f"select last_value, is_called from {qualified(*each)}" for each in places])  # noqa: S608
    return tuple(
        (*place, str(value), called == "t")
        for place, (_, _, start), ((value, called),) in zip(places, sequences, stand, strict=True)
        if called == "t" or value != start
    )


async def _views(database: Database) -> tuple[tuple[str, str, str], ...]:
    """Return the materialized views that hold rows, each with a digest of them."""
    (views,) = await _cells(database, [_VIEWS])
    places = [(str(namespace), str(name)) for namespace, name in views]
    digests = await _cells(database, [_digest(*each) for each in places])
    return tuple((*place, digest) for place, ((digest,),) in zip(places, digests, strict=True) if digest is not None)


def _digest(namespace: str, name: str) -> str:
    rows = "string_agg(md5(v::text), '' order by v::text collate \"C\")"
    return f"select md5({rows}) from {qualified(namespace, name)} v"  # noqa: S608 - quoted names


def _columns(table: Table, model: Model) -> tuple[str, ...]:
    columns = model.columns(table.namespace, table.name)
    return tuple(each.name for each in columns if isinstance(each, Column) and each.generated is None)


def _count(table: Table) -> str:
    return f"select count(*) from only {qualified(table.namespace, table.name)}"  # noqa: S608 - quoted names


def _select(table: Table, columns: Sequence[str]) -> str:
    cells = ", ".join(f"{ident(name)}::text" for name in columns)
    return f"select {cells} from only {qualified(table.namespace, table.name)} order by ctid"  # noqa: S608 - the same


# What a value is written like depends on settings, and a file is read under others; nor may a policy hide a row.
_SETTINGS = Statement(
    "select set_config('search_path', '', true), set_config('row_security', 'off', true), "
    "set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true), "
    "set_config('TimeZone', 'UTC', true), set_config('bytea_output', 'hex', true), "
    "set_config('extra_float_digits', '1', true)"
)


async def _cells(database: Database, texts: Sequence[str]) -> list[list[Cells]]:
    if not texts:
        return []
    results = await database.run_all([_SETTINGS, *map(Statement, texts)], READ_ONLY)
    return [list(result.rows) for result in results[1:]]


def _in_order(tables: Sequence[Table], model: Model) -> list[Table]:
    """Return the tables so that each comes after those that its rows point at."""
    known: dict[Id, Table] = {each.id: each for each in tables}
    pointing: dict[Id, set[Id]] = {key: set() for key in known}
    for key in known:
        for each in model.members(key, ForeignKey):
            target = model.relations.get((each.target_namespace, each.target))
            if target in known and target != key:
                pointing[key].add(target)
    try:
        return [known[key] for key in TopologicalSorter(pointing).static_order()]
    except CycleError as error:
        names = " and ".join(dict.fromkeys(key.address for key in error.args[1]))
        raise MigrationError(
            f"the migrations put rows into {names}, which point at each other: no order puts them in again",
            todo="squash up to the file before the one that does, with --to",
        ) from error
