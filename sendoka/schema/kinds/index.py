"""Indexes, those behind a constraint apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import CollationClause, ColumnClause, TextClause, UnaryExpression
from sqlalchemy.sql.expression import BinaryExpression

from sendoka.quoting import ident, qualified
from sendoka.schema.declared import checked_name, comment_of, expression_of, namespace_of, options_of, text_of
from sendoka.schema.instead import used_before
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._constraint import built, column_ids, is_partitioned
from sendoka.schema.kinds._inherited import own_and_passed_on
from sendoka.schema.kinds._marks import MARKS, declared_marks, marks, marks_changed, unmarked
from sendoka.schema.kinds._options import changed_options
from sendoka.schema.kinds._type import changes_family, collate, collation_ids, collation_in_catalog
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import STRICT, Expression, Id, Member, Object
from sendoka.schema.names import default_name
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import mentions
from sendoka.schema.step import Hazard, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Index as Declared
    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.model import Model

__all__ = ["Index", "IndexKey", "IndexKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexKey:
    """One key of an index: a column or an expression, and its order. `nulls` is None where it is the order's own."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    column: str | None = None
    expression: Expression | None = None
    collation: str | None = None
    operator_class: str | None = None
    descending: bool = False
    nulls: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Member):
    """An index. `options` are its storage parameters, `name=value`, in order.

    `invalid` is what a failed build leaves: an index that is written and never read. CLUSTER orders rows by one that is
    `clustered`; a `replica_identity` tells subscribers which row is meant.
    """

    kind = "index"
    keys: tuple[IndexKey, ...]
    unique: bool = False
    nulls_not_distinct: bool = False
    method: str = "btree"
    include: tuple[str, ...] = ()
    predicate: Expression | None = None
    options: tuple[str, ...] = ()
    invalid: bool = False
    clustered: bool = False
    replica_identity: bool = False

    @property
    def plain_columns(self) -> tuple[str, ...]:
        """The columns that are keys by themselves."""
        return tuple(key.column for key in self.keys if key.column is not None)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Every expression in it."""
        keys = tuple(key.expression for key in self.keys if key.expression is not None)
        return (*keys, self.predicate) if self.predicate is not None else keys


_INDEXES = f"""indexes as (
    select h.inhrelid is not null as passed_on, t.namespace, t.name as "table", c.relname as name,
           (select json_agg(json_build_object(
                     'column', case when k.number <> 0 then a.attname end,
                     'expression', case when k.number = 0 then json_build_object(
                          'canonical', pg_get_indexdef(i.indexrelid, k.place::int, false)) end,
                     -- An expression has the collation of a column in it, or one that its own text names.
                     'collation', case
                          when o.oid <> coalesce(nullif(a.attcollation, 0), '"default"'::regcollation)
                               and not case when k.number = 0 then
                               strpos(pg_get_indexdef(i.indexrelid, k.place::int, false), 'COLLATE') > 0 or exists (
                                 select from pg_depend d
                                 join pg_attribute x on x.attrelid = t.oid and x.attnum = d.refobjsubid
                                  where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                                    and d.refobjid = t.oid and x.attcollation = o.oid) else false end then
                          {collation_in_catalog("o")} end,
                     -- Asked so, Postgres reads all classes once; a join reads them for every index.
                     'operator_class', case when i.indclass[k.place - 1] in (
                          select p.oid from pg_opclass p where not p.opcdefault) then (
                          select case when p.opcnamespace = 'pg_catalog'::regnamespace then p.opcname::text
                                 else p.opcnamespace::regnamespace || '.' || p.opcname end
                            from pg_opclass p where p.oid = i.indclass[k.place - 1]) end,
                     'descending', i.indoption[k.place - 1] & 1 = 1,
                     'nulls', case i.indoption[k.place - 1] & 3 when 1 then 'last' when 2 then 'first' end)
                     order by k.place)
              from unnest(i.indkey::int2[]) with ordinality k(number, place)
                   left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number and k.number <> 0
                   left join pg_collation o on o.oid = i.indcollation[k.place - 1]
             where k.place <= i.indnkeyatts) as keys,
           i.indisunique as unique,
           i.indisunique and coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) as nulls_not_distinct,
           m.amname as method,
           case when i.indnatts = i.indnkeyatts then '[]' else (select json_agg(a.attname order by k.place)
              from unnest(i.indkey::int2[]) with ordinality k(number, place)
              join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
             where k.place > i.indnkeyatts) end as include,
           case when i.indpred is not null then
                json_build_object('canonical', pg_get_expr(i.indpred, i.indrelid)) end as predicate,
           case when c.reloptions is null then '[]' else (
                select json_agg(o order by o) from unnest(c.reloptions) o) end as options,
           not i.indisvalid as invalid, {MARKS}, z.description as comment
      from indexed t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid
           join pg_am m on m.oid = c.relam {described("pg_class", "c.oid")}
           left join pg_inherits h on h.inhrelid = i.indexrelid
     where not exists (select from pg_constraint x where x.conindid = i.indexrelid and x.contype in ('p', 'u', 'x'))
     order by t.namespace, t.name, c.relname)"""
_COLUMNS = """namespace, "table", name, keys, "unique", nulls_not_distinct, method, include, predicate, options,
           invalid, clustered, replica_identity, comment"""


class IndexKind(Kind[Index]):
    """CREATE INDEX and its kin."""

    name = "index"
    rank = 60
    holds = Index
    reads: ClassVar[tuple[type[Any], ...]] = (Index,)
    renames_freely = True
    renames_if_alterable = True
    ground = _INDEXES
    catalog, inherited = own_and_passed_on("indexes", _COLUMNS)
    unmanaged = """
        select 'index ' || t.namespace || '.' || c.relname || ' ' || o.what
          from indexed t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid, lateral (values
               ('has a tablespace', c.reltablespace <> 0),
               ('has statistics targets', exists (select from pg_attribute a where a.attrelid = c.oid
                                                     and coalesce(a.attstattarget, -1) >= 0)),
               ('has operator class options', exists (select from pg_attribute a where a.attrelid = c.oid
                                                         and a.attoptions is not null)),
               ('is inherited, and has options or a comment of its own', exists (
                    select from pg_inherits h join pg_class p on p.oid = h.inhparent where h.inhrelid = c.oid
                       and (c.reloptions is distinct from p.reloptions or exists (
                            select from pg_description d left join pg_constraint x on x.conindid = c.oid
                             where (d.objoid = c.oid and d.classoid = 'pg_class'::regclass)
                                or (d.objoid = x.oid and d.classoid = 'pg_constraint'::regclass))))),
               ('has a comment, and its constraint may have one', exists (
                    select from pg_description d join pg_constraint x on x.conindid = c.oid
                     where d.objoid = c.oid and d.classoid = 'pg_class'::regclass))) o(what, met)
         where o.met"""

    def declared(self, declarations: Declarations) -> Iterator[Index]:
        """Read the indexes, those declared by themselves first, in order of their names."""
        yield from super().declared(declarations)
        for table in declarations.tables:
            yield from sorted((_declared(each, table) for each in table.indexes), key=lambda index: index.name)

    def create(self, new: Index, parts: Sequence[str]) -> list[Step]:
        """Return CREATE INDEX."""
        return [Step(_made(new))]

    def online(self, new: Index, model: Model) -> list[Step] | None:
        """Return CREATE INDEX CONCURRENTLY, which Postgres does not do for all of a partitioned table."""
        if new.invalid or is_partitioned(model, new.namespace, new.table):
            return None
        return [Step(_made(new, " CONCURRENTLY"), done_when=built(new.namespace, new.name))]

    def label(self, obj: Index) -> str:
        """Return INDEX and its name."""
        return f"INDEX {qualified(obj.namespace, obj.name)}"

    def needs(self, obj: Index, model: Model) -> Iterator[Id]:
        """Yield its table, or materialized view, and the columns it holds or may speak of."""
        holder = model.relations.get((obj.namespace, obj.table))
        if holder is not None:
            yield holder
        columns = {*obj.plain_columns, *obj.include}
        if obj.expressions:
            names = (column.name for column in model.columns(obj.namespace, obj.table))
            columns |= {name for name in names if any(mentions(each, name) for each in obj.expressions)}
        yield from column_ids(obj.namespace, obj.table, columns, model)
        yield from collation_ids(*(key.collation for key in obj.keys))
        for expression in obj.expressions:
            yield from routines_in(expression.text, model)
        if any(key.operator_class and "." in key.operator_class for key in obj.keys):
            yield from model.extensions

    def moved(self, obj: Index, renaming: Renaming) -> Index:
        """Return it with the new names of its table and columns."""
        place = (obj.namespace, obj.table)
        keys = (
            replace(
                key,
                column=None if key.column is None else renaming.column(*place, key.column),
                expression=renamed_in(key.expression, renaming, *place),
                collation=renaming.collation(key.collation),
            )
            for key in obj.keys
        )
        return replace(
            renaming.placed(obj),
            keys=tuple(keys),
            include=renaming.columns_of(*place, obj.include),
            predicate=renamed_in(obj.predicate, renaming, *place),
        )

    def alter(self, old: Index, new: Index, changed: frozenset[str]) -> list[Step] | None:
        """Return SET and RESET of storage parameters, and what its table uses it for; else it is built anew."""
        if not changed <= {"options", "clustered", "replica_identity"}:
            return None
        index = f"ALTER INDEX {qualified(new.namespace, new.name)}"
        texts = changed_options(index, old.options, new.options) if "options" in changed else []
        return [*map(Step, texts), *marks_changed(new, changed)]

    def opening(self, old: Index, new: Index) -> list[Step]:
        """Return SET WITHOUT CLUSTER."""
        return unmarked(old, new)

    def afterwards(self, new: Index) -> list[Step]:
        """Return what its table uses it for."""
        return marks(new)

    def is_stuck(self, old: Index, new: Index, model: Model) -> bool:
        """Tell whether it is of a partitioned table: the index is then none that has storage parameters to set."""
        table: Any = model.objects.get(Id("table", old.namespace, "", old.table))
        return table is not None and table.partition_by is not None and old.options != new.options

    def survives(self, obj: Index, old: Object, new: Object) -> bool:
        """Return false where it has an expression and a column's type becomes another: the text is then read anew."""
        return not (obj.expressions and changes_family(old, new))

    def risks(self, new: Index, model: Model) -> tuple[Hazard, ...]:
        """Return the lock while it is built."""
        return (Hazard("add-index", new.id.address, f"{new.table} cannot be written while the index is built"),)

    def loss(self, old: Index) -> Hazard:
        """Return the loss of the index; no row is lost."""
        why = f"the index {old.name} is dropped, and queries that used it read the whole table"
        sql = used_before((old.namespace, old.name))
        return Hazard("drop-index", old.id.address, why, asks=True, sql=sql)

    def relation(self, obj: Index) -> str:
        """Return its name."""
        return obj.name


def _made(new: Index, how: str = "") -> str:
    unique = "UNIQUE INDEX" if new.unique else "INDEX"
    method = f" USING {ident(new.method)}" if new.method != "btree" else ""
    keys = ", ".join(_key(key) for key in new.keys)
    include = f" INCLUDE ({', '.join(map(ident, new.include))})" if new.include else ""
    nulls = " NULLS NOT DISTINCT" if new.nulls_not_distinct else ""
    options = f" WITH ({', '.join(new.options)})" if new.options else ""
    where = f" WHERE {new.predicate.text}" if new.predicate else ""
    # Of a partitioned table alone, until each partition's own is attached, it is not valid.
    table = ("ONLY " if new.invalid else "") + qualified(new.namespace, new.table)
    return f"CREATE {unique}{how} {ident(new.name)} ON {table}{method} ({keys}){include}{nulls}{options}{where}"


def _key(key: IndexKey) -> str:
    text = ident(key.column) if key.column is not None else f"({key.expression.text if key.expression else ''})"
    operators = f" {key.operator_class}" if key.operator_class else ""
    nulls = f" NULLS {key.nulls.upper()}" if key.nulls else ""
    return f"{text}{collate(key.collation)}{operators}{' DESC' if key.descending else ''}{nulls}"


def _declared(index: Declared, table: Table) -> Index:
    where = f"index {index.name} of {table.fullname}"
    managed = frozenset({"using", "include", "where", "ops", "with", "nulls_not_distinct"})
    given = options_of(index, managed, where)
    keys = tuple(_declared_key(each, table, given.get("ops", {}), where) for each in index.expressions)
    columns = "_".join(key.column or "expr" for key in keys)
    name = index.name if isinstance(index.name, str) else default_name(table.name, columns, "idx")
    options = (f"{option}={value}" for option, value in given.get("with", {}).items())
    return Index(
        name=checked_name(name, f"an index of {table.fullname}"),
        namespace=namespace_of(table),
        table=table.name,
        keys=keys,
        unique=bool(index.unique),
        nulls_not_distinct=bool(given.get("nulls_not_distinct")),
        method=str(given.get("using") or "btree").lower(),
        include=tuple(str(getattr(each, "name", each)) for each in given.get("include", ())),
        predicate=expression_of(given.get("where"), where),
        options=tuple(sorted(str(option).lower() for option in options)),
        **declared_marks(index.info),
        comment=comment_of(index.info.get("comment"), where),
    )


_ORDERS: dict[Any, dict[str, Any]] = {
    operators.desc_op: {"descending": True},
    operators.asc_op: {"descending": False},
    operators.nulls_first_op: {"nulls": "first"},
    operators.nulls_last_op: {"nulls": "last"},
}


# What may follow a key in a text: text("created_at desc nulls last").
_ORDERED_TEXT = re.compile(
    r"(?P<body>.*?)(?:\s+(?P<way>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\s*", re.IGNORECASE | re.DOTALL
)


def _declared_key(element: Any, table: Table, classes: dict[str, str], where: str) -> IndexKey:
    order: dict[str, Any] = {}
    operator_class = classes.get(getattr(element, "key", None) or "")
    while isinstance(element, UnaryExpression) and element.modifier in _ORDERS:
        order = {**_ORDERS[element.modifier], **order}
        element = element.element
    collation = None
    if isinstance(element, BinaryExpression) and element.operator is operators.collate:
        named = element.right
        collation = named.collation if isinstance(named, CollationClause) else text_of(named, where)
        element = element.left
    operator_class = operator_class or classes.get(getattr(element, "key", None) or "")
    content, ordered = _content(element, table, where)
    return IndexKey(
        **content, collation=collation, operator_class=operator_class, **_without_the_usual({**ordered, **order})
    )


def _content(element: Any, table: Table, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the key is, and the order it has if it is a text that says so."""
    if isinstance(element, ColumnClause) and (element.table is None or element.table is table):
        return {"column": element.name}, {}
    text, order = text_of(element, where), {}
    match = _ORDERED_TEXT.fullmatch(text) if isinstance(element, TextClause) else None
    if match is not None:
        text = match["body"]
        order["descending"] = (match["way"] or "").lower() == "desc"
        order["nulls"] = match["nulls"] and match["nulls"].lower()
    if text in table.columns:
        return {"column": text}, order
    return {"expression": Expression(declared=text)}, order


def _without_the_usual(order: dict[str, Any]) -> dict[str, Any]:
    """Leave out NULLS LAST of an ascending order and NULLS FIRST of a descending one: that is what they mean."""
    if order.get("nulls") == ("first" if order.get("descending") else "last"):
        return {**order, "nulls": None}
    return order


kind = IndexKind()
