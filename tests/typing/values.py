"""Rows as models and values of Postgres' own types, as a user's type checker sees them. Never run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict, assert_type

import msgspec
import pydantic

from sendoka import (
    Array,
    FarDate,
    FarDatetime,
    Interval,
    Json,
    Multirange,
    Neon,
    Query,
    Range,
    Row,
    Types,
    exact_json,
    neon,
)
from sendoka.http.into import shaper
from sendoka.http.transaction import Committed


@dataclass
class Plain:
    id: int


class Typed(TypedDict):
    id: int


class Named(NamedTuple):
    id: int


class Model(pydantic.BaseModel):
    id: int


class Struct(msgspec.Struct):
    id: int


def models(rows: list[Row]) -> None:
    assert_type(shaper(Plain)(rows), list[Plain])
    assert_type(shaper(Typed)(rows), list[Typed])
    assert_type(shaper(Named)(rows), list[Named])
    assert_type(shaper(Model)(rows), list[Model])
    assert_type(shaper(Struct)(rows), list[Struct])
    assert_type(shaper(Plain), Callable[[Sequence[Row]], list[Plain]])


def reading(rows: list[Row]) -> None:
    for row in rows:
        assert_type(row["id"], Any)
        assert_type(row.id, Any)
        assert_type(row.get("id"), Any)
        match row:
            case (first, *_):
                assert_type(first, Any)
            case _:
                pass


def ranges() -> None:
    assert_type(Range(1, 5), Range[int])
    assert_type(Range(date(2026, 1, 1)), Range[date])
    assert_type(Range(1, 5).lower, int | None)
    assert_type(Multirange([Range(1, 5)]), Multirange[int])
    assert_type(Multirange([Range(1, 5)])[0], Range[int])
    assert_type(Array([1], [0]), Array[int])
    nothing: Range[Decimal] = Range.nothing()
    assert_type(nothing < Range(Decimal(1)), bool)
    assert_type(3 in Range(1, 5), bool)
    assert_type(Range(1, 5) < Range(2, 5), bool)


def moments(when: datetime, day: date) -> None:
    far: datetime = FarDatetime("infinity", aware=True)
    other: date = FarDate("infinity")
    assert_type(far < when, bool)
    assert_type(day <= other, bool)
    assert_type(Interval.of(timedelta(1)), Interval)
    assert_type(Interval(1).timedelta(), timedelta)
    assert_type(Interval.infinity, Interval)


def types() -> None:
    chosen = Types.of({"jsonb": exact_json, 1700: float, "text[]": lambda text: text})
    assert_type(chosen, Types)
    assert_type(chosen.extended({"jsonb": str}), Types)
    assert_type(exact_json("1"), Any)
    assert_type(Json([1]).value, Any)


class Point:
    def __postgres__(self) -> object:
        return "(1,2)"


async def queries(sql: Neon) -> None:
    assert_type(sql("select 1 as id").into(Plain), Query[Plain])
    assert_type(await sql("select 1 as id").into(Plain), list[Plain])
    assert_type(await sql("select 1 as id").into(Plain).one(), Plain)
    assert_type(await sql("select 1 as id").into(Plain).one_or_none(), Plain | None)
    assert_type((await sql("select 1 as id").into(Plain).result()).rows, list[Plain])
    assert_type(await sql.transaction([sql("select 1 as id").into(Plain)]), Committed[Plain])
    await sql("select 1.5", types={"numeric": float, 17: bytes.fromhex})
    neon(types=Types.of({"numeric": float}))
