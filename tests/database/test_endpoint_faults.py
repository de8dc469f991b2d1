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

from sendoka.errors import EndpointError, SettingsError
from sendoka.local import Endpoint, in_process, inject
from sendoka.local.faults import KINDS, control

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


SINGLE = {"query": "insert into t values (1), (2) returning i"}

# Every kind that answers: the status, a word of the body, and the rows that an insert of two leaves behind, sent as a
# batch and as a single statement.
ANSWERED: dict[FaultKind, tuple[int, str, int, int]] = {
    "refuse": (500, '"Control plane request failed"', 0, 0),
    "too_large": (413, "request is too large (max is 67108864 bytes)", 0, 0),
    "json_string": (400, '"query is not supported"', 0, 0),
    "control_plane": (500, '"Control plane request failed"', 0, 0),
    "no_endpoint": (500, "endpoint cannot be found", 0, 0),
    "endpoint_disabled": (500, "endpoint is disabled", 0, 0),
    "quota": (500, "Check your quotas and/or contact our support.", 0, 0),
    "no_compute": (500, '"Couldn\'t connect to compute node"', 0, 0),
    "wake_up_limit": (500, '"Too many connections attempts"', 0, 0),
    "connection_limit": (500, "Too many connections to this endpoint. Please try again later.", 0, 0),
    "no_permit": (500, "Failed to acquire permit to connect to the database.", 0, 0),
    "broken_pool": (500, '"pooled connection closed at inconsistent state"', 0, 0),
    "login_lost": (500, '"error communicating with the server"', 0, 0),
    "no_slots": (500, '"code":"53300"', 0, 0),
    "starting_up": (500, '"code":"57P03"', 0, 0),
    "wake_up_fails": (500, '"Couldn\'t connect to compute node"', 0, 0),
    "wake_up": (200, "rowCount", 2, 2),
    "delay": (200, "rowCount", 2, 2),
    "drip": (200, "rowCount", 2, 2),
    "connection_closed": (400, '"connection closed"', 2, 2),
    "answer_too_large": (507, "response is too large (max is 67108864 bytes)", 0, 2),
    "unreadable": (500, '"could not parse postgres response"', 0, 2),
    "twice": (200, "rowCount", 4, 4),
    "html": (502, "<h1>502 Bad Gateway</h1>", 2, 2),
    "empty": (504, "", 2, 2),
    "msg": (503, '{"msg":"Shutting down"}', 2, 2),
    "canceled": (400, '{"message":"Query cancelled","code":"08P01"}', 2, 2),
    "half_json": (200, '{"', 2, 2),
    "answer": (200, "", 2, 2),
}
CUT: dict[FaultKind, int] = {"cut_before": 0, "cut_after": 2, "cut_head": 2, "cut_body": 2}


def test_every_kind_is_tried() -> None:
    assert ANSWERED.keys() | CUT.keys() | {"late", "random"} == KINDS.keys()


@pytest.mark.parametrize("body", [INSERT, SINGLE], ids=["batch", "single"])
async def test_each_kind_answers_and_runs_as_it_says(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any], body: dict[str, Any]
) -> None:
    got = {}
    for kind in ANSWERED:
        direct.execute("truncate t")
        options: dict[str, Any] = {"seconds": 0.02} if "seconds" in KINDS[kind].options else {}
        endpoint.faults.add(kind, **options)
        answer = await client.post("/sql", json=body)
        got[kind] = (answer.status_code, answer.text, count(direct))
        assert answer.headers["neon-request-id"]
        assert endpoint.exchanges[-1].status == answer.status_code
    for kind, (status, word, batch, single) in ANSWERED.items():
        assert (got[kind][0], got[kind][2]) == (status, single if body is SINGLE else batch), kind
        assert word in got[kind][1], kind
    assert not got["half_json"][1].endswith("}")


@pytest.mark.parametrize("kind", ["html", "empty", "msg", "canceled", "answer"])
async def test_an_answer_that_is_none_of_neons_may_come_without_running(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any], kind: FaultKind
) -> None:
    endpoint.faults.add(kind, run=False)
    assert (await client.post("/sql", json=INSERT)).status_code == (KINDS[kind].status)
    assert count(direct) == 0


async def test_any_answer_can_be_given(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("answer", status=307, body="gone ü", type="text/plain", location="http://localhost:1/sql")
    answer = await client.post("/sql", json=INSERT)
    assert (answer.status_code, answer.text, answer.headers["location"]) == (307, "gone ü", "http://localhost:1/sql")
    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("kind", ["connection_closed", "answer_too_large", "unreadable", "twice"])
async def test_a_batch_that_fails_by_itself_is_answered_with_its_own_error(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any], kind: FaultKind
) -> None:
    endpoint.faults.add(kind)
    queries = [{"query": "insert into t values (1)"}, {"query": "select 1/0"}]
    answer = await client.post("/sql", json={"queries": queries})
    assert (answer.status_code, answer.json()["code"]) == (400, "22012")
    assert count(direct) == 0


@pytest.mark.parametrize(
    ("kind", "at", "received"),
    [
        ("cut_head", 0, b""),
        ("cut_head", 20, b"HTTP/1.1 200 OK\r\ncon"),
        ("cut_head", 100_000, "head"),
        ("cut_body", 0, "head and 0"),
        ("cut_body", 7, "head and 7"),
        ("cut_body", 0.5, "head and half"),
        ("cut_body", 100_000, "head and all but one"),
    ],
)
async def test_an_answer_is_cut_where_it_is_told(
    server: Server, database_url: str, endpoint: Endpoint, kind: FaultKind, at: float, received: bytes | str
) -> None:
    whole = await exchange(server, database_url, b"select 1 as n")
    head, _, body = whole.partition(b"\r\n\r\n")
    endpoint.faults.add(kind, at=at)
    got = await exchange(server, database_url, b"select 1 as n")
    if isinstance(received, bytes):
        assert got == received
        return
    kept = {"head": -1, "head and 0": 0, "head and 7": 7, "head and half": len(body) // 2}.get(received, len(body) - 1)
    assert len(got) == len(head) + 4 + kept
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")


async def exchange(server: Server, url: str, statement: bytes) -> bytes:
    """Return the bytes that come back on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = b'{"query": "%s"}' % statement
    head = f"POST /sql HTTP/1.1\r\nhost: x\r\nneon-connection-string: {url}\r\ncontent-length: {len(body)}\r\n"
    writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
    got = await reader.read()
    writer.close()
    return got


async def test_an_answer_may_come_drop_by_drop(server: Server, database_url: str, endpoint: Endpoint) -> None:
    endpoint.faults.add("drip", seconds=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = b'{"query": "select 1 as n"}'
    head = f"POST /sql HTTP/1.1\r\nneon-connection-string: {database_url}\r\ncontent-length: {len(body)}\r\n"
    writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
    pieces = []
    while piece := await reader.read(65536):
        pieces.append(piece)
    writer.close()
    assert len(pieces) > 5
    assert b'"rows":[{"n":1}]' in b"".join(pieces)


async def test_a_wake_up_lets_every_request_wait(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("wake_up", seconds=0.4)
    started = time.monotonic()
    first = asyncio.create_task(client.post("/sql", json=INSERT))
    await asyncio.sleep(0.1)
    others = await asyncio.gather(*(client.post("/sql", json={"query": "select 1"}) for _ in range(3)))
    took = time.monotonic() - started
    assert {answer.status_code for answer in [await first, *others]} == {200}
    assert took >= 0.4
    started = time.monotonic()
    assert (await client.post("/sql", json={"query": "select 1"})).status_code == 200
    assert time.monotonic() - started < 0.3


async def test_a_wake_up_may_fail_first(client: httpx.AsyncClient, endpoint: Endpoint) -> None:
    endpoint.faults.add("wake_up_fails", seconds=0.1)
    endpoint.faults.add("wake_up", seconds=0.1)
    assert [(await client.post("/sql", json=INSERT)).status_code for _ in range(2)] == [500, 200]


async def test_a_seed_gives_the_same_faults_again(
    client: httpx.AsyncClient, endpoint: Endpoint, direct: psycopg.Connection[Any]
) -> None:
    kinds = ["refuse", "connection_closed", "html", "twice", "cut_before", "cut_body"]
    seen = []
    for _ in range(2):
        direct.execute("truncate t")
        fault = endpoint.faults.add("random", seed=11, rate=0.6, kinds=kinds)
        answers: list[int | None] = []
        for number in range(40):
            try:
                answers.append(
                    (await client.post("/sql", json={"query": f"insert into t values ({number})"})).status_code
                )
            except CLOSED:
                answers.append(None)
        rows = direct.execute("select i from t order by i").fetchall()
        seen.append((answers, rows, endpoint.faults.hits(fault)))
        endpoint.faults.clear()
    assert seen[0] == seen[1]
    assert {200, 400, 500, 502, None} <= set(seen[0][0])


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
            ({"kind": "delay", "secs": 1}, "a fault delay has no 'secs'"),
            ({"kind": "delay", "cls": 1}, "a fault delay has no 'cls'"),
            ({"kind": "delay", "self": 1}, "a fault delay has no 'self'"),
            ({"kind": "delay", "times": "many"}, "a fault's times is a whole number, not 'many'"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, database_url: str, body: dict[str, Any], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            control(database_url, "POST", body)
        assert control(database_url)["faults"] == []

    def test_the_password_is_asked_for(self, database_url: str, endpoint: Endpoint) -> None:
        wrong = database_url.replace("@", "x@")
        with pytest.raises(EndpointError, match="refused: password authentication failed") as refused:
            inject(wrong, "cut_after")
        assert refused.value.outcome == "refused"
        assert "that `sendoka dev` prints" in str(refused.value)
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
