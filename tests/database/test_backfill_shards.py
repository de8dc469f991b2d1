"""Runs in several shards, by one or more workers of one or more calls: every row once, and one end for all."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from sendoka.backfills import cancel, pause, resume, run
from sendoka.errors import BatchFailed, InvalidBackfill
from tests.fixtures.backfills import (
    FORMS,
    QUICK,
    Unreliable,
    execute,
    in_sql,
    ledger_is_whole,
    make_messages,
    rows,
    touched,
    value,
)

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database


async def shards_of(sql: Database) -> int:
    return int(await value(sql, "select count(*) from sendoka.backfill_shards") or 0)


async def begun(sql: Database) -> None:
    """Wait for the first batch."""
    for text in ("to_regclass('sendoka.backfill_batches')", "(select max(seq) from sendoka.backfill_batches)"):
        while await value(sql, f"select {text}") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@FORMS
@pytest.mark.parametrize(("workers", "shards"), [(1, 5), (3, 5), (3, None), (4, 2)])
async def test_every_row_is_changed_once_however_many_workers_there_are(
    sql: Database, form: Backfill, workers: int, shards: int | None
) -> None:
    await make_messages(sql, 200)
    report = await run(sql, form, batch_size=9, workers=workers, shards=shards)
    assert (report.state, report.scanned, report.changed, report.passes) == ("done", 200, 200, 1)
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)
    assert await shards_of(sql) == len(report.shards) >= (shards or 1)
    assert sum(shard.scanned for shard in report.shards) == 200
    assert {(shard.state, shard.holder, shard.rate) for shard in report.shards} == {("scanned", "", None)}
    assert await value(sql, "select count(*) from sendoka.backfill_shards where owner is not null") == "0"


@FORMS
async def test_calls_share_a_run_and_a_later_one_goes_on_with_its_shards(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 200)
    asked = iter([False] * 8 + [True] * 100)
    first = await run(sql, form, batch_size=5, workers=2, shards=6, stop=lambda: next(asked))
    assert (first.state, first.reason) == ("stopped", "interrupted")
    both = await asyncio.gather(*(run(sql, form, batch_size=5, workers=2, shards=3) for _ in range(2)))
    assert [report.state for report in both] == ["done", "done"]
    assert first.here + sum(report.here for report in both) == both[0].batches
    assert await value(sql, "select count(*) from sendoka.backfill_runs") == "1"
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


@FORMS
async def test_two_that_open_a_run_at_once_get_the_same_shards(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 120)
    reports = await asyncio.gather(*(run(sql, form, batch_size=50, shards=number) for number in (3, 4)))
    assert all(report.done for report in reports)
    assert await shards_of(sql) in {3, 4}
    assert await touched(sql) == {"1": 120}


@FORMS
@pytest.mark.parametrize(("count", "expected"), [(0, 1), (1, 1), (3, 3), (40, 8)])
async def test_there_are_no_more_shards_than_rows(sql: Database, form: Backfill, count: int, expected: int) -> None:
    await make_messages(sql, count)
    assert (await run(sql, form, shards=8)).scanned == count
    assert await shards_of(sql) == expected


@pytest.mark.parametrize(("options", "word"), [({"workers": 0}, "workers"), ({"shards": 0}, "shards")])
async def test_no_workers_and_no_shards_are_refused(sql: Database, options: dict[str, int], word: str) -> None:
    await make_messages(sql, 3)
    with pytest.raises(InvalidBackfill, match=f"{word} is 1 or more"):
        await run(sql, in_sql, **options)  # type: ignore[arg-type]
    assert await value(sql, "select to_regclass('sendoka.backfill_runs')") is None


@FORMS
@pytest.mark.parametrize("seed", range(2))
async def test_rivals_with_workers_that_die_at_random_change_every_row_once(
    sql: Database, form: Backfill, seed: int
) -> None:
    await make_messages(sql, 250)
    dice, ghosts = random.Random(seed), []

    async def live_and_die(number: int) -> bool:
        unreliable = Unreliable(sql, seed * 100 + number, share=0.2)
        ghosts.append(unreliable)
        # Lives grow, or on a busy machine none would be long enough for a batch.
        with anyio.move_on_after(dice.uniform(0.05, 0.3) * (1 + number / 20)):
            workers = dice.choice([1, 2, 3])
            return (await run(unreliable, form, batch_size=6, lease=0.2, retry=QUICK, workers=workers, shards=5)).done
        return False

    for round_number in range(100):
        if any(await asyncio.gather(*(live_and_die(round_number * 2 + place) for place in range(2)))):
            break
    await asyncio.gather(*(unreliable.settle() for unreliable in ghosts))
    assert (await run(sql, form)).was_done
    assert await touched(sql) == {"1": 250}
    assert await ledger_is_whole(sql)


@FORMS
async def test_the_first_error_stops_all_workers_and_is_raised_as_it_is(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 200)
    await execute(sql, "alter table messages add check (touched = 0 or org_id <> 'org_7')")
    with pytest.raises(BatchFailed, match="violates check"):
        await run(sql, form, batch_size=10, workers=3, shards=6, max_dead=0)
    assert await value(sql, "select state from sendoka.backfill_runs") == "failed"
    assert await value(sql, "select count(*) from sendoka.backfill_shards where owner is not null") == "0"


@FORMS
async def test_a_threshold_counts_over_all_shards(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 200)
    await execute(sql, "alter table messages add check (touched = 0 or org_id <> 'org_7')")
    with pytest.raises(BatchFailed, match="rows failed, which is more than it may leave out"):
        await run(sql, form, batch_size=10, workers=4, shards=4, max_dead=7, retry=QUICK)
    assert int(await value(sql, "select count(*) from sendoka.dead_letters") or 0) <= 7
    report = await run(sql, form, batch_size=10, workers=4, max_dead=20, retry=QUICK)
    assert (report.state, report.dead, report.changed) == ("done", 20, 180)
    assert [shard.scanned - shard.changed for shard in report.shards] == [shard.dead for shard in report.shards]
    assert await ledger_is_whole(sql)


@FORMS
async def test_a_pause_holds_for_all_workers(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 120)
    waiting = asyncio.Event()

    def told(progress: Any) -> None:
        if "paused" in progress.waiting:
            waiting.set()

    going = asyncio.create_task(run(sql, form, batch_size=3, workers=3, shards=5, on_progress=told))
    await begun(sql)
    await pause(sql, form.name)
    before = await touched(sql)
    await waiting.wait()
    assert await touched(sql) == before
    assert before.get("0")
    await resume(sql, form.name)
    assert (await going).done
    assert await touched(sql) == {"1": 120}


@FORMS
async def test_a_cancel_ends_all_workers(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 300)

    async def cancel_soon() -> None:
        await begun(sql)
        await cancel(sql, form.name)

    report, _ = await asyncio.gather(run(sql, form, batch_size=3, workers=3, shards=5), cancel_soon())
    assert report.state == "cancelled"
    assert "0" in await touched(sql)


@FORMS
async def test_a_deadline_holds_for_all_workers(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 90)
    report = await run(sql, form, deadline=0.3, batch_size=1, workers=3, shards=4)
    assert (report.state, report.reason) == ("stopped", "deadline")
    assert (await run(sql, form, workers=3)).done
    assert await touched(sql) == {"1": 90}


@FORMS
async def test_rows_behind_a_cursor_are_found_by_another_pass_of_all_shards(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 60)
    late = replace(form, where="touched = 0", verify=None, given_name="late")
    stops = iter([False] * 8 + [True] * 9)
    await run(sql, late, batch_size=4, workers=2, shards=4, stop=lambda: next(stops))
    await execute(sql, "update sendoka.backfill_shards set state = 'scanned', cursor = upper where shard = 3")
    report = await run(sql, late, batch_size=4, workers=2)
    assert (report.state, report.passes) == ("done", 2)
    assert await touched(sql) == {"1": 60}
    assert await value(sql, "select count(distinct pass) from sendoka.backfill_shards") == "1"


async def test_a_changed_script_that_walks_otherwise_makes_one_shard_of_all(sql: Database) -> None:
    await make_messages(sql, 60)
    old = replace(in_sql, module="", given_name="in_sql")
    await run(sql, old, shards=5, stop=lambda: True)
    other = replace(old, key=("created_at", "id"))
    assert (await run(sql, other, batch_size=7)).done
    assert await rows(sql, "select lower::text, upper::text from sendoka.backfill_shards") == [[None, None]]
    assert await touched(sql) == {"1": 60}
