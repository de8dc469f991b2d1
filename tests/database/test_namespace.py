"""Two applications in one database: each keeps its own tables in its own namespace, and neither minds the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.backfills import backfill
from sendoka.backfills import run as run_backfill
from sendoka.bookkeeping import read_facts, set_mark
from sendoka.database.home import Ours, at_home
from sendoka.database.ledger import find_entry
from sendoka.database.statement import Statement
from sendoka.direct import Direct
from sendoka.errors import MigrationError, MigrationFailed, SettingsError
from sendoka.migrations import migrate, status
from sendoka.migrations.files import parse, render
from sendoka.migrations.pusher import push
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import read_catalog
from sendoka.schema.from_python import model_from_tables

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka import Neon

USUAL, OTHER = "sendoka", "acme_sendoka"


def fill(folder: Path, *texts: str) -> Path:
    folder.mkdir()
    parent = None
    for number, text in enumerate(texts):
        name = f"{number:04d}_step"
        parent = parse(name, render(name, parent, [text], ()))
        (folder / f"{name}.sql").write_text(parent.text, encoding="utf-8")
    return folder


async def tables_in(sql: Neon, namespace: str) -> list[str]:
    found = await sql("select tablename from pg_tables where schemaname = $1 order by 1", namespace)
    return [row[0] for row in found]


async def test_each_has_its_own_history_ledger_and_marks(database_url: str, tmp_path: Path) -> None:
    one, two = (
        fill(tmp_path / "one", "create table a (id int primary key)"),
        fill(tmp_path / "two", "create table b ()"),
    )
    async with neon(database_url) as first, neon(database_url, namespace=OTHER) as second:
        for sql, folder in ((first, one), (second, two)):
            assert len((await migrate(sql, folder)).applied) == 1
            assert (await migrate(sql, folder, verify=True)).applied == ()
            assert [row.state for row in (await status(sql, folder)).rows] == ["applied"]
            await sql.transaction([sql("select 1")], once="key")
            assert (await sql.transaction([sql("select 1")], once="key")).replayed
            assert await find_entry(sql, "key") is not None
        await set_mark(second, "production")
        assert "mark" in await read_facts(second)
        assert "mark" not in await read_facts(first)
        assert await tables_in(first, OTHER) == await tables_in(first, USUAL) == ["facts", "ledger", "migrations"]
        with pytest.raises(MigrationError, match="was edited after it was applied"):
            await migrate(second, one)


async def test_push_and_backfills_keep_to_it_and_the_catalog_does_not_show_it(database_url: str) -> None:
    from sqlalchemy import Column, Integer, MetaData, Table

    schema = model_from_tables([Table("t", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False))])

    async def compare(old: Any, new: Any, renaming: Any) -> Any:
        class Found:
            changes, doubt = diff(old, new, renaming), None

        return Found

    async with neon(database_url, namespace=OTHER) as sql:
        await set_mark(sql, "dev")
        assert (await push(sql, schema, compare)).applied == 1
        assert (await push(sql, schema, compare)).applied == 0
        await sql("insert into t select generate_series(1, 5)")
        change = backfill(
            table="t", where="id < 100", sql="update t set id = t.id + 100 from page p where t.id = p.id", name="move"
        )
        assert (await run_backfill(sql, change)).done
        assert {each.namespace for each in (await read_catalog(sql)).model} <= {"", "public"}
        assert "backfill_runs" in await tables_in(sql, OTHER)
        assert await tables_in(sql, USUAL) == []


async def test_over_tcp_and_with_rights_it_is_the_same(database_url: str, direct: Any, tmp_path: Path) -> None:
    folder = fill(tmp_path / "one", "create table a ()", "select 1 / 0")
    url = f"postgresql://{direct.info.user}:{direct.info.password}@{direct.info.host}:{direct.info.port}"
    tcp = Direct(f"{url}/{direct.info.dbname}", namespace=OTHER)
    try:
        with pytest.raises(MigrationFailed, match=r"0001_step\.sql failed: division by zero"):
            await migrate(tcp, folder)
        assert [row.state for row in (await status(tcp, folder)).rows] == ["applied", "pending"]
    finally:
        await tcp.close()
    async with neon(database_url, namespace=OTHER) as sql:  # another role, without rights
        with pytest.raises(
            MigrationError, match="may not read the history: permission denied for schema acme_sendoka"
        ) as e:
            await migrate(sql, folder)
        assert f"grant usage on schema {OTHER}" in e.value.todo


@pytest.mark.parametrize(
    "name", ["", "public", "pg_ours", "Acme", 'a"b', "a.b", "a" * 64, None, 7, "information_schema"]
)
def test_a_name_that_cannot_be_is_refused(name: Any) -> None:
    with pytest.raises(SettingsError, match=r"namespace of Sendoka's own|not for Sendoka's own"):
        neon("postgresql://u:p@localhost/db", namespace=name)


def test_what_a_user_wrote_is_never_touched() -> None:
    theirs, ours = Statement("select * from sendoka.migrations"), Ours("select * from sendoka.migrations, 'sendoka'")
    assert at_home([theirs, ours], USUAL) == [theirs, ours]
    kept, moved = at_home([theirs, ours], OTHER)
    assert kept is theirs
    assert moved.text == "select * from \"acme_sendoka\".migrations, 'sendoka', 'acme_sendoka'"
