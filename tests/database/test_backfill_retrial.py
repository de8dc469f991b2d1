"""Dead letters tried again: what was corrected is changed once, the rest stays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, cancel, history, pause, resume, retry_dead, run
from sendoka.database import Database
from sendoka.database.retry import Retry
from sendoka.database.transaction import DEFAULT
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed
from tests.database.test_backfill_dead import BOTH, EVERY, in_sql, make_words
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sendoka import Neon
    from sendoka.backfills import Backfill
    from sendoka.database import Cells, Result, Statement, TransactionOptions
    from sendoka.local.app import Endpoint

QUICK = Retry(attempts=60, first=0.005, longest=0.03)
FORMER = "update sendoka.backfill_runs set checksum = 'of a former script'"


class Meanwhile(Database):
    """A database in which `act` is done once, just before the first request that holds `match`."""

    def __init__(self, database: Database, match: str, act: Callable[[], Awaitable[object]]) -> None:
        self._database, self._match, self._act, self.met = database, match, act, 0

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self._database.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        if not self.met and any(self._match in statement.text for statement in statements):
            self.met += 1
            await self._act()
        return await self._database.run_all(statements, options)


async def letters(database: Database) -> list[tuple[int, int]]:
    """Return the id and the attempts of every dead letter."""
    found = await rows(database, "select key ->> 0, attempt::text from sendoka.dead_letters d order by d.key")
    return [(int(key or 0), int(attempt or 0)) for key, attempt in found]


async def correct(database: Database, *ids: int) -> None:
    await execute(database, f"update messages set word = id::text where id = any('{{{','.join(map(str, ids))}}}')")


@EVERY
async def test_what_was_corrected_is_changed_and_the_rest_stays(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 3, 7, 11, 12)
    await run(sql, form, batch_size=10)
    await correct(sql, 3, 11)
    told: list[tuple[int, int]] = []
    report = await retry_dead(sql, form, on_progress=lambda *numbers: told.append(numbers))
    assert (report.tried, report.settled, report.dead) == (4, 2, 2)
    assert [(letter.key, letter.attempt) for letter in report.letters] == [("[7]", 2), ("[12]", 2)]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert await touched(sql) == {"1": 18, "0": 2}
    assert await ledger_is_whole(sql)
    await correct(sql, 7, 12)
    assert (await retry_dead(sql, form)).dead == 0
    assert (await retry_dead(sql, form)).tried == 0
    assert await touched(sql) == {"1": 20}
    again = await run(sql, form)
    assert (again.was_done, again.left, again.dead, again.changed, again.unchanged) == (True, 0, 0, 20, 0)
    assert await ledger_is_whole(sql)


@EVERY
async def test_a_row_that_is_gone_or_done_by_others_is_settled(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 3, 7, 11)
    await run(sql, form, batch_size=10)
    await execute(sql, "delete from messages where id = 3", "update messages set n = 0 where id = 7")
    report = await retry_dead(sql, form)
    assert (report.tried, report.settled, report.dead) == (3, 2, 1)
    assert await touched(sql) == {"1": 17, "0": 2}


async def test_a_change_that_leaves_the_row_alone_does_not_settle_it(sql: Database) -> None:
    await make_words(sql, 20, 7)
    await run(sql, in_sql)
    idle = backfill(
        table="messages",
        where="n is null",
        sql="update messages m set n = 1 from page p where m.id = -p.id",
        name="in_sql",
    )
    report = await retry_dead(sql, idle)
    assert (report.tried, report.settled, report.dead) == (1, 0, 1)
    assert report.letters[0].message == "the change left the row as it was"
    assert report.letters[0].attempt == 2


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_before", "late"])
@pytest.mark.parametrize("match", ["sendoka_letter", "set attempt = attempt"])
async def test_answers_may_be_lost(sql: Neon, endpoint: Endpoint, match: str, kind: Any) -> None:
    await make_words(sql, 20, 3, 7)
    await run(sql, in_sql)
    await correct(sql, 3)
    fault = endpoint.faults.add(kind, match=match)
    report = await retry_dead(sql, in_sql, retry=QUICK)
    assert endpoint.faults.hits(fault) == 1
    assert (report.tried, report.settled, report.dead) == (2, 1, 1)
    assert await letters(sql) == [(7, 2)]
    assert await touched(sql) == {"1": 19, "0": 1}


@BOTH
async def test_rivals_over_a_bad_network_change_each_row_once(sql: Database, form: Backfill) -> None:
    await make_words(sql, 60, *range(5, 60, 5))
    await run(sql, form, batch_size=20)
    await correct(sql, *range(5, 50, 5))
    rivals = [Unreliable(sql, seed, share=0.2) for seed in range(3)]
    await asyncio.gather(*(retry_dead(rival, form, retry=QUICK) for rival in rivals))
    await asyncio.gather(*(rival.settle() for rival in rivals))
    assert [key for key, _ in await letters(sql)] == [50, 55]
    assert await touched(sql) == {"1": 58, "0": 2}
    assert await ledger_is_whole(sql)


@BOTH
async def test_a_run_goes_on_beside_it(sql: Database, form: Backfill) -> None:
    await make_words(sql, 60, *range(2, 20, 2))
    with pytest.raises(BatchFailed):
        await run(sql, form, batch_size=10, max_dead=6)
    await correct(sql, *range(2, 20, 2))
    await asyncio.gather(retry_dead(sql, form), run(sql, form, batch_size=5))
    await retry_dead(sql, form)
    assert await touched(sql) == {"1": 60}
    assert await letters(sql) == []
    assert await ledger_is_whole(sql)


async def test_what_no_row_is_at_fault_for_leaves_the_letters_as_they_are(sql: Database) -> None:
    await make_words(sql, 20, 3, 7)
    await run(sql, in_sql)
    await execute(sql, "alter table messages rename column touched to times")
    with pytest.raises(BatchFailed, match=r"cannot be tried.*touched"):
        await retry_dead(sql, in_sql)
    assert await letters(sql) == [(3, 1), (7, 1)]


async def test_it_can_be_stopped_between_two_letters(sql: Database) -> None:
    await make_words(sql, 20, 3, 7)
    await run(sql, in_sql)
    answers = iter([False, True])
    report = await retry_dead(sql, in_sql, stop=lambda: next(answers))
    assert (report.tried, report.dead) == (1, 2)
    assert await letters(sql) == [(3, 2), (7, 1)]


# ------------------------------------------------------------------ the run that they are of


async def fail_half_way(database: Database) -> None:
    """Make words and a run of `in_sql` that stopped with dead letters: it is neither done nor cancelled."""
    await make_words(database, 20, 3, 7, 15, 16)
    with pytest.raises(BatchFailed):
        await run(database, in_sql, batch_size=10, max_dead=2)
    await correct(database, 3, 7, 15, 16)


@pytest.mark.parametrize(
    ("hold", "reason"), [(pause, "paused by "), (cancel, "cancelled by ")], ids=["pause", "cancel"]
)
async def test_one_that_is_held_is_left_alone(sql: Database, hold: Any, reason: str) -> None:
    await fail_half_way(sql)
    await hold(sql, "in_sql")
    report = await retry_dead(sql, in_sql)
    assert (report.tried, report.dead, report.settled) == (0, 2, 0)
    assert report.reason.startswith(reason)
    assert await letters(sql) == [(3, 1), (7, 1)]
    assert await touched(sql) == {"1": 8, "0": 12}


@EVERY
async def test_a_pause_holds_for_the_very_next_letter(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 3, 7, 15)
    with pytest.raises(BatchFailed):
        await run(sql, form, batch_size=10, max_dead=2)
    await correct(sql, 3, 7)
    paused = Meanwhile(sql, "insert into sendoka.backfill_batches", lambda: pause(sql, form.name))
    report = await retry_dead(paused, form, retry=QUICK)
    assert paused.met == 1
    assert (report.tried, report.dead, report.reason.partition(" by")[0]) == (0, 2, "paused")
    assert await letters(sql) == [(3, 1), (7, 1)]
    await resume(sql, form.name)
    assert (await retry_dead(sql, form)).settled == 2
    assert await ledger_is_whole(sql)


async def test_a_corrected_script_is_tried_and_both_are_in_the_log(sql: Database) -> None:
    await make_words(sql, 20, 3, 7)
    await run(sql, in_sql)
    corrected = backfill(
        table="messages",
        where="n is null",
        sql="update messages m set n = 0, touched = m.touched + 1 from page p where m.id = p.id",
        name="in_sql",
    )
    await execute(sql, FORMER)
    answers = iter([False, True])
    report = await retry_dead(sql, corrected, stop=lambda: next(answers))
    assert (report.settled, report.dead, report.reason, report.script_changed) == (1, 1, "interrupted", True)
    event = (await history(sql, "in_sql"))[-1]
    assert (event.event, event.checksum) == ("retried", corrected.checksum())
    assert event.detail == "1 of 2 dead letters tried, 1 settled, 1 left"
    assert event.operator
    assert event.runner
    await execute(sql, f"update sendoka.backfill_runs set checksum = '{corrected.checksum()}'")
    assert not (await retry_dead(sql, corrected)).script_changed
    assert [event.event for event in await history(sql, "in_sql")] == ["started", "done", "retried", "retried"]


async def test_what_ends_it_early_is_noted_too(sql: Database) -> None:
    await make_words(sql, 20, 3, 7)
    await run(sql, in_sql)
    await execute(sql, "alter table messages rename column touched to times")
    with pytest.raises(BatchFailed):
        await retry_dead(sql, in_sql)
    event = (await history(sql, "in_sql"))[-1]
    assert (event.event, event.detail) == ("retried", "0 of 2 dead letters tried, 0 settled, 2 left")


async def test_the_script_must_still_be_accepted_for_the_run_itself(sql: Database) -> None:
    await fail_half_way(sql)
    await execute(sql, FORMER)
    assert (await retry_dead(sql, in_sql)).script_changed
    with pytest.raises(BackfillChanged):
        await run(sql, in_sql)
    assert (await run(sql, in_sql, accept_change=True)).done
    assert await touched(sql) == {"1": 20}


async def test_a_backfill_that_was_never_run_is_said_to_be_so(sql: Database) -> None:
    await make_words(sql, 1)
    with pytest.raises(BackfillError, match="was never run"):
        await retry_dead(sql, in_sql)
    assert await value(sql, "select to_regnamespace('sendoka')") is None


# ------------------------------------------------------------------ a step's own failures


async def test_a_step_that_hangs_ends_the_run_in_its_time(sql: Database) -> None:
    await make_words(sql, 20)

    @backfill(table="messages", where="n is null")
    async def hangs(sql: Any, batch: Batch) -> object:
        return await asyncio.sleep(60, "never")

    with pytest.raises(BatchFailed, match=r"hangs did not end within 0.05 s") as caught:
        await run(sql, hangs, step_timeout=0.05)
    assert "--step-timeout" in caught.value.todo
    assert await rows(sql, "select owner, seq::text from sendoka.backfill_shards") == [[None, "0"]]


@pytest.mark.parametrize("error", [NameError("tennants"), ModuleNotFoundError("httpx"), NotImplementedError("later")])
async def test_a_step_that_is_wrong_itself_buries_nothing(sql: Database, error: Exception) -> None:
    await make_words(sql, 20)

    @backfill(table="messages", where="n is null")
    async def wrong(sql: Any, batch: Batch) -> object:
        raise error

    with pytest.raises(BatchFailed, match=f"raised {type(error).__name__}: {error}"):
        await run(sql, wrong)
    assert await letters(sql) == []


async def test_what_postgres_cannot_store_of_a_message_is_replaced(sql: Database) -> None:
    await make_words(sql, 3)

    @backfill(table="messages", where="n is null")
    async def noisy(sql: Any, batch: Batch) -> object:
        if any(row["id"] == 2 for row in batch.rows):
            raise ValueError("a\0b\ud800" + "x" * 9999)
        return batch.update({row["id"]: {"n": 1} for row in batch.rows})

    report = await run(sql, noisy)
    assert (report.state, report.dead, report.changed) == ("done", 1, 2)
    message = await value(sql, "select message from sendoka.dead_letters")
    assert (message or "").startswith("ValueError: a\N{REPLACEMENT CHARACTER}b?xxx")
    assert len(message or "") == 2000
