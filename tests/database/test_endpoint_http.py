"""HTTP in its odder forms: what is around a body, other protocols offered, interim answers, and slow readers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.attacked import SELECT, status

if TYPE_CHECKING:
    from tests.fixtures.attacked import Attacked


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
