"""`types=`: what a client or a query says about types, and where it holds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from sendoka import Range, Types
from sendoka.database.statement import Field, Result
from sendoka.errors import DecodeError
from sendoka.http.decode import decode_rows
from sendoka.http.types.choice import BUILT_IN


def read(types: Types, oid: int, text: str | None) -> Any:
    (row,) = decode_rows(Result((Field("v", oid),), [[text]], "SELECT", 1), types)
    return row[0]


def test_a_type_is_named_by_name_sql_word_or_oid() -> None:
    for key in ("numeric", "decimal", " Numeric ", 1700):
        assert type(read(Types.of({key: float}), 1700, "1.5")) is float
    assert read(Types.of({"timestamp with time zone": str}), 1184, "2026-01-01 00:00:00+00") == "2026-01-01 00:00:00+00"
    assert read(Types.of({"char": str.lower}), 1042, "X") == "x"
    assert read(Types.of({'"char"': str.lower}), 18, "X") == "x"


def test_it_holds_in_arrays_and_ranges_of_the_type() -> None:
    types = Types.of({"numeric": float})
    assert read(types, 1231, "{1.5,NULL}") == [1.5, None]
    assert read(types, 3906, "[1.5,2.5)") == Range(1.5, 2.5)
    assert read(types, 4532, "{[1.5,2.5)}") == (Range(1.5, 2.5),)
    assert type(read(types, 3907, '{"[1.5,2.5)"}')[0].lower) is float
    assert read(Types.of({"int4range": str}), 3905, '{"[1,5)"}') == ["[1,5)"]


def test_what_is_said_about_an_array_itself_wins() -> None:
    types = Types.of({"numeric": float, "numeric[]": str})
    assert (read(types, 1231, "{1.5}"), read(types, 1700, "1.5")) == ("{1.5}", 1.5)


def test_a_type_of_yours_is_named_by_its_oid() -> None:
    assert read(BUILT_IN, 98765, "(1,2)") == "(1,2)"
    assert read(Types.of({98765: lambda text: tuple(text[1:-1].split(","))}), 98765, "(1,2)") == ("1", "2")


def test_a_reader_is_whatever_can_be_called() -> None:
    class Loud:
        __hash__ = None  # type: ignore[assignment]  # as that of a dataclass that is not frozen

        def __call__(self, text: str) -> str:
            return text.upper()

    assert read(Types.of({"text": Loud()}), 25, "a") == "A"


def test_null_is_none_and_no_function_hears_of_it() -> None:
    assert read(Types.of({"text": str.upper, "jsonb": str}), 25, None) is None
    assert read(Types.of({"jsonb": str}), 3802, None) is None


def test_more_can_be_said_later_and_nothing_changes_what_was_said() -> None:
    types = Types.of({"numeric": float})
    more = types.extended({"numeric": int, "jsonb": str})
    assert (read(types, 1700, "1"), type(read(types, 1700, "1"))) == (1.0, float)
    assert (type(read(more, 1700, "1")), read(more, 3802, "{}")) == (int, "{}")
    assert type(read(BUILT_IN, 1700, "1")) is Decimal
    assert types.extended({}) is types


def test_its_repr_names_what_was_said() -> None:
    assert repr(Types.of({"jsonb": json.loads, 98765: str})).startswith("Types.of({'jsonb': <function loads")
    assert "98765" in repr(Types.of({98765: str}))


@pytest.mark.parametrize(
    ("overrides", "cls", "says"),
    [
        ({"jsonbb": str}, ValueError, "no built-in type is called 'jsonbb'.*regtype::oid"),
        ({"jsonpath[][]": str}, ValueError, "jsonpath"),
        ({"pg_node_tree[]": str}, ValueError, "pg_node_tree"),
        ({"": str}, ValueError, "''"),
        ({0: str}, TypeError, "keyed by"),
        ({True: str}, TypeError, "keyed by"),
        ({1.5: str}, TypeError, "keyed by"),
        ({"jsonb": "json.loads"}, TypeError, "takes a function from text to a value"),
        ({"jsonb": None}, TypeError, "takes a function"),
    ],
)
def test_what_names_no_type_or_no_function_is_refused(overrides: Any, cls: type[Exception], says: str) -> None:
    with pytest.raises(cls, match=says):
        Types.of(overrides)


def test_whatever_a_function_raises_the_statement_ran() -> None:
    def fails(text: str) -> None:
        raise RuntimeError(text)

    with pytest.raises(DecodeError, match="did run") as caught:
        read(Types.of({"text": fails}), 25, "x")
    assert isinstance(caught.value.__cause__, RuntimeError)
