"""One conversation with PostgreSQL, through libpq and without blocking: what Neon's proxy says, in fewer round trips.

It waits for each statement's description, and for its end, before it says more. Where nobody could see the difference
all is said at once: PostgreSQL takes no notice of what comes behind a failure, up to the next Sync.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Error, OperationalError, pq
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus

from sendoka.courtesy import give_way
from sendoka.database.transaction import control_command
from sendoka.local.failure import Failure, from_result
from sendoka.local.request import MOST_PARAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from psycopg.pq.abc import PGconn, PGresult

    from sendoka.local.reply import ResultWriter
    from sendoka.local.request import Query

    T = TypeVar("T")
    Steps = Generator[None, None, T]
    """A conversation: it yields where bytes of PostgreSQL must come first, and is resumed when they have."""

__all__ = ["Backend", "may_follow_unseen"]

# Everything of a session is forgotten. Neon runs the parts of this one by one, so that cached plans stay; nobody sees
# the difference, and PostgreSQL is done sooner.
_RESET = b"DISCARD ALL"
_COPYING = frozenset({ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH})
_FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY})
_PARTS = frozenset({ExecStatus.TUPLES_CHUNK, ExecStatus.SINGLE_TUPLE})

ROWS_AT_A_TIME = 64
"""Rows that libpq hands on at a time: an answer over the limit ends before all of it is in memory."""

_CHUNKS = pq.version() >= 170000
"""Older ones hand on single rows."""

_LOOKUP = b"neon_proxy_typeinfo"
_ELEMENTS = b"select typelem from pg_catalog.pg_type where oid = $1::oid and typcategory = 'A'"
FIRST_USER_OID = 16384
"""Types with smaller numbers are built in."""


class Backend:
    """A session with PostgreSQL. One request at a time; `key` is the pool's own affair."""

    __slots__ = (
        "_can_look_up",
        "_elements",
        "_loop",
        "_lost",
        "_pgconn",
        "_resetting",
        "_socket",
        "_steps",
        "_then",
        "key",
    )

    def __init__(self, pgconn: PGconn) -> None:
        pgconn.nonblocking = 1
        self.key: tuple[str, str] = ("", "")
        self._pgconn = pgconn
        self._loop = asyncio.get_running_loop()
        self._socket = pgconn.socket
        self._steps: Steps[Any] | None = None
        self._then: Callable[[Any, BaseException | None], None] = _nothing
        self._lost = False
        self._resetting = False
        self._can_look_up = False
        self._elements: dict[int, int] = {}
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
        self._step()

    def cancel(self) -> None:
        """Ask PostgreSQL to cancel what runs here, if anything does, without waiting for it."""
        if self._steps is not None:
            self._cancel()

    def _cancel(self) -> None:
        if self.usable and not self._loop.is_closed():
            request = self._pgconn.get_cancel()

            def send() -> None:
                with suppress(Error):
                    request.cancel()

            self._loop.run_in_executor(None, send)

    # -------------------------------------------------------------- statements

    async def run(self, query: Query, writer: ResultWriter, *, alone: bool) -> None:
        """Run one statement; its result goes to `writer`. Raises Failure.

        With `alone` nothing else of this request follows, so the reset is sent along.
        """
        if "\0" in query.text:
            raise Failure("error encoding message to server: string contains embedded null", keeps_session=True)
        if len(query.params) > MOST_PARAMS:
            raise Failure("error encoding message to server: value too large to transmit", keeps_session=True)
        await self._talk(self._statement(query, writer, alone))

    async def run_together(self, begin: str, queries: Sequence[Query], writers: Iterator[ResultWriter]) -> None:
        """Run `begin` and statements that `may_follow_unseen`, sent all at once; raises Failure for the first to fail.

        What is behind that one PostgreSQL does not look at, as if it had not been sent. Results go to one of `writers`
        each, which is asked for when its turn has come; none of them is `typed`.
        """
        try:
            await self._talk(self._statements(begin.encode(), queries, writers))
        except Failure as failure:
            if not failure.keeps_session:
                self._cancel()  # an answer too large, say: what was sent behind it would still run
            raise

    async def simple(self, text: bytes) -> None:
        """Run `text` by the simple protocol, for what opens and ends a batch. Raises Failure."""
        await self._talk(self._simple(text))

    def reset(self, done: Callable[[Backend], None]) -> None:
        """Forget everything of the session, and call `done` when that is over; `usable` then tells how it went."""

        def over(_: Any, error: BaseException | None) -> None:
            self._lost |= error is not None
            done(self)

        self._begin(self._reset(), over)

    # -------------------------------------------------------------- the conversations

    def _statement(self, query: Query, writer: ResultWriter, alone: bool) -> Steps[None]:
        self._enter_pipeline()
        self._parse(query)
        if writer.typed:  # what its columns are must be known before it runs
            self._pgconn.send_flush_request()
            yield from self._flush()
            described = yield from self._described()
            if described.status == ExecStatus.COMMAND_OK:
                yield from self._learn_elements(described)
                self._execute(query)
            self._sync(alone)
            yield from self._flush()
        else:
            self._execute(query)
            self._sync(alone)
            yield from self._flush()
            described = yield from self._described()
        if described.status != ExecStatus.COMMAND_OK:
            yield from self._until_sync(described)
            raise _refused(described)
        result = yield from self._receive(described, writer)
        answer = yield from self._until_sync(result)
        if answer.status not in _FINE:
            raise _refused(answer)
        writer.end(answer)

    def _statements(self, begin: bytes, queries: Sequence[Query], writers: Iterator[ResultWriter]) -> Steps[None]:
        self._enter_pipeline()
        self._pgconn.send_query_params(begin, None)
        for query in queries:
            self._parse(query)
            self._execute(query)
        self._sync(alone=False)
        yield from self._flush()
        answer = yield from self._fetch_one()
        for _ in queries:
            if answer.status in _FINE:
                answer = yield from self._described()
            if answer.status in _FINE:
                writer = next(writers)
                answer = yield from self._receive(answer, writer)
                yield from self._fetch_any()
                if answer.status in _FINE:
                    writer.end(answer)
        answer = yield from self._until_sync(answer)
        if answer.status not in _FINE:
            raise _refused(answer)

    def _enter_pipeline(self) -> None:
        if self._pgconn.pipeline_status == PipelineStatus.OFF:
            self._pgconn.enter_pipeline_mode()

    def _parse(self, query: Query) -> None:
        self._pgconn.send_prepare(b"", query.text.encode())
        self._pgconn.send_describe_prepared(b"")

    def _execute(self, query: Query) -> None:
        self._pgconn.send_query_prepared(b"", query.params, _formats(query.params))

    def _sync(self, alone: bool) -> None:
        self._pgconn.pipeline_sync()
        if alone:
            self._pgconn.send_query_params(_RESET, None)
            self._pgconn.pipeline_sync()
            self._resetting = True

    def _described(self) -> Steps[PGresult]:
        """Return what a statement was described as, or what PostgreSQL says against it."""
        parsed = yield from self._fetch_one()
        described = yield from self._fetch_one()
        return parsed if parsed.status != ExecStatus.COMMAND_OK else described

    def _receive(self, described: PGresult, writer: ResultWriter) -> Steps[PGresult]:
        """Write a statement's rows; return how it ended."""
        writer.begin(described, self._elements)
        if described.nfields:
            self._pgconn.set_chunked_rows_mode(ROWS_AT_A_TIME) if _CHUNKS else self._pgconn.set_single_row_mode()
        result = yield from self._fetch()
        while result.status in _PARTS:
            writer.add(result)
            give_way()
            result = yield from self._fetch()
        if result.status in _COPYING:
            raise Failure("unexpected message from server")
        return result

    def _learn_elements(self, described: PGresult) -> Steps[None]:
        """Look up the types that are not built in, inside the statement's own transaction: array types by element."""
        oids = {oid for column in range(described.nfields) if (oid := described.ftype(column)) >= FIRST_USER_OID}
        for oid in sorted(oids - self._elements.keys()):
            # Under a name, as Neon does it: the unnamed statement is the one that is described.
            if not self._can_look_up:
                self._pgconn.send_prepare(_LOOKUP, _ELEMENTS)
            self._pgconn.send_query_prepared(_LOOKUP, [str(oid).encode()])
            self._pgconn.send_flush_request()
            yield from self._flush()
            if not self._can_look_up:
                yield from self._fetch_one()
                self._can_look_up = True
            found = yield from self._fetch_one()
            if found.status != ExecStatus.TUPLES_OK:
                raise OperationalError("a type could not be looked up")
            self._elements[oid] = int(found.get_value(0, 0) or 0) if found.ntuples else 0

    def _simple(self, text: bytes) -> Steps[None]:
        pgconn = self._pgconn
        if pgconn.pipeline_status != PipelineStatus.OFF:
            pgconn.exit_pipeline_mode()
        pgconn.send_query(text)
        yield from self._flush()
        last = yield from self._fetch()
        while (result := (yield from self._fetch_any())) is not None:
            last = result
        if last.status not in _FINE:
            raise _refused(last)

    def _reset(self) -> Steps[None]:
        self._can_look_up = False
        if self._resetting:
            self._resetting = False
            done = yield from self._fetch()
            yield from self._until_sync(done)
            if done.status == ExecStatus.COMMAND_OK:
                return
        # It was not sent along, or met a transaction that a BEGIN had left open.
        if self._pgconn.transaction_status != TransactionStatus.IDLE:
            yield from self._simple(b"ROLLBACK")
        yield from self._simple(_RESET)

    # -------------------------------------------------------------- below

    def _until_sync(self, answer: PGresult) -> Steps[PGresult]:
        """Return `answer` once Sync is answered, or the error that came instead: a single statement commits there."""
        while True:
            result = yield from self._fetch_any()
            if result is None:
                if self._lost and answer.status in _FINE:
                    raise OperationalError("the connection was lost")
                if self._lost:
                    return answer
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return answer
            elif answer.status in _FINE:
                answer = result

    def _fetch_one(self) -> Steps[PGresult]:
        """Return a result, past the None that ends its statement in the pipeline."""
        result = yield from self._fetch()
        yield from self._fetch_any()
        return result

    def _fetch(self) -> Steps[PGresult]:
        result = yield from self._fetch_any()
        if result is None:
            raise OperationalError("the connection was lost")
        return result

    def _fetch_any(self) -> Steps[PGresult | None]:
        pgconn = self._pgconn
        while pgconn.is_busy() and not self._lost:
            yield
        result = pgconn.get_result()
        if result is None and pgconn.status != ConnStatus.OK:
            self._lose()
        return result

    def _flush(self) -> Steps[None]:
        while self._pgconn.flush():
            self._loop.add_writer(self._socket, self._step)
            try:
                yield
            finally:
                if self._socket >= 0:
                    self._loop.remove_writer(self._socket)

    async def _talk(self, steps: Steps[None]) -> None:
        over: asyncio.Future[None] = self._loop.create_future()

        def settle(_: Any, error: BaseException | None) -> None:
            if over.done():
                return
            if error is not None:
                over.set_exception(error)
            else:
                over.set_result(None)

        self._begin(steps, settle)
        await over

    def _begin(self, steps: Steps[None], then: Callable[[Any, BaseException | None], None]) -> None:
        self._steps, self._then = steps, then
        self._step()

    def _step(self) -> None:
        """Resume the conversation. A turn of the event loop is spent only at its end, for whoever awaits it."""
        steps = self._steps
        if steps is None:
            return
        value: Any = None
        error: Exception | None = None
        try:
            next(steps)
        except StopIteration as end:
            value = end.value
        except OperationalError:
            self._lose()
            error = Failure("connection closed")
        except Exception as raised:  # noqa: BLE001 - it is handed to whoever awaits the conversation
            error = raised
        else:
            return
        self._steps = None
        self._then(value, error)

    def _on_readable(self) -> None:
        try:
            self._pgconn.consume_input()
        except OperationalError:
            self._lose()
        self._step()

    def _lose(self) -> None:
        """Note that the session is gone, and stop watching its socket: libpq has closed it, its number is free."""
        self._lost = True
        socket, self._socket = self._socket, -1
        if socket >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(socket)
            self._loop.remove_writer(socket)


def _nothing(_: Any, __: BaseException | None) -> None:
    """What follows where nobody waits."""


def may_follow_unseen(query: Query) -> bool:
    """Tell whether a statement may be sent before those in front of it are done.

    One that ends the transaction may not: what follows it would be parts of one more, instead of each by itself.
    """
    return "\0" not in query.text and len(query.params) <= MOST_PARAMS and control_command(query.text) is None


def _formats(params: Sequence[bytes | None]) -> list[int] | None:
    # libpq ends text at NUL. Sent as binary it arrives whole, and PostgreSQL refuses it as it must.
    if any(value is not None and b"\0" in value for value in params):
        return [int(value is not None and b"\0" in value) for value in params]
    return None


def _refused(result: PGresult) -> Failure:
    if result.status == ExecStatus.FATAL_ERROR:
        return from_result(result)
    return Failure("unexpected message from server")
