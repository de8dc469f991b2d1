"""The kinds of faults: one table that the documents, `--help` and the endpoint read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMON_OPTIONS", "KINDS", "OPTIONS", "Kind", "table"]

OPTIONS: Mapping[str, str] = {
    "match": "meets only requests whose SQL holds this text",
    "regex": "`match` is a pattern",
    "times": "meets so many requests, and 0 means all of them",
    "skip": "lets so many pass first",
    "seconds": "how long it takes",
    "status": "the HTTP status",
    "message": "the message of the error",
    "body": "the body of the answer",
    "type": "its content type",
    "location": "its Location header",
    "at": "where: below 1 a fraction, else a number of bytes",
    "run": "whether the request runs before it is answered so",
    "seed": "the same seed gives the same faults to the same requests",
    "rate": "the part of the requests that is met, from 0 to 1",
    "kinds": "the kinds that are drawn from",
}
"""What a fault can be told. The first four go with every kind."""

COMMON_OPTIONS = ("match", "regex", "times", "skip")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `fields` are those of Neon's error object that it answers with `status`, without running.

    `content` is a body that is none of Neon's JSON, with its content type; the request `runs` before it is answered so.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ()
    status: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    content: tuple[str, str] | None = None
    runs: bool = True


def _refusal(name: str, message: str, **fields: str) -> Kind:
    return Kind(name, f"does not run and answers 500 `{message}`", (), 500, {"message": message, **fields})


def _content(name: str, status: int, content: str, type: str = "application/json", summary: str = "") -> Kind:  # noqa: A002
    said = summary or f"runs, and answers {status} `{content}`"
    return Kind(name, said, ("run",), status, content=(content, type))


_ALL = (
    # Before it runs.
    Kind("refuse", "does not run and answers `status` (500) with `message`", ("status", "message"), 500),
    Kind("delay", "waits `seconds` before it runs", ("seconds",)),
    Kind("wake_up", "is asleep: this request and all that come within `seconds` (2) wait, then run", ("seconds",)),
    Kind("wake_up_fails", "waits `seconds` (2) and answers 500 `Couldn't connect to compute node`", ("seconds",)),
    Kind("cut_before", "closes the connection and does not run"),
    Kind("too_large", "does not run and answers 413 as for a request over the limit"),
    # To a client it is the answer of a wrong address, so it would be a lie about what ran.
    Kind(
        "json_string",
        'does not run and answers 400 `"query is not supported"`, as a wrong address does',
        status=400,
        content=('"query is not supported"', "application/json"),
        runs=False,
    ),
    _refusal("control_plane", "Control plane request failed"),
    _refusal("no_endpoint", "Control plane request failed: endpoint cannot be found"),
    _refusal("endpoint_disabled", "Control plane request failed: endpoint is disabled"),
    _refusal(
        "quota",
        "Control plane request failed: endpoint is temporarily unavailable. "
        "Check your quotas and/or contact our support.",
    ),
    _refusal("no_compute", "Couldn't connect to compute node"),
    _refusal("wake_up_limit", "Too many connections attempts"),
    _refusal("connection_limit", "Too many connections to this endpoint. Please try again later."),
    _refusal(
        "no_permit",
        "Failed to acquire permit to connect to the database. "
        "Too many database connection attempts are currently ongoing.",
    ),
    _refusal("broken_pool", "pooled connection closed at inconsistent state"),
    _refusal("login_lost", "error communicating with the server"),
    _refusal("no_slots", "sorry, too many clients already", code="53300", severity="FATAL"),
    _refusal("starting_up", "the database system is starting up", code="57P03", severity="FATAL"),
    # When it runs.
    Kind("connection_closed", "runs, COMMIT included, then answers 400 `connection closed`"),
    Kind("cut_after", "runs, COMMIT included, then closes the connection without an answer"),
    Kind("cut_head", "runs, and closes the connection within the status line and headers, `at` (0.5)", ("at",)),
    Kind("cut_body", "runs, and closes the connection within the body, `at` (0.5)", ("at",)),
    Kind("answer_too_large", "runs and answers 507: a batch is undone, a single statement is committed"),
    Kind("unreadable", "runs and answers 500 `could not parse postgres response`: a batch is undone, a single is not"),
    Kind("late", "closes the connection, runs once the same request was sent again, or after `seconds`", ("seconds",)),
    Kind("twice", "runs twice, one after the other, and gives the second answer"),
    Kind("drip", "runs, and takes `seconds` (2) to send the answer, in small pieces", ("seconds",)),
    # Answers that are none of Neon's.
    _content("html", 502, "<html><h1>502 Bad Gateway</h1></html>", "text/html"),
    _content("empty", 504, "", "text/plain", "runs, and answers 504 with an empty body"),
    _content("msg", 503, '{"msg":"Shutting down"}'),
    _content("canceled", 400, '{"message":"Query cancelled","code":"08P01"}'),
    Kind("half_json", "runs, and answers 200 with the JSON up to `at` (0.5), as if it were whole", ("at",)),
    Kind("answer", "runs, and answers whatever it is told", ("run", "status", "body", "type", "location"), 200),
    Kind(
        "random",
        "meets some requests, drawn by `seed`, with one of `kinds`",
        ("seed", "rate", "kinds", "seconds"),
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def table() -> str:
    """Return the kinds as a Markdown table."""
    lines = ["| kind | the request | options |", "| --- | --- | --- |"]
    for kind in KINDS.values():
        options = ", ".join(f"`{name}`" for name in kind.options)
        lines.append(f"| `{kind.name}` | {kind.summary} | {options or '–'} |")
    return "\n".join(lines) + "\n"
