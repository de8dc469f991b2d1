"""Parameters to text, text to values: one table each."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from sendoka import Json
from sendoka.database.statement import Field, Result
from sendoka.errors import DecodeError
from sendoka.http.decode import decode_rows
from sendoka.http.encode import encode, encode_all


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    __slots__ = ()


PARAMETERS: list[tuple[Any, str | None]] = [
    (None, None),
    (True, "true"),
    (False, "false"),
    (42, "42"),
    (2**70, "1180591620717411303424"),
    (1.5, "1.5"),
    (1e300, "1e+300"),
    (math.nan, "NaN"),
    (-math.inf, "-Infinity"),
    (Decimal("1.10"), "1.10"),
    (Decimal("sNaN"), "NaN"),
    ("it's", "it's"),
    (Name("x"), "x"),
    (b"\x00\xff", "\\x00ff"),
    (bytearray(b"a"), "\\x61"),
    (memoryview(b"a"), "\\x61"),
    (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "2026-01-02T03:04:05.678901+00:00"),
    (datetime(2026, 1, 2), "2026-01-02T00:00:00"),
    (date(9, 1, 2), "0009-01-02"),
    (time(3, 4, 5), "03:04:05"),
    (timedelta(days=-1, seconds=5), "-1 days +5 seconds +0 microseconds"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (Level.HIGH, "3"),
    ([], "{}"),
    ([1, None, 2], '{"1",NULL,"2"}'),
    (("a", "NULL", 'q"', "b\\", "n\nl", "{}", ""), '{"a","NULL","q\\"","b\\\\","n\nl","{}",""}'),
    ([[1, 2], [3, 4]], '{{"1","2"},{"3","4"}}'),
    ([True, b"a"], '{"true","\\\\x61"}'),
    ({"b": 1, "a": [1, "é"]}, '{"b":1,"a":[1,"é"]}'),
    (Json([1, 2]), "[1,2]"),
    (Json("x"), '"x"'),
    (Json(None), "null"),
]


@pytest.mark.parametrize(("value", "text"), PARAMETERS, ids=[repr(value)[:40] for value, _ in PARAMETERS])
def test_a_parameter_becomes_text(value: Any, text: str | None) -> None:
    assert encode(value) == text


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: None, [object()], {"a": object()}, Json(object())])
def test_what_cannot_be_sent_names_the_parameter(value: Any) -> None:
    with pytest.raises(TypeError, match=r"parameter \$2: "):
        encode_all((1, value))


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"parameter \$1: not JSON"):
        encode_all(({"a": math.nan},))


CELLS: list[tuple[int, str, Any]] = [
    (16, "t", True),
    (16, "f", False),
    (20, "9223372036854775807", 9223372036854775807),
    (21, "-1", -1),
    (23, "42", 42),
    (26, "42", 42),
    (701, "1e+300", 1e300),
    (700, "-Infinity", -math.inf),
    (1700, "1.10", Decimal("1.10")),
    (25, "", ""),
    (1043, "x", "x"),
    (17, "\\x00ff", b"\x00\xff"),
    (17, "a\\\\b\\001", b"a\\b\x01"),
    (114, '{"a": 1.5}', {"a": 1.5}),
    (3802, "null", None),
    (2950, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
    (1082, "2026-01-02", date(2026, 1, 2)),
    (1083, "03:04:05.5", time(3, 4, 5, 500000)),
    (1114, "2026-01-02 03:04:05.678901", datetime(2026, 1, 2, 3, 4, 5, 678901)),
    (1184, "2026-01-02 03:04:05+00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (1184, "2026-01-02 03:04:05.5+05:30", datetime(2026, 1, 2, 3, 4, 5, 500000, timezone(timedelta(minutes=330)))),
    (1007, "{}", []),
    (1007, "{1,NULL,2}", [1, None, 2]),
    (1007, "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
    (1007, "[0:1]={1,2}", [1, 2]),
    (1009, '{a,"NULL","q\\"","b\\\\","n\nl","{}",""," s "}', ["a", "NULL", 'q"', "b\\", "n\nl", "{}", "", " s "]),
    (1015, "{NULL}", [None]),
    (1000, "{t,f}", [True, False]),
    (1231, "{1.10,NaN}", [Decimal("1.10"), Decimal("NaN")]),
    (1001, '{"\\\\x00ff"}', [b"\x00\xff"]),
    (3807, '{"{\\"a\\": [1, 2]}","1"}', [{"a": [1, 2]}, 1]),
    (2951, "{00000000-0000-0000-0000-000000000001}", [UUID(int=1)]),
    (1185, '{"2026-01-02 03:04:05+00"}', [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)]),
    (99999, "(1,x)", "(1,x)"),
]


@pytest.mark.parametrize(("oid", "text", "value"), CELLS, ids=[f"{oid} {text}" for oid, text, _ in CELLS])
def test_a_cell_becomes_the_type_of_its_column(oid: int, text: str, value: Any) -> None:
    (row, empty) = decode_rows(Result((Field("v", oid),), [[text], [None]], "SELECT", 2))
    if isinstance(value, list) and any(isinstance(item, Decimal) and item.is_nan() for item in value):
        assert str(row[0]) == str(value)
    else:
        assert row[0] == value
        assert type(row[0]) is type(value)
    assert empty[0] is None


@pytest.mark.parametrize(("oid", "text"), [(1184, "infinity"), (1082, "0044-03-15 BC"), (1114, "12026-01-01 00:00:00")])
def test_a_cell_outside_its_type_says_so_and_that_the_statement_ran(oid: int, text: str) -> None:
    with pytest.raises(DecodeError, match=text) as caught:
        decode_rows(Result((Field("born", oid),), [["2026-01-01"], [text]], "SELECT", 2))
    assert '"born"::text' in caught.value.todo
    assert "did run" in caught.value.where


def test_rows_without_columns_are_counted() -> None:
    assert [len(row) for row in decode_rows(Result((), [[], []], "SELECT", 2))] == [0, 0]
