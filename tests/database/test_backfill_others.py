"""Backfills where others write meanwhile, and tables whose names meet the runner's own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run, verify
from sendoka.database import Database
from sendoka.database.transaction import DEFAULT
from sendoka.errors import BackfillChanged, BatchFailed
from tests.fixtures import backfills
from tests.fixtures.backfills import make_messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from sendoka import Neon
    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Cells, Result, Statement, TransactionOptions

    Direct = psycopg.Connection[Any]


async def test_rows_added_behind_short_passes_do_not_end_the_run_for_good(sql: Neon, direct: Direct) -> None:
    """One row is left after each of some passes of one row: added by others, not missed by the change."""
    await make_messages(sql, 5)
    added = iter(("a3", "a2", "a1"))

    @backfill(table="messages", where="touched = 0", columns=["touched"])
    async def late(_sql: Any, batch: Batch) -> object:
        key = next(added, None)
        if key:
            direct.execute("insert into messages (id, org_id) values (%s, 'org_1')", (key,))
        return batch.update({row["id"]: {"touched": row["touched"] + 1} for row in batch.rows})

    assert (await run(sql, late)).done
    assert direct.execute("select touched, count(*) from messages group by 1").fetchall() == [(1, 8)]


@pytest.mark.parametrize("form", [backfills.in_sql, backfills.in_python])
async def test_more_rows_added_behind_the_first_pass_than_it_met_are_changed_too(
    sql: Neon, direct: Direct, form: Backfill
) -> None:
    """So many are left after it as a change would leave that leaves `where` true, which would end the run."""
    await make_messages(sql, 6)
    fill, added = replace(form, where="touched = 0", verify=None, given_name="late"), iter((True,))

    def add(told: Progress) -> None:
        if told.scanned and next(added, False):
            more = "insert into messages (id, org_id) select '0' || g, 'org_1' from generate_series(1, 9) g"
            direct.execute(more.encode())

    report = await run(sql, fill, batch_size=3, on_progress=add)
    assert (report.state, report.passes, report.changed) == ("done", 2, 15)
    assert direct.execute("select touched, count(*) from messages group by 1").fetchall() == [(1, 15)]


@pytest.mark.parametrize("name", ["c", "k", "b", "t", "l", "page", "one", "sendoka_scan", 'we"ird'])
async def test_a_table_may_be_called_as_the_runner_calls_things(sql: Neon, direct: Direct, name: str) -> None:
    table = 'public."' + name.replace('"', '""') + '"'
    direct.execute(f"create table {table} (id int primary key, done int default 0, cursor jsonb, k1 int)".encode())
    direct.execute(f"insert into {table} select g from generate_series(1, 20) g".encode())
    direct.execute(f"grant all on {table} to public".encode())
    text = f"update {table} m set done = m.done + 1 from page p where m.id = p.id"
    assert (await run(sql, backfill(name="x", table=name, where="done = 0", sql=text), batch_size=7)).done
    assert direct.execute(f"select distinct done from {table}".encode()).fetchall() == [(1,)]


async def test_a_cell_that_python_cannot_hold_is_not_waited_for(sql: Neon, direct: Direct) -> None:
    await make_messages(sql, 5)
    deep = "(repeat('[', 1500) || repeat(']', 1500))::json"
    direct.execute(f"alter table messages add column deep json; update messages set deep = {deep}".encode())

    @backfill(table="messages", where="touched = 0", columns=["deep"])
    async def never(_sql: Any, _batch: Batch) -> object:
        return None

    started = time.monotonic()
    with pytest.raises(BatchFailed, match="deep"):
        await run(sql, never)
    assert time.monotonic() - started < 2


def apart(declared: Backfill) -> Backfill:
    """Return it as if of a module without a file, so that its checksum is of the declaration alone."""
    return replace(declared, module="")


def in_sql(value: int) -> Backfill:
    text = f"update messages m set touched = {value} from page p where m.id = p.id"
    return apart(backfill(name="changed", table="messages", where="touched = 0", sql=text))


def in_python(value: int) -> Backfill:
    if value == 1:

        @backfill(name="changed", table="messages", where="touched = 0", columns=["touched"])
        async def old(_sql: Any, batch: Batch) -> object:
            return batch.update({row["id"]: {"touched": 1} for row in batch.rows})

        return apart(old)

    @backfill(name="changed", table="messages", where="touched = 0", columns=["touched", "body"])
    async def new(_sql: Any, batch: Batch) -> object:
        return batch.update({row["id"]: {"touched": 2} for row in batch.rows})

    return apart(new)


class Held(Database):
    """A database whose third batch waits until it is let go."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.held, self.go_on = asyncio.Event(), asyncio.Event()
        self.batches = 0

    async def run(self, statement: Statement) -> Result[Cells]:
        await self._hold(statement)
        return await self.database.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        await self._hold(statements[0])
        return await self.database.run_all(statements, options)

    async def _hold(self, statement: Statement) -> None:
        self.batches += "insert into sendoka.backfill_batches" in statement.text
        if self.batches == 3:
            self.held.set()
            await self.go_on.wait()


@pytest.mark.parametrize("form", [in_sql, in_python])
async def test_a_runner_of_the_old_script_stops_once_a_new_one_is_accepted(
    sql: Neon, direct: Direct, form: Any
) -> None:
    await make_messages(sql, 60)
    held = Held(sql)
    old = asyncio.create_task(run(held, form(1), batch_size=5))
    await held.held.wait()
    await run(sql, form(2), batch_size=5, accept_change=True, stop=lambda: True)
    held.go_on.set()
    with pytest.raises(BackfillChanged):
        await old
    assert direct.execute("select count(*) from messages where touched = 1").fetchall() == [(10,)]
    assert (await run(sql, form(2))).done
    assert direct.execute("select count(*) from messages where touched = 2").fetchall() == [(50,)]


async def test_what_is_left_is_counted_on_one_processor(sql: Neon) -> None:
    await make_messages(sql, 5)
    setting = "select setting::int from pg_settings where name = 'max_parallel_workers_per_gather'"
    form = replace(backfills.in_sql, verify=setting, given_name="alone")
    assert await verify(sql, form) == 0
    assert await sql(setting).value() != 0
