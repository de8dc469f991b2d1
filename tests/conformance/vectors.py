"""The recorded exchanges of the official driver, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sendoka.http.target import APPLICATION_NAME

__all__ = ["BY_ID", "VECTORS", "Answer", "Sent", "Vector", "read_string", "sent_of"]

FILE = Path(__file__).parent.parent / "vectors" / "neon-http.jsonl"

# Both drivers sign their connection strings with their own name, where the string has none.
OFFICIAL = "pkg:npm/%40neondatabase/serverless@1.2.0"
SIGNATURES = [("application_name", name) for name in (OFFICIAL, unquote(APPLICATION_NAME))]


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a request counts: address, parts of the connection string, headers that mean something, body."""

    url: str
    string: tuple[Any, ...]
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Vector:
    """One recorded call: its JavaScript, what was sent, what was answered (None: nothing), what its caller got."""

    id: str
    group: str
    name: str
    call: str
    outcome: dict[str, Any]
    sent: tuple[Sent, ...]
    answers: tuple[Answer | None, ...]
    requests: tuple[dict[str, Any], ...] = field(repr=False, default=())

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


def sent_of(url: str, headers: list[tuple[str, str]], body: str) -> Sent:
    """Return what counts of a request. Values of headers are compared byte for byte, as the server does."""
    found = {name.lower(): value for name, value in headers}
    string = read_string(found.pop("neon-connection-string", ""))
    kept = {name: value for name, value in found.items() if name.startswith("neon-") or name == "authorization"}
    return Sent(url, string, kept, body)


def read_string(text: str) -> tuple[Any, ...]:
    """Return the parts of a connection string, decoded: how much of it is encoded is each client's own affair."""
    url = urlsplit(text)
    options = [pair for pair in parse_qsl(url.query.replace("+", "%2B")) if pair not in SIGNATURES]
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return url.scheme, user, password, url.hostname, url.port, unquote(url.path), tuple(options)


def _vector(line: dict[str, Any]) -> Vector:
    requests = line["requests"]
    answers = [request.get("response") for request in requests]
    return Vector(
        line["id"],
        line["group"],
        line["name"],
        line.get("call", ""),
        line.get("outcome", {}),
        tuple(
            sent_of(request["url"], [(name, value) for name, value in request["headers"]], request["body"])
            for request in requests
        ),
        tuple(answer and Answer(answer["status"], answer["body"].encode(), answer["headers"]) for answer in answers),
        tuple(requests),
    )


VECTORS = [_vector(json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()[1:]]
BY_ID = {vector.id: vector for vector in VECTORS}
