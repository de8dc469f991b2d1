"""Tables of the user's own that are called as ours are: nothing about them is taken for something about ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate
from sendoka.errors import MigrationFailed
from sendoka.migrations import call as call_module
from sendoka.migrations import history as history_module

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.migrations.event import Event
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

NAMESAKE = ["create table migrations (id int primary key)"]
SEED = ["insert into migrations values (1)"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(call_module, "_FIRST_LOCK", 0.05)


async def test_who_waits_for_its_key_waits_for_a_lock_and_is_told_who_holds_it(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(NAMESAKE)
    await migrate(sql, tmp_path)
    chain(SEED)
    direct.autocommit = False
    direct.execute("insert into migrations values (1)")
    events: list[Event] = []
    with pytest.raises(MigrationFailed, match="did not get the locks it needs within its budget") as caught:
        await migrate(sql, tmp_path, lock_budget=0.3, deadline=10, on_event=events.append)
    assert f"pid {direct.info.backend_pid}" in caught.value.where
    assert {event.why for event in events if event.kind == "waiting"} == {
        "somebody holds a lock that 0001_brave_otter needs (55P03)"
    }


async def test_a_rival_beside_it_is_a_rival(sql: Neon, chain: Chain, tmp_path: Path, direct: Direct) -> None:
    chain(NAMESAKE)
    await migrate(sql, tmp_path)
    (first, own) = chain(SEED)
    direct.autocommit = False
    direct.execute(
        "insert into sendoka.migrations (seq, name, checksum, parent, digest, state, token, applied_by, version)"
        " values (1, 'x', %s, %s, 'd', 'running', 't', 'me', '0')",
        (own.checksum, first.checksum),
    )
    met = asyncio.Event()
    events: list[Event] = []

    def note(event: Event) -> None:
        events.append(event)
        if event.kind == "waiting":
            met.set()

    runner = asyncio.ensure_future(migrate(sql, tmp_path, lock_budget=0, on_event=note))
    await asyncio.wait_for(met.wait(), 10)
    direct.rollback()
    assert (await runner).applied[0].by_us
    assert {each.why for each in events if each.kind == "waiting"} == {"another runner is applying 0001_brave_otter"}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("insert into migrations values (1)", "permission denied for table migrations"),
        ("alter table migrations add column a int", "must be owner of table migrations"),
    ],
)
async def test_a_right_that_is_missing_on_it_is_the_statements(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct, statement: str, message: str
) -> None:
    direct.execute(NAMESAKE[0])
    chain(["create table t ()"])
    await migrate(sql, tmp_path)
    chain([statement])
    with pytest.raises(MigrationFailed, match=message) as caught:
        await migrate(sql, tmp_path)
    assert caught.value.where.startswith(f"statement 1 of 1: {statement}")
    assert "grant the role what it lacks" in caught.value.todo


async def test_a_right_that_is_missing_on_ours_is_still_told_so(
    sql: Neon, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    chain(NAMESAKE)
    await migrate(sql, tmp_path)
    chain(SEED)
    ((owner,),) = direct.execute("select tableowner from pg_tables where schemaname = 'sendoka' limit 1").fetchall()
    direct.execute(f"revoke insert on sendoka.migrations from {owner}")
    with pytest.raises(MigrationFailed, match="the role may not keep its history: permission denied") as caught:
        await migrate(sql, tmp_path)
    assert "grant usage on schema sendoka" in caught.value.todo
