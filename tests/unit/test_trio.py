"""Under trio the client goes over httpx by itself; the native transport says that it needs asyncio."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading

import pytest
import trio

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, RequestTimeout, SettingsError
from tests.fixtures.canned import ONE, Exchange, answer, in_a_thread

ONCE = Retry(attempts=1)

BY_ITSELF = """
    import sys, trio
    from sendoka import neon

    async def main():
        async with neon({url!r}) as sql:
            print(await sql("select 1 as n").value())
        assert list(sql._transports._made) == ["httpx"]
        try:
            await neon({url!r}, transport="native")("select 1 as n")
        except Exception as error:
            print(type(error).__name__, error)

    trio.run(main)
    assert "respx" not in sys.modules

    import asyncio

    async def again():
        async with neon({url!r}) as sql:
            print(await sql("select 1 as n").value())
        assert list(sql._transports._made) == ["native"]

    asyncio.run(again())
"""


def test_httpx_is_chosen_under_trio_and_the_native_transport_under_asyncio() -> None:
    with in_a_thread(answer(ONE)) as server:
        script = textwrap.dedent(BY_ITSELF.format(url=server.url))
        command = [sys.executable, "-W", "error", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    assert done.stdout.startswith('1\nSettingsError transport="native" needs asyncio, and no event loop of it runs')
    assert done.stdout.endswith("\n1\n")


def test_a_call_under_trio_can_be_cancelled_and_its_connection_ends() -> None:
    ended = threading.Semaphore(0)

    async def hold(exchange: Exchange) -> None:
        await exchange.until_closed()
        ended.release()

    async def main(url: str) -> None:
        async with neon(url, retry=ONCE) as sql:
            with trio.move_on_after(0.2) as scope:
                await sql("select 1")
            assert scope.cancelled_caught
            with pytest.raises(RequestTimeout) as caught:
                await sql("select 1", timeout=0.2)
            assert caught.value.outcome == "unknown"
            for _ in range(2):
                assert ended.acquire(timeout=5)

    with in_a_thread(hold) as server:
        trio.run(main, server.url)


def test_failures_under_trio_are_those_of_asyncio() -> None:
    async def main(url: str) -> None:
        async with neon(url, retry=ONCE) as sql:
            with pytest.raises(AnswerLost) as lost:
                await sql("select 1")
        async with neon("postgresql://u:p@127.0.0.1:1/db", retry=ONCE) as sql:
            with pytest.raises(ConnectFailed, match="connection refused") as refused:
                await sql("select 1")
        assert (lost.value.outcome, refused.value.outcome) == ("unknown", "not_sent")

    async def abort(exchange: Exchange) -> None:
        exchange.abort()

    with in_a_thread(abort) as server:
        trio.run(main, server.url)


def test_a_client_that_nobody_closes_is_closed_with_its_loop() -> None:
    with in_a_thread(answer(ONE)) as server:
        sql = neon(server.url)

        async def ask() -> int:
            return int(await sql("select 1 as n").value())

        for run in range(1, 4):
            assert trio.run(ask) == 1
            assert server.connections == run


def test_the_native_transport_needs_asyncio() -> None:
    async def main() -> None:
        with pytest.raises(SettingsError, match=r'(?s)transport="native" needs asyncio.*transport="httpx"'):
            await neon("postgresql://u:p@localhost/db", transport="native")("select 1")

    trio.run(main)
