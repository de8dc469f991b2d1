"""The transports at the level of bytes: what may be claimed about a failure, and which connections are trusted."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import pickle
import socket
import struct
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, EndpointError, ProtocolError, RequestTimeout, TransportError
from sendoka.http.transport import connection as connection_module
from sendoka.http.transport.native import NativeTransport
from tests.fixtures.canned import ONE, Exchange, answer, canned, in_a_thread, raw
from tests.fixtures.certificates import server_context, write_authority

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.http.transport.pool import Pool

ONCE = Retry(attempts=1)
BOTH = pytest.mark.parametrize("transport", ["native", "httpx"])
LARGE = "x" * 8_000_000
"""More than the kernel's buffers take."""


def client(url: str, *, timeout: float = 5.0, retry: Retry = ONCE, transport: str = "native", **options: Any) -> Neon:
    return neon(url, transport=transport, timeout=timeout, retry=retry, **options)


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


async def _then_unasked_bytes(exchange: Exchange) -> None:
    await exchange.send(answer(ONE))
    await asyncio.sleep(0.005)
    await exchange.send(answer({**ONE, "rows": [["2"]]}))


async def _hint_of_a_second(exchange: Exchange) -> None:
    await exchange.send(answer(ONE, 200, "Keep-Alive: timeout=1, max=100"))


@pytest.mark.parametrize(
    "handler",
    [
        _connection_close,
        _http_1_0,
        _without_length,
        _then_idle_close,
        _with_extra_bytes,
        _then_unasked_bytes,
        _hint_of_a_second,
    ],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(
    handler: Callable[[Exchange], Awaitable[None]],
) -> None:
    async with canned(handler) as server, client(server.url) as sql:
        for _ in range(3):
            assert await sql("select 1 as n").value() == 1
            await asyncio.sleep(0.02)
        assert server.connections == 3


@BOTH
@pytest.mark.parametrize("handler", [_connection_close, _http_1_0, _without_length, _then_idle_close])
async def test_over_either_transport_such_an_answer_is_taken(
    handler: Callable[[Exchange], Awaitable[None]], transport: str
) -> None:
    async with canned(handler) as server, client(server.url, transport=transport) as sql:
        for _ in range(3):
            assert await sql("select 1 as n").value() == 1
            await asyncio.sleep(0.02)


async def test_bytes_that_the_loop_has_not_yet_seen_are_seen_at_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes while the application computes, and the loop has no turn before the next request."""
    closed = threading.Event()

    async def then_close(exchange: Exchange) -> None:
        await exchange.send(answer(ONE))
        exchange.writer.close()
        await exchange.writer.wait_closed()
        closed.set()

    with in_a_thread(then_close) as server:
        async with client(server.url) as sql:
            for _ in range(3):
                assert await sql("select 1 as n").value() == 1
                assert closed.wait(5)
                closed.clear()
            assert server.connections == 3


@pytest.mark.parametrize("which", [0, 1], ids=["since boot", "wall"])
@pytest.mark.parametrize(
    ("header", "seconds", "connections"),
    [
        ("x: y", 50.0, 1),
        ("x: y", 56.0, 2),
        ("Keep-Alive: timeout=5", 3.5, 1),
        ("keep-alive: max=3, timeout = 5", 4.5, 2),
        ("Keep-Alive: timeout=999", 56.0, 2),
        ("Keep-Alive: timeout=soon", 50.0, 1),
    ],
)
async def test_trust_in_an_idle_connection_ends_by_either_clock(
    monkeypatch: pytest.MonkeyPatch, which: int, header: str, seconds: float, connections: int
) -> None:
    """A frozen function does not see its monotonic clock move, nor its loop's timers."""
    frozen = connection_module._moment

    def thawed() -> tuple[float, float]:
        now = list(frozen())
        now[which] += seconds
        return now[0], now[1]

    async with canned(answer(ONE, 200, header)) as server, client(server.url) as sql:
        await sql("select 1 as n")
        monkeypatch.setattr(connection_module, "_moment", thawed)
        await sql("select 1 as n")
        assert server.connections == connections


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


async def _chunked_with_extensions_and_trailers(exchange: Exchange) -> None:
    head, _, body = answer(ONE).partition(b"\r\n\r\n")
    head = head.split(b"content-length")[0] + b"transfer-encoding: chunked\r\ntrailer: x-sum"
    half = len(body) // 2
    parts = [b'%x;name=value;other="a b"\r\n%b\r\n' % (len(part), part) for part in (body[:half], body[half:])]
    await exchange.send(head + b"\r\n\r\n" + b"".join(parts) + b"0;last\r\nx-sum: 1\r\nx-other: 2\r\n\r\n")


async def _body_apart(exchange: Exchange) -> None:
    head, end, body = answer(ONE).partition(b"\r\n\r\n")
    await exchange.send(head + end)
    await asyncio.sleep(0.01)
    await exchange.send(body)


@BOTH
@pytest.mark.parametrize(
    "handler", [_slow_drip, _chunked, _chunked_with_extensions_and_trailers, _continue_first, _body_apart]
)
async def test_an_answer_in_any_form_of_http_is_read(
    handler: Callable[[Exchange], Awaitable[None]], transport: str
) -> None:
    async with canned(handler) as server, client(server.url, transport=transport) as sql:
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


async def _short_of_its_length(exchange: Exchange) -> None:
    await exchange.send(answer(ONE).replace(b"content-length: 1", b"content-length: 9"))
    exchange.writer.close()


async def _reset_without_length(exchange: Exchange) -> None:
    """An answer without a length that a reset ends, not a close: nothing says that it is whole."""
    await exchange.send(answer(ONE).replace(b"content-length", b"x-length"))
    await asyncio.sleep(0.02)
    reset(exchange.writer)


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _two_lengths(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x")


async def _no_content(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _not_modified(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n")


async def _empty(exchange: Exchange) -> None:
    await exchange.send(answer(b""))


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
        (_short_of_its_length, AnswerLost),
        (_reset_without_length, AnswerLost),
        (_two_lengths, ProtocolError),
        (_no_content, ProtocolError),
        (_not_modified, ProtocolError),
        (_empty, ProtocolError),
        (_half_body_without_length, ProtocolError),
        (_garbage, ProtocolError),
        (_upgrade, ProtocolError),
    ],
)
@pytest.mark.parametrize("warm", [False, True], ids=["new connection", "reused connection"])
@BOTH
async def test_once_sent_a_failure_is_unknown_and_nothing_is_sent_twice(
    handler: Callable[[Exchange], Awaitable[None]], error: type[TransportError], warm: bool, transport: str
) -> None:
    async def serve(exchange: Exchange) -> None:
        await (exchange.send(answer(ONE)) if warm and exchange.number == 1 else handler(exchange))

    async with canned(serve) as server, client(server.url, retry=Retry(), transport=transport) as sql:
        if warm:
            await sql("select 1 as n")
        with pytest.raises(error) as caught:
            await sql("insert into t values (1)")
        assert caught.value.outcome == "unknown"
        assert len(server.requests) == 1 + warm
        assert_no_secret(caught.value)


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


# ------------------------------------------------------------------ the end of a request by our own hand


@pytest.fixture(params=["plain", "tls"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Served:
    """How to serve and to reach a server, in plain text and under TLS."""
    if request.param == "plain":
        return Served(None, None)
    authority = trustme.CA()
    return Served(server_context(authority.issue_cert("localhost")), write_authority(authority, tmp_path))


class Served:
    def __init__(self, tls: ssl.SSLContext | None, ca: Path | None) -> None:
        self.tls = tls
        self.ca = ca

    def client(self, port: int, **options: Any) -> Neon:
        if self.ca is None:
            return client(f"postgresql://user:pass-word@127.0.0.1:{port}/db", **options)
        url, endpoint = "postgresql://user:pass-word@ep-x.eu.neon.tech/db", f"https://localhost:{port}/sql"
        return client(url, endpoint=endpoint, ca=self.ca, **options)


def pool_of(sql: Neon) -> Pool:
    transport = sql._transports.choose()
    assert isinstance(transport, NativeTransport)
    return transport._pools[asyncio.get_running_loop()]


class Hold:
    """A server that reads a request's head, or all that comes, answers nothing, and counts what it gets."""

    def __init__(self, *, read: bool) -> None:
        self.read = read
        self.received = 0
        self.arrived, self.ended, self.go_on, self.whole = (asyncio.Event() for _ in range(4))

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received += len(await reader.read(1000))
        self.arrived.set()
        if not self.read:
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # the typed base class lacks it
            await self.go_on.wait()
            writer.transport.resume_reading()  # type: ignore[attr-defined]  # the typed base class lacks it
        try:
            while data := await reader.read(1 << 20):
                self.received += len(data)
                if self.received > len(LARGE):
                    self.whole.set()
        except ConnectionError:
            pass
        self.ended.set()
        writer.close()


@BOTH
async def test_the_deadline_ends_a_call_and_its_connection(served: Served, transport: str) -> None:
    hold = Hold(read=True)
    async with raw(hold, served.tls) as port, served.client(port, timeout=0.15, transport=transport) as sql:
        with pytest.raises(RequestTimeout, match=r"0\.15 s passed while waiting for the answer") as caught:
            await sql("insert into t values (1)")
        assert (caught.value.outcome, caught.value.passing) == ("unknown", False)
        await asyncio.wait_for(hold.ended.wait(), 2)
        assert_no_secret(caught.value)


@BOTH
async def test_cancellation_ends_the_connection(served: Served, transport: str) -> None:
    """The endpoint sees the end, and has Postgres cancel the statement."""
    hold = Hold(read=True)
    async with raw(hold, served.tls) as port, served.client(port, transport=transport) as sql:
        task = asyncio.ensure_future(_send(sql))
        await asyncio.wait_for(hold.arrived.wait(), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(hold.ended.wait(), 2)


async def _send(sql: Neon) -> None:
    await sql("select 1")


@pytest.mark.parametrize("transport", ["native", "httpx"])
async def test_the_deadline_passes_while_connecting(tmp_path: Path, transport: str) -> None:
    """A server that takes the connection and says nothing of TLS: nothing was sent, whichever limit comes first."""
    hold = Hold(read=True)
    served = Served(None, write_authority(trustme.CA(), tmp_path))
    async with raw(hold) as port:
        async with served.client(port, timeout=0.1, transport=transport) as sql:
            with pytest.raises(RequestTimeout, match="waiting for a connection") as late:
                await sql("select 1")
        async with served.client(port, connect_timeout=0.1, transport=transport) as sql:
            with pytest.raises(ConnectFailed, match=r"within 0\.1 s") as failed:
                await sql("select 1")
        async with served.client(port, transport=transport) as sql:
            task = asyncio.ensure_future(_send(sql))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(hold.ended.wait(), 2)
    gc.collect()  # a socket that was left open is a ResourceWarning, and that an error
    assert (late.value.outcome, failed.value.outcome) == ("not_sent", "not_sent")
    assert (late.value.passing, failed.value.passing) == (False, True)


# ------------------------------------------------------------------ a request that does not leave whole


@pytest.mark.parametrize("end", ["deadline", "cancellation"])
async def test_a_body_that_was_not_taken_whole_never_arrives(served: Served, end: str) -> None:
    """The server reads nothing, so the kernel cannot take 8 MB; after the abort the rest can never arrive."""
    hold = Hold(read=False)
    async with raw(hold, served.tls) as port, served.client(port) as sql:
        if end == "deadline":
            with pytest.raises(RequestTimeout, match="while sending the request") as caught:
                await sql("select $1", LARGE, timeout=0.2)
            assert caught.value.outcome == "not_sent"
        else:
            task = asyncio.ensure_future(sql("select $1", LARGE).result())
            await asyncio.wait_for(hold.arrived.wait(), 5)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        hold.go_on.set()
        await asyncio.wait_for(hold.ended.wait(), 10)
    assert 0 < hold.received < len(LARGE)


async def test_a_body_that_is_taken_slowly_is_unknown_once_it_is_taken(served: Served) -> None:
    hold = Hold(read=False)
    async with raw(hold, served.tls) as port, served.client(port, timeout=20) as sql:
        task = asyncio.ensure_future(sql("select $1", LARGE).result())
        await asyncio.wait_for(hold.arrived.wait(), 5)
        await asyncio.sleep(0.05)
        hold.go_on.set()
        await asyncio.wait_for(hold.whole.wait(), 10)
        await asyncio.sleep(0.05)
        connection = next(iter(pool_of(sql)._open))
        assert connection.timing is not None
        connection.expire(connection.timing)
        with pytest.raises(RequestTimeout, match="waiting for the answer") as caught:
            await task
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("how", ["abort", "reset", "half-close"])
async def test_a_connection_cut_while_a_large_body_is_written_is_not_sent(served: Served, how: str) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # the typed base class lacks it
        await asyncio.sleep(0.05)
        if how == "half-close" and served.tls is None:
            writer.write_eof()
            await asyncio.sleep(1)
        elif how == "reset":
            reset(writer)
        else:
            writer.transport.abort()

    async with raw(cut, served.tls) as port, served.client(port) as sql:
        with pytest.raises(AnswerLost, match="while the request was being sent") as caught:
            await sql("select $1", LARGE)
        assert caught.value.outcome == "not_sent"
        assert_no_secret(caught.value)


async def test_an_answer_may_overtake_its_request(served: Served) -> None:
    connections = 0

    async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1000)
        writer.write(answer(b"", 413))
        await asyncio.sleep(0.1)
        writer.transport.abort()

    async with raw(too_large, served.tls) as port, served.client(port) as sql:
        for _ in range(2):
            with pytest.raises(EndpointError) as caught:
                await sql("select $1", LARGE)
            assert (caught.value.status, caught.value.outcome) == (413, "refused")
    assert connections == 2, "the first still holds the rest of its request"


async def test_an_answer_without_length_may_overtake_its_request_and_close(served: Served) -> None:
    async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\ntoo large")
        await writer.drain()
        if served.tls is None:
            writer.write_eof()
        else:
            writer.close()
        await asyncio.sleep(0.1)
        writer.transport.abort()

    async with raw(too_large, served.tls) as port, served.client(port) as sql:
        with pytest.raises(EndpointError) as caught:
            await sql("select $1", LARGE)
        assert (caught.value.status, caught.value.outcome) == (413, "refused")


async def test_under_tls_too_one_connection_serves_all_and_what_is_lost_is_unknown(served: Served) -> None:
    async def three_then_lost(exchange: Exchange) -> None:
        await (exchange.send(answer(ONE)) if exchange.number <= 3 else asyncio.to_thread(exchange.abort))

    async with canned(three_then_lost, served.tls) as server, served.client(server.port, retry=Retry()) as sql:
        for _ in range(3):
            await sql("select 1 as n")
        assert server.connections == 1
        with pytest.raises(AnswerLost) as caught:
            await sql("insert into t values (1)")
        assert caught.value.outcome == "unknown"
        assert len(server.requests) == 4


@pytest.mark.parametrize(("how", "outcome"), [("reset", "not_sent"), ("close", "unknown")])
async def test_an_idle_close_that_races_a_write(monkeypatch: pytest.MonkeyPatch, how: str, outcome: str) -> None:
    """The end arrives after the checkout looked. Where it was a reset, the kernel takes no byte any more; after a close
    it takes them all, and what became of them nobody knows."""
    monkeypatch.setattr(connection_module.Connection, "_is_readable", lambda _: False)
    ended = threading.Event()

    async def then_end(exchange: Exchange) -> None:
        await exchange.send(answer(ONE))
        await asyncio.sleep(0.05)
        if how == "reset":
            reset(exchange.writer)
        else:
            exchange.writer.close()
        await asyncio.sleep(0.01)
        ended.set()

    with in_a_thread(then_end) as server:
        async with client(server.url) as sql:
            await sql("select 1 as n")
            assert ended.wait(5)  # the loop does not run meanwhile, and sees nothing
            with pytest.raises(AnswerLost) as caught:
                await sql("insert into t values (1)")
            assert caught.value.outcome == outcome
            assert len(server.requests) == 1


# ------------------------------------------------------------------ bounded memory


def _endless(first: bytes, more: bytes) -> Callable[[Exchange], Awaitable[None]]:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(first)
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                await exchange.send(more * (10_000 // len(more)))
        exchange.abort()

    return handler


FLOODS = {
    "headers": _endless(b"HTTP/1.1 200 OK\r\n", b"x-header: value\r\n"),
    "one header": _endless(b"HTTP/1.1 200 OK\r\nx: ", b"y"),
    "interim answers": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the extension of a chunk": _endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=", b"b"),
    "trailers": _endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n", b"x: y\r\n"),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_without_a_body_is_cut_off(flood: str) -> None:
    async with canned(FLOODS[flood]) as server, client(server.url) as sql:
        with pytest.raises(ProtocolError, match=r"(over 65,536 bytes of headers|is not HTTP)") as caught:
            await sql("insert into t values (1)")
        assert (caught.value.outcome, len(server.requests)) == ("unknown", 1)


def _long_body(form: str, size: int) -> bytes:
    body = b"[" + b" " * (size - 2) + b"]"
    if form == "length":
        return answer(body)
    if form == "chunked":
        return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    return b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body


@BOTH
@pytest.mark.parametrize("form", ["length", "chunked", "close"])
@pytest.mark.parametrize("over", [0, 1, 1_000_000])
async def test_an_answer_over_the_limit_is_not_taken(form: str, over: int, transport: str) -> None:
    async def handler(exchange: Exchange) -> None:
        with contextlib.suppress(ConnectionError):
            await exchange.send(_long_body(form, 100_000 + over))
        exchange.writer.close()

    async with canned(handler) as server, client(server.url, transport=transport, max_answer=100_000) as sql:
        message = "over 100,000 bytes" if over else "not a result of Neon's protocol"
        with pytest.raises(ProtocolError, match=message) as caught:
            await sql("insert into t values (1)")
        assert (caught.value.outcome, len(server.requests)) == ("unknown", 1)


@pytest.mark.parametrize(("name", "value"), [("max_answer", 0), ("max_connections", 0), ("max_connections", 1.5)])
def test_a_limit_that_is_none_is_a_value_error(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is a whole number above 0, not {value}"):
        client("postgresql://u:p@localhost/db", **{name: value})


# ------------------------------------------------------------------ nothing there


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


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int, transport: str) -> None:
    async with canned(answer(ONE)) as elsewhere:
        location = f"location: http://127.0.0.1:{elsewhere.port}/sql"
        async with canned(answer(b"", status, location)) as server, client(server.url, transport=transport) as sql:
            with pytest.raises(ProtocolError, match=str(status)) as caught:
                await sql("insert into t values (1)")
            assert (caught.value.outcome, len(server.requests)) == ("unknown", 1)
        assert elsewhere.connections == 0


@BOTH
def test_two_event_loops_in_two_threads_share_a_client(transport: str) -> None:
    results: list[int] = []

    async def ask(sql: Neon) -> None:
        for _ in range(3):
            results.extend(await asyncio.gather(*(sql("select 1 as n").value() for _ in range(10))))
        await sql.aclose()

    with in_a_thread(answer(ONE)) as server:
        sql = client(server.url, transport=transport)
        others = [threading.Thread(target=lambda: asyncio.run(ask(sql))) for _ in range(3)]
        for other in others:
            other.start()
        for other in others:
            other.join()
    assert results == [1] * 90


@pytest.mark.parametrize("transport", ["httpx"])
def test_over_httpx_too_a_client_that_nobody_closes_outlives_its_loops(transport: str) -> None:
    with in_a_thread(answer(ONE)) as server:
        sql = client(server.url, transport=transport)

        async def ask() -> int:
            return int(await sql("select 1 as n").value())

        assert [asyncio.run(ask()) for _ in range(3)] == [1, 1, 1]
        assert server.connections == 3
        gc.collect()


def assert_no_secret(error: BaseException) -> None:
    """Neither the text, nor a pickle, nor a report with the variables of our own frames shows the password."""
    assert "pass-word" not in str(error)
    assert b"pass-word" not in pickle.dumps(error)
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frames in _stacks(report):
        for frame in frames:
            if "/sendoka/" in frame.filename or "httpx" in frame.filename or "httpcore" in frame.filename:
                shown = [name for name, value in (frame.locals or {}).items() if "pass-word" in value]
                assert shown == [], f"{frame.filename}:{frame.lineno} shows {shown}"


def _stacks(report: traceback.TracebackException | None) -> Iterator[traceback.StackSummary]:
    while report is not None:
        yield report.stack
        report = report.__cause__ or report.__context__
