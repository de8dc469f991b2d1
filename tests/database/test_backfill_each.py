"""Steps that go row by row: rows as a model of the user's, and single rows that fail without their page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest

from sendoka.backfills import Batch, backfill, retry_dead, run
from sendoka.errors import BackfillError, BatchFailed, InvalidBackfill
from tests.database.test_backfill_dead import dead, make_words
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, rows, touched, value

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database


class Model(pydantic.BaseModel):
    id: int
    word: int


class Struct(msgspec.Struct):
    id: int
    word: str


@dataclass
class Data:
    id: int
    word: str

    def __post_init__(self) -> None:
        int(self.word)


class Named(NamedTuple):
    id: int
    word: str


class Typed(TypedDict):
    id: int
    word: str


def function(row: Any) -> Named:
    return Named(row["id"], str(int(row["word"])))


def declared(**options: Any) -> Backfill:
    """Set `n` to the number that each word is, row by row."""
    given: dict[str, Any] = {"table": "messages", "where": "n is null", "columns": ["word"]} | options

    async def number(row: Any) -> dict[str, Any]:
        word = row["word"] if isinstance(row, dict) or not hasattr(row, "word") else row.word
        return {"n": int(word), "touched": 1}

    async def words(sql: Any, batch: Batch[Any]) -> object:
        assert len(batch.keys) == len(batch.rows)
        return batch.update(await batch.each(number, limit=3))

    found: Backfill = backfill(**given)(words)
    return found


async def test_single_rows_are_left_out_and_their_page_is_done(sql: Database) -> None:
    await make_words(sql, 40, 3, 7, 25)
    report = await run(sql, declared(), batch_size=20)
    assert (report.state, report.changed, report.dead, report.batches, report.unchanged) == ("done", 37, 3, 3, 0)
    assert await dead(sql) == [3, 7, 25]
    message = await value(sql, "select string_agg(distinct message, ' ') from sendoka.dead_letters")
    assert message == "ValueError: invalid literal for int() with base 10: 'no number'"
    assert await touched(sql) == {"1": 37, "0": 3}
    assert await ledger_is_whole(sql)
    await execute(sql, "update messages set word = '7' where id = 7")
    again = await retry_dead(sql, declared())
    assert (again.settled, again.dead) == (1, 2)


async def test_they_are_left_out_once_over_a_bad_network(sql: Database) -> None:
    await make_words(sql, 60, *range(5, 60, 9))
    unreliable = Unreliable(sql, 4, share=0.25)
    report = await run(unreliable, declared(), batch_size=10, lease=0.3)
    await unreliable.settle()
    assert unreliable.faults > 3
    assert (report.state, report.changed, report.dead) == ("done", 53, 7)
    assert await rows(sql, "select distinct attempt::text from sendoka.dead_letters") == [["1"]]
    assert await touched(sql) == {"1": 53, "0": 7}


async def test_a_row_fails_in_words_too_and_a_bad_page_is_halved_beside_it(sql: Database) -> None:
    await make_words(sql, 16, 11)

    @backfill(table="messages", where="n is null")
    async def some(sql: Any, batch: Batch) -> object:
        for key in {3, 4} & set(batch.keys):
            batch.fail(key, "the directory does not know it" if key == 3 else LookupError("gone\0"))
        ids = "{" + ",".join(str(row["id"]) for row in batch.rows if row["id"] not in {3, 4}) + "}"
        return sql("update messages set touched = touched + 1, n = word::int where id = any($1::int[])", ids)

    report = await run(sql, some)
    assert (report.state, report.changed, report.dead) == ("done", 13, 3)
    found = await rows(sql, "select key ->> 0, sqlstate, message from sendoka.dead_letters order by key")
    assert found[:2] == [
        ["3", None, "the directory does not know it"],
        ["4", None, "LookupError: gone\N{REPLACEMENT CHARACTER}"],
    ]
    assert found[2][1] == "22P02"
    assert await touched(sql) == {"1": 13, "0": 3}


async def test_more_rows_than_may_be_left_out_stop_the_run(sql: Database) -> None:
    await make_words(sql, 40, *range(2, 12))
    with pytest.raises(BatchFailed, match=r"\d rows failed.*invalid literal"):
        await run(sql, declared(), batch_size=20, max_dead=3)
    with pytest.raises(BatchFailed, match=r"raised ValueError"):
        await run(sql, declared(), batch_size=20, max_dead=0)
    assert await touched(sql) == {"0": 40}
    assert await dead(sql) == []


async def test_a_key_that_is_of_no_row_is_refused(sql: Database) -> None:
    await make_words(sql, 4)

    @backfill(table="messages", where="n is null")
    async def other(sql: Any, batch: Batch) -> None:
        batch.fail(99, "not ours")

    with pytest.raises(BackfillError, match=r"batch\.fail\(\) was given the key 99"):
        await run(sql, other)


# ------------------------------------------------------------------ models


@pytest.mark.parametrize("model", [Model, Struct, Data, Named, Typed, function])
async def test_rows_are_what_the_model_makes_of_them(sql: Database, model: Any) -> None:
    await make_words(sql, 12, 5, 6)
    seen: list[type] = []
    done = declared(model=model)

    async def look(sql: Any, batch: Batch[Any]) -> object:
        seen.extend(type(row) for row in batch.rows)
        assert done.step is not None
        return await done.step(sql, batch)

    looking = backfill(table="messages", where="n is null", columns=["word"], model=model)(look)
    report = await run(sql, looking, batch_size=6)
    assert (report.state, report.changed, report.dead) == ("done", 10, 2)
    assert await dead(sql) == [5, 6]
    kinds = {Typed: dict, function: Named}
    assert set(seen) == {kinds.get(model, model)}


async def test_a_page_of_which_no_row_is_sound_does_not_call_the_step(sql: Database) -> None:
    await make_words(sql, 12, *range(1, 7))
    called = 0

    @backfill(table="messages", where="n is null", columns=["word"], model=Model)
    async def step(sql: Any, batch: Batch[Model]) -> object:
        nonlocal called
        called += 1
        return batch.update({row.id: {"n": row.word} for row in batch.rows})

    report = await run(sql, step, batch_size=6)
    assert (report.changed, report.dead, called) == (6, 6, 1)
    assert (await retry_dead(sql, step)).dead == 6
    message = await value(sql, "select message from sendoka.dead_letters limit 1")
    assert "valid integer" in (message or "")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": []}, "Struct has no field for the column 'n'"),
        ({"columns": ["touched"]}, "Struct has no field for the column 'touched'"),
    ],
)
async def test_a_model_that_no_row_fits_is_refused_before_anything_runs(
    sql: Database, options: dict[str, Any], says: str
) -> None:
    await make_words(sql, 3)
    with pytest.raises(BackfillError, match=says) as caught:
        await run(sql, declared(model=Struct, **options))
    assert "columns=" in caught.value.todo
    assert await value(sql, "select to_regnamespace('sendoka')") is None


@pytest.mark.parametrize("model", ["Model", 3, int])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(InvalidBackfill, match="is no model"):
        declared(model=model)


def test_a_model_beside_sql_is_refused() -> None:
    with pytest.raises(InvalidBackfill, match="model= is for the rows of a step"):
        declared(model=Model, sql="delete from messages m using page p where m.id = p.id")
