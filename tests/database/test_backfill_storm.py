"""Runners in their own processes over a bad network, killed and stopped at random, while the application writes.

`SENDOKA_SEED=123` draws the storms of that seed, as far as the scheduling of processes allows; `make soak` has more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills.runs import find_run
from sendoka.database import Statement
from sendoka.errors import SendokaError
from tests.fixtures.backfills import execute, ledger_is_whole, rows, value
from tests.fixtures.storm import Runner, Storm

if TYPE_CHECKING:
    from sendoka.database import Database
    from sendoka.local import Server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are stopped by signals")

SOAK = int(os.environ.get("SENDOKA_SOAK", "1"))
SEED = int(os.environ.get("SENDOKA_SEED") or random.SystemRandom().randrange(10**9))
ROWS = 400
SECONDS = 1.2
"""How long a storm lasts."""

TABLES = (
    """create table messages (id bigint primary key, created_at timestamptz not null default '2026-01-01',
        label text, touched int not null default 0, note text, made timestamptz not null default clock_timestamp())""",
    "create index on messages (created_at, id)",
    "create table changes (id bigint, old_label text, new_label text, kept boolean)",
    """create function write_down() returns trigger language plpgsql as $$ begin
        insert into changes values (new.id, old.label, new.label, old.note is not distinct from new.note);
        return null; end $$""",
    "create trigger writes_down after update of label on messages for each row execute function write_down()",
    # Three moments for all rows: a batch is far smaller than those that share one.
    f"""insert into messages (id, created_at)
        select g, timestamptz '2026-01-01' + (g % 3) * interval '1 day' from generate_series(1, {ROWS}) g""",
)


async def application(sql: Database, dice: random.Random) -> None:
    """Write rows, until it is cancelled."""
    for number in range(10_000):
        key = dice.randint(1, ROWS)
        text = dice.choice(
            [
                f"update messages set note = 'theirs {number}' where id = {key}",
                f"update messages set label = 'theirs' where id = {key}",
                f"delete from messages where id = {key}",
                f"insert into messages (id, created_at) values ({ROWS + number}, '2026-01-0{dice.randint(1, 4)}')",
            ]
        )
        with contextlib.suppress(SendokaError):
            await sql.run(Statement(text))
        await asyncio.sleep(dice.uniform(0, 0.03))


@pytest.mark.parametrize("number", range(SOAK))
@pytest.mark.parametrize("form", ["in_sql", "in_python"])
async def test_every_row_is_changed_once_in_a_storm(
    sql: Database, server: Server, database: str, form: str, number: int
) -> None:
    dice = random.Random(f"{SEED} {form} {number}")
    await execute(sql, *TABLES)
    url = server.connection_string(database)
    async with Storm(server.port, dice=dice, share=dice.uniform(0.1, 0.4)) as storm:
        runners = [
            Runner(url.replace(str(server.port), str(storm.port)), form, dice.randint(3, 15), dice)
            for _ in range(dice.randint(1, 4))
        ]
        lives = [asyncio.create_task(runner.live()) for runner in runners]
        writes = asyncio.create_task(application(sql, dice))
        try:
            async with asyncio.timeout(60):
                await storm.begun.wait()
                ends = asyncio.get_running_loop().time() + SECONDS
                while asyncio.get_running_loop().time() < ends or storm.met < 3:
                    await asyncio.sleep(dice.uniform(0, 0.15))
                    await dice.choice(runners).hurt()
                    if all(life.done() for life in lives):
                        break
                storm.share = 0
                writes.cancel()
                await asyncio.gather(*lives)
        except BaseException as error:
            error.add_note(f"SENDOKA_SEED={SEED}: {form}, storm {number}")
            raise
        finally:
            for task in [*lives, writes]:
                task.cancel()
            for runner in runners:
                runner.end()
    assert storm.met > 0
    await look(sql, form)


async def look(sql: Database, form: str) -> None:
    """Look at the rows and the books."""
    found = await find_run(sql, form)
    assert found is not None
    assert found.state == "done"
    ours = "from changes where new_label = 'ours'"
    assert await rows(sql, f"select id, count(*) {ours} group by id having count(*) > 1") == []
    assert await value(sql, f"select count(*) {ours} and (old_label is not null or not kept)") == "0"
    assert (
        await value(sql, f"select count(*) from messages m where touched <> (select count(*) {ours} and id = m.id)")
        == "0"
    )
    # What the application adds once nothing was left is its own.
    late = f"timestamptz '{found.finished_at}' - interval '1 second'"
    assert await value(sql, f"select count(*) from messages where label is null and made < {late}") == "0"
    assert await ledger_is_whole(sql)
    changed = await value(sql, "select sum(changed) from sendoka.backfill_batches")
    assert changed == await value(sql, f"select count(*) {ours}")
