"""Random schemas with rows in their tables, changed at random on a real Postgres: that of the run, and the wheel's.

Each walk starts with a schema of some forty objects and goes on by changes of one to four, each planned, run, read
again and compared: the schema is the new one, nothing is left to plan, the snapshot reads back the same, and whatever
no hazard named has kept its values. What rows make fail must have been foretold by a hazard, and go through without
them. A second test changes schemas into each other that have nothing to do with each other: those of the cases.

`SENDOKA_SEED=123` goes the way of that seed alone, as far as `make soak` goes. `SENDOKA_SOAK=20` goes twenty times as
many, fresh ones, of which those that failed belong into `SEEDS`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.soak import SOAK
from tests.schemas.walk import Walk
from tests.schemas.world import World

if TYPE_CHECKING:
    from sendoka.schema.model import Model
    from tests.schemas.bench import Bench

SEED = os.environ.get("SENDOKA_SEED")
SEEDS = (1, 2, 3, 4, 5)
"""Walked in every run. What failed once, and has no case of its own, is added."""
STEPS = 12
SIZE = 40
PAIRS = 30
EXTENSIONS = ("btree_gist", "citext", "pg_trgm")
CASES = sorted((Path(__file__).parent.parent / "cases").glob("*/*/*.sql"))


@pytest.fixture(params=["run", "wheel"])
def tried_on(request: pytest.FixtureRequest, bench: Bench) -> Bench:
    """The server of the run, and the wheel's where that is another one."""
    if request.param == "run":
        return bench
    newest: Bench = request.getfixturevalue("newest_bench")
    if newest is bench:
        pytest.skip("the run's own server is the wheel's")
    return newest


def _seed(place: int) -> int:
    if SEED is not None:
        return int(SEED)
    return SEEDS[place] if place < len(SEEDS) else random.SystemRandom().randrange(10**9)


@pytest.mark.parametrize("place", range(len(SEEDS) * SOAK if SEED is None else 1))
async def test_a_walk_from_schema_to_schema(place: int, tried_on: Bench) -> None:
    seed = _seed(place)
    there = {row[0] for row in tried_on.beside.execute("select name from pg_available_extensions")}
    known = [each for each in EXTENSIONS if each in there]
    with tried_on.fresh() as here:
        walk = Walk(here, tried_on.beside, World(random.Random(seed), tried_on.server.version, known))
        try:
            await walk.begin(SIZE)
            for _ in range(STEPS if SOAK == 1 and SEED is None else 5 * STEPS):
                await walk.step()
        except Exception as error:
            error.add_note(f"SENDOKA_SEED={seed} walks it again, on Postgres {tried_on.server.version}")
            raise
    assert walk.passed > walk.refused, "most of what is drawn must be a schema at all"


async def test_schemas_that_have_nothing_to_do_with_each_other(tried_on: Bench) -> None:
    seed = _seed(0)
    chance = random.Random(seed)
    texts = {path: path.read_text(encoding="utf-8") for path in CASES if path.name in {"old.sql", "new.sql"}}
    able = [path for path in texts if not (path.parent / "since").exists() and path.parent.parent.name != "extension"]
    for _ in range(PAIRS * SOAK):
        one, other = chance.sample(able, 2)
        try:
            old, new = await _read(tried_on, texts[one]), await _read(tried_on, texts[other])
            await tried_on.change(texts[one], old, new)
        except Exception as error:
            error.add_note(f"{one} → {other}, SENDOKA_SEED={seed}, on Postgres {tried_on.server.version}")
            raise


async def _read(bench: Bench, sql: str) -> Model:
    found = await bench.read(sql)
    assert found.unmanaged == ()
    return found
