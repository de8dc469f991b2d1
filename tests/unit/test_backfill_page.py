"""Pages of the Python form, kept by columns: how their rows are made, in parts, and written back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sendoka import courtesy
from sendoka.backfills import Batch, backfill
from sendoka.backfills.batch import Page, losses_of, read_page
from sendoka.backfills.target import Target
from sendoka.database import Field, Result
from sendoka.errors import BackfillError, DecodeError

TYPES = {"id": "integer", "at": "timestamp with time zone", "note": "text", "size": "integer"}
TARGET = Target("1", "public", "notes", ("id",), ("id", "at", "note", "size"), TYPES)
OIDS = {"scanned": 20, "cursor": 25, "version": 25, "id": 23, "at": 1184, "note": 25, "size": 23}
FIELDS = tuple(Field(name, oid) for name, oid in OIDS.items())
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MANY = 5000

written = backfill(
    table="notes", where="note is null", name="notes", sql="delete from notes using page where notes.id = page.id"
)


def cells(number: int) -> list[str | None]:
    """Return the cells of a row: a NULL now and then, so that no column is spared one."""
    at = None if number % 7 == 0 else "2026-01-02 03:04:05+00"
    note = None if number % 3 == 0 else f"note {number}"
    return [None, None, str(700 + number), str(number), at, note, None if number % 5 == 0 else str(2 * number)]


def page(rows: int = MANY, target: Target = TARGET, **changed: Any) -> Page:
    """Return a page of so many rows, as it comes: before them a row that tells of the scan."""
    found = [["5000", "[9]", *[None] * 5], *map(cells, range(rows))]
    return read_page(Result(FIELDS, found, "SELECT", len(found)), 5000, replace(written, **changed), target)


def array(*values: object) -> str:
    """Return an array of texts as it is sent."""
    return "{" + ",".join(f'"{value}"' for value in values) + "}"


async def turns(page: Page) -> tuple[Batch[Any], int]:
    """Make the page's batch, and count how often another task had its turn meanwhile."""
    count, done = 0, False

    async def other() -> None:
        nonlocal count
        while not done:
            await asyncio.sleep(0)
            count += not done

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    batch = await page.ready()
    done = True
    await task
    return batch, count


@pytest.fixture
def given_way(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows where a processor is offered to others."""
    offers: list[None] = []
    monkeypatch.setattr(courtesy, "_yield", lambda: offers.append(None))
    return offers


async def test_others_go_on_while_a_large_page_is_made_and_written_back(given_way: list[None]) -> None:
    batch, many = await turns(page())
    assert len(given_way) >= 8
    _, few = await turns(page(10))
    assert many >= few + 8
    before = len(given_way)
    batch.update({key: {"note": "x"} for key in batch.keys})
    assert len(given_way) >= before + 3
    assert len(batch.rows) == MANY
    assert batch.keys == tuple(range(MANY))
    assert dict(batch.rows[1]) == {
        "id": 1,
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "note": "note 1",
        "size": 2,
    }
    assert tuple(batch.rows[0]) == (0, None, None, None)
    assert [row["size"] for row in batch.rows] == [None if at % 5 == 0 else 2 * at for at in range(MANY)]


async def test_a_page_is_made_once_whoever_asks_for_it() -> None:
    one = page()
    both = await asyncio.gather(one.ready(), one.ready())
    assert both[0] is both[1] is one.batch


async def test_a_page_s_size_is_that_of_its_texts() -> None:
    one = page()
    told = [cell for number in range(MANY) for cell in cells(number)[2:] if cell]
    assert (one.size, one.paged, one.scanned, one.cursor) == (sum(map(len, told)) + MANY, MANY, 5000, "[9]")
    assert one.keys == [[str(number) for number in range(MANY)]]
    assert (one.first_key, one.key_of(4999)) == ('["0"]', '["4999"]')


async def test_a_cell_that_is_no_value_is_named_wherever_it_is() -> None:
    found = [["5000", "[9]", *[None] * 5], *map(cells, range(MANY))]
    found[2500][6] = "x"
    with pytest.raises(DecodeError, match="'size' holds a value"):
        await read_page(Result(FIELDS, found, "SELECT", len(found)), 5000, written, TARGET).ready()


async def test_what_a_model_refuses_is_of_its_row_in_every_part() -> None:
    def model(row: Any) -> str:
        return f"{row.id}:{row.note.upper()}"

    batch = await page(model=model).ready()
    lost = losses_of(batch).errors
    assert set(lost) == set(range(0, MANY, 3))
    assert batch.keys == tuple(number for number in range(MANY) if number % 3)
    assert batch.rows[:2] == ("1:NOTE 1", "2:NOTE 2")
    (change,) = batch.update({4999: {"note": "x"}})
    assert change.params[:2] == (array(4999), array(5699))


async def test_two_rows_of_one_key_are_refused_in_whatever_parts_they_are() -> None:
    twice = [["5000", "[9]", *[None] * 5], *map(cells, [*range(MANY), 0])]
    with pytest.raises(BackfillError, match="keys that are the same in Python"):
        await read_page(Result(FIELDS, twice, "SELECT", len(twice)), 5000, written, TARGET).ready()


# ------------------------------------------------------------------ batch.update()


@pytest.mark.parametrize(
    "keys",
    [[0, 1, 2, 3], [3, 1, 0, 2], [2], [3, 0]],
    ids=["all", "all in another order", "one", "some"],
)
def test_rows_are_written_by_their_own_keys_and_versions_in_any_order(keys: list[int]) -> None:
    (change,) = page(4).batch.update({key: {"size": key + 10, "note": f"n{key}"} for key in keys})
    assert 'set "note" = sendoka_3::text, "size" = sendoka_4::integer' in change.text
    assert change.params == (
        array(*keys),
        array(*(700 + key for key in keys)),
        array(*(f"n{key}" for key in keys)),
        array(*(key + 10 for key in keys)),
    )


def test_columns_may_be_named_in_any_order_and_be_of_any_types() -> None:
    (change,) = page(3).batch.update({0: {"note": 1, "size": None}, 2: {"size": "7", "note": "x"}})
    assert change.params == (array(0, 2), array(700, 702), array(1, "x"), '{NULL,"7"}')


def test_rows_that_set_other_columns_are_written_apart() -> None:
    changes: dict[int, dict[str, Any]] = {0: {"note": "a"}, 1: {"size": 1}, 2: {}, 3: {"note": "b"}}
    apart = page(4).batch.update(changes)
    assert [change.params for change in apart] == [
        (array(0, 3), array(700, 703), array("a", "b")),
        (array(1), array(701), array(1)),
    ]


def test_a_mapping_that_invents_what_it_has_not_sets_what_it_has() -> None:
    inventive: dict[str, Any] = defaultdict(lambda: "invented", size=1)
    apart = page(2).batch.update({0: {"note": "a"}, 1: inventive})
    assert [change.params[2:] for change in apart] == [(array("a"),), (array(1),)]
    assert dict(inventive) == {"size": 1}


def test_a_key_that_is_of_another_page_is_refused_among_many() -> None:
    changes: dict[Any, Any] = {number: {"note": "x"} for number in range(MANY)} | {"no": {"note": "x"}}
    with pytest.raises(BackfillError, match="the key 'no', which is no row"):
        page().batch.update(changes)


def test_rows_of_a_key_of_two_columns_are_known_by_both() -> None:
    batch = page(3, replace(TARGET, key=("id", "at"), types={**TYPES})).batch
    assert batch.keys == ((0, None), (1, AT), (2, AT))
    (change,) = batch.update({(2, AT): {"note": "x"}})
    assert change.params == (array(2), array("2026-01-02 03:04:05+00"), array(702), array("x"))
