"""Hosts where nothing listens, or something else than the endpoint does."""

from __future__ import annotations

import asyncio

import pytest

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, ProtocolError
from tests.fixtures.canned import ONE, Exchange, answer, canned, raw
from tests.fixtures.transports import BOTH, ONCE, client


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
