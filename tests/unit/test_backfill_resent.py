"""A batch that fails for what passes: when it is sent again, and what it counts for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills.sweep import Sweep
from sendoka.backfills.telling import Teller
from sendoka.errors import database_error
from tests.unit.test_backfill_throttle import PART, RUN, TARGET, Held

if TYPE_CHECKING:
    from sendoka.backfills.shards import Shard

DEADLOCK = database_error({"code": "40P01", "message": "deadlock detected"})
CANCELLED = database_error({"code": "57014", "message": "canceling statement due to statement timeout"})


@dataclass
class Failing:
    """A walk of one shard whose batches take the seconds of `held`; `sent` says when, and of what size, they were sent.

    The first of them end in `errors`.
    """

    held: Held
    errors: list[Exception]
    shard: Shard = PART.shard
    sent: list[tuple[float, int]] = field(default_factory=list)
    batches: int = 0
    asked: int = 0
    width: float = 0.0
    stepped: float = 0.0
    lost: bool = False

    async def take(self) -> None:
        """Nothing is to be held."""

    async def keep(self) -> None:
        """Nothing is held."""

    async def stop(self) -> None:
        """Nothing is under way."""

    async def batch(self, size: int) -> Shard:
        self.sent.append((self.held.now, size))
        self.held.now += self.held.seconds
        if self.errors:
            raise self.errors.pop(0)
        self.shard = replace(self.shard, state="scanned", seq=1, scanned=size, paged=size)
        return self.shard


async def swept(held: Held, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> list[tuple[float, int]]:
    """Do one batch that fails so first, and return when it was sent, and of what size."""
    walk = Failing(held, list(errors))
    monkeypatch.setattr("sendoka.backfills.sweep.time", held)
    monkeypatch.setattr("sendoka.backfills.patience.rest", held.rest)
    monkeypatch.setattr(Sweep, "walk", lambda *_: walk)
    monkeypatch.setattr(Teller, "look", Failing.keep)
    held.call.keep([PART])
    await Sweep(held.call, held.call.workers[0]).over(TARGET, RUN, PART)
    return walk.sent


async def test_a_batch_that_failed_is_sent_again_in_the_hours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"between": "12:20-12:10", "tz": "UTC", "yields": {"all": "off"}}, seconds=601.0)
    (first, again) = await swept(held, monkeypatch, DEADLOCK)
    assert first == (0.0, 1000)
    assert again[0] == pytest.approx(1200, abs=1)
    assert "it runs between 12:20-12:10 UTC only" in [each.waiting for each in held.said]


async def test_a_batch_that_failed_is_not_sent_again_where_the_call_ends_before_its_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(monkeypatch, {"between": "12:20-12:10", "tz": "UTC"}, deadline=700.0, seconds=601.0)
    assert len(await swept(held, monkeypatch, DEADLOCK)) == 1
    assert held.call.reason == "it runs between 12:20-12:10 UTC only"


async def test_every_send_of_a_batch_counts_for_the_rate_as_large_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"rate": 1000, "yields": {"all": "off"}})
    sent = await swept(held, monkeypatch, CANCELLED, DEADLOCK)
    assert [size for _, size in sent] == [1000, 500, 500]
    assert [at for at, _ in sent] == pytest.approx([0.0, 1.0, 1.5])
    assert await held.room() == pytest.approx(0.5)


async def test_only_what_is_still_to_come_of_the_time_of_a_short_batch_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(monkeypatch, {"rate": 1000, "yields": {"all": "off"}}, workers=2)
    one, other = held.call.workers
    held.call.throttle.begins(500, one)
    await held.room(other)
    held.call.throttle.begins(500, other)
    held.now = 0.6
    held.call.throttle.spent(0, 0.6, one)
    assert await held.room(one) == pytest.approx(0.4)  # the other one has its half of a second to itself
