"""Batches over a long line: more is under way at once, and nothing comes of that but speed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from sendoka import neon
from sendoka.backfills import Batch, backfill, change_walk, pause, resume, run, runner, step_walk
from sendoka.backfills.line import Line
from sendoka.backfills.pace import Pace
from tests.fixtures.backfills import (
    QUICK,
    execute,
    in_python,
    in_sql,
    ledger_is_whole,
    make_messages,
    rows,
    touched,
    value,
)
from tests.fixtures.far import Far

if TYPE_CHECKING:
    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database

AT_ONCE = 2


@pytest.fixture(autouse=True)
def _any_line_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a line count as long however slowly a busy machine works."""
    monkeypatch.setattr("sendoka.backfills.line._SHARE", 0.0)


async def test_two_batches_are_under_way_and_each_row_is_changed_once(sql: Database) -> None:
    await make_messages(sql, 200)
    far = Far(sql)
    report = await run(far, in_sql, batch_size=20)
    assert report.done
    assert far.most == AT_ONCE
    assert report.here == report.batches
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


async def test_a_batch_that_was_sent_early_sees_what_the_one_before_it_left(sql: Database) -> None:
    await execute(
        sql,
        "create table links (id bigint primary key, path text)",
        "insert into links select g from generate_series(1, 60) g",
    )
    chain = backfill(
        name="chain",
        table="links",
        where="path is null",
        sql="""update links l set path = coalesce((select b.path from links b where b.id = l.id - 4), '') || '/' || l.id
               from page where l.id = page.id""",
    )
    far = Far(sql)
    assert (await run(far, chain, batch_size=4)).done
    assert far.most == AT_ONCE
    assert await value(sql, "select path from links where id = 60") == "".join(f"/{each}" for each in range(4, 61, 4))


async def test_a_call_that_ends_has_left_nothing_under_way(sql: Database) -> None:
    await make_messages(sql, 400)
    far, scanned = Far(sql), 0

    def note(progress: Progress) -> None:
        nonlocal scanned
        scanned = progress.scanned

    report = await run(far, in_sql, batch_size=20, on_progress=note, stop=lambda: scanned > 80)
    assert (report.state, report.reason) == ("stopped", "interrupted")
    assert far.most == AT_ONCE
    count, changed = (await rows(sql, "select count(*), sum(changed) from sendoka.backfill_batches"))[0]
    assert (report.here, report.changed) == (int(count or 0), int(changed or 0))
    await anyio.sleep(0.05)
    assert await value(sql, "select count(*) from sendoka.backfill_batches") == count
    assert (await run(far, in_sql)).done
    assert await touched(sql) == {"1": 400}


async def test_answers_may_come_in_the_wrong_order(sql: Database) -> None:
    await make_messages(sql, 200)
    far, seen = Far(sql), []

    async def hold_back(number: int) -> None:
        if number % 2:
            await anyio.sleep(0.03)

    far.answered = hold_back
    report = await run(far, in_sql, batch_size=20, on_progress=lambda progress: seen.append(progress.scanned))
    assert report.done
    assert seen == sorted(seen)
    assert report.here == report.batches
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


async def test_an_answer_that_came_long_ago_says_nothing_of_how_fast_the_database_is(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 400)
    slow = replace(in_sql, sql=f"{in_sql.sql} and pg_sleep(0.0002) is not null", given_name="slow")
    far, told = Far(sql), []

    async def hold_back(number: int) -> None:
        if number % 2:
            await anyio.sleep(0.03)

    class Told(Pace):
        def note(self, rows: int, seconds: float, asked: int | None = None, *, hits: int = 0) -> None:
            told.append((rows, seconds))
            super().note(rows, seconds, asked, hits=hits)

    monkeypatch.setattr(runner, "Pace", Told)
    far.answered = hold_back
    assert (await run(far, slow, batch_size=20)).done
    assert far.most == AT_ONCE
    assert min(seconds / rows for rows, seconds in told if rows) > 0.0002


@pytest.mark.parametrize("sqlstate", ["55P03", "53300", "57014"])
async def test_a_database_that_refuses_what_is_sent_early_is_asked_less_often(sql: Database, sqlstate: str) -> None:
    await make_messages(sql, 200)
    far = Far(sql)
    far.refuses = sqlstate
    report = await run(far, in_sql, batch_size=10, retry=QUICK)
    assert (report.done, report.here, far.most) == (True, report.batches, AT_ONCE)
    assert report.retries == (far.refused if sqlstate == "57014" else 0)
    assert 0 < far.refused < report.batches / 6
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


async def test_rows_at_fault_are_left_out_one_by_one(sql: Database) -> None:
    await make_messages(sql, 200)
    odd = "org_id = 'org_3' and id > 'msg_8'"  # the first half is sane, and tells how long the line is
    await execute(sql, f"alter table messages add constraint sane check (touched = 0 or not ({odd}))")
    dead = int(await value(sql, f"select count(*) from messages where {odd}") or 0)
    far = Far(sql)
    report = await run(far, in_sql, batch_size=20)
    assert (report.done, report.dead, report.changed) == (True, dead, 200 - dead)
    assert far.most == AT_ONCE
    assert await touched(sql) == {"0": dead, "1": 200 - dead}
    assert await ledger_is_whole(sql)


async def test_nothing_is_done_while_it_is_paused(sql: Database) -> None:
    await make_messages(sql, 400)
    far, counts = Far(sql), []

    async def pause_for_a_moment(number: int) -> None:
        if number == 6:
            await pause(sql, in_sql.name)
            for _ in range(2):
                counts.append(await value(sql, "select count(*) from sendoka.backfill_batches"))
                await anyio.sleep(0.05)
            await resume(sql, in_sql.name)

    far.answered = pause_for_a_moment
    report = await run(far, in_sql, batch_size=20)
    assert (report.done, report.here) == (True, report.batches)
    assert far.most == AT_ONCE
    assert counts[0] == counts[1]
    assert await touched(sql) == {"1": 400}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize("options", [{"rate": 100_000}, {"deadline": 30}], ids=["rate", "deadline"])
async def test_no_batch_is_sent_before_its_turn_where_each_is_counted_or_may_be_the_last(
    sql: Database, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_walk, "_ROOM", 10_000)
    await make_messages(sql, 200)
    far = Far(sql)
    assert (await run(far, in_sql, batch_size=20, **options)).done
    assert far.most == 1


async def test_who_rests_between_batches_has_none_under_way_meanwhile(sql: Database) -> None:
    await make_messages(sql, 100)
    far = Far(sql, 0.006)

    def rest(_: Progress) -> None:
        time.sleep(0.15)  # the whole process does

    assert (await run(far, in_sql, batch_size=20, on_progress=rest)).done
    assert far.most == 1


async def test_the_pages_of_a_step_are_read_beside_what_is_written(sql: Database) -> None:
    await make_messages(sql, 200)
    far = Far(sql)
    assert (await run(far, in_python, batch_size=20)).done
    assert far.beside > 4
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


async def test_the_time_in_which_a_page_is_read_does_not_make_a_line_long(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 60)
    ways: list[float] = []

    class Told(Line):
        def note(self, whole: float, inside: float, work: float) -> None:
            ways.append(whole - inside)
            super().note(whole, inside, work)

    @backfill(table="messages", where="touched = 0 and pg_sleep(0.004) is not null", columns=["touched"])
    async def slow(_: Any, batch: Batch) -> object:
        return batch.update({row["id"]: {"touched": 1} for row in batch.rows})

    monkeypatch.setattr(step_walk, "Line", Told)
    assert (await run(sql, slow, batch_size=5)).changed == 60
    assert sorted(ways)[len(ways) // 2] < 0.02  # a page takes that long


async def test_a_step_that_is_never_ahead_gets_pages_from_behind_what_was_written(sql: Database) -> None:
    await make_messages(sql, 200)
    far = Far(sql)
    assert (await run(far, replace(in_python, ahead=False), batch_size=20)).done
    assert far.beside == 0


@pytest.mark.parametrize("form", [in_sql, in_python], ids=["sql", "python"])
@pytest.mark.parametrize("moment", range(0, 60, 15))
async def test_a_call_that_is_cut_off_is_gone_on_with(sql: Database, form: Backfill, moment: int) -> None:
    await make_messages(sql, 200)
    far = Far(sql)
    with anyio.move_on_after(0.05 + moment / 1000):
        await run(far, form, batch_size=10)
    assert (await run(far, form, batch_size=50)).done
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


# httpx leaves the body of a request that was cut off to the garbage collector, and trio minds.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("form", [in_sql, in_python], ids=["sql", "python"])
def test_it_goes_on_under_trio_where_it_was_cut_off(database_url: str, form: Backfill) -> None:
    async def main() -> None:
        async with neon(database_url) as sql:
            await make_messages(sql, 200)
            far, seen = Far(sql), 0
            with anyio.CancelScope() as scope:

                def cut(progress: Progress) -> None:
                    nonlocal seen
                    seen = progress.scanned
                    if seen >= 100:
                        scope.cancel()

                await run(far, form, batch_size=10, on_progress=cut)
            assert scope.cancelled_caught
            assert 100 <= seen < 200
            assert max(far.most, min(far.beside, AT_ONCE)) == AT_ONCE
            assert (await run(far, form, batch_size=10)).done
            assert await touched(sql) == {"1": 200}
            assert await ledger_is_whole(sql)

    trio.run(main)
