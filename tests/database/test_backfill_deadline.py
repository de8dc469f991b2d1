"""A call is over by its deadline, however slow its last batch is; nothing is lost, and the next call goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.backfills.sweep import LAST_WORDS
from sendoka.database import Statement
from tests.fixtures.backfills import ledger_is_whole, make_messages, touched

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database

DEADLINE = 0.8
BOUND = DEADLINE + 3 * LAST_WORDS
"""Seconds until the call is over: the last words of a batch and those of the run, and as much for a busy machine."""

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"


def in_sql(_slow: list[bool]) -> Backfill:
    """Return a change whose batches sleep once 20 rows are changed, until rows say that it is to be quick."""
    wait = """ and (select case when (select bool_or(body = 'quick') from messages)
        or (select count(*) from messages where touched = 1) < 20 then 0
        else length(pg_sleep(30)::text) end) is not null"""
    return backfill(table="messages", where="touched = 0", sql=TOUCH + wait, name="late")


def in_python(slow: list[bool]) -> Backfill:
    """Return a change whose step hangs once 20 rows are changed, as long as `slow` holds anything."""

    async def late(sql: Any, batch: Batch) -> object:
        if slow and (await touched(sql)).get("1", 0) >= 20:
            await anyio.sleep(30)
        ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
        return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))

    return backfill(table="messages", where="touched = 0", name="late")(late)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("form", [in_sql, in_python])
async def test_a_call_is_over_by_its_deadline_however_slow_its_last_batch(
    sql: Database, form: Any, workers: int
) -> None:
    await make_messages(sql, 60)
    slow = [True]
    began = time.monotonic()
    late = form(slow)
    report = await run(sql, late, batch_size=10, deadline=DEADLINE, workers=workers, shards=workers)
    assert time.monotonic() - began < BOUND
    assert (report.state, report.reason) == ("stopped", "deadline")
    assert set(await touched(sql)) <= {"0", "1"}
    slow.clear()
    await sql.run(Statement("update messages set body = 'quick'"))
    report = await run(sql, late, batch_size=10, workers=workers)
    assert report.done
    assert await touched(sql) == {"1": 60}
    assert await ledger_is_whole(sql)
