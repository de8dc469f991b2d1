"""Storing the keys of a run beside whoever pauses it, another script, and late requests: found by the simulation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, listing, opening, pause, run
from sendoka.database import Database
from tests.database.test_backfill_dead import make_words
from tests.fixtures.backfills import touched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Cells, Result, Statement, TransactionOptions

CHANGE = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"


def over(keys: Any) -> Backfill:
    return backfill(table="messages", where="touched = 0", keys=keys, sql=CHANGE, name="some")


async def test_the_row_of_the_run_is_locked_before_that_of_its_shard(sql: Database, direct: Any) -> None:
    """As it is by whoever pauses: or each would have what the other waits for."""
    await make_words(sql, 20)
    asked = 0

    async def keys() -> AsyncIterator[int]:
        nonlocal asked
        asked += 1
        if asked == 2:  # it was looked at, and is stored now
            direct.execute("begin; select from sendoka.backfill_runs for no key update")
        for number in range(1, 9):
            yield number

    work = asyncio.create_task(run(sql, over(keys)))
    waiting = "select count(*) from pg_locks where not granted"
    while asked < 2 or direct.execute(waiting).fetchone() == (0,):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    direct.execute("select from sendoka.backfill_shards for update nowait")
    direct.execute("commit")
    assert (await work).changed == 8


class Paused(Database):
    """A database in which the run is paused just before its first batch, when its keys are there."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.paused = False

    async def run(self, statement: Statement) -> Result[Cells]:
        (result,) = await self.run_all([statement])
        return result

    async def run_all(self, statements: Sequence[Statement], *options: TransactionOptions) -> list[Result[Cells]]:
        if "sendoka_checkpoint" in statements[0].text and not self.paused:
            self.paused = True
            await pause(self.database, "some")
        return await self.database.run_all(statements, *options)


async def test_keys_are_stored_anew_where_another_script_began_the_run_anew(
    sql: Database, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have other keys, and have stored half of them."""
    monkeypatch.setattr(opening, "_LOOK_EVERY", 0.01)
    await make_words(sql, 20)

    def goes_on(progress: Progress) -> None:
        """Resume it, and let another script begin it with keys of its own, all at once."""
        if "it is paused" in progress.waiting:
            direct.execute(
                """begin; update sendoka.backfill_runs set state = 'stopped', checksum = 'two', walk = walk - 'keys';
                update sendoka.backfill_shards set held = false, epoch = epoch + 1;
                delete from sendoka.backfill_keys; insert into sendoka.backfill_keys values (1, '[20]'); commit"""
            )

    report = await run(Paused(sql), over([1, 2, 3, 4]), on_progress=goes_on, accept_change=True)
    assert (report.state, report.changed) == ("done", 4)
    assert await touched(sql) == {"1": 4, "0": 16}


class Late(Database):
    """A database to which the request that forgets former keys comes once more when the first keys were stored."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.twin: Statement | None = None

    async def run(self, statement: Statement) -> Result[Cells]:
        result = await self.database.run(statement)
        if "delete from sendoka.backfill_keys" in statement.text:
            self.twin = statement
        elif "insert into sendoka.backfill_keys" in statement.text and self.twin is not None:
            await self.database.run(self.twin)
            self.twin = None
        return result

    async def run_all(self, statements: Sequence[Statement], *options: TransactionOptions) -> list[Result[Cells]]:
        return await self.database.run_all(statements, *options)


async def called() -> AsyncIterator[int]:
    for number in range(1, 6):
        yield number


@pytest.mark.parametrize("keys", [[1, 2, 3, 4, 5], called], ids=["list", "function"])
async def test_what_forgets_former_keys_forgets_none_that_were_stored_since(
    sql: Database, monkeypatch: pytest.MonkeyPatch, keys: Any
) -> None:
    monkeypatch.setattr(listing, "_ROWS", 2)
    await make_words(sql, 20)
    late = Late(sql)
    report = await run(late, over(keys))
    assert late.twin is None
    assert (report.state, report.changed) == ("done", 5)


class Overtaken(Database):
    """A database in which somebody else stores the keys between the first look for them and what comes behind it."""

    def __init__(self, database: Database, form: Backfill) -> None:
        self.database = database
        self.form = form
        self.rival: Any = None
        self.stored = 0

    async def run(self, statement: Statement) -> Result[Cells]:
        result = await self.database.run(statement)
        if "walk ->> 'keys'" in statement.text and self.rival is None:
            stops = iter([False, True])
            self.rival = await run(self.database, self.form, batch_size=2, stop=lambda: next(stops))
        self.stored += "backfill_keys" in statement.text and "sendoka_done" in statement.text
        return result

    async def run_all(self, statements: Sequence[Statement], *options: TransactionOptions) -> list[Result[Cells]]:
        return await self.database.run_all(statements, *options)


async def test_keys_that_a_rival_has_stored_meanwhile_are_left_alone(sql: Database) -> None:
    await make_words(sql, 20)
    form = over([1, 2, 3, 4, 5])
    overtaken = Overtaken(sql, form)
    report = await run(overtaken, form)
    assert (overtaken.rival.state, overtaken.rival.changed) == ("stopped", 2)
    assert (report.state, report.changed, overtaken.stored) == ("done", 5, 0)
