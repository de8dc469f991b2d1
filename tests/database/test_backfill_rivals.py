"""Rival processes with several workers each, killed, stopped and started at random over one run's shards.

`SENDOKA_SEED=123` draws the same again, as far as the scheduling of processes allows; `make soak` has more.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.audited import application, audited, look
from tests.fixtures.backfills import execute, rows, value
from tests.fixtures.soak import NUMBERS, SEED
from tests.fixtures.storm import LEASE, Runner, Storm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database import Database
    from sendoka.local import Server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are stopped by signals")

ROWS = 500
SECONDS = 1.2
"""How long they are hurt."""

FORMS = pytest.mark.parametrize("form", ["in_sql", "in_python"])


def drawn(form: str, number: int) -> random.Random:
    return random.Random(f"{SEED} {form} {number}")


def some(dice: random.Random) -> dict[str, Any]:
    """Draw the options of a run: several workers, several shards, and the order of the walk."""
    return {"workers": dice.randint(2, 4), "shards": dice.randint(4, 8), "order": dice.choice([None, "strided"])}


async def until(sql: Database, condition: str) -> None:
    """Wait until the condition holds, which others make true."""
    while await value(sql, f"select {condition}") != "t":  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def until_done(lives: Sequence[asyncio.Task[None]], runners: Sequence[Runner], note: str) -> None:
    """Wait for all runners; whatever happens, none is left."""
    try:
        async with asyncio.timeout(90):
            await asyncio.gather(*lives)
    except BaseException as error:
        error.add_note(note)
        raise
    finally:
        for life in lives:
            life.cancel()
        for runner in runners:
            runner.end()


@NUMBERS
@FORMS
async def test_every_row_is_changed_once_by_rivals_that_are_killed(
    sql: Database, server: Server, database: str, form: str, number: int
) -> None:
    dice = drawn(form, number)
    bare = dice.random() < 0.5
    form = f"bare_{form}" if bare else form
    await execute(sql, *audited(ROWS))
    url = server.connection_string(database)
    options = some(dice)
    async with Storm(server.port, dice=dice, share=dice.choice([0, dice.uniform(0.02, 0.2)])) as storm:
        url = url.replace(str(server.port), str(storm.port))
        count = dice.randint(2, 4)
        runners = [
            Runner(url, form, dice.randint(2, 12), dice, **options | {"workers": dice.randint(2, 4)})
            for _ in range(count)
        ]
        lives = [asyncio.create_task(runner.live()) for runner in runners]
        writes = asyncio.create_task(application(sql, dice, ROWS, mild=bare))

        async def hurt() -> None:
            await storm.begun.wait()
            ends = asyncio.get_running_loop().time() + SECONDS
            while asyncio.get_running_loop().time() < ends and not all(life.done() for life in lives):
                await asyncio.sleep(dice.uniform(0, 0.2))
                await asyncio.gather(*(runner.hurt() for runner in dice.sample(runners, dice.randint(1, count))))
            storm.share = 0
            writes.cancel()

        hurting = asyncio.create_task(hurt())
        try:
            await until_done([*lives, hurting], runners, f"SENDOKA_SEED={SEED}: {form} {number}")
        finally:
            writes.cancel()
    assert sum(runner.hurts for runner in runners) > 0
    await look(sql, form)


@NUMBERS
@pytest.mark.parametrize("form", ["bare_in_sql", "bare_in_python"])
async def test_who_slept_beyond_the_leases_of_several_shards_changes_nothing_twice(
    sql: Database, server: Server, database: str, form: str, number: int
) -> None:
    dice = drawn(form, number)
    await execute(sql, *audited(ROWS))
    url = server.connection_string(database)
    options = some(dice) | {"shards": 8}
    zombie = Runner(url, form, 3, dice, **options | {"workers": 4})
    lives = [asyncio.create_task(zombie.live())]
    heir = Runner(url, form, 20, dice, **options)
    writes = asyncio.create_task(application(sql, dice, ROWS, mild=True))

    async def sleep_and_wake() -> None:
        held = "from sendoka.backfill_shards where seq > 0 and owner is not null"
        await until(sql, "to_regclass('sendoka.backfill_shards') is not null")
        await until(sql, f"(select count(*) >= 2 {held})")
        await asyncio.sleep(dice.uniform(0, 0.1))
        zombie.signal(signal.SIGSTOP)
        owners = await rows(sql, f"select distinct owner {held}")
        lives.append(asyncio.create_task(heir.live()))
        # It wakes while the other is at its shards, or long after.
        await asyncio.sleep(LEASE + dice.uniform(0.1, 1.0))
        assert owners
        zombie.signal(signal.SIGCONT)
        await asyncio.sleep(0)
        writes.cancel()
        await asyncio.gather(*lives)

    try:
        await until_done(
            [asyncio.create_task(sleep_and_wake())], [zombie, heir], f"SENDOKA_SEED={SEED}: {form} {number}"
        )
    finally:
        writes.cancel()
        for life in lives:
            life.cancel()
    assert (zombie.begun, heir.begun) == (1, 1)
    await look(sql, form)
