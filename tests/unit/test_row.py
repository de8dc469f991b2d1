"""Rows: tuples whose columns have names."""

from __future__ import annotations

import pickle

import pytest

from sendoka.http.row import row_type


def test_a_cell_is_reached_by_name_attribute_and_position() -> None:
    row = row_type(("id", "name"))((1, "x"))
    assert (row["id"], row.name, row[1], row[-1]) == (1, "x", "x", "x")
    identifier, name = row
    assert (identifier, name) == (1, "x")
    assert row[0:1] == (1,)


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
    with pytest.raises(KeyError, match="id, name"):
        row["nmae"]
    with pytest.raises(AttributeError, match="id, name"):
        _ = row.nmae


def test_a_row_survives_pickling_and_shows_itself() -> None:
    row = row_type(("id", "name"))((1, "x"))
    again = pickle.loads(pickle.dumps(row))
    assert again == row
    assert again.name == "x"
    assert repr(row) == "Row(id=1, name='x')"
