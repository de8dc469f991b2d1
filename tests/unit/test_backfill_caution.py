"""How long a run locks its pages after somebody else changed a row of one."""

from __future__ import annotations

from sendoka.backfills.caution import Caution


def batches(caution: Caution, number: int) -> int:
    """Do so many batches, all of which meet a conflict where they leave their page unlocked; return how many did."""
    met = 0
    for _ in range(number):
        if caution.allows:
            caution.met()
            met += 1
        else:
            caution.passed()
    return met


def test_locks_grow_with_conflicts_up_to_a_bound() -> None:
    caution = Caution()
    assert batches(caution, 5) == 1
    assert batches(caution, 1 + 8 + 1 + 16 + 1 + 32 + 1 + 64) == 5 - 1
    assert batches(caution, 650) == 10


def test_batches_without_a_conflict_make_the_next_one_cost_less() -> None:
    caution = Caution()
    batches(caution, 1000)
    while not caution.allows:
        caution.passed()
    for _ in range(10):
        caution.spared()
    assert batches(caution, 5) == 1
