"""The sessions that requests share: logged in once, forgotten clean after each request, thrown away after trouble."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from sendoka.local.failure import Failure
from sendoka.local.logins import refused_login
from sendoka.local.opening import LoginRefused, connect
from sendoka.local.wire import Backend

if TYPE_CHECKING:
    from sendoka.local.credentials import Login
    from sendoka.local.target import Target

__all__ = ["Backends"]

LIMIT = 90
"""Sessions at a time: below the 100 that PostgreSQL admits by default."""

CONNECT_SECONDS = 15.0

PASSWORD_SECONDS = 240.0
"""How long a password that was right counts without asking PostgreSQL again: as long as Neon keeps a role's secret."""


class Backends:
    """The sessions with one PostgreSQL, for one event loop.

    Sessions are kept by user and database, the last used first. A password counts once a login with it succeeded, for
    `password_seconds`: an outdated one is found out by then, a new one is taken at once.
    """

    def __init__(self, login: Login, *, password_seconds: float = PASSWORD_SECONDS) -> None:
        self._login = login
        self._passwords = _Passwords(password_seconds)
        self._idle: OrderedDict[tuple[str, str], list[Backend]] = OrderedDict()
        self._all: set[Backend] = set()
        self._opening = 0
        self._closed = False
        self._resetting: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], deque[asyncio.Future[Backend | None]]] = {}
        self._crowd: deque[asyncio.Future[None]] = deque()

    async def acquire(self, target: Target) -> Backend:
        """Return a session for `target`, a clean one. Raises Failure: the answer to a failed login, or once closed."""
        key = (target.user, target.database)
        if self._passwords.knows(target):
            backend = self._take(key) or await self._soon(key)
            if backend is not None:
                return backend
        return await self._open(key, target)

    def release(self, backend: Backend, *, keep: bool) -> None:
        """Give a session back; without `keep` it ends."""
        if not keep or not backend.usable:
            self._end(backend)
            return
        self._resetting[backend.key] = self._resetting.get(backend.key, 0) + 1
        backend.reset(self._on_clean)

    def close(self) -> None:
        """End all sessions for good. What runs is cancelled; it and what waits fail with `connection closed`."""
        self._closed = True
        for backend in list(self._all):
            backend.cancel()  # PostgreSQL notices that a client is gone only when a statement ends
            self._end(backend)
        for room in self._crowd:
            if not room.done():
                room.set_result(None)

    # -------------------------------------------------------------- below

    def _take(self, key: tuple[str, str]) -> Backend | None:
        shelf = self._idle.get(key)
        while shelf:
            backend = shelf.pop()
            if backend.usable:
                return backend
            self._end(backend)
        return None

    async def _soon(self, key: tuple[str, str]) -> Backend | None:
        """Wait for a session that is being cleaned, if there is one for us; None is the advice to open another."""
        queue = self._waiting.setdefault(key, deque())
        if self._resetting.get(key, 0) <= len(queue):
            return None
        promised: asyncio.Future[Backend | None] = asyncio.get_running_loop().create_future()
        queue.append(promised)
        try:
            return await promised
        except asyncio.CancelledError:
            if promised.done() and not promised.cancelled():
                self._hand_on(promised.result(), key)
            raise

    def _on_clean(self, backend: Backend) -> None:
        self._resetting[backend.key] -= 1
        if backend.usable:
            self._hand_on(backend, backend.key)
        else:
            self._end(backend)
            self._hand_on(None, backend.key)

    def _hand_on(self, backend: Backend | None, key: tuple[str, str]) -> None:
        queue = self._waiting.get(key)
        while queue:
            promised = queue.popleft()
            if not promised.done():
                promised.set_result(backend)
                return
        if backend is not None:
            self._idle.setdefault(key, []).append(backend)
            self._idle.move_to_end(key)
            self._make_room()

    async def _open(self, key: tuple[str, str], target: Target) -> Backend:
        while not self._closed and len(self._all) + self._opening >= LIMIT and not self._evict():
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._crowd.append(room)
            try:
                await room
            except asyncio.CancelledError:
                if room.done() and not room.cancelled():
                    self._make_room()  # it was for us, and is the next one's now
                raise
        if self._closed:
            raise Failure("connection closed")
        self._opening += 1
        try:
            backend = Backend(await connect(self._conninfo(target), timeout=CONNECT_SECONDS))
            if self._closed:
                backend.close()
                raise Failure("connection closed")
            self._all.add(backend)
        except LoginRefused as refused:
            raise refused_login(str(refused), target.user) from None
        finally:
            self._opening -= 1
            self._make_room()
        backend.key = key
        self._passwords.learn(target)
        return backend

    def _conninfo(self, target: Target) -> bytes:
        # Only user and database reach the session; what the environment says in PG… variables must not.
        return make_conninfo(
            host=self._login.socket or self._login.host,
            port=self._login.port,
            user=target.user,
            password=target.password,
            dbname=target.database,
            sslmode=self._login.sslmode,
            gssencmode="disable",
            options="",
            application_name="",
            client_encoding="",
            target_session_attrs="any",
        ).encode()

    def _evict(self) -> bool:
        """End the session that was idle the longest, if there is one."""
        for shelf in self._idle.values():
            if shelf:
                idle = shelf.pop(0)
                self._all.discard(idle)
                idle.close()
                return True
        return False

    def _make_room(self) -> None:
        while self._crowd and (len(self._all) + self._opening < LIMIT or self._evict()):
            room = self._crowd.popleft()
            if not room.done():
                room.set_result(None)
                return

    def _end(self, backend: Backend) -> None:
        self._all.discard(backend)
        backend.close()
        if self._crowd:
            self._make_room()


class _Passwords:
    """The passwords that PostgreSQL accepted not long ago, one a role."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._accepted: dict[str, tuple[str, float]] = {}

    def knows(self, target: Target) -> bool:
        password, until = self._accepted.get(target.user, ("", 0.0))
        return until > time.monotonic() and hmac.compare_digest(password.encode(), target.password.encode())

    def learn(self, target: Target) -> None:
        self._accepted[target.user] = (target.password, time.monotonic() + self._seconds)
