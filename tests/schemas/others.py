"""What stands beside tables, at random: types, sequences, routines, views, and what hangs on a table from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.quoting import ident, qualified
from sendoka.schema.kinds.aggregate import Aggregate
from sendoka.schema.kinds.collation import Collation
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.composite_type import Attribute, CompositeType
from sendoka.schema.kinds.domain import Domain, DomainCheck
from sendoka.schema.kinds.enum import Enum
from sendoka.schema.kinds.extension import Extension
from sendoka.schema.kinds.function import Function
from sendoka.schema.kinds.materialized_view import MaterializedView
from sendoka.schema.kinds.namespace import Namespace
from sendoka.schema.kinds.policy import Policy
from sendoka.schema.kinds.procedure import Procedure
from sendoka.schema.kinds.rule import Rule
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.kinds.statistics import Statistics
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.trigger import Trigger
from sendoka.schema.kinds.view import View
from sendoka.schema.typenames import spelled_type
from tests.schemas.tables import comment, counting, index_of, inside, some_table
from tests.schemas.world import World, category, relation, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.schema.kinds._view import Queried

__all__ = ["BESIDE", "ON_TABLES"]


def namespace(world: World) -> None:
    """Add a namespace."""
    if len(world.all(Namespace)) < 3:
        world.add(Namespace(name=world.name("n")))


def extension(world: World) -> None:
    """Add an extension that the server has."""
    there = {each.name for each in world.all(Extension)}
    missing = [each for each in world.available if each not in there]
    if missing:
        world.add(Extension(name=world.chance.choice(missing), namespace=world.namespace()))


def collation(world: World) -> None:
    """Add a collation."""
    if len(world.all(Collation)) < 2:
        world.add(Collation(name=world.name("q"), namespace=world.namespace(), provider="libc", locale="C"))


def enum(world: World) -> None:
    """Add an enum."""
    values = tuple(world.name("v") for _ in range(world.chance.randint(1, 4)))
    world.add(Enum(name=world.name("e"), namespace=world.namespace(), values=values, comment=comment(world)))


def domain(world: World) -> None:
    """Add a domain, of another type of ours at times."""
    of = (
        world.type()
        if world.maybe(0.3)
        else world.chance.choice(["integer", "text", "character varying(40)", "numeric(10,2)"])
    )
    name, kind = world.name("d"), category(of)
    checks = [DomainCheck(name=world.name("k"), expression=text("value is not null or true"))]
    if kind == "number":
        checks.append(DomainCheck(name=world.name("k"), expression=text("value >= 0")))
    if kind == "text":
        checks.append(DomainCheck(name=world.name("k"), expression=text("value <> 'no'")))
    listed = tuple(sorted(world.sample(checks, 2), key=lambda each: each.name)) if world.maybe() else ()
    default = {"number": text("7"), "text": text("'x'")}.get(kind) if world.maybe(0.3) else None
    world.add(
        Domain(name=name, namespace=world.namespace(), type=of, default=default, checks=listed, comment=comment(world))
    )


def composite(world: World) -> None:
    """Add a composite type."""
    attributes = tuple(Attribute(name=world.name("a"), type=world.type()) for _ in range(world.chance.randint(1, 3)))
    world.add(CompositeType(name=world.name("y"), namespace=world.namespace(), attributes=attributes))


def sequence(world: World) -> None:
    """Add a sequence, one that a column owns at times."""
    of = world.chance.choice(["bigint", "integer"])
    place, owner = world.namespace(), None
    column = world.one(Column, lambda each: not each.generated and not each.identity)
    if column is not None and world.maybe(0.3):
        place, owner = column.namespace, (column.table, column.name)
    world.add(
        Sequence(
            name=world.name("s"),
            namespace=place,
            type=of,
            counting=counting(world),
            owner=owner,
            comment=comment(world),
        )
    )


# -------------------------------------------------------------- routines


def function(world: World) -> None:
    """Add a function: of a number, of a type of ours, over a table, for triggers."""
    place, which = world.namespace(), world.chance.randint(0, 5)
    kind = world.chance.choice([Function, Function, Procedure]) if which == 1 else Function
    arguments, result, body, language = (
        "a integer",
        "integer",
        f"select a + {world.chance.randint(0, 9)}",
        "sql immutable",
    )
    name, types = world.name("f"), "integer"
    if which == 1:
        of = re.sub(r"\(.*?\)", "", world.type())
        name, types, arguments = world.name("g"), of, f"a {spelled_type(of)}"
        body = f"select {world.chance.randint(0, 9)}"
        language = "sql"
    elif which == 2:
        name, types, arguments, result, language = world.name("tg"), "", "", "trigger", "plpgsql"
        body = f"begin\n  -- {world.chance.randint(0, 9)}\n  return new;\nend"
    elif which == 3:
        table = world.one(Table)
        if table is not None:
            name, types, arguments, result, language = world.name("h"), "", "", "bigint", "sql"
            body = f"select count(*) from {relation(table)}"
            if world.maybe():
                return _atomic(world, name, place, body)
    head = f"({arguments})" + (f" returns {result}" if kind is Function else "")
    verb = "function" if kind is Function else "procedure"
    definition = f"create {verb} {qualified(place, name)}{head} language {language} as $fn$ {body} $fn$"
    world.add(kind(name=f"{name}({types})", namespace=place, header=text(head), definition=text(definition)))
    return None


def _atomic(world: World, name: str, place: str, body: str) -> None:
    definition = f"create function {qualified(place, name)}() returns bigint begin atomic {body}; end"
    world.add(
        Function(name=f"{name}()", namespace=place, header=text("() returns bigint"), definition=text(definition))
    )


def aggregate(world: World) -> None:
    """Add an aggregate of a built-in function."""
    place, name = world.namespace(), world.name("g")
    function = world.chance.choice(["int4larger", "int4smaller", "int4pl"])
    definition = (
        f"create aggregate {qualified(place, name)}(integer) (sfunc = {function}, stype = integer, initcond = '0')"
    )
    world.add(
        Aggregate(name=f"{name}(integer)", namespace=place, header=text("(integer)"), definition=text(definition))
    )


# -------------------------------------------------------------- views


def view(world: World) -> None:
    """Add a view, of tables or of views."""
    options = ("security_barrier=true",) if world.maybe(0.2) else ()
    _query(world, View, "w", options)


def materialized_view(world: World) -> None:
    """Add a materialized view."""
    _query(world, MaterializedView, "m", ())


def _query(world: World, holds: type[Queried], prefix: str, options: tuple[str, ...]) -> None:
    below = world.one(View)
    name, place = world.name(prefix), world.namespace()
    if below is not None and world.maybe(0.35):
        query = (
            f"select v.* from {relation(below)} v"
            if world.maybe()
            else f"select count(*) as {ident(world.name('o'))} from {relation(below)}"
        )
    else:
        table = world.one(Table)
        if table is None:
            return
        columns = world.columns(table)
        if not columns:
            return
        listed = ", ".join(f"a.{ident(each.name)}" for each in world.sample(columns, 4))
        query = f"select {listed} from {relation(table)} a"
        if world.maybe(0.3):
            query += f" where {world.condition(world.chance.choice(columns))}"
        other = world.one(Table)
        if other is not None and world.maybe(0.3):
            counted = f"(select count(*) as n from {relation(other)}) b"
            query = f"select {listed}, b.n as {ident(world.name('o'))} from {relation(table)} a cross join {counted}"
    world.add(holds(name=name, namespace=place, definition=text(query), options=options, comment=comment(world)))


def index_of_view(world: World, table: Table) -> None:
    """Add an index of a materialized view that counts something."""
    found = world.one(MaterializedView, lambda each: " as " in each.definition.text)
    if found is not None:
        name = found.definition.text.rpartition(" as ")[2]
        if name.startswith('"') and " from" in name:
            column = Column(name=name.partition('" from')[0][1:].replace('""', '"'), table=found.name, type="bigint")
            world.add(index_of(world, found, [column]))


# -------------------------------------------------------------- on tables


def trigger(world: World, table: Table) -> None:
    """Add a trigger."""
    function = world.one(Function, lambda each: each.called.startswith("tg") and each.name.endswith("()"))
    if function is None or table.partition_by is not None:
        return
    names = inside(world, table, "r")
    columns = world.columns(table)
    of = f" of {ident(world.chance.choice(columns).name)}" if columns and world.maybe(0.3) else ""
    when = world.chance.choice(["before", "after"])
    fired = f"{when} update{of} on {relation(table)}"
    called = f"for each row execute function {relation(function)}()"
    definition = f"create trigger {ident(names['name'])} {fired} {called}"
    world.add(
        Trigger(
            **names, definition=text(definition), fires=world.chance.choice(["origin", "origin", "disabled", "always"])
        )
    )


def policy(world: World, table: Table) -> None:
    """Add a policy."""
    columns = world.columns(table)
    condition = world.condition(world.chance.choice(columns)) if columns else "true"
    command = world.chance.choice(["all", "select", "update", "delete"])
    world.add(
        Policy(
            **inside(world, table, "o"),
            command=command,
            permissive=world.maybe(0.8),
            roles=("pg_monitor",) if world.maybe(0.3) else ("public",),
            using=text(condition),
            check=text(condition) if command in {"all", "update"} and world.maybe() else None,
        )
    )


def rule(world: World, table: Table) -> None:
    """Add a rule that does nothing, or something in another table."""
    names = inside(world, table, "l")
    columns = world.columns(table)
    where = f" where old.{ident(columns[0].name)} is null" if columns and world.maybe() else ""
    definition = f"create rule {ident(names['name'])} as on delete to {relation(table)}{where} do instead nothing"
    if table.partition_by is None:
        world.add(Rule(**names, definition=text(definition)))


def statistics(world: World, table: Table) -> None:
    """Add a statistics object."""
    columns = world.columns(table, lambda each: category(each.type) in {"number", "text"} and not each.virtual)
    if len(columns) > 1:
        names = inside(world, table, "z")
        listed = ", ".join(sorted(ident(each.name) for each in world.chance.sample(columns, 2)))
        kinds = world.chance.choice(["", " (ndistinct)", " (dependencies, mcv)"])
        named = qualified(table.namespace, names["name"])
        definition = f"create statistics {named}{kinds} on {listed} from {relation(table)}"
        world.add(Statistics(**names, definition=text(definition)))


BESIDE: tuple[Callable[[World], None], ...] = (
    namespace,
    extension,
    collation,
    enum,
    enum,
    domain,
    composite,
    sequence,
    function,
    function,
    function,
    aggregate,
    some_table,
    some_table,
    some_table,
    view,
    view,
    materialized_view,
)
"""What adds something that stands by itself."""

ON_TABLES: tuple[Callable[[World, Table], None], ...] = (trigger, policy, rule, statistics, index_of_view)
"""What adds something to a table from outside."""
