"""Runs that are paused, resumed and cancelled from elsewhere, and what is kept of who did what."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from sendoka.backfills import Batch, Switched, backfill, cancel, opening, pause, resume, run, verify
from sendoka.backfills.events import events_of
from sendoka.backfills.overview import list_runs
from sendoka.backfills.standing import standing_of
from sendoka.bookkeeping import operator
from sendoka.database import Database, Statement
from sendoka.database.retry import Retry
from sendoka.database.transaction import DEFAULT
from sendoka.errors import BackfillError, UnknownBackfill
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Cells, Result, TransactionOptions

T = TypeVar("T")

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"


def in_sql(extra: str = "", **options: Any) -> Backfill:
    return backfill(table="messages", where="touched = 0", sql=TOUCH + extra, name="touch", **options)


async def touch(sql: Any, batch: Batch) -> object:
    ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))


in_python = backfill(table="messages", where="touched = 0", name="touch")(touch)
FORMS = pytest.mark.parametrize("fill", [in_sql(), in_python], ids=["sql", "python"])


async def told(sql: Database) -> list[str]:
    """Return what happened to the newest run."""
    ((found, _, _),) = await list_runs(sql)
    return [event.event for event in await events_of(sql, found.id)]


def after(batches: int, act: Callable[[], None]) -> Callable[[Progress], None]:
    """Return a listener that acts once, behind so many batches."""
    seen = 0

    def listen(progress: Progress) -> None:
        nonlocal seen
        seen += not progress.waiting and not progress.warnings
        if seen == batches:
            act()

    return listen


# ------------------------------------------------------------------ pausing


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for a paused run look often."""
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.02)


@FORMS
async def test_nothing_is_changed_between_pause_and_resume_and_who_ran_it_goes_on(
    sql: Database, fill: Backfill
) -> None:
    await make_messages(sql, 100)
    started, waits = asyncio.Event(), asyncio.Event()

    def listen(progress: Progress) -> None:
        started.set()
        if progress.waiting:
            waits.set()
            reasons.append(progress.waiting)

    reasons: list[str] = []
    going = asyncio.create_task(run(sql, fill, batch_size=2, on_progress=listen))
    await started.wait()
    assert await pause(sql, "touch") == switched("paused", changed=True)
    before = await touched(sql)
    assert await pause(sql, "touch") == switched("paused", changed=False)
    await asyncio.wait_for(waits.wait(), 5)
    assert await touched(sql) == before
    assert before["0"] > 0
    assert reasons[0] == f"it is paused by {operator()}; let it go on with: sendoka backfill resume touch"
    ((found, _, activity),) = await list_runs(sql)
    assert (standing_of(found, activity).state, standing_of(found, activity).reason) == ("paused", f"by {operator()}")
    assert await resume(sql, "touch") == switched("resumed", changed=True)
    report = await asyncio.wait_for(going, 10)
    assert (report.state, report.here) == ("done", report.batches)
    assert await touched(sql) == {"1": 100}
    assert await told(sql) == ["started", "paused", "resumed", "continued", "done"]
    assert await ledger_is_whole(sql)


def switched(state: str, *, changed: bool) -> Switched:
    return Switched("touch", 1, state, changed)


@FORMS
@pytest.mark.parametrize("seed", range(2))
async def test_a_pause_that_races_batches_over_a_bad_network_is_exact(sql: Database, fill: Backfill, seed: int) -> None:
    """Whatever was sent before, late ghosts too: once `pause` has answered, no row changes any more."""
    await make_messages(sql, 120)
    bad = Unreliable(sql, seed, share=0.2)
    soon = Retry(attempts=50, first=0.01, longest=0.05)
    started = asyncio.Event()
    listen = after(1, started.set)
    runs = [asyncio.create_task(run(bad, fill, batch_size=3, on_progress=listen, retry=soon)) for _ in range(2)]
    try:
        await started.wait()
        for _ in range(2):
            await pause(sql, "touch")
            before = await touched(sql)
            await bad.settle()
            assert await touched(sql) == before
            await resume(sql, "touch")
    finally:
        reports = await asyncio.wait_for(asyncio.gather(*runs), 30)
    await bad.settle()
    assert {report.state for report in reports} == {"done"}
    assert await touched(sql) == {"1": 120}
    assert await ledger_is_whole(sql)


class Late(Database):
    """A database that is paused before the third batch, and resumed as soon as that batch was refused."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.batches = 0

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self._around(statement, lambda: self.database.run(statement))

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        return await self._around(statements[0], lambda: self.database.run_all(statements, options))

    async def _around(self, first: Statement, send: Callable[[], Awaitable[T]]) -> T:
        self.batches += "insert into sendoka.backfill_batches" in first.text
        if self.batches != 3:
            return await send()
        self.batches += 1
        await pause(self.database, "touch")
        try:
            return await send()
        finally:
            await resume(self.database, "touch")


@FORMS
async def test_a_batch_that_was_refused_while_it_was_paused_is_no_failure_once_it_goes_on(
    sql: Database, fill: Backfill
) -> None:
    await make_messages(sql, 30)
    report = await run(Late(sql), fill, batch_size=5)
    assert report.done
    assert await touched(sql) == {"1": 30}
    assert await ledger_is_whole(sql)


@FORMS
async def test_a_call_that_finds_it_paused_leaves_at_once(sql: Database, fill: Backfill) -> None:
    await make_messages(sql, 30)
    await run(sql, fill, batch_size=10, deadline=60, stop=iter([False, True, True]).__next__)
    await pause(sql, "touch")
    for again in (False, True):
        report = await run(sql, fill, again=again, accept_change=True)
        assert (report.state, report.reason, report.here) == ("paused", f"by {operator()}", 0)
    assert await touched(sql) == {"1": 10, "0": 20}
    await resume(sql, "touch")
    assert (await run(sql, fill)).done


async def test_one_that_waits_ends_at_its_deadline_and_stays_paused(sql: Database) -> None:
    await make_messages(sql, 30)
    slow = in_sql(" and pg_sleep(0.01) is not null")
    task: list[asyncio.Task[object]] = []
    listen = after(1, lambda: task.append(asyncio.create_task(pause(sql, "touch"))))
    report = await run(sql, slow, batch_size=5, deadline=1.2, on_progress=listen)
    await task[0]
    assert (report.state, report.reason) == ("paused", f"by {operator()}")
    assert await value(sql, "select state from sendoka.backfill_runs") == "paused"


async def test_one_that_waits_can_be_stopped_and_stays_paused(sql: Database) -> None:
    await make_messages(sql, 30)
    asked: list[str] = []
    task: list[asyncio.Task[object]] = []

    def listen(progress: Progress) -> None:
        if progress.waiting:
            asked.append(progress.waiting)
        elif not task and not progress.warnings:
            task.append(asyncio.create_task(pause(sql, "touch")))

    slow = in_sql(" and pg_sleep(0.01) is not null")
    report = await run(sql, slow, batch_size=5, on_progress=listen, stop=lambda: bool(asked))
    await task[0]
    assert (report.state, report.reason) == ("paused", f"by {operator()}")
    assert await told(sql) == ["started", "paused"]
    assert set(await touched(sql)) == {"0", "1"}


async def test_a_pause_between_the_last_batch_and_the_verdict_holds(sql: Database) -> None:
    await make_messages(sql, 20)
    await run(sql, in_sql(), batch_size=30, stop=iter([False, True, True]).__next__)
    await execute(sql, "update sendoka.backfill_runs set state = 'running', finished_at = null, finished_by = null")
    assert (await pause(sql, "touch")).changed
    assert (await run(sql, in_sql())).state == "paused"
    assert (await resume(sql, "touch")).changed
    assert (await run(sql, in_sql())).done


# ------------------------------------------------------------------ cancelling


@FORMS
async def test_a_cancelled_one_ends_and_a_new_run_starts_over(sql: Database, fill: Backfill) -> None:
    await make_messages(sql, 60)
    task: list[asyncio.Task[object]] = []
    listen = after(2, lambda: task.append(asyncio.create_task(cancel(sql, "touch"))))
    report = await asyncio.wait_for(run(sql, fill, batch_size=2, on_progress=listen), 10)
    await task[0]
    assert (report.state, report.reason) == ("cancelled", f"by {operator()}")
    before = await touched(sql)
    assert before["0"] > 0
    assert (await run(sql, fill)).state == "cancelled"
    assert await touched(sql) == before
    assert await told(sql) == ["started", "cancelled"]
    assert await cancel(sql, "touch") == switched("cancelled", changed=False)
    again = await run(sql, fill, again=True)
    assert (again.done, again.run) == (True, 2)
    assert await touched(sql) == {"1": 60}


class Resent(Late):
    """A database that gives the answer of a second send, and a new run has begun before it."""

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        await self.database.run_all(statements, options)
        assert (await run(self.database, in_sql(), again=True, stop=lambda: True)).run == 2
        return await self.database.run_all(statements, options)


async def test_a_cancel_that_is_sent_again_leaves_the_run_that_began_behind_the_first_alone(sql: Database) -> None:
    await make_messages(sql, 5)
    await run(sql, in_sql(), stop=lambda: True)
    assert await cancel(Resent(sql), "touch") == switched("cancelled", changed=True)
    assert [(found.number, found.state) for found, _, _ in await list_runs(sql)] == [(2, "stopped")]
    assert (await run(sql, in_sql())).done


@pytest.mark.parametrize(
    ("state", "act", "said"),
    [
        ("done", pause, "is done, so it cannot be paused"),
        ("done", resume, "is done, so it cannot be resumed"),
        ("done", cancel, "is done, so it cannot be cancelled"),
        ("cancelled", pause, "is cancelled, so it cannot be paused"),
        ("cancelled", resume, "is cancelled, so it cannot be resumed"),
    ],
)
async def test_what_is_over_cannot_be_switched(sql: Database, state: str, act: Any, said: str) -> None:
    await make_messages(sql, 5)
    if state == "done":
        await run(sql, in_sql())
    else:
        await run(sql, in_sql(), batch_size=1, stop=iter([False, True, True]).__next__)
        await cancel(sql, "touch")
    with pytest.raises(BackfillError, match=said) as caught:
        await act(sql, "touch")
    assert "--again" in caught.value.todo
    assert await value(sql, "select state from sendoka.backfill_runs") == state


@pytest.mark.parametrize("act", [pause, resume, cancel])
async def test_what_was_never_run_is_unknown_with_the_nearest_name(sql: Database, act: Any) -> None:
    with pytest.raises(UnknownBackfill, match="the backfill touch was never run on this database") as caught:
        await act(sql, "touch")
    assert caught.value.todo == "begin it with: sendoka backfill run touch"
    await make_messages(sql, 5)
    await run(sql, in_sql())
    with pytest.raises(UnknownBackfill) as caught:
        await act(sql, "tuch")
    assert caught.value.todo == "did you mean touch?"


async def test_resume_of_what_is_not_paused_changes_nothing(sql: Database) -> None:
    await make_messages(sql, 5)
    await run(sql, in_sql(), batch_size=1, stop=iter([False, True, True]).__next__)
    assert await resume(sql, "touch") == switched("stopped", changed=False)
    assert await told(sql) == ["started", "stopped"]


# ------------------------------------------------------------------ what is kept


async def test_every_event_says_who_with_which_script_and_why(sql: Database) -> None:
    await make_messages(sql, 30)
    await run(sql, in_sql(), batch_size=10, stop=iter([False, True, True]).__next__)
    await execute(sql, "update sendoka.backfill_runs set checksum = 'abc0123456789'")
    await run(sql, in_sql(), batch_size=10, accept_change=True, stop=iter([False, True, True]).__next__)
    await run(sql, in_sql())
    ((found, _, _),) = await list_runs(sql)
    events = await events_of(sql, found.id)
    assert [(event.event, event.detail) for event in events] == [
        ("started", ""),
        ("stopped", "interrupted"),
        ("script changed", f"it was abc012345678, and is {found.checksum[:12]}"),
        ("continued", ""),
        ("stopped", "interrupted"),
        ("continued", ""),
        ("done", ""),
    ]
    assert {event.operator for event in events} == {operator()}
    assert len({event.runner for event in events}) == 3, "every call is told apart"
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert {event.checksum for event in events if event.event in {"started", "continued"}} == {found.checksum}
    assert await rows(sql, "select former_checksums::text from sendoka.backfill_runs") == [["{abc0123456789}"]]


async def test_a_failure_is_kept_with_its_words(sql: Database) -> None:
    await make_messages(sql, 5)
    await execute(sql, "alter table messages add check (touched = 0) not valid")
    with pytest.raises(BackfillError):
        await run(sql, in_sql(), max_dead=0)
    ((found, _, _),) = await list_runs(sql)
    *_, last = await events_of(sql, found.id)
    assert last.event == "failed"
    assert "(23514)" in last.detail


async def test_events_are_told_once_though_answers_get_lost(sql: Database) -> None:
    await make_messages(sql, 40)
    bad = Unreliable(sql, seed=5)
    assert (await run(bad, in_sql(), batch_size=10, retry=Retry(attempts=50, first=0.01, longest=0.05))).done
    await bad.settle()
    assert bad.faults
    assert await told(sql) == ["started", "done"]


async def test_the_revision_is_that_of_the_scripts_repository(
    sql: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sendoka.backfills.revision import revision_of
    from sendoka.backfills.scripts import load
    from sendoka.discover import forget

    script = tmp_path / "touch.py"
    declared = f'touch = backfill(table="messages", where="touched = 0", sql="{TOUCH}")'
    text = f"from sendoka.backfills import backfill\n\n{declared}\n"
    script.write_text(text, encoding="utf-8")
    assert await revision_of(load(tmp_path, "touch")) is None

    def git(*words: str) -> str:
        who = ("-c", "user.name=x", "-c", "user.email=x@y.test")
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", "touch.py")
    assert await revision_of(load(tmp_path, "touch")) is None, "nothing is committed yet"
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    await make_messages(sql, 20)
    await run(sql, load(tmp_path, "touch"), batch_size=10, stop=iter([False, True, True]).__next__)
    script.write_text(text + "# more\n", encoding="utf-8")
    forget(tmp_path)
    assert (await run(sql, load(tmp_path, "touch"), accept_change=True)).done
    ((found, _, _),) = await list_runs(sql)
    kept = [event.revision for event in await events_of(sql, found.id) if event.checksum]
    assert kept == [commit, f"{commit}+changes", f"{commit}+changes"]
    assert found.revision == commit
    monkeypatch.setenv("PATH", "")
    assert await revision_of(load(tmp_path, "touch")) is None, "without git"


# ------------------------------------------------------------------ verifying


async def test_verify_counts_and_changes_nothing(sql: Database) -> None:
    await make_messages(sql, 30)
    assert await verify(sql, in_sql()) == 30
    assert await verify(sql, in_sql(verify="select count(*) from messages where org_id = 'org_1'")) == 3
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"
    with pytest.raises(BackfillError, match="must return one number"):
        await verify(sql, in_sql(verify="select id from messages"))
