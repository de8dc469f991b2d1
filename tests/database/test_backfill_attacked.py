"""Runs of several workers over the endpoint's own faults, at every request: every row once, the books whole.

A run is played whole once, to know its requests. Then it is played again for some kinds of faults, each met by one of
its requests, drawn by a seed; and two calls at once have faults all over them. `SENDOKA_SEED=123` draws the same; `make
soak` takes all kinds, and twenty requests for each.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from sendoka.backfills import run
from sendoka.errors import SendokaError
from tests.fixtures.backfills import (
    FORMS,
    QUICK,
    execute,
    ledger_is_whole,
    make_messages,
    touched,
    value,
)
from tests.fixtures.soak import NUMBERS, SEED, SOAK

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill
    from sendoka.local.app import Endpoint
    from sendoka.local.faults import FaultKind

ROWS = 60

KINDS: dict[FaultKind, dict[str, Any]] = {
    "refuse": {"message": "connection closed", "status": 400},
    "delay": {"seconds": 0.3},
    "cut_before": {},
    "cut_after": {},
    "cut_head": {},
    "cut_body": {},
    "connection_closed": {},
    "answer_too_large": {},
    "unreadable": {},
    "late": {"seconds": 0.2},
    "twice": {},
    "drip": {"seconds": 0.2},
    "canceled": {},
    "html": {},
    "half_json": {},
    "no_slots": {},
}
ENDING: set[FaultKind] = {"answer_too_large", "unreadable", "half_json"}
"""Those that are told from what does not pass by itself only by looking at them: such a call may end with an error."""


async def play(sql: Neon, form: Backfill, *, ends: bool = False) -> None:
    """Begin anew and run in several shards; where it may end with an error, the next call goes on."""
    await execute(sql, "drop schema if exists sendoka cascade", "update messages set touched = 0")
    options: dict[str, Any] = {"batch_size": 4, "workers": 3, "shards": 4, "lease": 0.4, "retry": QUICK}
    try:
        report = await run(sql, form, **options)
    except SendokaError:
        if not ends:
            raise
        report = await run(sql, form, **options)
    assert (report.state, report.scanned, report.passes) == ("done", ROWS, 1)


async def look(sql: Neon) -> None:
    assert await touched(sql) == {"1": ROWS}
    assert await ledger_is_whole(sql)
    assert await value(sql, "select count(*) from sendoka.backfill_shards where owner is not null") == "0"
    assert await value(sql, "select sum(scanned) from sendoka.backfill_batches") == str(ROWS)
    assert await value(sql, "select count(*) from sendoka.backfill_events where event = 'done'") == "1"


@NUMBERS
@FORMS
async def test_a_fault_at_any_request_changes_every_row_once(
    sql: Neon, endpoint: Endpoint, form: Backfill, number: int
) -> None:
    dice = random.Random(f"{SEED} {form.name} {number}")
    await make_messages(sql, ROWS)
    before = endpoint.requests
    await play(sql, form)
    requests = endpoint.requests - before
    for kind in dice.sample(list(KINDS), len(KINDS) if SOAK > 1 else 8):
        skip = dice.randrange(1, requests)
        endpoint.faults.add(kind, skip=skip, optional=True, **KINDS[kind])
        try:
            async with asyncio.timeout(20):
                await play(sql, form, ends=kind in ENDING)
                endpoint.faults.clear()
                await look(sql)
        except BaseException as error:
            error.add_note(f"SENDOKA_SEED={SEED}: {kind} at request {skip} of {requests}")
            raise


@NUMBERS
@FORMS
async def test_faults_all_over_a_run_change_every_row_once(
    sql: Neon, endpoint: Endpoint, form: Backfill, number: int
) -> None:
    dice = random.Random(f"{SEED} {form.name} {number}")
    await make_messages(sql, ROWS)
    kinds = [kind for kind in KINDS if kind not in {"refuse", *ENDING}]
    endpoint.faults.add("random", seed=dice.randrange(10**6), rate=0.2, kinds=kinds, seconds=0.1, optional=True)
    try:
        async with asyncio.timeout(60):
            calls = [run(sql, form, batch_size=4, workers=3, shards=4, lease=0.4, retry=QUICK) for _ in range(2)]
            reports = await asyncio.gather(*calls)
    except BaseException as error:
        error.add_note(f"SENDOKA_SEED={SEED}: {number}")
        raise
    assert endpoint.faults.hits() > 5
    endpoint.faults.clear()
    assert {report.state for report in reports} == {"done"}
    await look(sql)
