"""The pool of the native transport: bounded, fair, and clean whatever happens to those who wait."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, neon
from sendoka.errors import ConnectFailed, RequestTimeout
from sendoka.http.transport import connection as connection_module
from sendoka.http.transport import pool as pool_module
from sendoka.http.transport.native import NativeTransport
from tests.fixtures.canned import ONE, Exchange, answer, canned, in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.http.client import Neon
    from sendoka.http.transport.connection import Connection
    from sendoka.http.transport.pool import Pool

ONCE = Retry(attempts=1)


def client(url: str, *, most: int = 100, timeout: float = 10.0) -> Neon:
    return neon(url, transport="native", retry=ONCE, max_connections=most, timeout=timeout)


def pool_of(sql: Neon) -> Pool:
    transport = sql._transports.choose()
    assert isinstance(transport, NativeTransport)
    return transport._pools[asyncio.get_running_loop()]


def assert_clean(sql: Neon) -> None:
    """Nobody waits, nothing is on the way, and every connection that is open is idle."""
    pool = pool_of(sql)
    assert (len(pool._waiting), len(pool._connecting)) == (0, 0)
    assert pool._open == set(pool._idle)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what it waits for is not ours to signal
            await asyncio.sleep(0.005)


async def ask(sql: Neon, number: int = 1) -> int:
    return int(await sql("select $1::int as n", number).value())


def number_of(exchange: Exchange) -> int:
    return int(exchange.body.decode().rpartition("params")[2].strip('":[]}'))


async def echo(exchange: Exchange) -> None:
    await asyncio.sleep(0)
    await exchange.send(answer({**ONE, "rows": [[str(number_of(exchange))]]}))


class Held:
    """A handler that answers when the test says so."""

    def __init__(self) -> None:
        self.arrived: list[int] = []
        self.gate = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.arrived.append(number_of(exchange))
        await self.gate.wait()
        await echo(exchange)


# ------------------------------------------------------------------ bounded and fair


@pytest.mark.parametrize("most", [1, 7, 100])
async def test_a_thousand_tasks_share_the_connections_there_may_be(most: int) -> None:
    async with canned(echo) as server, client(server.url, most=most) as sql:
        assert await asyncio.gather(*(ask(sql, number) for number in range(1000))) == list(range(1000))
        assert server.most_open == most
        assert len(server.requests) == 1000
        assert_clean(sql)


@pytest.mark.parametrize("most", [1, 7, 25])
async def test_over_httpx_too_there_are_no_more_connections_than_there_may_be(most: int) -> None:
    async with canned(echo) as server:
        async with neon(server.url, transport="httpx", retry=ONCE, max_connections=most) as sql:
            assert await asyncio.gather(*(ask(sql, number) for number in range(100))) == list(range(100))
            assert await ask(sql, 5) == 5
        assert server.most_open == most
        await until(lambda: server.open == 0)


async def test_who_comes_first_is_served_first() -> None:
    async with canned(echo) as server, client(server.url, most=1) as sql:
        await asyncio.gather(*(ask(sql, number) for number in range(300)))
        assert [number_of(exchange) for exchange in server.requests] == list(range(300))


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    """A task that asks again at once, as loops do, stands behind everybody who came before its second question."""
    async with canned(echo) as server, client(server.url, most=1) as sql:

        async def twice(number: int) -> None:
            await ask(sql, number)
            await ask(sql, number + 100)

        await asyncio.gather(*(twice(number) for number in range(50)))
        assert [number_of(exchange) for exchange in server.requests] == [*range(50), *range(100, 150)]


async def test_a_cancelled_waiter_loses_nobodys_turn() -> None:
    held = Held()
    async with canned(held) as server, client(server.url, most=1) as sql:
        tasks = [asyncio.ensure_future(ask(sql, number)) for number in range(4)]
        await until(lambda: bool(held.arrived))
        tasks[1].cancel()
        held.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [results[0], *results[2:]] == [0, 2, 3]
        assert isinstance(results[1], asyncio.CancelledError)
        assert held.arrived == [0, 2, 3]
        assert_clean(sql)


async def test_a_waiter_cancelled_as_it_is_handed_a_connection_passes_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    hand_over, cancelled = pool_module.Pool._hand_over, False

    def then_cancel(self: Pool, connection: Connection) -> None:
        nonlocal cancelled
        hand_over(self, connection)
        if held.arrived and not cancelled:
            cancelled = tasks[1].cancel()

    monkeypatch.setattr(pool_module.Pool, "_hand_over", then_cancel)
    async with canned(held) as server, client(server.url, most=1) as sql:
        tasks = [asyncio.ensure_future(ask(sql, number)) for number in range(3)]
        await until(lambda: bool(held.arrived))
        held.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert (results[0], type(results[1]), results[2]) == (0, asyncio.CancelledError, 2)
        assert held.arrived == [0, 2]
        assert server.connections == 1
        assert_clean(sql)


async def test_a_slow_connect_delays_nobody_who_could_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    original, made = NativeTransport._connect, 0

    async def second_never(self: NativeTransport, pool: Pool) -> Connection:
        nonlocal made
        made += 1
        if made > 1:
            await asyncio.sleep(3600)
        return await original(self, pool)

    monkeypatch.setattr(NativeTransport, "_connect", second_never)
    held = Held()
    async with canned(held) as server, client(server.url) as sql:
        first = asyncio.ensure_future(ask(sql, 1))
        await until(lambda: bool(held.arrived))
        others = [asyncio.ensure_future(ask(sql, number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        held.gate.set()
        assert await asyncio.gather(first, *others) == [1, 2, 3, 4]
        assert (server.connections, made) == (1, 4)
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_every_waiter_hears_of_a_connect_that_failed() -> None:
    async with client("postgresql://u:p@127.0.0.1:1/db", most=3) as sql:
        results = await asyncio.gather(*(ask(sql) for _ in range(20)), return_exceptions=True)
        assert [type(result) for result in results] == [ConnectFailed] * 20
        assert_clean(sql)


async def test_a_connection_that_breaks_makes_room_for_who_waits() -> None:
    async def every_other(exchange: Exchange) -> None:
        if number_of(exchange) % 2:
            exchange.abort()
        else:
            await echo(exchange)

    async with canned(every_other) as server, client(server.url, most=2) as sql:
        results = await asyncio.gather(*(ask(sql, number) for number in range(40)), return_exceptions=True)
        assert [result for result in results if isinstance(result, int)] == list(range(0, 40, 2))
        assert server.most_open <= 2
        assert_clean(sql)


async def test_a_deadline_that_passes_in_the_line_is_not_sent() -> None:
    held = Held()
    async with canned(held) as server, client(server.url, most=1) as sql:
        first = asyncio.ensure_future(ask(sql, 1))
        await until(lambda: bool(held.arrived))
        with pytest.raises(RequestTimeout, match="waiting for a connection") as caught:
            await sql("select $1::int as n", 2, timeout=0.05)
        assert caught.value.outcome == "not_sent"
        held.gate.set()
        assert await first == 1
        assert held.arrived == [1]
        assert_clean(sql)


async def test_each_of_many_deadlines_passes_at_its_own_time() -> None:
    held = Held()
    async with canned(held) as server, client(server.url, most=4) as sql:
        loop = asyncio.get_running_loop()

        async def late(seconds: float) -> float:
            started = loop.time()
            with pytest.raises(RequestTimeout):
                await sql("select $1::int as n", 1, timeout=seconds)
            return loop.time() - started

        seconds = [0.3, 0.1, 0.2, 0.05, 0.25, 0.15]
        taken = await asyncio.gather(*map(late, seconds))
        # uvloop's clock counts whole milliseconds.
        assert all(least - 0.002 <= took < least + 0.5 for least, took in zip(seconds, taken, strict=True))
        assert_clean(sql)


# ------------------------------------------------------------------ idle connections


async def test_idle_connections_are_ended_when_they_are_old_and_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_IDLE", 0.05)
    monkeypatch.setattr(connection_module, "MAX_IDLE", 0.05)
    async with canned(echo) as server, client(server.url) as sql:
        await asyncio.gather(*(ask(sql) for _ in range(5)))
        assert server.open == 5
        await until(lambda: server.open == 0)
        assert pool_of(sql)._open == set()
        assert pool_of(sql)._alarm is None
        assert await ask(sql, 3) == 3


async def test_a_connection_that_ends_while_idle_is_forgotten() -> None:
    async def then_close(exchange: Exchange) -> None:
        await echo(exchange)
        exchange.writer.close()

    async with canned(then_close) as server, client(server.url) as sql:
        await ask(sql)
        await until(lambda: not pool_of(sql)._open)
        assert_clean(sql)


async def test_the_connection_used_last_is_used_next() -> None:
    async with canned(echo) as server, client(server.url) as sql:
        await asyncio.gather(*(ask(sql) for _ in range(5)))
        for _ in range(5):
            await ask(sql)
        assert len({exchange.connection for exchange in server.requests[5:]}) == 1


async def test_closing_the_client_lets_those_in_flight_finish() -> None:
    held = Held()
    async with canned(held) as server:
        sql = client(server.url, most=1)
        tasks = [asyncio.ensure_future(ask(sql, number)) for number in range(3)]
        await until(lambda: bool(held.arrived))
        await sql.aclose()
        held.gate.set()
        assert await asyncio.gather(*tasks) == [0, 1, 2]
        await until(lambda: server.open == 0)
        assert await ask(sql, 5) == 5  # it can be used again
        await sql.aclose()
        await until(lambda: server.open == 0)


# ------------------------------------------------------------------ cancellation


@pytest.mark.parametrize("phase", ["connecting", "in the line", "asking"])
async def test_a_call_cancelled_at_any_step_leaves_nothing_behind(phase: str) -> None:
    async with canned(echo) as server, client(server.url, most=1 if phase == "in the line" else 100) as sql:
        if phase != "connecting":
            await ask(sql)
        for steps in range(14):
            if phase == "connecting":
                await sql.aclose()
            other = asyncio.ensure_future(ask(sql, 7)) if phase == "in the line" else None
            task = asyncio.ensure_future(ask(sql, 8))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert await task == 8
            if other is not None:
                assert await other == 7
            assert await ask(sql, 9) == 9
            await until(lambda: not pool_of(sql)._connecting)
            assert_clean(sql)
        await sql.aclose()
        await until(lambda: server.open == 0)


async def test_a_storm_of_cancellations_leaves_nothing_behind() -> None:
    seeded = random.Random(7)
    async with canned(echo) as server, client(server.url, most=20) as sql:
        tasks = [asyncio.ensure_future(ask(sql)) for _ in range(400)]
        while not all(task.done() for task in tasks):
            seeded.choice(tasks).cancel()
            await asyncio.sleep(0)
        assert await asyncio.gather(*(ask(sql, number) for number in range(200))) == list(range(200))
        assert_clean(sql)
        assert server.most_open <= 40  # the server sees the end of a connection after the client made the next


# ------------------------------------------------------------------ event loops, threads, processes


def loops() -> list[Callable[[], asyncio.AbstractEventLoop]]:
    uvloop = pytest.importorskip("uvloop")
    return [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("which", [0, 1], ids=["asyncio", "uvloop"])
def test_a_client_that_nobody_closes_outlives_its_loops_and_leaks_nothing(which: int) -> None:
    """A serverless function may run one `asyncio.run` after the other with the client of its module."""
    with in_a_thread(echo) as server:
        sql = client(server.url)

        async def many() -> list[int]:
            return await asyncio.gather(*(ask(sql, number) for number in range(10)))

        for run in range(1, 4):
            with asyncio.Runner(loop_factory=loops()[which]) as runner:
                assert runner.run(many()) == list(range(10))
            transport = sql._transports._native()
            assert isinstance(transport, NativeTransport)
            assert transport._pools == {}
            assert server.connections == run * 10


def test_a_loop_closed_by_hand_is_swept_away_by_the_next() -> None:
    with in_a_thread(echo) as server:
        sql = client(server.url)
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(ask(sql)) == 1
        loop.run_until_complete(sql.aclose())
        assert loop.run_until_complete(ask(sql)) == 1
        transport = sql._transports._native()
        assert isinstance(transport, NativeTransport)
        transport._pools[loop].close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        assert asyncio.run(ask(sql)) == 1
        assert transport._pools == {}


FORKED = """
    import asyncio, os
    from sendoka import neon
    sql = neon({url!r}, transport="native")

    async def ask(number):
        return await sql("select $1::int as n", number).value()

    async def parent():
        assert await ask(1) == 1
        child = os.fork()
        if child == 0:
            os._exit(42)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        assert await ask(2) == 2

    asyncio.run(parent())
    child = os.fork()
    if child == 0:
        assert asyncio.run(ask(3)) == 3
        os._exit(43)
    assert asyncio.run(ask(4)) == 4
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 43
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
def test_a_forked_process_has_connections_of_its_own() -> None:
    with in_a_thread(echo) as server:
        script = textwrap.dedent(FORKED.format(url=server.url))
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stderr) == (0, "")
        by_connection = {exchange.connection: set[int]() for exchange in server.requests}
        for exchange in server.requests:
            by_connection[exchange.connection].add(number_of(exchange))
        assert sorted(map(sorted, by_connection.values())) == [[1, 2], [3], [4]]
