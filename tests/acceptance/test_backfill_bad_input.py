"""What a backfill is given that cannot be done: a clear word, the exit status, nothing lost, and it goes on later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, run
from sendoka.cli._group import run as sendoka
from sendoka.database.retry import Retry
from sendoka.discover import forget
from sendoka.errors import BatchFailed
from tests.fixtures.backfills import ledger_is_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psycopg

    from sendoka.backfills import Backfill
    from sendoka.http.client import Neon
    from sendoka.local.postgres import Postgres

    Direct = psycopg.Connection[Any]
    Fails = Callable[..., str]

STEP = '''"""Touch every row."""
import asyncio
from sendoka.backfills import backfill


@backfill(table={table!r}, where="touched = 0"{options})
async def touch(sql, batch):
    {body}
'''
GOOD = 'return batch.update({key: {"touched": 1} for key in batch.keys})'


@pytest.fixture
def fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, capsys: Any, direct: Direct) -> Fails:
    """Write the step and run it, expecting its exit status; return the error's text, which `--json` has too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "backfill").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    direct.execute("create table t (id int primary key, touched int not null default 0)")
    direct.execute("insert into t select g from generate_series(1, 20) g; grant all on t to public")
    direct.execute("create table keyless as select * from t; grant all on keyless to public")

    def failed(body: str, *arguments: str, exits: int, table: str = "t", options: str = "") -> str:
        text = STEP.format(table=table, body=body, options=options)
        (tmp_path / "backfill" / "2026_04_22_touch.py").write_text(text, encoding="utf-8")
        command = ["backfill", "run", "touch", *arguments]
        told = ""
        for form in (command, [*command, "--json"]):
            forget(tmp_path / "backfill")
            status = sendoka(form)
            captured = capsys.readouterr()
            told = captured.out
            assert status == exits, told + captured.err
            assert database_url.partition("@")[0].rpartition(":")[2] not in told + captured.err
        error = json.loads(told)["error"]
        assert error["exit_code"] == exits
        return " / ".join(str(error.get(each, "")) for each in ("message", "where", "todo"))

    return failed


@pytest.mark.parametrize(
    ("body", "arguments", "says"),
    [
        ("raise LookupError('no tenant')", ("--max-dead", "0"), "raised LookupError: no tenant"),
        ("raise LookupError('no tenant')", (), "each of the first 11 rows failed"),
        ("return lookup(batch)", (), "raised NameError: name 'lookup' is not defined"),
        ("await asyncio.sleep(60)", ("--step-timeout", "0.05"), "did not end within 0.05 s"),
        ("return {1: 'x'}", (), "it returned dict"),
        ("return batch.rows[0]", (), "it returned str|a step returns batch.update"),
        ("return 20", (), "it returned int"),
        ("return 'update t set touched = 1'", (), "it returned str"),
        ("return [{'id': 1, 'touched': 1}]", (), "it returned dict"),
        ("return asyncio.sleep(0)", (), "it returned a coroutine that nobody awaited"),
        ("return (sql('select 1') for _ in batch.rows)", (), "it returned generator"),
        ("return [batch.update({1: {'touched': 1}}), 7]", (), "it returned int"),
        ("return sql('commit')", (), "it returned COMMIT"),
        ("return batch.update({99: {'touched': 1}})", (), "the key 99, which is no row of this batch"),
        ("return batch.fail(99, 'gone')", (), "the key 99, which is no row of this batch"),
        ("return batch.update({1: {'tuched': 1}})", (), "did you mean 'touched'?"),
        ("return batch.update({1: {'touched': object()}})", ("--max-dead", "0"), "cannot be sent"),
        ("return batch.update(await batch.each(sql))", (), "raised TypeError|each of the first"),
        ("return sql('update t set touched = 2 from nowhere')", (), 'relation "nowhere" does not exist'),
    ],
)
def test_a_step_that_is_wrong_exits_3_and_changes_nothing(
    fails: Fails, direct: Direct, body: str, arguments: tuple[str, ...], says: str
) -> None:
    said = fails(body, *arguments, exits=3)
    assert any(each in said for each in says.split("|")), said
    assert direct.execute("select distinct touched from t").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ("keyless", "", "the table keyless has no primary key to walk by / in the backfill touch / give key=[…]"),
        ("keyless", ", key='id'", "the key column 'id' of keyless may be null"),
        ("nowhere", "", "the table nowhere of the backfill touch does not exist"),
        ("t", ", keys=[1, None]", "the key number 2 is None"),
        ("t", ", after=['early']", "comes after early, which is not done"),
    ],
)
def test_a_table_that_cannot_be_walked_exits_3(fails: Fails, table: str, options: str, says: str) -> None:
    assert says in fails(GOOD, exits=3, table=table, options=options)


def test_a_role_without_rights_on_the_table_is_told_so(fails: Fails, direct: Direct) -> None:
    direct.execute("revoke all on t from public")
    said = fails(GOOD, exits=3)
    assert "permission denied for table t (42501)" in said
    assert "grant" in said
    direct.execute("grant all on t to public; create schema apart; create table apart.t (like t including all)")
    said = fails(GOOD, exits=3, table="apart.t")
    assert "permission denied for schema apart (42501)" in said


def test_a_step_that_yields_and_an_import_that_is_missing_exit_2(fails: Fails) -> None:
    assert "must be an async function" in fails("yield batch.rows", exits=2)
    assert "No module named 'tenants_of_mars'" in fails("pass\n\nimport tenants_of_mars", exits=2)


def test_a_replica_that_only_reads_is_said_and_nothing_is_changed(fails: Fails, direct: Direct) -> None:
    ((name,),) = direct.execute("select current_database()").fetchall()
    direct.execute(f"alter database {name} set default_transaction_read_only = on".encode())
    said = fails(GOOD, exits=3)
    assert "in a read-only transaction (25006)" in said
    assert "connection string" in said
    direct.execute(f"alter database {name} reset default_transaction_read_only".encode())
    assert direct.execute("select distinct touched from t").fetchall() == [(0,)]


def test_a_database_that_is_gone_by_its_name_is_said(fails: Fails, direct: Direct, postgres: Postgres) -> None:
    fails("raise LookupError('no tenant')", "--max-dead", "0", exits=3)
    ((name,),) = direct.execute("select current_database()").fetchall()
    direct.close()
    with postgres.databases.admin.connect() as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        admin.execute(f"alter database {name} rename to {name}_away".encode())
        try:
            said = fails(GOOD, exits=3)
        finally:
            admin.execute(f"alter database {name}_away rename to {name}".encode())
    assert f'database "{name}" does not exist' in said
    assert "check the database's name in DATABASE_URL" in said


def test_a_circle_and_a_wrong_choice_exit_2(fails: Fails) -> None:
    assert "touch comes after itself: touch after touch" in fails(GOOD, exits=2, options=", after=['touch']")
    assert "both source= and keys=" in fails(GOOD, exits=2, options=", keys=[1], source='select 1 as id'")


def test_a_role_without_rights_on_some_of_our_tables_changes_nothing(fails: Fails, direct: Direct) -> None:
    fails("raise LookupError('no tenant')", "--max-dead", "0", exits=3)
    ((me,),) = direct.execute("select current_user").fetchall()
    direct.execute(f'alter table sendoka.backfill_batches owner to "{me}"'.encode())
    said = fails(GOOD, exits=3)
    assert "permission denied for table backfill_batches (42501)" in said
    assert "grant the role what is missing, and run it again" in said
    direct.execute(f'alter table sendoka.dead_letters owner to "{me}"'.encode())
    said = fails(GOOD, exits=3)
    assert "permission denied for table dead_letters" in said
    assert "select, insert, update and delete on all its tables" in said
    assert direct.execute("select distinct touched from t").fetchall() == [(0,)]


# ------------------------------------------------------------------ a disk that fills

FULL = """create function full_disk() returns trigger language plpgsql as $$ begin
    if new.id = 14 then
        raise exception using errcode = '53100', message = 'could not extend file: No space left on device';
    end if;
    return new; end $$"""


async def step(_sql: Any, batch: Any) -> object:
    return batch.update({key: {"touched": 1} for key in batch.keys})


def declared(form: str) -> Backfill:
    given: dict[str, Any] = {"table": "t", "where": "touched = 0", "name": "touch"}
    change = "update t set touched = t.touched + 1 from page p where t.id = p.id"
    found: Backfill = backfill(sql=change, **given) if form == "sql" else backfill(**given)(step)
    return found


@pytest.mark.parametrize("form", ["sql", "python"])
async def test_a_disk_that_fills_buries_no_row_and_the_run_goes_on_when_there_is_room(
    sql: Neon, direct: Direct, form: str
) -> None:
    direct.execute("create table t (id int primary key, touched int not null default 0)")
    direct.execute("insert into t select g from generate_series(1, 20) g; grant all on t to public")
    direct.execute(FULL.encode())
    direct.execute("create trigger full_disk before update on t for each row execute function full_disk()")
    fill, waited = declared(form), set()
    with pytest.raises(BatchFailed, match=r"No space left on device \(53100\)") as caught:
        await run(
            sql,
            fill,
            batch_size=5,
            retry=Retry(attempts=3, first=0.001, longest=0.002),
            on_progress=lambda told: waited.add(told.waiting),
        )
    assert "run it again: it goes on where it stands" in caught.value.todo
    assert any("No space left" in each for each in waited)
    assert direct.execute("select touched, count(*) from t group by 1 order by 1").fetchall() == [(0, 10), (1, 10)]
    direct.execute("drop trigger full_disk on t")
    report = await run(sql, fill)
    assert (report.state, report.changed, report.dead) == ("done", 20, 0)
    assert direct.execute("select distinct touched from t").fetchall() == [(1,)]
    assert await ledger_is_whole(sql)
