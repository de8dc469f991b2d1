"""The official driver beside ours: the same transactions send the same, get the same, and leave the same rows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, neon
from sendoka.errors import DatabaseError
from tests.conformance.answers import error_of, result_of
from tests.conformance.transactions import TABLE, TRANSACTIONS, Written, as_json, python_value
from tests.conformance.vectors import Sent, sent_of
from tests.fixtures.proxy import Proxy

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Server

    Direct = psycopg.Connection[Any]

# Where the drivers differ on purpose: what of it, and why.
DIFFERENT = {"nothing at all": ("sent", "a transaction of nothing needs no request of ours")}

FIRST_OWN_OID = 16384


@dataclass(frozen=True, slots=True)
class Seen:
    """What a driver sent, what its caller got, and the rows that were there afterwards."""

    sent: list[Sent]
    got: dict[str, Any]
    rows: list[tuple[Any, ...]]


def test_there_are_sixty_transactions() -> None:
    assert len({one.name for one in TRANSACTIONS}) == len(TRANSACTIONS) == 60
    assert DIFFERENT.keys() <= {one.name for one in TRANSACTIONS}


@pytest.mark.peers
async def test_the_official_driver_and_ours_do_the_same(
    peers: Path, server: Server, database_url: str, direct: Direct
) -> None:
    async with Proxy(server.port) as proxy:
        url = database_url.replace(f"localhost:{server.port}", f"127.0.0.1:{proxy.port}")
        theirs = await by_theirs(peers, url, proxy, direct)
        ours = await by_ours(url, proxy, direct)
    found = {one.name: differences(one, their, our) for one, their, our in zip(TRANSACTIONS, theirs, ours, strict=True)}
    assert {name: different for name, different in found.items() if different} == {}


def differences(one: Written, theirs: Seen, ours: Seen) -> list[Any]:
    """Return what is different, and is not to be; or is not, and is said to be."""
    expected = DIFFERENT.get(one.name, ("", ""))[0]
    return [
        (aspect, getattr(theirs, aspect), getattr(ours, aspect))
        for aspect in ("sent", "got", "rows")
        if (getattr(theirs, aspect) != getattr(ours, aspect)) != (aspect == expected)
    ]


async def by_theirs(peers: Path, url: str, proxy: Proxy, direct: Direct) -> list[Seen]:
    """Run all of them through the official driver, in one process."""
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", "differential.mjs", url, cwd=peers, stdin=pipe, stdout=pipe)
    assert node.stdin is not None
    assert node.stdout is not None
    seen = []
    try:
        for written in as_json():
            prepare(proxy, direct)
            node.stdin.write(json.dumps(written).encode() + b"\n")
            got = json.loads(await asyncio.wait_for(node.stdout.readline(), 30))
            assert got.pop("name", "NeonDbError") == "NeonDbError", got
            seen.append(Seen(sent_by(proxy), _without_own_oids(got), left(direct)))
    finally:
        node.stdin.close()
        assert await node.wait() == 0
    return seen


async def by_ours(url: str, proxy: Proxy, direct: Direct) -> list[Seen]:
    """Run all of them through ours."""
    seen = []
    async with neon(url, transport="native", retry=Retry(attempts=1)) as sql:
        for one in TRANSACTIONS:
            prepare(proxy, direct)
            got = await gotten(sql, one)
            seen.append(Seen(sent_by(proxy), _without_own_oids(got), left(direct)))
    return seen


async def gotten(sql: Neon, one: Written) -> dict[str, Any]:
    queries = [sql(text, *map(python_value, params)) for text, params in one.queries]
    names = {"isolationLevel": "isolation_level", "readOnly": "read_only", "deferrable": "deferrable"}
    options: dict[str, Any] = {names[name]: value for name, value in one.options.items()}
    try:
        done = await sql.transaction(queries, **options)
    except DatabaseError as error:
        return {"error": error_of(error)}
    return {"results": [result_of(result) for result in done.results]}


def prepare(proxy: Proxy, direct: Direct) -> None:
    for statement in TABLE:
        direct.execute(statement.encode())
    proxy.heads.clear()
    proxy.bodies.clear()


def sent_by(proxy: Proxy) -> list[Sent]:
    sent = []
    for head, body in zip(proxy.heads, proxy.bodies, strict=True):
        first, *lines = head.decode().strip().split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        sent.append(sent_of(first, headers, body.decode()))
    return sent


def left(direct: Direct) -> list[tuple[Any, ...]]:
    return direct.execute("select * from t order by id").fetchall()


def _without_own_oids(got: dict[str, Any]) -> dict[str, Any]:
    """The tables are made anew for each driver, with other numbers."""
    for result in got.get("results", []):
        for one in result["fields"]:
            one.pop("format", None)
            if one["tableID"] >= FIRST_OWN_OID:
                one["tableID"] = "ours"
    return got
