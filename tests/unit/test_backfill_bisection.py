"""The search for the rows that a page fails for, and which failures are looked for so."""

from __future__ import annotations

import random

import pytest

from sendoka.backfills.bisection import Bisection
from sendoka.backfills.dead_letters import most
from sendoka.backfills.patience import is_of_data, passes
from sendoka.errors import DatabaseError, Outcome


def search(count: int, poisoned: set[int], usual: int) -> tuple[list[int], list[int], int]:
    """Walk over `count` rows; return those found bad, those done, and how many pages were tried."""
    parts, at, tried = Bisection(), 0, 0
    bad: list[int] = []
    good: list[int] = []
    while at < count:
        page = range(at, min(count, at + parts.size(usual)))
        tried += 1
        if not poisoned & set(page):
            good += page
        elif len(page) == 1:
            bad += page
        else:
            parts.failed(len(page))
            continue
        parts.done()
        at = page.stop
    return bad, good, tried


@pytest.mark.parametrize("seed", range(50))
def test_it_finds_exactly_what_is_bad(seed: int) -> None:
    dice = random.Random(seed)
    count, usual = dice.randrange(1, 200), dice.randrange(1, 100)
    poisoned = {row for row in range(count) if dice.random() < dice.choice([0.01, 0.1, 1])}
    bad, good, _ = search(count, poisoned, usual)
    assert bad == sorted(poisoned)
    assert good == [row for row in range(count) if row not in poisoned]


def test_one_row_of_a_thousand_takes_some_twenty_pages() -> None:
    assert search(1000, {700}, 1000)[2] <= 22


def test_a_smaller_page_is_asked_for_where_that_is_usual_by_now() -> None:
    parts = Bisection()
    parts.failed(1000)
    assert (parts.size(1000), parts.size(100), parts.size(1000, then=1)) == (500, 100, 500)
    parts.forget()
    assert parts.size(1000) == 1000


OF_DATA = ["21000", "22001", "22P02", "23502", "23505", "23514", "23P01", "44000", "54000", "P0001", "MY123", "77777"]
PASSING = ["08006", "40001", "40P01", "53200", "55P03", "57014", "57P01"]
NEITHER = ["0A000", "25006", "27000", "28000", "2BP01", "42501", "42703", "42P01", "54001", "55000", "58030", "72000"]


@pytest.mark.parametrize("sqlstate", OF_DATA)
def test_a_row_may_be_at_fault_for_its_data(sqlstate: str) -> None:
    error = DatabaseError("said", sqlstate=sqlstate, outcome=Outcome.FAILED)
    assert (is_of_data(error), passes(error)) == (True, False)


@pytest.mark.parametrize("sqlstate", [*PASSING, *NEITHER, "SB001", "SB002", "XX000", "HV000", ""])
def test_no_row_is_at_fault_for_anything_else(sqlstate: str) -> None:
    error = DatabaseError("said", sqlstate=sqlstate, outcome=Outcome.FAILED)
    assert (is_of_data(error), passes(error)) == (False, sqlstate in PASSING)


@pytest.mark.parametrize(
    ("dead", "paged", "max_dead", "fine"),
    [(100, 1000, 100, True), (101, 1000, 100, False), (10, 10, 100, True), (11, 11, 100, False), (11, 12, 100, True),
     (3, 3, 2, False), (2, 2, 2, True)],
)  # fmt: skip
def test_a_run_may_have_so_many_dead_letters(dead: int, paged: int, max_dead: int, fine: bool) -> None:
    assert (dead <= most(dead, paged, max_dead)) is fine
