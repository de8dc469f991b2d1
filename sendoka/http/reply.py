"""The reply of Neon's protocol, as values: results, or the error and what is known about the statements.

What each status and text means is read in the source of Neon's proxy (`proxy/src/serverless` in neondatabase/neon).
`refused` needs proof: a closed list of answers that are known to come before anything runs. Whatever is neither on it
nor an error of the database is `unknown`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.database.statement import Cells, Field, Result
from sendoka.errors import AnswerLost, EndpointError, Outcome, ProtocolError, database_error
from sendoka.http.fast import loads, uncollected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement
    from sendoka.errors import SendokaError

__all__ = ["Reply", "read_batch", "read_single"]


class Reply(NamedTuple):
    """An HTTP answer, whole."""

    status: int
    body: bytes | bytearray


# 400 with an empty code: the connection to the database broke after the statement or COMMIT was sent.
_BROKEN = (
    "connection closed",
    "error communicating with the server",
    "unexpected message from server",
    "error parsing response from server",
    "timeout waiting for server",
)
# 400 with an empty code: a check of header, body, credentials or encoding, before anything ran.
_CHECKED_BEFORE = (
    "invalid header: ",
    "invalid connection string",
    "incorrect scheme",
    "missing database name",
    "missing username",
    "missing authentication credentials",
    "missing hostname",
    "password authentication failed for user",
    "could not parse the HTTP request body",
    "invalid isolation level",
    "error encoding message to server",
    "This IP address ",
    "This connection is trying to access this endpoint from a blocked network",
    "Control plane request failed",
)
# 500 with an empty code: the compute could not be reached or woken. These pass by themselves …
_PASSING = (
    "Couldn't connect to compute node",
    "Too many connections attempts",
    "Too many connections to this endpoint. Please try again later.",
    "Failed to acquire permit to connect to the database.",
    "pooled connection closed at inconsistent state",
    "error communicating with the server",
)
# … and these need a person.
_NEEDS_A_PERSON = (
    "Control plane request failed: endpoint cannot be found",
    "Control plane request failed: endpoint is disabled",
    "Control plane request failed: endpoint is temporarily unavailable. Check your quotas",
)
_UNREADABLE_CELL = "could not parse postgres response"
_TOO_LARGE = "response is too large"

# Compiled when they are first used: a cold start that goes well needs none of them.
_CONNECTION_STRING = r"(?i:postgres(?:ql)?(?::|%3A)\S*)"
_BEARER = r"(?i:bearer\s+\S+)"
_SQLSTATE = r"[0-9A-Z]{5}"

_STATUSES = (400, 500)
"""Those under which Neon passes on an error of Postgres."""

# What Postgres reports when it refuses the login itself: no such database, role or right, wrong password.
_AT_LOGIN = ("3D000", "28")


def read_single(reply: Reply, statement: Statement) -> Result[Cells]:
    """Return the one result of `reply`, or raise what it reports."""
    if reply.status != 200:
        raise _error(reply, [statement], batch=False)
    return _result(_json(reply))


def read_batch(reply: Reply, statements: Sequence[Statement]) -> list[Result[Cells]]:
    """Return one result for each statement, in order, or raise what `reply` reports."""
    if reply.status != 200:
        raise _error(reply, statements, batch=True)
    document = _json(reply)
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list) or len(results) != len(statements):
        count = len(results) if isinstance(results, list) else "no"
        raise ProtocolError(f"the endpoint answered {count} results for {len(statements)} statements", passing=False)
    return [_result(result) for result in results]


def _json(reply: Reply) -> Any:
    try:
        # About twenty bytes make a cell.
        with uncollected(len(reply.body) // 20):
            return loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(
            f"the endpoint answered status {reply.status} with something that is not JSON",
            passing=reply.status >= 500,
            where=f"it begins: {_preview(reply.body)}" if reply.body else "the body is empty",
            todo="check that the connection string leads to Neon or to `sendoka dev`",
        ) from error


# The same few columns come again and again.
_field = lru_cache(maxsize=1024)(Field)
_TEXT = frozenset({str, type(None)})


def _result(document: Any) -> Result[Cells]:
    try:
        fields = tuple(
            [
                _field(
                    field["name"],
                    field["dataTypeID"],
                    # Neon sends all of these; who mocks it by hand need not.
                    field.get("tableID", 0),
                    field.get("columnID", 0),
                    field.get("dataTypeSize", -1),
                    field.get("dataTypeModifier", -1),
                )
                for field in document["fields"]
            ]
        )
        rows, command, count = document["rows"], document["command"], document["rowCount"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(
            "the endpoint answered JSON that is not a result of Neon's protocol", passing=False
        ) from error
    # In C, for there may be a million of them.
    if not isinstance(rows, list) or not set(map(type, rows)) <= {list} or not set(map(len, rows)) <= {len(fields)}:
        raise ProtocolError("the endpoint answered rows that do not fit their fields", passing=False)
    if rows and not _TEXT.issuperset(map(type, rows[0])):
        raise ProtocolError("the endpoint answered typed JSON where Postgres' own text was asked for", passing=False)
    return Result(fields, rows, command, count)


def _error(reply: Reply, statements: Sequence[Statement], *, batch: bool) -> SendokaError:
    """Return the error that a status other than 200 means."""
    if reply.status == 413:
        return EndpointError("the request is larger than the endpoint takes", status=413, outcome=Outcome.REFUSED)
    document = _json(reply)
    if (reply.status, document) == (400, "query is not supported"):
        return EndpointError(
            "the endpoint does not take SQL at this address",
            status=400,
            outcome=Outcome.REFUSED,
            todo="check endpoint=: it ends in /sql",
        )
    if isinstance(document, dict) and isinstance(document.get("message"), str):
        code = document.get("code")
        if code == "":
            return _from_endpoint(document["message"], reply.status, Outcome.FAILED if batch else Outcome.UNKNOWN)
        if reply.status in _STATUSES and isinstance(code, str) and re.fullmatch(_SQLSTATE, code):
            return _from_postgres(document, reply.status, statements)
        if code is None:  # of whoever stands in between: Neon's own has one, and be it empty
            return EndpointError(_masked(document["message"]), status=reply.status)
    # Also a gateway's own JSON: whatever it calls a code proves nothing about the statement.
    said = f"the endpoint answered status {reply.status}: {_preview(reply.body)}"
    return ProtocolError(said, passing=reply.status >= 500)


def _from_postgres(document: dict[str, Any], status: int, statements: Sequence[Statement]) -> SendokaError:
    fields = {name: None if value is None else str(value) for name, value in document.items()}
    # Both are for what goes wrong.
    from sendoka.http.advice import advice
    from sendoka.http.blame import suspects

    error = database_error(fields, outcome=_outcome_of(document["code"], document.get("severity"), status))
    if error.outcome is Outcome.REFUSED:  # it is about the login or the server, and no statement was looked at
        return error
    found = suspects(statements, error)
    if len({statement.text for statement in found}) == 1:
        error.statement = found[0].text
    if len(found) == 1:
        error.todo = advice(error, found[0]) or error.todo
    return error


def _outcome_of(code: str, severity: object, status: int) -> Outcome:
    # Severities are in the words of lc_messages; one that is not known proves nothing.
    if severity and (status == 500 or (severity == "FATAL" and code.startswith(_AT_LOGIN))):
        return Outcome.REFUSED
    return Outcome.FAILED if severity == "ERROR" else Outcome.UNKNOWN


def _from_endpoint(message: str, status: int, undone: Outcome) -> SendokaError:
    """Return the error of the endpoint itself; `undone` is the outcome where the transaction did not end well."""
    said = _masked(message)
    if status == 400 and message.startswith(_BROKEN):
        return AnswerLost(f"the endpoint lost the database: {said}")
    if status == 507 and message.startswith(_TOO_LARGE):
        return EndpointError(said, status=status, outcome=undone, todo="ask for fewer rows: paginate()")
    if status == 500 and message == _UNREADABLE_CELL:
        return EndpointError(said, status=status, outcome=undone)
    if status == 400 and message.startswith(_CHECKED_BEFORE):
        todo = "check the user and password of the connection string" if "password" in message else ""
        if message.startswith("missing authentication credentials: required password"):
            todo = "the connection string has no password: postgresql://user:password@…, or give password= or token="
        return EndpointError(said, status=status, outcome=Outcome.REFUSED, todo=todo)
    if status == 500 and message.startswith(_NEEDS_A_PERSON):
        return EndpointError(said, status=status, outcome=Outcome.REFUSED)
    if status == 500 and (message.startswith(_PASSING) or message == "Control plane request failed"):
        return EndpointError(said, status=status, outcome=Outcome.REFUSED, passing=True)
    return EndpointError(said, status=status, outcome=Outcome.UNKNOWN)


def _preview(body: bytes | bytearray) -> str:
    text = _masked(" ".join(body[:1000].decode("utf-8", "replace").split()))
    return text[:80] + ("…" if len(text) > 80 else "")


def _masked(text: str) -> str:
    """Return `text` without credentials: a page that shows the request's headers back has them."""
    return re.sub(_BEARER, "Bearer …", re.sub(_CONNECTION_STRING, "postgresql://…", text))
