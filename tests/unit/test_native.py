"""The native transport at the level of bytes: what it may claim about a failure, and which connections it trusts."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, EndpointError, ProtocolError, RequestTimeout, TransportError
from tests.fixtures.canned import ONE, Exchange, answer, canned, raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.http.client import Neon

ONCE = Retry(attempts=1)


def client(url: str, *, timeout: float = 5.0, retry: Retry = ONCE) -> Neon:
    return neon(url, transport="native", timeout=timeout, retry=retry)


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with canned(answer(ONE)) as server, client(server.url) as sql:
        for _ in range(5):
            assert await sql("select 1 as n").value() == 1
        assert (server.connections, len(server.requests)) == (1, 5)


async def test_many_at_once_are_answered_each_with_its_own() -> None:
    async def echo(exchange: Exchange) -> None:
        number = exchange.body.decode().rpartition("params")[2].strip('":[]}')
        await exchange.send(answer({**ONE, "rows": [[number]]}))

    async with canned(echo) as server, client(server.url) as sql:
        numbers = await asyncio.gather(*(sql("select $1::int as n", n).value() for n in range(300)))
        assert numbers == list(range(300))
        assert server.connections <= 100


async def _connection_close(exchange: Exchange) -> None:
    await exchange.send(answer(ONE, 200, "connection: close"))
    exchange.writer.close()


async def _http_1_0(exchange: Exchange) -> None:
    await exchange.send(answer(ONE).replace(b"HTTP/1.1", b"HTTP/1.0"))
    exchange.writer.close()


async def _without_length(exchange: Exchange) -> None:
    await exchange.send(answer(ONE).replace(b"content-length", b"x-length"))
    exchange.writer.close()


async def _then_idle_close(exchange: Exchange) -> None:
    await exchange.send(answer(ONE))
    exchange.writer.close()


async def _with_extra_bytes(exchange: Exchange) -> None:
    await exchange.send(answer(ONE) + b"HTTP/1.1 200 again")


@pytest.mark.parametrize(
    "handler", [_connection_close, _http_1_0, _without_length, _then_idle_close, _with_extra_bytes]
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(
    handler: Callable[[Exchange], Awaitable[None]],
) -> None:
    async with canned(handler) as server, client(server.url) as sql:
        for _ in range(3):
            assert await sql("select 1 as n").value() == 1
            await asyncio.sleep(0.02)
        assert server.connections == 3


async def _slow_drip(exchange: Exchange) -> None:
    for byte in answer(ONE):
        await exchange.send(bytes([byte]))


async def _chunked(exchange: Exchange) -> None:
    head, _, body = answer(ONE).partition(b"\r\n\r\n")
    head = head.split(b"content-length")[0] + b"transfer-encoding: chunked"
    chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body)
    await exchange.send(head + b"\r\n\r\n" + chunks + b"0\r\n\r\n")


async def _continue_first(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + answer(ONE))


@pytest.mark.parametrize("handler", [_slow_drip, _chunked, _continue_first])
async def test_an_answer_in_any_form_of_http_is_read(handler: Callable[[Exchange], Awaitable[None]]) -> None:
    async with canned(handler) as server, client(server.url) as sql:
        assert await sql("select 1 as n").value() == 1
        assert await sql("select 1 as n").value() == 1
        assert server.connections == 1


async def _abort(exchange: Exchange) -> None:
    exchange.abort()


async def _close(exchange: Exchange) -> None:
    exchange.writer.close()


async def _half_head(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-le")
    exchange.writer.close()


async def _half_body(exchange: Exchange) -> None:
    await exchange.send(answer(ONE)[:-5])
    exchange.writer.close()


async def _half_body_without_length(exchange: Exchange) -> None:
    await exchange.send(answer(ONE).replace(b"content-length", b"x-length")[:-5])
    exchange.writer.close()


async def _half_chunked(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{")
    exchange.writer.close()


async def _garbage(exchange: Exchange) -> None:
    await exchange.send(b"\x16\x03\x01 hello, this is not HTTP")


async def _upgrade(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (_abort, AnswerLost),
        (_close, AnswerLost),
        (_half_head, AnswerLost),
        (_half_body, AnswerLost),
        (_half_chunked, AnswerLost),
        (_half_body_without_length, ProtocolError),
        (_garbage, ProtocolError),
        (_upgrade, ProtocolError),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "reused connection"])
async def test_once_sent_a_failure_is_unknown_and_nothing_is_sent_twice(
    handler: Callable[[Exchange], Awaitable[None]], error: type[TransportError], warm: bool
) -> None:
    async def serve(exchange: Exchange) -> None:
        await (exchange.send(answer(ONE)) if warm and exchange.number == 1 else handler(exchange))

    async with canned(serve) as server, client(server.url, retry=Retry()) as sql:
        if warm:
            await sql("select 1 as n")
        with pytest.raises(error) as caught:
            await sql("insert into t values (1)")
        assert caught.value.outcome == "unknown"
        assert len(server.requests) == 1 + warm


async def test_an_unknown_read_is_sent_again_and_an_unknown_write_is_not() -> None:
    async def first_lost(exchange: Exchange) -> None:
        if exchange.number == 1:
            exchange.abort()
        else:
            await exchange.send(answer({"results": [ONE]}))

    async with canned(first_lost) as server, client(server.url, retry=Retry()) as sql:
        assert await sql("select 1 as n", read_only=True).value() == 1
        assert len(server.requests) == 2


async def test_a_definite_error_after_an_unknown_send_stays_unknown() -> None:
    async def lost_then_failed(exchange: Exchange) -> None:
        if exchange.number == 1:
            exchange.abort()
        else:
            await exchange.send(answer({"message": "no", "code": "23503", "severity": "ERROR"}, 400))

    async with canned(lost_then_failed) as server, client(server.url, retry=Retry()) as sql:
        from sendoka.errors import ForeignKeyViolation

        with pytest.raises(ForeignKeyViolation) as caught:
            await sql("insert into t values (1)", idempotent=True)
        assert caught.value.outcome == "unknown"
        assert len(server.requests) == 2


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_a_whole_batch_is_sent_again_after_a_conflict_and_a_single_statement_is_not(code: str) -> None:
    async def conflict_first(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.send(answer({"message": "no", "code": code, "severity": "ERROR"}, 400))
        else:
            await exchange.send(answer({"results": [ONE]}))

    async with canned(conflict_first) as server, client(server.url, retry=Retry()) as sql:
        assert (await sql.transaction([sql("select 1 as n")]))[0] == [{"n": 1}]
        assert len(server.requests) == 2


async def test_a_wake_up_that_fails_is_waited_out() -> None:
    async def asleep_first(exchange: Exchange) -> None:
        if exchange.number < 3:
            await exchange.send(answer({"message": "Control plane request failed", "code": "", "severity": ""}, 500))
        else:
            await exchange.send(answer(ONE))

    async with canned(asleep_first) as server, client(server.url, retry=Retry(first=0.01)) as sql:
        assert await sql("insert into t values (1)").value() == 1
        assert len(server.requests) == 3


async def test_the_deadline_ends_a_call_and_its_connection() -> None:
    ended = asyncio.Event()

    async def never(exchange: Exchange) -> None:
        await asyncio.to_thread(lambda: None)
        while not exchange.writer.transport.is_closing():
            await exchange.send(b"")
            await asyncio.sleep(0.01)
        ended.set()

    async with canned(never) as server, client(server.url, timeout=0.2) as sql:
        with pytest.raises(RequestTimeout, match=r"0\.2 s") as caught:
            await sql("insert into t values (1)")
        assert caught.value.outcome == "unknown"


async def test_cancellation_ends_the_connection() -> None:
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        while await reader.read(1000):
            pass
        ended.set()
        writer.close()

    async with raw(hold) as port, client(f"postgresql://u:p@127.0.0.1:{port}/db") as sql:
        task = asyncio.ensure_future(_send(sql))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 2)


async def _send(sql: Neon) -> None:
    await sql("select 1")


async def test_a_body_that_was_not_taken_whole_is_not_sent() -> None:
    """The server reads nothing, so the kernel cannot take 20 MB; after the abort the rest can never arrive."""
    received = 0

    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await asyncio.sleep(0.6)
        try:
            while data := await reader.read(1 << 20):
                received += len(data)
        except ConnectionError:
            pass
        writer.close()

    async with raw(stuck) as port, client(f"postgresql://u:p@127.0.0.1:{port}/db", timeout=0.3) as sql:
        with pytest.raises(RequestTimeout) as caught:
            await sql("select $1", "x" * 20_000_000)
        assert caught.value.outcome == "not_sent"
        await asyncio.sleep(0.6)
    assert received < 20_000_000


async def test_a_connection_cut_while_a_large_body_is_written_is_not_sent() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async with raw(cut) as port, client(f"postgresql://u:p@127.0.0.1:{port}/db") as sql:
        with pytest.raises(AnswerLost) as caught:
            await sql("select $1", "x" * 20_000_000)
        assert caught.value.outcome == "not_sent"


async def test_an_answer_may_overtake_its_request() -> None:
    async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer(b"", 413))
        await asyncio.sleep(0.3)
        writer.transport.abort()

    async with raw(too_large) as port, client(f"postgresql://u:p@127.0.0.1:{port}/db") as sql:
        with pytest.raises(EndpointError) as caught:
            await sql("select $1", "x" * 20_000_000)
        assert (caught.value.status, caught.value.outcome) == (413, "refused")


async def test_nothing_listening_is_said_at_once_with_a_way_out() -> None:
    async with client("postgresql://u:hunter2@localhost:1/db", retry=Retry()) as sql:
        started = asyncio.get_running_loop().time()
        with pytest.raises(ConnectFailed, match="sendoka dev") as caught:
            await sql("select 1")
        assert asyncio.get_running_loop().time() - started < 2
    assert caught.value.outcome == "not_sent"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("transport", ["native", "httpx"])
async def test_a_port_of_this_machine_that_hangs_up_without_a_byte_may_be_postgres_own(transport: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.close()

    async with raw(hang_up) as port:
        sql = neon(f"postgresql://u:p@127.0.0.1:{port}/db", transport=transport, retry=ONCE)
        with pytest.raises(AnswerLost, match=r"PostgreSQL's own port.*sendoka dev") as caught:
            await sql("select 1")
        await sql.aclose()
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("transport", ["native", "httpx"])
async def test_what_answered_in_http_before_is_no_port_of_postgres(transport: str) -> None:
    async def once(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.send(answer(ONE, 200, "connection: close"))
        exchange.writer.close()

    async with canned(once) as server, neon(server.url, transport=transport, retry=ONCE) as sql:
        await sql("select 1 as n")
        with pytest.raises(AnswerLost) as caught:
            await sql("select 1 as n")
    assert "PostgreSQL's own port" not in str(caught.value)


async def test_a_host_that_does_not_resolve_is_said_at_once() -> None:
    async with client("postgresql://u:hunter2@no-such-host.invalid/db", retry=Retry()) as sql:
        with pytest.raises(ConnectFailed, match=r"api\.invalid") as caught:
            await sql("select 1")
    assert caught.value.outcome == "not_sent"
    assert "hunter2" not in str(caught.value)


async def test_a_redirect_is_never_followed() -> None:
    async with canned(answer(b"", 307, "location: http://127.0.0.1:9/sql")) as server, client(server.url) as sql:
        with pytest.raises(ProtocolError, match="307"):
            await sql("select 1")
        assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:unclosed")
def test_a_client_outlives_its_event_loop() -> None:
    """A serverless function may run one `asyncio.run` after the other with the client of its module."""
    ports: list[int] = []

    async def serve_and_ask() -> int:
        async with canned(answer(ONE)) as server:
            ports.append(server.port)
            sql = neon(f"postgresql://u:p@127.0.0.1:{server.port}/db", transport="native")
            clients.append(sql)
            return int(await sql("select 1 as n").value())

    async def ask_again() -> None:
        with pytest.raises(TransportError):
            await clients[0]("select 1 as n")

    clients: list[Neon] = []
    assert asyncio.run(serve_and_ask()) == 1
    asyncio.run(ask_again())
    clients.clear()
    gc.collect()


def test_two_event_loops_in_two_threads_share_a_client() -> None:
    results: list[int] = []

    async def ask(sql: Neon) -> None:
        results.extend(await asyncio.gather(*(sql("select 1 as n").value() for _ in range(20))))
        await sql.aclose()

    async def both() -> None:
        async with canned(answer(ONE)) as server, client(server.url) as sql:
            other = threading.Thread(target=lambda: asyncio.run(ask(sql)))
            other.start()
            await ask(sql)
            await asyncio.to_thread(other.join)

    asyncio.run(both())
    assert results == [1] * 40


async def test_cancelled_calls_give_back_their_turn() -> None:
    """Cancelled at any await, a call leaves neither its place in the pool nor its connection behind."""

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.001)
        await exchange.send(answer(ONE))

    seeded = random.Random(7)
    async with canned(slow) as server, client(server.url) as sql:
        tasks = [asyncio.ensure_future(_send(sql)) for _ in range(400)]
        while not all(task.done() for task in tasks):
            seeded.choice(tasks).cancel()
            await asyncio.sleep(0)
        answers = await asyncio.gather(*(sql("select 1 as n").value() for _ in range(200)))
        assert answers == [1] * 200
