"""The runner against a model of the database: no sleeping, everything by a seed.

The code that runs is the runner's own, and so are its statements: `tests.fixtures.modelled` reads them with Postgres'
parser and does what they say, at READ COMMITTED and at REPEATABLE READ, with row locks, in virtual time. One to three
runners are killed at any await, stand still beyond their lease and come again; each request may be refused, lost
before or behind its commit, late, twice, or slow; the application writes rows; an operator pauses, resumes and
cancels; some runners have two workers, who split the shard. What must hold at the end is in `verdict`; that the model
answers as PostgreSQL does, in tests/database/test_backfill_model.py.

`SENDOKA_SEED=123` plays the world of that seed; `make soak` plays twenty times as many.

Steps are called ahead, and of what that invites each of SLIPS must be found, some by `modelled.writes`: a process has
one write on its way, and sends the same one again as long as its fate is not known.

Each of MISTAKES is put into the statements, and must be found. What a mistake in one statement cannot show: a claim
that looks at no lease only wastes work, for the epoch and the sequence number fence off who is late; each of these two
does so without the other while no script changes; and where the checkpoint were not locked, the key of the table of
batches would still let only one of two batches in.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from sendoka.backfills import change_walk
from sendoka.backfills.fencing import fence
from sendoka.backfills.hand import Hand
from sendoka.backfills.step_walk import StepWalk
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import BackfillError, TransportError
from tests.fixtures.modelled.clock import virtual_time
from tests.fixtures.modelled.network import KINDS
from tests.fixtures.modelled.world import play

if TYPE_CHECKING:
    from sendoka.backfills.batch import Page
    from sendoka.backfills.shards import Shard
    from tests.fixtures.modelled.clock import VirtualLoop
    from tests.fixtures.modelled.database import Mutation

SOAK = int(os.environ.get("SENDOKA_SOAK", "1"))
SEED = os.environ.get("SENDOKA_SEED")
WORLDS = 400 * SOAK
FEW = 400
"""Worlds in which a mistake must show."""


def test_every_row_is_changed_once_whatever_happens() -> None:
    first = random.SystemRandom().randrange(10**9)
    met: set[str] = set()
    runners = ahead = split = 0
    with virtual_time() as loop:
        for seed in [int(SEED)] if SEED else range(first, first + WORLDS):
            world = play(loop, seed)
            met.update(world.network.met)
            runners += world.begun
            ahead += world.network.ahead
            split += len(list(world.server.store.newest("backfill_shards"))) > 1
    assert SEED or met == set(KINDS)
    assert SEED or runners > 2 * WORLDS
    assert SEED or ahead > WORLDS / 4
    assert SEED or split > WORLDS / 50


def test_a_seed_plays_the_same_world_again() -> None:
    with virtual_time() as loop:
        worlds = [play(loop, seed) for seed in (7, 7)]
    one, other = (list(world.server.store.changes) for world in worlds)
    assert one == other
    assert worlds[0].network.met == worlds[1].network.met
    assert worlds[0].begun == worlds[1].begun


MISTAKES: dict[str, tuple[str, Mutation]] = {
    "the checkpoint is not locked, nor its place taken": (
        "every_in_sql",
        (("null\n  for update\n), sendoka_scan", "null), sendoka_scan"), ("seq = c.seq + 1", "seq = b.seq + 1")),
    ),
    "a page to be locked is not": (
        "some_in_sql",
        (("limit $3::int for no key update", "limit $3::int"),),
    ),
    "the cursor is the last row of the page": (
        "some_in_sql",
        (("(k1) from sendoka_end", "(id) from page order by id desc limit 1"),),
    ),
    "the cursor moves by what was changed": ("every_in_sql", (("when t.scanned < $3", "when t.changed < $3"),)),
    "the fence lets pass what it did not move": (
        "every_in_python",
        (("(select epoch from sendoka_fence), (select pass from sendoka_fence)", "$4::bigint, 1"),),
    ),
    "the fence looks neither at the epoch nor at the place": (
        "every_in_python",
        (
            ("epoch = $4::bigint and seq = $3::bigint - 1", "$4::bigint is not null"),
            ("$2::int, $3::bigint, (select epoch", "$2::int, (select seq from sendoka_fence), (select epoch"),
            ("returning epoch, pass\n", "returning epoch, pass, seq\n"),
        ),
    ),
    "a change is counted twice": (
        "some_in_python",
        (
            ("b.pass_changed + n.changed", "b.pass_changed + 0 * n.changed"),
            ("set changed = b.changed + n.changed", "set changed = b.changed + 2 * n.changed"),
        ),
    ),
    "who pauses locks the run for all": (
        "every_in_sql",
        (("where id = $1::bigint for no key update", "where id = $1::bigint for update"),),
    ),
}


LOCKED = {"a page to be locked is not", "the cursor moves by what was changed"}
"""Those that show where every batch locks its page: otherwise few do."""

SOONER = {"a page to be locked is not": 700, "who pauses locks the run for all": 1030}
"""Seeds before which it does not show, to spare the time."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_statement_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form, mutation = MISTAKES[mistake]
    first = SOONER.get(mistake, 0)
    if mistake in LOCKED:
        monkeypatch.setattr(change_walk, "may_go_unlocked", lambda *_: False)
    with virtual_time() as loop, pytest.raises((AssertionError, BackfillError, ExceptionGroup)):
        _play_some(loop, first, mutation, form)


def test_a_page_without_locks_at_the_wrong_level_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_walk, "_UNLOCKED", TransactionOptions("ReadCommitted", meets_conflicts=True))
    with virtual_time() as loop, pytest.raises((AssertionError, BackfillError, ExceptionGroup)):
        _play_some(loop, 700, (), "some_in_sql")


async def believes(walk: StepWalk, pending: Any) -> Shard:
    """Take a batch for done whose answer was lost, and go on with what is in hand."""
    try:
        return await _SEND(walk, pending)
    except TransportError:
        fence, shard = pending.fence, walk._holding.shard
        walk._note(replace(shard, seq=fence.seq + 1, cursor=fence.cursor or shard.cursor), fence)
        walk._hand.advance(None)
        return walk._holding.shard


async def hurries(walk: StepWalk, pending: Any) -> Shard:
    """Send a batch, and the one behind it without waiting for its answer."""
    behind = replace(pending, fence=replace(pending.fence, seq=pending.fence.seq + 1))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_SEND(walk, pending))
        group.create_task(walk._work.database.run_all([fence(behind.fence)]))
    return first.result()


def keeps(hand: Hand) -> None:
    """Keep the page behind the one that is dropped."""
    hand.turn, hand.behind = hand.behind, None


def repeats(walk: StepWalk, page: Page, size: int) -> tuple[str | None, int]:
    """Read the page that is in hand already."""
    return page.cursor, 0 if page.last else size


_SEND = StepWalk._send
SLIPS: dict[str, tuple[str, type, str, Any]] = {
    "a batch is sent although the one before may be in or not": ("every_in_python", StepWalk, "_send", believes),
    "a batch is sent while the one before is on its way": ("some_in_python", StepWalk, "_send", hurries),
    "a page is kept over an epoch, and a bound, that moved": ("every_in_python", Hand, "forget", keeps),
    "a page is read that is in hand": ("every_in_python", StepWalk, "_following", repeats),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_mistake_of_going_ahead_is_found(slip: str) -> None:
    form, of, name, instead = SLIPS[slip]
    found = pytest.raises((AssertionError, BackfillError, ExceptionGroup))
    with virtual_time() as loop, mock.patch.object(of, name, instead), found:
        _play_some(loop, 0, (), form)


def _play_some(loop: VirtualLoop, first: int, mutation: Mutation, form: str) -> None:
    for seed in range(first, first + FEW):
        play(loop, seed, mutation, form)
