"""HTTP in its odder forms: what is around a body, other protocols offered, interim answers, and slow readers."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.attacked import SELECT, Attacked, status

if TYPE_CHECKING:
    from sendoka.local.credentials import Login


def chunked(attacked: Attacked, body: bytes, trailer: bytes = b"", extension: bytes = b"", *headers: str) -> bytes:
    """Return a request whose body is one chunk, with an extension, and headers after it."""
    pieces = b"%x%s\r\n%s\r\n0\r\n%s\r\n" % (len(body), extension, body, trailer)
    return attacked.post(pieces, "transfer-encoding: chunked", *headers, length=-1)


# ------------------------------------------------------------------ around a body


@pytest.mark.parametrize("size", [10, 70_000, 1_000_000])
async def test_headers_after_a_body_of_any_size_are_let_go(attacked: Attacked, size: int) -> None:
    body = json.dumps({"query": f"select length('{'x' * size}')"}).encode()
    sent = chunked(attacked, body, b"x-a: 1\r\n" * 200)
    answer = await attacked.exchange(sent, attacked.post(SELECT, "connection: close"))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b'"rows":[["%d"]]' % size in answer


async def test_headers_after_a_body_do_not_count_as_headers(attacked: Attacked) -> None:
    credentials = f"neon-connection-string: {attacked.url}".encode()
    sent = chunked(attacked, SELECT, credentials + b"\r\n", b"", "connection: close")
    answer = await attacked.exchange(sent.replace(credentials, b"x: y", 1))
    assert (status(answer), b"neon-connection-string" in answer) == (400, True)


@pytest.mark.parametrize("where", ["trailer", "extension"])
async def test_what_is_around_a_body_has_an_end(attacked: Attacked, where: str) -> None:
    endless = b"y" * 5_000_000
    sent = (
        chunked(attacked, SELECT, b"x: " + endless)
        if where == "trailer"
        else chunked(attacked, SELECT, b"", b";x=" + endless)
    )
    answer = await attacked.exchange(sent)
    assert (status(answer), answer.count(b"HTTP/1.1 ")) == (431, 1)
    assert b"too much around its body" in answer
    assert await attacked.works()


# ------------------------------------------------------------------ offers and interim answers

OFFER = ("connection: upgrade", "upgrade: h2c")


@pytest.mark.parametrize("number", [100, 2_000])
async def test_any_number_of_offers_may_be_sent_ahead(attacked: Attacked, number: int) -> None:
    sent = attacked.post(b"{}", *OFFER) * number + attacked.post(SELECT, "connection: close")
    answer = await attacked.exchange(sent)
    assert answer.count(b"HTTP/1.1 400 Bad Request\r\n") == number
    assert b'"rows":[["1"]]' in answer


async def test_a_client_that_offers_and_closes_gets_its_close(attacked: Attacked) -> None:
    for headers in (("connection: upgrade, close",), ("connection: upgrade", "connection: close")):
        answer = await attacked.exchange(attacked.post(SELECT, *headers, "upgrade: h2c") + attacked.post(SELECT))
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1
        assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize("headers", [(), OFFER], ids=["plain", "with an offer"])
async def test_a_client_is_told_to_go_on_once_what_it_asked_before_is_answered(
    attacked: Attacked, headers: tuple[str, ...]
) -> None:
    slow = attacked.post(b'{"query": "select 7, pg_sleep(0.2)"}')
    asking = attacked.post(SELECT, "expect: 100-continue", *headers)[: -len(SELECT)]
    answer = await attacked.exchange(slow + asking, SELECT + attacked.post(SELECT, "connection: close"), pause=0.6)
    starts = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert starts == [b"200", b"100", b"200", b"200"]
    assert answer.index(b'"rows":[["7"') < answer.index(b"100 Continue")


async def test_a_body_that_comes_unasked_needs_no_word_to_go_on(attacked: Attacked) -> None:
    slow = attacked.post(b'{"query": "select 7, pg_sleep(0.2)"}')
    answer = await attacked.exchange(slow + attacked.post(SELECT, "expect: 100-continue", "connection: close"))
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]


# ------------------------------------------------------------------ slow readers


async def test_a_slow_reader_gets_the_last_of_an_answer_too(attacked_login: Login) -> None:
    """What asyncio still holds when a connection is to end counts as being written, not as lingering.

    How much the system holds is not known: of all these sizes, one is a little more.
    """
    patient = Attacked(attacked_login, write=20)
    sizes = range(60_000, 4_500_000, 60_000)

    async def read_late(size: int) -> int:
        """Return how many bytes of the answer are missing."""
        loop = asyncio.get_running_loop()
        body = json.dumps({"query": f"select repeat('x', {size})"}).encode()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", patient.port))
            await loop.sock_sendall(client, patient.post(body, "connection: close"))
            await asyncio.sleep(4)
            got = bytearray()
            with suppress(ConnectionError):
                while piece := await loop.sock_recv(client, 1 << 20):
                    got += piece
        head, _, received = got.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        return int(length[1]) - len(received) if length else -1

    missing = await asyncio.gather(*map(read_late, sizes))
    assert {size: number for size, number in zip(sizes, missing, strict=True) if number} == {}
    assert patient.end() == ""
