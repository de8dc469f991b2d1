"""The schema's readers against a real Postgres: what is declared is what is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from sendoka import migrate, neon
from sendoka.database import Database, Statement
from sendoka.database.transaction import DEFAULT
from sendoka.migrations.folder import read_folder
from sendoka.migrations.generator import custom, write
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_python import model_from_folder, model_from_tables
from sendoka.schema.kinds import all_kinds
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.namespace import NamespaceKind
from sendoka.schema.model import Expression, Model, Object
from sendoka.schema.plan import plan
from sendoka.schema.spelling import respelled
from sendoka.schema.typenames import canonical_type, short_type
from sendoka.script import BREAKPOINT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sendoka.database import Cells, Result, TransactionOptions
    from sendoka.http.client import Neon

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Neon]:
    async with neon(database_url) as client:
        yield client


async def _apply(database: Database, model: Model) -> Model:
    await database.run_all([Statement(step.text) for step in plan(diff(Model(), model)).steps])
    return await model_from_catalog(database)


def _only_respelled(declared: Model, found: Model) -> None:
    """Assert that both have the same objects, which differ in the spelling of expressions alone."""
    changes = diff(found, declared)
    assert (changes.created, changes.dropped, changes.renamed) == ((), (), ())
    for each in changes.altered:
        assert set(respelled(each.old, each.new)) == each.changed, each


async def test_the_applications_migrations_make_the_applications_schema(sql: Neon) -> None:
    for migration in read_folder(ROOT / "migrations"):
        await sql.run_all([Statement(text) for text in migration.statements])
    found = await model_from_catalog(sql)
    declared = model_from_folder(ROOT / "schema")
    assert found.unmanaged == ()
    assert len(found) == len(declared)
    _only_respelled(declared, found)


def _everything() -> Model:
    """Return a schema with every property that the kinds manage, as SQLAlchemy declares it."""
    metadata = sa.MetaData()
    owner = sa.Table(
        "owner",
        metadata,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("a", sa.Integer),
        sa.Column("b", sa.Integer),
        sa.UniqueConstraint("a", "b", name="ab"),
        schema="Odd \" 'näme",
    )
    table = sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("x", sa.Integer, nullable=False, server_default=sa.text("1 % 7")),
        sa.Column("y", sa.Integer),
        sa.Column("note", sa.String(20, collation="C"), server_default="a'b\\c %"),
        sa.Column("at", pg.TIMESTAMP(timezone=True, precision=3), server_default=sa.func.now()),
        sa.Column("tags", sa.ARRAY(sa.Text), server_default=sa.text("'{}'")),
        sa.Column("data", pg.JSONB),
        sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("owner_id", sa.String(32), sa.ForeignKey(owner.c.id, ondelete="CASCADE", onupdate="SET NULL")),
        sa.ForeignKeyConstraint(
            ["x", "y"],
            [owner.c.a, owner.c.b],
            name="both",
            match="FULL",
            ondelete="SET NULL (y)",
            deferrable=True,
            initially="DEFERRED",
            postgresql_not_valid=True,
        ),
        sa.UniqueConstraint("x", name="ux", deferrable=True, initially="DEFERRED", postgresql_include=["y"]),
        sa.UniqueConstraint("y", name="uy", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("note not in ('a', 'b%', 'c\\:d')", name="listed", postgresql_not_valid=True),
    )
    sa.CheckConstraint(table.c.note.not_like("50%\\_%"), name="liked")
    sa.Index("by_y", table.c.y.desc().nulls_last(), table.c.x.nulls_first(), postgresql_include=["note"])
    sa.Index("by_note", sa.func.lower(table.c.note).desc(), unique=True, postgresql_where=table.c.x > 5)
    sa.Index("by_text", table.c.note, postgresql_ops={"note": "text_pattern_ops"}, postgresql_with={"fillfactor": 70})
    sa.Index("by_data", table.c.data, postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"})
    sa.Index("by_collation", table.c.note.collate("POSIX"), table.c.tags)
    return model_from_tables(metadata.tables.values())


async def test_everything_that_sqlalchemy_declares_comes_back_from_the_catalog(sql: Neon) -> None:
    declared = _everything()
    found = await _apply(sql, declared)
    assert found.unmanaged == ()
    _only_respelled(declared, found)


async def test_texts_mean_in_postgres_what_they_mean_in_python(sql: Neon) -> None:
    await _apply(sql, _everything())
    await sql("""insert into "Odd "" 'näme".owner (id, a, b) values ('o', 1, 2)""")
    assert await sql("insert into t (id, y) values ('1', 2) returning note, x").one() == ("a'b\\c %", 1)


@pytest.mark.parametrize(
    "written",
    """int2 int int8 real float8 numeric numeric(5) numeric(5,2) numeric(3,-1) text varchar varchar(3) char char(3) name
    bool date time timetz time(2) timestamp timestamptz timestamptz(3) interval interval(2) uuid json jsonb bytea inet
    cidr macaddr macaddr8 bit bit(3) varbit varbit(3) money oid point int4range tstzrange int4multirange tsvector xml
    int[] varchar(3)[] numeric(5,2)[] timestamptz(3)[] pg_lsn xid8 jsonpath regclass box""".split(),  # noqa: SIM905 - fifty literals read worse
)
async def test_types_are_spelled_as_postgres_spells_them(sql: Neon, written: str) -> None:
    await sql(f"create table t (a {written})")
    (column,) = (await model_from_catalog(sql)).all(Column)
    assert canonical_type(written) == column.type
    assert canonical_type(short_type(column.type)) == column.type
    await sql(f"create table u (a {short_type(column.type)})")


class Counting(Database):
    """A database that counts its requests and remembers the options of the last."""

    def __init__(self, database: Database) -> None:
        self.database, self.requests, self.options = database, 0, DEFAULT

    async def run(self, statement: Statement) -> Result[Cells]:
        raise AssertionError("a schema is read in one batch")

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        self.requests, self.options = self.requests + 1, options
        return await self.database.run_all(statements, options)


async def test_a_database_is_read_in_one_read_only_request_whatever_its_size(sql: Neon) -> None:
    metadata = sa.MetaData()
    for number in range(150):
        sa.Table(
            f"t{number}", metadata, sa.Column("id", sa.Text, primary_key=True), sa.Column("a", sa.Text, index=True)
        )
    declared = model_from_tables(metadata.tables.values())
    await _apply(sql, declared)
    counting = Counting(sql)
    assert await model_from_catalog(counting) == declared
    assert counting.requests == 1
    assert counting.options.read_only is True


async def test_our_own_namespace_and_postgres_own_are_not_looked_into(sql: Neon) -> None:
    await sql.run_all([Statement("create schema sendoka"), Statement("create table sendoka.facts (a int)")])
    assert len(await model_from_catalog(sql)) == 0


PARTS = "create table a (x int) partition by list (x); create table b partition of a default"

GUARD = "create trigger g before insert on a for each row execute function suppress_redundant_updates_trigger()"

UNMANAGED: list[tuple[str, str]] = [
    ("create operator @+@ (leftarg = text, rightarg = int, function = repeat)", "operator public.@+@(text, integer)"),
    ("create conversion c for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8", "conversion public.c"),
    ("create text search configuration c (copy = simple)", "text search configuration public.c"),
    ("create text search dictionary d (template = simple)", "text search dictionary public.d"),
    ("create publication p", "publication p"),
    ("create type r2 as (a int); create cast (r2 as text) with inout", "cast public.r2 as text"),
    (
        "create table a (x int default 1); create table b () inherits (a); alter table b alter x set default 2",
        "column public.b.x is inherited, and differs",
    ),
    ("create type r as range (subtype = int)", "range type public.r"),
    ("comment on schema public is 'ours'", "namespace public has a comment"),
    (f"{PARTS}; comment on column b.x is 'x'", "column public.b.x is inherited, and differs"),
    (
        f"{PARTS}; create index on a (x); comment on index b_x_idx is 'x'",
        "index public.b_x_idx is inherited, and has options or a comment of its own",
    ),
    (
        f"{PARTS}; {GUARD}; alter table b disable trigger g",
        "trigger public.b.g is inherited, and fires otherwise",
    ),
    (
        "create table t (a int unique); comment on index t_a_key is 'x'",
        "index public.t_a_key has a comment, and its constraint may have one",
    ),
]


@pytest.mark.parametrize(("text", "named"), UNMANAGED)
async def test_what_no_kind_manages_is_named(sql: Neon, text: str, named: str) -> None:
    await sql.run_all([Statement(part) for part in text.split("; ")])
    assert named in (await model_from_catalog(sql)).unmanaged


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeType(Object):
    """An object of a kind that this test alone knows."""

    kind = "range-type"


class RangeTypeKind(NamespaceKind):
    """A toy: its one file states what it claims, and no other kind is edited."""

    name = "range-type"
    rank = 5
    holds = RangeType  # type: ignore[assignment]  # a toy: it is only read
    claims = ("type:r",)
    catalog = """
        select n.nspname as namespace, t.typname as name
          from pg_type t join namespaces n on n.oid = t.typnamespace where t.typtype = 'r'"""


async def test_a_new_kind_takes_what_it_claims_away_from_the_unmanaged(sql: Neon) -> None:
    await sql.run_all(
        [
            Statement("create text search dictionary c (template = simple)"),
            Statement("create type r as range (subtype = int4)"),
        ]
    )
    assert (await model_from_catalog(sql)).unmanaged == ("range type public.r", "text search dictionary public.c")
    found = await model_from_catalog(sql, [*all_kinds(), RangeTypeKind()])
    assert found.unmanaged == ("text search dictionary public.c",)
    assert list(found) == [RangeType(name="r")]


async def test_the_composite_types_of_an_extension_are_not_looked_into(sql: Neon) -> None:
    await sql("create extension tablefunc")
    await sql("create type c as (a int)")
    assert [str(each.id) for each in await model_from_catalog(sql)] == ["extension tablefunc", "composite-type c"]


async def test_what_a_kind_does_not_claim_is_listed(sql: Neon) -> None:
    await sql("create table t (a int primary key)")
    without = [kind for kind in all_kinds() if kind.name not in {"primary-key", "table"}]
    assert {"constraint public.t.t_pkey", "table public.t"} <= set((await model_from_catalog(sql, without)).unmanaged)


@pytest.mark.parametrize("default", ["false", sa.text("false"), sa.false()])
async def test_a_boolean_default_makes_no_phantom_change(sql: Neon, default: Any) -> None:
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("a", sa.Boolean, server_default=default))
    declared = model_from_tables(metadata.tables.values())
    found = await _apply(sql, declared)
    (column,), (known,) = declared.all(Column), found.all(Column)
    assert known.default == Expression(canonical="false")
    assert column.default is not None
    both = Expression(column.default.declared, "false")
    learnt = Model.of(replace(each, default=both) if isinstance(each, Column) else each for each in found)
    assert not diff(learnt, declared)
    assert not diff(found, learnt)


async def test_an_invalid_index_is_seen_as_one(sql: Neon, direct: Any) -> None:
    await sql("create table t (a int)")
    await sql("insert into t values (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        direct.execute("create unique index concurrently i on t (a)")
    found = await model_from_catalog(sql)
    (index,) = (each for each in found if each.kind == "index")
    repaired = Model.of(replace(each, invalid=False) if each is index else each for each in found)  # type: ignore[call-arg]  # it is an Index
    texts = [step.text for step in plan(diff(found, repaired)).steps]
    assert [text.split(' "')[0] for text in texts] == ["DROP INDEX", "CREATE UNIQUE INDEX"]


async def test_canonical_texts_are_kept_and_make_declared_ones_equal(sql: Neon) -> None:
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("a", sa.Integer), sa.CheckConstraint("a>0", name="c"))
    declared = model_from_tables(metadata.tables.values())
    found = await _apply(sql, declared)
    (check,) = (each for each in found if each.kind == "check")
    both = replace(check, expression=Expression("a>0", check.expression.canonical))  # type: ignore[attr-defined,call-arg]  # it is a Check
    known = Model.of(both if each is check else each for each in found)
    assert not diff(known, declared)
    assert not diff(found, known)


async def test_a_migration_of_ones_own_is_applied_by_migrate(sql: Neon, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    (made,) = [path for path in write(custom(folder, name="own"), folder).paths if path.suffix == ".sql"]
    assert made.read_text(encoding="utf-8").count("\n") == 4
    with made.open("a", encoding="utf-8") as file:
        file.write(
            f"create function f() returns int language sql as 'select 7'\n{BREAKPOINT}\ncreate table t (a int)\n"
        )
    write(custom(folder, name="empty"), folder)
    report = await migrate(sql, folder)
    assert [each.name for each in report.applied] == ["0000_own", "0001_empty"]
    assert await sql("select f()").value() == 7
    assert len(await sql("select * from t")) == 0
