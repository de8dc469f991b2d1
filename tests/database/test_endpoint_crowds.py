"""More clients than there is room for: of connections to the endpoint, and of sessions with PostgreSQL."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from sendoka.local import backends as sessions
from sendoka.local.backends import Backends
from sendoka.local.target import Target
from tests.fixtures.attacked import PROC, Attacked

if TYPE_CHECKING:
    from sendoka.local import Postgres
    from sendoka.local.credentials import Login

FILES = 300


@pytest.mark.skipif(not PROC, reason="open files are counted in /proc")
async def test_a_burst_of_connections_leaves_files_for_the_requests_that_follow(attacked_login: Login) -> None:
    poor = Attacked(attacked_login, files=FILES, head=30)
    burst = [socket.socket() for _ in range(900)]
    most = 0
    try:
        for one in burst:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(("127.0.0.1", poor.port))
        for _ in range(10):
            most = max(most, poor.files())
            assert await poor.works()
        await asyncio.sleep(0.2)
        assert poor.files() < FILES - 200 + 30
        assert most < FILES - 90
    finally:
        for one in burst:
            one.close()
        assert poor.end() == ""


async def test_a_session_goes_to_the_next_where_the_one_it_was_for_goes_away(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LIMIT", 1)
    login = postgres.login
    backends = Backends(login)
    try:
        only = await backends.acquire(Target(login.user, login.password, database))
        other = Target(login.user, login.password, "postgres")
        first, second = (asyncio.create_task(backends.acquire(other)) for _ in range(2))
        await asyncio.sleep(0.05)
        backends.release(only, keep=False)
        first.cancel()  # in the turn in which it is woken
        async with asyncio.timeout(5):
            assert (await second).usable
        with pytest.raises(asyncio.CancelledError):
            await first
    finally:
        backends.close()
