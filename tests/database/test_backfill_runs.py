"""A run from outside and over several calls: how it stands, who goes on with it, and what a finished one says."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.backfills.overview import list_runs
from sendoka.backfills.shards import claim
from sendoka.backfills.standing import Standing, standing_of
from sendoka.database import Statement
from sendoka.database.retry import Retry
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed
from tests.fixtures.backfills import execute, make_messages, rows, touched, value

if TYPE_CHECKING:
    from sendoka import Neon
    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database
    from sendoka.local.app import Endpoint

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"


def declared(sql: str = TOUCH, where: str | None = "touched = 0", **options: Any) -> Backfill:
    return backfill(table="messages", where=where, sql=sql, name="touch", **options)


async def touch(sql: Any, batch: Batch) -> object:
    ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))


stepped = backfill(table="messages", where="touched = 0", name="touch")(touch)


async def standing(sql: Database) -> Standing:
    ((found, _, activity),) = await list_runs(sql)
    return standing_of(found, activity)


async def do_batches(sql: Database, fill: Backfill, count: int) -> None:
    answers = iter([False] * count + [True])
    report = await run(sql, fill, batch_size=10, stop=lambda: next(answers))
    assert (report.reason, report.here, report.left) == ("interrupted", count, None)


# ------------------------------------------------------------------ finished


async def test_a_finished_one_counts_what_is_to_be_done_again_and_again_does_it(sql: Database) -> None:
    await make_messages(sql, 50)
    await run(sql, declared())
    await execute(sql, "update messages set touched = 0 where org_id = 'org_1'")
    seen = await run(sql, declared())
    assert (seen.was_done, seen.left, seen.run, seen.script_changed) == (True, 5, 1, False)
    redone = await run(sql, declared(), again=True)
    assert (redone.was_done, redone.done, redone.run, redone.changed) == (False, True, 2, 5)
    assert await touched(sql) == {"1": 50}
    kept = await rows(sql, "select number::text, state from sendoka.backfill_runs order by 1")
    assert kept == [["1", "done"], ["2", "done"]]
    quiet = await run(sql, declared(), again=True)
    assert (quiet.was_done, quiet.left, quiet.run) == (True, 0, 2)


async def test_two_that_start_again_at_once_share_one_new_run(sql: Database) -> None:
    await make_messages(sql, 100)
    await run(sql, declared())
    await execute(sql, "update messages set touched = 0")
    await asyncio.gather(*(run(sql, declared(), again=True, batch_size=10) for _ in range(3)))
    assert await touched(sql) == {"1": 100}
    assert await value(sql, "select max(number)::text from sendoka.backfill_runs") == "2"


async def test_a_finished_one_says_that_its_script_changed_and_bears_a_table_that_is_gone(sql: Database) -> None:
    await make_messages(sql, 10)
    await run(sql, declared())
    await execute(sql, "update sendoka.backfill_runs set checksum = 'of an older script'", "drop table messages")
    seen = await run(sql, declared())
    assert (seen.was_done, seen.script_changed, seen.left) == (True, True, None)


async def test_counts_are_those_of_all_shards(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, declared(), 1)
    await execute(
        sql,
        "insert into sendoka.backfill_shards (run, shard, state, seq, scanned, paged, changed)"
        " values (1, 1, 'scanned', 3, 100, 90, 80)",
    )
    ((_, totals, _),) = await list_runs(sql)
    assert (totals.state, totals.seq, totals.scanned, totals.paged, totals.changed) == ("running", 4, 110, 100, 90)
    report = await run(sql, declared(), batch_size=10)
    assert (report.done, report.scanned, report.changed) == (True, 130, 110)


# ------------------------------------------------------------------ how it stands


async def test_one_that_was_stopped_says_why(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, declared(), 1)
    assert (await standing(sql)).state == "stopped"
    assert (await standing(sql)).reason == "interrupted"


@pytest.mark.parametrize("form", [declared(), stepped], ids=["sql", "python"])
async def test_one_that_failed_says_what_was_said(sql: Database, form: Backfill) -> None:
    await make_messages(sql, 30)
    await execute(sql, "alter table messages add check (touched = 0) not valid")
    with pytest.raises(BatchFailed):
        await run(sql, form)
    found = await standing(sql)
    assert found.state == "failed"
    assert "(23514)" in found.reason


async def test_one_that_goes_on_says_who_runs_it(sql: Database) -> None:
    await make_messages(sql, 30)
    slow = declared(TOUCH + " and pg_sleep(0.02) is not null", verify="select count(*) from messages where touched = 0")
    going = asyncio.create_task(run(sql, slow, batch_size=5))
    await asyncio.sleep(0.3)
    found = await standing(sql)
    await going
    assert (found.state, found.runner) == ("running", f"process {os.getpid()} on {socket.gethostname()}")


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ("runner = '{host}:{dead}:x'", "stopped", "process {dead} on {host} ended without a word"),
        ("runner = '{host}:{alive}:x'", "running", ""),
        ("runner = 'elsewhere:1:x'", "running", ""),
        (
            "runner = '{host}:{dead}:x', reason = 'it runs between 01:00-05:00 UTC only'",
            "stopped",
            "process {dead} on {host} ended without a word, while it waited: it runs between 01:00-05:00 UTC only",
        ),
        (
            "runner = 'elsewhere:1:x', noted_at = now() - interval '2 min'",
            "stopped",
            "nothing was heard of process 1 on",
        ),
    ],
)
async def test_one_that_was_killed_is_not_called_running(sql: Database, change: str, state: str, reason: str) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, declared(), 1)
    facts = {"host": socket.gethostname(), "dead": dead_process(), "alive": os.getpid()}
    await execute(
        sql,
        "update sendoka.backfill_shards set updated_at = now() - interval '2 min'",
        f"update sendoka.backfill_runs set state = 'running', {change.format(**facts)}",
    )
    found = await standing(sql)
    assert found.state == state
    assert found.reason.startswith(reason.format(**facts))


async def test_a_batch_since_the_last_note_shows_that_another_goes_on(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, declared(), 1)
    await execute(sql, "update sendoka.backfill_shards set updated_at = clock_timestamp()")
    assert (await standing(sql)).state == "running"


def dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


# ------------------------------------------------------------------ corrected scripts


@pytest.mark.parametrize("form", ["sql", "python"])
async def test_a_script_corrected_before_its_first_batch_goes_on_without_a_word(sql: Database, form: str) -> None:
    await make_messages(sql, 30)
    with pytest.raises(BatchFailed) as caught:
        await run(sql, declared(TOUCH.replace("touched + 1", "tuched + 1")))
    assert "--accept-change" not in caught.value.todo
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"
    await run(sql, declared(), stop=lambda: True)
    await execute(sql, "update sendoka.backfill_runs set checksum = 'of the typo'")
    assert (await run(sql, declared() if form == "sql" else stepped)).done
    assert await value(sql, "select former_checksums::text from sendoka.backfill_runs") == '{"of the typo"}'


async def test_a_failure_after_the_first_batch_names_the_flag(sql: Database) -> None:
    await make_messages(sql, 40)
    poisoned = await value(sql, "select id from messages order by id offset 25 limit 1")
    await execute(sql, f"alter table messages add check (id <> '{poisoned}' or touched = 0)")
    with pytest.raises(BatchFailed) as caught:
        await run(sql, declared(), batch_size=10, max_dead=0)
    assert "--accept-change" in caught.value.todo
    await execute(sql, "update sendoka.backfill_runs set checksum = 'older'")
    with pytest.raises(BackfillChanged):
        await run(sql, declared(), batch_size=10)


async def test_a_column_that_does_not_exist_says_what_to_do(sql: Database) -> None:
    await make_messages(sql, 3)

    async def wrong(sql: Any, batch: Batch) -> object:
        return batch.update({batch.rows[0]["id"]: {"tuched": 1}})

    with pytest.raises(BackfillError, match="has no column 'tuched'") as caught:
        await run(sql, backfill(table="messages", where="touched = 0", name="touch")(wrong))
    assert caught.value.todo == "did you mean 'touched'?"


# ------------------------------------------------------------------ waiting


async def test_stop_is_asked_while_it_waits_for_a_lease_and_no_batch_is_done(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, stepped, 1)
    await claim(sql, 1, 0, owner="host:1:dead", lease=30)
    waits: list[Progress] = []
    began = time.monotonic()
    report = await run(sql, stepped, batch_size=10, on_progress=waits.append, stop=lambda: len(waits) > 0)
    assert time.monotonic() - began < 2
    assert (report.reason, report.here) == ("interrupted", 0)
    assert await touched(sql) == {"1": 10, "0": 20}
    assert waits[0].waiting == "process 1 on host holds it"
    assert waits[0].waiting_left == pytest.approx(30, abs=2)


async def test_what_a_dead_process_of_this_host_holds_is_taken_over_at_once(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, stepped, 1)
    dead = dead_process()
    held = await claim(sql, 1, 0, owner=f"{socket.gethostname()}:{dead}:x", lease=30)
    assert held is not None
    waits: list[Progress] = []
    report = await run(sql, stepped, batch_size=10, on_progress=waits.append)
    assert report.done
    assert report.seconds < 3
    assert waits[0].waiting == f"process {dead} on {socket.gethostname()} does not exist any more; taking over"
    assert await value(sql, "select max(epoch)::text from sendoka.backfill_batches") == str(held.epoch + 1)


async def test_waiting_for_a_lease_does_not_count_as_work(sql: Database) -> None:
    await make_messages(sql, 30)
    await do_batches(sql, stepped, 1)
    await claim(sql, 1, 0, owner="host:1:dead", lease=1.5)
    seen: list[Progress] = []
    await run(sql, stepped, batch_size=10, on_progress=seen.append)
    first = next(progress for progress in seen if not progress.waiting)
    assert first.rate is not None
    assert first.rate > 10 / 1.0


async def test_a_runner_that_only_waited_says_so(sql: Database) -> None:
    await make_messages(sql, 60)

    async def slow(sql: Any, batch: Batch) -> object:
        await asyncio.sleep(0.1)
        return await touch(sql, batch)

    fill = backfill(table="messages", where="touched = 0", name="touch")(slow)
    holder = asyncio.create_task(run(sql, fill, batch_size=20))
    await asyncio.sleep(0.15)
    waiter = await run(sql, fill, batch_size=20)
    first = await holder
    assert (first.here, first.batches) == (4, 4)
    assert (waiter.done, waiter.here, waiter.batches) == (True, 0, 4)


async def test_waits_before_there_is_a_run_are_told(sql: Neon, endpoint: Endpoint) -> None:
    await make_messages(sql, 10)
    endpoint.faults.add("cut_before", match="sendoka.backfill_runs")
    seen: list[Progress] = []
    report = await run(sql, declared(), on_progress=seen.append, retry=Retry(attempts=5, first=0.01, longest=0.01))
    assert report.done
    assert seen[0].waiting
    assert (seen[0].scanned, seen[0].total) == (0, None)


# ------------------------------------------------------------------ deadlines


@pytest.mark.parametrize("fixed", [None, 50])
async def test_every_call_gets_something_done_however_short_its_deadline(sql: Database, fixed: int | None) -> None:
    await make_messages(sql, 60)
    nothing = backfill(table="orgs", verify="select 0", sql="delete from orgs using page where false", name="nothing")
    await run(sql, nothing)  # makes our tables
    slow = declared(TOUCH + " and pg_sleep(0.01) is not null")
    before = 0
    for _ in range(3):
        report = await run(sql, slow, batch_size=fixed, deadline=0.5)
        if report.done:
            break
        assert report.here > 0
        assert report.changed > before
        before = report.changed
    assert set(await touched(sql)) <= {"0", "1"}


async def test_a_deadline_that_not_even_a_small_batch_fits_makes_the_next_one_smaller(sql: Database) -> None:
    await make_messages(sql, 30)
    slow = declared(TOUCH + " and pg_sleep(0.1) is not null")
    calls = []
    for _ in range(4):
        report = await run(sql, slow, deadline=0.5)
        calls.append(report.here)
    assert calls[0] == 0
    assert min(calls[2:]) > 0
    assert set(await touched(sql)) <= {"0", "1"}
