"""Backfills of tables with keys of every kind, in both forms: each row is changed once, and found again by its key.

All cases share one database, and each has a table of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon
from sendoka.backfills import Batch, backfill, retry_dead, run
from sendoka.errors import BackfillError, BatchFailed, DatabaseError
from tests.fixtures.backfills import Unreliable, execute, rows, value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from sendoka.backfills import Backfill, RunReport
    from sendoka.database import Statement
    from sendoka.http.client import Neon
    from sendoka.local.postgres import Postgres
    from sendoka.local.server import Server
    from tests.fixtures.postgres import Supply

ALPHABET = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
EACH = f"select regexp_split_to_table('{ALPHABET}', '')"
PAIRS = f"select a || b from ({EACH}) one (a), (values ('x'), ('X'), ('_'), ('')) two (b)"
FEW = "generate_series(1, 20) g"
TIMES = ["0044-03-15 12:00 BC", "1800-01-01", "infinity", "-infinity", "20260-01-02"]
MICROSECONDS = "select '2026-01-02 03:04:05+00'::{0} + g * interval '1 us' from " + FEW
MOMENTS = MICROSECONDS + f" union select unnest(array{TIMES}::{{0}}[])"

KEYS = {
    "text_c": ('id text collate "C"', PAIRS),
    "text_icu": ("id text collate linguistic", PAIRS),
    "text_loose": ("id text collate loose", "select regexp_split_to_table('_-09aZbYc', '')"),
    "text_odd": (
        "id text",
        r"""select unnest(array['', ' ', 'a''b', 'a"b', E'a\\b', 'é', '😀', E'a\nb', 'null', '[1]'])""",
    ),
    "chars": ("id char(8)", f"select g::text from {FEW}"),
    "uuids": ("id uuid", f"select md5(g::text)::uuid from {FEW}"),
    "bigints": ("id bigint", f"select unnest(array[-9223372036854775808, {2**63 - 1}, -1, 0, {2**53 + 1}])"),
    "numerics": ("id numeric", "select unnest(array['NaN', '-Infinity', 'Infinity', '0.10', '1e-30']::numeric[])"),
    "floats": (
        "id float8",
        f"select unnest(array['NaN', '-0', 'Infinity', '1e-300']::float8[]) union select 0.1 + g * 1e-16 from {FEW}",
    ),
    "dates": ("id date", f"select unnest(array{TIMES}::date[])"),
    "timestamps": ("id timestamp", MOMENTS.format("timestamp")),
    "moments": ("id timestamptz", MOMENTS.format("timestamptz")),
    "spans": ("id interval", "select unnest(array['-1 day 2 hours', '1 mon -3 days', '-1 year', '1 us']::interval[])"),
    "bytes": ("id bytea", f"select decode(lpad(to_hex(g), 4, '0'), 'hex') from {FEW} union select ''"),
    "addresses": ("id inet", "select unnest(array['10.0.0.1', '10.0.0.1/8', '::1', 'fe80::1/64']::inet[])"),
    "domains": ("id short", f"select 'a' || g from {FEW}"),
    "enums": ('id "Mood Of"', """select unnest(enum_range(null::"Mood Of"))"""),
    "two": (
        "a text collate linguistic, b bigint",
        "select c, g from unnest(array['a', 'A', '_']) c, generate_series(-2, 2) g",
    ),
    "three": (
        "a uuid, b timestamptz, c varchar(4)",
        f"select md5((g % 2)::text)::uuid, timestamptz 'epoch' + (g % 4) * interval '1 us', g::text from {FEW}",
    ),
}
"""Of each kind the columns of the key, and a query of its values."""

TYPES = (
    "create domain short as text check (length(value) < 9)",
    """create type "Mood Of" as enum ('Zzz', 'it''s', 'a, b', 'a')""",
    "create type pair as (a int, b text)",
    "create collation linguistic (provider = icu, locale = 'en')",
    "create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
)

OTHER_STYLE = {"datestyle": "SQL, DMY", "intervalstyle": "sql_standard", "timezone": "America/St_Johns"}
ROUNDED = {"extra_float_digits": "0", "bytea_output": "escape"}


@pytest.fixture(scope="module")
def shared(databases: Supply, server: Server) -> Iterator[str]:
    """A connection string to a database that most cases of this file share."""
    name = databases.take()
    yield server.connection_string(name)
    databases.give_back(name)


@pytest.fixture(scope="module")
def styled(databases: Supply, server: Server, postgres: Postgres) -> Iterator[str]:
    """One to a database that shows dates, times, floats and bytes otherwise than usual."""
    name = databases.take()
    with postgres.databases.admin.connect() as admin:
        for setting, to in (OTHER_STYLE | ROUNDED).items():
            admin.execute(f"alter database {name} set {setting} = '{to}'".encode())
    yield server.connection_string(name)
    databases.give_back(name)


@pytest.fixture
async def sql(shared: str) -> AsyncIterator[Neon]:
    """Our client for the one."""
    async with neon(shared, transport="native") as client:
        yield client


@pytest.fixture
async def styled_sql(styled: str) -> AsyncIterator[Neon]:
    """Our client for the other."""
    async with neon(styled, transport="native") as client:
        yield client


async def step(_sql: Any, batch: Batch) -> object:
    met = zip(batch.keys, batch.rows, strict=True)
    return batch.update({key: {"touched": row["touched"] + 1} for key, row in met})


def declared(form: str, table: str, key: list[str]) -> Backfill:
    same = " and ".join(f"t.{name} = p.{name}" for name in key)
    given: dict[str, Any] = {"table": table, "where": "touched = 0", "name": f"{table}_{form}"}
    change = f"update {table} t set touched = t.touched + 1 from page p where {same}"
    found: Backfill = backfill(sql=change, **given) if form == "sql" else backfill(**given)(step)
    return found


async def made(sql: Neon, kind: str, form: str, columns: str, values: str) -> tuple[int, RunReport]:
    """Make a table of the kind, run its backfill; return how many rows it has, and the report."""
    for text in TYPES if await value(sql, "select to_regtype('short')") is None else ():
        try:
            await execute(sql, text)
        except DatabaseError as error:
            if error.sqlstate != "0A000":
                raise
    if "linguistic" in columns + kind and await value(sql, "select to_regcollation('linguistic')") is None:
        pytest.skip("this PostgreSQL is built without ICU, so it has no such collation")
    names = [column.split()[0] for column in columns.split(", ")]
    await execute(
        sql,
        f"drop table if exists {kind}",
        "set local extra_float_digits = 1",
        f"create table {kind} ({columns}, touched int not null default 0, primary key ({', '.join(names)}))",
        f"insert into {kind} {values}",
    )
    total = int(await value(sql, f"select count(*) from {kind}") or 0)
    return total, await run(sql, declared(form, kind, names), batch_size=30 if total > 60 else 3)


@pytest.mark.parametrize("form", ["sql", "python"])
@pytest.mark.parametrize("kind", KEYS)
async def test_a_key_of_any_kind_is_walked_once(sql: Neon, kind: str, form: str) -> None:
    total, report = await made(sql, kind, form, *KEYS[kind])
    assert total > 3
    assert (report.state, report.scanned, report.changed, report.passes) == ("done", total, total, 1)
    assert await rows(sql, f"select distinct touched from {kind}") == [["1"]]


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("dates", "sql"),
        ("dates", "python"),
        ("timestamps", "sql"),
        ("timestamps", "python"),
        ("moments", "sql"),
        ("moments", "python"),
        ("spans", "sql"),
        ("spans", "python"),
        ("bytes", "sql"),
        ("bytes", "python"),
    ],
)
async def test_how_a_session_shows_values_moves_no_cursor(styled_sql: Neon, kind: str, form: str) -> None:
    total, report = await made(styled_sql, kind, form, *KEYS[kind])
    assert (report.state, report.scanned, report.changed, report.passes) == ("done", total, total, 1)
    assert await rows(styled_sql, f"select distinct touched from {kind}") == [["1"]]


async def test_keys_that_are_one_in_python_are_said(sql: Neon) -> None:
    columns, values = "id timetz", "select unnest(array['12:00+00', '13:00+01']::timetz[])"
    with pytest.raises(BackfillError, match="two rows of hours have keys that are the same in Python"):
        await made(sql, "hours", "python", columns, values)
    assert (await made(sql, "hours", "sql", columns, values))[1].changed == 2


class Rounding(Unreliable):
    """A database whose session shows numbers with one digit, so that a key that was kept is a smaller one."""

    async def run(self, statement: Statement) -> Any:
        return await self.database.run(self._rounded(statement))

    async def run_all(self, statements: Sequence[Statement], *options: Any) -> Any:
        return await self.database.run_all([self._rounded(each) for each in statements], *options)

    def _rounded(self, statement: Statement) -> Statement:
        text = re.sub(r'jsonb_build_array\((k1|"id")\)', r"jsonb_build_array(trunc(\1, 1))", statement.text)
        return type(statement)(text, statement.params)


@pytest.mark.parametrize("form", ["sql", "python"])
async def test_a_cursor_that_stands_still_ends_the_run(sql: Neon, form: str) -> None:
    await execute(sql, "drop table if exists near", "create table near (id numeric primary key, touched int default 0)")
    await execute(sql, "insert into near select 1 + g * 0.001 from generate_series(1, 20) g")
    fill = replace(declared(form, "near", ["id"]), where=None, verify="select 1")
    with pytest.raises(BatchFailed, match="does not move on") as caught:
        await run(Rounding(sql, 1, share=0), fill, batch_size=4)
    assert caught.value.cursor is not None


async def test_a_step_reads_dates_and_triggers_keep_their_style(styled_sql: Neon) -> None:
    await execute(
        styled_sql,
        "create table due (id int primary key, day date not null, touched int not null default 0, shown text)",
        "create table seen (id int, shown text)",
        "insert into due select g, date '2026-02-01' + g from generate_series(1, 9) g",
        """create function shows() returns trigger language plpgsql as $$ begin
            new.shown := new.day::text; if new.id = 4 and new.touched = 1 then raise exception 'no'; end if;
            return new; end $$""",
        """create function notes() returns trigger language plpgsql as $$ begin
            insert into seen values (new.id, new.day::text); return null; end $$""",
        "create trigger shows before update on due for each row execute function shows()",
        """create constraint trigger notes after update on due deferrable initially deferred
            for each row execute function notes()""",
    )

    @backfill(table="due", where="touched = 0", name="due")
    async def later(_sql: Any, batch: Batch) -> object:
        return batch.update({row["id"]: {"day": row["day"] + timedelta(days=28), "touched": 1} for row in batch.rows})

    report = await run(styled_sql, later, batch_size=4)
    assert (report.done, report.changed, report.dead) == (True, 8, 1)
    await execute(styled_sql, "alter table due disable trigger shows")
    assert (await retry_dead(styled_sql, later)).settled == 1
    assert await rows(styled_sql, "select count(*) from due where day = date '2026-03-01' + id") == [["9"]]
    for table in ("due", "seen"):
        shown = await rows(styled_sql, f"select shown from {table} where id in (1, 9) order by id")
        assert shown == [["02/03/2026"], ["10/03/2026"]]


@pytest.mark.parametrize("form", ["sql", "python"])
@pytest.mark.parametrize(
    ("columns", "values", "says"),
    [
        ("id float8", "select 0.1 + g * 1e-16 from " + FEW, "'id': a value of type double precision is rounded by"),
        ("id real", "values (0.1)", "a value of type real is rounded by this role's extra_float_digits"),
        ("id jsonb", "values ('null')", "'id': a value of type jsonb holds several values"),
        ("id int[]", "values ('{1,2}'::int[])", "'id': a value of type integer[] holds several values"),
        ("a int, b pair", "values (1, (1, 'x')::pair)", "'b': a value of type pair holds several values"),
    ],
)
async def test_a_key_that_cannot_be_kept_is_refused(
    styled_sql: Neon, columns: str, values: str, says: str, form: str
) -> None:
    with pytest.raises(BackfillError) as caught:
        await made(styled_sql, "refused", form, columns, values)
    assert says in caught.value.what
    assert "key=[…]" in caught.value.todo
    assert await rows(styled_sql, "select distinct touched from refused") == [["0"]]
