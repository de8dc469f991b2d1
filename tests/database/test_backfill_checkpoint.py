"""Two calls that do the next batch of one shard at once: the second waits at the shard's row, before anything else.

The first one stands still within its change, at an advisory lock, until the second waits too. That the rows come out
right would not show it: the key of the table of batches lets only one of two batches in, and at REPEATABLE READ a row
that was changed meanwhile is an error.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, runs
from sendoka.backfills.change_text import change_batch
from sendoka.backfills.events import Actor
from sendoka.backfills.fencing import Fence, counted, fence, look
from sendoka.backfills.isolation import isolated_batch
from sendoka.backfills.order import Walked, arranged
from sendoka.backfills.shards import BATCH_COLUMNS, Shard
from sendoka.backfills.target import read_target
from sendoka.database import Statement
from sendoka.database.home import Ours
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError
from tests.fixtures.backfills import execute, ledger_is_whole, touched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.target import Target
    from sendoka.database import Database

HERE = 4711
STANDS_STILL = f"pg_advisory_xact_lock_shared({HERE}) is not null"
CHANGE = backfill(
    table="messages",
    where="touched < 9",
    sql=f"update messages m set touched = m.touched + 1 from page p where m.id = p.id and {STANDS_STILL}",
    name="checked",
)
SIZE = 4
AT_FIRST = Shard("running", 1, 0, 0, None, "[0]", None, 0, 0, 0, 0, 0, 0)
"""It has a lower bound, so that the text of its first batch is that of all others."""


@dataclass(frozen=True)
class Call:
    """A batch at a level; the `second` that is sent is then of this number, or refused."""

    level: str
    second: str

    def request(self, form: str, target: Target, token: str) -> Sequence[Statement]:
        if form == "step":
            batch = Fence(1, 0, 0, 0, token, f"[{SIZE}]", SIZE, SIZE, False, 15.0)
            change = Statement(f"update messages set touched = touched + 1 where id <= {SIZE} and {STANDS_STILL}")
            return [fence(batch), counted(change, batch), look(batch)]
        if form == "row by row":
            return isolated_batch(
                CHANGE, target, run=1, shard=0, at=AT_FIRST, size=SIZE, token=token, max_dead=9, lease=15, owner=""
            )
        text = change_batch(CHANGE, target, first=False, locks=form == "locked")
        return [Ours(text, ("1", "0", str(SIZE), token, "0", "15", ""))]


CALLS = {
    "locked": Call("ReadCommitted", "2"),
    "unlocked": Call("RepeatableRead", "40001"),
    "row by row": Call("ReadCommitted", "2"),
    "step": Call("ReadCommitted", "23502"),
}


async def begun(sql: Database) -> Target:
    await execute(
        sql,
        "create table messages (id bigint primary key, touched int not null default 0)",
        f"insert into messages select g from generate_series(1, {3 * SIZE}) g",
    )
    by = Actor("me", "host:1:a")
    await runs.open_run(sql, "checked", "one", number=1, total=None, by=by, walk=Walked(("id",), 1))
    await execute(sql, f"update sendoka.backfill_shards set lower = '{AT_FIRST.lower}'")
    return arranged(CHANGE, await read_target(sql, CHANGE))


async def done(sql: Database, request: Sequence[Statement], level: str) -> str:
    """Send a batch, and return its number, or the SQLSTATE that it is refused with."""
    options = TransactionOptions(isolation_level=level, meets_conflicts=True)
    try:
        cells = (await sql.run_all(request, options))[-1].rows
    except DatabaseError as error:
        return str(error.sqlstate)
    return str(cells[0][BATCH_COLUMNS.split(", ").index("seq")]) if cells else "nothing"


async def waiting(direct: Any, count: int) -> None:
    """Wait until so many calls wait for a lock."""
    while direct.execute("select count(*) from pg_locks where not granted").fetchone()[0] < count:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("form", CALLS)
async def test_the_second_of_two_calls_waits_at_the_row_of_the_shard(sql: Database, direct: Any, form: str) -> None:
    call, target = CALLS[form], await begun(sql)
    direct.execute(f"select pg_advisory_lock({HERE})")
    first = asyncio.create_task(done(sql, call.request(form, target, "aa"), call.level))
    await waiting(direct, 1)
    second = asyncio.create_task(done(sql, call.request(form, target, "bb"), call.level))
    await waiting(direct, 2)
    held = direct.execute("select relation::regclass::text from pg_locks where locktype = 'tuple'").fetchall()
    direct.execute(f"select pg_advisory_unlock({HERE})")
    answers = await first, await second
    assert held == [("sendoka.backfill_shards",)]
    assert answers == ("1", call.second)
    rows = 2 * SIZE if call.second == "2" else SIZE
    assert await touched(sql) == {"0": 3 * SIZE - rows, "1": rows}
    assert await ledger_is_whole(sql)
