"""What goes back to a client: status, headers and body, and where the connection ends before they do."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.local.failure import Failure

__all__ = ["ANY_ORIGIN", "JSON", "Answer", "Cut", "Header", "Request", "announces_more"]

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
ANY_ORIGIN: Header = (b"access-control-allow-origin", b"*")

MOST_DIGITS = 18
"""Digits of a length that is read as a number; Python reads none of some thousands."""

# Ids tell requests apart in a log and guard nothing, so the system's own source of randomness is not asked for each.
_id_bits = random.Random(secrets.randbits(128)).getrandbits  # noqa: S311


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` is raw and without the query string, header names are lower-case.

    `body` is None for one that is larger than is taken; it was not kept.
    """

    method: str
    path: bytes
    headers: Mapping[bytes, bytes]
    body: bytes | None = b""


def announces_more(headers: Mapping[bytes, bytes], limit: int) -> bool:
    """Tell whether a body of more than `limit` bytes is announced."""
    length = headers.get(b"content-length", b"").lstrip(b"0")
    return length.isdigit() and (len(length) > MOST_DIGITS or int(length) > limit)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the connection closes: in the `body` or in what stands before it, `at` a fraction below 1, else a byte."""

    body: bool
    at: float

    def keep(self, head: bytes, body: bytes) -> bytes:
        """Return what is still sent."""
        if self.body:
            return head + body[: self._within(len(body))]
        return head[: self._within(len(head))]

    def _within(self, length: int) -> int:
        # At least one byte is missing.
        return min(int(self.at * length if self.at < 1 else self.at), max(length - 1, 0))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, cut off where `cut` says; `seconds` is how long its body takes to be written, in small pieces."""

    status: int = 200
    body: bytes = b""
    headers: tuple[Header, ...] = (JSON, ANY_ORIGIN)
    cut: Cut | None = None
    seconds: float = 0.0

    @classmethod
    def of(cls, failure: Failure, headers: tuple[Header, ...] = (JSON, ANY_ORIGIN)) -> Answer:
        """Return the answer to a request that failed."""
        return cls(failure.status, failure.body(), headers)

    def all_headers(self) -> tuple[Header, ...]:
        """Return the headers, with the length and the id that every answer has."""
        return (*self.headers, (b"content-length", b"%d" % len(self.body)), (b"neon-request-id", _request_id()))

    def head(self, *, last: bool) -> bytes:
        """Return what stands before the body in HTTP/1.1; `last` announces that the connection is closed after it."""
        start = _start(self.status, self.headers)
        close = b"connection: close\r\n" if last else b""
        own = b"%scontent-length: %d\r\nneon-request-id: %s\r\n\r\n"
        return start + own % (close, len(self.body), _request_id())


@lru_cache(maxsize=64)
def _start(status: int, headers: tuple[Header, ...]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}".encode(), *(b"%s: %s" % header for header in headers)]
    return b"\r\n".join(lines) + b"\r\n"


def _request_id() -> bytes:
    # A UUID of version 4.
    text = f"{_id_bits(128) & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()
