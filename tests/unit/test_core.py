"""SQLAlchemy's statements become text and parameters, or an error that names what is wrong; asyncpg is not needed."""

from __future__ import annotations

import enum
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    Column,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from sendoka.http.compose import compose

if TYPE_CHECKING:
    from collections.abc import Callable


class Mood(enum.Enum):
    happy = "h"


def by_others(context: Any) -> str:
    return f"{context.get_current_parameters()['name']}!"


metadata = MetaData()
orgs = Table(
    "orgs", metadata, Column("id", Integer, primary_key=True), Column("name", String), Column("mood", Enum(Mood))
)
shy = Table("shy", metadata, Column("name", String), Column("copy", String, default=by_others))


def test_parameters_stand_in_the_order_of_their_numbers() -> None:
    query = select(orgs.c.id).where(orgs.c.id.in_([7, 8]), orgs.c.name == "x").limit(5)
    made, params = compose(query, ())
    for number, value in enumerate(params, 1):
        kind = "VARCHAR" if value == "x" else "INTEGER"
        assert f"${number}::{kind}" in made
    assert sorted(params, key=str) == [5, 7, 8, "x"]


def test_a_statement_can_be_composed_again() -> None:
    query = select(orgs.c.id).where(orgs.c.id.in_([7, 8]))
    assert compose(query, ()) == compose(query, ())


def test_a_part_with_the_same_meaning_as_text_keeps_its_own_braces_and_dollars() -> None:
    assert compose(select(literal("{x} $1")), ()) == ("SELECT $1::VARCHAR AS anon_1", ("{x} $1",))


WRONG: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("an expression", lambda: compose(orgs.c.id == 5, ()), TypeError, "BinaryExpression is a part of a statement"),
    ("a column", lambda: compose(orgs.c.id, ()), TypeError, "Column is a part of a statement"),
    ("a table", lambda: compose(orgs, ()), TypeError, "Table is a part of a statement"),
    ("a positional parameter", lambda: compose(select(orgs), (1,)), TypeError, "one dict, the values of its bindparam"),
    ("two dicts", lambda: compose(select(orgs), ({}, {})), TypeError, "one dict"),
    ("many rows", lambda: compose(insert(orgs), ([{"id": 1}],)), TypeError, r"Many rows go into insert\(…\).values"),
    ("no value", lambda: compose(select(bindparam("x")), ()), ValueError, "value is required for bind parameter 'x'"),
    ("a name it has not", lambda: compose(select(orgs), ({"x": 1},)), TypeError, "takes no value named 'x'"),
    ("a column it has not", lambda: compose(insert(orgs), ({"x": 1},)), TypeError, "takes no value named 'x'"),
    ("a name for DDL", lambda: compose(CreateTable(orgs), ({"x": 1},)), TypeError, "takes no value named 'x'"),
    (
        "no such member",
        lambda: compose(insert(orgs).values(mood=5), ()),
        ValueError,
        "parameter 'mood': .*'5' is not",
    ),
    ("no value in a text", lambda: compose(text("select :x"), ()), ValueError, "bind parameter 'x'"),
    (
        "a default with context",
        lambda: compose(insert(shy).values(name="x"), ()),
        TypeError,
        "default of column 'copy' asks",
    ),
    (
        "an update with an unknown column",
        lambda: compose(update(orgs).values(x=1), ()),
        ValueError,
        "Unconsumed column",
    ),
]


@pytest.mark.parametrize(("make", "error", "says"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said(make: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


def test_neither_asyncpg_nor_sqlalchemy_is_imported_for_what_needs_it_not() -> None:
    code = """
import sys
from sendoka.http.compose import compose
assert compose("select 1", ()) == ("select 1", ())
assert not {"sendoka.http.fragments", "sqlalchemy"} & set(sys.modules)
from sendoka import fragment
assert compose(fragment("select {}", 1), ()) == ("select $1", (1,))
try:
    compose(object(), ())
except TypeError:
    pass
assert "sqlalchemy" not in sys.modules
from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import INT4RANGE, Range
assert compose(select(literal(Range(1, 2), INT4RANGE)), ())[1] == ("[1,2)",)
assert "asyncpg" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
