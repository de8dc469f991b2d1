"""How long the line to the database is, and the calls that are under way on it."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from sendoka.backfills.beside import beside
from sendoka.backfills.flight import Flight
from sendoka.backfills.line import Line
from sendoka.testing import FakeDatabase
from tests.fixtures.far import Far


def at_a_distance(seconds: float) -> Far:
    """Return a database that has nothing to do, and to which everything takes so long."""
    return Far(FakeDatabase({"select 1": [{"?column?": 1}]}), seconds)


@pytest.mark.parametrize(
    ("whole", "inside", "work", "is_long"),
    [
        (0.040, 0.020, 0.020, True),
        (0.022, 0.020, 0.020, False),
        (0.104, 0.100, 0.100, False),
        (0.130, 0.100, 0.100, True),
        (0.004, 0.000, 0.000, False),
        (0.060, 0.040, 0.020, True),
    ],
    ids=["as long as the work", "next door", "beside much work", "beside less", "hardly any", "waited for another"],
)
async def test_a_line_is_long_beside_the_work(whole: float, inside: float, work: float, *, is_long: bool) -> None:
    line, far = Line(), at_a_distance(0.03)
    for _ in range(3):
        await line.measure(far)
        assert not line.long
        line.note(whole, inside, work)
    await line.measure(far)
    assert line.long is is_long


async def test_what_takes_its_time_behind_a_batch_is_no_long_line() -> None:
    line, near = Line(), at_a_distance(0)
    for _ in range(4):
        line.note(1.060, 0.04, 0.04)  # a second to commit
        await line.measure(near)
    assert not line.long


async def test_one_late_answer_does_not_make_a_line_long_nor_one_in_time_short_for_ever() -> None:
    line, far = Line(), at_a_distance(0.03)
    for whole in (0.021, 0.060, 0.060):
        line.note(whole, 0.02, 0.02)
    await line.measure(far)
    assert not line.long
    line.note(0.060, 0.02, 0.02)
    await line.measure(far)
    assert line.long


async def after(event: anyio.Event, answer: int) -> int:
    """Answer as soon as something was."""
    await event.wait()
    return answer


async def test_calls_come_down_in_the_order_in_which_they_were_sent() -> None:
    async with beside() as group:
        flight: Flight[int] = Flight(group)
        events = [anyio.Event(), anyio.Event()]
        for number, event in enumerate(events):
            flight.send(partial(after, event, number))
        events[1].set()
        await anyio.wait_all_tasks_blocked()
        assert (len(flight), flight.is_down) == (2, False)
        events[0].set()
        assert [await flight.land(), await flight.land()] == [0, 1]
        assert (len(flight), flight.is_down) == (0, True)


async def test_a_failure_is_raised_where_its_answer_is_asked_for() -> None:
    async def fail() -> int:
        raise ValueError("no")

    event = anyio.Event()
    event.set()
    async with beside() as group:
        flight: Flight[int] = Flight(group)
        flight.send(fail)
        flight.send(partial(after, event, 1))
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="no"):
            await flight.land()
        assert await flight.land() == 1


async def test_who_is_cut_off_drops_all_calls() -> None:
    cancelled = 0

    async def forever() -> int:
        nonlocal cancelled
        try:
            await anyio.sleep_forever()
        finally:
            cancelled += 1
        return 1

    async with beside() as group:
        flight: Flight[int] = Flight(group)
        flight.send(forever)
        flight.send(forever)
        with anyio.move_on_after(0.01):
            await flight.land()
        assert len(flight) == 0
        await anyio.wait_all_tasks_blocked()
        assert cancelled == 2


async def test_a_call_takes_as_long_as_it_was_under_way_behind_the_one_before_it() -> None:
    async def sleep(seconds: float) -> int:
        await anyio.sleep(seconds)
        return 0

    async with beside() as group:
        flight: Flight[int] = Flight(group)
        flight.send(partial(sleep, 0.03))
        flight.send(partial(sleep, 0.04))
        await flight.land()
        assert flight.spent >= 0.03
        first = flight.spent
        await flight.land()
        assert flight.spent < first
