"""What a schema in Python says besides tables: comments, and objects that no table has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from sendoka.errors import SchemaError
from sendoka.schema import Exclusion, Expression, Namespace, declare, extension, sql_type
from sendoka.schema.declarations import Declarations
from sendoka.schema.from_python import model_from, model_from_folder, model_from_tables
from sendoka.schema.kinds.check import Check
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.index import Index, IndexKey
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.table import Table
from sendoka.schema.kinds.unique import Unique
from sendoka.schema.model import Id, Model

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.schema.model import Member, Object


def _read(*parts: Any, **options: Any) -> Model:
    metadata = sa.MetaData()
    sa.Table("p", metadata, sa.Column("id", sa.String(32), primary_key=True))
    return model_from_tables([*metadata.tables.values(), sa.Table("t", metadata, *parts, **options)])


def test_comments_are_read_wherever_they_are_said() -> None:
    model = _read(
        sa.Column("a", sa.Integer, sa.ForeignKey("p.id", name="f", comment="a pointer"), comment="a column"),
        sa.PrimaryKeyConstraint("a", name="k", comment="a key"),
        sa.UniqueConstraint("a", name="u", comment="a unique"),
        sa.CheckConstraint("a > 0", name="c", comment="a check"),
        sa.Index("i", "a", info={"comment": "an index"}),
        comment="a table",
    )
    said = {str(each.id): each.comment for each in model if each.comment is not None}
    assert said == {
        "table t": "a table",
        "column t.a": "a column",
        "primary-key t.k": "a key",
        "unique t.u": "a unique",
        "check t.c": "a check",
        "index t.i": "an index",
        "foreign-key t.f": "a pointer",
    }


def test_an_empty_comment_is_none() -> None:
    assert all(each.comment is None for each in _read(sa.Column("a", sa.Integer, comment=""), comment=""))


@pytest.mark.parametrize("comment", ["a\0b", 7])
def test_a_comment_that_postgres_cannot_keep_is_refused(comment: Any) -> None:
    with pytest.raises(SchemaError, match="cannot be a comment"):
        _read(sa.Column("a", sa.Integer), comment=comment)


def test_a_namespace_may_be_declared_with_its_comment_or_for_itself() -> None:
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("a", sa.Integer), schema="billing")
    declare(metadata, Namespace(name="billing", comment="money"), Namespace(name="archive"))
    model = model_from_tables([table])
    assert model.objects[Id("namespace", "", "", "billing")].comment == "money"
    assert Id("namespace", "", "", "archive") in model


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["public"], "the namespace public is always there"),
        (["sendoka"], "the namespace sendoka is not yours"),
        (["pg_more"], "the namespace pg_more is not yours"),
        (["a", "a"], "two of one name: namespace a"),
        (["a" * 64], "64 bytes"),
    ],
)
def test_a_namespace_that_cannot_be_is_refused(names: list[str], said: str) -> None:
    metadata = sa.MetaData()
    declare(metadata, *(Namespace(name=name) for name in names))
    with pytest.raises(SchemaError, match=said):
        model_from(Declarations((), (metadata,), tuple(metadata.info["sendoka"])))


def test_only_objects_of_a_schema_can_be_declared() -> None:
    with pytest.raises(TypeError, match="not 'billing'"):
        declare(sa.MetaData(), "billing")  # type: ignore[arg-type]


def test_what_is_declared_counts_also_where_a_folder_has_no_table(tmp_path: Path) -> None:
    text = "from sqlalchemy import MetaData\nfrom sendoka.schema import declare, view\nmetadata = MetaData()\n"
    (tmp_path / "__init__.py").write_text(text + 'declare(metadata, view("one", "select 1"))\n', encoding="utf-8")
    assert [str(key) for key in model_from_folder(tmp_path).objects] == ["view one"]


PARTS: list[Object] = [
    Table(name="a.b", row_security=False, forced_row_security=True),
    Column(name="z", table="a.b", type="integer", not_null=True),
    Column(name="a", table="a.b", type="public.vector(3)"),
    PrimaryKey(name="pk", table="a.b", columns=("z",)),
    Unique(name="u", table="a.b", columns=("a",)),
    Check(name="c", table="a.b", expression=Expression("z > 0"), no_inherit=True),
    Exclusion(name="x", table="a.b", definition=Expression("EXCLUDE USING gist (z WITH =)")),
    Index(name="i", table="a.b", keys=(IndexKey(column="z", collation="C"),)),
    ForeignKey(name="f", table="a.b", columns=("z",), target="a.b", target_columns=("z",)),
]


def test_every_object_can_be_declared_as_it_is() -> None:
    metadata = sa.MetaData()
    declare(metadata, *PARTS)
    assert list(model_from(Declarations.of([], [metadata]))) == PARTS


@pytest.mark.parametrize("part", PARTS[1:], ids=lambda part: str(part.kind))
def test_a_part_of_nothing_is_refused(part: Member) -> None:
    metadata = sa.MetaData()
    declare(metadata, replace(part, table="nothing"))
    with pytest.raises(SchemaError, match=r"stands on public.nothing, which is not declared"):
        model_from(Declarations.of([], [metadata]))


@pytest.mark.parametrize(
    ("declared", "canonical"),
    [
        (sql_type("point"), "point"),
        (sql_type(" VARCHAR( 3 ) "), "character varying(3)"),
        (sql_type('"char"'), '"char"'),
        (sql_type("Vector(3)"), "public.vector(3)"),
        (sql_type("public.geometry(Point, 4326)"), "public.geometry(Point,4326)"),
        (sql_type('gis."Odd ""one"""[][]'), 'gis."Odd ""one"""[]'),
        (sa.ARRAY(sql_type("a.b")), "a.b[]"),
        (pg.CITEXT(), "public.citext"),
        (sa.ARRAY(pg.HSTORE()), "public.hstore[]"),
    ],
)
def test_a_type_is_named_as_sql_names_it(declared: Any, canonical: str) -> None:
    metadata = sa.MetaData()
    declare(metadata, extension("citext"), extension("hstore"))
    table = sa.Table("t", metadata, sa.Column("a", declared))
    assert [each.type for each in model_from_tables([table]).all(Column)] == [canonical]


def test_a_named_type_may_have_a_collation() -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sql_type("d", collation="C")))
    assert [(each.type, each.collation) for each in model_from_tables([table]).all(Column)] == [("public.d", "C")]


@pytest.mark.parametrize("text", ["", "a b c", "a.b.c", "a(", 'x"', "1"])
def test_what_names_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no type"):
        sql_type(text)
