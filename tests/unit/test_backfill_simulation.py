"""The runner against a model of the database: no sleeping, everything by a seed.

The code that runs is the runner's own, and so are its statements: `tests.fixtures.modelled` reads them with Postgres'
parser and does what they say, at READ COMMITTED and at REPEATABLE READ, with row locks, in virtual time. One to three
runners are killed at any await, stand still beyond their lease and come again; each request may be refused, lost
before or behind its commit, late, twice, or slow; the application writes rows; an operator pauses, resumes and
cancels. What must hold at the end is in `verdict`; that the model answers as PostgreSQL does, in
tests/database/test_backfill_model.py.

`SENDOKA_SEED=123` plays the world of that seed; `make soak` plays twenty times as many.

Each of MISTAKES is put into the statements, and must be found. What a mistake in one statement cannot show: a claim
that looks at no lease only wastes work, for the epoch and the sequence number fence off who is late; each of these two
does so without the other while no script changes; and where the checkpoint were not locked, the key of the table of
batches would still let only one of two batches in.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills import change_walk
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import BackfillError
from tests.fixtures.modelled.clock import virtual_time
from tests.fixtures.modelled.network import KINDS
from tests.fixtures.modelled.world import play

if TYPE_CHECKING:
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
    runners = 0
    with virtual_time() as loop:
        for seed in [int(SEED)] if SEED else range(first, first + WORLDS):
            world = play(loop, seed)
            met.update(world.network.met)
            runners += world.begun
    assert SEED or met == set(KINDS)
    assert SEED or runners > 2 * WORLDS


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


def _play_some(loop: VirtualLoop, first: int, mutation: Mutation, form: str) -> None:
    for seed in range(first, first + FEW):
        play(loop, seed, mutation, form)
