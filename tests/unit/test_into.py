"""Rows to models: every kind, every name that does not fit, and conversions that are theirs who make them."""

from __future__ import annotations

from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from sendoka import FarDatetime
from sendoka.http.into import shaper
from sendoka.http.row import Row, row_type

T = TypeVar("T")


@dataclass
class Plain:
    id: int
    name: str = "-"
    tags: list[str] = field(default_factory=list)
    seen: bool = field(default=False, init=False)


@dataclass(frozen=True, slots=True)
class Keyed:
    id: int
    _: KW_ONLY
    name: str
    scale: InitVar[int] = 1


@dataclass
class Box(Generic[T]):
    id: T
    name: T


class Typed(TypedDict):
    id: int
    name: NotRequired[str]


class Named(NamedTuple):
    id: int
    name: str = "-"


class Model(pydantic.BaseModel):
    id: int
    name: str = "-"


class Aliased(pydantic.BaseModel):
    id: int = pydantic.Field(alias="user_id")
    name: str = pydantic.Field(validation_alias=pydantic.AliasChoices("name", pydantic.AliasPath("names", 0)))


class ByName(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)
    id: int = pydantic.Field(alias="user_id")


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    id: int


class Careless(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore")
    id: int


class Wrapped(pydantic.BaseModel, Generic[T]):
    id: T


@pydantic.dataclasses.dataclass
class Checked:
    id: int
    name: str = "-"


class Struct(msgspec.Struct):
    id: int
    name: str = "-"


class Renamed(msgspec.Struct, rename="camel"):
    user_id: int
    made: datetime | None = None


def rows(**columns: list[Any]) -> list[Row]:
    return list(map(row_type(tuple(columns)), zip(*columns.values(), strict=True)))


@pytest.mark.parametrize("model", [Plain, Keyed, Box, Box[int], Typed, Named, Model, Checked, Struct])
def test_rows_become_models_in_order(model: Any) -> None:
    build = {Typed: dict}.get(model, model)
    made = shaper(model)(rows(name=["a", "b"], id=[1, 2]))
    assert made == [build(id=1, name="a"), build(id=2, name="b")]
    assert shaper(model)([]) == []


@pytest.mark.parametrize("model", [Plain, Typed, Named, Model, Checked, Struct])
def test_a_field_with_a_default_needs_no_column(model: Any) -> None:
    build = {Typed: dict}.get(model, model)
    assert shaper(model)(rows(id=[1])) == [build(id=1)]


@pytest.mark.parametrize("model", [Plain, Keyed, Typed, Named, Model, Checked, Struct])
def test_a_column_without_field_is_named(model: Any) -> None:
    with pytest.raises(ValueError, match=f"{model.__name__} has no field for the column 'surname'"):
        shaper(model)(rows(id=[1], name=["a"], surname=["b"]))


@pytest.mark.parametrize("model", [Plain, Keyed, Typed, Named, Model, Checked, Struct])
def test_a_field_without_column_is_named(model: Any) -> None:
    with pytest.raises(ValueError, match=f"{model.__name__} needs 'id', and the rows have no such column"):
        shaper(model)(rows(name=["a"]))


@pytest.mark.parametrize("model", [Plain, Typed, Named, Model, Struct])
def test_two_columns_of_one_name_are_refused(model: Any) -> None:
    twice = [row_type(("id", "id"))((1, 2))]
    with pytest.raises(ValueError, match=f"several columns are called 'id', so {model.__name__} cannot be made"):
        shaper(model)(twice)


class Abstract:
    id: int


@pytest.mark.parametrize(
    "model", [Abstract, dict, tuple, int, str, object, Row, None, "Plain", 5, list[Plain], Plain(1)]
)
def test_what_is_no_model_is_refused_at_once(model: Any) -> None:
    with pytest.raises(TypeError, match="is no model; give a dataclass, a TypedDict"):
        shaper(model)


class TestPydantic:
    def test_converts_and_checks_as_it_does(self) -> None:
        assert shaper(Model)(rows(id=["5"])) == [Model(id=5)]
        with pytest.raises(pydantic.ValidationError, match=r"1\.id"):
            shaper(Model)(rows(id=["5", "x"]))
        assert isinstance(shaper(Wrapped[UUID])(rows(id=[str(UUID(int=1))]))[0].id, UUID)
        assert shaper(Checked)(rows(id=["5"])) == [Checked(id=5)]

    def test_is_given_the_names_that_it_looks_for(self) -> None:
        assert shaper(Aliased)(rows(user_id=[1], name=["a"]))[0].id == 1
        assert shaper(Aliased)(rows(user_id=[1], names=[["a"]]))[0].name == "a"
        with pytest.raises(ValueError, match="Aliased has no field for the column 'id'"):
            shaper(Aliased)(rows(id=[1], name=["a"]))
        with pytest.raises(ValueError, match="Aliased needs 'name'"):
            shaper(Aliased)(rows(user_id=[1]))
        assert shaper(ByName)(rows(id=[1])) == shaper(ByName)(rows(user_id=[1]))

    def test_decides_about_other_columns_where_the_model_says_so(self) -> None:
        assert shaper(Open)(rows(id=[1], more=[2]))[0].model_extra == {"more": 2}
        assert shaper(Careless)(rows(id=[1], more=[2])) == [Careless(id=1)]

    def test_keeps_a_moment_outside_pythons_range_and_never_writes_another(self) -> None:
        class Event(pydantic.BaseModel):
            at: datetime
            amount: Decimal
            day: date

        far = FarDatetime("infinity", aware=True)
        (event,) = shaper(Event)(rows(at=[far], amount=[Decimal("1.10")], day=[date(2026, 1, 1)]))
        assert event.at is far
        with pytest.raises(Exception, match="infinity is outside Python's datetime"):
            event.model_dump_json()


class TestMsgspec:
    def test_converts_and_checks_as_it_does(self) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        assert shaper(Renamed)(rows(userId=[1], made=[moment])) == [Renamed(1, moment)]
        with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `str` - at `\$\[0\]\.userId`"):
            shaper(Renamed)(rows(userId=["1"]))
        with pytest.raises(ValueError, match="Renamed has no field for the column 'user_id'"):
            shaper(Renamed)(rows(user_id=[1]))

    def test_refuses_a_moment_outside_pythons_range(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="FarDatetime"):
            shaper(Renamed)(rows(userId=[1], made=[FarDatetime("infinity", aware=True)]))


def test_dataclasses_and_typed_dicts_are_built_without_a_look_at_the_values() -> None:
    assert shaper(Plain)(rows(id=["x"])) == [Plain("x")]  # type: ignore[arg-type]  # on purpose
    (made,) = shaper(Typed)(rows(id=[None]))
    assert dict(made) == {"id": None}
