"""Runs by a fleet of dask: a shard a task, every row once, whatever becomes of workers, scheduler and driver."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from sendoka import neon
from sendoka.backfills import cancel, pause, resume, run
from sendoka.backfills import fleet as fleets
from sendoka.backfills.bundle import bundled
from sendoka.backfills.errand import Errand, Order, Trip
from sendoka.backfills.pace import Pace
from sendoka.backfills.parcel import Contents, sealed
from sendoka.backfills.scheduler import connected
from sendoka.backfills.scripts import load
from sendoka.backfills.stealing import steal
from sendoka.backfills.terms import Terms
from sendoka.errors import BatchFailed, FleetFailed, InvalidBackfill, SendokaError
from tests.fixtures.backfill_project import PACE, TOUCH, set_pace
from tests.fixtures.backfills import (
    FORMS,
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
from tests.fixtures.fleet import small
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills import Backfill
    from sendoka.http.client import Neon

HELD = "select count(*) from sendoka.backfill_shards where owner is not null"

SLOW_STEP = '''"""Touch every message, slowly."""
import asyncio

from sendoka.backfills import Batch, backfill


@backfill(table="messages", verify="select count(*) from messages where touched = 0", columns=["id"])
async def touch(sql, batch: Batch):
    ((seconds,),) = await sql("select seconds from pace")
    await asyncio.sleep(seconds * len(batch.rows))
    return sql("update messages set touched = touched + 1 where id = any($1)", batch.keys)
'''
SCRIPTS = {"sql": TOUCH.format(name="touch", sleep=PACE), "python": SLOW_STEP}


@pytest.fixture
def slow(request: pytest.FixtureRequest, tmp_path: Path) -> Backfill:
    """A backfill that takes as long for a row as `set_pace` said last, in SQL unless it is parametrized."""
    text = SCRIPTS[getattr(request, "param", "sql")]
    (tmp_path / "2026_04_22_touch.py").write_text(text, encoding="utf-8")
    return load(tmp_path, "touch")


BOTH = pytest.mark.parametrize("slow", list(SCRIPTS), indirect=True)


async def begun(sql: Neon, batches: int = 1) -> None:
    """Wait for so many batches."""
    for text in ("to_regclass('sendoka.backfill_batches')", f"(select {batches} < count(*) or null from pg_class)"):
        while await value(sql, f"select {text}") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    while int(await value(sql, "select count(*) from sendoka.backfill_batches") or 0) < batches:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def at_work(sql: Neon) -> list[int]:
    """Return the processes that hold shards."""
    found = await rows(sql, "select distinct split_part(owner, ':', 2) from sendoka.backfill_shards where owner > ''")
    return [int(str(number)) for (number,) in found]


@FORMS
async def test_a_fleet_changes_every_row_once_a_shard_a_task(sql: Neon, fleet: Any, form: Backfill) -> None:
    await make_messages(sql, 200)
    told: list[Any] = []
    report = await run(sql, form, batch_size=9, shards=5, dask=fleet.scheduler_address, on_progress=told.append)
    assert (report.state, report.scanned, report.changed, report.passes) == ("done", 200, 200, 1)
    assert report.here == report.batches
    assert (told[-1].scanned, told[-1].changed, told[-1].batch_size) == (200, 200, 9)
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)
    assert await value(sql, HELD) == "0"
    assert (await run(sql, form, dask=fleet)).was_done


@BOTH
@pytest.mark.parametrize("number", range(SOAK))
async def test_a_worker_that_is_killed_at_a_batch_is_replaced_by_another(
    sql: Neon, fleet: Any, slow: Backfill, number: int
) -> None:
    await make_messages(sql, 120 * min(SOAK, 10))
    await set_pace(sql, 0.01)
    dice, killed = random.Random(number), set[int]()
    # Such a lease does not run out here: who goes on has it from the one that died.
    going = asyncio.create_task(run(sql, slow, batch_size=6, shards=4, lease=600, dask=fleet))
    for kill in range(1 if SOAK == 1 else 2):
        await begun(sql, 4 * (kill + 1))
        while not going.done() and not (pids := set(await at_work(sql)) - killed):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if not going.done():
            victim = dice.choice(sorted(pids))
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
    report = await asyncio.wait_for(going, 60)
    assert report.done
    assert await touched(sql) == {"1": 120 * min(SOAK, 10)}
    assert await ledger_is_whole(sql)
    assert await value(sql, HELD) == "0"


@pytest.mark.skipif(SOAK == 1, reason="another worker that has to be started again")
async def test_a_shard_of_which_every_worker_dies_is_given_up(
    sql: Neon, fleet: Any, slow: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet.scheduler, "allowed_failures", 0)
    await make_messages(sql, 120)
    await set_pace(sql, 0.01)
    going = asyncio.create_task(run(sql, slow, batch_size=6, shards=2, dask=fleet))
    await begun(sql)
    os.kill((await at_work(sql))[0], signal.SIGKILL)
    with pytest.raises(FleetFailed, match=r"every worker that was given the shard \d died of it") as caught:
        await going
    assert "logs of the workers, for memory above all" in caught.value.todo


def test_a_fleet_is_driven_from_trio_too(database_url: str) -> None:
    async def go() -> dict[str, int]:
        async with neon(database_url) as sql:
            await make_messages(sql, 60)
            assert (await run(sql, in_python, batch_size=9, shards=3, dask=cluster)).done
            return await touched(sql)

    with small() as cluster:
        assert trio.run(go) == {"1": 60}


@FORMS
async def test_two_errands_for_one_shard_change_every_row_once(sql: Neon, form: Backfill, tmp_path: Path) -> None:
    await make_messages(sql, 120)
    await run(sql, form, shards=2, stop=lambda: True)
    number = int(await value(sql, "select id from sendoka.backfill_runs") or 0)
    contents = Contents(sql, bundled(form), Terms(batch_size=5, lease=600), number, "me", None)
    parcel, pace = sealed(form.name, "mark", contents), Pace(5, fixed=True)
    errands = [Trip(parcel, Errand(shard, None, pace), Order(), lambda _: None) for shard in (0, 1, 0, 1, 0)]
    accounts = await asyncio.gather(*(errand.go(tmp_path) for errand in errands))
    assert [account.error for account in accounts] == [None] * 5
    assert (await run(sql, form)).done
    assert await touched(sql) == {"1": 120}
    assert await ledger_is_whole(sql)


async def test_a_step_that_never_awaits_in_a_fleet_is_warned_of_once(sql: Neon, fleet: Any, tmp_path: Path) -> None:
    text = SLOW_STEP.replace('((seconds,),) = await sql("select seconds from pace")', "import time")
    text = text.replace("await asyncio.sleep(seconds * len(batch.rows))", "time.sleep(0.03)")
    (tmp_path / "2026_04_22_touch.py").write_text(text, encoding="utf-8")
    await make_messages(sql, 30)
    told: list[str] = []
    report = await run(
        sql,
        load(tmp_path, "touch"),
        batch_size=10,
        shards=3,
        step_timeout=0.02,
        dask=fleet,
        on_progress=lambda progress: told.extend(progress.warnings),
    )
    (warning,) = told
    assert warning.startswith("the step touch took longer than 0.02 s and could not be ended")
    assert report.done
    assert report.warnings == (warning,)


async def test_it_is_stopped_after_a_batch_and_gone_on_with_without_dask(sql: Neon, fleet: Any, slow: Backfill) -> None:
    await make_messages(sql, 120)
    await set_pace(sql, 0.01)
    asked: list[bool] = []
    going = asyncio.create_task(run(sql, slow, batch_size=6, shards=4, dask=fleet, stop=lambda: bool(asked)))
    await begun(sql)
    asked.append(True)
    report = await going
    assert (report.state, report.reason) == ("stopped", "interrupted")
    assert 0 < report.here < 20
    assert await value(sql, HELD) == "0"
    await set_pace(sql, 0)
    assert (await run(sql, slow)).done
    assert await touched(sql) == {"1": 120}
    assert await ledger_is_whole(sql)


async def test_a_call_that_is_cancelled_gives_back_what_its_workers_hold(sql: Neon, fleet: Any, slow: Backfill) -> None:
    await make_messages(sql, 60)
    await set_pace(sql, 0.05)
    going = asyncio.create_task(run(sql, slow, batch_size=10, shards=2, lease=600, dask=fleet))
    await begun(sql)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert await value(sql, HELD) == "0"
    assert await rows(sql, "select state, reason from sendoka.backfill_runs") == [["stopped", "interrupted"]]
    await set_pace(sql, 0)
    assert (await run(sql, slow, dask=fleet)).done
    assert await touched(sql) == {"1": 60}


async def test_an_errand_ends_after_its_batch_where_who_sent_it_is_gone(sql: Neon, slow: Backfill) -> None:
    await make_messages(sql, 120)
    await set_pace(sql, 0.04)
    await run(sql, slow, shards=1, stop=lambda: True)
    number = int(await value(sql, "select id from sendoka.backfill_runs") or 0)
    parcel = sealed("touch", "mark", Contents(sql, bundled(slow), Terms(batch_size=5, lease=600), number, "me", None))
    with small() as cluster:
        scheduler = await connected(cluster)
        sent = scheduler.send(parcel, Errand(0, None, Pace(5, fixed=True)))
        await begun(sql)
        await scheduler.close()
        async with asyncio.timeout(10):
            while await value(sql, HELD) != "0":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    del sent
    assert int(await value(sql, "select count(*) from sendoka.backfill_batches") or 0) < 20
    await set_pace(sql, 0)
    assert (await run(sql, slow)).done
    assert await touched(sql) == {"1": 120}


async def test_a_deadline_holds_for_the_whole_fleet(sql: Neon, fleet: Any, slow: Backfill) -> None:
    await make_messages(sql, 120)
    await set_pace(sql, 0.02)
    report = await run(sql, slow, batch_size=5, shards=3, dask=fleet, deadline=1)
    assert (report.state, report.reason) == ("stopped", "deadline")
    assert report.seconds < 3.5
    assert await value(sql, HELD) == "0"


async def test_a_shard_stolen_as_the_deadline_came_is_given_back(
    sql: Neon, fleet: Any, slow: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    stolen = []

    async def then_hangs(*args: Any, **options: Any) -> None:
        stolen.append(await steal(*args, **options))
        await asyncio.sleep(60)

    monkeypatch.setattr("sendoka.backfills.fleet.steal", then_hangs)
    await make_messages(sql, 240)
    await set_pace(sql, 0.02)
    report = await run(sql, slow, batch_size=5, shards=1, dask=fleet, deadline=4)
    assert (report.state, len(stolen)) == ("stopped", 1)
    assert stolen[0] is not None
    assert await value(sql, HELD) == "0"


async def test_a_pause_holds_for_the_fleet_and_a_cancel_ends_it(sql: Neon, fleet: Any, slow: Backfill) -> None:
    await make_messages(sql, 120)
    await set_pace(sql, 0.01)
    waits = asyncio.Event()

    def told(progress: Any) -> None:
        if "it is paused" in progress.waiting:
            waits.set()

    going = asyncio.create_task(run(sql, slow, batch_size=5, shards=3, dask=fleet, on_progress=told))
    await begun(sql)
    await pause(sql, "touch")
    before = await touched(sql)
    await asyncio.wait_for(waits.wait(), 20)
    assert await touched(sql) == before
    await resume(sql, "touch")
    await begun(sql, int(await value(sql, "select count(*) from sendoka.backfill_batches") or 0) + 1)
    await cancel(sql, "touch")
    assert (await going).state == "cancelled"
    assert "0" in await touched(sql)


async def test_dead_letters_are_kept_and_their_threshold_ends_the_run(sql: Neon, fleet: Any) -> None:
    await make_messages(sql, 200)
    await execute(sql, "alter table messages add check (touched = 0 or org_id <> 'org_7')")
    terms = {"batch_size": 10, "shards": 4, "retry": QUICK, "dask": fleet}
    with pytest.raises(BatchFailed, match="rows failed, which is more than it may leave out") as caught:
        await run(sql, in_sql, max_dead=7, **terms)
    assert "on the worker tcp://127.0.0.1:" in caught.value.where
    assert await value(sql, HELD) == "0"
    assert await value(sql, "select state from sendoka.backfill_runs") == "failed"
    report = await run(sql, in_sql, max_dead=20, **terms)
    assert (report.state, report.dead, report.changed) == ("done", 20, 180)
    assert await ledger_is_whole(sql)


async def test_a_rate_is_that_of_all_workers_together(sql: Neon, fleet: Any) -> None:
    await make_messages(sql, 90)
    report = await run(sql, in_sql, batch_size=15, shards=6, rate=60, dask=fleet)
    assert report.done
    assert 1.2 < report.seconds < 6


async def test_what_is_left_of_a_shard_is_split_for_workers_without_one(sql: Neon, fleet: Any, slow: Backfill) -> None:
    await make_messages(sql, 150)
    await set_pace(sql, 0.015)
    assert (await run(sql, slow, batch_size=5, shards=1, dask=fleet)).done
    assert int(await value(sql, "select count(*) from sendoka.backfill_shards") or 0) > 1
    assert int(await value(sql, "select count(distinct shard) from sendoka.backfill_batches") or 0) > 1
    assert await touched(sql) == {"1": 150}


async def test_a_scheduler_that_is_lost_leaves_a_run_that_goes_on_without_it(sql: Neon, slow: Backfill) -> None:
    await make_messages(sql, 60)
    await set_pace(sql, 0.02)
    with small() as cluster:
        going = asyncio.create_task(run(sql, slow, batch_size=5, shards=2, lease=0.3, dask=cluster))
        await begun(sql)
    with pytest.raises(FleetFailed, match=r"scheduler of dask at .* was lost") as caught:
        await going
    assert "with --dask (dask=) or without: it goes on where it stands" in caught.value.todo
    await set_pace(sql, 0)
    assert (await run(sql, slow, lease=0.3)).done
    assert await touched(sql) == {"1": 60}
    assert await ledger_is_whole(sql)


async def test_a_fleet_without_workers_is_waited_for_and_then_given_up(
    sql: Neon, slow: Backfill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleets, "_ALONE", 0.5)
    await make_messages(sql, 60)
    await set_pace(sql, 0.02)
    told: list[str] = []
    with small() as cluster:
        going = asyncio.create_task(
            run(sql, slow, batch_size=5, shards=2, dask=cluster, on_progress=lambda each: told.append(each.waiting))
        )
        await begun(sql)
        cluster.scale(0)
        with pytest.raises(FleetFailed, match=r"all workers of the scheduler at .* are gone"):
            await going
    assert "no worker of the fleet is there" in told


async def test_a_worker_that_lacks_what_a_script_imports_says_what_it_lacks(
    sql: Neon, fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 6)
    (tmp_path / "only_here_xyz.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "backfill"
    folder.mkdir()
    text = "import only_here_xyz\n" + TOUCH.format(name="touch", sleep=0).partition('"""\n')[2]
    (folder / "2026_04_22_touch.py").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidBackfill, match=r"touch\.py, line 1 cannot be imported: ModuleNotFoundError") as caught:
        await run(sql, load(folder, "touch"), dask=fleet)
    assert "on the worker tcp://" in caught.value.where
    assert "install the rest where the workers run" in caught.value.todo
    assert await touched(sql) == {"0": 6}


async def test_workers_with_another_version_are_refused_before_anything_runs(
    sql: Neon, fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendoka.backfills.scheduler.__version__", "9.9.9")
    with pytest.raises(FleetFailed, match=r"2 of 2 workers have not the sendoka 9\.9\.9 that drives them") as caught:
        await run(sql, in_sql, dask=fleet)
    assert "has sendoka 0." in caught.value.where
    assert 'pip install "sendoka[dask]==9.9.9"' in caught.value.todo
    assert await value(sql, "select to_regclass('sendoka.backfill_runs')") is None


async def test_a_worker_that_came_later_with_another_version_refuses_too_and_shows_no_secret(
    sql: Neon, fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 6)
    monkeypatch.setattr("sendoka.backfills.parcel.__version__", "9.9.9")
    with pytest.raises(FleetFailed, match=r"and the parcel is of 9\.9\.9"):
        await run(sql, in_sql, dask=fleet)
    assert await touched(sql) == {"0": 6}
    # dask writes a task that failed into its log, with what it was given.
    with fleet.get_client() as client:
        logs = str(client.get_worker_logs()) + str(client.get_scheduler_logs())
    assert "Compute Failed" in logs
    for secret in (sql.target.connection_string, f":{sql.target.login.password}@"):
        assert secret not in logs


@pytest.mark.parametrize("dask", ["tcp://127.0.0.1:9", "127.0.0.1:9"])
async def test_a_scheduler_that_does_not_answer_is_named(sql: Neon, dask: str, impatient: None) -> None:
    with pytest.raises(FleetFailed, match=rf"no scheduler of dask answers at {dask} within 0\.3 s") as caught:
        await run(sql, in_sql, dask=dask)
    assert caught.value.exit_code == 3
    assert await value(sql, "select to_regclass('sendoka.backfill_runs')") is None


async def test_a_scheduler_without_workers_is_named(sql: Neon, impatient: None) -> None:
    with small(workers=0) as cluster, pytest.raises(FleetFailed, match="has no workers") as caught:
        await run(sql, in_sql, dask=cluster)
    assert isinstance(caught.value, SendokaError)
    assert "dask worker " in caught.value.todo
