"""A request that ends early: at its deadline, by cancellation, or in the middle of its body."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from sendoka import Retry
from sendoka.errors import AnswerLost, ConnectFailed, EndpointError, RequestTimeout
from sendoka.http.transport import connection as connection_module
from sendoka.http.transport.native import NativeTransport
from tests.fixtures.canned import ONE, Exchange, answer, canned, in_a_thread, raw
from tests.fixtures.certificates import server_context, write_authority
from tests.fixtures.transports import BOTH, assert_no_secret, client, reset

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.http.transport.pool import Pool
    from tests.fixtures.garbage import Search

LARGE = "x" * 8_000_000
"""More than the kernel's buffers take."""


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
async def test_the_deadline_passes_while_connecting(tmp_path: Path, transport: str, garbage: Search) -> None:
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
    garbage()  # a socket that was left open is a ResourceWarning, and that an error
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
