"""Both ways to a database, beside each other: the same statements, the same results, errors and outcomes."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, migrate, neon
from sendoka.backfills import Batch, backfill
from sendoka.backfills import run as run_backfill
from sendoka.backfills.overview import list_runs
from sendoka.database import Database, Result, Statement, TransactionOptions
from sendoka.database.transaction import DEFAULT
from sendoka.direct import Direct
from sendoka.errors import AnswerLost, DatabaseError, SendokaError, TransportError
from sendoka.migrations.folder import read_folder
from sendoka.migrations.history import entries, history_statement
from tests.database.test_direct import until_running
from tests.documents import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import psycopg

    from sendoka.database import Cells
    from sendoka.local.postgres import Postgres
    from tests.fixtures.client import Chain

    Watcher = psycopg.Connection[tuple[Any, ...]]
    Both = tuple[Database, Database]

ONCE = Retry(attempts=1)
FIELDS = (
    "sqlstate", "message", "severity", "detail", "hint", "position", "context", "schema", "table", "column",
    "datatype", "constraint", "outcome",
)  # fmt: skip


@pytest.fixture
async def both(postgres: Postgres, database: str, database_url: str) -> AsyncIterator[Both]:
    """The test's database over HTTP, and over TCP; neither sends twice."""
    async with (
        neon(database_url, transport="native", retry=ONCE) as http,
        Direct(postgres.login.to(database).url, retry=ONCE) as tcp,
    ):
        yield http, tcp


def shape(result: Result[Cells]) -> object:
    return result.rows, result.command, result.row_count, [(field.name, field.type_oid) for field in result.fields]


async def told(database: Database, statement: Statement, *, batch: bool) -> object:
    """Return what comes of a statement, as it can be compared."""
    try:
        results = await database.run_all([statement]) if batch else [await database.run(statement)]
    except DatabaseError as error:
        return type(error), {name: getattr(error, name) for name in FIELDS}
    except SendokaError as error:
        return type(error), getattr(error, "outcome", None)
    return [shape(result) for result in results]


RAISE = """do $$ begin
raise exception 'x' using errcode = 'P0001', detail = 'd', hint = 'h', column = 'c', constraint = 'k', datatype = 'dt',
table = 'tt', schema = 's'; end $$"""
TEXTS: list[tuple[str, tuple[str | None, ...]]] = [
    *((text, ()) for text in (
        "select 1 as a, 2 as a", "select where false", "", "; ;", "-- nothing", "values (1), (2)", "table t",
        "explain (costs off) select 1", "set foo.bar = 'x'", "show foo.bar", "reset all", "discard all", "listen x",
        "notify x", "begin", "commit", "savepoint a", "release a", "vacuum t", "analyze t", "call p()", "truncate t",
        "lock table t", "declare c cursor for select 1", "fetch c", "prepare x as select 1", "execute x",
        "deallocate x", "select 1; select 2", "begin; select 1", "selec 1", "select * from nowhere", "select nope",
        "select 1/0", "select $1", "insert into t values (1), (1)", "insert into t values (null)",
        "insert into t values (-1)", "insert into u values (99)", "select * from t for update nowait",
        "select set_config('statement_timeout', '1', false), pg_sleep(0)", RAISE, "alter system set work_mem = '1'",
        "create index concurrently on t (a)", "refresh materialized view nope", "do $$ begin raise notice 'x'; end $$",
        "select '\\x00'::bytea, 'NaN'::numeric, array[[1, 2]], null, interval '1 mon'",
        "merge into t using (values (1)) v (a) on t.a = v.a when matched then do nothing",
        "insert into u select null returning *", "with w as (delete from u returning *) select count(*) from w",
    )),
    ("select $1::int", ()), ("select $1::int", ("1", "2")), ("select $1::int", ("x",)), ("select $1::int", (None,)),
    ("select $1::date + $2::int", ("2024-02-28", "1")), ("select $1::jsonb, $2::text[]", ('{"a": 1}', "{x,NULL}")),
]  # fmt: skip


@pytest.mark.parametrize("batch", [False, True], ids=["alone", "in a transaction"])
async def test_a_statement_is_told_alike(both: Both, direct: Watcher, batch: bool) -> None:
    direct.execute("create procedure p() language plpgsql as 'begin commit; end'")
    for text, params in TEXTS:
        answers = []
        for database in both:
            direct.execute("drop table if exists t, u")
            direct.execute("create table t (a int primary key check (a >= 0))")
            direct.execute("create table u (a int references t)")
            direct.execute("grant all on t, u to public")
            answers.append(await told(database, Statement(text, params), batch=batch))
        assert answers[0] == answers[1], text


@pytest.mark.parametrize("text", ["copy t from stdin", "/* x */ COPY (select 1)\nTO STDOUT"])
async def test_a_copy_that_would_wait_for_us_fails_for_certain(both: Both, text: str) -> None:
    http, tcp = both
    await http.run(Statement("create table t (a int)"))
    with pytest.raises(AnswerLost):  # Neon does not know what to make of it
        await http.run(Statement(text))
    with pytest.raises(DatabaseError) as caught:
        await asyncio.wait_for(tcp.run_all([Statement("insert into t values (1)"), Statement(text)]), 5)
    assert (caught.value.sqlstate, caught.value.outcome, caught.value.statement) == ("0A000", "failed", text)
    assert (await tcp.run(Statement("select 'copy x from stdin', count(*) from t"))).rows[0][1] == "0"


@pytest.mark.parametrize("act", ["pg_terminate_backend", "pg_cancel_backend"])
@pytest.mark.parametrize("batch", [False, True])
async def test_what_an_administrator_does_is_told_alike(both: Both, direct: Watcher, act: str, batch: bool) -> None:
    answers = []
    for database in both:
        statement = Statement("select pg_sleep(5)")
        task = asyncio.create_task(told(database, statement, batch=batch))
        direct.execute(f"select {act}(%s)".encode(), (await until_running(direct, statement.text),))
        answers.append(await task)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("first", "second", "setting"),
    [
        ("update t set a = a + 1 where a = 1", "update t set a = a + 1 where a = 1", "set lock_timeout = 20"),
        ("select 1", "select pg_sleep(3)", "set statement_timeout = 20"),
    ],
)
async def test_timeouts_of_the_server_are_told_alike(
    both: Both, direct: Watcher, first: str, second: str, setting: str
) -> None:
    direct.execute("create table t (a int)")
    direct.execute("insert into t values (1)")
    direct.execute("grant all on t to public")
    answers = []
    with direct.transaction():
        direct.execute(first.encode())
        for database in both:
            with pytest.raises(DatabaseError) as caught:
                await database.run_all([Statement(setting.replace("set ", "set local ")), Statement(second)])
            answers.append({name: getattr(caught.value, name) for name in FIELDS})
    assert answers[0] == answers[1]


# ------------------------------------------------------------------ the engines

# What two databases cannot have alike: moments, durations, tokens, OIDs and numbers of transactions.
_OWN = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::?\d\d)?)?|\b\d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\b\d+\.\d+\b|'\d{3,}'|\b[0-9a-f]{12,}\b"
)


class Recorder(Database):
    """Hands everything on, and keeps the texts that were sent and what came of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.kept: list[tuple[list[str], object]] = []

    async def run(self, statement: Statement) -> Result[Cells]:
        return (await self._keep([statement], None))[0]

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        return await self._keep(list(statements), options)

    async def _keep(self, statements: list[Statement], options: TransactionOptions | None) -> list[Result[Cells]]:
        texts = [statement.text for statement in statements]
        try:
            if options is None:
                results = [await self._database.run(statements[0])]
            else:
                results = await self._database.run_all(statements, options)
        except DatabaseError as error:
            self.kept.append((texts, {name: _OWN.sub("…", str(getattr(error, name))) for name in FIELDS}))
            raise
        self.kept.append((texts, [_OWN.sub("…", repr(shape(result))) for result in results]))
        return results

    @property
    def errors(self) -> list[str]:
        return [came["sqlstate"] for _, came in self.kept if isinstance(came, dict)]


@pytest.fixture
async def recorders(postgres: Postgres, database: str, database_url: str) -> AsyncIterator[list[Recorder]]:
    """Two databases that are alike: one over HTTP, one over TCP."""
    other = f"{database}_tcp"
    postgres.databases.create(other, owner=postgres.login.user)
    async with (
        neon(database_url, transport="native", retry=ONCE) as http,
        Direct(postgres.login.to(other).url, retry=ONCE) as tcp,
    ):
        yield [Recorder(http), Recorder(tcp)]
    postgres.databases.drop(other)


CHANGE = "update orgs o set name = 'N' from page p where o.id = p.id"
SCRIPT = backfill(table="orgs", where="name = 'O'", sql=CHANGE, name="names")


@backfill(table="orgs", where="name = 'N'", columns=["id"], name="steps")
async def step(sql: Database, batch: Batch) -> object:
    return batch.update({row["id"]: {"name": "S"} for row in batch.rows})


async def engines(database: Database) -> None:
    """Run what the engines have: migrations from nothing and again, a backfill of each form, and their books."""
    report = await migrate(database, ROOT / "migrations")
    assert [applied.by_us for applied in report.applied] == [True] * len(read_folder(ROOT / "migrations"))
    await migrate(database, ROOT / "migrations", verify=True)
    history = await database.run(history_statement())
    assert [entry.name for entry in entries(history)] == [one.name for one in read_folder(ROOT / "migrations")]
    rows = "select 'o' || n, 'O', 'o' || n from generate_series(1, 250) n"
    await database.run(Statement(f"insert into orgs (id, name, slug) {rows}"))
    for script in (SCRIPT, step):
        # What a look at the load of the server finds is another thing each time.
        assert (await run_backfill(database, script, batch_size=100, yields={"all": "off"})).done
    assert (await database.run(Statement("select count(*) from orgs where name = 'S'"))).rows == [["250"]]
    assert [run.name for run, _, _ in await list_runs(database)] == ["names", "steps"]


async def test_migrations_and_backfills_run_alike(recorders: list[Recorder]) -> None:
    for recorder in recorders:
        await engines(recorder)
    over_http, over_tcp = recorders
    assert over_http.kept == over_tcp.kept
    assert len(over_http.kept) > 20
    assert over_http.errors[0] == "42P01"  # the question to a new database


async def test_a_file_that_fails_is_told_alike(recorders: list[Recorder], chain: Chain, tmp_path: Path) -> None:
    chain(["create table a (x int)"], ["insert into a values (1)", "insert into nowhere values (1)"])
    said = []
    for recorder in recorders:
        with pytest.raises(SendokaError, match="nowhere") as caught:
            await migrate(recorder, tmp_path)
        said.append(str(caught.value))
        assert (await recorder.run(Statement("select count(*) from a"))).rows == [["0"]]
    assert said[0] == said[1]
    assert recorders[0].errors == recorders[1].errors or recorders[1].errors == recorders[0].errors[:2]


async def test_a_deadline_is_told_alike(both: Both) -> None:
    for database in both:
        with pytest.raises(TransportError, match=r"the deadline of 0\.2 s passed") as caught:
            await database.run_all([Statement("select pg_sleep(5)")], TransactionOptions(timeout=0.2))
        assert (type(caught.value).__name__, caught.value.outcome) == ("RequestTimeout", "unknown")
        assert caught.value.passing is False
