"""A call is over within its deadline, however slow its last batch is; nothing is lost, and the next call goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.database import Statement
from tests.fixtures.backfills import FORMS, QUICK, ledger_is_whole, make_messages, touched

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill
    from sendoka.database import Database
    from sendoka.local.app import Endpoint

DEADLINE = 1.0
LATE = 0.4
"""Seconds for which a busy machine may let a call wait that is over."""

LONG = 30.0
BATCH = {"in_sql": "sendoka_advanced", "in_python": "sendoka_fence as"}

FAULTS: dict[str, list[dict[str, Any]]] = {
    "slow from the start": [{"kind": "delay", "seconds": LONG, "match": True}],
    "slow suddenly": [{"kind": "delay", "seconds": LONG, "match": True, "skip": 3}],
    "the answer never comes": [{"kind": "drip", "seconds": LONG, "match": True, "skip": 3}],
    "every request is slow": [{"kind": "delay", "seconds": 0.06}],
    "every request is cut": [{"kind": "cut_after", "match": True, "skip": 3}],
    "nothing is answered any more": [
        {"kind": "delay", "seconds": LONG, "match": True, "skip": 2},
        {"kind": "delay", "seconds": LONG, "match": "set owner = null", "optional": True},
        {"kind": "delay", "seconds": LONG, "match": "sendoka_ended"},
    ],
}
"""What the endpoint does to all requests that match, here True for batches."""


async def within(sql: Database, form: Backfill, workers: int) -> Any:
    """Run for as long as a deadline allows; return the report."""
    began = time.monotonic()
    options: dict[str, Any] = {"workers": workers, "shards": workers * 2, "lease": 0.5, "retry": QUICK}
    report = await run(sql, form, batch_size=4, deadline=DEADLINE, **options)
    assert time.monotonic() - began < DEADLINE + LATE
    return report


async def goes_on(sql: Database, form: Backfill, workers: int, count: int) -> None:
    """Let the next call do the rest, and look at all of it."""
    assert (await run(sql, form, batch_size=50, workers=workers, lease=0.5)).done
    assert await touched(sql) == {"1": count}
    assert await ledger_is_whole(sql)


@FORMS
@pytest.mark.parametrize(("case", "workers"), [*((case, 3) for case in FAULTS), ("slow suddenly", 1)])
async def test_a_call_is_over_within_its_deadline_whatever_the_endpoint_does(
    sql: Neon, endpoint: Endpoint, form: Backfill, workers: int, case: str
) -> None:
    await make_messages(sql, 300)
    for fault in FAULTS[case]:
        match = {"match": BATCH[form.name]} if fault.get("match") is True else {}
        endpoint.faults.add(**fault | match, times=0)
    report = await within(sql, form, workers)
    assert (report.state, report.reason) == ("stopped", "deadline")
    endpoint.faults.verify()
    endpoint.faults.clear()
    assert set(await touched(sql)) <= {"0", "1"}
    await goes_on(sql, form, workers, 300)


@FORMS
async def test_a_call_is_over_within_its_deadline_while_the_application_holds_a_row(
    sql: Neon, direct: Any, form: Backfill
) -> None:
    await make_messages(sql, 100)
    with direct.transaction():
        direct.execute("update messages set body = 'theirs' where id in (select max(id) from messages)")
        report = await within(sql, form, 3)
    assert (report.state, report.reason) == ("stopped", "deadline")
    await goes_on(sql, form, 3, 100)


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_call_is_over_within_its_deadline_while_a_step_hangs(sql: Neon, workers: int) -> None:
    await make_messages(sql, 60)
    slow = [True]

    @backfill(table="messages", where="touched = 0")
    async def late(sql: Any, batch: Batch) -> object:
        if slow:
            await anyio.sleep(LONG)
        ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
        return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))

    report = await within(sql, late, workers)
    assert (report.state, report.reason, report.changed) == ("stopped", "deadline", 0)
    slow.clear()
    await goes_on(sql, late, workers, 60)
