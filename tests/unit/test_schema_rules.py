"""Rules about schemas: each against its own bad and good example, and the application against all."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import MetaData

import sendoka.schema
from sendoka.errors import SettingsError
from sendoka.lint import lint
from sendoka.lint.run import RULE, all_rules
from sendoka.schema.from_python import load_tables, model_from_folder, model_from_tables
from sendoka.schema.kinds.column import Column, Identity
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.index import Index
from sendoka.schema.model import Expression, Id, Model, Object

SCHEMA = Path(__file__).parent.parent.parent / "schema"

# Invariant 4 of the platform, as its pyproject.toml says it.
TENANTED = [
    "api_keys",
    "audiences",
    "contacts",
    "domains",
    "inbound_messages",
    "messages",
    "messaging_pools",
    "suppressions",
    "templates",
    "usage_counters",
    "webhook_deliveries",
    "webhook_endpoints",
]
RULES = {"tenant-column": {"tables": TENANTED}}


def _model(text: str) -> Model:
    """Return the schema of a table `widgets` with these columns, beside the tables that helpers point at."""
    names = {**vars(sqlalchemy), **vars(sendoka.schema), "metadata": MetaData(naming_convention=sendoka.schema.NAMING)}
    exec(  # noqa: S102 - the rule's own example
        "orgs = Table('orgs', metadata, primary_key('org'), created_at())\n"
        "tenants = Table('tenants', metadata, primary_key('ten'), created_at())\n"
        f"widgets = Table('widgets', metadata, {text})",
        names,
    )
    return model_from_tables(names["metadata"].tables.values())


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
@pytest.mark.parametrize("example", ["bad", "good"])
def test_a_rule_finds_its_bad_example_and_not_its_good_one(rule: Any, example: str) -> None:
    found = {
        each.id.removeprefix(RULE) for each in lint(_model(getattr(rule, example)), {rule.name: dict(rule.example)})
    }
    assert (rule.name in found) == (example == "bad")


@pytest.mark.parametrize(
    ("rule", "columns", "what"),
    [
        ("primary-key-form", 'Column("a", Integer)', "its primary key is not the column id"),
        ("primary-key-form", 'Column("a", String(32), primary_key=True)', "its primary key is not the column id"),
        ("primary-key-form", 'primary_key("a"), Column("b", Text, primary_key=True)', "not the column id"),
        ("primary-key-form", 'Column("id", String(40), primary_key=True)', "is character varying(40), not varchar"),
        (
            "primary-key-form",
            'Column("id", String(32), primary_key=True, server_default=text("gen_random_uuid()"))',
            "the database makes",
        ),
        ("created-at-form", 'primary_key("a")', "it has no created_at"),
        ("created-at-form", 'Column("created_at", Date, nullable=False)', "created_at is date"),
        ("created-at-form", 'Column("created_at", DateTime(True), server_default=func.now())', "may be null"),
        ("created-at-form", 'Column("created_at", DateTime(True), nullable=False)', "default of created_at is not now"),
        ("tenant-column", 'primary_key("a")', "it has no tenant_id"),
        ("tenant-column", 'Column("tenant_id", String(32), ForeignKey("orgs.id"))', "no foreign key to tenants"),
        (
            "tenant-column",
            'Column("tenant_id", String(32), ForeignKey("tenants.id"), nullable=False)',
            "tenant_id is not null",
        ),
        ("list-index", 'primary_key("a"), org_id(), created_at()', "a list filtered by org_id has no index"),
        (
            "list-index",
            'primary_key("a"), org_id(), created_at(), Index(None, "org_id", text("created_at desc"), "id")',
            "a list filtered by org_id has no index",
        ),
        (
            "list-index",
            'primary_key("a"), org_id(), created_at(), list_index("org_id", postgresql_where=text("true"))',
            "a list filtered by org_id has no index",
        ),
    ],
)
def test_what_breaks_an_invariant_is_found_and_the_way_out_said(rule: str, columns: str, what: str) -> None:
    settings: dict[str, Any] = {each.name: False for each in all_rules()}
    settings[rule] = {"tables": ["widgets"]} if rule == "tenant-column" else True
    (finding,) = (each for each in lint(_model(columns), settings) if each.place.startswith("widgets"))
    assert what in finding.what
    assert finding.instead
    assert str(finding).startswith("widgets")


def test_every_rule_says_what_it_is_for() -> None:
    for rule in all_rules():
        assert rule.summary.endswith(".")
        assert rule.name == rule.name.lower()


def test_the_application_passes() -> None:
    assert lint(model_from_folder(SCHEMA), RULES) == []


@cache
def _application() -> Model:
    return model_from_folder(SCHEMA)


def _columns(name: str) -> list[Column]:
    return [each for each in _application().all(Column) if each.name == name]


def _broken(*changed: Object, without: frozenset[Id] = frozenset()) -> list[tuple[str, str]]:
    """Return what is found, (rule, table), in a copy of the application with other objects, or without some."""
    objects = {**_application().objects, **{each.id: each for each in changed}}
    copy = Model.of(each for key, each in objects.items() if key not in without)
    return [(each.id.removeprefix(RULE), each.place.partition(".")[0]) for each in lint(copy, RULES)]


@pytest.mark.parametrize("column", _columns("id"), ids=lambda column: column.table)
def test_a_copy_of_the_application_with_another_key_is_found(column: Column) -> None:
    counted = replace(column, type="bigint", identity=Identity())
    for other in (counted, replace(column, type="text"), replace(column, default=Expression(declared="gen()"))):
        assert _broken(other) == [("primary-key-form", column.table)]
    key = Id("primary-key", column.namespace, column.table, f"{column.table}_pkey")
    assert _broken(without=frozenset({key})) == [("primary-key-form", column.table)]


@pytest.mark.parametrize("column", _columns("created_at"), ids=lambda column: column.table)
def test_a_copy_of_the_application_that_does_not_say_when_a_row_came_is_found(column: Column) -> None:
    elsewhere = replace(column, type="timestamp without time zone")
    for other in (elsewhere, replace(column, not_null=False), replace(column, default=None)):
        assert _broken(other) == [("created-at-form", column.table)]
    assert ("created-at-form", column.table) in _broken(without=frozenset({column.id}))


@pytest.mark.parametrize("column", _columns("tenant_id"), ids=lambda column: column.table)
def test_a_copy_of_the_application_without_its_tenants_is_found(column: Column) -> None:
    keys = [each for each in _application().all(ForeignKey) if each.table == column.table]
    (key,) = (each for each in keys if each.columns == ("tenant_id",))
    assert _broken(replace(column, not_null=True)) == [("tenant-column", column.table)]
    assert _broken(without=frozenset({key.id})) == [("tenant-column", column.table)]
    assert _broken(replace(key, target="orgs")) == [("tenant-column", column.table)]
    assert ("tenant-column", column.table) in _broken(without=frozenset({column.id}))


@pytest.mark.parametrize("column", _columns("org_id"), ids=lambda column: column.table)
def test_a_copy_of_the_application_whose_lists_have_no_index_is_found(column: Column) -> None:
    indexes = [each for each in _application().all(Index) if each.table == column.table]
    (index,) = (each for each in indexes if each.plain_columns == ("org_id", "created_at", "id"))
    assert _broken(without=frozenset({index.id})) == [("list-index", column.table)]
    first, created, last = index.keys
    turned = replace(index, keys=(first, replace(created, descending=True), last))
    assert _broken(turned) == [("list-index", column.table)]
    late = [replace(key, descending=True, nulls="last") for key in (created, last)]
    assert set(_broken(replace(index, keys=(first, *late)))) == {
        ("list-index", column.table),
        ("no-nulls-last", index.id.address.partition(".")[0]),
    }


def test_the_application_has_the_seventeen_tables_and_tenants_where_they_belong() -> None:
    tables = {table.name: table for table in load_tables(SCHEMA)}
    assert len(tables) == 17
    assert sorted(name for name, table in tables.items() if "tenant_id" in table.columns) == TENANTED


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"list-indx": True}, "there is no rule list-indx(.|\n)*did you mean list-index?"),
        ({"list-index": 1}, "takes true, false or a table"),
        ({"list-index": {"colums": []}}, "there is no option colums of the rule list-index(.|\n)*columns"),
        ({"list-index": {"columns": "org_id"}}, "must be a list of names"),
        ({"list-index": {"columns": [1]}}, "must be a list of names"),
    ],
)
def test_a_wrong_setting_is_an_error_with_the_nearest_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        lint(Model(), settings)


def test_a_rule_can_be_switched_off_and_a_table_left_alone() -> None:
    model = _model('Column("a", Integer)')
    assert any(each.id.removeprefix(RULE) == "created-at-form" for each in lint(model, {}))
    assert not any(each.id.removeprefix(RULE) == "created-at-form" for each in lint(model, {"created-at-form": False}))
    spared = {rule.name: {"except": ["widgets", "orgs", "tenants"]} for rule in all_rules()}
    assert lint(model, spared) == []


def test_a_table_that_the_settings_name_and_nobody_declared_is_found() -> None:
    (finding,) = lint(Model(), {"tenant-column": {"tables": ["gone"]}})
    assert "not declared" in finding.what
