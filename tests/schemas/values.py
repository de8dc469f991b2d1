"""Rows for any table, made of the types of its columns, and what of them must be there after a change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kinds import kind_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.composite_type import CompositeType
from sendoka.schema.kinds.domain import Domain
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.table import Table
from sendoka.schema.typenames import Effect, effect_of, parse_type, spelled_type, user_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendoka.schema.model import Id, Model
    from sendoka.schema.renaming import Renaming
    from sendoka.schema.step import Plan
    from tests.schemas.session import Session

__all__ = ["Kept", "columns_of", "empty", "fill", "kept", "rows_of"]

_SPELLED = {
    "boolean": "{n} % 2 = 0",
    "bytea": "'\\x0{n}'",
    "date": "date '2024-05-01' + {n}",
    "timestamp with time zone": "timestamptz '2024-05-01 12:00Z' + {n} * interval '1 day'",
    "timestamp without time zone": "timestamp '2024-05-01 12:00' + {n} * interval '1 day'",
    "time without time zone": "time '0{n}:15'",
    "time with time zone": "timetz '0{n}:15Z'",
    "interval": "{n} * interval '1 hour'",
    "uuid": "'00000000-0000-0000-0000-00000000000{n}'",
    "json": """'{{"n": {n}}}'""",
    "jsonb": """'{{"n": {n}}}'""",
    "inet": "'10.0.0.{n}'",
    "cidr": "'10.0.{n}.0/24'",
    "macaddr": "'08:00:2b:01:02:0{n}'",
    "int4range": "int4range({n} * 10, {n} * 10 + 5)",
    "int8range": "int8range({n} * 10, {n} * 10 + 5)",
    "numrange": "numrange({n} * 10, {n} * 10 + 5)",
    "daterange": "daterange(date '2024-05-01' + {n} * 10, date '2024-05-01' + {n} * 10 + 5)",
    "tstzrange": "tstzrange(timestamptz '2024-05-01Z' + {n} * interval '1 day', null)",
    "tsvector": "'word{n}'",
    "point": "point({n}, {n})",
    "money": "{n}",
    "name": "'v{n}'",
}
_NUMBERS = frozenset({"bigint", "double precision", "integer", "numeric", "real", "smallint"})


def _value(of: str, number: int, model: Model) -> str:
    """Return an expression of the type `of`: another one for each number below 10, NULL where none is known."""
    named = user_type(of)
    if named is not None:
        return f"{_of_ours(of, named[2], number, model)}::{spelled_type(of)}"
    parsed = parse_type(of)
    if parsed is None:
        return "null"
    if parsed.array:
        inner = of.removesuffix("[]")
        return f"array[{_value(inner, number, model)}, {_value(inner, number + 1, model)}]"
    if parsed.base in _NUMBERS:
        return str(number)
    if parsed.base in {"text", "character varying", "character"}:
        room = parsed.modifiers[0] if parsed.modifiers else 100
        return literal(f"v{number}" if room > 1 else str(number))
    if parsed.base in {"bit", "bit varying"}:
        return literal(f"{number:b}".zfill(parsed.modifiers[0] if parsed.modifiers else 4))
    return _SPELLED.get(parsed.base.partition("(")[0], "null").format(n=number)


def _of_ours(of: str, rest: str, number: int, model: Model) -> str:
    key = model.type_id(of)
    found = model.objects[key] if key is not None else None
    if rest.endswith("[]"):
        inner = _value(of.removesuffix("[]"), number, model)
        return f"array[{inner}]"
    if isinstance(found, Enum):
        return literal(found.values[number % len(found.values)]) if found.values else "null"
    if isinstance(found, Domain):
        return _value(found.type, number, model)
    if isinstance(found, CompositeType):
        return f"row({', '.join(_value(each.type, number, model) for each in found.attributes)})"
    return literal(f"v{number}") if of.endswith(".citext") else "null"


def columns_of(table: Table, model: Model) -> Iterator[Column]:
    """Yield a table's columns: those that it is a part of, or has from others, first."""
    parents = (*table.inherits, *((table.partition_of,) if table.partition_of else ()))
    seen = set()
    for parent in parents:
        found = model.objects[model.relations[parent]]
        assert isinstance(found, Table)
        for column in columns_of(found, model):
            if column.name not in seen:
                seen.add(column.name)
                yield column
    yield from (each for each in model.members(table.id, Column) if each.name not in seen)


def fill(session: Session, model: Model, count: int = 3) -> int:
    """Give every empty table rows, without its triggers and foreign keys, and return how many are there, at least.

    All columns have the same values in one row, so that what points at another table finds its row there. A table that
    does not take them stays empty.
    """
    came = 0
    with session.quiet():
        for table in model.all(Table):
            if table.partition_of is not None:
                continue
            if session.execute(f"select from {qualified(table.namespace, table.name)} limit 1"):
                came += 1
            else:
                came += sum(_insert(session, table, number, model) for number in range(1, count + 1))
    return came


def _insert(session: Session, table: Table, number: int, model: Model) -> int:
    columns = [each for each in columns_of(table, model) if each.generated is None]
    names = ", ".join(ident(each.name) for each in columns)
    values = ", ".join(_value(each.type, number, model) for each in columns)
    body = f"({names}) overriding system value values ({values})" if columns else "default values"
    try:
        with session.transaction():
            session.execute(f"insert into {qualified(table.namespace, table.name)} {body}")
    except psycopg.Error:
        return 0
    return 1


def empty(session: Session, model: Model) -> None:
    """Delete all rows."""
    with session.quiet():
        for table in model.all(Table):
            session.execute(f"delete from {qualified(table.namespace, table.name)}")


Kept = dict["Id", list[tuple[str | None, ...]]]
"""For each table, by its id after the change, its rows in an order; the values of columns that stay, as text."""


def kept(session: Session, old: Model, new: Model, renaming: Renaming, plan: Plan) -> tuple[dict[Id, list[str]], Kept]:
    """Return what must be there after the plan: the columns of each table that stay, and its rows.

    That is everything but what a hazard of the plan names.
    """
    renaming = renaming.completed(old)
    asked = {hazard.flag for hazard in plan.hazards if hazard.asks}
    labels = {key.name: name for key, name in renaming.names.items() if key.kind == "enum-value"}
    columns: dict[Id, list[str]] = {}
    rows: Kept = {}
    for table in old.all(Table):
        key = kind_of(table).moved(table, renaming).id
        after = new.objects.get(key)
        if not isinstance(after, Table) or table.partition_by or after.partition_by:
            continue
        if f"drop-table:{key.address}" in asked:
            continue
        there = {each.name: each for each in columns_of(after, new)}
        texts = {}
        for column in columns_of(table, old):
            moved = kind_of(column).moved(column, renaming)
            twin = there.get(moved.name)
            if twin is not None and _stays(moved, twin, asked) and _is_same_type(old, new, column.type, twin.type):
                texts[column.name] = f"::{spelled_type(twin.type)}" if moved.type != twin.type else ""
                columns.setdefault(key, []).append(twin.name)
        rows[key] = rows_of(session, table, texts, labels)
    return columns, rows


def _stays(old: Column, new: Column, asked: set[str]) -> bool:
    if old.generated or new.generated:
        return False
    # Inherited columns are asked for by the names that they have above.
    flags = {f"{what}:{each.id.address}" for what in ("drop-column", "change-type") for each in (old, new)}
    return not flags & asked and (old.type == new.type or effect_of(old.type, new.type) is not Effect.LOSSY)


def _is_same_type(old: Model, new: Model, before: str, after: str) -> bool:
    """Tell whether a type of ours is what it was, as far as texts of its values tell; its name may be another one."""
    one, other = old.type_id(before), new.type_id(after)
    if one is None or other is None:
        return one is other
    first, then = old.objects[one], new.objects[other]
    if isinstance(first, Domain) and isinstance(then, Domain):
        return first.type == then.type and _is_same_type(old, new, first.type, then.type)
    if isinstance(first, CompositeType) and isinstance(then, CompositeType):
        pairs = list(zip(first.attributes, then.attributes, strict=False))
        same = all(a.type == b.type or user_type(a.type) is not None for a, b in pairs)
        nested = all(_is_same_type(old, new, a.type, b.type) for a, b in pairs)
        return len(first.attributes) == len(then.attributes) and same and nested
    return isinstance(first, Enum) and isinstance(then, Enum)


def rows_of(
    session: Session, table: Table, columns: Mapping[str, str], labels: Mapping[str, str]
) -> list[tuple[str | None, ...]]:
    """Return a table's own rows in an order; behind each column's name stands what it is cast to before it is read."""
    listed = ", ".join(f"{ident(name)}{cast}::text" for name, cast in columns.items())
    rows = session.execute(f"select {listed} from only {qualified(table.namespace, table.name)}")
    return sorted((tuple(_relabelled(cell, labels) for cell in row) for row in rows), key=repr)


def _relabelled(cell: str | None, labels: Mapping[str, str]) -> str | None:
    """Return a cell with the new names of enums' values, by themselves and inside of arrays and composites."""
    if cell is None or not labels:
        return cell
    return re.sub(r'[^{}(),"]+', lambda match: labels.get(match[0], match[0]), cell)
