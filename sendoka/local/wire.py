"""One conversation with PostgreSQL, through libpq and without blocking, in the steps that Neon's proxy takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from psycopg import OperationalError, pq
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, PollingStatus, TransactionStatus

from sendoka.local.failure import Failure, from_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGcancel, PGconn, PGresult

__all__ = ["Backend", "LoginRefused", "connect"]

# Everything of a session but its cached plans: what Neon runs before it gives a connection to the next request.
_RESET = (
    b"CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; "
    b"SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)
_COPYING = frozenset({ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH})
_FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY})


class LoginRefused(Exception):
    """No session could be opened. The text is libpq's."""


async def connect(conninfo: bytes, *, timeout: float) -> Backend:
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
    return Backend(pgconn)


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


class Backend:
    """A session with PostgreSQL. One request at a time; `key` is the pool's own affair."""

    __slots__ = ("_after_reset", "_loop", "_lost", "_pgconn", "_socket", "_waiter", "key")

    def __init__(self, pgconn: PGconn) -> None:
        pgconn.nonblocking = 1
        self.key: tuple[str, str] = ("", "")
        self._pgconn = pgconn
        self._loop = asyncio.get_running_loop()
        self._socket = pgconn.socket
        self._waiter: asyncio.Future[None] | None = None
        self._after_reset: Callable[[Backend], None] | None = None
        self._lost = False
        # Watched all the time: it costs less than once a wait, and an idle session's end is seen when it happens.
        self._loop.add_reader(self._socket, self._on_readable)

    @property
    def usable(self) -> bool:
        """Tell whether the session still stands, as far as anybody was told."""
        return not self._lost and self._pgconn.status == ConnStatus.OK

    def close(self) -> None:
        """End the session, at once. Doing it twice does no harm."""
        self._lose()
        self._pgconn.finish()
        self._release()

    def canceller(self) -> PGcancel:
        """Return what cancels the running statement, from any thread."""
        return self._pgconn.get_cancel()

    # -------------------------------------------------------------- statements

    async def run(self, text: str, params: Sequence[bytes | None]) -> PGresult:
        """Run one statement: Parse, Describe, Flush; then Bind, Execute, Sync. Raises Failure."""
        statement = _encoded(text)
        if len(params) > 32767:
            raise Failure("error encoding message to server: value too large to transmit", keeps_session=True)
        try:
            refused = await self._prepare(statement)
            if refused is None:
                self._pgconn.send_query_prepared(b"", params, _formats(params))
            self._pgconn.pipeline_sync()
            await self._flush()
            answer = await self._result() if refused is None else refused
            if answer.status in _COPYING:
                raise Failure("unexpected message from server")
            answer = await self._until_sync(answer)
        except OperationalError:
            self._lose()
            raise Failure("connection closed") from None
        return _checked(answer)

    async def simple(self, text: bytes) -> None:
        """Run `text` by the simple protocol, for what opens and ends a batch. Raises Failure."""
        pgconn = self._pgconn
        try:
            if pgconn.pipeline_status != PipelineStatus.OFF:
                pgconn.exit_pipeline_mode()
            pgconn.send_query(text)
            await self._flush()
            last = None
            while (result := await self._fetch()) is not None:
                last = result
        except OperationalError:
            self._lose()
            raise Failure("connection closed") from None
        if last is None:
            raise Failure("connection closed")
        _checked(last)

    def reset(self, done: Callable[[Backend], None]) -> None:
        """Start to forget everything of the session, and call `done` when that is over; `usable` then tells how."""
        pgconn = self._pgconn
        try:
            if pgconn.pipeline_status != PipelineStatus.OFF:
                pgconn.exit_pipeline_mode()
            idle = pgconn.transaction_status == TransactionStatus.IDLE
            pgconn.send_query(_RESET if idle else b"ROLLBACK; " + _RESET)
            pgconn.flush()
        except OperationalError:
            self._lose()
            self._loop.call_soon(done, self)
        else:
            self._after_reset = done

    # -------------------------------------------------------------- below

    async def _prepare(self, statement: bytes) -> PGresult | None:
        """Parse and describe the statement; return what PostgreSQL says against it, None where it says nothing."""
        pgconn = self._pgconn
        if pgconn.pipeline_status == PipelineStatus.OFF:
            pgconn.enter_pipeline_mode()
        pgconn.send_prepare(b"", statement)
        pgconn.send_describe_prepared(b"")
        pgconn.send_flush_request()
        await self._flush()
        answers = [await self._result(), await self._result()]
        return next((answer for answer in answers if answer.status != ExecStatus.COMMAND_OK), None)

    async def _result(self) -> PGresult:
        """Return the one result of the next statement in the pipeline, past the None that follows it."""
        result = await self._fetch()
        if result is None:
            raise OperationalError("the connection was lost")
        if result.status not in _COPYING:
            await self._fetch()
        return result

    async def _until_sync(self, answer: PGresult) -> PGresult:
        """Return `answer` once Sync is answered, or the error that came instead: a single statement commits there."""
        missing = 0
        while missing < 2:
            result = await self._fetch()
            if result is None:
                missing += 1
                continue
            missing = 0
            if result.status == ExecStatus.PIPELINE_SYNC:
                return answer
            if answer.status in _FINE:
                answer = result
        if answer.status in _FINE:
            raise OperationalError("the connection was lost")
        return answer

    async def _fetch(self) -> PGresult | None:
        pgconn = self._pgconn
        while pgconn.is_busy() and not self._lost:
            await self._readable()
        result = pgconn.get_result()
        if pgconn.status != ConnStatus.OK:
            self._lose()
        return result

    async def _flush(self) -> None:
        while self._pgconn.flush():
            self._loop.add_writer(self._socket, self._release)
            try:
                await self._readable()
            finally:
                if self._socket >= 0:
                    self._loop.remove_writer(self._socket)

    async def _readable(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _on_readable(self) -> None:
        try:
            self._pgconn.consume_input()
        except OperationalError:
            self._lose()
        if self._after_reset is not None:
            self._finish_reset()
        else:
            self._release()

    def _finish_reset(self) -> None:
        pgconn = self._pgconn
        # Of a lost session libpq says for ever that it is busy, and gives its error when asked.
        while self._lost or not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                done, self._after_reset = self._after_reset, None
                if done is not None:
                    done(self)
                return
            if result.status not in _FINE:
                self._lost = True

    def _lose(self) -> None:
        """Note that the session is gone, and stop watching its socket: libpq has closed it, its number is free."""
        self._lost = True
        socket, self._socket = self._socket, -1
        if socket >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(socket)
            self._loop.remove_writer(socket)

    def _release(self) -> None:
        if self._waiter is not None:
            _wake(self._waiter)


def _encoded(text: str) -> bytes:
    if "\0" in text:
        raise Failure("error encoding message to server: string contains embedded null", keeps_session=True)
    return text.encode("utf-8")


def _formats(params: Sequence[bytes | None]) -> list[int] | None:
    # libpq ends text at NUL. Sent as binary it arrives whole, and PostgreSQL refuses it as it must.
    if any(value is not None and b"\0" in value for value in params):
        return [int(value is not None and b"\0" in value) for value in params]
    return None


def _checked(result: PGresult) -> PGresult:
    if result.status in _FINE:
        return result
    if result.status == ExecStatus.FATAL_ERROR:
        raise from_result(result)
    raise Failure("unexpected message from server")
