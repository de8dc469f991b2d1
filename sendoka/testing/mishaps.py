"""What can go wrong below SQL, by name: each as the bytes that come back, or as what a transport reports.

The texts and statuses are those of Neon's proxy (`proxy/src/serverless` in neondatabase/neon).
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sendoka.errors import NEON_ERROR_KEYS, AnswerLost, ConnectFailed
from sendoka.http.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sendoka.testing.recorded import Recorded

__all__ = ["MISHAPS", "Mishap", "MishapName", "error_reply", "find_mishap", "json_reply"]

MishapName = Literal[
    "cannot_connect", "connect_failed", "connection_closed", "control_plane", "cut_after", "cut_body", "empty",
    "endpoint_disabled", "endpoint_not_found", "half_json", "html", "json_string", "missing_result", "msg",
    "no_permit", "password", "pool_inconsistent", "quota", "request_too_large", "response_too_large",
    "too_many_attempts", "too_many_connections", "typed_json",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that goes wrong. `outcome` is what a client can know then; where two are named, single · transaction.

    `happen` takes the request and returns the answer, or raises what a transport would. `ran` is true where the
    statements were run and committed all the same.
    """

    name: str
    summary: str
    outcome: str
    happen: Callable[[Recorded], Reply]
    ran: bool = False


def json_reply(status: int, document: Any) -> Reply:
    """Return an answer of JSON."""
    return Reply(status, json.dumps(document).encode())


def error_reply(fields: Mapping[str, str | None], status: int = 400) -> Reply:
    """Return an error as Neon writes it: all of its keys, in its order, null where nothing is known."""
    return json_reply(status, {key: fields.get(key) for key in NEON_ERROR_KEYS})


def find_mishap(name: str) -> Mishap:
    """Return the mishap of this name. Raises ValueError that names the nearest."""
    if name in MISHAPS:
        return MISHAPS[name]
    near = difflib.get_close_matches(name, MISHAPS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(MISHAPS)}"
    raise ValueError(f"{name!r} is no mishap; {hint}")


def _neon(message: str, status: int = 500) -> Callable[[Recorded], Reply]:
    """An error of Neon's own: code and severity are empty, not null."""
    return lambda _: error_reply({"message": message, "code": "", "severity": ""}, status)


def _bytes(status: int, body: bytes) -> Callable[[Recorded], Reply]:
    return lambda _: Reply(status, body)


def _connect_failed(_: Recorded) -> Reply:
    raise ConnectFailed("no connection to the mock: a mishap")


def _lost(_: Recorded) -> Reply:
    raise AnswerLost("the connection ended before the answer was whole: a mishap")


_ONE = {
    "fields": [{"name": "n", "dataTypeID": 23, "tableID": 0, "columnID": 0, "dataTypeSize": 4, "dataTypeModifier": -1}],
    "rows": [[1]],
    "command": "SELECT",
    "rowCount": 1,
    "rowAsArray": True,
}


def _typed(request: Recorded) -> Reply:
    return json_reply(200, {"results": [_ONE] * len(request.statements)} if request.batch else _ONE)


def _missing(request: Recorded) -> Reply:
    return json_reply(200, {"results": [{**_ONE, "rows": [["1"]]}] * (len(request.statements) - 1)})


_TOO_LARGE = "is too large (max is 67108864 bytes)"
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_PERMIT = "Failed to acquire permit to connect to the database. Too many database connection attempts are ongoing."
_LIMIT = "Too many connections to this endpoint. Please try again later."
_CONTROL = "Control plane request failed"
_QUOTA = f"{_CONTROL}: endpoint is temporarily unavailable. Check your quotas and/or contact our support."

# fmt: off
_TABLE = (
    Mishap("connect_failed", "no connection could be made", "not_sent", _connect_failed),
    Mishap("cut_after", "sent and run, and the connection ended without an answer", "unknown", _lost, ran=True),
    Mishap("cut_body", "run, and the connection ended in the middle of the answer", "unknown", _lost, ran=True),
    Mishap("connection_closed", "400 `connection closed`: the database was lost after the statement or COMMIT was sent",
           "unknown", _neon("connection closed", 400), ran=True),
    Mishap("request_too_large", "413: the request is larger than Neon takes", "refused",
           _neon(f"request {_TOO_LARGE}", 413)),
    Mishap("response_too_large", "507: the answer is larger than Neon gives", "unknown · failed",
           _neon(f"response {_TOO_LARGE}", 507)),
    Mishap("html", "502 with a page of HTML, as a load balancer writes it", "unknown", _bytes(502, _HTML)),
    Mishap("empty", "200 without a body", "unknown", _bytes(200, b""), ran=True),
    Mishap("half_json", "200 with JSON that breaks off", "unknown",
           _bytes(200, b'{"fields": [{"name": "n", "dat'), ran=True),
    Mishap("json_string", '400 with the JSON string `"query is not supported"`: a wrong address', "refused",
           _bytes(400, b'"query is not supported"')),
    Mishap("msg", '500 with `{"msg": …}`', "unknown", _bytes(500, b'{"msg": "internal error"}')),
    Mishap("typed_json", "200 with typed JSON where text was asked for", "unknown", _typed, ran=True),
    Mishap("missing_result", "200 with one result too few", "unknown", _missing, ran=True),
    Mishap("password", "400: the password is wrong", "refused",
           _neon("password authentication failed for user 'mock'", 400)),
    Mishap("control_plane", "500: the control plane failed; passes", "refused", _neon(_CONTROL)),
    Mishap("cannot_connect", "500: the compute cannot be reached; passes", "refused",
           _neon("Couldn't connect to compute node")),
    Mishap("too_many_attempts", "500: too many wake-ups; passes", "refused", _neon("Too many connections attempts")),
    Mishap("too_many_connections", "500: the endpoint's rate limit; passes", "refused", _neon(_LIMIT)),
    Mishap("no_permit", "500: too many connect at once; passes", "refused", _neon(_PERMIT)),
    Mishap("pool_inconsistent", "500: a pooled connection broke; passes", "refused",
           _neon("pooled connection closed at inconsistent state")),
    Mishap("endpoint_not_found", "500: there is no such endpoint", "refused",
           _neon(f"{_CONTROL}: endpoint cannot be found")),
    Mishap("endpoint_disabled", "500: the endpoint is disabled", "refused", _neon(f"{_CONTROL}: endpoint is disabled")),
    Mishap("quota", "500: a quota is used up", "refused", _neon(_QUOTA)),
)
# fmt: on

MISHAPS: dict[str, Mishap] = {mishap.name: mishap for mishap in _TABLE}
"""Every mishap by its name; a test holds `MishapName` and the table of docs/testing.md to it."""
