"""One property changed at random, for every class of objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sendoka.quoting import ident
from sendoka.schema.kinds._key import Key
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.collation import Collation
from sendoka.schema.kinds.column import Column, Identity
from sendoka.schema.kinds.composite_type import Attribute, CompositeType
from sendoka.schema.kinds.domain import Domain, DomainCheck
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.function import Function
from sendoka.schema.kinds.grant import Grant
from sendoka.schema.kinds.index import Index
from sendoka.schema.kinds.policy import Policy
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.rule import Rule
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.trigger import Trigger
from sendoka.schema.kinds.unique import Unique
from sendoka.schema.kinds.view import View
from sendoka.schema.model import Object
from sendoka.schema.typenames import parse_type
from tests.schemas.rights import PRIVILEGES
from tests.schemas.tables import STORED, counting, default, generated
from tests.schemas.world import TYPES, World, category, text

__all__ = ["CHANGES", "divides"]


def divides(world: World, column: Column) -> bool:
    """Tell whether a table is partitioned by the column."""
    place = (column.namespace, column.table)
    tables = world.all(Table, lambda each: (each.namespace, each.name) == place and each.partition_by is not None)
    return any(each.partition_by is not None and ident(column.name) in each.partition_by.text for each in tables)


def _comment(world: World, obj: Object) -> Object | None:
    if isinstance(obj, Grant):
        return None
    return replace(obj, comment=None if obj.comment and world.maybe() else world.name("said "))


# -------------------------------------------------------------- tables and columns


def _plain(table: Table) -> bool:
    return table.partition_by is None and table.partition_of is None


def _unlogged(world: World, table: Table) -> Table | None:
    place = (table.namespace, table.name)
    pointing = world.all(
        ForeignKey, lambda each: place in {(each.namespace, each.table), (each.target_namespace, each.target)}
    )
    return replace(table, unlogged=not table.unlogged) if _plain(table) and not pointing else None


def _options(world: World, table: Table) -> Table | None:
    options = tuple(
        sorted(
            world.chance.sample(
                ["fillfactor=70", "fillfactor=80", "autovacuum_enabled=false"], world.chance.randint(0, 1)
            )
        )
    )
    return replace(table, options=options) if table.partition_by is None else None


def _secured(world: World, table: Table) -> Table:
    return replace(table, row_security=not table.row_security, forced_row_security=world.maybe())


def _bound(world: World, table: Table) -> Table | None:
    if table.bound is None or "FROM (3)" not in table.bound.text:
        return None
    top = world.chance.choice([100, 200, 300])
    return replace(table, bound=text(f"FOR VALUES FROM (3) TO ({top})"))


_NEAR = {
    "smallint": ["integer", "bigint"],
    "integer": ["bigint", "numeric", "text", "smallint"],
    "bigint": ["integer", "numeric", "text"],
    "numeric(10,2)": ["numeric(14,4)", "numeric", "text", "integer"],
    "text": ["character varying(60)", "character varying", "jsonb", "bytea"],
    "character varying(20)": ["character varying(60)", "text"],
    "character varying(60)": ["character varying(20)", "text"],
    "date": ["timestamp with time zone", "timestamp without time zone", "text"],
    "timestamp with time zone": ["timestamp without time zone", "date", "text"],
    "json": ["jsonb", "text"],
    "jsonb": ["json", "text"],
    "integer[]": ["text[]", "text"],
    "real": ["double precision"],
    "boolean": ["text", "integer"],
}


def _retyped(world: World, column: Column) -> Column | None:
    if column.generated or column.identity or divides(world, column):
        return None
    near = _NEAR.get(column.type)
    of = world.chance.choice(near) if near and world.maybe(0.75) else world.type()
    new = replace(column, type=of)
    if category(of) != category(column.type):
        new = replace(new, default=default(world, new) if column.default else None)
    parsed = parse_type(of)
    if parsed is None or parsed.base not in STORED or parsed.array:
        new = replace(new, storage=None, compression=None)
    return new if category(of) == "text" else replace(new, collation=None, compression=None)


def _is_key(world: World, column: Column) -> bool:
    place = (column.namespace, column.table)
    keys = world.all(PrimaryKey, lambda each: (each.namespace, each.table) == place)
    return any(column.name in each.columns for each in keys)


def _not_null(world: World, column: Column) -> Column | None:
    if column.generated or column.identity or _is_key(world, column) or divides(world, column):
        return None
    return replace(column, not_null=not column.not_null)


def _default(world: World, column: Column) -> Column | None:
    if column.generated or column.identity:
        return None
    return replace(column, default=None if column.default and world.maybe() else default(world, column))


def _identity(world: World, column: Column) -> Column | None:
    if column.type not in {"smallint", "integer", "bigint"} or column.generated or _shared(world, column):
        return None
    if column.identity and world.maybe(0.3):
        return replace(column, identity=None)
    return replace(
        column, identity=Identity(always=world.maybe(), counting=counting(world)), default=None, not_null=True
    )


def _shared(world: World, column: Column) -> bool:
    """Tell whether the column's table is partitioned, or has to do with inheritance."""
    place = (column.namespace, column.table)
    return any(
        place in each.inherits or ((each.namespace, each.name) == place and (each.partition_by or each.inherits))
        for each in world.all(Table)
    )


def _generated(world: World, column: Column) -> Column | None:
    if column.identity or column.default or _is_key(world, column) or _shared(world, column):
        return None
    if column.generated and world.maybe(0.4):
        return replace(column, generated=None, virtual=False)
    table = next(each for each in world.all(Table) if (each.namespace, each.name) == (column.namespace, column.table))
    bare = world.copy()
    bare.objects.pop(column.id)
    return generated(bare, table, replace(column, generated=None, virtual=False))


def _looked_at(world: World, column: Column) -> Column:
    options = ("n_distinct=5",) if world.maybe() else ()
    return replace(column, statistics=world.chance.choice([None, 50, 200]), options=options)


def _stored(world: World, column: Column) -> Column | None:
    parsed = parse_type(column.type)
    if parsed is None or parsed.base not in STORED or parsed.array or column.virtual:
        return None
    return replace(
        column,
        storage=world.chance.choice([None, "external", "main"]) if parsed.base != "numeric" else None,
        compression=world.chance.choice([None, "pglz"]) if category(column.type) == "text" else None,
    )


def _collated(world: World, column: Column) -> Column | None:
    return (
        replace(column, collation=None if column.collation else world.collation())
        if category(column.type) == "text" and not column.generated
        else None
    )


# -------------------------------------------------------------- constraints and indexes


def _deferred(world: World, obj: Any) -> Any:
    deferrable = not obj.deferrable
    pointed = world.all(ForeignKey, lambda each: (each.target_namespace, each.target) == (obj.namespace, obj.table))
    if isinstance(obj, Key) and pointed:
        return None
    return replace(obj, deferrable=deferrable, initially_deferred=deferrable and world.maybe())


def _validated(world: World, obj: Any) -> Any:
    return replace(obj, not_valid=not obj.not_valid)


def _action(world: World, key: ForeignKey) -> ForeignKey:
    return replace(key, on_delete=world.chance.choice(["CASCADE", "SET NULL", "NO ACTION"]))


def _nulls(world: World, unique: Unique) -> Unique:
    return replace(unique, nulls_not_distinct=not unique.nulls_not_distinct)


def _condition(world: World, check: Check) -> Check:
    return replace(check, expression=text(f"{check.expression.text} or 1 > {world.chance.randint(0, 9)}"))


def _index(world: World, index: Index) -> Index:
    if world.maybe(0.4):
        return (
            replace(index, options=() if index.options else (f"fillfactor={world.chance.randint(60, 90)}",))
            if index.method == "btree"
            else index
        )
    first, *rest = index.keys
    return (
        replace(index, keys=(replace(first, descending=not first.descending, nulls=None), *rest))
        if index.method == "btree"
        else index
    )


# -------------------------------------------------------------- types, routines, views, and the rest


def _clustered(world: World, obj: Any) -> Any:
    place = (obj.namespace, obj.table)
    others: list[Any] = [*world.all(Index), *world.all(Key)]
    taken = any(each.clustered and (each.namespace, each.table) == place and each.id != obj.id for each in others)
    plain = world.all(Table, lambda each: (each.namespace, each.name) == place and not each.partition_by)
    able = not isinstance(obj, Index) or (obj.method == "btree" and obj.predicate is None)
    return replace(obj, clustered=not obj.clustered) if plain and able and not taken else None


def _values(world: World, enum: Enum) -> Enum:
    values = list(enum.values)
    what = world.chance.randint(0, 3)
    if what == 0 and len(values) > 1:
        values.remove(world.chance.choice(values))
    elif what == 1:
        world.chance.shuffle(values)
    else:
        values.insert(world.chance.randint(0, len(values)), world.name("v"))
    return replace(enum, values=tuple(values))


def _domain(world: World, domain: Domain) -> Domain:
    what = world.chance.randint(0, 3)
    if what == 0:
        return replace(domain, not_null=not domain.not_null)
    if what == 1:
        default = {"number": text("8"), "text": text("'y'")}.get(category(domain.type))
        return replace(domain, default=None if domain.default else default)
    if what == 2:
        near = _NEAR.get(domain.type)
        return domain if near is None else replace(domain, type=near[0], checks=(), default=None)
    checks = (
        *domain.checks,
        DomainCheck(name=world.name("k"), expression=text("value is null or true"), not_valid=world.maybe(0.3)),
    )
    kept = checks if world.maybe() else checks[1:]
    return replace(domain, checks=tuple(sorted(kept, key=lambda each: each.name)))


def _attributes(world: World, composite: CompositeType) -> CompositeType:
    attributes = list(composite.attributes)
    what = world.chance.randint(0, 2)
    if what == 0 and len(attributes) > 1:
        attributes.pop(world.chance.randrange(len(attributes)))
    elif what == 1:
        attributes[0] = replace(attributes[0], type=world.chance.choice(TYPES))
    else:
        attributes.append(Attribute(name=world.name("a"), type=world.chance.choice(TYPES)))
    return replace(composite, attributes=tuple(attributes))


def _sequence(world: World, sequence: Sequence) -> Sequence:
    if world.maybe(0.4):
        return replace(sequence, owner=None)
    if world.maybe(0.3):
        return replace(sequence, type="integer" if sequence.type == "bigint" else "bigint")
    return replace(sequence, counting=counting(world))


def _routine(world: World, function: Function) -> Function:
    body = function.definition.text
    for digit in "0123456789":
        for sign in ("+ ", "select ", "-- "):
            if f"{sign}{digit} $fn$" in body or f"{sign}{digit}\n" in body:
                return replace(
                    function, definition=text(body.replace(f"{sign}{digit}", f"{sign}{(int(digit) + 1) % 10}"))
                )
    if "language sql as" in body:
        return replace(function, definition=text(body.replace("language sql as", "language sql stable as")))
    return function


def _view(world: World, view: View) -> View:
    if world.maybe(0.4):
        return replace(view, options=() if view.options else ("security_barrier=true",))
    return (
        replace(view, definition=text(f"{view.definition.text} limit {world.chance.randint(1, 9)}"))
        if "limit" not in view.definition.text
        else view
    )


def _policy(world: World, policy: Policy) -> Policy:
    what = world.chance.randint(0, 3)
    if what == 0:
        return replace(policy, permissive=not policy.permissive)
    if what == 1:
        return replace(policy, roles=("public",) if policy.roles != ("public",) else ("pg_monitor",))
    if what == 2 and policy.command in {"all", "update"}:
        return replace(policy, check=None if policy.check else text("true"))
    return replace(policy, using=text("true"))


def _privileges(world: World, grant: Grant) -> Grant:
    granted = tuple(sorted(world.sample(list(PRIVILEGES["column" if grant.column else grant.on]), 2)))
    return replace(grant, privileges=granted, grantable=granted[:1] if world.maybe(0.3) else ())


def _ctype(world: World, collation: Collation) -> Collation:
    return replace(collation, ctype=None if collation.ctype else "POSIX")


def _fires(world: World, trigger: Any) -> Any:
    return replace(trigger, fires=world.chance.choice(["origin", "disabled", "always", "replica"]))


CHANGES: dict[type[Any], tuple[Any, ...]] = {
    Table: (_unlogged, _options, _secured, _bound, _bound),
    Column: (
        _retyped,
        _retyped,
        _retyped,
        _not_null,
        _default,
        _default,
        _identity,
        _generated,
        _stored,
        _collated,
        _looked_at,
    ),
    Unique: (_deferred, _nulls, _clustered),
    PrimaryKey: (_clustered,),
    ForeignKey: (_deferred, _validated, _action),
    Check: (_validated, _condition),
    Index: (_index, _index, _clustered),
    Enum: (_values,),
    Domain: (_domain,),
    CompositeType: (_attributes,),
    Sequence: (_sequence,),
    Function: (_routine,),
    View: (_view,),
    Policy: (_policy,),
    Trigger: (_fires,),
    Rule: (_fires,),
    Grant: (_privileges,),
    Collation: (_ctype,),
    Object: (_comment,),
}
