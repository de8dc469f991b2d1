"""Rows: tuples whose columns have names."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from sendoka.http.row import Row, row_type


def test_a_cell_is_reached_by_name_attribute_and_position() -> None:
    row = row_type(("id", "name"))((1, "x"))
    assert (row["id"], row.name, row[1], row[-1]) == (1, "x", "x", "x")
    identifier, name = row
    assert (identifier, name) == (1, "x")
    assert row[0:1] == (1,)
    assert (row[-2], row[True], row[type("Name", (str,), {})("id")]) == (1, "x", 1)


def test_a_row_reads_like_a_mapping() -> None:
    row = row_type(("id", "name"))((1, "x"))
    assert dict(row) == {"id": 1, "name": "x"}
    assert {**row} == {"id": 1, "name": "x"}
    assert (row.keys(), row.values(), list(row.items())) == (("id", "name"), (1, "x"), [("id", 1), ("name", "x")])
    assert (row.get("id"), row.get("none"), row.get("none", 7)) == (1, None, 7)


def test_rows_equal_tuples_dicts_and_rows_of_the_same_columns() -> None:
    row = row_type(("id",))((1,))
    assert row == (1,)
    assert row == {"id": 1}
    assert row == row_type(("id",))((1,))
    assert row != row_type(("other",))((1,))
    assert row != {"id": 2}
    assert len({row, row_type(("id",))((1,))}) == 1


def test_columns_called_like_methods_of_tuples_are_columns() -> None:
    row = row_type(("count", "index", "keys"))((5, 6, 7))
    assert [getattr(row, "count"), getattr(row, "index"), row["keys"]] == [5, 6, 7]  # noqa: B009 - mypy sees the tuple
    assert row.keys() == ("count", "index", "keys")


def test_two_columns_of_one_name_are_refused_by_name_and_kept_by_position() -> None:
    row = row_type(("a", "a"))((1, 2))
    assert (row[0], row[1]) == (1, 2)
    with pytest.raises(KeyError, match="several columns"):
        row["a"]
    assert row != {"a": 2}


def test_an_unknown_column_names_the_known_ones() -> None:
    row = row_type(("id", "name"))((1, "x"))
    with pytest.raises(KeyError, match="id, name") as raised:
        row["nmae"]
    assert raised.value.__context__ is None
    with pytest.raises(AttributeError, match="id, name"):
        _ = row.nmae


@pytest.mark.parametrize("key", [None, (0,), [], b"id", 0.5])
def test_a_key_that_is_neither_a_name_nor_a_position_is_refused(key: Any) -> None:
    row = row_type(("id", "name"))((1, "x"))
    with pytest.raises(TypeError, match=f"name or its position.*not by a {type(key).__name__}") as raised:
        row[key]
    assert raised.value.__context__ is None
    with pytest.raises(TypeError, match="slice indices"):
        row["a":]


def test_a_row_survives_copies_and_shows_itself() -> None:
    row = row_type(("id", "tags"))((1, ["x"]))
    for again in (copy.copy(row), copy.deepcopy(row), *(pickle.loads(pickle.dumps(row, n)) for n in range(6))):
        assert (again, type(again), again.tags) == (row, type(row), ["x"])
    assert copy.deepcopy(row).tags is not row.tags
    assert repr(row) == "Row(id=1, tags=['x'])"


def test_a_row_matches_patterns_of_tuples_and_of_attributes() -> None:
    match row_type(("id", "name"))((1, "x")):
        case Row(id=1, name=str() as name):
            assert name == "x"
        case _:
            pytest.fail("attributes")
    match row_type(("id", "name"))((1, "x")):
        case (number, "x"):
            assert number == 1
        case _:
            pytest.fail("a tuple")


def test_a_row_is_a_tuple_in_all_else() -> None:
    row = row_type(("id", "name"))((1, "x"))
    assert isinstance(row, tuple)
    assert (row[:1], type(row[:1]), row[::-1]) == ((1,), tuple, ("x", 1))
    assert ("x" in row, "name" in row) == (True, False)
    assert (len(row), bool(row), bool(row_type(())(()))) == (2, True, False)
    assert row + (2,) == (1, "x", 2)  # noqa: RUF005 - adding is what is tested
    assert row < (1, "y")
    assert hash(row) == hash((1, "x"))
    for position in (2, -3):
        with pytest.raises(IndexError):
            row[position]
    with pytest.raises(TypeError):
        row["id"] = 2
    with pytest.raises(AttributeError):
        setattr(row, "id", 2)  # noqa: B010 - mypy would say so too


@pytest.mark.parametrize("name", ["", "?column?", "a b", "é", "class", "_names", "__len__", "_position", "mro", "1"])
def test_whatever_a_column_is_called_it_is_there_by_name_and_breaks_nothing(name: str) -> None:
    row = row_type((name, "id"))((5, 7))
    assert (row[name], row["id"], row.id, len(row), dict(row)) == (5, 7, 7, 2, {name: 5, "id": 7})
    assert copy.copy(row) == row
    assert repr(row) == f"Row({name}=5, id=7)"
