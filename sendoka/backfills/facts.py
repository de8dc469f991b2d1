"""What the database says of a table that a backfill walks, read in one round trip: columns, indexes, size, triggers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sendoka.backfills.words import words
from sendoka.database.statement import Statement
from sendoka.http.encode import encode
from sendoka.quoting import ident

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill
    from sendoka.database.seam import Database

__all__ = ["Facts", "Index", "called", "changed_table", "read_facts"]

# A type is written without its length, so that casting to it never cuts a value off. An index is walkable if its whole
# order is that of its columns: a B-tree without a condition, all columns in one direction, each in its own collation.
_FACTS = """
select c.oid::text, n.nspname::text, c.relname::text, c.relkind::text,
  (select json_agg(json_build_array(a.attname, format_type(a.atttypid, -1), a.attnotnull, case
       when b.typtype = 'c' or b.typcategory = 'A' or b.oid in ('json'::regtype, 'jsonb'::regtype)
         then 'holds several values, which a key kept as JSON cannot be read back as'
       when b.oid in ('real'::regtype, 'float8'::regtype) and current_setting('extra_float_digits')::int < 1
         then 'is rounded by this role''s extra_float_digits, which must be 1 or more' end) order by a.attnum)
     from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
     join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text,
  (select json_agg(json_build_object(
       'name', x.relname, 'primary', i.indisprimary,
       'unique', i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null,
       'walkable', m.amname = 'btree' and i.indisvalid and i.indpred is null and i.indexprs is null and (
         select bool_and(i.indcollation[k.place - 1] = a.attcollation)
                and count(distinct i.indoption[k.place - 1] & 1) = 1
           from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.place <= i.indnkeyatts),
       'columns', (select json_agg(a.attname order by k.place)
           from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.place <= i.indnkeyatts)) order by i.indisprimary desc, i.indexrelid)
     from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
     join pg_catalog.pg_am m on m.oid = x.relam
    where i.indrelid = c.oid)::text,
  (case when c.relkind = 'p'
     then (select coalesce(sum(pg_relation_size(p.relid)), 0) from pg_partition_tree(c.oid) p)
     else pg_relation_size(c.oid) end)::text,
  pg_size_bytes(current_setting('shared_buffers'))::text,
  (select json_object_agg(s.attname, s.correlation) from pg_catalog.pg_stats s
    where s.schemaname = n.nspname and s.tablename = c.relname and s.inherited = (c.relkind = 'p'))::text,
  (select jsonb_agg(distinct jsonb_build_array(t.tgname, p.proname,
       case when t.tgtype & 2 > 0 then 'before' else 'after' end,
       array_remove(array[case when t.tgtype & 4 > 0 then 'insert' end, case when t.tgtype & 8 > 0 then 'delete' end,
         case when t.tgtype & 16 > 0 then 'update' end], null), t.tgtype & 1 = 1))
     from (select coalesce(to_regclass($2), c.oid) as changed) x
     join pg_catalog.pg_trigger t on t.tgrelid = x.changed
       or t.tgrelid in (select r.relid from pg_partition_tree(x.changed) r)
     join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where not t.tgisinternal and t.tgenabled in ('O', 'A'))::text,
  (select json_agg(distinct p.proname) from pg_catalog.pg_proc p
    where p.proname = any($3::name[]) and p.provolatile = 'v' and p.prokind = 'f')::text,
  (to_regclass($2) = c.oid)::text,
  (select label from (values ('v', 'a view'), ('m', 'a materialized view'), ('f', 'a foreign table'),
     ('S', 'a sequence'), ('i', 'an index'), ('I', 'an index'), ('c', 'a type')) kinds (kind, label)
   where kind = c.relkind::text),
  case when c.relkind = 'r' then (select json_agg(i.inhrelid::regclass::text order by 1)
    from pg_catalog.pg_inherits i where i.inhparent = c.oid) end::text,
  row_security_active(c.oid)::text,
  (select json_build_array(l.oid::text, format('%I.%I', m.nspname, l.relname))
     from pg_partition_tree(c.oid) p join pg_catalog.pg_class l on l.oid = p.relid
     join pg_catalog.pg_namespace m on m.oid = l.relnamespace
    where c.relkind = 'p' and p.isleaf and l.relkind = 'r' and pg_relation_size(l.oid) > 0
      and has_schema_privilege(m.oid, 'usage') and has_table_privilege(l.oid, 'select')
    order by l.oid desc limit 1)::text,
  current_setting('datestyle')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass($1)
"""

# What to_regclass() reads without an error; not names as U&"…".
_PART = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_NAME = re.compile(rf"{_PART}(?:\.{_PART})?")

_NO_FUNCTIONS = frozenset(
    {"in", "values", "exists", "any", "all", "some", "from", "and", "or", "not", "as", "on", "using"}
)


@dataclass(frozen=True, slots=True)
class Index:
    """An index: `unique` where it makes its columns so for every row, `walkable` where it has rows in their order."""

    name: str
    primary: bool
    unique: bool
    walkable: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """A table as the catalog has it: sizes in bytes, `cache` that of shared_buffers.

    `columns` are types by name, `filled` the columns that are never null, `correlations` how far a column's order is
    that of the table on disk, from -1 to 1, where statistics tell. `triggers` are those that the change fires, each in
    words; `volatile` the functions in the SQL form that may give another value each time they are called; `own` tells
    whether the table that the SQL form changes is this one. `unfit` says of a column why no table can be walked by it,
    `other` what this is where it is no table that can be walked, and `heirs` are the tables that inherit from it.
    `secured` is whether policies may hide rows of it from this role.
    `recent` is where its recent rows are, as an oid and a quoted name: the table itself, or its newest partition that
    has rows and may be read; None where there is none. `style` is the DateStyle of this role here.
    `by_statement` are the triggers that fire once for all rows of a statement.
    """

    oid: str
    namespace: str
    table: str
    kind: str
    columns: dict[str, str]
    filled: frozenset[str]
    indexes: tuple[Index, ...] = ()
    size: int = 0
    cache: int = 0
    correlations: dict[str, float | None] = field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    own: bool = False
    unfit: dict[str, str] = field(default_factory=dict)
    other: str = ""
    heirs: tuple[str, ...] = ()
    secured: bool = False
    recent: tuple[str, str] | None = None
    style: str = "ISO"
    by_statement: frozenset[str] = frozenset()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key, empty where there is none."""
        return next((index.columns for index in self.indexes if index.primary), ())

    def index_for(self, key: tuple[str, ...]) -> Index | None:
        """Return an index that gives rows in the order of `key`, page by page."""
        for index in self.indexes:
            width = len(index.columns)
            whole = index.columns[: len(key)] == key or (index.unique and index.columns == key[:width])
            if index.walkable and whole:
                return index
        return None


async def read_facts(database: Database, backfill: Backfill) -> Facts | None:
    """Return what is known about the table of `backfill`, None where it does not exist. One request."""
    name = ".".join(ident(part) for part in backfill.table.split("."))
    params = (name, changed_table(backfill.sql or ""), str(encode(called(backfill.sql or ""))))
    rows = (await database.run(Statement(_FACTS, params))).rows
    if not rows:
        return None
    oid, namespace, table, kind, columns, indexes, size, cache, *told = rows[0]
    correlations, triggers, volatile, own, other, heirs, secured, part, style = told
    found: list[list[Any]] = json.loads(columns or "[]")
    event = next(words(backfill.sql), "update") if backfill.sql else "update"
    fires = {
        f"{trigger} ({when} {event}, {function})": by_row
        for trigger, function, when, events, by_row in json.loads(triggers or "[]")
        if event in events
    }
    return Facts(
        str(oid),
        str(namespace),
        str(table),
        str(kind),
        {column: type_ for column, type_, *_ in found},
        frozenset(column for column, _, filled, _ in found if filled),
        tuple(_index(each) for each in json.loads(indexes or "[]")),
        int(size or 0),
        int(cache or 0),
        json.loads(correlations or "{}"),
        tuple(fires),
        tuple(json.loads(volatile or "[]")),
        own == "true",
        {column: why for column, _, _, why in found if why},
        other or "",
        tuple(json.loads(heirs or "[]")),
        secured == "true",
        _recent(str(oid), f"{ident(str(namespace))}.{ident(str(table))}", str(kind), part),
        str(style),
        frozenset(trigger for trigger, by_row in fires.items() if not by_row),
    )


def _recent(oid: str, quoted: str, kind: str, partition: str | None) -> tuple[str, str] | None:
    if kind != "p":
        return (oid, quoted) if kind == "r" else None
    return tuple(json.loads(partition)) if partition else None


def _index(found: dict[str, Any]) -> Index:
    columns = tuple(found["columns"] or ())
    return Index(found["name"], found["primary"], found["unique"], bool(found["walkable"]), columns)


def changed_table(sql: str) -> str | None:
    """Return the name, as it is written, of the table that the SQL form changes; None for none."""
    found = list(words(sql))
    start = {"update": 1, "insert": 2, "delete": 2}.get(found[0] if found else "", 0)
    if not start:
        return None
    if found[start : start + 1] == ["only"]:
        start += 1
    name = found[start : start + 1]
    while found[start + 1 : start + 2] == ["."]:
        name += found[start + 1 : start + 3]
        start += 2
    written = "".join(name)
    return written if _NAME.fullmatch(written) else None


def called(sql: str) -> list[str]:
    """Return the names in `sql` that stand where a function's does: before a parenthesis."""
    found = list(words(sql))
    names = {
        name.strip('"')
        for before, name, after in zip(["", *found], found, found[1:], strict=False)
        if after == "(" and before not in {"into", "as"} and (name[0] == '"' or name.isidentifier())
    }
    return sorted(names - _NO_FUNCTIONS)
