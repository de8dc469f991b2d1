"""Runners in their own processes over a bad network, killed and stopped at random, while the application writes.

`SENDOKA_SEED=123` draws the storms of that seed, as far as the scheduling of processes allows; `make soak` has more.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.audited import application, audited, look
from tests.fixtures.backfills import execute
from tests.fixtures.soak import SEED, SOAK
from tests.fixtures.storm import Runner, Storm

if TYPE_CHECKING:
    from sendoka.database import Database
    from sendoka.local import Server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are stopped by signals")

ROWS = 400
SECONDS = 1.2
"""How long a storm lasts."""


@pytest.mark.parametrize("number", range(SOAK))
@pytest.mark.parametrize("form", ["in_sql", "in_python"])
async def test_every_row_is_changed_once_in_a_storm(
    sql: Database, server: Server, database: str, form: str, number: int
) -> None:
    dice = random.Random(f"{SEED} {form} {number}")
    await execute(sql, *audited(ROWS))
    url = server.connection_string(database)
    async with Storm(server.port, dice=dice, share=dice.uniform(0.1, 0.4)) as storm:
        runners = [
            Runner(url.replace(str(server.port), str(storm.port)), form, dice.randint(3, 15), dice)
            for _ in range(dice.randint(1, 4))
        ]
        lives = [asyncio.create_task(runner.live()) for runner in runners]
        writes = asyncio.create_task(application(sql, dice, ROWS))
        try:
            async with asyncio.timeout(60):
                await storm.begun.wait()
                ends = asyncio.get_running_loop().time() + SECONDS
                while asyncio.get_running_loop().time() < ends and not all(life.done() for life in lives):
                    await asyncio.sleep(dice.uniform(0, 0.15))
                    await dice.choice(runners).hurt()
                # On a busy machine a runner that is killed all the time meets nothing.
                while storm.met < 3 and not all(life.done() for life in lives):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
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
