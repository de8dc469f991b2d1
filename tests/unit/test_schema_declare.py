"""What a schema in Python says besides tables: comments, and objects that no table has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import Namespace, declare
from sendoka.schema.declarations import Declarations
from sendoka.schema.from_python import model_from, model_from_folder, model_from_tables
from sendoka.schema.model import Id, Model

if TYPE_CHECKING:
    from pathlib import Path


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
