"""`.into()` and `types=` on queries: what a row becomes, in a transaction too."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

import pydantic
import pytest

from sendoka import Types, exact_json, neon
from sendoka.errors import DecodeError

if TYPE_CHECKING:
    from sendoka.http.client import Neon


@dataclass
class Org:
    id: int
    name: str = "none"


class Model(pydantic.BaseModel):
    id: int
    name: str


class Shape(TypedDict):
    id: int
    name: str


ROW = "select 7 as id, 'Acme' as name"


async def test_rows_become_objects_in_every_form_of_a_query(sql: Neon) -> None:
    org = Org(7, "Acme")
    assert await sql(ROW).into(Org) == [org]
    assert await sql(ROW).into(Org).one() == org
    assert await sql("select 1 as id where false").into(Org).one_or_none() is None
    assert (await sql(ROW, read_only=True).into(Org).result()).rows == [org]
    assert await sql(ROW).into(Model).one() == Model(id=7, name="Acme")
    assert await sql(ROW).into(Shape).one() == {"id": 7, "name": "Acme"}
    done = await sql.transaction([sql(ROW).into(Org), sql(ROW)])
    assert list(done) == [[org], [(7, "Acme")]]


async def test_what_does_not_fit_says_where(sql: Neon) -> None:
    with pytest.raises(ValueError, match=r"Org has no field for the column 'size'"):
        await sql("select 1 as id, 2 as size").into(Org)
    with pytest.raises(ValueError, match=r"Org needs 'id'"):
        await sql("select 'x' as name").into(Org)
    with pytest.raises(pydantic.ValidationError):
        await sql("select 'x' as id, 'y' as name").into(Model)
    with pytest.raises(TypeError, match="int is no model"):
        await sql(ROW).into(int)
    for take in (lambda: sql(ROW).into(Org).value(), lambda: sql(ROW).into(Org).column()):
        with pytest.raises(TypeError, match=r"\.into\(\) makes something else"):
            await take()


async def test_a_query_goes_into_a_model_once(sql: Neon) -> None:
    query = sql(ROW)
    into = query.into(Org)
    with pytest.raises(RuntimeError, match="already sent"):
        await query
    await into


async def test_types_of_the_client_and_of_one_query(sql: Neon, database_url: str) -> None:
    document = "select '{\"a\": 1.10}'::jsonb as doc, 1.5 as n"
    async with neon(database_url, transport="native", types={"numeric": float}) as own:
        assert await own(document).one() == ({"a": 1.1}, 1.5)
        assert await own(document, types={"jsonb": exact_json}).one() == ({"a": Decimal("1.10")}, 1.5)
        assert await own(document, types={1700: str}).one() == ({"a": 1.1}, "1.5")
        ((row,),) = await own.transaction([own(document, types={"numeric": str})])
        assert row == ({"a": 1.1}, "1.5")
    async with neon(database_url, transport="native", types=Types.of({"int4": str})) as own:
        assert await own("select array[1, 2]").value() == ["1", "2"]
    assert await sql("select 1.5").value() == Decimal("1.5")


async def test_a_function_that_raises_is_a_decode_error(sql: Neon) -> None:
    with pytest.raises(DecodeError, match="column 'n'"):
        await sql("select 'x' as n", types={"text": int})


@pytest.mark.parametrize(
    ("types", "error"),
    [({"no_such": int}, ValueError), ({"int4": 5}, TypeError), ({-1: int}, TypeError), ({2.5: int}, TypeError)],
)
def test_types_that_name_nothing_are_refused(sql: Neon, database_url: str, types: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        neon(database_url, types=types)
    with pytest.raises(error):
        sql("select 1", types=types)
