"""Sixty transactions for two drivers: options by what becomes of them, values of each type, and what a list may hold.

Each has a table of its own, `t`, made anew before it. A value that JSON cannot hold is written `{"$": kind, …}`, as in
the recorded vectors; `differential.mjs` reads it in its language, `python_value` in ours.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["TABLE", "TRANSACTIONS", "Written", "as_json", "python_value"]

TABLE = (
    "drop table if exists t",
    """create table t (
        id int primary key, name text, twin int, constraint twin unique (twin) deferrable initially deferred)""",
    "insert into t values (0, 'before', 0)",
    "grant all on t to public",
)

Query = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """One transaction: its queries, and its options in JavaScript's spelling."""

    name: str
    queries: list[Query]
    options: dict[str, Any] = field(default_factory=dict)


def as_json() -> list[dict[str, Any]]:
    """Return all of them as JSON can hold them."""
    return [asdict(one) for one in TRANSACTIONS]


def python_value(value: Any) -> Any:
    """Return a parameter as a Python program gives it."""
    if isinstance(value, dict) and "$" in value:
        return bytes.fromhex(value["hex"]) if value["$"] == "Buffer" else int(value["v"])
    return value


INSERT = "insert into t (id, name) values ($1, $2) returning id, name"
ONE: Query = (INSERT, [1, 'one "quoted"'])
TWO: Query = (INSERT, [2, None])
ALL: Query = ("select id, name, twin from t order by id", [])
TAKEN: Query = (INSERT, [0, "again"])

ENDS: dict[str, list[Query]] = {
    "succeeds": [ONE, TWO, ALL],
    "fails first": [TAKEN, ONE, TWO],
    "fails in the middle": [ONE, TAKEN, TWO],
    "fails last": [ONE, TWO, TAKEN],
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"isolationLevel": "ReadUncommitted"},
    {"isolationLevel": "ReadCommitted"},
    {"isolationLevel": "RepeatableRead"},
    {"isolationLevel": "Serializable"},
    {"readOnly": False},
    {"isolationLevel": "Serializable", "readOnly": False, "deferrable": True},
]
READING: list[dict[str, Any]] = [
    {"readOnly": True},
    {"isolationLevel": "Serializable", "readOnly": True, "deferrable": True},
]

# Both rows may be there until the end.
TWINS: list[Query] = [("insert into t values ($1, 'twin', 7)", [number]) for number in (1, 2)]
BOOM = (
    "do $$ begin raise exception 'boom' using errcode = 'P1234', detail = 'd', hint = 'h', column = 'c', "
    "constraint = 'k', datatype = 'y', table = 'b', schema = 's'; end $$"
)

UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
BEYOND_2_53 = {"$": "bigint", "v": "-9007199254740993"}
TOKYO = "select '2026-01-01 00:00+00'::timestamptz::text"
MOMENTS = ["2026-01-02 03:04:05.678+00", "2026-01-02 03:04:05", "2026-02-28", "23:59:59.5"]

VALUES: dict[str, Query] = {
    "ints": ("select $1::int2 as a, $2::int4 as b, $3::int8 as c", [-7, 2147483647, BEYOND_2_53]),
    "floats": ("select $1::float8 as a, $2::float4 as b, 'NaN'::float8 as c, '-Infinity'::float8 as d", [1.5, 0.25]),
    "numerics": ("select $1::numeric as a, 'NaN'::numeric as b, $2::numeric(9,2) as c", ["12345678901234567890.10", 3]),
    "booleans": ("select $1::bool as a, $2::bool as b", [True, False]),
    "nulls": ("select $1::int as a, $2::text as b, $3::int[] as c", [None, None, [None]]),
    "texts": ("select $1 as a, $2::varchar as b, $3::char(4) as c, $4::name as d", ["é😀\n\t\\", "", "ab", "n"]),
    "bytes": ("select $1::bytea as a", [{"$": "Buffer", "hex": "0001feff5c27"}]),
    "json": ("select $1::json as a, $2::jsonb as b", [{"b": 1, "a": [1, None, "x\n"]}, {"z": {"é": True}}]),
    "arrays of texts": ("select $1::text[] as a", [["a b", 'q"', "\\", "NULL", None, "", "{}", "a,b", "x\ny"]]),
    "arrays of ints": ("select $1::int[] as a, $2::int8[] as b, $3::int[] as c", [[1, None, -3], [4], []]),
    "arrays in arrays": ("select $1::int[] as a, $2::text[] as b", [[[1, 2], [3, 4]], [[["x"], [None]]]]),
    "moments": ("select $1::timestamptz as a, $2::timestamp as b, $3::date as c, $4::time as d", MOMENTS),
    "uuids": ("select $1::uuid as a, $2::uuid[] as b", [UUID, [UUID, None]]),
    "two columns of one name": ("select 1 as a, 2 as a, $1::int as b", [3]),
}  # fmt: skip

OTHERS: dict[str, list[Query]] = {
    "nothing at all": [],
    "a savepoint released": [("savepoint s", []), ONE, ("release s", []), ALL],
    "a savepoint returned to": [ONE, ("savepoint s", []), TWO, ("rollback to s", []), ALL],
    "a savepoint after an error": [ONE, ("savepoint s", []), TAKEN, ("rollback to s", []), ALL],
    "definitions": [("create table made (id int)", []), ONE, ("drop table made", []), ("select 1/0", [])],
    "settings of its own": [("set local timezone = 'Asia/Tokyo'", []), (TOKYO, [])],
    "a cursor": [("declare c cursor for select generate_series(1, 3)", []), ("fetch 2 from c", []), ("close c", [])],
    "counts": [ONE, ("update t set name = 'x'", []), ("delete from t where id < 0", []), ("delete from t", [])],
    "no rows": [("select id from t where id < 0", []), ("select from t", [])],
    "a syntax error": [ONE, ("selec 1", [])],
    "a table that is not there": [ONE, ("select * from nowhere", [])],
    "an error with every field": [ONE, (BOOM, [])],
}  # fmt: skip

TRANSACTIONS = [
    *(Written(f"{name}, {options}", ENDS[name], options) for options in OPTIONS for name in ENDS),
    *(Written(f"reads, {options}", [ALL, ("select count(*) from t", [])], options) for options in READING),
    *(Written(f"writes, {options}", [ALL, ONE], options) for options in READING),
    *(Written(f"fails at its end, {options}", TWINS, options) for options in [*OPTIONS[:1], *OPTIONS[4:5]]),
    *(Written(f"values: {name}", [ONE, query]) for name, query in VALUES.items()),
    *(Written(name, queries) for name, queries in OTHERS.items()),
]
