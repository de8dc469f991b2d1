"""The helpers for columns."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, ValidationError
from sqlalchemy.dialects.postgresql.base import PGDialect

from sendoka.schema import (
    NAMING,
    created_at,
    json_of,
    list_index,
    org_id,
    primary_key,
    tenant_id,
    updated_at,
)


class Config(BaseModel):
    """A model to hold."""

    color: str = "blue"
    size: int


def _table() -> sa.Table:
    metadata = sa.MetaData(naming_convention=NAMING)
    return sa.Table(
        "widgets",
        metadata,
        primary_key("wid"),
        org_id(),
        tenant_id(),
        created_at(),
        updated_at(),
        sa.Column("config", json_of(Config)),
        list_index("org_id"),
    )


def _ddl(table: sa.Table) -> str:
    metadata = table.metadata
    sa.Table("orgs", metadata, sa.Column("id", sa.String(32), primary_key=True))
    sa.Table("tenants", metadata, sa.Column("id", sa.String(32), primary_key=True))
    return str(sa.schema.CreateTable(table).compile(dialect=PGDialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy's own


def test_the_columns_are_what_they_say() -> None:
    lines = [line.strip().rstrip(",") for line in _ddl(_table()).splitlines() if line.strip()]
    assert lines[1:-1] == [
        "id VARCHAR(32) NOT NULL",
        "org_id VARCHAR(32) NOT NULL",
        "tenant_id VARCHAR(32)",
        "created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL",
        "updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL",
        "config JSONB",
        "CONSTRAINT widgets_pkey PRIMARY KEY (id)",
        "CONSTRAINT widgets_org_id_fkey FOREIGN KEY(org_id) REFERENCES orgs (id) ON DELETE CASCADE",
        "CONSTRAINT widgets_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)",
    ]


def test_a_key_is_made_by_the_client_each_time() -> None:
    default: Any = _table().c.id.default
    made = [default.arg(None) for _ in range(2)]
    assert all(re.fullmatch(r"wid_[A-Za-z0-9_-]{24}", each) for each in made)
    assert made[0] != made[1]


@pytest.mark.parametrize("prefix", ["", "toolonger", "Msg"])
def test_a_bad_prefix_is_refused_where_it_is_declared(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        primary_key(prefix)


def test_a_list_index_is_named_like_postgres_would_and_needs_a_filter() -> None:
    (index,) = _table().indexes
    assert index.name == "widgets_org_id_created_at_id_idx"
    assert [column.name for column in index.columns] == ["org_id", "created_at", "id"]
    with pytest.raises(ValueError, match="needs what the list filters by"):
        list_index()


def test_a_model_goes_in_as_json_and_comes_out_as_a_model() -> None:
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    kind = json_of(Config)
    bind, result = kind.bind_processor(dialect), kind.result_processor(dialect, None)
    assert bind is not None
    assert result is not None
    values: list[Any] = [Config(size=3), {"size": 3}]
    for value in values:
        assert json.loads(bind(value)) == {"color": "blue", "size": 3}
    assert result('{"size": 3}') == Config(size=3)
    assert bind(None) is None
    assert result(None) is None


@pytest.mark.parametrize("value", [{}, {"size": "x"}, 7, "text", [1]])
def test_what_the_model_refuses_is_refused_on_the_way_in_and_out(value: Any) -> None:
    dialect = PGDialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    kind = json_of(Config)
    for go in (
        lambda: kind.process_bind_param(value, dialect),
        lambda: kind.process_result_value(value, dialect),
    ):
        with pytest.raises(ValidationError):
            go()


@pytest.mark.parametrize("model", [dict, Config(size=1), "Config", None])
def test_json_of_takes_a_pydantic_model(model: Any) -> None:
    with pytest.raises(TypeError, match="takes a pydantic model"):
        json_of(model)


def test_a_jsonb_operator_works_on_a_typed_column() -> None:
    table = _table()
    text = str(sa.select(table.c.config["color"].astext).compile(dialect=PGDialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    assert "->>" in text
