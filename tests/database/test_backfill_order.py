"""The orders of walking: which is chosen, and that each meets every row once, under faults and after stops too."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, plan, run
from sendoka.database import Statement
from sendoka.direct import Direct
from sendoka.errors import BackfillChanged, BackfillError, InvalidBackfill
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database
    from sendoka.local.postgres import Postgres

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
UNTOUCHED = "select count(*) from messages where touched = 0"


async def _touch(_sql: Database, batch: Batch) -> object:
    ids = "{" + ",".join(f'"{row["id"]}"' for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))


def declared(form: str = "sql", **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "touch", "verify": UNTOUCHED} | options
    found: Backfill = backfill(sql=TOUCH, **given) if form == "sql" else backfill(**given)(_touch)
    return found


async def walk_of(sql: Database) -> str | None:
    return await value(sql, "select (walk - 'table')::text from sendoka.backfill_runs order by id desc limit 1")


@pytest.mark.parametrize("form", ["sql", "python"])
@pytest.mark.parametrize("order", ["created", "strided"])
async def test_every_row_is_met_once_in_every_order(sql: Database, order: str, form: str) -> None:
    batch_size = 7
    await make_messages(sql, 150)
    total = int(await value(sql, "select count(*) from messages") or 0)
    await execute(sql, "update messages set created_at = created_at - (ascii(right(id, 1)) % 3) * interval '1 s'")
    report = await run(sql, declared(form, order=order), batch_size=batch_size)
    assert (report.state, report.scanned, report.changed) == ("done", total, total)
    assert set(await touched(sql)) == {"1"}
    assert await ledger_is_whole(sql)
    assert await walk_of(sql) == f'{{"by": ["created_at", "id"], "strides": {8 if order == "strided" else 1}}}'


@pytest.mark.parametrize("form", ["sql", "python"])
async def test_a_walk_in_strides_that_is_stopped_goes_on_where_it_was(sql: Database, form: str) -> None:
    await make_messages(sql, 100)
    calls, asked = 1, itertools.cycle([False, False, True])
    while not (report := await run(sql, declared(form, order="strided"), batch_size=5, stop=lambda: next(asked))).done:
        calls += 1
        assert calls < 60
    assert calls > 5
    assert report.scanned == 100
    assert await touched(sql) == {"1": 100}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize("form", ["sql", "python"])
@pytest.mark.parametrize("seed", range(2))
async def test_lost_and_late_requests_change_every_row_once_in_strides(sql: Database, form: str, seed: int) -> None:
    await make_messages(sql, 120)
    unreliable = Unreliable(sql, seed)
    report = await run(unreliable, declared(form, order="strided"), batch_size=6, lease=0.3)
    await unreliable.settle()
    assert unreliable.faults
    assert report.done
    assert await touched(sql) == {"1": 120}
    assert await ledger_is_whole(sql)


async def test_an_empty_table_and_a_second_pass_are_walked_in_strides_too(sql: Database) -> None:
    await make_messages(sql, 0)
    assert (await run(sql, declared(order="strided"))).scanned == 0
    await execute(sql, "insert into messages (id, org_id) select 'm' || g, 'org_1' from generate_series(1, 40) g")
    late = "insert into messages (id, org_id) select 'late' || g, 'org_1' from generate_series(1, 9) g"
    added = False

    async def touch(database: Database, batch: Batch) -> object:
        nonlocal added
        if not added and batch.cursor[-1] > "m2":
            added = True
            await execute(database, late)
        return await _touch(database, batch)

    fill = backfill(table="messages", name="late", where="touched = 0", order="strided")(touch)
    report = await run(sql, fill, batch_size=4)
    assert report.done
    assert await touched(sql) == {"1": 49}


@pytest.mark.parametrize("order", ["created", "strided"])
async def test_a_step_knows_its_rows_by_the_primary_key_in_every_order(sql: Database, order: str) -> None:
    await make_messages(sql, 40)

    @backfill(table="messages", where="touched = 0", order=order)
    async def update(_sql: Database, batch: Batch) -> object:
        return batch.update({row["id"]: {"touched": row["touched"] + 1} for row in batch.rows})

    assert (await run(sql, update, batch_size=15)).done
    assert await touched(sql) == {"1": 40}


async def test_the_cursor_of_a_batch_is_its_last_key_in_strides_too(sql: Database) -> None:
    await make_messages(sql, 30)
    seen: list[bool] = []

    async def look(_sql: Database, batch: Batch) -> object:
        seen.append(batch.cursor[1] == batch.rows[-1]["id"])
        return await _touch(_sql, batch)

    fill = backfill(table="messages", name="look", verify=UNTOUCHED, order="strided")(look)
    assert (await run(sql, fill, batch_size=3)).done
    assert len(seen) >= 10
    assert all(seen)


@pytest.mark.parametrize("style", ["German, DMY", "Postgres, DMY"])
async def test_another_date_style_on_the_way_moves_no_row_to_another_stride(
    sql: Database, postgres: Postgres, database: str, style: str
) -> None:
    await make_messages(sql, 80)
    answers = iter([False] * 9 + [True])
    await run(sql, declared(order="strided"), batch_size=5, stop=lambda: next(answers))
    await execute(sql, f"alter database {database} set datestyle = '{style}'")
    await execute(sql, f"alter database {database} set timezone = 'America/St_Johns'")
    async with Direct(postgres.login.to(database).url) as fresh:
        assert (await run(fresh, declared(order="strided"), batch_size=5)).scanned == 80
    assert await touched(sql) == {"1": 80}


@pytest.mark.parametrize(
    ("columns", "key", "values"),
    [
        ("id text", "id", "select unnest(array['', ' ', 'a''b', 'a\\b', 'é', '😀', 'null', '[1]', '%', '_', '-'])"),
        ("id char(5)", "id", "select g::text from generate_series(1, 60) g"),
        ("id uuid", "id", "select gen_random_uuid() from generate_series(1, 60)"),
        ("id bigint", "id", "select 9223372036854775807 - g from generate_series(0, 59) g"),
        ("id numeric", "id", "select 1 / g::numeric from generate_series(1, 60) g"),
        ("a int, b timestamptz, id text", "a, b, id", "select g % 3, now(), g::text from generate_series(1, 60) g"),
    ],
)
async def test_any_key_is_walked_once_in_strides(sql: Database, columns: str, key: str, values: str) -> None:
    await execute(
        sql,
        f"create table t ({columns}, touched int not null default 0, primary key ({key}))",
        f"insert into t {values}",
    )
    same = " and ".join(f"t.{name} = p.{name}" for name in key.split(", "))
    fill = backfill(
        table="t",
        sql=f"update t set touched = t.touched + 1 from page p where {same}",
        verify="select count(*) from t where touched <> 1",
        name="fill",
        order="strided",
    )
    total = int(await value(sql, "select count(*) from t") or 0)
    report = await run(sql, fill, batch_size=4)
    assert (report.state, report.scanned, report.changed) == ("done", total, total)


@pytest.mark.parametrize("order", [None, "created", "strided"])
async def test_a_table_in_partitions_is_walked_in_every_order(sql: Database, order: str | None) -> None:
    await execute(
        sql,
        """create table parts (region text, id bigint, made timestamptz not null default now(), a int,
            primary key (region, id)) partition by list (region)""",
        "create table parts_1 partition of parts for values in ('eu')",
        "create table parts_2 partition of parts default",
        "create index on parts (made, region, id)",
        "insert into parts select (array['eu', 'us', 'ap'])[g % 3 + 1], g from generate_series(1, 90) g",
    )
    change = "update parts t set a = coalesce(t.a, 0) + 1 from page p where (t.region, t.id) = (p.region, p.id)"
    fill = backfill(table="parts", where="a is null", sql=change, name="parts", order=order)
    assert (await run(sql, fill, batch_size=8)).changed == 90
    assert await value(sql, "select string_agg(distinct a::text, ',') from parts") == "1"


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"table": "others"}, "is of all rows of public.messages, and the script is now of all rows of public.others"),
        ({"keys": ["a"]}, "and the script is now of public.messages, by keys="),
        ({"source": "select id from messages"}, "and the script is now of public.messages, by source="),
    ],
)
async def test_a_run_goes_on_with_the_rows_that_it_began_with(
    sql: Database, options: dict[str, Any], says: str
) -> None:
    await make_messages(sql, 30)
    await execute(sql, "create table others (like messages including all)")
    await run(sql, declared(order="key"), batch_size=10, stop=iter([False, True]).__next__)
    for act in (run(sql, declared(**options), accept_change=True), plan(sql, declared(**options))):
        with pytest.raises(BackfillChanged, match=says):
            await act
    assert await touched(sql) == {"0": 20, "1": 10}


async def test_the_order_holds_for_the_whole_of_a_run(sql: Database) -> None:
    await make_messages(sql, 30)
    answers = iter([False, True])
    await run(sql, declared(), batch_size=10, order="created", stop=lambda: next(answers))
    with pytest.raises(BackfillChanged, match=r"walks by \(created_at, id\), and is now to walk by \(id\)"):
        await run(sql, declared(), batch_size=10, order="key")
    with pytest.raises(BackfillChanged, match="holds for the whole of a run"):
        await run(sql, declared(key="id"), batch_size=10, accept_change=True)
    assert (await run(sql, declared(), batch_size=10)).done
    assert await touched(sql) == {"1": 30}


async def test_a_key_corrected_before_the_first_batch_is_walked(sql: Database) -> None:
    await make_messages(sql, 30)
    await run(sql, declared(), stop=lambda: True)
    assert await walk_of(sql) == '{"by": ["id"], "strides": 1}'
    await execute(sql, "update sendoka.backfill_runs set checksum = 'of the former script'")
    assert (await run(sql, declared(key=["created_at", "id"]))).done
    assert await walk_of(sql) == '{"by": ["created_at", "id"], "strides": 1}'


MADE = "create table t (id int primary key, a int not null, b text, made timestamptz not null)"


@pytest.mark.parametrize(
    ("tables", "options", "says"),
    [
        ([MADE], {"key": ["a", "id"]}, r'create index concurrently on "public"."t" \("a", "id"\)'),
        ([f"{MADE} partition by range (id)"], {"key": ["a", "id"]}, r'make the index: create index on "public"."t"'),
        ([MADE, "create index on t (a, id desc)"], {"key": ["a", "id"]}, "no index of t serves"),
        ([MADE, "create index on t (a, id) where b is null"], {"key": ["a", "id"]}, "no index of t serves"),
        ([MADE, "create index on t (id, a)"], {"key": ["a", "id"]}, "no index"),
        ([MADE], {"order": "created"}, r'create index concurrently on "public"."t" \("made", "id"\)'),
        (["create table t (id int primary key, a int)"], {"order": "created"}, "no column of it is a time"),
        (["create table t (id date primary key, a int)"], {"order": "strided"}, "is a number, a text or a uuid"),
    ],
)
async def test_an_order_that_no_index_serves_is_refused_with_the_index_to_make(
    sql: Database, tables: list[str], options: dict[str, Any], says: str
) -> None:
    await execute(sql, *tables)
    fill = backfill(table="t", where="a = 0", sql="delete from t using page p where t.id = p.id", name="f", **options)
    with pytest.raises(BackfillError, match=says):
        await run(sql, fill)
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ([MADE, "create index on t (a desc, id desc)"], ["a", "id"]),
        ([MADE, "create index on t (a, id, b)"], ["a", "id"]),
        ([MADE], ["id", "a"]),
    ],
)
async def test_an_index_that_reads_backwards_or_holds_more_serves(
    sql: Database, tables: list[str], key: list[str]
) -> None:
    await execute(sql, *tables, "insert into t select g, g % 4, null, now() from generate_series(1, 20) g")
    fill = backfill(table="t", where="a = 1", sql="delete from t using page p where t.id = p.id", name="f", key=key)
    assert (await run(sql, fill, batch_size=3)).changed == 5


async def test_another_word_for_an_order_is_refused(sql: Database) -> None:
    with pytest.raises(InvalidBackfill, match="one of key, created, strided"):
        declared(order="random")
    with pytest.raises(InvalidBackfill, match="order by itself"):
        declared(order="created", key="id")
    with pytest.raises(InvalidBackfill, match="key, created, strided"):
        await run(sql, declared(), order="random")
    assert await rows(sql, "select from pg_namespace where nspname = 'sendoka'") == []
