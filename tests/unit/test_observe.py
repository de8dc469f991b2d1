"""What is seen of a call: lines in the log, events for hooks; never a secret, never a value, never at a call's cost."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sendoka import Outcome, Retry
from sendoka.database.statement import Statement
from sendoka.errors import AnswerLost, EndpointError, UniqueViolation
from sendoka.http.observe import Observer, Watch
from sendoka.http.reply import Reply
from sendoka.http.target import read_target
from tests.fixtures.canned import ONE, CannedServer, Exchange, answer, canned
from tests.fixtures.observed import watched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka import Neon
    from sendoka.http.events import RequestEvent

DUPLICATE = answer({"message": 'duplicate key "bob@example.org"', "code": "23505", "severity": "ERROR"}, 400)
WAKING = answer({"message": "Couldn't connect to compute node", "code": "", "severity": ""}, 500)
SECRETS = ("pass-word", "hunter2", "bob@example.org", "postgresql://")


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def wakes_up_on(number: int) -> Callable[[Exchange], Awaitable[None]]:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(answer(ONE) if exchange.number >= number else WAKING)

    return handle


async def lose(exchange: Exchange) -> None:
    exchange.abort()


class TestHooks:
    async def test_a_hook_is_told_of_a_request(self) -> None:
        seen: list[RequestEvent] = []
        before = time.time()
        async with canned(answer(ONE)) as server, watched(server.url, [seen.append]) as sql:
            await sql("select $1::int as n", 1)
            (event,) = seen
            assert (event.statements, event.parameters, event.batch) == (("select $1::int as n",), 1, False)
            assert (event.host, event.port, event.database) == ("127.0.0.1", server.port, "db")
            assert (event.attempt, event.transport, event.last, event.wait) == (1, "native", True, None)
            assert (event.outcome, event.error, event.sqlstate, event.status) == ("ok", None, None, 200)
            assert event.bytes_out == len(server.requests[0].body)
            assert event.bytes_in == len(answer(ONE).partition(b"\r\n\r\n")[2])
            assert before <= event.started <= time.time()
            assert event.connected is not None
            assert event.sent is not None
            assert event.answered is not None
            assert 0 < event.connected <= event.sent <= event.answered <= event.seconds < 60

    @pytest.mark.parametrize("transport", ["native", "httpx"])
    async def test_the_moments_of_a_request_follow_one_another(self, transport: str) -> None:
        seen: list[RequestEvent] = []
        async with canned(answer(ONE)) as server, watched(server.url, [seen.append], transport=transport) as sql:
            for _ in range(2):
                await sql("select 1")
        for event in seen:
            moments = [event.connected, event.sent, event.answered, event.seconds]
            assert None not in moments
            assert moments == sorted(moments, key=lambda moment: moment or 0)

    async def test_a_transaction_is_one_request(self) -> None:
        seen: list[RequestEvent] = []
        body = answer({"results": [ONE, ONE]})
        async with canned(body) as server, watched(server.url, [seen.append]) as sql:
            await sql.transaction([sql("select $1::int", 1), sql("select $1::int, $2::int", 1, 2)])
        (event,) = seen
        assert (event.batch, event.parameters, len(event.statements)) == (True, 3, 2)

    async def test_every_attempt_is_an_event_and_the_last_one_says_so(self) -> None:
        seen: list[RequestEvent] = []
        async with canned(wakes_up_on(3)) as server, watched(server.url, [seen.append]) as sql:
            await sql("select 1")
        assert [(event.attempt, event.outcome, event.status, event.last) for event in seen] == [
            (1, Outcome.REFUSED, 500, False),
            (2, Outcome.REFUSED, 500, False),
            (3, "ok", 200, True),
        ]
        assert all(isinstance(event.error, EndpointError) and event.wait for event in seen[:2])

    async def test_an_error_is_named(self) -> None:
        seen: list[RequestEvent] = []
        async with canned(DUPLICATE) as server, watched(server.url, [seen.append]) as sql:
            with pytest.raises(UniqueViolation) as caught:
                await sql("insert into t values (1)")
        (event,) = seen
        assert (event.outcome, event.sqlstate, event.status) == (Outcome.FAILED, "23505", 400)
        assert event.error is caught.value

    async def test_the_last_event_has_the_outcome_of_the_call(self) -> None:
        """After an answer that was lost, what a later send says proves nothing about the first."""

        async def handle(exchange: Exchange) -> None:
            if exchange.number == 1:
                exchange.abort()
            else:
                await exchange.send(DUPLICATE)

        seen: list[RequestEvent] = []
        async with canned(handle) as server, watched(server.url, [seen.append]) as sql:
            with pytest.raises(UniqueViolation):
                await sql("insert into t values (1)", idempotent=True)
        assert [(event.outcome, event.last) for event in seen] == [("unknown", False), ("unknown", True)]

    async def test_a_cancelled_call_may_have_run(self) -> None:
        arrived = asyncio.Event()

        async def handle(exchange: Exchange) -> None:
            arrived.set()
            await asyncio.sleep(60)

        seen: list[RequestEvent] = []
        async with canned(handle) as server, watched(server.url, [seen.append]) as sql:
            call = asyncio.ensure_future(sql("insert into t values (1)").result())
            await arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        (event,) = seen
        assert (event.outcome, event.last, event.status) == (Outcome.UNKNOWN, True, None)
        assert isinstance(event.error, asyncio.CancelledError)

    async def test_a_hook_that_fails_harms_neither_the_call_nor_other_hooks(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(event: RequestEvent) -> None:
            raise RuntimeError("mine")

        class BrokenFromTheStart:
            def begin(self, event: object) -> Any:
                raise RuntimeError("at once")

        seen: list[RequestEvent] = []
        hooks = [broken, BrokenFromTheStart(), seen.append]
        async with canned(answer(ONE)) as server, watched(server.url, hooks) as sql:
            assert await sql("select 1").value() == 1
        assert len(seen) == 1
        errors = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert [str(record.exc_info[1]) for record in errors if record.exc_info] == ["at once", "mine"]

    async def test_a_hook_that_fails_does_not_log_the_words_of_the_error(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(event: RequestEvent) -> None:
            try:
                raise KeyError("first")
            except KeyError:
                raise RuntimeError("mine")  # noqa: B904 - the chain is what is tested

        async with canned(DUPLICATE) as server, watched(server.url, [broken]) as sql:
            with pytest.raises(UniqueViolation, match="duplicate key"):
                await sql("insert into t values (1)")
        assert "KeyError: 'first'" in caplog.text
        assert "RuntimeError: mine" in caplog.text
        assert "bob@example.org" not in caplog.text

    @pytest.mark.parametrize("hook", [5, "x", None])
    def test_what_is_no_hook_is_refused_at_once(self, hook: Any) -> None:
        with pytest.raises(TypeError, match="a hook is a function of one event"):
            watched("postgresql://u:p@127.0.0.1:1/db", [hook])

    async def test_a_hook_may_open_something_for_each_call(self) -> None:
        story: list[str] = []

        class Story:
            def begin(self, event: Any) -> Any:
                story.append(f"begin {event.statements[0]}")
                return lambda ended: story.append(f"{ended.attempt} {ended.outcome} {ended.last}")

        async with canned(wakes_up_on(2)) as server, watched(server.url, [Story()]) as sql:
            await sql("select 1")
        assert story == ["begin select 1", "1 refused False", "2 ok True"]

    async def test_a_transport_that_notes_no_moments_has_none(self) -> None:
        seen: list[RequestEvent] = []
        mocked = httpx.MockTransport(lambda _: httpx.Response(200, json=ONE))
        async with httpx.AsyncClient(transport=mocked) as client:
            await watched("postgresql://u:p@localhost/db", [seen.append], transport=client)("select 1")
        (event,) = seen
        assert (event.transport, event.connected, event.sent, event.answered) == ("httpx", None, None, None)

    async def test_moments_that_a_transport_noted_are_told_from_the_start(self) -> None:
        seen: list[RequestEvent] = []
        observer = Observer(read_target("postgresql://u:p@127.0.0.1:1/db"), [seen.append])
        for attempt in range(2):
            with observer.begin([Statement("select 1")], False) as watch:
                watch.sending(object(), 5)
                assert watch.marks is not None
                watch.marks.connected = time.monotonic()
                if attempt == 0:
                    watch.marks.sent = watch.marks.connected + 1
                    watch.marks.answered = watch.marks.connected + 2
                watch.answered(Reply(200, b"{}"))
        assert seen[0].connected is not None
        assert seen[0].sent == pytest.approx(seen[0].connected + 1)
        assert seen[0].answered == pytest.approx(seen[0].connected + 2)
        assert (seen[1].sent, seen[1].answered) == (None, None)


class TestLogs:
    async def test_a_call_that_goes_well_is_a_line_at_debug(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "sendoka.http")
        async with canned(answer(ONE)) as server, watched(server.url) as sql:
            await sql("select *\n  from t where password = 'hunter2' and id = $1", "bob@example.org")
        (line,) = lines(caplog, logging.DEBUG)
        assert line.startswith("select * from t where password = ? and id = $1: ok, attempt 1, 0.")
        assert line.endswith(" B in, status 200")
        assert not [secret for secret in SECRETS if secret in caplog.text]

    async def test_parameters_are_shown_where_they_are_asked_for(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "sendoka.http")
        async with canned(answer(ONE)) as server, watched(server.url, log_parameters=True) as sql:
            await sql("select $1, $2, $3", "bob", None, "x" * 5000)
        (line,) = lines(caplog, logging.DEBUG)
        assert "parameters ['bob', None, 'xxx" in line
        assert len(line) < 400

    async def test_what_is_sent_again_is_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        async with canned(wakes_up_on(2)) as server, watched(server.url) as sql:
            await sql("select 'hunter2'")
        (line,) = lines(caplog, logging.WARNING)
        assert line.startswith("select ?: EndpointError 500, outcome refused, attempt 1; sent again in 0.0")

    async def test_what_may_have_run_is_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        async with canned(lose) as server, watched(server.url) as sql:
            with pytest.raises(AnswerLost):
                await sql.transaction([sql("insert into t values ('hunter2')"), sql("select 1")])
        (line,) = lines(caplog, logging.WARNING)
        head = "2 statements, insert into t values (?)"
        assert line == f"{head}: it may have run, and its answer is not known: AnswerLost, attempt 1"

    @pytest.mark.parametrize(
        ("text", "ended"), [("select 1", "it only reads"), ("set transaction read write", "it may have run")]
    )
    async def test_of_what_only_reads_the_warning_says_so(
        self, caplog: pytest.LogCaptureFixture, text: str, ended: str
    ) -> None:
        async with canned(lose) as server, watched(server.url, retry=Retry(attempts=1)) as sql:
            with pytest.raises(AnswerLost):
                await sql.transaction([sql(text)], read_only=True)
        (line,) = lines(caplog, logging.WARNING)
        assert f": {ended}, and its answer is not known: AnswerLost, attempt 1" in line

    async def test_what_postgres_refused_is_no_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "sendoka.http")
        async with canned(DUPLICATE) as server, watched(server.url) as sql:
            with pytest.raises(UniqueViolation):
                await sql("insert into t values ('hunter2')")
        assert lines(caplog, logging.WARNING) == []
        (line,) = lines(caplog, logging.DEBUG)
        assert "failed, UniqueViolation 23505, attempt 1" in line
        assert not [secret for secret in SECRETS if secret in caplog.text]

    @pytest.mark.parametrize(
        "statement",
        [
            "alter role app password 'hunter2'",
            "alter role app password E'hunter2\\''",
            "select dblink('postgresql://u:pass-word@h/db')",
            "do $$ begin perform 'hunter2'; end $$",
            "select 1 -- hunter2",
            "x" * 95 + " 'hunter2 " + "y" * 200 + "'",
        ],
    )
    async def test_no_secret_of_a_statement_is_logged(self, caplog: pytest.LogCaptureFixture, statement: str) -> None:
        caplog.set_level(logging.DEBUG, "sendoka.http")
        for handler in (answer(ONE), lose):
            async with canned(handler) as server, watched(server.url) as sql:
                await asyncio.gather(sql(statement).result(), return_exceptions=True)
        assert len(caplog.records) == 3
        assert not [secret for secret in SECRETS if secret in caplog.text]

    async def test_nothing_is_formatted_where_nobody_listens(self, caplog: pytest.LogCaptureFixture) -> None:
        class Unreadable(str):
            __slots__ = ()

            def __getitem__(self, key: Any) -> Any:
                raise AssertionError("read")

        caplog.set_level(logging.ERROR, "sendoka.http")
        observer = Observer(read_target("postgresql://u:p@127.0.0.1:1/db"))
        watch = observer.begin([Statement(Unreadable("select 1"))], False)
        assert type(watch) is Watch
        assert watch.marks is None
        lost = AnswerLost("x")
        with watch:
            watch.sending(object(), 5)
            watch.again(lost, 0.1)
            watch.sending(object(), 5)
            watch.__exit__(AnswerLost, lost, None)
        assert caplog.records == []

    async def test_the_level_is_read_at_each_call(self, caplog: pytest.LogCaptureFixture) -> None:
        async with canned(answer(ONE)) as server, watched(server.url) as sql:
            await sql("select 1")
            caplog.set_level(logging.DEBUG, "sendoka.http")
            await sql("select 2")
        assert len(lines(caplog, logging.DEBUG)) == 1


async def test_calls_at_once_are_told_apart() -> None:
    seen: list[RequestEvent] = []

    async def handle(exchange: Exchange) -> None:
        await asyncio.sleep(0.001 * (exchange.number % 5))
        await exchange.send(answer(ONE))

    async with canned(handle) as server, watched(server.url, [seen.append]) as sql:
        await asyncio.gather(*(one(sql, number) for number in range(40)))
        assert_all_there(seen, server)


async def one(sql: Neon, number: int) -> None:
    await sql(f"select {number}")


def assert_all_there(seen: list[RequestEvent], server: CannedServer) -> None:
    assert sorted(event.statements[0] for event in seen) == sorted(f"select {number}" for number in range(40))
    assert len(server.requests) == 40
