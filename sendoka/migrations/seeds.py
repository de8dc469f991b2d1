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

__all__ = ["MOST_ROWS", "Seeds", "read_seeds"]

MOST_ROWS = 1000
"""Rows of one table that a file may carry; more is data, and no seed."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Rows by table, (namespace, name), in the order in which they can be put in; `counters` are where sequences stand.

    `triggered` are those of the tables that have triggers, which must not fire once more.
    """

    rows: tuple[tuple[tuple[str, str], tuple[str, ...], tuple[Cells, ...]], ...]
    counters: tuple[tuple[str, str, str], ...]
    triggered: frozenset[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.rows or self.counters)

    def statements(self) -> list[str]:
        """Return what puts the rows into empty tables, and the sequences where they stood."""
        found = []
        for place, columns, rows in self.rows:
            table = qualified(*place)
            values = ",\n".join(f"    ({', '.join(map(_literal, row))})" for row in rows)
            names = ", ".join(map(ident, columns))
            put = f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES\n{values};"
            quiet = place in self.triggered
            found += [f"ALTER TABLE {table} DISABLE TRIGGER USER;"] if quiet else []
            found += [put]
            found += [f"ALTER TABLE {table} ENABLE TRIGGER USER;"] if quiet else []
        return found + [f"SELECT setval({literal(qualified(*each[:2]))}, {each[2]});" for each in self.counters]


def _literal(cell: str | None) -> str:
    return "NULL" if cell is None else literal(cell)


async def read_seeds(database: Database, model: Model) -> Seeds:
    """Return the rows of a database that migrations have just made, by the tables of `model`, its schema.

    Raises MigrationError for a table with more than MOST_ROWS, and for rows whose tables need each other in a circle.
    """
    tables = [each for each in model.all(Table) if each.partition_by is None]
    if not tables:
        return Seeds((), (), frozenset())
    columns = {each.id: _columns(each, model) for each in tables}
    counted = await _cells(database, [_count(each) for each in tables])
    filled = [table for table, count in zip(tables, counted, strict=True) if count != [["0"]]]
    for table, ((count,),) in zip(tables, counted, strict=True):
        if int(count or 0) > MOST_ROWS:
            raise MigrationError(
                f"the migrations put {count} rows into {table.id.address}, and a file carries {MOST_ROWS} at most",
                todo="squash up to the file before the one that does, with --to, or put such rows in by a backfill",
            )
    filled = _in_order(filled, model)
    rows = await _cells(database, [_select(each, columns[each.id]) for each in filled])
    counters = await _cells(database, [_COUNTERS])
    return Seeds(
        rows=tuple(
            ((each.namespace, each.name), columns[each.id], tuple(found))
            for each, found in zip(filled, rows, strict=True)
        ),
        counters=tuple((str(row[0]), str(row[1]), str(row[2])) for row in counters[0]),
        triggered=frozenset((each.namespace, each.name) for each in filled if model.members(each.id, Trigger)),
    )


_COUNTERS = (
    "select schemaname, sequencename, last_value from pg_sequences "
    "where last_value is not null and schemaname not in ('sendoka', 'pg_catalog') order by 1, 2"
)


def _columns(table: Table, model: Model) -> tuple[str, ...]:
    columns = model.columns(table.namespace, table.name)
    return tuple(each.name for each in columns if isinstance(each, Column) and each.generated is None)


def _count(table: Table) -> str:
    return f"select count(*) from only {qualified(table.namespace, table.name)}"  # noqa: S608 - quoted names


def _select(table: Table, columns: Sequence[str]) -> str:
    cells = ", ".join(f"{ident(name)}::text" for name in columns)
    return f"select {cells} from only {qualified(table.namespace, table.name)} order by ctid"  # noqa: S608 - the same


async def _cells(database: Database, texts: Sequence[str]) -> list[list[Cells]]:
    if not texts:
        return []
    settings = Statement("select set_config('search_path', '', true)")
    results = await database.run_all([settings, *map(Statement, texts)], READ_ONLY)
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
