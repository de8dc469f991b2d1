"""What may be claimed about a request that was sent and not answered well, and what is sent again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry
from sendoka.errors import AnswerLost, ProtocolError, TransportError
from tests.fixtures.canned import ONE, Exchange, answer, canned
from tests.fixtures.transports import BOTH, assert_no_secret, client, reset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


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


@BOTH
@pytest.mark.parametrize("headers", ["upgrade: x\r\nconnection: upgrade\r\n", ""])
@pytest.mark.parametrize("behind", [b"", answer(ONE)])
async def test_an_answer_that_switches_to_another_protocol_is_told(headers: str, behind: bytes, transport: str) -> None:
    switch = f"HTTP/1.1 101 Switching\r\n{headers}\r\n".encode()
    async with canned(switch + behind) as server, client(server.url, transport=transport, retry=Retry()) as sql:
        with pytest.raises(ProtocolError, match="switched to another protocol") as caught:
            await sql("select 1 as n", read_only=True)
        assert caught.value.outcome == "unknown"
        assert len(server.requests) == 1  # it will not pass


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
