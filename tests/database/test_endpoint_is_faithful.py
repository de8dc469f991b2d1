"""The endpoint against recorded exchanges: what a re-implementation of Neon's documented steps answered, byte for byte.

The vectors were recorded over PostgreSQL 15.18. What may differ is listed here with its reason, and nothing else may.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local import Server

FILE = Path(__file__).parent.parent / "vectors" / "neon-http.jsonl"
VECTORS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]

# Objects that stood in the recorded database already, and that no vector makes. Vector by vector, before it.
STOOD_THERE = {
    "v158": ["create table cap_u (id int)"],
    "v327": ["create function void_fn() returns void language sql as $$ select $$"],
    "v328": ["create type mood as enum ('sad', 'happy')"],
    "v330": ["create domain posint as int check (value > 0)"],
    "v365": ["insert into sv_t values (1, 1), (2, 2), (3, 3)"],
}

# Reasons why a whole answer differs, by vector.
DIFFERENT = {
    "v334": "it shows the name of the superuser, which is another one here",
}

# What a PostgreSQL may be built without, by vector: the code it then answers with.
OPTIONAL = {
    "v313": "0A000",  # the wheel's is built without libxml
}

# Numbers from this one on belong to the database that gave them.
FIRST_OWN_OID = 16384
OID = re.compile(r'"(tableID|dataTypeID)":(\d+)')

# Where in PostgreSQL's source an error is raised changes from release to release; libpq hands on no line at all for a
# refused login.
SOURCE = re.compile(r'"file":("[^"]*"|null),"line":("\d+"|null),"routine":("[^"]*"|null)')

HOP_BY_HOP = {"host", "connection", "content-length", "accept-encoding"}


def exchanges(group: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield vector and request of what the re-implementation answered; canned answers tell nothing about a server."""
    for vector in VECTORS:
        for request in vector.get("requests", []):
            if vector.get("group") == group and request.get("response", {}).get("source") == "oracle":
                yield vector, request


GROUPS = sorted({str(vector.get("group")) for vector in VECTORS if any(exchanges(str(vector.get("group"))))})


@pytest.mark.parametrize("group", GROUPS)
def test_every_recorded_exchange_is_answered_alike(group: str, server: Server, database_url: str) -> None:
    differences: dict[str, Any] = {}
    count = 0
    with httpx.Client(base_url=f"http://localhost:{server.port}") as client:
        for vector, request in exchanges(group):
            prepare(client, database_url, vector)
            wanted, got = request["response"], replay(client, database_url, request)
            count += 1
            lacking = OPTIONAL.get(vector["id"])
            if vector["id"] in DIFFERENT or (lacking and f'"code":"{lacking}"' in got["body"]):
                continue
            if comparable(got) != comparable(wanted) or not wanted["headers"].items() <= got["headers"].items():
                differences[f"{vector['id']} {vector['name']}"] = (wanted, got)
    assert differences == {}
    assert count


def test_no_exchange_with_the_server_is_left_out() -> None:
    assert len(list(exchanges("server"))) == 53
    assert sum(len(list(exchanges(group))) for group in GROUPS) == 210


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


def ours(value: str, url: str) -> str:
    """Return a recorded connection string with our role; what is wrong with a string on purpose stays wrong."""
    recorded = re.fullmatch(r"postgresql://neon:pw@[^/]*/(\w+)(\?.*)?", value)
    if recorded is None:
        return value
    return url if recorded[1] == "neondb" else url.rpartition("/")[0] + "/" + recorded[1]


def comparable(response: dict[str, Any]) -> tuple[int, str]:
    body = SOURCE.sub('"source"', OID.sub(_without_own_oids, response["body"]))
    return response["status"], body


def _without_own_oids(found: re.Match[str]) -> str:
    return found[0] if int(found[2]) < FIRST_OWN_OID else f'"{found[1]}":"ours"'


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
            if vector["id"] not in DIFFERENT and got != wanted.get("ok", "fails") and not (lacking and got == "fails"):
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
