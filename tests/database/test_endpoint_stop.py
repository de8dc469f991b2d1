"""The end of a server: what its clients are told, and what it leaves behind in PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, errors, neon
from sendoka.local import Endpoint, Server, server
from sendoka.local import backends as sessions

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from sendoka.local import Postgres

SLEEPING = "select count(*) from pg_stat_activity where datname = current_database() and query like 'select pg_sleep(%'"


async def comes_to(direct: psycopg.Connection[Any], number: int, condition: str = "") -> bool:
    """Tell whether so many sessions of the test's database sleep, soon."""
    for _ in range(200):
        if direct.execute(SLEEPING + condition).fetchone() == (number,):
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LIMIT", 3)
    monkeypatch.setattr(server, "GRACE", 0.5)


async def test_what_runs_and_what_waits_is_told_and_cancelled(
    postgres: Postgres, database: str, direct: psycopg.Connection[Any]
) -> None:
    with Server(Endpoint(postgres)) as local:
        async with neon(local.connection_string(database), retry=Retry(attempts=1)) as sql:
            asked = [asyncio.create_task(sql("select pg_sleep(60)").value()) for _ in range(5)]
            batch = asyncio.ensure_future(sql.transaction([sql("select pg_sleep(60)")]))
            assert await comes_to(direct, 3, " and state = 'active'")
            await asyncio.to_thread(local.stop)
            told = await asyncio.gather(*asked, batch, return_exceptions=True)
    assert [str(error).splitlines()[0] for error in told] == ["the endpoint lost the database: connection closed"] * 6
    assert {type(error) for error in told} == {errors.AnswerLost}
    assert await comes_to(direct, 0)


async def test_a_statement_that_ends_soon_is_answered(
    postgres: Postgres, database: str, direct: psycopg.Connection[Any]
) -> None:
    with Server(Endpoint(postgres)) as local:
        async with neon(local.connection_string(database), retry=Retry(attempts=1)) as sql:
            asked = asyncio.create_task(sql("select pg_sleep(0.3), 7").one())
            assert await comes_to(direct, 1, " and state = 'active'")
            await asyncio.to_thread(local.stop)
            assert (await asked)[1] == 7
