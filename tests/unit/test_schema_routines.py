"""Functions, procedures and triggers as Python declares them: by whole statements, whose beginnings are read."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sendoka.errors import SchemaError
from sendoka.schema import Enum, declare, function, procedure, trigger
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.schema.from_snapshot import model_from_snapshot, snapshot_of
from sendoka.schema.model import Model
from sendoka.schema.plan import plan

ONE = "create function one() returns int language sql as $$ select 1 $$"


def _read(*declared: Any, default: str | None = None) -> Model:
    metadata = sa.MetaData()
    declare(metadata, *declared)
    value = None if default is None else sa.text(default)
    table = sa.Table("t", metadata, sa.Column("id", sa.Integer, server_default=value), sa.Column("a", sa.Text))
    model = model_from_tables([table])
    assert model_from_snapshot(snapshot_of(model), "snapshot") == model
    return model


def _texts(old: Model, new: Model) -> list[str]:
    return [step.text.replace('"public".', "").replace('"', "") for step in plan(diff(old, new)).steps]


@pytest.mark.parametrize(
    ("arguments", "types"),
    [
        ("", ""),
        (" ", ""),
        ("a int", "integer"),
        ("int", "integer"),
        ("a int, b varchar(9) default 'x, y', c numeric(3, 2)[] = '{}'", "integer, character varying, numeric[]"),
        ("double precision, a timestamp with time zone", "double precision, timestamp with time zone"),
        ("in a int, out b int, inout c text, variadic d int[]", "integer, text, integer[]"),
        ('mood, a mood, b other."My Mood"[]', 'public.mood, public.mood, other."My Mood"[]'),
        ('"a, b" int /* , c text */ -- , d\n', "integer"),
        ("a int default coalesce(1, (2))", "integer"),
    ],
)
def test_the_types_of_the_arguments_tell_a_function_from_its_namesakes(arguments: str, types: str) -> None:
    made = function(f"CREATE OR REPLACE FUNCTION f ({arguments}) RETURNS int LANGUAGE sql AS 'select 1';")
    assert (made.namespace, made.name) == ("public", f"f({types})")
    assert made.header.declared is not None
    assert made.header.declared.endswith(") int")
    assert made.definition.declared is not None
    assert made.definition.declared.endswith("'select 1'")


def test_names_in_quotes_and_namespaces_are_read() -> None:
    made = procedure('create procedure "My Space"."do ""it"""() language sql as $$ $$')
    assert (made.namespace, made.name, made.called) == ("My Space", 'do "it"()', 'do "it"')
    hung = trigger('create constraint trigger "G" after update of a on other."T t" execute function f()')
    assert (hung.name, hung.namespace, hung.table) == ("G", "other", "T t")


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "create function",
        "create function f",
        "create function f(a int returns int",
        "create function a.b.c() returns int",
        "create procedure f() language sql as ''",
        "create function f(a t.b%type) returns int language sql as ''",
        "drop function f()",
        "create function 'f'() returns int",
    ],
)
def test_what_makes_no_function_is_refused(statement: str) -> None:
    with pytest.raises(SchemaError):
        function(statement)


@pytest.mark.parametrize(
    "statement", ["", "create trigger g before insert", "create function f()", "create trigger g on"]
)
def test_what_makes_no_trigger_is_refused(statement: str) -> None:
    with pytest.raises(SchemaError, match="create trigger name"):
        trigger(statement)


def test_a_trigger_that_fires_in_no_known_way_is_refused() -> None:
    with pytest.raises(SchemaError, match="origin, disabled, replica, always"):
        trigger("create trigger g before insert on t execute function f()", fires="never")


def test_what_needs_a_function_comes_behind_it_and_a_function_behind_what_its_body_reads() -> None:
    declared = [
        ONE,
        "create function many() returns setof t language sql as $$ select * from t $$",
        "create function touch() returns trigger language plpgsql as $$ begin return new; end $$",
    ]
    hung = trigger("create trigger g before insert on t for each row execute function touch()", fires="always")
    made = _read(*map(function, declared), hung, default="one()")
    assert [text.split("(")[0].split(" BEFORE")[0] for text in _texts(Model(), made)] == [
        "create function one",
        "CREATE TABLE t ",
        "create function many",
        "create function touch",
        "create trigger g before insert on t for each row execute function touch",
        "ALTER TABLE t ENABLE ALWAYS TRIGGER g",
    ]


def test_a_body_is_replaced_and_a_result_is_not() -> None:
    old = _read(function(ONE), default="one()")
    body = _read(function(ONE.replace("select 1", "select 2")), default="one()")
    assert _texts(old, body) == ["CREATE OR REPLACE function one() returns int language sql as $$ select 2 $$"]
    result = _read(function(ONE.replace("returns int", "returns bigint")), default="one()")
    assert [text.partition(" language")[0] for text in _texts(old, result)] == [
        "ALTER TABLE t ALTER COLUMN id DROP DEFAULT",
        "DROP FUNCTION one()",
        "create function one() returns bigint",
        "ALTER TABLE t ALTER COLUMN id SET DEFAULT one()",
    ]


def test_an_enum_is_made_before_the_function_that_takes_it() -> None:
    made = _read(
        Enum(name="mood", values=("a",)), function("create function f(m mood) returns int language sql as 'select 1'")
    )
    assert [text[:15] for text in _texts(_read(), made)] == ["CREATE TYPE moo", "create function"]
