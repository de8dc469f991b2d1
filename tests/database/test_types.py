"""Every built-in type through a real Postgres, in both directions, and under other styles of its text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import FarDate, FarDatetime, Interval
from sendoka.errors import DatabaseError, DecodeError
from sendoka.http.types.catalog import RANGES, SCALARS
from sendoka.http.types.choice import BUILT_IN
from sendoka.quoting import literal
from tests.fixtures.values import GOLDEN, ONE_WAY

if TYPE_CHECKING:
    import psycopg

    from sendoka import Neon

    Direct = psycopg.Connection[Any]


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, of one type all the way down, and alike where equality knows no difference."""
    return type(one) is type(other) and (repr(one) == repr(other) or one == other)


async def has_xml(sql: Neon) -> bool:
    """Tell whether the server was built with libxml; the one in a wheel was not."""
    try:
        return bool(await sql("select '<a/>'::xml is document").value())
    except DatabaseError as error:
        if error.sqlstate != "0A000":
            raise
        return False


async def test_every_text_is_read_as_its_value_and_every_value_comes_back(sql: Neon) -> None:
    golden = GOLDEN if await has_xml(sql) else [row for row in GOLDEN if row[0] != "xml"]
    texts = [f"{literal(text)}::{name} as v{at}" for at, (name, text, _) in enumerate(golden)]
    written = [f"{literal(text)}::{name}::text as v{at}" for at, (name, text, _) in enumerate(golden)]
    sent = [(name, value) for name, _, value in golden if name not in ONE_WAY]
    casts = [f"${at}::{name} as v{at}" for at, (name, _) in enumerate(sent, 1)]

    read = await sql(f"select {', '.join(texts)}").one()
    assert [
        (name, text, got) for (name, text, value), got in zip(golden, read, strict=True) if not same(got, value)
    ] == []
    back = await sql(f"select {', '.join(casts)}", *(value for _, value in sent)).one()
    assert [(name, value, got) for (name, value), got in zip(sent, back, strict=True) if not same(got, value)] == []
    # The texts of the table are Postgres' own. (Three types have a cast to text that writes otherwise than they do.)
    shown = await sql(f"select {', '.join(written)}").one()
    assert [
        (name, text, got)
        for (name, text, _), got in zip(golden, shown, strict=True)
        if got != text and name not in {"bool", "char(3)", "inet"}
    ] == []


async def test_the_catalog_knows_every_built_in_type_of_the_server(sql: Neon) -> None:
    types = await sql("""
        select t.oid, format_type(t.oid, null) as name, t.typname, t.typarray, t.typdelim, t.typtype,
               coalesce(r.rngsubtype, 0) as of, coalesce(r.rngmultitypid, 0) as multirange
        from pg_type t left join pg_range r on r.rngtypid = t.oid
        where t.oid < 10000 and t.typtype in ('b', 'r', 'm')
          and not exists (select from pg_type e where e.typarray = t.oid)""")
    assert len(types) > 70
    scalars = {row.oid: (row.typarray, row.typdelim) for row in types if row.typtype == "b"}
    assert {scalar.oid: (scalar.array, scalar.separator) for scalar in SCALARS} == scalars
    names = {row.oid: {row.name, row.typname} for row in types}
    assert [scalar.name for scalar in SCALARS if scalar.name not in names[scalar.oid]] == []
    arrays = {row.oid: row.typarray for row in types}
    ranges = {
        (row.typname, row.oid, row.typarray, row.multirange, arrays[row.multirange], row.of)
        for row in types
        if row.typtype == "r"
    }
    assert {
        (kind.name, kind.oid, kind.array, kind.multirange_oid, kind.multirange_array, kind.of) for kind in RANGES
    } == ranges
    multiranges = {(row.typname, row.oid) for row in types if row.typtype == "m"}
    assert {(kind.multirange, kind.multirange_oid) for kind in RANGES} == multiranges
    assert [row.name for row in types if row.typarray and BUILT_IN.reader(row.typarray) is None] == []


def test_the_golden_table_has_every_type_that_is_not_text() -> None:
    named = {name.partition("(")[0] for name, _, _ in GOLDEN}
    assert {scalar.name for scalar in SCALARS if scalar.decode is not str} <= named
    assert {kind.name for kind in RANGES} | {kind.multirange for kind in RANGES} <= named


async def test_types_of_users_and_arrays_of_them_are_text(sql: Neon) -> None:
    await sql("create type colour as enum ('red', 'blue')")
    await sql("create type pair as (a int, b text)")
    row = await sql("select 'red'::colour, array['red', 'blue']::colour[], (1, 'x y')::pair, null::colour").one()
    assert tuple(row) == ("red", "{red,blue}", '(1,"x y")', None)
    await sql("create domain positive as int check (value > 0)")
    assert await sql("select 5::positive").value() == 5


INTERVALS = [
    Interval(),
    Interval(14, 3, 14_706_789_000),
    Interval(-14, -3, -14_706_789_000),
    Interval(14, -3, 14_706_789_000),
    Interval(-1, 3, -1),
    Interval(1),
    Interval(-1),
    Interval(12),
    Interval(0, 3),
    Interval(0, -3),
    Interval(0, -3, -14_706_789_000),
    Interval(0, -3, 14_706_789_000),
    Interval(0, 3, -14_706_789_000),
    Interval(0, 0, -1),
    Interval(0, 0, 1),
    Interval(0, 0, -59_000_000),
    Interval(0, 0, 360_000_000_000),
    Interval(-11, 0, -3_600_000_000),
    Interval(25, 0, 60_000_000),
    Interval(178_000_000 * 12, 999_999, 2**53),
]


@pytest.mark.parametrize("style", ["postgres", "postgres_verbose", "sql_standard", "iso_8601"])
async def test_an_interval_is_the_same_in_every_style(sql: Neon, direct: Direct, database: str, style: str) -> None:
    direct.execute(f"alter database {database} set intervalstyle = '{style}'".encode())
    assert await sql("show intervalstyle").value() == style
    assert await sql("select $1::interval[]", INTERVALS).value() == INTERVALS
    months = "extract(year from i) * 12 + extract(month from i)"
    clock = "extract(epoch from (i - date_trunc('day', i)))"
    seen = await sql(f"select {months}, extract(day from i), {clock} from unnest($1::interval[]) i", INTERVALS[:-1])
    assert [(int(months), int(days), int(seconds * 1_000_000)) for months, days, seconds in seen] == [
        (value.months, value.days, value.microseconds) for value in INTERVALS[:-1]
    ]


async def test_an_infinite_interval_is_one(sql: Neon) -> None:
    if int(await sql("show server_version_num").value()) < 170000:
        pytest.skip("Postgres has infinite intervals from version 17 on")
    both = [Interval.infinity, Interval.minus_infinity]
    assert await sql("select $1::interval[]", both).value() == both
    assert await sql("select array['infinity', '-infinity']::interval[]").value() == both


async def test_a_timedelta_comes_back_equal(sql: Neon) -> None:
    values = [timedelta(), timedelta(days=-1, seconds=5), timedelta(microseconds=-1), timedelta(days=400, hours=23)]
    back = await sql("select $1::interval[]", values).value()
    assert back == values
    assert [value.timedelta() for value in back] == values


AMBIGUOUS = ["SQL, DMY", "SQL, MDY", "Postgres, DMY", "Postgres, MDY", "German"]


@pytest.mark.parametrize("style", AMBIGUOUS)
async def test_a_date_in_a_style_that_can_be_misread_is_refused(
    sql: Neon, direct: Direct, database: str, style: str
) -> None:
    direct.execute(f"alter database {database} set datestyle = '{style}'".encode())
    moment = datetime(2026, 2, 1, 3, 4, 5, 600000)
    far = ["0044-03-02 BC", "12026-03-02", "99999-03-02"]
    for text, value in [
        *(("date", one) for one in (date(2026, 2, 1), date(1, 1, 1), date(9999, 12, 31), *far)),
        *(("timestamp", one) for one in (moment, *far)),
        *(("timestamptz", one) for one in (moment, *far)),
        ("daterange", "[2026-02-01,2026-02-03)"),
        ("timestamp[]", [moment]),
    ]:
        with pytest.raises(DecodeError) as caught:
            await sql(f"select $1::{text} as at", value)
        assert caught.value.todo.startswith("set datestyle to iso"), (text, value)
    # What every style writes alike is read, and so is what is asked for as text.
    assert await sql("select 'infinity'::date").value() == FarDate("infinity")
    assert "2026" in await sql("select $1::date::text", date(2026, 2, 1)).value()


async def test_other_settings_of_a_session_change_no_value(sql: Neon, direct: Direct, database: str) -> None:
    for setting in ("bytea_output = 'escape'", "datestyle = 'ISO, DMY'", "extra_float_digits = 3"):
        direct.execute(f"alter database {database} set {setting}".encode())
    every = bytes(range(256))
    row = await sql(
        "select $1::bytea, $2::bytea[], $3::bytea, $4::date, $5::float8, $6::float4",
        *(every, [every, b"\\x"], b"\\x41", date(2026, 2, 1), 0.1, 0.5),
    ).one()
    assert row == (every, [every, b"\\x"], b"\\x41", date(2026, 2, 1), 0.1, 0.5)
    assert await sql("select $1::bytea::text", b"\x01").value() == "\\001"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati", "Europe/Amsterdam"])
async def test_a_moment_is_the_same_in_every_time_zone(sql: Neon, direct: Direct, database: str, zone: str) -> None:
    direct.execute(f"alter database {database} set timezone = '{zone}'".encode())
    moments = [
        datetime(2026, 7, 1, 12, tzinfo=UTC),
        datetime(1800, 1, 1, tzinfo=UTC),  # local mean time, to the second
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        FarDatetime("12000-06-01 00:00:00+00"),
        FarDatetime("0044-03-15 00:00:00+00 BC"),
        FarDatetime("infinity", aware=True),
    ]
    back = await sql("select $1::timestamptz[]", moments).value()
    assert back == moments
    assert [hash(value) for value in back] == [hash(value) for value in moments]
    assert all(isinstance(value, datetime) and value.tzinfo is not None for value in back)
    assert await sql("select array(select m from unnest($1::timestamptz[]) m order by m)", back).value() == sorted(back)
