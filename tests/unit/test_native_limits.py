"""Answers that are too long: never held in memory, and cut off."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.errors import ProtocolError
from tests.fixtures.canned import Exchange, answer, canned
from tests.fixtures.transports import BOTH, client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


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
