"""Statements that are sent all at once: whoever asks sees what he would see if each waited for the one before it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.local import execution
from sendoka.local.backends import Backends
from sendoka.local.execution import run_batch
from sendoka.local.failure import Failure
from sendoka.local.request import MOST_PARAMS, Options, Query
from sendoka.local.target import Target
from sendoka.local.wire import Backend, may_follow_unseen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.local import Postgres

RAW = Options(raw=True, array=True)
LIMIT = 20_000
INSERT = "insert into notes values (1) returning i"

CASES: dict[str, list[str | Query]] = {
    "nothing": [],
    "one": [INSERT],
    "several": ["select", INSERT, "update notes set i = i + 1", "select i from notes", "delete from notes"],
    "many rows": [INSERT, "select generate_series(1, 200)", "select 1"],
    "no text": ["", INSERT, "-- nothing", INSERT],
    "parameters": [Query("insert into notes values ($1), ($2)", [b"7", None]), "select * from notes"],
    "cannot be parsed, the first": ["selec 1", INSERT],
    "cannot be parsed, the middle": [INSERT, "select nothing from notes", INSERT],
    "cannot be parsed, the last": [INSERT, INSERT, "select $1"],
    "cannot be bound": [INSERT, Query("insert into notes values ($1)", [b"x"]), INSERT],
    "parameters too few": [INSERT, Query("insert into notes values ($1)", []), INSERT],
    "fails as it runs": [INSERT, "select 1 / i from generate_series(-200, 0) i", INSERT],
    "what fails comes before what is no text": ["select 1 / 0", "select '\0'"],
    "no text behind what fails": [INSERT, "select '\0'", "select 1 / 0"],
    "a parameter that is no text": [INSERT, Query("select $1::text", [b"a\0b"]), INSERT],
    "parameters too many": [INSERT, Query("select 1", [b"1"] * (MOST_PARAMS + 1)), "select 1 / 0"],
    "two commands": [INSERT, "select 1; select 2"],
    "copy out": [INSERT, "copy notes to stdout", INSERT],
    "copy in": [INSERT, "copy notes from stdin", INSERT],
    "commits, and fails": [INSERT, "commit", INSERT, "select 1 / 0", INSERT],
    "commits, and goes on": [INSERT, "commit and chain", INSERT],
    "rolls back, and goes on": [INSERT, "rollback", "insert into notes values (2)"],
    "begins twice": ["begin", INSERT],
    "a savepoint": [INSERT, "savepoint s", INSERT, "rollback to s", "select * from notes"],
    "a failure that only the commit shows": ["insert into later values (1), (1)", INSERT],
    "a failure that the commit would show, shown": [
        "insert into later values (1), (1)",
        "set constraints all immediate",
    ],
    "settings": ["set local datestyle to german", "select date '2026-11-26'", "show transaction_isolation"],
    "prepared": ["prepare p as select 5", "execute p", "deallocate p", "execute p"],
    "a cursor": ["declare c cursor for select generate_series(1, 9)", "fetch 2 from c", "fetch 2 from c"],
    "a type of its own": ["create type mood as enum ('good')", "select 'good'::mood, array['good'::mood]"],
    "not in a transaction": [INSERT, "vacuum notes"],
    "too large": [INSERT, "select repeat('x', 300) from generate_series(1, 1000)", INSERT],
    "too large with the last row": [INSERT, "select repeat('x', 30000)", INSERT, "select 1"],
    "a procedure that commits": [INSERT, "call committing()", INSERT],
}


@pytest.fixture
async def backends(postgres: Postgres) -> AsyncIterator[Backends]:
    made = Backends(postgres.login)
    yield made
    made.close()


async def answer(backends: Backends, target: Target, texts: list[str | Query], options: Options = RAW) -> Any:
    """Run a batch; return its answer, or how it failed."""
    backend, keep = await backends.acquire(target), False
    queries = [each if isinstance(each, Query) else Query(each, []) for each in texts]
    try:
        body = await run_batch(backend, queries, options, LIMIT)
        keep = True
        return json.loads(body)
    except Failure as failure:
        keep = failure.keeps_session
        return failure.message, failure.status, dict(failure.fields), failure.keeps_session
    finally:
        backends.release(backend, keep=keep)


TABLES = (
    "drop type if exists mood",
    "drop table if exists notes, later",
    "create table notes (i int)",
    "create table later (i int unique deferrable initially deferred)",
    "create or replace procedure committing() language plpgsql as 'begin commit; end'",
)


@pytest.mark.parametrize("level", ["", " ISOLATION LEVEL REPEATABLE READ"])
async def test_a_batch_is_answered_as_if_each_had_waited_for_the_one_before(
    backends: Backends, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    login = postgres.login
    target = Target(login.user, login.password, database)
    options = Options(raw=True, array=True, begin=f"START TRANSACTION{level}")

    async def seen(texts: list[str | Query]) -> Any:
        await answer(backends, target, [*TABLES])
        return await answer(backends, target, texts, options), await answer(backends, target, ["select i from notes"])

    together = {name: await seen(texts) for name, texts in CASES.items()}
    monkeypatch.setattr(execution, "may_follow_unseen", lambda query: False)
    for name, texts in CASES.items():
        assert masked(together[name]) == masked(await seen(texts)), name


def masked(found: Any) -> Any:
    """Return it without the numbers that a table made anew has."""
    return json.loads(json.dumps(found), object_hook=lambda each: {**each, "tableID": 0, "dataTypeID": 0})


async def test_they_are_sent_at_once(
    backends: Backends, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = 0
    flush = Backend._flush

    def counted(self: Backend) -> Any:
        nonlocal flushes
        flushes += 1
        return flush(self)

    login = postgres.login
    target = Target(login.user, login.password, database)
    await answer(backends, target, [])
    monkeypatch.setattr(Backend, "_flush", counted)
    await answer(backends, target, ["select 1"] * 5)
    sent, flushes = flushes, 0
    await answer(backends, target, ["select 1"] * 5, Options(raw=False, array=True))
    assert sent < 5 < 10 < flushes


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("select 1", True),
        ("rollback to savepoint s", True),
        ("savepoint s", True),
        ("/* so */ commit", False),
        ("end", False),
        ("rollback", False),
        ("begin", False),
        ("start transaction", False),
        ("prepare transaction 'x'", False),
        ("prepare x as select 1", True),
        ("select '\0'", False),
    ],
)
def test_what_ends_a_transaction_is_waited_for(text: str, may: bool) -> None:
    assert may_follow_unseen(Query(text, [])) is may


async def test_what_stands_behind_an_answer_too_large_does_not_go_on(
    backends: Backends, postgres: Postgres, database: str
) -> None:
    login = postgres.login
    target = Target(login.user, login.password, database)
    large = "select repeat('x', 300) from generate_series(1, 200)"  # not so large that PostgreSQL cannot get it sent
    message, status, *_ = await answer(backends, target, [large, "select pg_sleep(60), 'behind'"])
    assert (status, message) == (507, f"response is too large (max is {LIMIT} bytes)")
    query = "select count(*) from pg_stat_activity where query like '%''behind''%' and pid <> pg_backend_pid()"
    async with asyncio.timeout(10):
        while (await answer(backends, target, [query]))["results"][0]["rows"] != [["0"]]:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
