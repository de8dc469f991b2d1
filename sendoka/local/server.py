"""The endpoint on a loopback port, in a thread of its own, and the same without any socket."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from sendoka.errors import SettingsError
from sendoka.local.app import MEGABYTE, Endpoint
from sendoka.local.asgi import ConnectionCut
from sendoka.local.credentials import Login
from sendoka.local.front import Front, Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import TracebackType

    from sendoka.local.asgi import Receive, Send
    from sendoka.local.postgres import Postgres

__all__ = ["LOOPBACK", "Server", "in_process", "serve"]

LOOPBACK = "localhost"
PORT_ATTEMPTS = 20

GRACE = 2.0
"""Seconds that requests get to end by themselves when the server stops."""


class Server:
    """Runs `endpoint` on `host` and `port` (0 picks a free one) from `start()` to `stop()`, in a thread.

    `localhost` means both of its addresses, so that whatever a client makes of the name leads here. `patience` says how
    long a client may take. Raises SettingsError where the port is taken.
    """

    def __init__(
        self, endpoint: Endpoint, *, host: str = LOOPBACK, port: int = 0, patience: Patience | None = None
    ) -> None:
        self.endpoint = endpoint
        self.host = host
        self.port = port
        self._patience = patience or Patience()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Event | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def connection_string(self, database: str | None = None) -> str:
        """Return what clients connect with, the applications' role and its password in it."""
        login = self.endpoint.login
        # A server on every address is reached by a name of this machine.
        host = LOOPBACK if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return Login(host, self.port, login.user, login.password, database or login.database).url

    def start(self) -> None:
        """Take the port and serve; returns when requests are answered."""
        sockets = _bind(self.host, self.port)
        self.port = sockets[0].getsockname()[1]
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live(sockets, ready)), name="sendoka-endpoint", daemon=True
        )
        self._thread.start()
        ready.result()

    def stop(self) -> None:
        """Let go of the port, and finish what is answered within 2 seconds.

        The other statements are cancelled, and answered with `connection closed`. Connections are cut that are not done
        2 seconds later: a fault makes them wait, or the client does not take its answer.
        """
        if self._thread is not None and self._loop is not None and self._asked is not None:
            self._loop.call_soon_threadsafe(self._asked.set)
            self._thread.join()
            self._thread = None

    async def _live(self, sockets: list[socket.socket], ready: Future[None]) -> None:
        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()
        front = Front(self.endpoint, self._patience)
        try:
            await front.start(sockets)
        except BaseException as error:
            ready.set_exception(error)
            raise
        ready.set_result(None)
        await self._asked.wait()
        await front.stop(GRACE)


@asynccontextmanager
async def serve(
    postgres: Postgres | Login | str | None = None,
    *,
    folder: Path | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    max_request: int = 64 * MEGABYTE,
    max_response: int = 64 * MEGABYTE,
    record: bool = False,
) -> AsyncIterator[Server]:
    """Serve a PostgreSQL over HTTP for the length of an `async with`.

    Without `postgres` one is started: with its data in `folder`, or for this time only. Limits are in bytes. Yields the
    `Server`.
    """
    from sendoka.local.postgres import own_postgres

    own = await asyncio.to_thread(own_postgres, folder) if postgres is None else None
    try:
        if own is not None:
            await asyncio.to_thread(own.databases.ensure, own.login.database, owner=own.login.user)
        endpoint = Endpoint(own or postgres or "", max_request=max_request, max_response=max_response, record=record)
        server = Server(endpoint, host=host, port=port)
        await asyncio.to_thread(server.start)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)
    finally:
        if own is not None:
            await asyncio.to_thread(own.stop)


def in_process(endpoint: Endpoint) -> httpx.AsyncClient:
    """Return an httpx client whose every request goes to `endpoint`, without a socket, whatever the host."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        try:
            await endpoint(scope, receive, send)
        except ConnectionCut as cut:
            raise httpx.ReadError(str(cut)) from None

    return httpx.AsyncClient(transport=httpx.ASGITransport(app))


# ------------------------------------------------------------------ ports


def _bind(host: str, port: int) -> list[socket.socket]:
    addresses = ["127.0.0.1", "::1"] if host == LOOPBACK else [host]
    for _ in range(PORT_ATTEMPTS):
        try:
            return _bind_all(addresses, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port == 0:
                continue
            raise _cannot_bind(host, port, error) from None
    raise SettingsError("no free port was found")


def _bind_all(addresses: list[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            # The second address gets the port that the first was given.
            bound = _bind_one(address, sockets[0].getsockname()[1] if sockets else port, needed=not sockets)
            sockets += [bound] if bound is not None else []
    except OSError:
        for taken in sockets:
            taken.close()
        raise
    return sockets


def _bind_one(address: str, port: int, *, needed: bool) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = None
    try:
        # With the protocol named, asyncio switches Nagle's algorithm off; a reply takes 40 ms otherwise.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(1024)
    except OSError as error:
        if bound is not None:
            bound.close()
        # A machine without IPv6 has one address only.
        if needed or error.errno == errno.EADDRINUSE:
            raise
        return None
    return bound


def _cannot_bind(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(f"port {port} on {host} is taken", todo="stop what uses it, or choose another with --port")
    return SettingsError(f"port {port} on {host} cannot be used: {error.strerror or error}")
