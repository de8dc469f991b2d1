"""The request of Neon's protocol, as values: header lines and a JSON body."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement
    from sendoka.database.transaction import TransactionOptions
    from sendoka.http.target import Target

__all__ = ["MAX_BODY", "MAX_PARAMETERS", "Request", "batch_body", "head_of", "option_headers", "single_body"]

MAX_PARAMETERS = 32_767
"""Neon writes the count of parameters as a signed 16-bit number."""

MAX_BODY = 64 * 1024 * 1024
"""Neon's limit for a request in production, in bytes."""

Headers = tuple[tuple[str, str], ...]

_TEXT = json.encoder.encode_basestring
"""One text as JSON. A request is made of texts alone, and an encoder for everything takes several times as long."""


# No tuple, for crash reporters show what is in one, whatever its repr; and not frozen, which would cost at every call.
@dataclass(slots=True, eq=False, repr=False)
class Request:
    """One POST: where to, the header lines, the body. Its repr shows none of them, for there are credentials."""

    target: Target
    headers: Headers
    body: bytes

    def __repr__(self) -> str:
        return f"<request to {self.target.url}>"


def head_of(request: Request) -> bytes:
    """Return the request's first line and header lines, up to the length of its body."""
    target = request.target
    lines = [f"POST {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return "\r\n".join([*lines, "Content-Length: "]).encode("ascii")


def single_body(statement: Statement) -> bytes:
    """Return the body that asks for one statement. Raises ValueError for what cannot be sent."""
    return _body(_query(statement), [statement])


def batch_body(statements: Sequence[Statement]) -> bytes:
    """Return the body that asks for `statements` as one transaction. Raises ValueError for what cannot be sent."""
    return _body(f'{{"queries":[{",".join(map(_query, statements))}]}}', statements)


def option_headers(options: TransactionOptions) -> Headers:
    """Return the header lines that say how the transaction is opened; what is left open has none."""
    given = (
        ("Neon-Batch-Isolation-Level", options.isolation_level),
        ("Neon-Batch-Read-Only", _flag(options.read_only)),
        ("Neon-Batch-Deferrable", _flag(options.deferrable)),
    )
    return tuple((name, value) for name, value in given if value is not None)


def _flag(value: bool | None) -> str | None:
    return None if value is None else "true" if value else "false"


def _query(statement: Statement) -> str:
    if "\0" in statement.text:
        raise ValueError("the statement holds NUL, which Postgres cannot read")
    if len(statement.params) > MAX_PARAMETERS:
        raise ValueError(f"{len(statement.params)} parameters; {MAX_PARAMETERS} are the most for one statement")
    for number, param in enumerate(statement.params, 1):
        if param is not None and "\0" in param:
            raise ValueError(f"parameter ${number} holds NUL, which Postgres cannot store in text")
    params = ",".join(["null" if param is None else _TEXT(param) for param in statement.params])
    return f'{{"query":{_TEXT(statement.text)},"params":[{params}]}}'


def _body(document: str, statements: Sequence[Statement]) -> bytes:
    try:
        body = document.encode()
    except UnicodeEncodeError:  # which holds the whole body
        raise ValueError(f"{_halved(statements)} holds half a surrogate pair, which is no character") from None
    if len(body) > MAX_BODY:
        raise ValueError(f"the request has {len(body):,} bytes; Neon takes {MAX_BODY:,} at most")
    return body


def _halved(statements: Sequence[Statement]) -> str:
    """Return what an error calls the first text that cannot be encoded."""
    for statement in statements:
        for number, text in enumerate((statement.text, *statement.params)):
            if text is not None and re.search("[\ud800-\udfff]", text):
                return f"parameter ${number}" if number else "the statement"
    return "the request"
