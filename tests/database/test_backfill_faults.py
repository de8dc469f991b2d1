"""Both forms while answers are lost, requests arrive late and runners die: every row is changed exactly once."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import run
from sendoka.database.retry import Retry
from sendoka.errors import BackfillRunning, BatchFailed
from tests.fixtures.backfills import (
    QUICK,
    Unreliable,
    execute,
    in_python,
    in_sql,
    ledger_is_whole,
    make_messages,
    touched,
    value,
)

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill
    from sendoka.database import Database
    from sendoka.local.app import Endpoint
    from sendoka.local.faults import FaultKind

FORMS = [in_sql, in_python]
SEEDS = range(6)
BATCH = {"in_sql": "sendoka_advanced", "in_python": "sendoka_fence as"}
KINDS: list[FaultKind] = ["connection_closed", "cut_after", "cut_before", "cut_body", "late", "refuse"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_a_fault_of_the_endpoint_changes_every_row_once(
    sql: Neon, endpoint: Endpoint, form: Backfill, kind: FaultKind
) -> None:
    await make_messages(sql, 120)
    said: dict[str, Any] = {"message": "connection closed", "status": 400} if kind == "refuse" else {}
    faults = [endpoint.faults.add(kind, match=BATCH[form.name], skip=skip, **said) for skip in (0, 3, 5)]
    report = await run(sql, form, batch_size=20, retry=QUICK)
    assert [endpoint.faults.hits(fault) for fault in faults] == [1, 1, 1]
    assert report.done
    assert report.retries == 3
    assert await touched(sql) == {"1": 120}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_before"])
@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_the_last_batch_may_lose_its_answer_too(
    sql: Neon, endpoint: Endpoint, form: Backfill, kind: FaultKind
) -> None:
    await make_messages(sql, 50)
    endpoint.faults.add(kind, match=BATCH[form.name], skip=2)
    report = await run(sql, form, batch_size=20, retry=QUICK)
    assert (report.state, report.batches, report.retries) == ("done", 3, 1)
    assert await touched(sql) == {"1": 50}


@pytest.mark.parametrize("kind", ["connection_closed", "cut_before"])
@pytest.mark.parametrize(
    "match", ["create table", "insert into sendoka.backfill_runs", "set epoch", "set state = 'done'"]
)
@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_bookkeeping_may_lose_its_answers_too(
    sql: Neon, endpoint: Endpoint, form: Backfill, kind: FaultKind, match: str
) -> None:
    await make_messages(sql, 50)
    endpoint.faults.add(kind, match=match)
    assert (await run(sql, form, batch_size=20, retry=QUICK)).done
    assert await touched(sql) == {"1": 50}
    assert await value(sql, "select count(*) from sendoka.backfill_runs") == "1"


@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_a_batch_is_one_request(
    sql: Neon, endpoint: Endpoint, form: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendoka.backfills.line._LEAST", math.inf)  # on a busy machine any line may seem long
    await make_messages(sql, 200)

    async def requests(size: int) -> int:
        before = endpoint.requests
        await execute(sql, "drop schema if exists sendoka cascade", "update messages set touched = 0")
        await run(sql, form, batch_size=size)
        return endpoint.requests - before

    assert await requests(10) - await requests(20) == 10


async def test_a_failure_that_does_not_pass_ends_the_run_in_bounded_tries(sql: Neon, endpoint: Endpoint) -> None:
    await make_messages(sql, 50)
    endpoint.faults.add("cut_before", match="sendoka_advanced", times=0)
    with pytest.raises(BatchFailed, match="a batch of the backfill in_sql failed"):
        await run(sql, in_sql, retry=Retry(attempts=3, first=0.01, longest=0.01))
    endpoint.faults.clear()
    assert (await run(sql, in_sql)).done
    assert await touched(sql) == {"1": 50}


async def test_an_answer_that_cannot_be_read_is_no_fault_of_the_script(sql: Neon, endpoint: Endpoint) -> None:
    await make_messages(sql, 40)
    endpoint.faults.add("half_json", match="sendoka_advanced", skip=1, times=0)
    with pytest.raises(BatchFailed) as caught:
        await run(sql, in_sql, batch_size=10, retry=QUICK)
    assert "accept-change" not in caught.value.todo
    assert "check that the connection string leads to Neon" in caught.value.todo
    endpoint.faults.clear()
    assert (await run(sql, in_sql)).done
    assert await touched(sql) == {"1": 40}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_lost_and_late_requests_change_every_row_once(sql: Database, form: Backfill, seed: int) -> None:
    await make_messages(sql, 300)
    unreliable = Unreliable(sql, seed)
    report = await run(unreliable, form, batch_size=random.Random(seed).choice([7, 20, 100]), retry=QUICK)
    await unreliable.settle()
    assert unreliable.faults > 0
    assert report.done
    assert await touched(sql) == {"1": 300}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", FORMS, ids=["sql", "python"])
async def test_rivals_that_die_at_random_change_every_row_once(sql: Database, form: Backfill, seed: int) -> None:
    """Cancelled runners leave requests in flight and leases held; others go on at once."""
    await make_messages(sql, 300)
    dice, ghosts = random.Random(seed), []

    async def live_and_die(number: int) -> bool:
        unreliable = Unreliable(sql, seed * 100 + number, share=0.2)
        ghosts.append(unreliable)
        try:
            # Lives grow, or on a busy machine none would be long enough for a batch.
            async with asyncio.timeout(dice.uniform(0.02, 0.2) * (1 + number / 20)):
                return (await run(unreliable, form, batch_size=15, lease=0.2, retry=QUICK)).done
        except (TimeoutError, BackfillRunning):
            return False

    for round_number in range(100):
        done = await asyncio.gather(*(live_and_die(round_number * 2 + place) for place in range(2)))
        if any(done):
            break
    await asyncio.gather(*(unreliable.settle() for unreliable in ghosts))
    assert (await run(sql, form)).was_done
    assert await touched(sql) == {"1": 300}
    assert await ledger_is_whole(sql)
