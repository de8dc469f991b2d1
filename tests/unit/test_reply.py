"""What an answer means: the table of statuses and texts, and the outcome of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sendoka.database.statement import Statement
from sendoka.errors import (
    AdminShutdown,
    AnswerLost,
    CannotConnectNow,
    DatabaseError,
    EndpointError,
    InvalidAuthorizationSpecification,
    InvalidCatalogName,
    OperationalError,
    Outcome,
    ProtocolError,
    SendokaError,
    TooManyConnections,
    TransportError,
    UniqueViolation,
)
from sendoka.http.reply import Reply, read_batch, read_single

SELECT = Statement("select 1")


def postgres(code: str, severity: str = "ERROR", message: str = "no") -> bytes:
    return json.dumps({"message": message, "code": code, "severity": severity}).encode()


def endpoint(message: str) -> bytes:
    return postgres("", "", message)


TWO = {"single": "unknown", "batch": "failed"}
BOTH = {
    "refused": {"single": "refused", "batch": "refused"},
    "unknown": {"single": "unknown", "batch": "unknown"},
    "failed": {"single": "failed", "batch": "failed"},
}
CASES: list[tuple[str, int, bytes, type[SendokaError], dict[str, str]]] = [
    ("constraint", 400, postgres("23505"), UniqueViolation, BOTH["failed"]),
    ("of a newer Postgres", 400, postgres("ZZ999"), DatabaseError, BOTH["failed"]),
    ("admin shutdown", 400, postgres("57P01", "FATAL"), AdminShutdown, BOTH["unknown"]),
    ("cancelled by the proxy", 400, b'{"message": "cancelled", "code": "08P01"}', OperationalError, BOTH["unknown"]),
    ("no such database", 400, postgres("3D000", "FATAL"), InvalidCatalogName, BOTH["refused"]),
    ("raised by a function", 400, postgres("28000", "ERROR"), InvalidAuthorizationSpecification, BOTH["failed"]),
    ("too many connections", 500, postgres("53300", "FATAL"), TooManyConnections, BOTH["refused"]),
    ("starting up", 500, postgres("57P03", "FATAL"), CannotConnectNow, BOTH["refused"]),
    ("connection closed", 400, endpoint("connection closed"), AnswerLost, BOTH["unknown"]),
    ("io after sending", 400, endpoint("error communicating with the server: x"), AnswerLost, BOTH["unknown"]),
    ("copy", 400, endpoint("unexpected message from server"), AnswerLost, BOTH["unknown"]),
    ("timeout", 400, endpoint("timeout waiting for server"), AnswerLost, BOTH["unknown"]),
    ("password", 400, endpoint("password authentication failed for user 'x'"), EndpointError, BOTH["refused"]),
    ("header", 400, endpoint("invalid header: neon-connection-string"), EndpointError, BOTH["refused"]),
    ("body", 400, endpoint("could not parse the HTTP request body: x"), EndpointError, BOTH["refused"]),
    ("isolation", 400, endpoint("invalid isolation level"), EndpointError, BOTH["refused"]),
    ("encoding", 400, endpoint("error encoding message to server: x"), EndpointError, BOTH["refused"]),
    ("a text nobody knows", 400, endpoint("the moon is full"), EndpointError, BOTH["unknown"]),
    ("io before login", 500, endpoint("error communicating with the server: x"), EndpointError, BOTH["refused"]),
    ("wake-up", 500, endpoint("Control plane request failed"), EndpointError, BOTH["refused"]),
    ("disabled", 500, endpoint("Control plane request failed: endpoint is disabled"), EndpointError, BOTH["refused"]),
    ("a quota", 500, endpoint("Your account has exceeded something"), EndpointError, BOTH["unknown"]),
    ("cell", 500, endpoint("could not parse postgres response"), EndpointError, TWO),
    ("too large to send", 413, b"", EndpointError, BOTH["refused"]),
    ("too large to answer", 507, endpoint("response is too large (max is 10 bytes)"), EndpointError, TWO),
    ("not here", 400, b'"query is not supported"', EndpointError, BOTH["refused"]),
    ("a code of no known status", 502, postgres("23505"), ProtocolError, BOTH["unknown"]),
    (
        "a login in another language",
        400,
        postgres("28000", "FEHLER"),
        InvalidAuthorizationSpecification,
        BOTH["unknown"],
    ),
    ("not here, says a gateway", 503, b'"query is not supported"', ProtocolError, BOTH["unknown"]),
    ("a gateway's disk", 507, b'{"message": "Insufficient storage"}', EndpointError, BOTH["unknown"]),
    ("another 507", 507, endpoint("insufficient storage"), EndpointError, BOTH["unknown"]),
    ("no code", 400, b'{"message": "missing hostname of the upstream"}', EndpointError, BOTH["unknown"]),
    ("null code", 500, b'{"message": "Control plane request failed", "code": null}', EndpointError, BOTH["unknown"]),
    ("a cell, says a gateway", 502, endpoint("could not parse postgres response"), EndpointError, BOTH["unknown"]),
    ("above the layer", 400, b'{"msg": "x"}', ProtocolError, BOTH["unknown"]),
    ("html", 502, b"<html><h1>Bad gateway", ProtocolError, BOTH["unknown"]),
    ("nothing", 503, b"", ProtocolError, BOTH["unknown"]),
    ("a redirect", 307, b"", ProtocolError, BOTH["unknown"]),
    ("a list", 400, b"[1]", ProtocolError, BOTH["unknown"]),
    ("not UTF-8", 400, b"\xff\xfe", ProtocolError, BOTH["unknown"]),
    ("too deep", 400, b"[" * 100_000, ProtocolError, BOTH["unknown"]),
]


@pytest.mark.parametrize("form", ["single", "batch"])
@pytest.mark.parametrize(("name", "status", "body", "cls", "outcomes"), CASES, ids=[case[0] for case in CASES])
def test_an_answer_says_what_is_known(
    name: str, status: int, body: bytes, cls: type[SendokaError], outcomes: dict[str, str], form: str
) -> None:
    with pytest.raises(cls) as caught:
        read(form, Reply(status, body))
    assert type(caught.value) is cls
    assert isinstance(caught.value, TransportError | DatabaseError)
    assert caught.value.outcome == Outcome(outcomes[form])
    assert caught.value.outcome in cls.outcomes


def read(form: str, reply: Reply) -> object:
    return read_single(reply, SELECT) if form == "single" else read_batch(reply, [SELECT, SELECT])


PASSING = ["Control plane request failed", "Couldn't connect to compute node", "Too many connections attempts"]


@pytest.mark.parametrize("message", PASSING)
def test_a_wake_up_that_failed_passes(message: str) -> None:
    with pytest.raises(EndpointError) as caught:
        read_single(Reply(500, endpoint(message)), SELECT)
    assert caught.value.passing


GOOD: dict[str, Any] = {"fields": [], "rows": [], "command": "SET", "rowCount": None, "rowAsArray": True}
FIELD = {"name": "n", "dataTypeID": 23, "tableID": 0, "columnID": 0, "dataTypeSize": 4, "dataTypeModifier": -1}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {**GOOD, "fields": None},
        {**GOOD, "fields": [{}]},
        {**GOOD, "fields": ["n"]},
        {**GOOD, "fields": [FIELD], "rows": [[1]]},
        {**GOOD, "rows": None},
        {**GOOD, "rows": [["1"]]},
        {**GOOD, "fields": [FIELD], "rows": [[]]},
        {**GOOD, "fields": [FIELD], "rows": [{"n": 1}]},
        {"results": [GOOD]},
    ],
)
def test_json_that_is_no_result_is_a_protocol_error(document: Any) -> None:
    with pytest.raises(ProtocolError) as caught:
        read_single(Reply(200, json.dumps(document).encode()), SELECT)
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("document", [GOOD, {"results": [GOOD]}, {"results": [GOOD] * 3}, {"results": None}])
def test_a_batch_answers_exactly_one_result_a_statement(document: Any) -> None:
    with pytest.raises(ProtocolError):
        read_batch(Reply(200, json.dumps(document).encode()), [SELECT, SELECT])


@pytest.mark.parametrize(
    "header", ["Neon-Connection-String: postgresql://u:hunter2@h/db", "Authorization: Bearer hunter2"]
)
def test_what_shows_the_headers_back_does_not_show_the_secret(header: str) -> None:
    for body in (f"<pre>{header}</pre>", endpoint(f"not taken: {header}").decode(), f'{{"message": "{header}"}}'):
        with pytest.raises(TransportError) as caught:
            read_single(Reply(500, body.encode()), SELECT)
        assert "hunter2" not in str(caught.value)
        assert header.partition(":")[0] in str(caught.value)


def test_the_fields_of_an_error_arrive() -> None:
    body = {
        "message": "no",
        "code": "23505",
        "severity": "ERROR",
        "detail": "d",
        "hint": "h",
        "position": "7",
        "where": "w",
        "table": "t",
        "column": "c",
        "schema": "s",
        "dataType": "y",
        "constraint": "k",
    }
    with pytest.raises(UniqueViolation) as caught:
        read_single(Reply(400, json.dumps(body).encode()), SELECT)
    error = caught.value
    assert (error.message, error.sqlstate, error.detail, error.hint, error.position) == ("no", "23505", "d", "h", 7)
    assert (error.context, error.table, error.column, error.schema) == ("w", "t", "c", "s")
    assert (error.datatype, error.constraint, error.statement) == ("y", "k", "select 1")


# Statements of one batch, what Postgres said, where; then which statement (from 0) it must be, None where unproven.
BLAME: list[tuple[list[str], str, int | None, int | None]] = [
    (["select 1", "select * from nope"], 'relation "nope" does not exist', 15, 1),
    (["select * from yes", "select * from nope"], 'relation "nope" does not exist', 15, 1),
    (["select * from NOPE", "select * from nope"], 'relation "nope" does not exist', 15, None),
    (["select * from nope ", "select * from nope"], 'relation "nope" does not exist', 15, None),
    (["select * from nope", "select * from nope"], 'relation "nope" does not exist', 15, 0),
    (['select * from "NOPE"', "select * from nope"], 'relation "nope" does not exist', 15, 1),
    (['select * from "no""pe"', "select * from nope"], 'relation "no"pe" does not exist', 15, 0),
    (["select * from s.nope", "select * from yes"], 'relation "s.nope" does not exist', 15, 0),
    (["select * from db.s.nope", 'select * from "s.nope"'], 'relation "s.nope" does not exist', 15, None),
    (["select  'nope'::regclass", "table   nope"], 'relation "nope" does not exist', 9, None),
    (['select 1 from U&"\\006eope"', "select 1 from nope"], 'relation "nope" does not exist', 15, None),
    ([f"select 1 from {'n' * 70}", "select 1 from nope"], 'relation "nope" does not exist', 15, None),
    (["select 1 from été", "select 1 from nope"], 'relation "nope" does not exist', 15, None),
    (["select yes from t", "select non from t"], 'column "non" does not exist', 8, 1),
    (["select yes from t", "select non from t"], "column t.non does not exist", 8, None),
    (["select 1", "selec 2"], 'syntax error at or near "selec"', 1, 1),
    (["selec 1", "selec 2"], 'syntax error at or near "selec"', 1, None),
    (["SELEC 1", "selec 2"], 'syntax error at or near "selec"', 1, 1),
    (["select 1 1", "select abcd"], 'syntax error at or near "1"', 10, 0),
    (["select 'x'", "select 1+"], "syntax error at end of input", 10, None),
    (["select", "select 1 +"], "syntax error at end of input", 11, 1),
    (["select", "select 1/0"], "division by zero", None, None),
    (["insert into a values (1)", "insert into b values (1)"], "duplicate key", None, None),
    (["a", "b"], 'relation "nope" does not exist', 100, None),
]


@pytest.mark.parametrize(("texts", "message", "position", "which"), BLAME)
def test_the_statement_of_a_batch_is_named_where_it_is_proven(
    texts: list[str], message: str, position: int | None, which: int | None
) -> None:
    body = {"message": message, "code": "42P01", "severity": "ERROR", "position": position and str(position)}
    with pytest.raises(DatabaseError) as caught:
        read_batch(Reply(400, json.dumps(body).encode()), [Statement(text) for text in texts])
    assert caught.value.statement == (None if which is None else texts[which])
