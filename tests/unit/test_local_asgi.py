"""The endpoint behind an ASGI server: what is made of the messages that a server hands over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.local.answer import Answer, announces_more
from sendoka.local.app import Endpoint

if TYPE_CHECKING:
    from sendoka.local.answer import Request

SQL = b'{"query":"select 1"}'


class Hearing(Endpoint):
    """An endpoint that notes requests and has no PostgreSQL."""

    def __init__(self) -> None:
        super().__init__("postgresql://u:p@localhost:1/db", max_request=1_000)
        self.heard: list[Request] = []

    async def respond(self, request: Request) -> Answer:
        self.heard.append(request)
        return Answer(413 if request.body is None else 200)


async def call(
    hearing: Hearing, *messages: dict[str, Any], headers: list[tuple[bytes, bytes]] | None = None
) -> list[int]:
    """Hand over messages, and return the statuses that were answered."""
    waiting = list(messages)
    statuses = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else await asyncio.sleep(60, {})

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    await hearing({"type": "http", "method": "POST", "path": "/sql", "headers": headers or []}, receive, send)
    return [status for status in statuses if status]


async def test_a_body_in_pieces_is_one_body() -> None:
    hearing = Hearing()
    pieces = ({"type": "http.request", "body": SQL[:5], "more_body": True}, {"type": "http.request", "body": SQL[5:]})
    assert await call(hearing, *pieces) == [200]
    assert hearing.heard[0].body == SQL


@pytest.mark.parametrize(
    "before", [[], [{"type": "http.request", "body": SQL, "more_body": True}]], ids=["none", "some"]
)
async def test_half_a_request_is_not_run(before: list[dict[str, Any]]) -> None:
    hearing = Hearing()
    assert await call(hearing, *before, {"type": "http.disconnect"}) == []
    assert hearing.heard == []


@pytest.mark.parametrize("length", [b"1001", b"9" * 19, b"9" * 5_000])
async def test_a_body_that_is_too_large_is_refused_by_its_length(length: bytes) -> None:
    hearing = Hearing()
    assert await call(hearing, headers=[(b"content-length", length)]) == [413]


@pytest.mark.parametrize("length", [b"", b"1000", b"0" * 5_000 + b"20", b"0" * 5_000, b"x", b"-5"])
def test_other_lengths_are_not(length: bytes) -> None:
    assert not announces_more({b"content-length": length}, 1_000)


async def test_the_first_of_a_repeated_header_counts() -> None:
    hearing = Hearing()
    headers = [(b"neon-array-mode", b"true"), (b"x", b"y"), (b"neon-array-mode", b"false")]
    assert await call(hearing, {"type": "http.request", "body": SQL}, headers=headers) == [200]
    assert hearing.heard[0].headers[b"neon-array-mode"] == b"true"
