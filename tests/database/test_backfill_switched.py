"""Runs that are paused, resumed and cancelled while workers of several calls are at their shards, and split them.

Both the runners and the operator have a bad network: what they sent arrives late, and what they were answered is lost.
`SENDOKA_SEED=123` draws the same again; `make soak` has more.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import cancel, opening, pause, resume, run, workers
from sendoka.backfills.events import events_of
from sendoka.errors import BackfillError, TransportError
from tests.fixtures.backfills import (
    FORMS,
    QUICK,
    Unreliable,
    ledger_is_whole,
    make_messages,
    rows,
    touched,
    value,
)
from tests.fixtures.soak import NUMBERS, SEED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sendoka import Neon
    from sendoka.backfills import Backfill, Progress, RunReport
    from sendoka.database import Database
    from sendoka.local.app import Endpoint
    from sendoka.local.faults import FaultKind

ROWS = 260
QUICKLY: dict[str, Any] = {"batch_size": 2, "lease": 0.4, "retry": QUICK}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits look often."""
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.02)
    monkeypatch.setattr(workers, "_LOOK_EVERY", 0.02)


def after(batches: int) -> tuple[asyncio.Event, Callable[[Progress], None]]:
    """Return an event that comes behind so many batches, and the listener that waits for them."""
    event, seen = asyncio.Event(), 0

    def listen(progress: Progress) -> None:
        nonlocal seen
        seen += not progress.waiting and not progress.warnings
        if seen >= batches:
            event.set()

    return event, listen


class Operator:
    """Switches runs over a bad network, and asks until there is an answer."""

    def __init__(self, sql: Database, seed: int) -> None:
        self.network = Unreliable(sql, seed, share=0.5, late=0.2)

    async def does(self, act: Callable[..., Any], name: str) -> bool:
        """Return whether it was done; not where the run came to its end before."""
        while True:
            try:
                await act(self.network, name)
            except TransportError:
                await asyncio.sleep(0.005)
            except BackfillError:
                return False
            else:
                return True


async def whole(sql: Database, form: Backfill, reports: list[Any]) -> None:
    """Look at a run that went to its end."""
    assert {report.state for report in reports} == {"done"}
    assert await touched(sql) == {"1": ROWS}
    assert await ledger_is_whole(sql)
    shards = await rows(sql, "select lower::text, upper::text from sendoka.backfill_shards")
    lowers, uppers = ({bound for bound in bounds if bound} for bounds in zip(*shards, strict=True))
    assert lowers == uppers
    assert len(lowers) == len(shards) - 1


@dataclass(frozen=True, slots=True)
class Race:
    """Two calls with several workers each, over a bad network, and an operator with one of their own."""

    dice: random.Random
    bad: Unreliable
    operator: Operator
    calls: list[asyncio.Task[RunReport]]

    async def ends(self, seconds: float) -> list[RunReport]:
        """Wait for both calls."""
        return await asyncio.wait_for(asyncio.gather(*self.calls), seconds)


@contextlib.asynccontextmanager
async def race(sql: Database, form: Backfill, number: int, most: int) -> AsyncIterator[Race]:
    """Begin one, and wait for `most` of its batches or fewer; whatever happens then, no call goes on."""
    dice = random.Random(f"{SEED} {form.name} {number}")
    await make_messages(sql, ROWS)
    bad, operator = Unreliable(sql, dice.randrange(10**6), share=0.15), Operator(sql, dice.randrange(10**6))
    started, listen = after(dice.randint(1, most))
    given = QUICKLY | {"on_progress": listen, "shards": dice.randint(1, 3)}
    calls = [asyncio.create_task(run(bad, form, workers=dice.randint(2, 4), **given)) for _ in range(2)]
    try:
        await started.wait()
        yield Race(dice, bad, operator, calls)
    except BaseException as error:
        error.add_note(f"SENDOKA_SEED={SEED}: {form.name} {number}")
        raise
    finally:
        for call in calls:
            call.cancel()


@NUMBERS
@FORMS
async def test_switches_that_race_the_workers_of_several_calls_are_exact(
    sql: Database, form: Backfill, number: int
) -> None:
    async with race(sql, form, number, 20) as racing:
        dice, bad, operator = racing.dice, racing.bad, racing.operator
        for _ in range(dice.randint(1, 3)):
            if not await operator.does(pause, form.name):
                break
            before = await touched(sql)
            await bad.settle()
            assert await touched(sql) == before
            await operator.does(resume, form.name)
            await asyncio.sleep(dice.uniform(0, 0.05))
        # No pause that comes late holds it again.
        await operator.network.settle()
        reports = await racing.ends(60)
    await bad.settle()
    await whole(sql, form, reports)
    told = [event.event for event in await events_of(sql, 1)]
    switches = [event for event in told if event in {"paused", "resumed"}]
    assert switches == ["paused", "resumed"] * (len(switches) // 2)
    assert told.count("done") == 1


@NUMBERS
@FORMS
async def test_a_cancel_that_races_the_workers_of_several_calls_is_exact(
    sql: Database, form: Backfill, number: int
) -> None:
    async with race(sql, form, number, 10) as racing:
        cancelled = await racing.operator.does(cancel, form.name)
        before = await touched(sql)
        reports = await racing.ends(30)
    await racing.bad.settle()
    await racing.operator.network.settle()
    assert await touched(sql) == before
    assert cancelled == ("0" in before)
    assert {report.state for report in reports} == {"cancelled" if cancelled else "done"}
    assert await value(sql, "select state from sendoka.backfill_runs") == reports[0].state
    assert await ledger_is_whole(sql)


@FORMS
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "connection_closed", "late", "twice"])
async def test_a_split_may_lose_its_answer_or_arrive_twice(
    sql: Neon, endpoint: Endpoint, form: Backfill, kind: FaultKind
) -> None:
    await make_messages(sql, ROWS)
    more: dict[str, Any] = {"seconds": 0.1} if kind == "late" else {}
    endpoint.faults.add(kind, match="sendoka_victim", times=3, **more)
    await whole(sql, form, [await run(sql, form, workers=3, shards=1, **QUICKLY)])
    assert int(await value(sql, "select count(*) from sendoka.backfill_shards") or 0) >= 3
