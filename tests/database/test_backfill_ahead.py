"""A step that is called while the batch before is on its way: what it gains, and what makes it for nothing."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from sendoka import neon
from sendoka.backfills import Batch, backfill, run, runner, step_walk, turn
from sendoka.backfills.shards import read_shards
from sendoka.backfills.stealing import steal
from sendoka.backfills.sweep import Sweep
from sendoka.backfills.target import read_target
from sendoka.database import Database, Statement
from sendoka.database.transaction import DEFAULT
from sendoka.errors import BatchFailed, InvalidBackfill
from tests.fixtures.backfills import LEFT, execute, in_python, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from sendoka.backfills import Backfill
    from sendoka.database import Cells, Result, TransactionOptions


class Watched(Database):
    """A client that tells `meanwhile` of each batch before its answer is handed on; never are two on their way."""

    def __init__(self, inner: Database, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile
        self.on_its_way = False

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self._inner.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        if "sendoka_fence" not in statements[0].text:
            return await self._inner.run_all(statements, options)
        async with self._one():
            results = await self._inner.run_all(statements, options)
            await self._meanwhile()
            return results

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[None]:
        assert not self.on_its_way
        self.on_its_way = True
        try:
            yield
        finally:
            self.on_its_way = False


class Steps:
    """A step that touches rows; `calls` are its pages, each by the place of its first row among `count`."""

    def __init__(self, count: int, act: Callable[[int], Awaitable[object]] | None = None) -> None:
        self.calls: list[int] = []
        self._act = act
        order = sorted(f"msg_{md5(str(number).encode()).hexdigest()[:24]}" for number in range(1, count + 1))  # noqa: S324

        async def touch(sql: Any, batch: Batch) -> object:
            place = order.index(batch.rows[0]["id"])
            self.calls.append(place)
            if self._act is not None:
                await self._act(place)
            ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
            return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))

        self.fill: Backfill = backfill(table="messages", verify=LEFT, order="key")(touch)


async def test_the_step_is_called_while_the_batch_before_is_on_its_way_and_sent_when_that_is_in(sql: Database) -> None:
    await make_messages(sql, 50)
    steps = Steps(50)

    before: list[list[int]] = []

    async def for_a_moment() -> None:
        await anyio.wait_all_tasks_blocked()
        before.append(list(steps.calls))

    report = await run(Watched(sql, for_a_moment), steps.fill, batch_size=10)
    assert (report.state, report.batches) == ("done", 6)
    assert before == [[0, 10], [0, 10, 20], [0, 10, 20, 30], *[[0, 10, 20, 30, 40]] * 3]
    assert await touched(sql) == {"1": 50}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize(("part", "ahead"), [(0.0, True), (1e9, False)])
async def test_a_step_that_takes_next_to_no_time_is_called_when_its_turn_has_come(
    sql: Database, monkeypatch: pytest.MonkeyPatch, part: float, ahead: bool
) -> None:
    monkeypatch.setattr(step_walk, "_WORTH", part)
    await make_messages(sql, 50)
    steps = Steps(50)
    before: list[list[int]] = []

    async def for_a_moment() -> None:
        await anyio.sleep(0.01)
        before.append(list(steps.calls))

    assert (await run(Watched(sql, for_a_moment), steps.fill, batch_size=10)).done
    assert before[2] == ([0, 10, 20, 30] if ahead else [0, 10, 20])
    assert await touched(sql) == {"1": 50}


async def test_a_step_that_begins_to_take_long_is_called_ahead_from_then_on(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_walk, "_WORTH", 1.0)
    await make_messages(sql, 80)

    async def act(place: int) -> None:
        await anyio.sleep(0.25 if place >= 40 else 0)

    steps = Steps(80, act)
    before: list[list[int]] = []

    async def for_a_moment() -> None:
        await anyio.sleep(0.05)  # so long a batch takes at least
        before.append(list(steps.calls))

    assert (await run(Watched(sql, for_a_moment), steps.fill, batch_size=10)).done
    assert [len(calls) for calls in before][2:7] == [3, 4, 5, 7, 8]
    assert await touched(sql) == {"1": 80}
    assert await ledger_is_whole(sql)


async def test_before_a_deadline_no_step_is_called_that_may_be_in_vain(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_walk, "_ROOM", math.inf)
    await make_messages(sql, 30)
    steps = Steps(30)
    before: list[list[int]] = []

    async def for_a_moment() -> None:
        await anyio.wait_all_tasks_blocked()
        before.append(list(steps.calls))

    report = await run(Watched(sql, for_a_moment), steps.fill, batch_size=10, deadline=60)
    assert report.done
    assert before == [[0], [0, 10], [0, 10, 20], [0, 10, 20]]


async def test_a_batch_is_as_slow_as_its_step_though_that_went_on_beside_another(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 1200)
    noted = step_walk.StepWalk._note

    def slow(walk: step_walk.StepWalk, shard: Any, batch: Any) -> None:
        noted(walk, shard, batch)
        walk.stepped = 100.0

    monkeypatch.setattr(step_walk.StepWalk, "_note", slow)
    monkeypatch.setattr(runner, "FIRST_OF_STEP", 1000)
    sizes: list[int] = []
    assert (await run(sql, in_python, on_progress=lambda progress: sizes.append(progress.batch_size))).done
    assert sizes[:2] == [500, 500]  # half of the first, and the last page was no full one


async def test_a_page_in_hand_that_is_too_large_by_now_is_read_anew(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 100)
    sizes = iter([40, 40, 10, 7, 100])
    monkeypatch.setattr(Sweep, "_size", lambda _: next(sizes, 100))
    seen: list[int] = []

    @backfill(table="messages", where="touched = 0", order="key", ahead=False)
    async def touch(sql: Any, batch: Batch) -> object:
        seen.append(len(batch.rows))
        return batch.update({row["id"]: {"touched": 1} for row in batch.rows})

    assert (await run(sql, touch)).changed == 100
    assert seen == [40, 40, 10, 10]


def test_it_runs_under_trio(database_url: str) -> None:
    async def main() -> None:
        async with neon(database_url) as sql:
            await make_messages(sql, 50)
            steps = Steps(50)
            assert (await run(sql, steps.fill, batch_size=10)).changed == 50
            assert steps.calls == [0, 10, 20, 30, 40]
            assert await touched(sql) == {"1": 50}

    trio.run(main)


async def test_one_that_reads_what_the_batch_before_wrote_is_not_called_ahead(sql: Database) -> None:
    await make_messages(sql, 50)

    @backfill(table="messages", where="touched = 0", order="key", ahead=False)
    async def numbered(sql: Any, batch: Batch) -> object:
        last = int(await value(sql, "select max(touched) from messages") or 0)
        return batch.update({row["id"]: {"touched": last + place} for place, row in enumerate(batch.rows, 1)})

    await run(sql, numbered, batch_size=10)
    assert await rows(sql, "select touched::text from messages order by id") == [[str(n)] for n in range(1, 51)]


@pytest.mark.parametrize(
    ("options", "says"), [({"ahead": "no"}, "not 'no'"), ({"ahead": False, "sql": "delete from page"}, "for a step")]
)
def test_ahead_is_of_a_step_and_yes_or_no(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidBackfill, match=says):
        backfill(table="messages", where="true", **options)


async def test_a_page_that_the_batch_before_changed_is_met_again_by_a_pass_that_reads_nothing_ahead(
    sql: Database,
) -> None:
    await make_messages(sql, 40)
    await execute(
        sql,
        """create function touch_all() returns trigger language plpgsql as $$
            begin
              if pg_trigger_depth() = 1 then update messages set touched = touched + 1; end if; return null;
            end$$""",
        "create trigger touching after update on messages for each statement execute function touch_all()",
    )

    @backfill(table="messages", where="body is null", order="key")
    async def bodies(sql: Any, batch: Batch) -> object:
        return batch.update({row["id"]: {"body": f"after {row['touched']}"} for row in batch.rows})

    report = await run(sql, bodies, batch_size=10)
    assert (report.state, report.passes, report.changed) == ("done", 2, 40)


async def test_a_bound_that_moved_drops_the_page_that_is_in_hand(sql: Database) -> None:
    await make_messages(sql, 100)
    stolen: list[Any] = []

    async def rob(place: int) -> None:
        if place == 30 and not stolen:
            target = await read_target(sql, steps.fill)
            (part,) = await read_shards(sql, 1)
            part = replace(part, shard=replace(part.shard, cursor=None))  # the batch before may be in, or not
            terms: dict[str, Any] = {"owner": "host:1:thief", "lease": 0.01, "checksum": steps.fill.checksum()}
            stolen.append(await steal(sql, target, 1, [part], least=1, **terms))

    steps = Steps(100, rob)
    report = await run(sql, steps.fill, batch_size=30, lease=1.0)
    assert (report.state, report.scanned, report.changed) == ("done", 100, 100)
    assert await value(sql, "select count(*) from messages where id <= $1::jsonb ->> 0", stolen[0].shard.lower) == "50"
    assert steps.calls == [0, 30, 60, 30, 50, 80]
    assert await touched(sql) == {"1": 100}


async def test_a_page_at_fault_is_read_again_in_halves_and_the_step_called_again_behind_it(sql: Database) -> None:
    await make_messages(sql, 40)
    await execute(
        sql, "update messages set body = 'bad' where id = (select id from messages order by id offset 12 limit 1)"
    )
    await execute(sql, "alter table messages add check (body is null or touched = 0)")
    steps = Steps(40)
    report = await run(sql, steps.fill, batch_size=10)
    assert (report.state, report.dead, report.changed) == ("done", 1, 39)
    assert steps.calls[:4] == [0, 10, 20, 10]
    assert steps.calls[-2:] == [20, 30]
    assert await touched(sql) == {"1": 39, "0": 1}
    assert await ledger_is_whole(sql)


async def test_after_a_long_rest_the_step_is_asked_anew(sql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_walk, "_OLD", -1.0)
    await make_messages(sql, 40)
    steps = Steps(40)
    report = await run(sql, steps.fill, batch_size=10)
    assert report.done
    assert [steps.calls.count(place) for place in (0, 20, 30)] == [1, 1, 1]
    assert steps.calls.count(10) <= 2
    assert await touched(sql) == {"1": 40}


async def test_a_step_that_is_ahead_ends_at_once_where_the_run_is_to_stop(sql: Database) -> None:
    await make_messages(sql, 40)
    ended: list[str] = []

    async def hang(place: int) -> None:
        if place == 10:
            try:
                await anyio.sleep(30)
            finally:
                ended.append("cancelled")

    steps = Steps(40, hang)
    with anyio.fail_after(10):
        report = await run(sql, steps.fill, batch_size=10, stop=lambda: bool(steps.calls[1:]))
    assert (report.state, report.here, ended) == ("stopped", 1, ["cancelled"])
    assert await touched(sql) == {"1": 10, "0": 30}
    assert await rows(sql, "select owner from sendoka.backfill_shards") == [[None]]


async def test_what_fails_ahead_is_told_when_its_batch_comes_and_the_one_before_is_in(sql: Database) -> None:
    await make_messages(sql, 40)

    async def fail(place: int) -> None:
        if place == 10:
            raise NameError("nowhere")

    with pytest.raises(BatchFailed, match="raised NameError: nowhere") as caught:
        await run(sql, Steps(40, fail).fill, batch_size=10)
    done = await value(sql, "select max(id) from messages where touched = 1")
    assert caught.value.cursor == (done,)
    assert "--accept-change" in (caught.value.todo or "")
    assert await touched(sql) == {"1": 10, "0": 30}


async def test_a_deadline_that_reaches_the_step_before_who_waits_for_it_is_no_failure_of_the_step(
    sql: Database,
) -> None:
    await make_messages(sql, 10)

    @backfill(table="messages", verify="select count(*) from messages where touched = 0", columns=["id"])
    async def sleeps(_sql: Any, _batch: Batch) -> None:
        await anyio.sleep_forever()

    loop, waits = asyncio.get_running_loop(), turn.Turn.changes

    async def just_as_it_ends(one: turn.Turn, at: Any) -> Any:
        woken: asyncio.Future[None] = loop.create_future()

        def both() -> None:
            woken.set_result(None)
            scope.cancel()

        await anyio.wait_all_tasks_blocked()
        loop.call_soon(both)
        await woken
        return await waits(one, at)

    with pytest.MonkeyPatch.context() as patch, anyio.CancelScope() as scope:
        patch.setattr(turn.Turn, "changes", just_as_it_ends)
        await run(sql, sleeps)
    assert scope.cancelled_caught
    assert await value(sql, "select state || ' ' || reason from sendoka.backfill_runs") == "stopped interrupted"
