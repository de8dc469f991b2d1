"""Partitions and inheritance, as Python declares them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sendoka.schema import declare, partition
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.kinds.table import Table
from sendoka.schema.model import Model
from sendoka.schema.plan import plan


def _read(*declared: Any, by: str | None = "RANGE (day)") -> Model:
    metadata = sa.MetaData()
    declare(metadata, *declared)
    columns: list[Any] = [sa.Column("day", sa.Date), sa.Column("a", sa.Text)]
    model = model_from_tables([sa.Table("t", metadata, *columns, postgresql_partition_by=by)])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _texts(old: Model, new: Model) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in plan(diff(old, new)).steps]


JANUARY = "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"


def test_partitions_come_after_their_table_and_may_be_parted_themselves() -> None:
    declared = [
        partition("t_2", "t_1", "DEFAULT", comment="the rest"),
        partition("t_1", "public.t", JANUARY, partition_by="LIST (a)"),
    ]
    assert _texts(Model(), _read(*declared)) == [
        "CREATE TABLE t (\n    day date,\n    a text\n) PARTITION BY RANGE (day)",
        f"CREATE TABLE t_1 PARTITION OF t {JANUARY} PARTITION BY LIST (a)",
        "CREATE TABLE t_2 PARTITION OF t_1 DEFAULT",
        "COMMENT ON TABLE t_2 IS 'the rest'",
    ]


def test_a_partition_is_added_and_dropped_by_itself_and_another_bound_keeps_its_rows() -> None:
    without, with_one = _read(), _read(partition("t_1", "t", JANUARY))
    assert _texts(without, with_one) == [f"CREATE TABLE t_1 PARTITION OF t {JANUARY}"]
    steps = plan(diff(with_one, without)).steps
    assert [hazard.flag for step in steps for hazard in step.hazards if hazard.asks] == ["drop-table:t_1"]
    longer = JANUARY.replace("02-01", "03-01")
    assert _texts(with_one, _read(partition("t_1", "t", longer))) == [
        "ALTER TABLE t DETACH PARTITION t_1",
        f"ALTER TABLE t ATTACH PARTITION t_1 {longer}",
    ]


def test_a_table_that_is_parted_in_another_way_asks_for_its_rows() -> None:
    steps = plan(diff(_read(by=None), _read())).steps
    assert [step.text.split(" ")[0] for step in steps] == ["DROP", "CREATE"]
    assert "drop-table:t" in [hazard.flag for step in steps for hazard in step.hazards if hazard.asks]


def test_a_table_may_have_the_columns_of_others() -> None:
    metadata = sa.MetaData()
    tables = [
        sa.Table("child", metadata, sa.Column("own", sa.Text), postgresql_inherits=("parent", "other.parent")),
        sa.Table("parent", metadata, sa.Column("a", sa.Text)),
        sa.Table("parent", metadata, sa.Column("b", sa.Text), schema="other"),
    ]
    model = model_from_tables(tables)
    (child,) = [table for table in model.all(Table) if table.name == "child"]
    assert child.inherits == (("public", "parent"), ("other", "parent"))
    assert _texts(Model(), model)[-1] == "CREATE TABLE child (\n    own text\n) INHERITS (parent, other.parent)"
