"""Our client against what the official driver sends and gets: every recorded exchange is the same, or says why not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sendoka import Retry, neon
from sendoka.errors import AnswerLost, ConnectFailed, DatabaseError, Outcome, RequestTimeout, SendokaError
from tests.conformance.answers import FIELDS, error_of, result_of, rows_of
from tests.conformance.calls import CSO, Call, call_of
from tests.conformance.decisions import DIFFERENT, ERRORS, NO_COUNTERPART, ON_THE_NETWORK
from tests.conformance.vectors import BY_ID, VECTORS, Answer, Sent, Vector, sent_of
from tests.fixtures.canned import Exchange, answer, canned, raw

if TYPE_CHECKING:
    from collections.abc import Callable


ONCE = Retry(attempts=1)
CALLED = [vector for vector in VECTORS if vector.id not in {*NO_COUNTERPART, *ON_THE_NETWORK}]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a call sent, and what its caller got."""

    sent: tuple[Sent, ...]
    outcome: Any


# ------------------------------------------------------------------ every vector is accounted for


def test_every_vector_is_accounted_for_once() -> None:
    assert len(VECTORS) == 302
    assert not NO_COUNTERPART.keys() & {*ON_THE_NETWORK}
    assert NO_COUNTERPART.keys() | {*ON_THE_NETWORK} <= BY_ID.keys()
    assert [str(vector) for vector in CALLED if call_of(vector) is None] == []
    assert [name for name in NO_COUNTERPART if call_of(BY_ID[name]) is not None] == []


def test_no_decision_is_about_a_vector_that_is_not_called() -> None:
    called = {vector.id for vector in CALLED}
    assert DIFFERENT.keys() <= called
    assert ERRORS.keys() <= called


def test_every_rejected_call_has_its_outcome_decided() -> None:
    rejected = {vector.id for vector in CALLED if _failed(vector)}
    resolved_by_ours = {name for name, different in DIFFERENT.items() if different.ours.get("outcome") is not None}
    assert rejected - resolved_by_ours <= ERRORS.keys()
    assert ERRORS.keys() <= rejected


# ------------------------------------------------------------------ the vectors


@pytest.mark.filterwarnings("ignore:the statement is empty")
@pytest.mark.parametrize("vector", CALLED, ids=str)
async def test_a_call_sends_and_gets_what_the_official_driver_does(
    vector: Vector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    call = call_of(vector)
    assert call is not None
    seen = await over_httpx(vector, call)
    decided = DIFFERENT[vector.id].ours if vector.id in DIFFERENT else {}
    assert differences(vector, seen) == decided


@pytest.mark.filterwarnings("ignore:the statement is empty")
@pytest.mark.parametrize("vector", [vector for vector in CALLED if len(vector.answers) == 1], ids=str)
async def test_the_native_transport_sends_and_gets_the_same(vector: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    call = call_of(vector)
    assert call is not None
    mocked, real = await over_httpx(vector, call), await over_native(vector, call)
    assert [(sent.string, sent.headers, sent.body) for sent in real.sent] == [
        (sent.string, sent.headers, sent.body) for sent in mocked.sent
    ]
    assert comparable(real.outcome) == comparable(mocked.outcome)


def differences(vector: Vector, seen: Seen) -> dict[str, Any]:
    """Return where ours is not the recorded one, with ours."""
    found: dict[str, Any] = {}
    if len(seen.sent) != len(vector.sent):
        found["requests"] = len(seen.sent)
    else:
        for theirs, ours in zip(vector.sent, seen.sent, strict=True):
            for aspect in ("url", "string", "body"):
                if getattr(ours, aspect) != getattr(theirs, aspect):
                    found[aspect] = getattr(ours, aspect)
            if ours.headers != theirs.headers:
                found["headers"] = dict(ours.headers.items() - theirs.headers.items())
    if vector.group == "server" and same_json(vector, seen):
        # Written by hand: with other white space, and without what may be left out.
        found.pop("body", None)
    if comparable(seen.outcome) != comparable(expected(vector)):
        got = seen.outcome
        found["outcome"] = got["rows"] if isinstance(got, dict) and "rows" in got else got
    return found


def comparable(outcome: Any) -> str:
    """Return an outcome as text, in which 1 and true are told apart."""
    return json.dumps(outcome, sort_keys=True, default=repr)


def same_json(vector: Vector, seen: Seen) -> bool:
    return [_said(sent.body) for sent in vector.sent] == [_said(sent.body) for sent in seen.sent]


def _said(body: str) -> list[tuple[str, list[Any]]]:
    document = json.loads(body)
    return [(query["query"], query.get("params", [])) for query in document.get("queries", [document])]


# ------------------------------------------------------------------ what the caller of the official driver got


def expected(vector: Vector) -> Any:
    """Return the recorded outcome in the form that `outcome_of` gives ours."""
    if _failed(vector):
        fields = _document(vector)
        error: Any = ERRORS.get(vector.id)
        return {"error": error, **_fields(fields)} if fields.get("code") else error
    if vector.group == "server":
        document = _document(vector)
        results = document.get("results")
        return _answered(document) if results is None else [_answered(result)["rows"] for result in results]
    resolved = vector.outcome["resolved"]
    if isinstance(resolved, dict):
        return _whole(resolved)
    if resolved and isinstance(resolved[0], dict) and "viaNeonFetch" in resolved[0]:
        return [_whole(result)["rows"] for result in resolved]
    if vector.sent and '"queries"' in vector.sent[0].body:
        return [[_cells(row) for row in rows] for rows in resolved]
    return [] if resolved == "no request" else [_cells(row) for row in resolved]


def _failed(vector: Vector) -> bool:
    if vector.group == "server":
        return vector.answers[0] is not None and vector.answers[0].status != 200
    return "resolved" not in vector.outcome


def _document(vector: Vector) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        document = json.loads(vector.answers[0].body) if vector.answers and vector.answers[0] else {}
        return document if isinstance(document, dict) else {}
    return {}


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document.get(name) for name in FIELDS}


def _cells(row: Any) -> list[Any]:
    cells = list(row.values()) if isinstance(row, dict) else list(row)
    # What drizzle makes of an int8; the driver itself leaves its text.
    return [cell["v"] if isinstance(cell, dict) and cell.get("$") == "bigint" else cell for cell in cells]


def _whole(result: dict[str, Any]) -> dict[str, Any]:
    """`rowAsArray` and `viaNeonFetch` say how the driver was asked, not what was answered."""
    fields = [{key: value for key, value in field.items() if key != "format"} for field in result["fields"]]
    return {
        "fields": fields,
        "rows": [_cells(row) for row in result["rows"]],
        "command": result["command"],
        "rowCount": result["rowCount"],
    }


def _answered(document: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that the official driver never saw with the few types in it decoded."""
    of_type: dict[int, Callable[[str], Any]] = {16: "t".__eq__, 23: int, 1009: _texts}
    decoders = [of_type.get(field["dataTypeID"], str) for field in document["fields"]]
    rows = [
        [None if cell is None else decode(cell) for decode, cell in zip(decoders, row, strict=True)]
        for row in document["rows"]
    ]
    return _whole({**document, "rows": rows})


def _texts(text: str) -> Any:
    return json.loads(f"[{text[1:-1]}]", strict=False)


# ------------------------------------------------------------------ what the caller of ours gets


async def over_httpx(vector: Vector, call: Call) -> Seen:
    """Run a call where every request is answered as recorded, and its URL is seen."""
    sent: list[Sent] = []
    answers = [found or Answer(200, b"", {}) for found in vector.answers] or [EMPTY]

    def reply(request: httpx.Request) -> httpx.Response:
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        sent.append(sent_of(str(request.url), headers, request.content.decode()))
        found = answers[len(sent) - 1]
        return httpx.Response(found.status, content=found.body, headers=found.headers)

    async with httpx.AsyncClient(transport=httpx.MockTransport(reply)) as client:
        outcome = await outcome_of(vector, call, transport=client)
    return Seen(tuple(sent), outcome)


EMPTY = Answer(200, b'{"fields":[],"rows":[],"command":"SELECT","rowCount":0,"rowAsArray":true}', {})


async def over_native(vector: Vector, call: Call) -> Seen:
    """Run a call over the native transport; where it goes to is overruled."""
    recorded = vector.answers[0]
    assert recorded is not None
    reply = answer(recorded.body, recorded.status, *(f"{name}: {value}" for name, value in recorded.headers.items()))
    async with canned(reply) as server:
        place = f"http://127.0.0.1:{server.port}/sql"
        outcome = await outcome_of(vector, call, transport="native", endpoint=place)
        sent = tuple(_sent(place, exchange) for exchange in server.requests)
    return Seen(sent, outcome)


def _sent(url: str, exchange: Exchange) -> Sent:
    lines = exchange.head.strip().split("\r\n")[1:]
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return sent_of(url, headers, exchange.body.decode())


async def outcome_of(vector: Vector, call: Call, **options: Any) -> Any:
    """Return what the caller gets: rows, with fields where the recorded caller saw them, or the error's kind."""
    try:
        async with neon(call.url, retry=ONCE, **call.client, **options) as sql:
            made = call.make(sql)
            whole = vector.group == "server" or isinstance(vector.outcome.get("resolved"), dict)
            if isinstance(made, list):
                return made
            if not hasattr(made, "result"):
                done = await made
                return [rows_of(result) for result in done.results]
            result = await made.result()
    except DatabaseError as error:
        return {"error": f"{type(error).__name__} {error.outcome}", **error_of(error)}
    except (SendokaError, TypeError, ValueError) as error:
        return f"{type(error).__name__} {getattr(error, 'outcome', '')}".strip()
    return result_of(result) if whole else rows_of(result)


# ------------------------------------------------------------------ below HTTP


async def test_v197_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with neon(f"postgresql://a:b@127.0.0.1:{port}/db", transport="native", retry=ONCE) as sql:
        with pytest.raises(ConnectFailed, match="connection refused") as raised:
            await sql("SELECT 1")
    assert raised.value.outcome is Outcome.NOT_SENT


async def test_v198_a_host_that_is_not_found_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", not_found)
    place = "postgresql://a:b@ep-y.us-east-2.aws.neon.techh/db"
    async with neon(place, transport="native", retry=ONCE) as sql:
        with pytest.raises(ConnectFailed, match=r"api\.us-east-2\.aws\.neon\.techh cannot be found") as raised:
            await sql("SELECT 1")
    assert (raised.value.outcome, raised.value.passing) == (Outcome.NOT_SENT, False)


async def test_v199_a_connection_closed_before_the_answer_is_unknown() -> None:
    async def close(exchange: Exchange) -> None:
        exchange.abort()

    async with canned(close) as server, neon(server.url, transport="native", retry=ONCE) as sql:
        with pytest.raises(AnswerLost) as raised:
            await sql("SELECT 1")
    assert raised.value.outcome is Outcome.UNKNOWN
    assert json.loads(server.requests[0].body) == {"query": "SELECT 1", "params": []}


async def test_v201_a_call_that_is_cancelled_ends_its_connection() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        arrived.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with raw(serve) as port, neon(f"postgresql://a:b@127.0.0.1:{port}/db", transport="native") as sql:
        task = asyncio.create_task(sql("SELECT 1").value())
        await arrived.wait()
        task.cancel("timed out")
        with pytest.raises(asyncio.CancelledError, match="timed out"):
            await task
        async with asyncio.timeout(5):
            await gone.wait()


async def test_v203_a_deadline_that_passes_is_unknown() -> None:
    async def never(exchange: Exchange) -> None:
        await asyncio.sleep(60)

    async with canned(never) as server, neon(server.url, transport="native", retry=ONCE) as sql:
        with pytest.raises(RequestTimeout) as raised:
            await sql("SELECT 1", timeout=0.05)
    assert raised.value.outcome is Outcome.UNKNOWN


async def test_v204_a_call_that_is_cancelled_before_it_begins_sends_nothing() -> None:
    async with canned(b"") as server, neon(server.url, transport="native", retry=ONCE) as sql:
        task = asyncio.create_task(sql("SELECT 1").value())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.02)
    assert (server.connections, server.requests) == (0, [])


async def test_v205_a_client_of_the_users_own_that_cannot_connect_is_not_sent() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("fetch failed", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as client, neon(CSO, transport=client) as sql:
        with pytest.raises(ConnectFailed, match="fetch failed") as raised:
            await sql("SELECT 1", timeout=0.01)
    assert raised.value.outcome is Outcome.NOT_SENT
