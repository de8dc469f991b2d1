"""Seeded storms: answers that are not asked for, cancellations, sessions that die, texts that hide a COMMIT."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from psycopg import pq

from sendoka import Retry, neon
from sendoka.database.transaction import control_command
from sendoka.errors import DatabaseError, TransportError
from tests.fixtures.canned import ONE, Exchange, answer, canned

if TYPE_CHECKING:
    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Postgres, Server

ONCE = Retry(attempts=1)
PIECES = [
    "/*",
    "*/",
    "--",
    "\n",
    "\r",
    ";",
    " ",
    "\t",
    "\x0b",
    "\x0c",
    "\xa0",
    "\u2028",
    "\ufeff",
    "/",
    "*",
    "COMMIT",
    "rollback",
    "TO",
    "s",
    "WORK",
    "End",
    "ABORT",
    "BEGIN",
    "AND CHAIN",
    "PREPARE TRANSACTION 'x'",
    "PREPARE",
    "TRANSACTION",
    "'x'",
    "$$",
    "\x1c",
    "\x85",
    'U&"',
    "(",
    ")",
    "SAVEPOINT",
    "START",
    "\\",
    "é",
    "select 1",
    "/**/",
    "/*/**/*/",
    "NO",
    "CHAIN",
    "PREPARED",
    "-",
    "as select 1",
]


def test_no_text_that_is_let_through_ends_a_transaction(direct: psycopg.Connection[Any]) -> None:
    dice, session, until = random.Random(11), direct.pgconn, time.monotonic() + 1.5
    while time.monotonic() < until:
        text = "".join(dice.choice(PIECES) for _ in range(dice.randint(1, 7)))
        if control_command(text) is None:
            session.exec_(b"begin; savepoint s")
            before = session.exec_params(b"select pg_current_xact_id()", []).get_value(0, 0)
            result = session.exec_params(text.encode(), [])
            if result.status not in {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}:
                after = session.exec_params(b"select pg_current_xact_id()", []).get_value(0, 0)
                assert session.transaction_status == pq.TransactionStatus.INTRANS, repr(text)
                assert after == before, repr(text)
            session.exec_(b"rollback")


async def test_an_answer_belongs_to_its_request_whatever_comes_with_it() -> None:
    dice = random.Random(9)
    evil = answer({**ONE, "rows": [["-1"]]})

    async def misbehave(exchange: Exchange) -> None:
        good = answer({**ONE, "rows": [[str(json.loads(exchange.body)["params"][0])]]})
        _, _, body = good.partition(b"\r\n\r\n")
        chunked = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        kind = dice.randrange(9)
        if kind == 8:
            await asyncio.sleep(0.01)
        with suppress(ConnectionError):
            if kind == 7:
                for at in range(0, len(good), 37):
                    await exchange.send(good[at : at + 37])
                    await asyncio.sleep(0)
                return
            extra = (b"", evil, b"\0garbage", evil[:20], b"H", b"\r\n\r\n", evil, b"", b"")[kind]
            before = b"HTTP/1.1 103 X\r\nlink: a\r\n\r\n" * (kind == 0)
            await exchange.send(before + (chunked if kind == 6 else good) + extra)

    async with canned(misbehave) as server, neon(server.url, transport="native", retry=ONCE, timeout=3) as sql:

        async def ask(number: int) -> None:
            task = asyncio.create_task(sql("select $1::int as n", number).value())
            if dice.random() < 0.2:
                await asyncio.sleep(dice.choice([0, 0.001, 0.005, 0.011]))
                task.cancel()
            with suppress(asyncio.CancelledError, TransportError):
                assert await task == number

        for turn in range(20):
            await asyncio.gather(*(ask(turn * 100 + place) for place in range(dice.choice([1, 3, 50]))))


async def test_thousands_of_cancellations_leave_the_pool_whole(sql: Neon) -> None:
    dice = random.Random(3)

    async def ask(number: int) -> None:
        nap = dice.choice([0, 0, 0.001, 0.01])
        task = asyncio.create_task(sql("select $1::int from pg_sleep($2)", number, nap).value())
        await asyncio.sleep(dice.choice([0, 0, 0.001, 0.003, 0.01, 0.02]))
        task.cancel()
        with suppress(asyncio.CancelledError):
            assert await task == number

    for _ in range(14):
        await asyncio.gather(*(ask(number) for number in range(150)))
    async with asyncio.timeout(20):
        at_once = await asyncio.gather(*(sql("select $1::int from pg_sleep(0.05)", n).value() for n in range(100)))
    assert at_once == list(range(100))


async def test_sessions_that_die_anywhere_leave_nobody_waiting(
    postgres: Postgres, server: Server, database: str
) -> None:
    """Idle and busy ones, of several databases, so that numbers of sockets are used again."""
    names = [f"{database}_{number}" for number in range(6)]
    for name in names:
        postgres.databases.create(name, owner=postgres.login.user)
    clients = [neon(server.connection_string(name), transport="native", retry=ONCE, timeout=10) for name in names]
    dice, until = random.Random(5), time.monotonic() + 2

    async def work(number: int) -> None:
        while time.monotonic() < until:
            one = dice.choice(clients)
            with suppress(DatabaseError, TransportError):
                async with asyncio.timeout(8):  # a TimeoutError is a request that hangs
                    if dice.random() < 0.5:
                        assert await one("select $1::int", number).value() == number
                    else:
                        await one.transaction([one("select pg_sleep(0.002)"), one("create temp table x (i int)")])

    async def kill() -> None:
        with postgres.databases.admin.connect() as admin:
            while time.monotonic() < until:
                admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = any(%s) and random() < %s",
                    (names, dice.choice([0.1, 0.5, 1.0])),
                )
                await asyncio.sleep(dice.uniform(0.001, 0.03))

    await asyncio.gather(kill(), *(work(number) for number in range(40)))
    for one in clients:
        await one.aclose()
    for name in names:
        postgres.databases.drop(name)


@pytest.mark.parametrize("place", ["user", "password", "database"])
async def test_a_nul_in_the_connection_string_is_refused(server: Server, database: str, place: str) -> None:
    login = server.endpoint.login
    parts = {"user": login.user, "password": login.password, "database": database}
    parts[place] += "%00x"
    url = "postgresql://{user}:{password}@localhost/{database}".format(**parts)
    async with httpx.AsyncClient() as client:
        headers = {"Neon-Connection-String": url}
        reply = await client.post(f"http://127.0.0.1:{server.port}/sql", json={"query": "select 1"}, headers=headers)
    assert (reply.status_code, reply.json()["message"]) == (400, "invalid connection string: NUL")
