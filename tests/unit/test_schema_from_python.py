"""Reading a schema from SQLAlchemy: what each property becomes, and what is refused by name."""

from __future__ import annotations

import enum
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from sendoka.errors import SchemaError
from sendoka.schema.declarations import EXTRAS, Declarations
from sendoka.schema.from_python import model_from, model_from_tables
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.index import Index, IndexKey
from sendoka.schema.kinds.namespace import Namespace, NamespaceKind
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.unique import Unique
from sendoka.schema.model import Expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model


def _read(*parts: Any, name: str = "t", **options: Any) -> Model:
    metadata = sa.MetaData()
    sa.Table("p", metadata, sa.Column("id", sa.String(32), primary_key=True), sa.Column("n", sa.Integer, unique=True))
    sa.Table(name, metadata, *parts, **options)
    return model_from_tables(metadata.tables.values())


def _a(*more: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column("a", *(more or (sa.Integer,)), **options)


# ------------------------------------------------------------------ columns


@pytest.mark.parametrize(
    ("declared", "canonical"),
    [
        (sa.Integer(), "integer"),
        (sa.BigInteger(), "bigint"),
        (sa.SmallInteger(), "smallint"),
        (sa.String(32), "character varying(32)"),
        (sa.String(), "character varying"),
        (sa.Text(), "text"),
        (sa.CHAR(3), "character(3)"),
        (sa.CHAR(), "character(1)"),
        (sa.Boolean(), "boolean"),
        (sa.DateTime(), "timestamp without time zone"),
        (sa.DateTime(timezone=True), "timestamp with time zone"),
        (pg.TIMESTAMP(timezone=True, precision=3), "timestamp(3) with time zone"),
        (pg.TIME(precision=0), "time(0) without time zone"),
        (sa.Time(timezone=True), "time with time zone"),
        (sa.Date(), "date"),
        (sa.Interval(), "interval"),
        (pg.INTERVAL(precision=3), "interval(3)"),
        (pg.INTERVAL(fields="YEAR TO MONTH"), "interval year to month"),
        (sa.Numeric(), "numeric"),
        (sa.Numeric(10, 2), "numeric(10,2)"),
        (sa.Numeric(10), "numeric(10,0)"),
        (sa.Float(), "double precision"),
        (sa.Float(24), "real"),
        (sa.Float(53), "double precision"),
        (sa.Double(), "double precision"),
        (sa.REAL(), "real"),
        (sa.LargeBinary(), "bytea"),
        (sa.PickleType(), "bytea"),
        (sa.Uuid(), "uuid"),
        (sa.JSON(), "json"),
        (pg.JSONB(), "jsonb"),
        (pg.INET(), "inet"),
        (pg.BIT(), "bit(1)"),
        (pg.BIT(8), "bit(8)"),
        (pg.BIT(8, varying=True), "bit varying(8)"),
        (pg.TSVECTOR(), "tsvector"),
        (pg.TSTZRANGE(), "tstzrange"),
        (pg.OID(), "oid"),
        (sa.ARRAY(sa.Text()), "text[]"),
        (sa.ARRAY(sa.Integer(), dimensions=2), "integer[]"),
        (sa.ARRAY(sa.Numeric(8, 2)), "numeric(8,2)[]"),
        (sa.Enum("a", "b", native_enum=False, length=9), "character varying(9)"),
    ],
    ids=str,
)
def test_a_type_is_spelled_as_postgres_spells_it(declared: Any, canonical: str) -> None:
    (column,) = (each for each in _read(_a(declared)).all(Column) if each.table == "t")
    assert column == Column(name="a", table="t", type=canonical)


@pytest.mark.parametrize(
    ("default", "text"),
    [
        ("x", "'x'"),
        ("it's", "'it''s'"),
        ("a\\b", "E'a\\\\b'"),
        ("100%", "'100%'"),
        (sa.text("100 % 7"), "100 % 7"),
        (sa.func.now(), "now()"),
        (sa.text("'{}'"), "'{}'"),
        (sa.text("'a\\:b'"), "'a:b'"),
        (sa.literal(5), "5"),
        (sa.false(), "false"),
        (sa.literal("it's \\ % x"), "'it''s \\ % x'"),
    ],
)
def test_a_default_is_the_text_that_sql_needs(default: Any, text: str) -> None:
    model = _read(_a(sa.Text, server_default=default))
    assert model.all(Column)[-1].default == Expression(declared=text)


def test_collation_and_not_null_are_read_and_client_side_defaults_are_not_sql() -> None:
    model = _read(_a(sa.String(9, collation="C"), nullable=False, default="x", onupdate="y"))
    assert model.all(Column)[-1] == Column(
        name="a", table="t", type="character varying(9)", collation="C", not_null=True
    )


# ------------------------------------------------------------------ constraints and indexes


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([_a(primary_key=True, autoincrement=False)], PrimaryKey(name="t_pkey", table="t", columns=("a",))),
        (
            [
                _a(),
                sa.Column("b", sa.Integer),
                sa.Column("c", sa.Integer),
                sa.PrimaryKeyConstraint("b", "a", name="k", postgresql_include=["c"]),
            ],
            PrimaryKey(name="k", table="t", columns=("b", "a"), include=("c",)),
        ),
        ([_a(unique=True)], Unique(name="t_a_key", table="t", columns=("a",))),
        (
            [_a(), sa.UniqueConstraint("a", deferrable=True, initially="deferred", postgresql_nulls_not_distinct=True)],
            Unique(
                name="t_a_key",
                table="t",
                columns=("a",),
                deferrable=True,
                initially_deferred=True,
                nulls_not_distinct=True,
            ),
        ),
        (
            [_a(), sa.CheckConstraint("a > 0")],
            Check(name="t_a_check", table="t", expression=Expression(declared="a > 0")),
        ),
        (
            [_a(), sa.CheckConstraint("true", name="c", postgresql_not_valid=True)],
            Check(name="c", table="t", expression=Expression(declared="true"), not_valid=True),
        ),
        (
            [_a(sa.String(32), sa.ForeignKey("p.id"))],
            ForeignKey(name="t_a_fkey", table="t", columns=("a",), target="p", target_columns=("id",)),
        ),
        (
            [
                _a(),
                sa.ForeignKeyConstraint(
                    ["a"],
                    ["p.n"],
                    name="f",
                    ondelete="set null (a)",
                    onupdate="CASCADE",
                    match="full",
                    deferrable=True,
                    initially="IMMEDIATE",
                    postgresql_not_valid=True,
                ),
            ],
            ForeignKey(
                name="f",
                table="t",
                columns=("a",),
                target="p",
                target_columns=("n",),
                on_delete="SET NULL",
                set_columns=("a",),
                on_update="CASCADE",
                match="FULL",
                deferrable=True,
                not_valid=True,
            ),
        ),
        ([_a(), sa.Index("i", "a")], Index(name="i", table="t", keys=(IndexKey(column="a"),))),
        (
            [
                _a(sa.Text),
                sa.Column("b", sa.Text),
                sa.Index(
                    "i",
                    sa.text("a desc nulls last"),
                    sa.text("lower(b)"),
                    unique=True,
                    postgresql_include=["b"],
                    postgresql_where=sa.text("b <> ''"),
                    postgresql_with={"fillfactor": 70},
                    postgresql_nulls_not_distinct=True,
                ),
            ],
            Index(
                name="i",
                table="t",
                keys=(
                    IndexKey(column="a", descending=True, nulls="last"),
                    IndexKey(expression=Expression(declared="lower(b)")),
                ),
                unique=True,
                nulls_not_distinct=True,
                include=("b",),
                predicate=Expression(declared="b <> ''"),
                options=("fillfactor=70",),
            ),
        ),
        (
            [_a(pg.JSONB), sa.Index("i", "a", postgresql_using="GIN", postgresql_ops={"a": "jsonb_path_ops"})],
            Index(name="i", table="t", keys=(IndexKey(column="a", operator_class="jsonb_path_ops"),), method="gin"),
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_a_constraint_or_index_is_read_with_all_its_properties(parts: list[Any], expected: Any) -> None:
    assert _read(*parts).objects[expected.id] == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (lambda column: column.asc(), IndexKey(column="a")),
        (lambda column: column.asc().nulls_last(), IndexKey(column="a")),
        (lambda column: column.nulls_first(), IndexKey(column="a", nulls="first")),
        (lambda column: column.desc(), IndexKey(column="a", descending=True)),
        (lambda column: column.desc().nulls_first(), IndexKey(column="a", descending=True)),
        (lambda column: column.desc().nulls_last(), IndexKey(column="a", descending=True, nulls="last")),
        (lambda column: column.collate("C").desc(), IndexKey(column="a", collation="C", descending=True)),
        (
            lambda column: sa.func.lower(column).desc(),
            IndexKey(expression=Expression(declared="lower(a)"), descending=True),
        ),
        (lambda column: column + 1, IndexKey(expression=Expression(declared="a + 1"))),
    ],
)
def test_the_order_of_a_key_is_read_and_the_usual_one_left_out(order: Any, expected: IndexKey) -> None:
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, _a(sa.Text if "lower" in str(expected) or expected.collation else sa.Integer))
    sa.Index("i", order(table.c.a))
    assert model_from_tables([table]).all(Index)[0].keys == (expected,)


def test_a_named_namespace_is_an_object_and_public_is_not() -> None:
    metadata = sa.MetaData()
    sa.Table("one", metadata, _a(), schema="billing")
    sa.Table("two", metadata, _a(), schema="public")
    sa.Table("three", metadata, _a())
    model = model_from_tables(metadata.tables.values())
    assert model.all(Namespace) == [Namespace(name="billing")]
    assert model.all(Table) == [Table(name="one", namespace="billing"), Table(name="two"), Table(name="three")]


def test_names_left_out_are_the_ones_postgres_would_give_cut_as_it_cuts_them() -> None:
    long = "t" * 40
    column = "c" * 40
    model = _read(sa.Column(column, sa.Integer, unique=True), name=long)
    assert [each.name for each in model.all(Unique) if each.table == long] == [f"{'t' * 29}_{'c' * 29}_key"]


# ------------------------------------------------------------------ what is refused


class Mood(enum.Enum):
    """Any enum."""

    GOOD = 1


@pytest.mark.parametrize(
    ("parts", "options", "what"),
    [
        ([_a(pg.HSTORE())], {}, "the type public.hstore is neither built in nor declared"),
        ([_a(sa.ARRAY(pg.CITEXT()))], {}, "the type public.citext[] is neither built in nor declared"),
        ([_a(sa.types.NullType())], {}, "cannot be written for Postgres"),
        ([_a(server_default=sa.FetchedValue())], {}, "the default FetchedValue is not managed yet"),
        ([_a()], {"prefixes": ["TEMPORARY"]}, "the prefix TEMPORARY is not managed yet"),
        ([_a(info={"storage": "outside"})], {}, "storage='outside' is none of plain, external, main, extended"),
        ([_a(info={"compression": "zip"})], {}, "compression='zip' is none of pglz, lz4"),
        ([_a(system=True)], {}, "a system column is not managed yet"),
        ([_a()], {"postgresql_tablespace": "x"}, "postgresql_tablespace is not managed yet"),
        ([_a(), sa.CheckConstraint("a > 0").ddl_if("postgresql")], {}, "ddl_if() is not managed yet"),
        ([_a(), sa.Index("i", "a", postgresql_concurrently=True)], {}, "postgresql_concurrently is not managed"),
        ([_a(), sa.Index("i", "a", postgresql_tablespace="x")], {}, "postgresql_tablespace is not managed yet"),
        ([_a(), sa.Index("i", "a").ddl_if("postgresql")], {}, "ddl_if() is not managed yet"),
        ([_a(), sa.CheckConstraint("a > 0", deferrable=True)], {}, "a check cannot be deferred"),
        ([_a(), sa.CheckConstraint("  ")], {}, "an expression is empty"),
        ([_a(sa.String(32), sa.ForeignKey("gone.id"))], {}, "t.a points at gone.id, which is not declared"),
        (
            [_a(sa.String(32), sa.ForeignKey("p.gone"))],
            {},
            "t.a points at p.gone, which is not declared\nin table t\ndid you mean p.n?",
        ),
        ([_a(sa.String(32), sa.ForeignKey("p.id", ondelete="vanish"))], {}, "'vanish' is no action"),
        ([_a()], {"name": "t" * 64}, "has 64 bytes, and Postgres would cut it at 63"),
        ([sa.Column("é" * 32, sa.Integer)], {}, "has 64 bytes"),
        ([_a(), sa.CheckConstraint("a > 0", name="c" * 64)], {}, "has 64 bytes"),
        ([_a()], {"name": "a\0b"}, "cannot be the name of a table"),
        ([_a()], {"schema": "sendoka"}, "the namespace sendoka is not yours"),
        ([_a()], {"schema": "pg_temp"}, "the namespace pg_temp is not yours"),
    ],
)
def test_what_is_not_managed_is_refused_by_name(parts: list[Any], options: dict[str, Any], what: str) -> None:
    with pytest.raises(SchemaError) as raised:
        _read(*parts, **options)
    assert what in str(raised.value)
    assert raised.value.exit_code == 2


def test_two_tables_of_one_name_in_two_metadata_are_refused() -> None:
    tables = [sa.Table("t", sa.MetaData(), _a()) for _ in range(2)]
    with pytest.raises(SchemaError, match="two of one name: table t"):
        model_from_tables(tables)


# ------------------------------------------------------------------ references and extras


@pytest.mark.parametrize(
    ("target", "todo"),
    [("taskz.id", "did you mean tasks.id?"), ("tasks.ident", "did you mean tasks.id?"), ("nowhere.x", "")],
)
def test_a_foreign_key_to_nothing_says_who_points_where(target: str, todo: str) -> None:
    metadata = sa.MetaData()
    sa.Table("tasks", metadata, sa.Column("id", sa.Text, primary_key=True))
    sa.Table("things", metadata, sa.Column("task_id", sa.ForeignKey(target)))
    with pytest.raises(SchemaError) as raised:
        model_from_tables(metadata.tables.values())
    assert (raised.value.what, raised.value.todo) == (
        f"things.task_id points at {target}, which is not declared",
        todo,
    )


def test_a_foreign_key_into_another_metadata_is_told_so() -> None:
    one, other = sa.MetaData(), sa.MetaData()
    tables = [sa.Table("t", one, _a(sa.Integer, sa.ForeignKey("u.a"))), sa.Table("u", other, _a())]
    with pytest.raises(SchemaError, match="it is declared in another MetaData"):
        model_from_tables(tables)


class Feeling:
    """What a toy kind reads."""


class FeelingKind(NamespaceKind):
    """A kind that reads extras: it stands in for what SQLAlchemy has no class for."""

    reads = (Feeling, sa.Constraint)

    def declared(self, declarations: Declarations) -> Iterator[Namespace]:
        """Yield a namespace for each mood."""
        return (Namespace(name="moody") for each in declarations.extras if isinstance(each, Feeling))


def test_an_extra_reaches_the_kind_that_reads_it_and_is_refused_where_none_does() -> None:
    metadata = sa.MetaData(info={EXTRAS: [Feeling()]})
    declarations = Declarations.of([sa.Table("t", metadata, _a())])
    assert declarations.metadata == (metadata,)
    assert list(model_from(declarations, [FeelingKind()])) == [Namespace(name="moody")]
    with pytest.raises(SchemaError, match=r"Feeling .* is not managed yet"):
        model_from(declarations)


@pytest.mark.parametrize("missing", ["sqlalchemy", "pydantic"])
def test_without_the_extras_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None\nimport sendoka.schema"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"SettingsError: a schema needs a package that is not installed: {missing}" in ran.stderr
    assert ran.stderr.rstrip().endswith('pip install "sendoka[schema]"')
