"""Sequences, serial, identity and generated columns, as SQLAlchemy declares them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import declare
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds._counting import Counting
from sendoka.schema.kinds.column import Column, Identity
from sendoka.schema.kinds.sequence import Sequence
from sendoka.schema.model import Expression, Model
from sendoka.schema.plan import plan


def _read(*columns: sa.Column[Any], declared: tuple[Any, ...] = (), schema: str | None = None) -> Model:
    metadata = sa.MetaData(schema=schema)
    declare(metadata, *declared)
    model = model_from_tables([sa.Table("t", metadata, *columns)])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _column(*parts: Any, **options: Any) -> Column:
    (column,) = _read(sa.Column("a", *parts, **options)).all(Column)
    return column


@pytest.mark.parametrize(
    ("of", "spelled"), [(sa.SmallInteger, "smallint"), (sa.Integer, "integer"), (sa.BigInteger, "bigint")]
)
def test_a_serial_primary_key_is_a_default_and_a_sequence_that_goes_with_it(of: Any, spelled: str) -> None:
    model = _read(sa.Column("id", of, primary_key=True), schema="Odd")
    (column,), (sequence,) = model.all(Column), model.all(Sequence)
    text = "nextval('\"Odd\".t_id_seq'::regclass)"
    assert (column.type, column.default, column.not_null) == (spelled, Expression(text, text), True)
    assert sequence == Sequence(name="t_id_seq", namespace="Odd", type=spelled, owner=("t", "id"))
    steps = [step.text.partition(" ")[0] for step in plan(diff(Model(), model)).steps]
    assert steps == ["CREATE", "CREATE", "CREATE", "ALTER"]  # namespace, sequence, table; OWNED BY


def test_no_serial_where_the_column_says_otherwise() -> None:
    for options in ({"autoincrement": False}, {"server_default": "7"}, {"default": 7}):
        assert _read(sa.Column("id", sa.Integer, primary_key=True, **options)).all(Sequence) == []


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (sa.Identity(), Identity()),
        (sa.Identity(always=True), Identity(always=True)),
        (sa.Identity(start=1, increment=1, minvalue=1, maxvalue=2**31 - 1, cache=1), Identity()),
        (sa.Identity(start=42, cycle=True), Identity(counting=Counting(start=42, cycle=True))),
        (
            sa.Identity(start=-1, increment=-1, minvalue=-9, maxvalue=-1),
            Identity(counting=Counting(increment=-1, minimum=-9)),
        ),
    ],
)
def test_an_identity_is_read_without_what_postgres_takes_by_itself(declared: Any, expected: Identity) -> None:
    column = _column(sa.Integer, declared)
    assert (column.identity, column.default, column.not_null) == (expected, None, True)


@pytest.mark.parametrize(("persisted", "virtual"), [(None, False), (True, False), (False, True)])
def test_a_generated_column_is_kept_unless_it_says_that_it_is_not(persisted: bool | None, virtual: bool) -> None:
    column = _column(sa.Integer, sa.Computed("1 + 1", persisted=persisted))
    assert (column.generated, column.virtual, column.default) == (Expression("1 + 1"), virtual, None)


def test_sequences_of_defaults_and_of_the_metadata_are_read_once() -> None:
    used = sa.Sequence("used", start=5, data_type=sa.Integer, metadata=(metadata := sa.MetaData()))
    declare(metadata, sa.Sequence("alone", schema="public"), Sequence(name="ours", comment="numbers"))
    columns = [
        sa.Column("a", sa.Integer, server_default=used.next_value()),
        sa.Column("b", sa.Integer, used, primary_key=True),
    ]
    model = model_from_tables([sa.Table("t", metadata, *columns)])
    assert [(each.name, each.type, each.counting.start) for each in model.all(Sequence)] == [
        ("alone", "bigint", None),
        ("ours", "bigint", None),
        ("used", "integer", 5),
    ]
    assert [column.default.text for column in model.all(Column) if column.default] == [
        "nextval('public.used'::regclass)"
    ]


def test_two_sequences_of_one_name_are_refused() -> None:
    with pytest.raises(SchemaError, match="the sequence s is declared twice"):
        _read(sa.Column("a", sa.Text), declared=(Sequence(name="s"), Sequence(name="s", type="integer")))


def test_a_value_that_comes_to_be_computed_asks_before_the_old_ones_go() -> None:
    old, new = _read(sa.Column("a", sa.Integer)), _read(sa.Column("a", sa.Integer, sa.Computed("1 + 1")))
    steps = plan(diff(old, new)).steps
    assert [step.text.split('"t" ')[1] for step in steps] == [
        'DROP COLUMN "a"',
        'ADD COLUMN "a" integer GENERATED ALWAYS AS (1 + 1) STORED',
    ]
    assert [hazard.flag for step in steps for hazard in step.hazards if hazard.asks] == ["drop-column:t.a"]


def test_a_formula_that_changes_asks_nothing() -> None:
    old = _read(sa.Column("a", sa.Integer, sa.Computed("1 + 1")))
    new = _read(sa.Column("a", sa.Integer, sa.Computed("1 + 2")))
    assert not [hazard for step in plan(diff(old, new)).steps for hazard in step.hazards if hazard.asks]
