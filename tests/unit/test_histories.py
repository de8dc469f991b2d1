"""What teams do to folders and databases, at random, against a model of what is to be applied: in memory.

`make soak` goes twenty times as far; hypothesis prints the steps that fail, and `--hypothesis-seed` walks them again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sendoka.migrations import call
from tests.fixtures.kept import Kept
from tests.fixtures.machine import HEAD, Histories
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    import pytest

STEPS = 50


class InMemory(Histories):
    """The machine over databases in memory."""

    @staticmethod
    def make(drizzle: str | None) -> Kept:
        """See `Histories.make`."""
        if drizzle is None:
            return Kept()
        return Kept(HEAD if drizzle == "adopted" else ("e" * 64, 5000), Counter({"base": 1}))


def test_no_effect_is_lost_or_doubled_whatever_teams_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_LONGEST", 0.0)
    run_state_machine_as_test(
        InMemory,
        settings=settings(
            max_examples=15 * SOAK,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
