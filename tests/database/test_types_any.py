"""Any value that is sent comes back equal, through a real Postgres: alone, in an array, and in an array of arrays."""

from __future__ import annotations

import asyncio
from datetime import timedelta, timezone
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sendoka import FarDate, FarDatetime, Interval, Json, Multirange, Range, neon
from sendoka.http.types.catalog import RANGES, SCALARS
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


characters = st.characters(codec="utf-8", exclude_characters="\0")
hostile = st.text(st.sampled_from("""{}[]()",'\\;NUL null\n\r\t\v\x01\x7f\x85\u2028\ufeff$é🎉"""))
texts = st.one_of(st.text(characters), hostile, st.sampled_from(["NULL", "null", "", "{}", "\\", '"', "infinity"]))
offsets = st.integers(-57_599, 57_599).map(lambda seconds: timezone(timedelta(seconds=seconds)))
days = st.dates()
moments = st.datetimes()
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**50), max_value=10**50)


def far(year_limit: int) -> SearchStrategy[str]:
    """Return dates as Postgres writes them, after 9999 and before 1; `|` is where a time stands."""
    after = st.integers(10_000, year_limit).map(lambda year: (f"{year}", ""))
    before = st.integers(1, 4712).map(lambda year: (f"{year:04d}", " BC"))

    def build(year: tuple[str, str], month: int, day: int) -> str:
        return f"{year[0]}-{month:02d}-{day:02d}|{year[1]}"

    return st.builds(build, st.one_of(after, before), st.integers(1, 12), st.integers(1, 28))


def moments_far(rest: str) -> SearchStrategy[FarDatetime]:
    aware = rest.endswith("+00")
    ends = st.sampled_from(["infinity", "-infinity"]).map(lambda text: FarDatetime(text, aware=aware))
    return st.one_of(ends, far(294_275).map(lambda text: FarDatetime(text.replace("|", rest))))


def ranges(ends: SearchStrategy[Any], bounds: list[str]) -> SearchStrategy[Range[Any]]:
    """Return ranges in the form that Postgres gives them: ends that differ, or none."""

    def build(two: list[Any], which: str, open_at: int) -> Range[Any]:
        lower, upper = sorted(two)
        return Range(None if open_at == 1 else lower, None if open_at == 2 else upper, which)

    some = st.builds(
        build, st.lists(ends, min_size=2, max_size=2, unique=True), st.sampled_from(bounds), st.integers(0, 4)
    )
    return st.one_of(some, st.just(Range.nothing()))


def multiranges(ends: SearchStrategy[Any]) -> SearchStrategy[Multirange[Any]]:
    def build(sorted_ends: list[Any]) -> Multirange[Any]:
        pairs = zip(sorted_ends[::2], sorted_ends[1::2], strict=False)
        return Multirange(Range(lower, upper) for lower, upper in pairs)

    return st.lists(ends, max_size=8, unique=True).map(sorted).map(build)


DISCRETE, CONTINUOUS = ["[)"], ["[)", "(]", "[]", "()"]
NAN = Decimal("NaN")
addresses = st.ip_addresses().flatmap(lambda ip: st.tuples(st.just(ip), st.integers(0, ip.max_prefixlen)))
small = st.integers(-(2**31), 2**31 - 2)
big = st.integers(-(2**63), 2**63 - 2)
aware = st.datetimes(timezones=offsets)
json_numbers = st.one_of(st.integers(), st.floats(-1e15, 1e15))
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), json_numbers, texts),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=10,
)

VALUES: dict[str, SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "oid": st.integers(0, 2**32 - 1),
    "float4": st.floats(width=32),
    "float8": st.floats(),
    "numeric": st.one_of(st.decimals(-(10**200), 10**200), st.sampled_from([NAN, Decimal("-Infinity")]), st.integers()),
    "text": texts,
    "varchar": texts,
    "bytea": st.binary(),
    "json": documents.map(Json),
    "jsonb": documents.map(Json),
    "uuid": st.uuids(),
    "date": st.one_of(days, far(5_874_897).map(lambda text: FarDate(text.replace("|", "")))),
    "time": st.times(),
    "timetz": st.times(timezones=offsets),
    "timestamp": st.one_of(moments, moments_far(" 12:34:56.000001")),
    "timestamptz": st.one_of(aware, moments_far(" 12:34:56.000001+00")),
    "interval": st.one_of(
        st.timedeltas(),
        st.builds(
            Interval,
            st.integers(-(2**31) + 1, 2**31 - 1),
            st.integers(-(2**31) + 1, 2**31 - 1),
            st.integers(-(2**62), 2**62),
        ),
    ),
    "inet": addresses.map(ip_interface),
    "cidr": addresses.map(lambda address: ip_network(address, strict=False)),
    "int4range": ranges(small, DISCRETE),
    "int8range": ranges(big, DISCRETE),
    "numrange": ranges(decimals, CONTINUOUS),
    "daterange": ranges(days, DISCRETE),
    "tsrange": ranges(moments, CONTINUOUS),
    "tstzrange": ranges(aware, CONTINUOUS),
    "int4multirange": multiranges(small),
    "int8multirange": multiranges(big),
    "nummultirange": multiranges(decimals),
    "datemultirange": multiranges(days),
    "tsmultirange": multiranges(moments),
    "tstzmultirange": multiranges(aware),
}  # fmt: skip


def test_every_type_that_is_not_text_has_values() -> None:
    ranged = {kind.name for kind in RANGES} | {kind.multirange for kind in RANGES}
    own = {scalar.name for scalar in SCALARS if scalar.decode is not str}
    assert (own | ranged) - set(VALUES) == {"xid", "cid", "xid8", "int2vector", "oidvector"}


def alike(one: Any, other: Any) -> bool:
    """Tell whether they are equal, NaN being equal to itself."""
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other) or (one != one and other != other)


@pytest.mark.parametrize("name", VALUES)
def test_any_value_comes_back_equal(database_url: str, name: str) -> None:
    elements = st.one_of(VALUES[name], st.none()) if name not in {"json", "jsonb"} else VALUES[name]
    width = 3
    grids = st.lists(st.lists(elements, min_size=width, max_size=width), min_size=1, max_size=4)
    query = f"select $1::{name} as alone, $2::{name}[] as some, $3::{name}[] as grid"

    with asyncio.Runner() as runner:
        sql = neon(database_url, transport="native")

        async def ask(*values: Any) -> tuple[Any, ...]:
            return tuple(await sql(query, *values).one())

        @given(VALUES[name], st.lists(elements, max_size=30), grids)
        @settings(max_examples=10 * SOAK, deadline=None, suppress_health_check=list(HealthCheck))
        def comes_back(alone: Any, some: list[Any], grid: list[list[Any]]) -> None:
            sent = [alone, some, grid]
            got = runner.run(ask(*sent))
            for one, other in zip(map(plain, sent), got, strict=True):
                assert alike(one, other), (one, other)

        try:
            comes_back()
        finally:
            runner.run(sql.aclose())


def plain(value: Any) -> Any:
    """Return what a document holds in the place of `Json`."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Json) else value
