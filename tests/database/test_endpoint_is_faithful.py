"""The endpoint against recorded exchanges: what a re-implementation of Neon's documented steps answered, byte for byte.

The vectors were recorded over PostgreSQL 15.18. What may differ is listed here with its reason, and nothing else may.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from sendoka.local import Fault
from tests.fixtures.recorded import OPTIONAL, STOOD_THERE, VECTORS, masked, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local import Endpoint, Server

HOP_BY_HOP = {"host", "connection", "content-length", "accept-encoding"}


ANSWERED = ("oracle", "canned", None)
"""Who answered while it was recorded: a re-implementation of the server, a reply written by hand, or nobody at all."""


def exchanges(source: str | None, group: str | None = None) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield vector and request of what `source` answered."""
    for vector in VECTORS:
        for request in vector.get("requests", []):
            answered = (request.get("response") or {}).get("source")
            if answered == source and group in {None, vector["group"]}:
                yield vector, request


GROUPS = sorted({vector["group"] for vector, _ in exchanges("oracle")})


@pytest.mark.parametrize("group", GROUPS)
def test_every_recorded_exchange_is_answered_alike(group: str, server: Server, database_url: str) -> None:
    differences: dict[str, Any] = {}
    count = 0
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        for vector, request in exchanges("oracle", group):
            prepare(client, database_url, vector)
            wanted, got = request["response"], replay(client, database_url, request)
            count += 1
            lacking = OPTIONAL.get(vector["id"])
            if lacking and f'"code":"{lacking}"' in got["body"]:
                continue
            if (
                comparable(vector, got) != comparable(vector, wanted)
                or not wanted["headers"].items() <= got["headers"].items()
            ):
                differences[f"{vector['id']} {vector['name']}"] = (wanted, got)
    assert differences == {}
    assert count


def test_no_exchange_is_left_out() -> None:
    assert len(VECTORS) == 302
    assert len(list(exchanges("oracle", "server"))) == 53
    counts = [len(list(exchanges(source))) for source in ANSWERED]
    assert counts == [210, 80, 3]
    assert sum(counts) == sum(len(vector.get("requests", [])) for vector in VECTORS)


# ------------------------------------------------------------------ what was recorded without a server

# These were answered by hand: the reply says what the driver makes of it, the request what the driver sends.
BY_HAND = {vector["id"] for vector, _ in exchanges("canned")}

ANSWERS_OF_ALL_KINDS = "errors-http"


def test_every_other_request_is_answered_as_a_real_one(server: Server, database_url: str) -> None:
    """A parameter comes back as it was sent; whom nobody knows here is refused as Neon refuses him."""
    differences: dict[str, Any] = {}
    seen = set()
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        for vector, request in exchanges("canned"):
            if vector["group"] == ANSWERS_OF_ALL_KINDS:
                continue
            seen.add(vector["id"])
            got = replay(client, database_url, request)
            wanted = answer_to(request, database_url)
            if wanted not in got["body"] or (got["status"] == 200) != ('"rows":' in wanted or '"results":' in wanted):
                differences[f"{vector['id']} {vector['name']}"] = (wanted, got)
    assert differences == {}
    assert len(seen) == len(BY_HAND) - 21


def answer_to(request: dict[str, Any], url: str) -> str:
    """Return what must stand in the answer, told from the connection string or, where it is ours, the parameters."""
    headers = {name.lower(): value for name, value in request["headers"]}
    target = urlsplit(headers["neon-connection-string"])
    if "authorization" in headers or not target.password:
        return '"message":"missing authentication credentials: required password"'
    if ours(headers["neon-connection-string"], url) == headers["neon-connection-string"]:
        return f'"message":"password authentication failed for user \'{unquote(target.username or "")}\'"'
    try:
        document = json.loads(request["body"])
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return '"message":"could not parse the HTTP request body: '
    if "queries" in document:
        return '{"results":['
    return f'"rows":{json.dumps([document["params"]], ensure_ascii=False, separators=(",", ":"))},'


def test_every_answer_that_was_written_by_hand_can_be_given(
    server: Server, database_url: str, endpoint: Endpoint
) -> None:
    """They are what gateways and proxies answer; the endpoint gives the same bytes when it is told to."""
    count = 0
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        for vector, request in exchanges("canned", ANSWERS_OF_ALL_KINDS):
            endpoint.faults.arm(canned(request["response"]))
            got = replay(client, database_url, request)
            wanted = request["response"]
            assert (got["status"], got["body"]) == (wanted["status"], wanted["body"]), vector["id"]
            assert wanted["headers"].items() <= got["headers"].items(), vector["id"]
            count += 1
    assert count == 22


def canned(response: dict[str, Any]) -> Fault:
    """Return the fault that answers `response`."""
    headers = {name.lower(): value for name, value in response["headers"].items()}
    assert headers.keys() <= {"content-type", "location"}
    options = {"type": headers.get("content-type", "text/plain"), "location": headers.get("location", "")}
    return Fault.of("answer", run=False, status=response["status"], body=response["body"] or "", **options)


@pytest.mark.parametrize(("vector", "request_"), list(exchanges(None)), ids=lambda value: value.get("id", ""))
def test_every_request_without_an_answer_can_be_left_without_one(
    server: Server, database_url: str, endpoint: Endpoint, vector: dict[str, Any], request_: dict[str, Any]
) -> None:
    closed = vector["name"] == "connection closed before a response"
    endpoint.faults.add("cut_before") if closed else endpoint.faults.add("delay", seconds=2)
    with (
        httpx.Client(base_url=f"http://localhost:{server.port}", timeout=5 if closed else 0.1) as client,
        pytest.raises(httpx.RemoteProtocolError if closed else httpx.ReadTimeout),
    ):
        replay(client, database_url, request_)


def test_every_response_has_a_request_id_of_its_own(server: Server, database_url: str) -> None:
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        answers = [ask(client, database_url, "select 1"), ask(client, database_url, "nonsense"), client.get("/sql")]
    assert len({answer.headers["neon-request-id"] for answer in answers}) == 3


def prepare(client: httpx.Client, url: str, vector: dict[str, Any]) -> None:
    for statement in [*STOOD_THERE.get(vector["id"], []), *(vector.get("setup_sql") or [])]:
        answer = ask(client, url, statement)
        # What a vector sets up for its second request is there already.
        assert answer.status_code == 200 or answer.json()["code"] in {"42P07", "42710"}, answer.text


def ask(client: httpx.Client, url: str, statement: str) -> httpx.Response:
    return client.post("/sql", json={"query": statement}, headers={"Neon-Connection-String": url})


def replay(client: httpx.Client, url: str, request: dict[str, Any]) -> dict[str, Any]:
    headers = [(name, ours(value, url)) for name, value in request["headers"] if name.lower() not in HOP_BY_HOP]
    answer = client.request(
        request["method"], urlsplit(request["url"]).path, content=request["body"].encode(), headers=headers
    )
    return {"status": answer.status_code, "headers": dict(answer.headers), "body": answer.text}


def comparable(vector: dict[str, Any], response: dict[str, Any]) -> tuple[int, str]:
    return response["status"], masked(vector["id"], response["body"])


# ------------------------------------------------------------------ typed mode

TYPED = [vector for vector in VECTORS if "typed_mode" in vector]


def test_typed_cells_are_what_neons_own_code_makes_of_them(server: Server, database_url: str) -> None:
    """The vectors tell what Neon's converter makes of each type; where it fails, the whole request fails."""
    differences: dict[str, Any] = {}
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        for vector in TYPED:
            prepare(client, database_url, vector)
            body = json.loads(vector["requests"][0]["body"])
            answer = client.post(
                "/sql", json=body, headers={"Neon-Connection-String": database_url, "Neon-Array-Mode": "true"}
            )
            wanted = vector["typed_mode"]
            got = typed_cell(answer)
            lacking = OPTIONAL.get(vector["id"])
            alike = masked(vector["id"], got) == masked(vector["id"], wanted.get("ok", "fails"))
            if not alike and not (lacking and got == "fails"):
                differences[f"{vector['id']} {vector['name']}"] = (wanted, got)
    assert differences == {}
    assert len(TYPED) > 80


def typed_cell(answer: httpx.Response) -> str:
    """Return the one cell as the JSON text it was, or that there is none."""
    if answer.status_code != 200:
        return "fails"
    found = re.search(r'"rows":\[\[(.*)\]\],"command"', answer.text, re.DOTALL)
    assert found
    return found[1]
