"""Columns: name, type with modifiers and collation, NOT NULL, default."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from sendoka.errors import SchemaError
from sendoka.quoting import ident, literal, qualified
from sendoka.schema.declared import checked_name, comment_of, default_of, expression_of, namespace_of, refuse, type_of
from sendoka.schema.instead import refilled
from sendoka.schema.kind import Kind, Renaming
from sendoka.schema.kinds import _constraint as constraint
from sendoka.schema.kinds._comment import described
from sendoka.schema.kinds._counting import COUNTING, COUNTING_JOIN, USUAL, Counting, counting_of
from sendoka.schema.kinds._not_null import added_not_null, set_not_null
from sendoka.schema.kinds._options import changed_options, listed_options
from sendoka.schema.kinds._retyping import alter_column, alter_table, must_be_made_anew, retype, typed
from sendoka.schema.kinds._type import (
    collation_ids,
    collation_in_catalog,
    demands,
    givers,
    keeps_type,
    type_in_catalog,
)
from sendoka.schema.mentioned import routines_in
from sendoka.schema.model import STRICT, Expression, Id, Member, Object
from sendoka.schema.rewording import renamed_in
from sendoka.schema.spelling import mentions, sequences_in
from sendoka.schema.step import Hazard, Step
from sendoka.schema.typenames import parse_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Column as Declared
    from sqlalchemy import Table

    from sendoka.schema.declarations import Declarations
    from sendoka.schema.instead import Files
    from sendoka.schema.model import Model

__all__ = ["Column", "ColumnKind", "Identity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How a column numbers its rows: `always`, or where an INSERT gives no value."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    always: bool = False
    counting: Counting = USUAL

    @property
    def words(self) -> str:
        """What comes behind GENERATED."""
        return "ALWAYS" if self.always else "BY DEFAULT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Member):
    """A column. `type` and `collation` are in Postgres' spelling; the place among its neighbours is no property.

    `identity` is there where it numbers its rows itself; `generated` what its value is computed of, kept in the row
    unless it is `virtual`. `storage` and `compression` are None where they are the type's and the server's own;
    `statistics` is how closely the planner looks at it, and `options` what it is told, `name=value`, in order.
    """

    kind = "column"
    type: str
    collation: str | None = None
    not_null: bool = False
    default: Expression | None = None
    identity: Identity | None = None
    generated: Expression | None = None
    virtual: bool = False
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()


_TYPE = type_in_catalog("format_type(a.atttypid, a.atttypmod)")


class ColumnKind(Kind[Column]):
    """ADD COLUMN and its kin."""

    name = "column"
    rank = 20
    holds = Column
    claims = ("constraint:n",)
    reads: ClassVar[tuple[type[Any], ...]] = (Column,)
    keeps_order = True
    renames_on_answer = True
    catalog = f"""
        select t.namespace, t.name as "table", a.attname as name, {_TYPE} as type,
               case when a.attcollation <> y.typcollation then
                    {collation_in_catalog("k")} end as collation,
               a.attnotnull as not_null,
               case when a.atthasdef and a.attgenerated = '' then
                    json_build_object('canonical', pg_get_expr(d.adbin, d.adrelid)) end as "default",
               case when a.attidentity <> '' then json_build_object('always', a.attidentity = 'a', 'counting', (
                    select {COUNTING} from pg_depend i join pg_sequence q on q.seqrelid = i.objid, {COUNTING_JOIN}
                     where i.classid = 'pg_class'::regclass and i.refclassid = 'pg_class'::regclass
                       and i.refobjid = t.oid and i.refobjsubid = a.attnum and i.deptype = 'i')) end as identity,
               case when a.atthasdef and a.attgenerated <> '' then
                    json_build_object('canonical', pg_get_expr(d.adbin, d.adrelid)) end as generated,
               a.attgenerated = 'v' as virtual,
               case when a.attstorage <> y.typstorage then case a.attstorage when 'p' then 'plain'
                    when 'e' then 'external' when 'm' then 'main' else 'extended' end end as storage,
               case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
               nullif(a.attstattarget, -1) as statistics,
               case when a.attoptions is null then '[]' else (
                    select json_agg(o order by o) from unnest(a.attoptions) o) end as options,
               z.description as comment
          from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                    and a.attinhcount = 0
               join pg_type y on y.oid = a.atttypid
               left join pg_collation k on k.oid = a.attcollation
               left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               {described("pg_class", "t.oid", "a.attnum")}
         order by t.namespace, t.name, a.attnum"""
    unmanaged = f"""
        select 'column ' || t.namespace || '.' || t.name || '.' || a.attname || ' is inherited, and differs'
          from tables t join pg_inherits h on h.inhrelid = t.oid
               join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attinhcount > 0
               join pg_attribute p on p.attrelid = h.inhparent and p.attname = a.attname
               left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               left join pg_attrdef e on e.adrelid = p.attrelid and e.adnum = p.attnum
               {described("pg_class", "t.oid", "a.attnum")}
         where a.attnotnull <> p.attnotnull or a.attstorage <> p.attstorage
            or coalesce(a.attstattarget, -1) <> -1 or a.attoptions is not null
            or pg_get_expr(d.adbin, d.adrelid) is distinct from pg_get_expr(e.adbin, e.adrelid)
            or z.description is not null
        union all {constraint.unmanaged("n")}
        union all
        select 'constraint ' || t.namespace || '.' || t.name || '.' || k.conname || ' is not validated'
          from tables t join pg_constraint k on k.conrelid = t.oid where k.contype = 'n' and not k.convalidated"""

    def declared(self, declarations: Declarations) -> Iterator[Column]:
        """Read the columns of the tables, and those declared by themselves, which keep their order."""
        for extra in declarations.of_class(Column):
            checked_name(extra.name, "a column")
            yield extra
        for table in declarations.tables:
            for column in table.columns:
                yield _declared(column, table, f"column {table.fullname}.{column.name}")

    def create(self, new: Column, parts: Sequence[str]) -> list[Step]:
        """Return ALTER TABLE … ADD COLUMN."""
        return [Step(f"{alter_table(new)} ADD COLUMN {_clause(new)}")]

    def part(self, new: Column) -> str:
        """Return the column's definition."""
        return _clause(new)

    def drop(self, old: Column) -> str:
        """Return ALTER TABLE … DROP COLUMN."""
        return f"{alter_table(old)} DROP COLUMN {ident(old.name)}"

    def label(self, obj: Column) -> str:
        """Return COLUMN and its name."""
        return f"COLUMN {qualified(obj.namespace, obj.table)}.{ident(obj.name)}"

    def needs(self, obj: Column, model: Model) -> Iterator[Id]:
        """Yield its table, its type, the sequences of its default and the columns that it is generated of."""
        table = Id("table", obj.namespace, "", obj.table)
        yield table
        yield from givers(obj.type, model)
        key = model.type_id(obj.type)
        if key is not None and model.objects[key].is_relation:  # it holds rows, of columns that cannot change meanwhile
            yield from (each.id for each in model.columns(key.namespace, key.name))
        yield from collation_ids(obj.collation)
        yield from sequences_in(obj.default)
        for expression in (obj.default, obj.generated):
            if expression is not None:
                yield from routines_in(expression.text, model)
        if obj.generated is not None:
            others = (each for each in model.columns(obj.namespace, obj.table) if each.name != obj.name)
            yield from (each.id for each in others if mentions(obj.generated, each.name))

    def moved(self, obj: Column, renaming: Renaming) -> Column:
        """Return it under its new name and its table's, its type under its own."""
        place = (obj.namespace, obj.table)
        return replace(
            renaming.placed(obj),
            type=renaming.type(obj.type),
            collation=renaming.collation(obj.collation),
            default=renamed_in(obj.default, renaming, *place),
            generated=renamed_in(obj.generated, renaming, *place),
        )

    def rename(self, old: Column, new: Column) -> str:
        """Return ALTER TABLE … RENAME COLUMN."""
        return f"{alter_table(old)} RENAME COLUMN {ident(old.name)} TO {ident(new.name)}"

    def alter(self, old: Column, new: Column, changed: frozenset[str]) -> list[Step] | None:
        """Return what changes it in place; the default is taken down while the type changes.

        A value that is computed, or comes to be, is computed anew in a new column; so is one that no cast can keep.
        """
        if must_be_made_anew(old, new, changed):
            return None
        retyped = bool(changed & {"type", "collation"})
        steps = [alter_column(new, "DROP EXPRESSION")] if old.generated and not new.generated else []
        if old.default and (retyped or ("default" in changed and not new.default)):
            steps.append(alter_column(new, "DROP DEFAULT"))
        if retyped:
            steps.append(retype(old, new))
        if new.default and (retyped or "default" in changed):
            steps.append(alter_column(new, f"SET DEFAULT {new.default.text}"))
        if "not_null" in changed:
            steps.append(
                alter_column(new, "SET NOT NULL", set_not_null(new))
                if new.not_null
                else alter_column(new, "DROP NOT NULL")
            )
        if new.identity and "identity" in changed:
            steps += _identified(old, new, new.identity)
        # Another type, or collation, has its own storage and compression again.
        if new.storage if retyped else "storage" in changed:
            steps.append(alter_column(new, f"SET STORAGE {(new.storage or _usual_storage(new.type)).upper()}"))
        if new.compression if retyped else "compression" in changed:
            steps.append(alter_column(new, f"SET COMPRESSION {new.compression or 'default'}"))
        return steps + _planned(old, new, changed)

    def stuck_in(self, old: Column, new: Column, model: Model) -> Id | None:
        """Return its table where that is partitioned by it, and its type changes: Postgres refuses that."""
        table = model.objects.get(Id("table", old.namespace, "", old.table))
        by = getattr(table, "partition_by", None)
        return table.id if table and by and old.type != new.type and mentions(by, old.name) else None

    def opening(self, old: Column, new: Column) -> list[Step]:
        """Return DROP IDENTITY: a sequence that takes its place may have the name of the one behind it."""
        return [alter_column(new, "DROP IDENTITY")] if old.identity and not new.identity else []

    def afterwards(self, new: Column) -> list[Step]:
        """Return its storage and compression, which older servers do not take with its type."""
        steps = [alter_column(new, f"SET STORAGE {new.storage.upper()}")] if new.storage else []
        steps += [alter_column(new, f"SET COMPRESSION {new.compression}")] if new.compression else []
        return steps + _planned(replace(new, statistics=None, options=()), new, frozenset({"statistics", "options"}))

    def stands_aside(self, obj: Column, key: Id, model: Model) -> tuple[list[Step], list[Step]] | None:
        """Return DROP DEFAULT and SET DEFAULT where only the default needs `key`."""
        bare = replace(obj, default=None)
        if obj.default is None or key in self.needs(bare, model):
            return None
        return [alter_column(obj, "DROP DEFAULT")], [alter_column(obj, f"SET DEFAULT {obj.default.text}")]

    def survives(self, obj: Column, old: Object, new: Object) -> bool:
        """Return false where it is generated of a column, or holds rows of one, whose type changes."""
        return not isinstance(old, Column) or keeps_type(old, new)

    def holds_data(self, obj: Column) -> bool:
        """Return true, unless its values are computed."""
        return obj.generated is None

    def risks(self, new: Column, model: Model) -> tuple[Hazard, ...]:
        """Return what adding it does to rows that are there: fail without a value, or write each again."""
        if new.identity or (new.generated and not new.virtual):
            why = f"every row of {new.table} is written again under an exclusive lock, to hold its own value"
            return (Hazard("rewrite", new.id.address, why, sql=_filled_later(new)),)
        needed, given = demands(new.type, model)
        if (new.not_null or needed) and not given and new.default is None and not new.generated:
            sql = refilled((new.namespace, new.table), new.name, typed(new), not_null=True)
            return (replace(added_not_null(new), sql=sql),)
        if new.default is not None and _is_volatile(new.default.text):
            why = f"every row of {new.table} is written again under an exclusive lock, to hold its own default"
            instead = "add it without a default, then set the default"
            return (Hazard("rewrite", new.id.address, why, instead=instead, sql=_filled_later(new)),)
        return ()

    def loss(self, old: Column) -> Hazard:
        """Return the loss of its values; those of a generated one can be computed again."""
        address = old.id.address
        if old.generated:
            return Hazard("drop-column", address, f"the generated column {address} is dropped", asks=True)
        return Hazard("drop-column", address, f"the column {address} is dropped with all its values", asks=True)


def _declared(column: Declared[Any], table: Table, where: str) -> Column:
    if column.system:
        raise refuse("a system column", where)
    kind_of_value, collation = type_of(column.type, where)
    return Column(
        name=checked_name(column.name, "a column"),
        namespace=namespace_of(table),
        table=table.name,
        type=kind_of_value,
        collation=collation,
        not_null=not column.nullable,
        default=default_of(column, where),
        identity=_declared_identity(column, kind_of_value),
        generated=expression_of(column.computed.sqltext, where) if column.computed is not None else None,
        virtual=column.computed is not None and column.computed.persisted is False,
        storage=_one_of(column, "storage", _STORAGES, where),
        compression=_one_of(column, "compression", ("pglz", "lz4"), where),
        statistics=column.info.get("statistics"),
        options=listed_options(column.info.get("options") or {}),
        comment=comment_of(column.comment, where),
    )


_STORAGES = ("plain", "external", "main", "extended")


def _one_of(column: Declared[Any], name: str, known: tuple[str, ...], where: str) -> str | None:
    """Return what `Column(…, info={"storage": "external"})` says."""
    said = column.info.get(name)
    if said is None or said in known:
        return said
    raise SchemaError(f"{name}={said!r} is none of {', '.join(known)}", where=f"in {where}")


_MAIN = frozenset({"numeric", "inet", "cidr"})


def _usual_storage(of: str) -> str:
    """Return the storage that a type with more than one has by itself: servers before 16 do not know DEFAULT."""
    parsed = parse_type(of)
    return "main" if parsed is not None and parsed.base in _MAIN and not parsed.array else "extended"


def _clause(column: Column) -> str:
    value = f" DEFAULT {column.default.text}" if column.default else ""
    if column.identity:
        value = f" {_as_identity(column.identity)}"
    if column.generated:
        value = f" GENERATED ALWAYS AS ({column.generated.text}) {'VIRTUAL' if column.virtual else 'STORED'}"
    return f"{ident(column.name)} {typed(column)}{value}{' NOT NULL' if column.not_null else ''}"


def _as_identity(identity: Identity) -> str:
    counting = identity.counting.clause().strip()
    return f"GENERATED {identity.words} AS IDENTITY{f' ({counting})' if counting else ''}"


def _identified(old: Column, new: Column, identity: Identity) -> list[Step]:
    """Return what makes it number its rows so; counting begins behind the values that are there."""
    place = f"pg_get_serial_sequence({literal(qualified(new.namespace, new.table))}, {literal(new.name)})"
    if old.identity is None:
        behind = identity.counting.behind(place, new.namespace, new.table, new.name)
        return [alter_column(new, f"ADD {_as_identity(identity)}"), Step(behind)]
    steps = []
    if old.identity.always != identity.always:
        steps.append(alter_column(new, f"SET GENERATED {identity.words}"))
    if old.identity.counting != identity.counting:
        moves, more = identity.counting.followed(old.identity.counting, place, (old.type, new.type))
        words = [f"SET {each}" for each in identity.counting.changes()]
        steps += [*map(Step, moves), alter_column(new, " ".join((*words, more)).rstrip())]
    return steps


def _declared_identity(column: Declared[Any], of: str) -> Identity | None:
    declared = column.identity
    return None if declared is None else Identity(always=bool(declared.always), counting=counting_of(declared, of))


def _planned(old: Column, new: Column, changed: frozenset[str]) -> list[Step]:
    """Return what changes in what the planner knows; what inherits from the table keeps its own."""
    column = f"ALTER TABLE ONLY {qualified(new.namespace, new.table)} ALTER COLUMN {ident(new.name)}"
    steps = []
    if old.statistics != new.statistics and "statistics" in changed:
        steps.append(Step(f"{column} SET STATISTICS {-1 if new.statistics is None else new.statistics}"))
    if "options" in changed:
        steps += [Step(text) for text in changed_options(column, old.options, new.options)]
    return steps


def _filled_later(new: Column) -> Files:
    """Return how a column whose value is another one for each row comes to a table in use."""
    place, bare = (new.namespace, new.table), typed(new)
    if new.generated:
        return (("-- a trigger computes it for new rows",), *refilled(place, new.name, bare, not_null=new.not_null))
    if new.default is not None:
        return refilled(place, new.name, bare, [f"SET DEFAULT {new.default.text}"], not_null=new.not_null)
    files = refilled(place, new.name, bare, not_null=True)
    last = (alter_column(new, f"ADD {_as_identity(new.identity)}").text,) if new.identity else ()
    return (*files, last)


_CALL = re.compile(r"'(?:[^']|'')*'|([^\W\d][\w$.]*)\s*\(", re.ASCII)
_STEADY = frozenset(
    {"now", "current_timestamp", "transaction_timestamp", "statement_timestamp", "current_setting", "array", "lower"}
    | {"upper", "jsonb_build_object", "jsonb_build_array", "json_build_object", "json_build_array", "make_interval"}
)


def _is_volatile(text: str) -> bool:
    """Tell whether a default may be another one for each row: it calls what is not known to be the same for all."""
    calls = (match[1].lower().removeprefix("pg_catalog.") for match in _CALL.finditer(text) if match[1])
    return any(call not in _STEADY and parse_type(call) is None for call in calls)


kind = ColumnKind()
