"""How a session with PostgreSQL is opened, through libpq and without blocking."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from psycopg import pq
from psycopg.pq import ConnStatus, PollingStatus

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

__all__ = ["LoginRefused", "connect"]


class LoginRefused(Exception):
    """No session could be opened. The text is libpq's."""


async def connect(conninfo: bytes, *, timeout: float) -> PGconn:
    """Open a session; raises LoginRefused, also where `timeout` seconds are not enough."""
    pgconn: PGconn = pq.PGconn.connect_start(conninfo)
    try:
        async with asyncio.timeout(timeout):
            await _poll(pgconn)
    except TimeoutError:
        pgconn.finish()
        raise LoginRefused("timeout expired") from None
    except BaseException:
        pgconn.finish()
        raise
    return pgconn


async def _poll(pgconn: PGconn) -> None:
    loop = asyncio.get_running_loop()
    while True:
        state = PollingStatus.FAILED if pgconn.status == ConnStatus.BAD else pgconn.connect_poll()
        if state == PollingStatus.OK:
            return
        if state == PollingStatus.FAILED:
            raise LoginRefused(pgconn.get_error_message())
        # The socket may be another one after each step.
        socket, ready = pgconn.socket, loop.create_future()
        watch, unwatch = (
            (loop.add_reader, loop.remove_reader)
            if state == PollingStatus.READING
            else (loop.add_writer, loop.remove_writer)
        )
        watch(socket, _wake, ready)
        try:
            await ready
        finally:
            unwatch(socket)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
