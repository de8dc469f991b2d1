"""The time left of a run with workers, shards and hours, played on a clock that only batches move."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, call, runs, telling, throttle
from sendoka.backfills.call import Call
from sendoka.backfills.forecast import longest
from sendoka.backfills.limits import Limits
from sendoka.backfills.pace import Pace
from sendoka.backfills.shards import Lease, Part, Shard
from sendoka.backfills.terms import Terms
from sendoka.testing import FakeDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills import Progress
    from sendoka.backfills.call import Worker

FILL = backfill(table="messages", where="done is null", sql="update messages set done = 1 from page", name="fill")
BATCH = 1000
ROWS = 400 * BATCH
IDLE = Lease(None, 0.0)


def shard(state: str = "running", **counts: Any) -> Shard:
    return replace(Shard("running", 1, 1, 0, None, None, None, 0, 0, 0, 0, 0, 0), state=state, **counts)


class Played:
    """A call whose workers do batches: each takes a free shard, or half of the largest, as the real ones do."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        workers: int,
        sizes: list[int],
        took: Callable[[random.Random], float],
        **limits: Any,
    ) -> None:
        self.now, self.took, self.dice = 0.0, took, random.Random(workers * 100 + len(sizes))
        for module in (call, telling, throttle):
            monkeypatch.setattr(module, "time", self)
        self.said: list[Progress] = []
        self.guesses: list[tuple[float, float, float]] = []
        terms = Terms(workers=workers, limits=Limits.of(**limits))
        run = runs.Run(1, "fill", 1, "", "running", ROWS, "", "", None, None, "", None, None, None)
        self.call = Call(
            FakeDatabase(), FILL, terms, Pace(BATCH), lambda: False, self.said.append, started=0.0, run=run
        )
        self.rest = dict(enumerate(sizes))
        about = ROWS // len(sizes)
        self.call.keep(Part(number, shard(), IDLE, about) for number in range(len(sizes)))

    def monotonic(self) -> float:
        return self.now

    def play(self) -> None:
        """Let all rows be scanned, and note what was foreseen after each batch."""
        ends: dict[int, tuple[float, float]] = {}
        while True:
            for place, worker in enumerate(self.call.workers):
                if worker.at is None and self.take(worker):
                    ends[place] = self.batch()
            if not ends:
                return
            place = min(ends, key=lambda each: ends[each][1])
            began, self.now = ends.pop(place)
            worker = self.call.workers[place]
            self.done(worker, self.now - began)
            if worker.at is not None:
                ends[place] = self.batch()

    def batch(self) -> tuple[float, float]:
        return self.now, self.now + self.took(self.dice)

    def take(self, worker: Worker) -> bool:
        parts = self.call.parts
        free = [number for number, rows in self.rest.items() if rows and all(w.at != number for w in self.call.workers)]
        if free:
            worker.at = free[0]
            return True
        victim = max(self.rest, key=lambda number: self.rest[number])
        half = self.rest[victim] // 2
        if half < worker.worth:
            return False
        self.rest[victim] -= half
        number = len(parts)
        self.rest[number] = half
        was = parts[victim]
        assert was.about is not None
        guess = max(was.about - was.shard.pass_scanned, 0) // 2
        parts[victim] = replace(was, about=was.shard.pass_scanned + guess)
        parts[number] = Part(number, shard(), IDLE, guess)
        worker.at = number
        return True

    def done(self, worker: Worker, seconds: float) -> None:
        number = worker.at
        assert number is not None
        rows = min(BATCH, self.rest[number])
        self.rest[number] -= rows
        before = self.call.parts[number].shard
        scanned = before.pass_scanned + rows
        state = "running" if self.rest[number] else "scanned"
        worker.meter.add(rows, seconds)
        self.call.note(number, replace(before, state=state, seq=before.seq + 1, scanned=scanned, pass_scanned=scanned))
        if state == "scanned":
            worker.at = None
        self.call.waiting("", at=number)
        told = self.said[-1]
        self.guesses.append((self.now, told.pass_scanned, -1.0 if told.seconds_left is None else told.seconds_left))

    def worst(self, *, until: float) -> float:
        """Return by how much it was wrong at most, from a tenth on, as long as `until` seconds are left or more."""
        end = self.now
        return max(
            abs(guess / (end - at) - 1)
            for at, scanned, guess in self.guesses
            if scanned >= ROWS / 10 and end - at >= until
        )


def even(count: int) -> list[int]:
    return [ROWS // count] * count


def uneven(count: int) -> list[int]:
    """Return sizes that differ from each other by 15 %, as those of a sample do."""
    dice = random.Random(count)
    sizes = [round(ROWS / count * dice.uniform(0.85, 1.15)) for _ in range(count - 1)]
    return [*sizes, ROWS - sum(sizes)]


def steady(_: random.Random) -> float:
    return 0.5


def noisy(dice: random.Random) -> float:
    return dice.uniform(0.3, 0.8)


@pytest.mark.parametrize("took", [steady, noisy])
@pytest.mark.parametrize("sizes", [even, uneven])
@pytest.mark.parametrize(("workers", "count"), [(1, 5), (2, 8), (4, 4), (4, 5), (4, 16), (4, 64)])
def test_the_time_left_is_right_within_a_fifth_after_a_tenth(
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    count: int,
    sizes: Callable[[int], list[int]],
    took: Callable[[random.Random], float],
) -> None:
    played = Played(monkeypatch, workers=workers, sizes=sizes(count), took=took)
    played.play()
    assert sum(part.shard.scanned for part in played.call.parts.values()) == ROWS
    # At the very end a batch that is on its way is more than what is left.
    assert played.worst(until=10.0) <= 0.2


def test_who_is_alone_under_a_limit_is_as_fast_as_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six thousand rows are left of the last shard, at 1,000 rows a second for all, which one worker can do too."""
    played = Played(monkeypatch, workers=4, sizes=[2 * BATCH] * 200, took=steady)
    called = played.call
    for number in range(197):
        played.now += 2.0
        played.rest[number] = 0
        called.note(number, shard("scanned", seq=2, scanned=2 * BATCH, pass_scanned=2 * BATCH))
    called.parts[197] = replace(called.parts[197], about=6 * BATCH)
    for number in (198, 199):
        called.note(number, shard("scanned", seq=1))
    called.workers[0].at = 197
    for worker in called.workers:
        worker.pace.rate, worker.held = 1500.0, "1,000/s at most"
        worker.meter.add(BATCH, 0.5)
    called.workers[1].at = 5
    called.waiting("", at=197)
    assert played.said[-1].rate == pytest.approx(1000.0, rel=0.02)  # and not what each has between its waits
    assert played.said[-1].shards[197].rate == pytest.approx(500.0, rel=0.02)
    called.workers[1].at = None
    called.waiting("", at=197)
    assert played.said[-1].seconds_left == pytest.approx(6.0, rel=0.02)
    for worker in called.workers:
        worker.held = ""
    called.waiting("", at=197)
    assert played.said[-1].seconds_left == pytest.approx(24.0, rel=0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_first_batch_is_not_said_to_be_faster_than_the_limit(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    played = Played(monkeypatch, workers=workers, sizes=even(4), took=steady, rate="1000/s")
    for place, worker in enumerate(played.call.workers):
        worker.at = place
        played.done(worker, 0.1)
        assert played.said[-1].rate == pytest.approx(1000.0)
    assert sum(each.rate or 0 for each in played.said[-1].shards) == pytest.approx(1000.0)


def test_who_is_alone_at_the_last_shard_decides_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven batches are left of one shard, too few to be shared: as long as one worker takes, not a fourth of it."""
    played = Played(monkeypatch, workers=4, sizes=even(4), took=steady)
    played.play()
    last = [left for _, scanned, left in played.guesses if ROWS - scanned == 4 * BATCH]
    assert last == [pytest.approx(0.5, rel=0.2)]
    assert longest([7, 0, 0, 0], [], 4) == 7
    assert longest([8, 0, 0, 0], [], 4) == 4
    assert longest([16, 0], [], 1) == 8
    assert longest([3, 1], [5, 2], 100) == 6
    assert longest([], [5], 1) == 5
    many = [28536, 91968, 30884, 78227, 73761, 31074, 29877, 70776, 61159, 56040, 38236]
    mean = (sum(many) + 138_900) / len(many)
    assert longest(many, [40079, 18720, 43080, 8624, 27488, 909], 1) == pytest.approx(mean, rel=0.001)


def test_each_shard_says_who_is_at_it_and_how_long_that_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, workers=2, sizes=even(4), took=steady)
    called = played.call
    called.parts[2] = replace(called.parts[2], lease=Lease("there:7:a", 9.0))
    called.parts[3] = replace(called.parts[3], lease=Lease("gone:8:b", 0.0))
    worker = called.workers[0]
    worker.at = 1
    played.rest[1] = 1000
    played.done(worker, 5.0)
    told = played.said[-1]
    assert [each.state for each in told.shards] == ["free", "scanned", "running", "free"]
    assert told.shard is not None
    assert (told.shard.number, told.shard.pass_scanned) == (1, 1000)
    assert (told.shards[2].holder, told.shards[2].lease, told.shards[2].here) == ("process 7 on there", 9.0, False)
    worker.at = 0
    called.waiting("vacuum of messages is going on", 60.0, at=0)
    first = played.said[-1].shards[0]
    assert (first.state, first.here, first.waiting, first.total) == (
        "running",
        True,
        "vacuum of messages is going on",
        100_000,
    )
    assert (first.rate, first.seconds_left) == (200.0, 500.0)
    called.waiting("", at=0)
    assert played.said[-1].shards[0].waiting == ""


async def test_what_others_did_is_looked_at_now_and_then_and_only_where_somebody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played, looks = Played(monkeypatch, workers=1, sizes=even(3), took=steady), []

    async def read_shards(_database: object, _run: int) -> list[Part]:
        looks.append(played.now)
        scanned = len(looks) * 1000
        there = shard(seq=len(looks), scanned=scanned, pass_scanned=scanned)
        held = Part(2, there, Lease("there:7:a", 9.0), 70_000)
        return [Part(0, shard(), IDLE, 90_000), Part(1, shard(), IDLE, None), held]

    async def dead_by_shard(_database: object, _run: int) -> dict[int, int]:
        return {2: 3}

    monkeypatch.setattr(telling, "read_shards", read_shards)
    monkeypatch.setattr(telling, "dead_by_shard", dead_by_shard)
    played.call.workers[0].at = 0
    played.call.note(0, shard(seq=5, scanned=5000, pass_scanned=5000))
    for now in range(14):
        played.now = float(now)
        await played.call.teller.look()
    assert looks == [5.0, 10.0]
    played.call.waiting("", at=0)
    told = played.said[-1]
    assert (told.pass_scanned, told.dead) == (7000, 3)
    assert (told.shards[0].pass_scanned, told.shards[0].total) == (5000, 90_000)  # what we did since is not lost
    assert (told.shards[2].rate, told.shards[2].seconds_left, told.shards[2].dead) == (200.0, 340.0, 3)
    played.call.teller = telling.Teller(played.call, None)
    played.now = 100.0
    await played.call.teller.look()
    assert len(looks) == 2
