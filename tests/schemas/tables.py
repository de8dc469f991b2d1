"""Tables at random, and what stands inside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sendoka.quoting import ident, literal
from sendoka.schema.kinds._counting import Counting
from sendoka.schema.kinds._key import Key
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column, Identity
from sendoka.schema.kinds.exclusion import Exclusion
from sendoka.schema.kinds.extension import Extension
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.function import Function
from sendoka.schema.kinds.index import Index, IndexKey
from sendoka.schema.kinds.materialized_view import MaterializedView
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.unique import Unique
from sendoka.schema.typenames import parse_type, user_type_name
from tests.schemas.world import World, category, relation, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.schema.model import Expression, Object

__all__ = ["INSIDE", "STORED", "counting", "default", "plain_table", "some_table"]

STORED = frozenset({"text", "character varying", "bytea", "jsonb", "json", "numeric"})
_UNORDERED = frozenset({"json", "point", "xml"})


def orders(world: World, column: Column) -> bool:
    """Tell whether a B-tree can hold the column."""
    parsed, key = parse_type(column.type), world.model.type_id(column.type)
    return parsed.base not in _UNORDERED if parsed is not None else key is not None and key.kind == "enum"


def counting(world: World) -> Counting:
    """Return how something counts."""
    if world.maybe(0.5):
        return Counting()
    return Counting(
        increment=world.chance.choice([1, 1, 2, 10]),
        maximum=world.chance.choice([None, 30_000]),
        start=world.chance.choice([None, 5, 100]),
        cache=world.chance.choice([1, 1, 20]),
        cycle=world.maybe(0.2),
    )


def plain_table(world: World) -> None:
    """Add a table with columns, and mostly a primary key."""
    table = Table(
        name=world.name("t"),
        namespace=world.namespace(),
        unlogged=world.maybe(0.05),
        options=("fillfactor=70",) if world.maybe(0.1) else (),
        row_security=world.maybe(0.1),
        comment=comment(world),
    )
    parent = world.one(Table, lambda each: each.partition_of is None and each.partition_by is None)
    if parent is not None and world.maybe(0.12):
        table = replace(table, inherits=((parent.namespace, parent.name),), unlogged=False)
    world.add(table)
    if world.maybe(0.8):
        world.add(
            Column(name=world.name("id"), namespace=table.namespace, table=table.name, type="integer", not_null=True)
        )
    for _ in range(world.chance.randint(1, 5)):
        column(world, table)
    if world.maybe(0.7):
        primary_key(world, table)


def partitioned_table(world: World) -> None:
    """Add a table with partitions."""
    place: dict[str, Any] = {"namespace": world.namespace(), "name": world.name("t")}
    name, of = world.name("p"), world.chance.choice(["integer", "bigint"])
    way = world.chance.choice(["RANGE", "LIST", "HASH"])
    table = Table(**place, partition_by=text(f"{way} ({ident(name)})"))
    key = Column(name=name, namespace=table.namespace, table=table.name, type=of, not_null=True)
    world.add(table, key)
    for _ in range(world.chance.randint(1, 3)):
        column(world, table)
    bounds = {
        "RANGE": ["FOR VALUES FROM (0) TO (3)", "FOR VALUES FROM (3) TO (100)"],
        "LIST": ["FOR VALUES IN (1, 2)", "FOR VALUES IN (3)"],
        "HASH": ["FOR VALUES WITH (modulus 2, remainder 0)", "FOR VALUES WITH (modulus 2, remainder 1)"],
    }[way]
    for bound in bounds[: world.chance.randint(1, 2)]:
        _partition(world, table, bound)
    if way != "HASH" and world.maybe(0.5):
        _partition(world, table, "DEFAULT")


def _partition(world: World, table: Table, bound: str) -> None:
    parent = (table.namespace, table.name)
    world.add(Table(name=world.name("t"), namespace=table.namespace, partition_of=parent, bound=text(bound)))


def some_table(world: World) -> None:
    """Add a table, of partitions at times."""
    (partitioned_table if world.maybe(0.15) else plain_table)(world)


def comment(world: World) -> str | None:
    """Return a comment, or mostly none."""
    return world.name("what it's for ") if world.maybe(0.1) else None


# -------------------------------------------------------------- columns


def column(world: World, table: Table) -> None:
    """Add a column to a table."""
    new = Column(
        name=world.name("c"),
        namespace=table.namespace,
        table=table.name,
        type=world.type(),
        not_null=world.maybe(0.3),
        comment=comment(world),
    )
    stored, kind = parse_type(new.type), category(new.type)
    if kind == "text" and world.maybe(0.2):
        new = replace(new, collation=world.collation())
    if stored is not None and stored.base in STORED and not stored.array and world.maybe(0.1):
        new = replace(new, storage="external")
    if kind == "text" and world.maybe(0.1):
        new = replace(new, compression="pglz")
    inherited = any((table.namespace, table.name) in each.inherits for each in world.all(Table))
    if table.partition_by is None and not inherited and not table.inherits and world.maybe(0.12):
        if new.type in {"smallint", "integer", "bigint"}:
            new = replace(new, identity=Identity(always=world.maybe(), counting=counting(world)), not_null=True)
        else:
            new = generated(world, table, new)
    elif world.maybe(0.4):
        new = replace(new, default=default(world, new))
    world.add(new)


def generated(world: World, table: Table, new: Column) -> Column:
    """Return the column as one whose values are computed of another one, if there is one."""
    sources = world.columns(table, lambda each: category(each.type) in {"number", "text"} and not each.generated)
    if not sources:
        return new
    source = world.chance.choice(sources)
    of = "text" if category(source.type) == "text" else "numeric"
    virtual = world.major >= 18 and world.maybe()
    expression = text(world.computed(source))
    return replace(
        new,
        type=of,
        generated=expression,
        virtual=virtual,
        collation=None,
        storage=None,
        compression=None,
        not_null=False,
    )


_DEFAULTS = {
    "number": ["7", "0", "(1 + 2)"],
    "text": ["'x'", "''", "'it''s'"],
    "document": ["'{}'", "jsonb_build_object('a', 1)"],
    "array": ["'{}'"],
}


def default(world: World, column: Column) -> Expression | None:
    """Return a default for a column, None where none is known."""
    kind = category(column.type)
    sequence = world.one(Sequence)
    if sequence is not None and column.type in {"integer", "bigint"} and world.maybe(0.3):
        return text(f"nextval({literal(relation(sequence))}::regclass)")
    function = world.one(Function, lambda each: each.name.endswith("(integer)") and each.called.startswith("f"))
    if function is not None and kind == "number" and world.maybe(0.4):
        return text(f"{relation(function)}(3)")
    if kind in _DEFAULTS:
        return text(world.chance.choice(_DEFAULTS[kind]))
    usual = {
        "boolean": "false",
        "timestamp with time zone": "now()",
        "uuid": "gen_random_uuid()",
        "date": "CURRENT_DATE",
    }
    return text(usual[column.type]) if column.type in usual else None


# -------------------------------------------------------------- constraints and indexes


def primary_key(world: World, table: Table) -> None:
    """Add a primary key to a table that has none."""
    found = world.columns(
        table,
        lambda each: (
            orders(world, each)
            and each.table == table.name
            and not each.generated
            and (each.name.lower().startswith("id") or category(each.type) in {"number", "text"})
        ),
    )
    if not found or world.all(PrimaryKey, lambda each: (each.namespace, each.table) == (table.namespace, table.name)):
        return
    columns = found[:1] if world.maybe(0.7) else world.sample(found, 2)
    world.add(*(replace(each, not_null=True) for each in columns))
    world.add(
        PrimaryKey(
            **inside(world, table, "pk"),
            columns=tuple(each.name for each in columns),
            deferrable=world.maybe(0.1),
        )
    )


def inside(world: World, table: Object, prefix: str) -> dict[str, Any]:
    """Return the names of a new part of a table."""
    return {"name": world.name(prefix), "namespace": table.namespace, "table": table.name, "comment": comment(world)}


def unique(world: World, table: Table) -> None:
    """Add a unique constraint."""
    found = world.columns(table, lambda each: category(each.type) in {"number", "text"} and not each.virtual)
    if found:
        deferrable = world.maybe(0.15)
        world.add(
            Unique(
                **inside(world, table, "u"),
                columns=tuple(each.name for each in world.sample(found, 2)),
                deferrable=deferrable,
                initially_deferred=deferrable and world.maybe(),
                nulls_not_distinct=world.maybe(0.2),
            )
        )


def check(world: World, table: Table) -> None:
    """Add a check, of one column or two."""
    found = world.columns(table, lambda each: not each.virtual)
    if found:
        conditions = [world.condition(each) for each in world.sample(found, 2)]
        function = world.one(Function, lambda each: each.name.endswith("(integer)") and each.called.startswith("f"))
        if function is not None and world.maybe(0.2):
            conditions.append(f"{relation(function)}(1) is not null")
        world.add(
            Check(
                **inside(world, table, "k"),
                expression=text(" and ".join(conditions)),
                not_valid=world.maybe(0.1) and table.partition_by is None,
                no_inherit=world.maybe(0.1) and table.partition_by is None,
            )
        )


def _points(column: Column, target: Column, taken: list[str]) -> bool:
    same = (column.type, column.collation) == (target.type, target.collation)
    return same and not column.generated and column.name not in taken


def foreign_key(world: World, table: Table) -> None:
    """Add a foreign key to any key whose columns have the types of ours."""
    key = world.one(Key, lambda each: not each.deferrable)
    if key is None:
        return
    target = next(each for each in world.all(Table) if (each.namespace, each.name) == (key.namespace, key.table))
    wanted = {each.name: each for each in world.columns(target)}
    columns: list[str] = []
    for name in key.columns:
        fitting = [each.name for each in world.columns(table) if _points(each, wanted[name], columns)]
        if not fitting:
            return
        columns.append(world.chance.choice(fitting))
    if target.unlogged != table.unlogged:
        return
    deferrable = world.maybe(0.2)
    actions = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL"]
    world.add(
        ForeignKey(
            **inside(world, table, "fk"),
            columns=tuple(columns),
            target_namespace=target.namespace,
            target=target.name,
            target_columns=key.columns,
            on_delete=world.chance.choice(actions),
            on_update=world.chance.choice(actions[:3]),
            match=world.chance.choice(["SIMPLE", "SIMPLE", "FULL"]),
            deferrable=deferrable,
            initially_deferred=deferrable and world.maybe(),
            not_valid=world.maybe(0.1) and table.partition_by is None,
        )
    )


def index(world: World, table: Table) -> None:
    """Add an index: of columns or expressions, of part of the rows, of another method."""
    found = world.columns(table, lambda each: orders(world, each) and not each.virtual)
    if found:
        world.add(index_of(world, table, found))


def index_of(world: World, table: Object, found: list[Column]) -> Index:
    """Return an index of some of the columns."""
    keys = tuple(_key(world, each) for each in world.sample(found, 3))
    new = Index(**inside(world, table, "i"), keys=keys)
    other = world.chance.choice(found)
    documents = [each for each in found if category(each.type) in {"document", "array"} or each.type == "tsvector"]
    trigrams = next((each.namespace for each in world.all(Extension) if each.name == "pg_trgm"), None)
    texts = [each.name for each in found if each.type == "text"]
    if trigrams is not None and texts and world.maybe(0.4):
        key = IndexKey(column=texts[0], operator_class=user_type_name(trigrams, "gin_trgm_ops"))
        return replace(new, keys=(key,), method="gin")
    if documents and world.maybe(0.4):
        return replace(new, keys=(IndexKey(column=documents[0].name),), method="gin")
    if world.maybe(0.15):
        return (
            replace(new, keys=(IndexKey(column=other.name),), method="hash")
            if other.type != "money" and parse_type(other.type) and category(other.type) in {"number", "text"}
            else new
        )
    if world.maybe(0.2) and not isinstance(table, MaterializedView):
        new = replace(new, predicate=text(world.condition(other)))
    if world.maybe(0.15) and all(key.column != other.name for key in keys):
        new = replace(new, include=(other.name,))
    if world.maybe(0.1):
        new = replace(new, options=("fillfactor=80",))
    if world.maybe(0.1) and not getattr(table, "partition_by", None):
        new = replace(new, unique=True, nulls_not_distinct=world.maybe(0.3))
    return new


def _key(world: World, column: Column) -> IndexKey:
    if world.maybe(0.2):
        key = IndexKey(expression=text(world.computed(column)))
    elif category(column.type) == "text" and world.maybe(0.3):
        key = IndexKey(
            column=column.name,
            operator_class=world.chance.choice(["text_pattern_ops", None]),
            collation=world.chance.choice([None, "POSIX"]),
        )
    else:
        key = IndexKey(column=column.name)
    return replace(key, descending=world.maybe(0.2), nulls=None)


def exclusion(world: World, table: Table) -> None:
    """Add an exclusion constraint of a range."""
    found = world.columns(table, lambda each: category(each.type) == "range" and not each.virtual)
    if found and table.partition_by is None:
        column = world.chance.choice(found)
        world.add(
            Exclusion(
                **inside(world, table, "x"), definition=text(f"EXCLUDE USING gist ({ident(column.name)} WITH &&)")
            )
        )


INSIDE: tuple[Callable[[World, Table], None], ...] = (
    column,
    column,
    primary_key,
    unique,
    check,
    foreign_key,
    index,
    index,
    exclusion,
)
"""What adds a part to a table that is no partition."""
