"""Rows as libpq hands them on: in chunks, or one by one where it is an older one."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import courtesy
from sendoka.local import wire
from sendoka.local.backends import Backends
from sendoka.local.execution import run_batch, run_single
from sendoka.local.failure import Failure
from sendoka.local.request import Options, Query
from sendoka.local.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.local import Postgres

ROWS = Options(raw=True, array=True)
MANY = 1 << 26


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.skipif(not wire._CHUNKS, reason="libpq 17")), False])
async def backends(
    request: pytest.FixtureRequest, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Backends]:
    """Sessions over a libpq that knows chunks, and over one that does not."""
    monkeypatch.setattr(wire, "_CHUNKS", request.param)
    made = Backends(postgres.login)
    yield made
    made.close()


async def rows(backends: Backends, database: str, postgres: Postgres, *texts: str, limit: int = MANY) -> Any:
    """Run statements, and return what is in the answer."""
    login = postgres.login
    backend = await backends.acquire(Target(login.user, login.password, database))
    keep = False
    try:
        queries = [Query(text, []) for text in texts]
        body = await (
            run_single(backend, queries[0], ROWS, limit)
            if len(texts) == 1
            else run_batch(backend, queries, ROWS, limit)
        )
        keep = True
    finally:
        backends.release(backend, keep=keep)
    return json.loads(body)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000])
async def test_all_come_in_their_order(backends: Backends, postgres: Postgres, database: str, count: int) -> None:
    text = f"select n, nullif(n % 3, 0) from generate_series(1, {count}) n"
    result = await rows(backends, database, postgres, text)
    assert result["rows"] == [[str(n), str(n % 3) if n % 3 else None] for n in range(1, count + 1)]
    assert (result["command"], result["rowCount"]) == ("SELECT", count)


async def test_statements_of_a_batch_keep_theirs(backends: Backends, postgres: Postgres, database: str) -> None:
    texts = [
        "create table t (i int)",
        "insert into t select generate_series(1, 200) returning i",
        "select",
        "delete from t",
    ]
    results = (await rows(backends, database, postgres, *texts, "select i from t"))["results"]
    told = [(result["command"], result["rowCount"], len(result["rows"])) for result in results]
    assert told == [("CREATE", None, 0), ("INSERT", 200, 200), ("SELECT", 1, 1), ("DELETE", 200, 0), ("SELECT", 0, 0)]


async def test_every_character_is_written_as_it_is_alone(backends: Backends, postgres: Postgres, database: str) -> None:
    """Rows are written as JSON many at a time; which characters are escaped, and how, is that of each by itself."""
    login = postgres.login
    target = Target(login.user, login.password, database)
    backend = await backends.acquire(target)
    some = "select chr(n) || 'x', null, chr(8364 + n) from generate_series(1, 700) n where n <> 128"
    body = await run_single(backend, Query(some, []), ROWS, MANY)
    backends.release(backend, keep=True)
    alone = [encode_basestring(f"{chr(n)}x") + ",null," + encode_basestring(chr(8364 + n)) for n in range(1, 701)]
    del alone[127]
    assert f'"rows":[[{"],[".join(alone)}]]' in body.decode()


async def test_others_go_on_while_many_are_written(
    backends: Backends, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers: list[None] = []
    monkeypatch.setattr(courtesy, "_yield", lambda: offers.append(None))
    await rows(backends, database, postgres, "select generate_series(1, 1000)")
    assert len(offers) >= 1000 // wire.ROWS_AT_A_TIME


@pytest.mark.parametrize("limit", [100, 5_000, 100_000])
async def test_over_the_limit_end_the_statement(
    backends: Backends, postgres: Postgres, database: str, limit: int
) -> None:
    text = "select repeat('x', 50), generate_series(1, 1000000000)"
    with pytest.raises(Failure) as failed:
        await rows(backends, database, postgres, text, limit=limit)
    assert (failed.value.status, failed.value.message) == (507, f"response is too large (max is {limit} bytes)")
    assert (await rows(backends, database, postgres, "select 1"))["rows"] == [["1"]]


async def test_an_error_after_rows_is_the_answer(backends: Backends, postgres: Postgres, database: str) -> None:
    with pytest.raises(Failure) as failed:
        await rows(backends, database, postgres, "select 1 / (500 - n) from generate_series(1, 1000) n")
    assert failed.value.fields["code"] == "22012"


async def test_types_are_looked_up_beside_the_statement(backends: Backends, postgres: Postgres, database: str) -> None:
    made = ["create type mood as enum ('sad')", "create type pair as (a int, b text)"]
    login = postgres.login
    typed = Options(raw=False, array=True)
    backend = await backends.acquire(Target(login.user, login.password, database))
    try:
        texts = [
            *made,
            "select array['sad']::mood[], 'sad'::mood, array[(1, 'x')::pair]",
            "select array['sad']::mood[]",
        ]
        body = await run_batch(backend, [Query(text, []) for text in texts], typed, MANY)
        results = json.loads(body)["results"]
        assert [result["rows"] for result in results[2:]] == [[[["sad"], "sad", ["(1,x)"]]], [[["sad"]]]]
    finally:
        backends.release(backend, keep=True)
    assert backend.usable
