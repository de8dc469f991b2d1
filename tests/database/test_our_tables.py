"""Our own tables have a version: a newer Sendoka brings them to its own in one transaction, an older one refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sendoka import Retry, bookkeeping, neon
from sendoka.bookkeeping import read_facts, upgrade
from sendoka.database.home import Ours
from sendoka.errors import MigrationError
from sendoka.migrations import migrate, status
from tests.database.test_namespace import fill

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka import Neon

STEPS = {
    1: (Ours("alter table sendoka.migrations add column if not exists note text"),),
    2: (
        Ours("alter table sendoka.migrations add column if not exists host text"),
        Ours("create table sendoka.counted (at timestamptz default now())"),
    ),
}


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be a Sendoka two formats ahead."""
    monkeypatch.setattr(bookkeeping, "FORMAT", 3)
    monkeypatch.setattr(bookkeeping, "UPGRADES", STEPS)


async def columns(sql: Neon) -> set[str]:
    found = await sql("select attname::text from pg_attribute where attrelid = 'sendoka.migrations'::regclass")
    return {row[0] for row in found}


async def test_a_newer_one_upgrades_them_with_what_is_pending(
    sql: Neon, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = fill(tmp_path / "one", "create table a ()")
    await migrate(sql, folder)
    request.getfixturevalue("newer")
    assert (await migrate(sql, folder)).applied == ()  # nothing to do is one request, whatever the format
    assert not {"note", "host"} & await columns(sql)
    grown = fill(tmp_path / "two", "create table a ()", "create table b ()")
    assert [each.name for each in (await migrate(sql, grown)).applied] == ["0001_step"]
    assert {"note", "host"} <= await columns(sql)
    assert (await read_facts(sql))["format"].value == "3"
    assert (await migrate(sql, grown, verify=True)).applied == ()


async def test_an_older_one_refuses_them(sql: Neon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "one", "create table a ()")
    with monkeypatch.context() as patch:
        patch.setattr(bookkeeping, "FORMAT", 3)
        patch.setattr(bookkeeping, "UPGRADES", STEPS)
        await migrate(sql, folder)
        await upgrade(sql)
    for call in (migrate(sql, folder), status(sql, folder)):
        with pytest.raises(
            MigrationError, match=r"the tables of this database have format 3, and .* knows up to 1"
        ) as e:
            await call
        assert "install the Sendoka" in e.value.todo


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
async def test_among_many_it_happens_once(
    sql: Neon, database: str, database_url: str, newer: None, isolation: str
) -> None:
    await sql(f"alter database {database} set default_transaction_isolation = '{isolation}'")
    await bookkeeping.ensure(sql, ())
    await sql("create table if not exists sendoka.migrations (seq int)")
    clients = [neon(database_url, retry=Retry(attempts=1)) for _ in range(12)]
    await asyncio.gather(*(upgrade(client) for client in clients))
    for client in clients:
        await client.aclose()
    assert (await read_facts(sql))["format"].value == "3"
    assert await sql("select count(*) from pg_class where relname = 'counted'").value() == 1
