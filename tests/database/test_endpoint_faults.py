"""Faults on demand: what the client sees, and what the database kept."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sendoka.errors import SettingsError
from sendoka.local import Endpoint, in_process, inject
from sendoka.local.faults import control

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from sendoka.local import Postgres, Server
    from sendoka.local.faults import FaultKind

CLOSED = httpx.RemoteProtocolError

INSERT = {"queries": [{"query": "insert into t values (1)"}, {"query": "insert into t values (2)"}]}


@pytest.fixture
async def client(
    server: Server, database_url: str, direct: psycopg.Connection[Any]
) -> AsyncIterator[httpx.AsyncClient]:
    direct.execute("create table t (i int)")
    direct.execute("grant all on t to public")
    headers = {"Neon-Connection-String": database_url, "Neon-Array-Mode": "true"}
    async with httpx.AsyncClient(base_url=f"http://localhost:{server.port}", headers=headers) as made:
        yield made


def count(direct: psycopg.Connection[Any]) -> int:
    found = direct.execute("select count(*) from t").fetchone()
    assert found
    return int(found[0])


async def test_a_commit_may_be_answered_with_connection_closed(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any]
) -> None:
    endpoint.faults.add("connection_closed", match="insert into t")
    answer = await client.post("/sql", json=INSERT)
    assert (answer.status_code, answer.json()["message"], answer.json()["code"]) == (400, "connection closed", "")
    assert count(direct) == 2
    assert (await client.post("/sql", json=INSERT)).status_code == 200


@pytest.mark.parametrize(("kind", "rows"), [("cut_after", 2), ("cut_before", 0), ("cut_body", 2)])
async def test_the_connection_may_be_cut(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any], kind: FaultKind, rows: int
) -> None:
    endpoint.faults.add(kind)
    with pytest.raises(CLOSED):
        await client.post("/sql", json=INSERT)
    assert count(direct) == rows
    assert endpoint.exchanges[0].status is None
    assert (await client.post("/sql", json=INSERT)).status_code == 200


async def test_a_cut_hides_an_error_too(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("cut_after")
    with pytest.raises(CLOSED):
        await client.post("/sql", json={"query": "select 1/0"})


async def test_a_statement_that_fails_is_no_lost_commit(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("connection_closed")
    answer = await client.post("/sql", json={"query": "select 1/0"})
    assert answer.json()["code"] == "22012"


async def test_a_request_may_be_refused(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any]
) -> None:
    endpoint.faults.add("refuse")
    endpoint.faults.add("refuse", message="Too many connections attempts", status=500)
    messages = [(await client.post("/sql", json=INSERT)).json()["message"] for _ in range(2)]
    assert messages == ["Control plane request failed", "Too many connections attempts"]
    assert count(direct) == 0


async def test_a_request_may_be_slow(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("delay", seconds=0.3)
    started = time.monotonic()
    assert (await client.post("/sql", json=INSERT)).status_code == 200
    assert time.monotonic() - started >= 0.3


async def test_a_request_may_arrive_after_its_own_resend(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any]
) -> None:
    endpoint.faults.add("late")
    with pytest.raises(CLOSED):
        await client.post("/sql", json=INSERT)
    await client.post("/sql", json={"query": "select 1"})
    assert count(direct) == 0
    assert (await client.post("/sql", json=INSERT)).status_code == 200
    assert await rows_come_to(direct, 4)


async def test_a_request_may_arrive_after_a_while(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any]
) -> None:
    endpoint.faults.add("late", seconds=0.2)
    with pytest.raises(CLOSED):
        await client.post("/sql", json=INSERT)
    assert count(direct) == 0
    assert await rows_come_to(direct, 2)


async def test_only_what_matches_is_met_and_only_so_often(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    fault = endpoint.faults.add("refuse", match=r"into t values \(2\)", regex=True, skip=1, times=2)
    texts = ("select 1", *["insert into t values (2)"] * 4)
    statuses = [(await client.post("/sql", json={"query": text})).status_code for text in texts]
    assert statuses == [200, 200, 500, 500, 200]
    assert endpoint.faults.hits(fault) == 2


async def test_without_a_socket_the_client_sees_a_read_error(postgres: Postgres, database_url: str) -> None:
    endpoint = Endpoint(postgres)
    endpoint.faults.add("cut_after")
    endpoint.faults.add("cut_body")
    async with in_process(endpoint) as client:
        for _ in range(2):
            with pytest.raises(httpx.ReadError):
                await client.post(
                    "http://x/sql", json={"query": "select 1"}, headers={"Neon-Connection-String": database_url}
                )
    await endpoint.aclose()


async def rows_come_to(direct: psycopg.Connection[Any], rows: int) -> bool:
    for _ in range(100):
        if count(direct) == rows:
            return True
        await asyncio.sleep(0.05)
    return False


class TestFromAnotherProcess:
    def test_faults_are_set_listed_and_cleared(self, database_url: str, endpoint: Endpoint) -> None:
        code = "import sys; from sendoka.local import inject; inject(sys.argv[1], 'refuse', match='abc', times=3)"
        subprocess.run([sys.executable, "-c", code, database_url], check=True)
        with httpx.Client() as client:
            url = database_url.partition("@")[2].partition("/")[0]
            answer = client.post(
                f"http://{url}/sql", json={"query": "select 'abc'"}, headers={"Neon-Connection-String": database_url}
            )
        assert answer.status_code == 500
        state = control(database_url)
        assert state["requests"] == endpoint.requests == 1
        assert [(fault["kind"], fault["hits"]) for fault in state["faults"]] == [("refuse", 1)]
        assert control(database_url, "DELETE")["faults"] == []

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"kind": "explode"}, "'explode' is no fault"),
            ({"match": "x"}, 'at least a "kind"'),
            ({"kind": "delay", "secs": 1}, "a fault has no 'secs'"),
            ({"kind": "delay", "times": "many"}, "cannot be|not supported"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, database_url: str, body: dict[str, Any], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            control(database_url, "POST", body)
        assert control(database_url)["faults"] == []

    def test_the_password_is_asked_for(self, database_url: str, endpoint: Endpoint) -> None:
        wrong = database_url.replace("@", "x@")
        with pytest.raises(SettingsError, match="password authentication failed") as refused:
            inject(wrong, "cut_after")
        assert wrong not in str(refused.value)
        assert not endpoint.faults

    @pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff"])
    def test_a_broken_body_is_refused(self, database_url: str, server: Server, body: bytes) -> None:
        answer = httpx.post(
            f"http://localhost:{server.port}/sendoka", content=body, headers={"Neon-Connection-String": database_url}
        )
        assert answer.status_code == 400
        assert json.loads(answer.text)["message"]

    def test_a_foreign_page_cannot_set_faults(self, database_url: str, server: Server, endpoint: Endpoint) -> None:
        answer = httpx.post(
            f"http://localhost:{server.port}/sendoka",
            json={"kind": "cut_after"},
            headers={"Neon-Connection-String": database_url, "Origin": "https://example.com"},
        )
        assert answer.status_code == 403
        assert not endpoint.faults
