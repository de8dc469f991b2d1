"""The types of Postgres and what each is read as: one table, one Python type a column, never a guess by value.

OIDs and separators are those of Postgres' `pg_type.dat`, and never change between versions. Whatever is not here, types
of extensions and of users among them, is text as Postgres wrote it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.http.fast import loads_all
from sendoka.http.types.documents import read_json
from sendoka.http.types.moments import read_date, read_time, read_timestamp, read_timestamptz
from sendoka.http.types.numbers import TRUTH, read_bytes, read_float4

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Decoder = Callable[[str], Any]
    ColumnDecoder = Callable[[Sequence[str]], list[Any]]

__all__ = ["RANGES", "SCALARS", "SPELLINGS", "RangeType", "Scalar"]


# Tuples, because they are made at every start, and a dataclass takes half a millisecond to define.
class Scalar(NamedTuple):
    """A type that is no array and no range, and its array.

    `decode` reads one cell; `column`, where there is one, a whole column without NULLs, faster. `array` is 0 where
    Postgres has none. `shown` is the Python type in the documentation's words.
    """

    name: str
    oid: int
    array: int
    decode: Decoder
    shown: str
    column: ColumnDecoder | None = None
    separator: str = ","


class RangeType(NamedTuple):
    """A range type, its multirange and the arrays of both; `of` is the OID of the type of its ends."""

    name: str
    oid: int
    array: int
    multirange: str
    multirange_oid: int
    multirange_array: int
    of: int


def _each(decode: Decoder) -> ColumnDecoder:
    """Return a decoder of columns by a `decode` that is written in C."""
    return lambda cells: list(map(decode, cells))


def _integers(text: str) -> list[int]:
    return list(map(int, text.split()))


def _later(module: str, name: str) -> Callable[[Any], Any]:
    """Return a function of a module beside this one, which is imported when it is called first: most never are."""
    return _from(f"sendoka.http.types.{module}", name)


def _from(module: str, name: str) -> Callable[[Any], Any]:
    """Return a function of any module, which is imported when it is called first."""

    @cache
    def found() -> Callable[[Any], Any]:
        function: Callable[[Any], Any] = getattr(import_module(module), name)
        return function

    def call(given: Any) -> Any:
        return found()(given)

    return call


def _text(*types: tuple[str, int, int]) -> tuple[Scalar, ...]:
    return tuple(Scalar(name, oid, array, str, "`str`") for name, oid, array in types)


SCALARS: tuple[Scalar, ...] = (
    Scalar("bool", 16, 1000, TRUTH.__getitem__, "`bool`", _each(TRUTH.__getitem__)),
    Scalar("int2", 21, 1005, int, "`int`", _each(int)),
    Scalar("int4", 23, 1007, int, "`int`", _each(int)),
    Scalar("int8", 20, 1016, int, "`int`", _each(int)),
    Scalar("oid", 26, 1028, int, "`int`", _each(int)),
    Scalar("xid", 28, 1011, int, "`int`"),
    Scalar("cid", 29, 1012, int, "`int`"),
    Scalar("xid8", 5069, 271, int, "`int`"),
    Scalar("float4", 700, 1021, read_float4, "`float`"),
    Scalar("float8", 701, 1022, float, "`float`", _each(float)),
    Scalar("numeric", 1700, 1231, Decimal, "`Decimal`", _each(Decimal)),
    Scalar("bytea", 17, 1001, read_bytes, "`bytes`", _each(read_bytes)),
    Scalar("json", 114, 199, read_json, "what it holds", loads_all),
    Scalar("jsonb", 3802, 3807, read_json, "what it holds", loads_all),
    Scalar("uuid", 2950, 2951, _from("uuid", "UUID"), "`UUID`", _later("uuids", "read_uuids")),
    Scalar("date", 1082, 1182, read_date, "`date`"),
    Scalar("time", 1083, 1183, read_time, "`time`"),
    Scalar("timetz", 1266, 1270, read_time, "`time`, aware"),
    Scalar("timestamp", 1114, 1115, read_timestamp, "`datetime`", _each(datetime.fromisoformat)),
    Scalar("timestamptz", 1184, 1185, read_timestamptz, "`datetime`, aware", _each(datetime.fromisoformat)),
    Scalar("interval", 1186, 1187, _later("interval", "read_interval"), "`Interval`"),
    Scalar("inet", 869, 1041, _from("ipaddress", "ip_interface"), "`IPv4Interface`, `IPv6Interface`"),
    Scalar("cidr", 650, 651, _from("ipaddress", "ip_network"), "`IPv4Network`, `IPv6Network`"),
    Scalar("int2vector", 22, 1006, _integers, "`list[int]`"),
    Scalar("oidvector", 30, 1013, _integers, "`list[int]`"),
    *_text(
        ("text", 25, 1009), ("varchar", 1043, 1015), ("bpchar", 1042, 1014), ("name", 19, 1003), ('"char"', 18, 1002)
    ),
    *_text(("xml", 142, 143), ("bit", 1560, 1561), ("varbit", 1562, 1563), ("money", 790, 791)),
    *_text(("macaddr", 829, 1040), ("macaddr8", 774, 775), ("pg_lsn", 3220, 3221), ("tid", 27, 1010)),
    *_text(("point", 600, 1017), ("line", 628, 629), ("lseg", 601, 1018), ("path", 602, 1019)),
    *_text(("polygon", 604, 1027), ("circle", 718, 719)),
    Scalar("box", 603, 1020, str, "`str`", separator=";"),
    *_text(("tsvector", 3614, 3643), ("tsquery", 3615, 3645), ("gtsvector", 3642, 3644), ("jsonpath", 4072, 4073)),
    *_text(("regproc", 24, 1008), ("regprocedure", 2202, 2207), ("regoper", 2203, 2208), ("regoperator", 2204, 2209)),
    *_text(("regclass", 2205, 2210), ("regtype", 2206, 2211), ("regconfig", 3734, 3735), ("regdictionary", 3769, 3770)),
    *_text(("regnamespace", 4089, 4090), ("regrole", 4096, 4097), ("regcollation", 4191, 4192)),
    *_text(
        ("txid_snapshot", 2970, 2949), ("pg_snapshot", 5038, 5039), ("refcursor", 1790, 2201), ("aclitem", 1033, 1034)
    ),
    *_text(("pg_node_tree", 194, 0), ("pg_ndistinct", 3361, 0), ("pg_dependencies", 3402, 0), ("pg_mcv_list", 5017, 0)),
    *_text(("pg_brin_bloom_summary", 4600, 0), ("pg_brin_minmax_multi_summary", 4601, 0)),
)

RANGES: tuple[RangeType, ...] = (
    RangeType("int4range", 3904, 3905, "int4multirange", 4451, 6150, of=23),
    RangeType("int8range", 3926, 3927, "int8multirange", 4536, 6157, of=20),
    RangeType("numrange", 3906, 3907, "nummultirange", 4532, 6151, of=1700),
    RangeType("daterange", 3912, 3913, "datemultirange", 4535, 6155, of=1082),
    RangeType("tsrange", 3908, 3909, "tsmultirange", 4533, 6152, of=1114),
    RangeType("tstzrange", 3910, 3911, "tstzmultirange", 4534, 6153, of=1184),
)

SPELLINGS = {
    "bigint": "int8",
    "bit varying": "varbit",
    "boolean": "bool",
    "char": "bpchar",
    "character": "bpchar",
    "character varying": "varchar",
    "decimal": "numeric",
    "double precision": "float8",
    "int": "int4",
    "integer": "int4",
    "real": "float4",
    "smallint": "int2",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
"""SQL's own words for types whose name in Postgres is another."""
