"""One endpoint in several event loops at a time: a server's thread, and tests that reach it without a socket."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, errors, neon
from sendoka.http.encode import encode_all
from sendoka.local import Endpoint, Server, in_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

    import psycopg

    from sendoka import Neon
    from sendoka.local import Postgres

ONCE = Retry(attempts=1)


@pytest.fixture
def own(postgres: Postgres) -> Endpoint:
    return Endpoint(postgres)


@pytest.fixture
def own_url(own: Endpoint, database: str) -> Iterator[str]:
    with Server(own) as serving:
        yield serving.connection_string(database)


def in_a_loop_of_its_own(work: Callable[[], Coroutine[Any, Any, list[int]]]) -> list[int]:
    return asyncio.run(work())


async def many(sql: Neon) -> list[int]:
    async def one(number: int) -> int:
        return int((await sql("select $1::int, pg_sleep(0.002)", number).one())[0])

    return [number for start in range(0, 90, 3) for number in await asyncio.gather(*map(one, range(start, start + 3)))]


def test_loops_that_live_leave_each_others_sessions_alone(own: Endpoint, own_url: str) -> None:
    together = threading.Barrier(3)

    async def over_a_socket() -> list[int]:
        together.wait()
        async with neon(own_url, retry=ONCE) as sql:
            return await many(sql)

    async def inside() -> list[int]:
        together.wait()
        async with in_process(own) as client, neon(own_url, transport=client, retry=ONCE) as sql:
            answers = await many(sql)
        await own.aclose()  # its own sessions, while the others go on
        return answers

    encode_all((1,))  # imports by several threads at a time are not the subject
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(in_a_loop_of_its_own, (over_a_socket, inside, inside)))
    assert answers == [list(range(90))] * 3


def test_sessions_of_a_loop_that_ended_are_ended_by_the_next(
    own: Endpoint, own_url: str, direct: psycopg.Connection[Any]
) -> None:
    async def ask() -> list[int]:
        async with in_process(own) as client, neon(own_url, transport=client, retry=ONCE) as sql:
            return [await sql("select pg_backend_pid()").value()]

    first, second = (in_a_loop_of_its_own(ask)[0] for _ in range(2))
    look = "select count(*) from pg_stat_activity where pid = any(%s)"
    assert first != second
    for _ in range(100):
        if direct.execute(look, [[first]]).fetchone() == (0,):
            break
        direct.execute("select pg_sleep(0.02)")
    assert direct.execute(look, [[first]]).fetchone() == (0,)
    assert direct.execute(look, [[second]]).fetchone() == (1,)


async def test_a_request_that_is_held_in_one_loop_is_released_from_another(
    own: Endpoint, own_url: str, direct: psycopg.Connection[Any]
) -> None:
    direct.execute("create table t (i int)")
    direct.execute("grant all on t to public")
    own.faults.add("late")
    async with (
        neon(own_url, retry=ONCE) as sql,
        in_process(own) as client,
        neon(own_url, transport=client, retry=ONCE) as inside,
    ):
        with pytest.raises(errors.AnswerLost):
            await sql("insert into t values (1)")
        await inside("insert into t values (1)")
        for _ in range(100):
            if direct.execute("select count(*) from t").fetchone() == (2,):
                break
            await asyncio.sleep(0.02)
    assert direct.execute("select count(*) from t").fetchone() == (2,)
    await own.aclose()


def test_to_forget_what_is_held_does_not_touch_another_loop(
    own: Endpoint, own_url: str, direct: psycopg.Connection[Any]
) -> None:
    direct.execute("create table t (i int)")
    direct.execute("grant all on t to public")

    async def insert() -> list[int]:
        async with neon(own_url, retry=ONCE) as sql:
            await sql("insert into t values (1)")
        return []

    async def lose_another_and_close() -> list[int]:
        async with in_process(own) as client, neon(own_url, transport=client, retry=ONCE) as sql:
            with pytest.raises(errors.AnswerLost):
                await sql("insert into t values (2)")
            await own.aclose()
            await sql("insert into t values (2)")
        return []

    own.faults.add("late", times=2)
    with pytest.raises(errors.AnswerLost):
        in_a_loop_of_its_own(insert)  # held in the server's loop
    in_a_loop_of_its_own(lose_another_and_close)
    in_a_loop_of_its_own(insert)
    rows = []
    for _ in range(100):
        rows = direct.execute("select i from t order by i").fetchall()
        if len(rows) == 3:
            break
        direct.execute("select pg_sleep(0.02)")
    assert rows == [(1,), (1,), (2,)]
