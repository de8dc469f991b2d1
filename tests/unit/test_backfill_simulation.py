"""The runner against a model of the database: no sleeping, everything by a seed.

The code that runs is the runner's own, and so are its statements: `tests.fixtures.modelled` reads them with Postgres'
parser and does what they say, at READ COMMITTED and at REPEATABLE READ, with row locks, in virtual time. One to three
runners, with workers that share and steal shards, are killed at any await, stand still beyond their lease and come
again; each request may be refused, lost before or behind its commit, late, twice, or slow; the application writes rows;
people pause, resume and cancel, deploy another script, correct rows and try dead letters again. Rows are all, or those
of a source or of keys in a list, a file or a function; and calls keep to a rate and to hours. What is in a world says
`plan`; what must hold at its end is in `verdict` and `limits`; that the model answers as PostgreSQL does, in
tests/database/test_backfill_model.py.

`SENDOKA_SEED=123` plays the world of that seed; `make soak` plays twenty times as many.

Each of MISTAKES is put into the statements or the code, and must be found. Where worlds are drawn in another way, or
the runner sends other requests, it is found by other seeds than `since` says: that costs time, and nothing else. What a
mistake in one statement cannot show: a claim that looks at no lease only wastes work, for the epoch and the sequence
number fence off who is late; each of these two does so without the other while no script changes and nothing is stolen;
and where the checkpoint were not locked, the key of the table of batches would still let only one of two batches in.
Some mistakes of steps that are called ahead are found by `modelled.writes`: a process has one write on its way, and
sends the same one again as long as its fate is not known.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from sendoka.errors import BackfillError
from tests.fixtures.modelled.clock import virtual_time
from tests.fixtures.modelled.mistakes import MISTAKES
from tests.fixtures.modelled.network import KINDS
from tests.fixtures.modelled.world import play
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from tests.fixtures.modelled.clock import VirtualLoop
    from tests.fixtures.modelled.mistake import Mistake

SEED = os.environ.get("SENDOKA_SEED")
WORLDS = 250 * SOAK
FEW = 400
"""Worlds in which a mistake must show."""


def test_every_row_is_changed_once_whatever_happens() -> None:
    first = random.SystemRandom().randrange(10**9)
    met: set[str] = set()
    runners = ahead = split = deployed = mended = chosen = limited = 0
    with virtual_time() as loop:
        for seed in [int(SEED)] if SEED else range(first, first + WORLDS):
            world = play(loop, seed)
            met.update(world.network.met)
            runners += world.begun
            ahead += world.network.ahead
            split += len(list(world.server.store.newest("backfill_shards"))) > 1
            deployed += world.version > 1
            mended += world.mended
            chosen += world.plan.choice is not None
            limited += bool(world.plan.rate or world.plan.hours)
    assert SEED or met == set(KINDS)
    assert SEED or runners > 2 * WORLDS
    assert SEED or ahead > WORLDS / 4
    assert SEED or min(split, deployed, mended, chosen, limited) > WORLDS / 50


def test_a_seed_plays_the_same_world_again() -> None:
    with virtual_time() as loop:
        worlds = [play(loop, seed) for seed in (7, 7)]
    one, other = (list(world.server.store.changes) for world in worlds)
    assert one == other
    assert worlds[0].network.met == worlds[1].network.met
    assert worlds[0].begun == worlds[1].begun


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str) -> None:
    with virtual_time() as loop, pytest.raises((AssertionError, BackfillError)):
        _play_some(loop, MISTAKES[mistake])


def _play_some(loop: VirtualLoop, mistake: Mistake) -> None:
    """Play the worlds in which a mistake must show; raise what it was found by."""
    for seed in range(mistake.since, mistake.since + FEW):
        try:
            with mistake.patch():
                play(loop, seed, mistake.texts, mistake.form, mistake.wants)
        except BaseExceptionGroup as group:
            found: BaseException = group
            while isinstance(found, BaseExceptionGroup):
                found = found.exceptions[0]
            raise found from None
