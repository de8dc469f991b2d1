"""`-- requires-backfill`: a file is applied where that backfill is done, and asked in its own transaction."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import migrate, neon
from sendoka.backfills import backfill, retry_dead, run
from sendoka.errors import MigrationFailed
from sendoka.migrations.files import render
from sendoka.migrations.folder import read_folder

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]

ROWS = ["create table t (id int primary key, n int)", "insert into t select g from generate_series(1, 3) g"]
CLOSE = "alter table t alter n set not null"
FILL = backfill(table="t", where="n is null", sql="update t set n = 0 from page p where p.id = t.id", name="fill_n")


@pytest.fixture
def folder(chain: Chain, tmp_path: Path) -> Path:
    """A folder of two files, whose second one requires a backfill."""
    (first,) = chain(ROWS)
    text = render("0001_close", first, ["create table beside ()", CLOSE], [], requires=["fill_n"])
    (tmp_path / "0001_close.sql").write_text(text, encoding="utf-8")
    return tmp_path


def applied(direct: Direct) -> list[str]:
    return [row[0] for row in direct.execute("select name from sendoka.migrations order by seq").fetchall()]


async def refused(sql: Neon, folder: Path) -> str:
    with pytest.raises(MigrationFailed, match=r"0001_close\.sql is not applied: the backfill fill_n") as caught:
        await migrate(sql, folder)
    assert (caught.value.exit_code, caught.value.migration) == (3, "0001_close")
    assert "nothing of the file remains" in caught.value.where
    assert caught.value.todo == "`sendoka backfill run fill_n`, then migrate again"
    return caught.value.what


async def test_never_run_stopped_failed_and_done(sql: Neon, folder: Path, direct: Direct, endpoint: Endpoint) -> None:
    assert "is not done: it was never run here" in await refused(sql, folder)  # and none of its tables are there
    assert applied(direct) == ["0000_calm_heron"]
    await run(sql, FILL, batch_size=1, stop=lambda: True)
    assert "its run 1, begun by " in await refused(sql, folder)
    direct.execute("update sendoka.backfill_runs set state = 'failed', reason = 'no such org'")
    assert "is failed: no such org" in await refused(sql, folder)
    assert direct.execute("select to_regclass('beside')").fetchall() == [(None,)]
    assert (await run(sql, FILL)).done
    endpoint.requests = 0
    report = await migrate(sql, folder)
    assert [each.name for each in report.applied] == ["0001_close"]
    assert endpoint.requests == 4, "the head, the history, the file with its question, and the history again"


async def test_one_that_left_out_rows_is_not_done(sql: Neon, folder: Path, direct: Direct) -> None:
    await migrate_first(sql, folder)
    direct.execute("alter table t add constraint odd check (id <> 2 or n is null)")
    assert (await run(sql, FILL)).dead == 1
    with pytest.raises(MigrationFailed, match="1 of its rows could not be changed and were left out") as caught:
        await migrate(sql, folder)
    assert caught.value.todo == "`sendoka backfill retry-dead fill_n`, then migrate again"
    direct.execute("alter table t drop constraint odd")
    assert (await retry_dead(sql, FILL)).dead == 0
    assert [each.name for each in (await migrate(sql, folder)).applied] == ["0001_close"]


async def test_the_newest_run_counts_and_only_those_of_that_name(sql: Neon, folder: Path, direct: Direct) -> None:
    await migrate_first(sql, folder)
    assert (await run(sql, FILL)).done
    direct.execute(
        "insert into sendoka.backfill_runs (name, number, checksum, started_by, state) values "
        "('fill_n', 2, '', 'another', 'running'), ('fill_n_too', 3, '', 'another', 'done')"
    )
    assert "its run 2, begun by another, is running" in await refused(sql, folder)
    direct.execute("update sendoka.backfill_runs set state = 'done' where name = 'fill_n'")
    await migrate(sql, folder)
    assert applied(direct) == ["0000_calm_heron", "0001_close"]


async def test_a_database_where_the_file_is_applied_is_not_asked_again(sql: Neon, folder: Path, direct: Direct) -> None:
    await migrate_first(sql, folder)
    assert (await run(sql, FILL)).done
    await migrate(sql, folder)
    direct.execute("truncate sendoka.backfill_runs cascade")
    assert (await migrate(sql, folder, verify=True)).applied == ()


async def migrate_first(sql: Neon, folder: Path) -> None:
    """Apply the file that requires nothing."""
    await refused(sql, folder)
    assert len(read_folder(folder)) == 2


async def test_in_another_namespace_and_in_a_file_without_a_transaction(
    database_url: str, chain: Chain, tmp_path: Path, direct: Direct
) -> None:
    (first,) = chain(ROWS)
    index, done = "create index concurrently by_n on t (n)", "select to_regclass('by_n') is not null"
    text = render("0001_close", first, [index], [], done, requires=["fill_n"])
    (tmp_path / "0001_close.sql").write_text(text, encoding="utf-8")
    async with neon(database_url, transport="native", namespace="acme") as sql:
        assert "it was never run here" in await refused(sql, tmp_path)
        assert direct.execute("select name from acme.migrations").fetchall() == [("0000_calm_heron",)]
        assert (await run(sql, FILL)).done
        assert [each.name for each in (await migrate(sql, tmp_path)).applied] == ["0001_close"]
    assert direct.execute("select to_regclass('by_n')::text, to_regclass('sendoka.migrations')").fetchall() == [
        ("by_n", None)
    ]


async def test_a_backfill_s_name_is_no_name_of_ours(database_url: str, chain: Chain, tmp_path: Path) -> None:
    (first,) = chain(ROWS)
    text = render("0001_close", first, [CLOSE], [], requires=["sendoka.fill", "sendoka"])
    (tmp_path / "0001_close.sql").write_text(text, encoding="utf-8")
    async with neon(database_url, transport="native", namespace="acme") as sql:
        with pytest.raises(MigrationFailed, match=r"the backfill sendoka\.fill is not done") as caught:
            await migrate(sql, tmp_path)
        assert "`sendoka backfill run sendoka.fill`" in caught.value.todo
        assert (await run(sql, dataclasses.replace(FILL, given_name="sendoka.fill"))).done
        with pytest.raises(MigrationFailed, match="the backfill sendoka is not done"):
            await migrate(sql, tmp_path)
