"""Parameters to text, text to values: one table each, and what cannot be one or the other."""

from __future__ import annotations

import dataclasses
import enum
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from sendoka import Array, FarDate, FarDatetime, FarTime, Interval, Json, Multirange, Range, exact_json
from sendoka.database.statement import Field, Result
from sendoka.errors import DecodeError
from sendoka.http.decode import decode_rows
from sendoka.http.encode import PARAMETERS, encode, encode_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Colour(enum.Enum):
    RED = "red"


class Shade(enum.StrEnum):
    DARK = "dark"


class Level(enum.IntEnum):
    HIGH = 3


class Pair(enum.Enum):
    ONE = (1, 2)


class Name(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not what it holds"


class Metres(float):
    def __repr__(self) -> str:
        return f"Metres({float(self)})"


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __postgres__(self) -> str:
        return f"({self.x},{self.y})"


class Tags(list[str]):
    """The hook comes before what a class inherits."""

    def __postgres__(self) -> list[str]:
        return [tag.lower() for tag in self]


class Endless:
    def __postgres__(self) -> Endless:
        return self


@dataclasses.dataclass
class Plain:
    id: int
    at: datetime | None = None


@pydantic.dataclasses.dataclass
class Checked:
    id: int
    at: date


class Model(pydantic.BaseModel):
    id: int
    price: Decimal
    inner: Plain


class Struct(msgspec.Struct, rename="camel"):
    org_id: int
    key: UUID


SENT: list[tuple[Any, str | None]] = [
    (None, None),
    (True, "true"),
    (False, "false"),
    (42, "42"),
    (2**70, "1180591620717411303424"),
    (10**5000, "1" + "0" * 5000),
    (-(10**5000), "-1" + "0" * 5000),
    (1.5, "1.5"),
    (1e300, "1e+300"),
    (Metres(1.5), "1.5"),
    (math.nan, "NaN"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
    (Decimal("1.10"), "1.10"),
    (Decimal("sNaN"), "NaN"),
    (Decimal("-NaN123"), "NaN"),
    (Decimal("-Infinity"), "-Infinity"),
    (Decimal("1E+5"), "1E+5"),
    ("it's", "it's"),
    (Name("x"), "x"),
    (FarDate("0044-03-15 BC"), "0044-03-15 BC"),
    (FarDatetime("infinity"), "infinity"),
    (FarTime("24:00:00+00"), "24:00:00+00"),
    (time(3, 4, 5, tzinfo=UTC), "03:04:05+00:00"),
    (Interval(-14, 3, -1), "-14 mons +3 days -00:00:00.000001"),
    (Interval.infinity, "infinity"),
    (Interval.minus_infinity, "-infinity"),
    (ip_address("10.0.0.1"), "10.0.0.1"),
    (ip_interface("10.0.0.1/8"), "10.0.0.1/8"),
    (ip_network("2001:db8::/32"), "2001:db8::/32"),
    (Range(1, 5), '["1","5")'),
    (Range(None, 'a"\\', "()"), '(,"a\\"\\\\")'),
    (Range.nothing(), "empty"),
    (Multirange([Range(1, 2), Range(4)]), '{["1","2"),["4",)}'),
    (Shade.DARK, "dark"),
    (Point(1, 2), "(1,2)"),
    (Tags(["A"]), '{"a"}'),
    (Plain(1, datetime(2026, 1, 2)), '{"id":1,"at":"2026-01-02T00:00:00"}'),
    (Checked(1, date(2026, 1, 2)), '{"id":1,"at":"2026-01-02"}'),
    (Model(id=1, price=Decimal("1.10"), inner=Plain(2)), '{"id":1,"price":"1.10","inner":{"id":2,"at":null}}'),
    (Struct(1, UUID(int=1)), '{"orgId":1,"key":"00000000-0000-0000-0000-000000000001"}'),
    (b"\x00\xff", "\\x00ff"),
    (bytearray(b"a"), "\\x61"),
    (memoryview(b"a"), "\\x61"),
    (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "2026-01-02T03:04:05.678901+00:00"),
    (datetime(2026, 1, 2), "2026-01-02T00:00:00"),
    (date(9, 1, 2), "0009-01-02"),
    (time(3, 4, 5), "03:04:05"),
    (timedelta(days=-1, seconds=5), "+0 mons -1 days +00:00:05.000000"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (Level.HIGH, "3"),
    ([], "{}"),
    ([1, None, 2], '{"1",NULL,"2"}'),
    (("a", "NULL", 'q"', "b\\", "n\nl", "{}", ""), '{"a","NULL","q\\"","b\\\\","n\nl","{}",""}'),
    (("a", "NULL", "n\nl", "{}", "x,y", ""), '{"a","NULL","n\nl","{}","x,y",""}'),
    (['x","y', "z"], '{"x\\",\\"y","z"}'),
    ([Name("x"), "y"], '{"x","y"}'),
    (Array(["a"], [0]), '[0:0]={"a"}'),
    ([[1, 2], [3, 4]], '{{"1","2"},{"3","4"}}'),
    ([True, b"a"], '{"true","\\\\x61"}'),
    ([[], [None]], "{{},{NULL}}"),
    ([Pair.ONE, (3, 4)], '{{"1","2"},{"3","4"}}'),
    ([Tags(["A"]), Point(1, 2)], '{{"a"},"(1,2)"}'),
    ([Multirange([Range(1, 2)])], '{"{[\\"1\\",\\"2\\")}"}'),
    (Array([1, 2], [0]), '[0:1]={"1","2"}'),
    (Array([[1], [2]], [0, -5]), '[0:1][-5:-5]={{"1"},{"2"}}'),
    (Array([], [0]), "{}"),
    ({"b": 1, "a": [1, "é"]}, '{"b":1,"a":[1,"é"]}'),
    (Json([1, 2]), "[1,2]"),
    (Json("x"), '"x"'),
    (Json(None), "null"),
    (Json(Decimal("1.10")), "1.10"),
    (
        {"a": [Decimal("1E+2"), 10**5000, {1: True, None: 0.5}]},
        '{"a":[1E+2,1' + "0" * 5000 + ',{"1":true,"null":0.5}]}',
    ),
    (
        {"at": FarDate("infinity"), "c": Colour.RED, "u": UUID(int=1)},
        '{"at":"infinity","c":"red","u":"00000000-0000-0000-0000-000000000001"}',
    ),
    (
        {"m": [Plain(1), Checked(2, date(2026, 1, 2)), Json([1])]},
        '{"m":[{"id":1,"at":null},{"id":2,"at":"2026-01-02"},[1]]}',
    ),
]


@pytest.mark.parametrize(("value", "text"), SENT, ids=[f"{at} {text}"[:40] for at, (_, text) in enumerate(SENT)])
def test_a_parameter_becomes_text(value: Any, text: str | None) -> None:
    assert encode(value) == text


RING: list[Any] = []
RING.append(RING)
LOOP: dict[str, Any] = {}
LOOP["self"] = LOOP


class Waiting:
    def __await__(self) -> Iterator[None]:
        return iter(())


UNSENDABLE: list[tuple[Any, type[Exception], str]] = [
    (object(), TypeError, "type object cannot be sent.*__postgres__"),
    ({1, 2}, TypeError, "type set cannot be sent to Postgres; make a list of it"),
    (range(3), TypeError, "type range .*; make a list of it"),
    (iter([1]), TypeError, "type list_iterator .*; make a list of it"),
    (Waiting(), TypeError, "type Waiting .*; await it first"),
    (lambda: None, TypeError, "type function"),
    (Plain, TypeError, "type type"),
    ([object()], TypeError, "type object"),
    (Range(object()), TypeError, "type object"),
    ({"a": object()}, TypeError, "type object is no JSON"),
    ({"a": {1, 2}}, TypeError, "type set is no JSON"),
    ({(1, 2): 3}, TypeError, "keys must be"),
    (Json(object()), TypeError, "type object is no JSON"),
    ({"a": math.nan}, ValueError, "not JSON"),
    ({"a": Decimal("NaN")}, ValueError, "not JSON"),
    ({"a": [Decimal(1), math.inf]}, ValueError, "not JSON"),
    (LOOP, ValueError, "not JSON: Circular"),
    ({"d": Decimal(1), "loop": LOOP}, ValueError, "Circular|holds itself"),
    (RING, ValueError, "holds itself"),
    (Endless(), ValueError, "holds itself"),
    (time(3, tzinfo=ZoneInfo("Europe/Berlin")), ValueError, "no offset without its date"),
    (Array([[1]], [0]), ValueError, "2 dimensions has 1 lower bounds"),
]


@pytest.mark.parametrize(("value", "cls", "says"), UNSENDABLE, ids=[says for _, _, says in UNSENDABLE])
def test_what_cannot_be_sent_names_the_parameter(value: Any, cls: type[Exception], says: str) -> None:
    with pytest.raises(cls, match=rf"parameter \$2: .*(?:{says})"):
        encode_all((1, value))


def test_an_error_of_the_hook_is_the_cause_and_stays_a_value_error() -> None:
    class Refusing:
        def __postgres__(self) -> object:
            return Model.model_validate({})

    with pytest.raises(ValueError, match=r"parameter \$1: ") as caught:
        encode_all((Refusing(),))
    assert isinstance(caught.value.__cause__, pydantic.ValidationError)


def test_every_kind_of_parameter_is_in_the_table_above() -> None:
    sent = [type(value) for value, _ in SENT]
    for parameter in PARAMETERS:
        assert any(issubclass(cls, parameter.types) or parameter.fits(cls) for cls in sent), parameter.shown
    assert {cls for parameter in PARAMETERS for cls in parameter.types if cls not in sent} == set()


def test_addresses_of_both_versions_are_sent() -> None:
    values = (ip_address("::1"), ip_interface("::1/1"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert encode_all(values) == ("::1", "::1/1", "10.0.0.0/8", "fd00::/8")


CELLS: list[tuple[int, str, Any]] = [
    (16, "t", True),
    (16, "f", False),
    (20, "9223372036854775807", 9223372036854775807),
    (21, "-1", -1),
    (23, "42", 42),
    (26, "42", 42),
    (701, "1e+300", 1e300),
    (700, "-Infinity", -math.inf),
    (700, "6.710887e+07", 67108872.0),
    (700, "3.4028235e+38", 3.4028234663852886e38),
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
    (1007, "[0:1]={1,2}", Array([1, 2], [0])),
    (28, "4294967295", 4294967295),
    (1266, "03:04:05+05:30", time(3, 4, 5, tzinfo=timezone(timedelta(minutes=330)))),
    (1083, "24:00:00", FarTime("24:00:00")),
    (1184, "infinity", FarDatetime("infinity", aware=True)),
    (1082, "0044-03-15 BC", FarDate("0044-03-15 BC")),
    (1186, "1 mon", Interval(1)),
    (869, "10.0.0.1", ip_interface("10.0.0.1")),
    (650, "10.0.0.0/8", ip_network("10.0.0.0/8")),
    (3904, "[1,5)", Range(1, 5)),
    (4451, "{[1,2),[4,)}", Multirange([Range(1, 2), Range(4)])),
    (1020, "{(3,4),(1,2);(7,8),(5,6)}", ["(3,4),(1,2)", "(7,8),(5,6)"]),
    (22, "1 2", [1, 2]),
    (603, "(3,4),(1,2)", "(3,4),(1,2)"),
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


MISFITS = [
    (16, "yes"),
    (23, "1.5"),
    (701, "one"),
    (1700, "1,5"),
    (17, "\\x0"),
    (17, "é"),
    (114, "{"),
    (3802, "1,2"),
    (2950, "00000000-0000-0000-0000-00000000000g"),
    (2950, "0000000-00000-0000-0000-000000000001x"),
    (1082, "2026-02-30"),
    (1082, "12026-02-30"),
    (1082, "0000-01-01 BC"),
    (1083, "25:00:00"),
    (1083, "24:00:01"),
    (1266, "24:00:00+99"),
    (1114, "12026-01-01 25:00:00"),
    (1186, ""),
    (1186, "1 fortnight"),
    (1186, "@ 1 fortnight"),
    (869, "10.0.0.256"),
    (650, "10.0.0.1/8"),
    (3904, "[1,5"),
    (3904, "[a,5)"),
    (3904, "[1,2,3)"),
    (4451, "{[1,2)[3,4)}"),
    (4451, "{[1,2),}"),
    (4451, "[1,2)"),
    (1007, "1,2"),
    (1007, "{1,2"),
    (1007, "{{1},{2}"),
    (1007, "{1}}"),
    (1007, ""),
    (1007, "{1,x}"),
    (22, "1 x"),
]


@pytest.mark.parametrize(("oid", "text"), MISFITS)
def test_a_cell_outside_its_type_says_so_and_that_the_statement_ran(oid: int, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_rows(Result((Field("n", 23), Field("born", oid)), [["1", None], ["2", text]], "SELECT", 2))
    assert f"column 'born' holds a value that its Python type cannot: {text!r}" in str(caught.value)
    assert '"born"::text' in caught.value.todo
    assert "did run" in caught.value.where


@pytest.mark.parametrize("text", ["01/02/2026", "02.01.2026", "Fri Jan 02 03:04:05 2026", "02-01-2026"])
@pytest.mark.parametrize("oid", [1082, 1114, 1184])
def test_a_style_that_can_be_misread_says_what_to_set(oid: int, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_rows(Result((Field("born", oid),), [["2026-01-01"], [text]], "SELECT", 2))
    assert caught.value.todo.startswith("set datestyle to iso")


def test_a_long_cell_is_cut_and_one_that_is_no_text_is_named_by_its_type() -> None:
    with pytest.raises(DecodeError, match="x…'"):
        decode_rows(Result((Field("n", 23),), [["x" * 1000]], "SELECT", 1))
    with pytest.raises(DecodeError, match="'dict'"):
        decode_rows(Result((Field("n", 23),), [[{}]], "SELECT", 1))  # type: ignore[list-item]  # as a stranger may send


@pytest.mark.parametrize("cells", [[["1"]], [["1", "2", "3"]], [["1", "2"], ["1"]]])
def test_rows_that_do_not_fit_their_fields_are_no_rows(cells: list[list[str | None]]) -> None:
    with pytest.raises(ValueError, match="zip"):
        decode_rows(Result((Field("a", 23), Field("b", 23)), cells, "SELECT", len(cells)))


def test_rows_without_columns_are_counted() -> None:
    assert [len(row) for row in decode_rows(Result((), [[], []], "SELECT", 2))] == [0, 0]


def test_many_rows_come_in_their_order_with_nulls_in_their_places_and_leave_the_result() -> None:
    columns: list[tuple[int, Callable[[int], str]]] = [
        (23, str),
        (2950, lambda n: str(UUID(int=n))),
        (3802, lambda n: f'{{"n": {n}}}'),
        (1184, lambda n: "infinity" if n == 9001 else "2026-01-01 00:00:00+00"),
    ]
    cells = [[None if (n + at) % 5 == 0 else write(n) for at, (_, write) in enumerate(columns)] for n in range(10_000)]
    nulls = [[text is None for text in row] for row in cells]
    result = Result(tuple(Field(f"c{at}", oid) for at, (oid, _) in enumerate(columns)), cells, "SELECT", 10_000)
    rows = decode_rows(result)
    assert result.rows == []
    assert [[cell is None for cell in row] for row in rows] == nulls
    for n, row in enumerate(rows):
        assert row[0] in {n, None}
        assert row[1] in {UUID(int=n), None}
        assert row[2] in ({"n": n}, None)
    assert [n for n, row in enumerate(rows) if isinstance(row[3], FarDatetime)] == [9001]


def test_numbers_of_json_are_exact_where_that_is_asked_for() -> None:
    assert exact_json('{"a": 0.1, "b": [1e400, 18446744073709551616]}') == {
        "a": Decimal("0.1"),
        "b": [Decimal("1e400"), 2**64],
    }
    assert exact_json("1" + "0" * 5000) == 10**5000
