"""Domains, composite types, exclusion constraints and storage, as Python declares them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from sendoka.errors import AnswerMissing, SchemaError
from sendoka.schema import Collation, Domain, declare
from sendoka.schema.decisions import answered
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.composite_type import Attribute, CompositeType
from sendoka.schema.kinds.domain import DomainCheck
from sendoka.schema.kinds.exclusion import Exclusion
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Expression, Model
from sendoka.schema.plan import plan


def _read(*parts: Any, declared: tuple[Any, ...] = (), **options: Any) -> Model:
    metadata = sa.MetaData()
    declare(metadata, *declared)
    model = model_from_tables([sa.Table("t", metadata, *parts, **options)])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _texts(old: Model, new: Model) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in plan(diff(old, new)).steps]


EMAIL = pg.DOMAIN("email", sa.String(99), check="value like '%@%'", not_null=True, collation="C")


def test_a_domain_is_read_from_its_columns_once() -> None:
    model = _read(sa.Column("a", EMAIL), sa.Column("b", sa.ARRAY(EMAIL)))
    assert [column.type for column in model.all(Column)] == ["public.email", "public.email[]"]
    check = DomainCheck(name="email_check", expression=Expression("value like '%@%'"))
    assert model.all(Domain) == [
        Domain(name="email", type="character varying(99)", collation="C", not_null=True, checks=(check,))
    ]
    assert _texts(Model(), model)[0] == (
        "CREATE DOMAIN email AS varchar(99) COLLATE C NOT NULL CONSTRAINT email_check CHECK (value like '%@%')"
    )


def test_a_declared_collation_is_called_by_its_namespace() -> None:
    plain = Collation(name="plain", provider="icu", locale="und")
    model = _read(sa.Column("a", sa.Text(collation="plain")), sa.Column("b", sa.Text(collation="C")), declared=(plain,))
    assert [column.collation for column in model.all(Column)] == ['"public"."plain"', "C"]
    assert _texts(Model(), model) == [
        "CREATE COLLATION plain (provider = icu, locale = 'und')",
        "CREATE TABLE t (\n    a text COLLATE plain,\n    b text COLLATE C\n)",
    ]


def test_a_domain_declared_in_two_ways_is_refused() -> None:
    other = pg.DOMAIN("email", sa.Text())
    with pytest.raises(SchemaError, match="the domain email is declared in another way elsewhere"):
        _read(sa.Column("a", EMAIL), sa.Column("b", other))


def test_a_comment_may_be_declared_besides() -> None:
    plain = pg.DOMAIN("d", sa.Text())
    said = Domain(name="d", type="text", comment="any text")
    assert _read(sa.Column("a", plain), declared=(said,)).all(Domain) == [said]


def test_a_domain_of_another_type_asks_once_and_its_columns_move() -> None:
    old = _read(sa.Column("a", pg.DOMAIN("d", sa.Integer())))
    changes = diff(old, _read(sa.Column("a", pg.DOMAIN("d", sa.BigInteger()))))
    with pytest.raises(AnswerMissing) as raised:
        answered(plan(changes), changes, ())
    assert [each["answers"] for each in raised.value.questions] == [[["--allow", "change-type:d"]]]


def test_a_composite_type_is_declared_and_changed_in_place() -> None:
    def point(*names: str) -> Model:
        attributes = tuple(Attribute(name=name, type="integer") for name in names)
        return _read(sa.Column("a", sa.Text), declared=(CompositeType(name="point3", attributes=attributes),))

    assert _texts(_read(sa.Column("a", sa.Text)), point("x")) == ["CREATE TYPE point3 AS (x integer)"]
    assert _texts(point("x", "y"), point("x", "z")) == [
        "ALTER TYPE point3 DROP ATTRIBUTE y",
        "ALTER TYPE point3 ADD ATTRIBUTE z integer",
    ]
    assert _texts(point("x", "y"), point("y", "x"))[0] == "DROP TYPE point3"


def test_an_exclusion_constraint_is_read_as_sqlalchemy_writes_it() -> None:
    span = sa.Column("span", pg.INT4RANGE)
    (found,) = _read(span, pg.ExcludeConstraint((span, "&&"), where=sa.text("span <> 'empty'"))).all(Exclusion)
    assert (found.name, found.definition.declared) == (
        "t_span_excl",
        "EXCLUDE USING gist (span WITH &&) WHERE (span <> 'empty')",
    )


def test_an_unlogged_table_and_storage_parameters_are_read() -> None:
    stored = sa.Column("a", sa.Text, info={"storage": "external", "compression": "lz4"})
    model = _read(stored, prefixes=["UNLOGGED"], postgresql_with={"fillfactor": 70, "autovacuum_enabled": False})
    (table,), (column,) = model.all(Table), model.all(Column)
    assert (table.unlogged, table.options) == (True, ("autovacuum_enabled=false", "fillfactor=70"))
    assert (column.storage, column.compression) == ("external", "lz4")
