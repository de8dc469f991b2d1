"""Runners that begin at the very moment somebody else does something to their run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, cancel, change_walk, opening, pause, resume, run
from sendoka.backfills.caution import Caution
from sendoka.backfills.events import Actor, events_of
from sendoka.backfills.order import Walked
from sendoka.backfills.runs import begin, find_run, finish, next_pass, note_end, note_wait, open_run
from sendoka.database import Database
from sendoka.database.transaction import DEFAULT
from sendoka.errors import AnswerLost, BackfillChanged
from tests.fixtures.backfills import execute, in_sql, make_messages, rows, touched

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


@pytest.mark.parametrize(("accept", "kept"), [(True, BY_KEY), (False, None)])
async def test_another_script_takes_no_order_of_its_own_beside_a_batch_that_is_in_flight(
    sql: Database, direct: Any, accept: bool, kept: Any
) -> None:
    found = await opened(sql)
    beginner = begin(sql, found, "b" * 64, by=Actor("me", "other"), walk=BY_TIME, accept=accept)
    batch = """update sendoka.backfill_shards set seq = 1, cursor = '["msg_1"]'"""
    assert await all_wait(direct, [beginner], batch) == [kept]


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


# ------------------------------------------------------------------ delivered late, or twice


class Held(Database):
    """A database that loses the answers of so many switches (`lost`), and keeps each request, to deliver it late."""

    def __init__(self, database: Database, lost: int) -> None:
        self.database, self.lost = database, lost
        self.late: list[Sequence[Statement]] = []

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.database.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        self.late.append(statements)
        if len(self.late) <= self.lost:
            raise AnswerLost("held, on purpose")
        return await self.database.run_all(statements, options)

    async def deliver(self) -> None:
        for request in self.late:
            await self.database.run_all(request)


async def test_a_pause_that_is_delivered_late_does_not_pause_what_was_resumed(sql: Database) -> None:
    found = await opened(sql)
    held = Held(sql, 1)
    with pytest.raises(AnswerLost):
        await pause(held, "touch")
    assert (await pause(held, "touch")).changed
    assert (await resume(sql, "touch")).changed
    await held.deliver()
    assert (await find_run(sql, "touch") or found).state == "stopped"
    assert await rows(sql, "select held::text from sendoka.backfill_shards") == [["false"]]
    assert await told(sql) == ["paused", "resumed"]


async def test_a_pause_that_is_sent_twice_says_that_it_paused_and_is_told_once(sql: Database) -> None:
    await opened(sql)

    class Twice(Held):
        async def run_all(self, statements: Any, options: Any = DEFAULT) -> Any:
            await super().run_all(statements, options)
            return await super().run_all(statements, options)

    assert (await pause(Twice(sql, 0), "touch")).changed
    assert await told(sql) == ["paused"]


async def test_a_switch_that_another_one_overtakes_looks_anew(sql: Database) -> None:
    """The run is paused; while somebody cancels it another one resumes it: it is cancelled all the same."""
    await opened(sql)
    await pause(sql, "touch")

    class Overtaken(Held):
        async def run_all(self, statements: Any, options: Any = DEFAULT) -> Any:
            if not self.late:
                await resume(self.database, "touch")
            return await super().run_all(statements, options)

    assert (await cancel(Overtaken(sql, 0), "touch")).changed
    assert await told(sql) == ["paused", "resumed", "cancelled"]


async def test_an_end_and_a_wait_that_arrive_twice_at_once_are_told_once(sql: Database, direct: Any) -> None:
    found, by = await opened(sql), Actor("me", "a")
    ends = [note_end(sql, found.id, state="stopped", reason="deadline", rate=None, by=by) for _ in range(2)]
    waits = [note_wait(sql, found.id, why="vacuum", by=by) for _ in range(2)]
    for twice in (waits, ends):
        await all_wait(direct, twice, "update sendoka.backfill_runs set noted_at = now()")
    assert await told(sql) == ["waits", "stopped"]


async def test_a_run_is_not_done_while_a_shard_is_in_another_pass(sql: Database, direct: Any) -> None:
    """One finds rows and sends it through the table again, while another one found none: whoever is first holds."""
    found, by = await opened(sql), Actor("me", "a")
    await execute(sql, "update sendoka.backfill_shards set state = 'scanned'")
    both = [next_pass(sql, found.id, after=1), finish(sql, found.id, after=1, by=by)]
    await all_wait(direct, both, "update sendoka.backfill_runs set noted_at = now()")
    together = "select r.state, s.state, pass::text from sendoka.backfill_runs r cross join sendoka.backfill_shards s"
    assert await rows(sql, together) in ([["running", "running", "2"]], [["done", "scanned", "1"]])


async def test_what_was_counted_after_a_pass_ends_no_later_one(sql: Database) -> None:
    found, by = await opened(sql), Actor("me", "a")
    await execute(sql, "update sendoka.backfill_shards set state = 'scanned'")
    await next_pass(sql, found.id, after=1)
    await execute(sql, "update sendoka.backfill_shards set state = 'scanned'")
    assert (await finish(sql, found.id, after=1, by=by)).state == "running"
    assert (await finish(sql, found.id, after=2, by=by)).state == "done"
    await next_pass(sql, found.id, after=2)
    assert await rows(sql, "select state, pass::text from sendoka.backfill_shards") == [["scanned", "2"]]


async def test_a_begin_that_is_delivered_late_takes_no_script_back(sql: Database) -> None:
    """Somebody accepted a changed script since it was sent."""
    found = await opened(sql)
    held = Held(sql, 1)
    with pytest.raises(AnswerLost):
        await begin(held, found, found.checksum, by=Actor("me", "old"), walk=BY_KEY)
    assert await begin(sql, found, "b" * 64, by=Actor("me", "new"), walk=BY_KEY) == BY_KEY
    third = replace(found, checksum="c" * 64)
    assert await begin(sql, third, "d" * 64, by=Actor("me", "third"), walk=BY_KEY) is None
    await held.deliver()
    assert (await find_run(sql, "touch") or found).checksum == "b" * 64


class AcceptedJustThen(PausedJustThen):
    """A database in which somebody accepts another script right before a runner begins."""

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        if not self.switched and "sendoka_begun" in statements[-1].text:
            self.switched = True
            other = "update sendoka.backfill_runs set checksum = 'other'"
            await execute(self.database, other, "update sendoka.backfill_shards set seq = 1")
        return await self.database.run_all(statements, options)


async def test_who_begins_with_a_script_that_was_replaced_just_then_is_told(sql: Database) -> None:
    await make_messages(sql, 10)
    with pytest.raises(BackfillChanged):
        await run(AcceptedJustThen(sql), touch)
    assert await touched(sql) == {"0": 10}
