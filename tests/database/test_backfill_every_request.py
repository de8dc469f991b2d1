"""Every fault at every kind of request of a backfill with two workers: every row once, the books whole, nothing left.

A run is played without a fault, to count its requests by kind. Then it is played again for each of them, times each
fault, times its first, middle and last request, and to its end: by a second call where the first one failed or was
stopped. `make test` draws a few cases, `make soak` takes all; `SENDOKA_SEED=123` draws the same, and
`SENDOKA_CASE="far sql: claim cut_after last"` plays those alone whose names begin so.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest

from sendoka.backfills import run
from sendoka.errors import SendokaError
from tests.database.test_backfill_attacked import ENDING, KINDS
from tests.fixtures.backfills import FORMS, QUICK, execute, ledger_is_whole, make_messages, touched, value
from tests.fixtures.soak import SEED, SOAK

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill, RunReport
    from sendoka.local.app import Endpoint
    from sendoka.local.faults import FaultKind

ROWS = 60
CASE = os.environ.get("SENDOKA_CASE", "")
DRAWN = 2
"""Cases of each play and form in `make test`."""

Play = Literal["near", "far", "stopped", "stolen"]
"""Over a short way; over a long one, where batches are sent ahead; stopped half way; one shard, of which is stolen."""

MARKS = {
    "end": "sendoka_ended",
    "done": "sendoka_done",
    "begin": "sendoka_before",
    "open": "insert into sendoka.backfill_runs",
    "home": "create schema if not exists sendoka",
    "steal": "sendoka_victim",
    "middle": "sendoka_place",
    "claim": "sendoka_free",
    "whose": "select token from sendoka.backfill_batches",
    "batch in sql": "sendoka_checkpoint",
    "batch in python": "sendoka_fence",
    "page": "sendoka_scan",
    "trial": "found_kept",
    "renew": "set lease_until = ",
    "release": "set owner = null, lease_until = null",
    "split": "sendoka_tile",
    "look": "statement_timeout",
    "dead": "sendoka.dead_letters",
    "left": "count(*) from messages where touched = 0",
    "shards": "lease_until - clock_timestamp()",
    "run": "from sendoka.backfill_runs",
    "state": "from sendoka.backfill_shards",
    "table": "pg_catalog.pg_class",
    "size": "pg_relation_size",
    "other": "",
}
"""What the SQL of a request of each kind has in it: the first one that fits counts, and `other` is the rest of them."""

PLACES = ("first", "last", "middle")
"""Of one request there is a first only, of two no middle."""


@dataclass(frozen=True, slots=True)
class Case:
    mark: str
    fault: FaultKind
    place: str
    count: int

    @property
    def skip(self) -> int:
        """How many requests of the kind go well before."""
        return {"first": 0, "last": self.count - 1, "middle": self.count // 2}[self.place]

    def __str__(self) -> str:
        return f"{self.mark} {self.fault} {self.place}"


def kind_of(statements: tuple[str, ...]) -> str:
    sql = "\n".join(statements)
    return next(mark for mark, text in MARKS.items() if text in sql)


def pattern(mark: str) -> str:
    """Return the pattern that meets requests of one kind alone: none of those above it."""
    above = list(MARKS)[: list(MARKS).index(mark)]
    others = "|".join(re.escape(MARKS[each]) for each in above)
    ahead = f"(?![\\s\\S]*(?:{others}))" if others else ""
    return f"\\A{ahead}[\\s\\S]*{re.escape(MARKS[mark])}"


def cases(endpoint: Endpoint) -> list[Case]:
    """Return every kind of request that came, times every fault and place."""
    counts = Counter(kind_of(each.statements) for each in endpoint.exchanges)
    return [
        Case(mark, fault, place, count) for mark, count in counts.items() for fault in KINDS for place in PLACES[:count]
    ]


async def call(sql: Neon, form: Backfill, play: Play, *, stops: bool = False) -> RunReport:
    batches = 0

    def stop() -> bool:
        nonlocal batches
        batches += 1
        return stops and batches > 8

    shards = 1 if play == "stolen" else 4
    return await run(sql, form, batch_size=4, workers=2, shards=shards, lease=0.4, retry=QUICK, stop=stop)


async def to_the_end(sql: Neon, form: Backfill, play: Play, *, may_fail: bool = False) -> RunReport:
    """Run until it is done: once more where a call stopped, and where one failed that may."""
    stops = play == "stopped"
    while True:
        try:
            report = await call(sql, form, play, stops=stops)
        except SendokaError:
            if not may_fail:
                raise
            may_fail = False
            continue
        if not stops:
            return report
        assert (report.state, report.reason) == ("stopped", "interrupted")
        stops = False


async def look(sql: Neon, report: RunReport) -> None:
    assert (report.state, report.scanned, report.changed, report.dead) == ("done", ROWS, ROWS, 0)
    assert report.passes == 1
    assert await touched(sql) == {"1": ROWS}
    assert await ledger_is_whole(sql)
    assert await value(sql, "select count(*) from sendoka.backfill_shards where owner is not null") == "0"
    assert await value(sql, "select count(*) from sendoka.backfill_events where event = 'done'") == "1"
    others = "datname = current_database() and pid <> pg_backend_pid() and state like '%transaction%'"
    assert await value(sql, f"select count(*) from pg_stat_activity where {others}") == "0"


@FORMS
@pytest.mark.parametrize("play", get_args(Play))
async def test_each_fault_at_each_kind_of_request_changes_every_row_once(
    sql: Neon, endpoint: Endpoint, form: Backfill, play: Play
) -> None:
    await make_messages(sql, ROWS)
    slow: dict[str, Any] = {"times": 0, "seconds": 0.01, "optional": True}
    if play == "far":
        endpoint.faults.add("delay", **slow)
    endpoint.exchanges.clear()
    report = await to_the_end(sql, form, play)
    every = cases(endpoint)
    await look(sql, report)
    tasks = len(asyncio.all_tasks())
    counted = [each for each in every if f"{play} {form.name[3:]}: {each}".startswith(CASE)]
    dice = random.Random(f"{SEED} {play} {form.name}")
    for case in counted if SOAK > 1 or CASE else dice.sample(counted, DRAWN):
        endpoint.faults.clear()
        await execute(sql, "drop schema sendoka cascade", "update messages set touched = 0")
        try:
            async with asyncio.timeout(20):
                options = KINDS[case.fault]
                endpoint.faults.add(
                    case.fault, match=pattern(case.mark), regex=True, skip=case.skip, optional=True, **options
                )
                if play == "far":
                    endpoint.faults.add("delay", **slow)
                report = await to_the_end(sql, form, play, may_fail=case.fault in ENDING)
                endpoint.faults.clear()
                if case.fault == "late":
                    await asyncio.sleep(options["seconds"])  # what nobody sent again arrives after the end
                await look(sql, report)
                assert len(asyncio.all_tasks()) == tasks
        except BaseException as error:
            error.add_note(f'SENDOKA_CASE="{play} {form.name[3:]}: {case}"')
            raise
