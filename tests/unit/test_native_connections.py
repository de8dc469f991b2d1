"""Which connections are used again, by whom, and the forms of HTTP that an answer may have."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import pytest

from sendoka.http.transport import connection as connection_module
from tests.fixtures.canned import ONE, Exchange, answer, canned, in_a_thread
from tests.fixtures.transports import BOTH, client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.http.client import Neon
    from tests.fixtures.garbage import Search


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


@pytest.mark.parametrize("more", [answer({**ONE, "rows": [["2"]]}), b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{}"])
async def test_an_answer_of_several_reads_is_not_touched_by_another_behind_it(more: bytes) -> None:
    whole = json.dumps(ONE).encode()
    padded = answer(whole + b" " * (2 * connection_module.ROOM))  # JSON may end in white space

    async with canned(padded + more) as server, client(server.url) as sql:
        for _ in range(3):
            assert await sql("select 1 as n").value() == 1
        assert server.connections == 3


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
def test_over_httpx_too_a_client_that_nobody_closes_outlives_its_loops(transport: str, garbage: Search) -> None:
    with in_a_thread(answer(ONE)) as server:
        sql = client(server.url, transport=transport)

        async def ask() -> int:
            return int(await sql("select 1 as n").value())

        assert [asyncio.run(ask()) for _ in range(3)] == [1, 1, 1]
        assert server.connections == 3
        garbage()
