"""Runners that begin at the very moment somebody else does something to their run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, cancel, change_walk, opening, pause, resume, run
from sendoka.backfills.caution import Caution
from sendoka.backfills.events import Actor, events_of
from sendoka.backfills.order import Walked
from sendoka.backfills.runs import begin, open_run
from sendoka.database import Database
from sendoka.database.transaction import DEFAULT
from tests.fixtures.backfills import in_sql, make_messages, touched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from sendoka.backfills.runs import Run
    from sendoka.database import Cells, Result, Statement, TransactionOptions

BY_KEY, BY_TIME = Walked(("id",), 1), Walked(("created_at", "id"), 1)
touch = backfill(
    table="messages",
    where="touched = 0",
    sql="update messages m set touched = m.touched + 1 from page p where m.id = p.id",
)


async def opened(sql: Database) -> Run:
    return await open_run(sql, "touch", "a" * 64, number=1, total=None, by=Actor("somebody"), walk=BY_KEY)


async def told(sql: Database, number: int = 1) -> list[str]:
    return [event.event for event in await events_of(sql, number)]


async def until_waiting(direct: Any, count: int) -> None:
    """Wait until so many locks are waited for."""
    waits = "select count(*) from pg_locks where not granted"
    while direct.execute(waits).fetchone()[0] < count:  # noqa: ASYNC110 - those who wait are Postgres' own
        await asyncio.sleep(0.01)


async def all_wait(direct: Any, work: Sequence[Awaitable[Any]], change: str) -> list[Any]:
    """Begin `work` while a transaction holds what `change` changes; end that when all waits, and return the answers."""
    with direct.transaction():
        direct.execute(change)
        tasks = [asyncio.ensure_future(each) for each in work]
        await until_waiting(direct, len(tasks))
    return await asyncio.gather(*tasks)


async def test_of_rivals_that_begin_at_once_one_started_the_run(sql: Database, direct: Any) -> None:
    found = await opened(sql)
    beginners = [begin(sql, found, found.checksum, by=Actor("me", name), walk=BY_KEY) for name in ("a", "b", "b")]
    assert await all_wait(direct, beginners, "update sendoka.backfill_runs set noted_at = now()") == [BY_KEY] * 3
    assert (await told(sql))[0] == "started"
    assert (await told(sql))[1:] in (["continued"], ["continued", "continued"])  # a, or b, or b between the two


async def test_another_script_takes_no_order_of_its_own_beside_a_batch_that_is_in_flight(
    sql: Database, direct: Any
) -> None:
    found = await opened(sql)
    beginner = begin(sql, found, "b" * 64, by=Actor("me", "other"), walk=BY_TIME)
    batch = """update sendoka.backfill_shards set seq = 1, cursor = '["msg_1"]'"""
    assert await all_wait(direct, [beginner], batch) == [BY_KEY]


@pytest.mark.parametrize("act", [pause, cancel])
async def test_a_batch_with_a_dead_letter_and_a_switch_do_not_wait_for_each_other(
    sql: Database, direct: Any, act: Any
) -> None:
    await opened(sql)
    with direct.transaction():
        direct.execute("update sendoka.backfill_shards set seq = 1")
        switching = asyncio.ensure_future(act(sql, "touch"))
        await until_waiting(direct, 1)
        direct.execute("set local lock_timeout = '200ms'")
        direct.execute("insert into sendoka.dead_letters (run, shard, key, seq, message) values (1, 0, '[1]', 1, '')")
    assert (await switching).changed


class PausedJustThen(Database):
    """A database whose run is paused before somebody begins it, and goes on behind that."""

    def __init__(self, database: Database) -> None:
        self.database, self.switched = database, False

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.database.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        if self.switched or "sendoka_begun" not in statements[-1].text:
            return await self.database.run_all(statements, options)
        self.switched = True
        await pause(self.database, "touch")
        result = await self.database.run_all(statements, options)
        await resume(self.database, "touch")
        return result


async def test_who_finds_it_paused_for_a_moment_only_begins_all_the_same(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.02)
    await make_messages(sql, 10)
    assert (await run(PausedJustThen(sql), touch)).done
    assert await touched(sql) == {"1": 10}
    assert await told(sql) == ["paused", "resumed", "started", "done"]


async def test_a_batch_that_meets_a_conflict_and_the_next_ones_lock_their_pages(
    sql: Database, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 100)
    told: list[str] = []

    class Told(Caution):
        def met(self) -> None:
            told.append("met")
            super().met()

        def passed(self) -> None:
            told.append("locked")
            super().passed()

        def spared(self) -> None:
            told.append("unlocked")
            super().spared()

    monkeypatch.setattr(change_walk, "Caution", Told)
    change = "update messages set touched = 7 where id = (select min(id) from messages)"
    (report,) = await all_wait(direct, [run(sql, in_sql, batch_size=10)], change)
    assert (report.changed, report.retries) == (100, 0)
    assert told[:6] == ["met", "locked", "locked", "locked", "locked", "unlocked"]
    assert set(told[6:]) == {"unlocked"}
    assert await touched(sql) == {"1": 99, "8": 1}
