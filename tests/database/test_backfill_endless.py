"""Steps that would never be done: found on their first page, which is undone; others are let be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.database import Statement
from sendoka.errors import BackfillError
from tests.fixtures.backfills import execute, ledger_is_whole, make_messages, touched, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.backfills import Backfill
    from sendoka.database import Database
    from sendoka.local.app import Endpoint

    Step = Callable[[Any, Batch], Awaitable[object]]

EMPTY = "tenant_id is null"


def declared(step: Step, **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "where": EMPTY, "name": "stepped"}
    found: Backfill = backfill(**(given | options))(step)
    return found


async def touch(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"touched": row["touched"] + 1} for row in batch.rows})


async def touch_all(sql: Any, batch: Batch) -> object:
    """It does not come from batch.update(), and is of two statements."""
    ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
    text = "update messages set touched = touched + 1 where id = any($1::text[])"
    return [Statement(text, (ids,)), Statement(text, (ids,))]


async def fill_one(sql: Any, batch: Batch) -> object:
    changes: list[dict[str, Any]] = [{"touched": 1, "tenant_id": "ten"}, *({"touched": 1} for _ in batch.rows[1:])]
    return batch.update({row["id"]: change for row, change in zip(batch.rows, changes, strict=True)})


async def nothing(sql: Any, batch: Batch) -> None:
    return None


@pytest.mark.parametrize("order", ["key", "strided"])
@pytest.mark.parametrize("step", [touch, touch_all])
async def test_a_step_that_leaves_where_true_ends_on_its_first_page(sql: Database, step: Step, order: str) -> None:
    await make_messages(sql, 400)
    with pytest.raises(BackfillError, match=r"does not make where= false: all \d+ rows of its first page") as caught:
        await run(sql, declared(step, order=order), batch_size=20)
    assert "verify=" in caught.value.todo
    assert EMPTY in str(caught.value.where)
    assert await touched(sql) == {"0": 400}
    assert await value(sql, "select count(*) from sendoka.backfill_batches") == "0"
    fixed = declared(setting({"tenant_id": "ten", "touched": 1}), order=order)
    assert (await run(sql, fixed, batch_size=50)).done  # nothing was done by it, so no change is to be accepted
    assert await touched(sql) == {"1": 400}


def setting(values: dict[str, Any]) -> Step:
    async def step(sql: Any, batch: Batch) -> object:
        return batch.update({row["id"]: values for row in batch.rows})

    return step


async def test_what_was_left_empty_first_is_judged_when_it_changes_something(sql: Database) -> None:
    await make_messages(sql, 60)
    calls = iter([nothing, nothing, touch])

    async def late(sql: Any, batch: Batch) -> object:
        return await next(calls)(sql, batch)

    with pytest.raises(BackfillError, match="does not make where= false: all 20 rows"):
        await run(sql, declared(late), batch_size=20)
    assert await touched(sql) == {"0": 60}


@pytest.mark.parametrize(
    ("step", "options", "size"),
    [
        (fill_one, {}, 20),  # some rows are done: the others may be, in another pass
        (touch, {"verify": "select count(*) from messages where touched = 0"}, 20),
        (touch, {"where": None, "verify": "select count(*) from messages where touched = 0"}, 20),
        (nothing, {}, 20),  # a whole pass that changes nothing is told by its end
        (touch, {}, 9),  # so few rows say little; the end of the pass tells
    ],
)
async def test_nothing_else_is_ended_early(sql: Database, step: Step, options: dict[str, Any], size: int) -> None:
    await make_messages(sql, 60)
    stops = iter([False, False, True])
    report = await run(sql, declared(step, **options), batch_size=size, stop=lambda: next(stops))
    assert (report.reason, report.batches) == ("interrupted", 2)
    assert await ledger_is_whole(sql)


async def test_rows_that_are_gone_by_its_change_are_done(sql: Database) -> None:
    await make_messages(sql, 60)

    async def drop(sql: Any, batch: Batch) -> object:
        ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
        return Statement("delete from messages where id = any($1::text[])", (ids,))

    report = await run(sql, declared(drop), batch_size=20)
    assert (report.state, report.changed) == ("done", 60)


async def test_a_key_of_several_columns_is_found_again(sql: Database) -> None:
    await execute(
        sql,
        "create table parts (a timestamptz, b text, touched int default 0, done bool, primary key (a, b))",
        "insert into parts select now() + g * interval '1 us', 'Ä \"{},\\' || g from generate_series(1, 30) g",
    )

    async def both(sql: Any, batch: Batch) -> object:
        return batch.update({(row["a"], row["b"]): {"touched": 1} for row in batch.rows})

    with pytest.raises(BackfillError, match="all 30 rows"):
        await run(sql, declared(both, table="parts", where="done is null"))


@pytest.mark.parametrize("kind", ["connection_closed", "cut_before"])
async def test_a_lost_answer_does_not_hide_it(sql: Database, endpoint: Endpoint, kind: Any) -> None:
    await make_messages(sql, 60)
    fault = endpoint.faults.add(kind, match="set changed = null")
    with pytest.raises(BackfillError, match="all 20 rows"):
        await run(sql, declared(touch), batch_size=20)
    assert endpoint.faults.hits(fault) == 1
    assert await touched(sql) == {"0": 60}
