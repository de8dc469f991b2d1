"""How a run waits for room: how long, what it says, and what ends the wait. The clock is one that only waits move."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest

from sendoka.backfills import backfill, runs, throttle
from sendoka.backfills.call import Call
from sendoka.backfills.gauges import Seen
from sendoka.backfills.limits import Limits
from sendoka.backfills.pace import Pace
from sendoka.backfills.patience import Stopped
from sendoka.backfills.runs import Run
from sendoka.backfills.shards import Lease, Part, Shard
from sendoka.backfills.signal import Busy
from sendoka.backfills.target import Target
from sendoka.backfills.terms import Terms
from sendoka.errors import AnswerLost, database_error
from sendoka.testing import FakeDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.backfills import Progress
    from sendoka.backfills.call import Worker
    from sendoka.backfills.walk import Walk

TARGET = Target("16400", "public", "messages", ("id",), ("id",), {"id": "text"})
FILL = backfill(table="messages", where="done is null", sql="update messages set done = 1 from page", name="fill")
RUN = Run(1, "fill", 1, "", "running", None, "", "", None, None, "", None, None, None)
PART = Part(0, Shard("running", 1, 1, 0, None, None, None, 0, 0, 0, 0, 0, 0), Lease(None, 0.0), None)
NOON = 1_767_960_000.0
"""12:00 in UTC."""

BLIND = "half speed, for this role cannot see what the database is busy with: "
VACUUM = Busy("vacuum of messages is going on")
HIDDEN = Busy("how far the standby paris is behind", hidden=True)


@dataclass
class Held:
    """A call, and what became of it: what it said, noted and kept, on a clock of its own."""

    monkeypatch: pytest.MonkeyPatch
    options: dict[str, Any]
    deadline: float | None = None
    busy: Callable[[float], dict[str, Busy] | Exception] = lambda now: {}
    state: str = "running"
    stopped_at: float = float("inf")
    workers: int = 1
    seconds: float = 0.0
    now: float = 0.0
    looks: int = 0
    kept: int = 0
    said: list[Progress] = field(default_factory=list)
    noted: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(throttle, "time", self)
        self.monkeypatch.setattr(throttle, "rest", self.rest)
        self.monkeypatch.setattr(throttle, "Gauges", lambda bounds: self)
        self.monkeypatch.setattr(runs, "note_wait", self.note)
        terms = Terms(deadline=self.deadline, workers=self.workers, limits=Limits.of(**self.options))
        self.call = Call(FakeDatabase(), FILL, terms, Pace(), lambda: False, self.said.append, started=0.0, run=RUN)
        self.monkeypatch.setattr("sendoka.backfills.call.time", self)
        self.call.throttle.spent(0, 0.0, self.call.workers[0])

    def monotonic(self) -> float:
        return self.now

    async def rest(self, seconds: float, stop: Callable[[], bool]) -> None:
        assert seconds > 0
        self.now += seconds
        if self.now >= self.stopped_at:
            raise Stopped

    async def read(self, database: object, target: Target, run: int | None) -> Seen:
        self.looks += 1
        found = self.busy(self.now)
        if isinstance(found, Exception):
            raise found
        return Seen(NOON + self.now, self.state, found)

    async def note(self, database: object, run: int, *, why: str, by: object) -> None:
        self.noted.append((self.now, why))

    async def keep(self) -> None:
        self.kept += 1

    async def room(self, worker: Worker | None = None) -> float:
        """Ask for room, for the first worker or another one, and return the seconds that it took."""
        before = self.now
        walk: Walk = self  # type: ignore[assignment]  # of a walk, only keep() is needed
        await self.call.throttle.room(TARGET, walk, worker or self.call.workers[0])
        return self.now - before

    async def batch(self, rows: int, seconds: float) -> float:
        """Do a batch, and return the seconds that were waited before it."""
        waited = await self.room()
        self.call.throttle.begins(rows, self.call.workers[0])
        self.now += seconds
        self.call.throttle.spent(rows, seconds, self.call.workers[0])
        return waited


class Turns(Held):
    """Workers under a rate, of whom the one that began to wait last is always woken first."""

    async def rest(self, seconds: float, stop: Callable[[], bool]) -> None:
        over = anyio.Event()
        self.asleep.append((self.now + seconds, over))
        await over.wait()

    async def work(self, worker: Worker, taken: list[int], place: int) -> None:
        while True:
            await self.room(worker)
            self.call.throttle.begins(25, worker)
            self.call.throttle.spent(25, 0.0, worker)
            taken.append(place)

    async def take(self, count: int) -> list[int]:
        """Return who took the first turns, by the workers' places."""
        taken: list[int] = []
        self.asleep: list[tuple[float, anyio.Event]] = []
        async with anyio.create_task_group() as group:
            for place, worker in enumerate(self.call.workers):
                group.start_soon(self.work, worker, taken, place)
            while len(taken) < count:
                while len(self.asleep) < len(self.call.workers):
                    await anyio.lowlevel.checkpoint()
                at, over = min(reversed(self.asleep), key=lambda each: each[0])
                self.asleep.remove((at, over))
                self.now = max(self.now, at)
                over.set()
            group.cancel_scope.cancel()
        return taken


async def test_workers_under_a_rate_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = await Turns(monkeypatch, {"rate": 100, "yields": {"all": "off"}}, workers=4).take(40)
    assert [taken.count(place) for place in range(4)] == [10] * 4
    assert all(len(set(taken[at : at + 4])) == 4 for at in range(4, 36))


async def test_who_is_not_there_by_its_turn_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Turns(monkeypatch, {"rate": 100, "yields": {"all": "off"}}, workers=3)
    held.call.throttle._queue = [held.call.workers[2]]
    held.call.workers.pop()
    assert set(await held.take(4)) == {0, 1}
    assert held.now <= 4 * 1.25


async def test_where_nobody_is_busy_there_is_room_at_once_and_looks_are_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {})
    assert [await held.batch(1000, 0.1) for _ in range(25)] == [0.0] * 25
    assert held.looks == 3
    assert (held.said, held.noted, held.call.workers[0].held) == ([], [], "")


async def test_the_first_batch_is_done_without_a_look_unless_numbers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        ({"wal_budget": "1MB/s"}, 1),
        ({"between": "1:00-23:00", "tz": "UTC"}, 1),
    ]
    for given, looks in options:
        held = Held(monkeypatch, given)
        held.call.throttle = throttle.Throttle(held.call, held.call.terms.limits)
        await held.room()
        assert held.looks == looks


async def test_a_call_that_is_nearly_over_has_no_time_for_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {}, deadline=3.0)
    await held.room()
    held.now = 1.5
    await held.room()
    assert held.looks == 1


async def test_with_everything_switched_off_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"yields": {"all": "off"}})
    monkeypatch.setattr(Held, "__bool__", lambda self: False, raising=False)
    assert await held.room() == 0
    assert held.looks == 0


async def test_a_wait_says_why_and_for_how_long_at_most_and_is_noted_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {"vacuum": VACUUM} if now < 45 else {})
    assert await held.room() == 45
    assert {told.waiting for told in held.said} == {VACUUM.why}
    assert [told.waiting_left for told in held.said[:3]] == [600, 599, 598]
    assert held.noted == [(2, VACUUM.why), (22, VACUUM.why), (42, VACUUM.why)]
    assert held.kept == 45


async def test_a_short_wait_is_said_and_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {"locks": VACUUM} if now < 1 else {})
    assert await held.room() == 1
    assert (len(held.said), held.noted) == (1, [])


async def test_a_run_yields_for_a_bounded_time_and_again_after_ten_times_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {"locks": VACUUM})
    assert await held.room() == 30
    waited = [await held.batch(1000, 1.0) for _ in range(302)]
    assert sum(waited[:299]) == 0
    assert sum(waited) == 30


async def test_what_had_room_meanwhile_is_yielded_to_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {} if 40 < now < 50 else {"locks": VACUUM})
    assert await held.room() == 30
    waited = [await held.batch(1000, 1.0) for _ in range(25)]
    assert sum(waited) == 30


async def test_each_signal_has_a_patience_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"locks": VACUUM, "transactions": Busy("old")}
    assert await Held(monkeypatch, {}, busy=lambda now: both).room() == 60


@pytest.mark.parametrize("state", ["paused", "cancelled", "done"])
async def test_a_run_that_must_not_go_on_does_not_wait(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """Its next batch finds out, and changes nothing."""
    held = Held(monkeypatch, {}, busy=lambda now: {"vacuum": VACUUM}, state=state)
    assert await held.room() == 0


async def test_a_run_that_was_paused_and_goes_on_keeps_to_its_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen when it was paused says nothing of what comes then."""
    held = Held(monkeypatch, {"between": "13:00-14:00", "tz": "UTC"}, state="paused")
    assert await held.room() == 0
    held.state = "running"
    assert await held.room() == 3600


async def test_a_wait_ends_where_somebody_pauses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(now: float) -> dict[str, Busy]:
        held.state = "paused" if now >= 7 else "running"
        return {"vacuum": VACUUM}

    held = Held(monkeypatch, {}, busy=busy)
    assert await held.room() == 7


async def test_a_wait_ends_where_the_run_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {"vacuum": VACUUM}, stopped_at=3)
    with pytest.raises(Stopped):
        await held.room()


async def test_a_wait_that_outlasts_the_deadline_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: {"vacuum": VACUUM}, deadline=7)  # a fifth is for last words
    assert await held.room() == pytest.approx(5)
    assert held.call.reason == "deadline"


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize("runners", [1, 4])
async def test_a_rate_is_kept_over_all_runners(monkeypatch: pytest.MonkeyPatch, runners: int) -> None:
    """Those that begin together count from their begin on: no second has more than one has room for, and a batch."""
    held = Held(monkeypatch, {"rate": "2000/s"}, workers=runners)
    most, begun = held.call.throttle.most or 0, []
    assert most == 2000 / runners
    for number in range(80):
        worker = held.call.workers[number % runners]
        if number >= runners:
            held.call.throttle.spent(400, 0.1, worker)
        await held.room(worker)
        held.call.throttle.begins(400, worker)
        begun.append(held.now)
    assert all(sum(at <= other < at + 1 for other in begun) <= 2000 / 400 + 1 for at in begun)
    assert 80 * 400 / held.now == pytest.approx(2000, rel=0.02)
    assert [worker.held for worker in held.call.workers] == ["2,000/s at most"] * runners


async def test_what_a_worker_was_held_to_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"rate": "2000/s"}, workers=2)
    one, other = held.call.workers
    await held.room(one)
    held.call.throttle.begins(1000, one)
    assert (await held.room(other), other.held, other.rested) == (0.5, "2,000/s at most", 0.5)
    assert (one.held, one.rested) == ("", 0.0)
    held.call.waiting("")
    assert held.said[-1].pace == ""  # nobody is at a shard
    other.at = 1
    held.call.waiting("")
    assert held.said[-1].pace == "2,000/s at most"


async def test_rows_that_a_batch_did_not_scan_are_not_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"rate": "2000/s"})
    (worker,) = held.call.workers
    held.call.throttle.begins(1000, worker)
    held.call.throttle.spent(200, 0.0, worker)
    assert await held.room() == pytest.approx(0.1)


async def test_what_is_slower_than_the_rate_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"rate": 2000})
    assert [await held.batch(1000, 1.0) for _ in range(5)] == [0.0] * 5
    assert held.call.workers[0].held == ""
    # A slow time is not made up for afterwards.
    assert [await held.batch(1000, 0.1) for _ in range(3)] == pytest.approx([0.0, 0.4, 0.4])


async def test_a_rate_below_one_a_second_says_for_what_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"rate": 0.1})
    assert held.call.throttle.most == 1
    await held.batch(1, 0.1)
    assert await held.room() == pytest.approx(9.9)
    assert held.said[0].waiting == "0.1/s at most"


async def test_a_budget_holds_a_run_up_for_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = {"wal": Busy("20 MB/s of WAL at most", seconds=1.5)}
    held = Held(monkeypatch, {"wal_budget": "20MB/s"}, busy=lambda now: budget if now == 0 else {})
    assert await held.room() == 1.5
    assert (held.call.workers[0].held, held.call.workers[0].rested) == ("20 MB/s of WAL at most", 1.5)
    assert held.said == []


# ------------------------------------------------------------------ what cannot be seen


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"replication": HIDDEN}, "half speed, for this role cannot see how far the standby paris is behind"),
        (
            database_error({"code": "42501", "message": "permission denied for view pg_locks"}),
            BLIND + "permission denied for view pg_locks (42501)",
        ),
        (
            AnswerLost("the connection was cut"),
            BLIND + "the connection was cut",
        ),
    ],
)
async def test_what_cannot_be_seen_is_taken_for_busy_at_half_speed_and_never_for_ever(
    monkeypatch: pytest.MonkeyPatch, found: Any, said: str
) -> None:
    held = Held(monkeypatch, {}, busy=lambda now: found)
    assert [await held.batch(1000, 0.5) for _ in range(4)] == pytest.approx([0.0, 0.5, 0.5, 0.5])
    assert held.call.workers[0].held == said
    assert await held.batch(1000, 60.0) == 0.5
    assert await held.batch(1000, 0.5) == 2.0


# ------------------------------------------------------------------ hours


async def test_a_run_waits_for_its_hours_by_the_databases_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, {"between": "13:00-14:00", "tz": "UTC"})
    assert await held.room() == pytest.approx(3600)
    assert held.looks < 3600 / 20 + 30
    assert held.said[0].waiting == "it runs between 13:00-14:00 UTC only"
    assert held.said[0].waiting_left == pytest.approx(3600)
    gaps = [after - before for (before, _), (after, _) in zip(held.noted, held.noted[1:], strict=False)]
    assert held.noted[0][0] == 0
    assert max(gaps) <= 21
    held.now = 2 * 3600 - 0.5
    assert await held.room() == 0


async def test_a_call_that_ends_before_its_hours_begin_ends_at_once_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(monkeypatch, {"between": "13:00-14:00", "tz": "UTC"}, deadline=50.0)
    assert await held.room() == 0
    assert held.call.reason == "it runs between 13:00-14:00 UTC only"


async def test_without_the_databases_clock_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    found = database_error({"code": "42501", "message": "no"})
    held = Held(monkeypatch, {"between": "11:00-14:00", "tz": "UTC"}, busy=lambda now: found)
    with pytest.raises(type(found), match="no"):
        await held.room()


async def test_the_time_left_holds_the_closed_hours_that_lie_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty hours of batches, from noon on, with an hour a day at noon in which none is done."""
    monkeypatch.setattr(throttle, "EVERY", 60.0)
    held, guesses = Held(monkeypatch, {"between": "13:00-12:00", "tz": "UTC"}), []
    held.call.run = replace(RUN, total=60_000)
    shard = PART.shard
    held.call.keep([replace(PART, about=60_000)])
    held.call.workers[0].at = 0
    while shard.pass_scanned < 60_000:
        await held.batch(1000, 1800.0)
        shard = replace(shard, scanned=shard.scanned + 1000, pass_scanned=shard.pass_scanned + 1000)
        held.call.note(0, shard)
        held.call.waiting("", at=0)
        guesses.append((held.now, held.said[-1].seconds_left))
    assert held.now == (1 + 23 + 1 + 7) * 3600
    for at, left in guesses[5:]:
        assert left == pytest.approx(held.now - at, rel=0.01)
    waits = [told.seconds_left for told in held.said if told.waiting and told.pass_scanned == 46_000]
    assert waits[:2] == [pytest.approx(8 * 3600, rel=0.001), pytest.approx(8 * 3600 - 60, rel=0.001)]
