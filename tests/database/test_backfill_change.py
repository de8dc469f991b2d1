"""The SQL form through a real Postgres: what is changed, what is left alone, what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, change_walk, run
from sendoka.database import Statement
from sendoka.direct import Direct
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed
from tests.fixtures.backfills import execute, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database
    from sendoka.local.postgres import Postgres


SET_TENANT = """update messages m set tenant_id = o.default_tenant_id, touched = m.touched + 1
    from page p join orgs o on o.id = p.org_id where m.id = p.id"""

# It does not protect itself: a row that a batch did twice would be touched twice.
TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
UNTOUCHED = "select count(*) from messages where touched = 0"


def declared(**options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "touch", "sql": TOUCH, "verify": UNTOUCHED}
    found: Backfill = backfill(**(given | options))
    return found


tenants = backfill(table="messages", where="tenant_id is null", sql=SET_TENANT, name="tenants")


@pytest.mark.parametrize("batch_size", [1, 7, 100, 250, 1000])
async def test_every_row_is_changed_once_whatever_the_size(sql: Database, batch_size: int) -> None:
    await make_messages(sql, 250 if batch_size > 1 else 20)
    report = await run(sql, declared(), batch_size=batch_size)
    assert (report.state, report.scanned, report.changed) == ("done", *(int(await count(sql)),) * 2)
    assert set(await touched(sql)) == {"1"}
    assert await ledger_is_whole(sql)


async def count(sql: Database) -> str:
    return await value(sql, "select count(*) from messages") or ""


async def test_the_size_adapts_and_progress_is_told(sql: Database) -> None:
    await make_messages(sql, 6000)
    seen: list[Progress] = []
    report = await run(sql, tenants, on_progress=seen.append)
    assert report.batches < 6
    assert [progress.scanned for progress in seen][-1] == 6000
    assert (seen[0].scanned, seen[0].total) == (1000, 6000)
    assert seen[0].rate is not None
    assert seen[0].seconds_left is not None


async def test_a_finished_one_says_when_it_was_done_and_changes_nothing(sql: Database) -> None:
    await make_messages(sql, 50)
    first = await run(sql, tenants)
    await execute(sql, "update messages set tenant_id = null")
    again = await run(sql, tenants)
    assert again.was_done
    assert (again.finished_at, again.finished_by, again.changed) == (first.finished_at, first.finished_by, 50)
    assert await value(sql, "select count(*) from messages where tenant_id is null") == "50"


async def test_an_empty_table_is_done_at_once(sql: Database) -> None:
    await make_messages(sql, 0)
    report = await run(sql, tenants)
    assert (report.state, report.scanned, report.changed, report.batches) == ("done", 0, 0, 1)


async def test_a_deadline_stops_it_and_the_next_call_goes_on(sql: Database) -> None:
    await make_messages(sql, 400)
    slow = declared(sql=TOUCH + " and pg_sleep(0.001) is not null")
    states = []
    for _ in range(20):
        report = await run(sql, slow, batch_size=50, deadline=0.25)
        assert report.seconds < 0.6
        states.append((report.state, report.reason))
        if report.done:
            break
    assert states[0] == ("stopped", "deadline")
    assert states[-1] == ("done", "")
    assert await touched(sql) == {"1": 400}
    assert await ledger_is_whole(sql)


async def test_a_deadline_within_a_batch_cuts_it_and_nothing_is_done_twice(sql: Database) -> None:
    await make_messages(sql, 60)
    report = await run(sql, declared(sql=TOUCH + " and pg_sleep(0.02) is not null"), batch_size=50, deadline=0.2)
    assert (report.state, report.reason) == ("stopped", "deadline")
    assert report.seconds < 1
    assert (await run(sql, declared(), accept_change=True)).done
    assert await touched(sql) == {"1": 60}


async def test_it_stops_between_batches_when_asked_to(sql: Database) -> None:
    await make_messages(sql, 100)
    answers = iter([False, False, True])
    report = await run(sql, declared(), batch_size=10, stop=lambda: next(answers))
    assert (report.state, report.reason, report.scanned) == ("stopped", "interrupted", 20)
    assert (await run(sql, declared(), batch_size=10)).batches == 11
    assert await touched(sql) == {"1": 100}


async def test_rows_that_need_no_change_do_not_hold_it_up(sql: Database) -> None:
    await make_messages(sql, 300)
    await execute(sql, "update messages set tenant_id = 'mine' where org_id <> 'org_3'")
    report = await run(sql, tenants, batch_size=20)
    assert (report.scanned, report.changed) == (300, 30)
    assert await value(sql, "select count(*) from messages where tenant_id = 'mine'") == "270"


async def test_insert_and_delete_are_changes_too(sql: Database) -> None:
    await make_messages(sql, 120)
    await execute(sql, "create table copies (id varchar(32) primary key)")
    copy = backfill(
        table="messages",
        where="not exists (select from copies where copies.id = messages.id)",
        sql="insert into copies (id) select id from page",
        name="copy",
    )
    assert (await run(sql, copy, batch_size=50)).changed == 120
    delete = backfill(
        table="messages",
        where="org_id = 'org_1'",
        sql="delete from messages m using page p where m.id = p.id",
        name="remove",
    )
    assert (await run(sql, delete, batch_size=50)).changed == 12
    assert (await value(sql, "select count(*) from copies"), await count(sql)) == ("120", "108")


async def test_equal_timestamps_longer_than_a_batch_are_walked_whole(sql: Database) -> None:
    await make_messages(sql, 200)
    await execute(sql, "update messages set created_at = '2024-02-29 12:00:00.000001+00'")
    report = await run(sql, declared(key=["created_at", "id"]), batch_size=7)
    assert (report.state, report.scanned) == ("done", 200)
    assert await touched(sql) == {"1": 200}


async def test_the_columns_of_page_can_be_chosen(sql: Database) -> None:
    await make_messages(sql, 10)
    chosen = backfill(
        table="messages",
        where="touched = 0",
        columns=["org_id"],
        sql="update messages m set touched = 1, body = org_id || id2 from (select id as id2, org_id as o from page) p "
        "where m.id = id2",
        name="chosen",
    )
    assert (await run(sql, chosen)).changed == 10
    wrong = backfill(table="messages", where="touched = 1", columns=["id"], sql=SET_TENANT, name="wrong")
    with pytest.raises(BatchFailed, match="org_id"):
        await run(sql, wrong)


# ------------------------------------------------------------------ the application beside it


@pytest.fixture(params=["unlocked", "locked"])
def locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "locked":
        monkeypatch.setattr(change_walk, "may_go_unlocked", lambda *_: False)
    return bool(request.param == "locked")


@pytest.mark.usefixtures("locks")
async def test_what_the_application_writes_meanwhile_is_not_overwritten(sql: Database) -> None:
    await make_messages(sql, 10)
    # The application changes every row in a transaction that is still open when the batch begins.
    holding = asyncio.create_task(
        sql.run_all([Statement("update messages set tenant_id = 'mine'"), Statement("select pg_sleep(0.4)")])
    )
    await asyncio.sleep(0.15)
    report = await run(sql, tenants)
    await holding
    assert await value(sql, "select count(*) from messages where tenant_id = 'mine'") == "10"
    assert (report.state, report.changed) == ("done", 0)
    assert await touched(sql) == {"0": 10}


@pytest.mark.usefixtures("locks")
async def test_a_page_holds_what_the_application_wrote_while_the_batch_waited(sql: Database) -> None:
    await make_messages(sql, 20)
    moving = asyncio.create_task(
        sql.run_all(
            [Statement("update messages set org_id = 'org_9', body = 'moved'"), Statement("select pg_sleep(0.4)")]
        )
    )
    await asyncio.sleep(0.15)
    report = await run(sql, tenants, batch_size=7)
    await moving
    assert (report.state, report.changed, report.passes) == ("done", 20, 1)
    assert await rows(sql, "select distinct org_id, tenant_id, body, touched::text from messages") == [
        ["org_9", "ten_9", "moved", "1"]
    ]


async def test_a_row_that_was_committed_behind_the_cursor_is_found_by_another_pass(sql: Database, direct: Any) -> None:
    await make_messages(sql, 40)
    direct.execute("begin")
    direct.execute("insert into messages (id, org_id) values ('msg_', 'org_1')")

    def listen(progress: Progress) -> None:
        if progress.scanned >= 20:
            direct.execute("commit")

    fill = backfill(
        table="messages",
        where="tenant_id is null",
        sql=SET_TENANT,
        name="fill",
        verify="select count(*) from messages where tenant_id is null",
    )
    report = await run(sql, fill, batch_size=5, on_progress=listen)
    assert (report.state, report.passes, report.changed) == ("done", 2, 41)
    assert await touched(sql) == {"1": 41}


async def test_two_runners_at_once_share_the_work(sql: Database) -> None:
    await make_messages(sql, 500)
    reports = await asyncio.gather(*(run(sql, declared(), batch_size=10) for _ in range(3)))
    assert {report.state for report in reports} == {"done"}
    assert await touched(sql) == {"1": 500}
    assert await ledger_is_whole(sql)
    assert await value(sql, "select count(*) from sendoka.backfill_runs") == "1"


async def test_a_trigger_on_a_sibling_row_is_a_loud_error_and_loses_nothing(sql: Database) -> None:
    await make_messages(sql, 50)
    await execute(
        sql,
        """create function touch_sibling() returns trigger language plpgsql as $$ begin
             update messages set body = 'x' where id = (select min(id) from messages where id > new.id);
             return new; end $$""",
        "create trigger sibling before update of tenant_id on messages for each row execute function touch_sibling()",
    )
    with pytest.raises(BatchFailed, match="27000") as caught:
        await run(sql, tenants, batch_size=25)
    assert caught.value.cursor is None
    assert "trigger" in caught.value.todo
    assert await touched(sql) == {"0": 50}
    assert (await run(sql, tenants, batch_size=1)).done
    assert await touched(sql) == {"1": 50}


async def test_rows_that_a_trigger_held_back_are_reported(sql: Database) -> None:
    await make_messages(sql, 30)
    await execute(
        sql,
        "create function hold() returns trigger language plpgsql as 'begin return null; end'",
        """create trigger hold before update on messages for each row when (old.org_id = 'org_1')
           execute function hold()""",
    )
    with pytest.raises(BackfillError, match=r"3 rows are left after pass 2 .* a whole pass changed nothing"):
        await run(sql, tenants, batch_size=10)
    await execute(sql, "drop trigger hold on messages")
    report = await run(sql, tenants, batch_size=10)
    assert (report.state, report.passes, report.changed, report.unchanged) == ("done", 3, 30, 6)


# ------------------------------------------------------------------ refused


async def test_a_change_that_does_not_falsify_its_predicate_ends_after_one_pass(sql: Database) -> None:
    await make_messages(sql, 90)
    # Tried on a few rows it would be refused before it begins.
    endless = declared(where="id is not null", verify="select count(*) from messages where id is not null")
    for _ in range(2):
        with pytest.raises(BackfillError, match=r"90 rows are left after pass 1 .* does not make where= false"):
            await run(sql, endless, batch_size=20)
    assert await touched(sql) == {"1": 90}


async def test_a_backfill_of_every_row_has_one_pass_only(sql: Database) -> None:
    await make_messages(sql, 90)
    with pytest.raises(BackfillError, match="would change every row again"):
        await run(sql, declared(verify="select 5"), batch_size=20)
    assert await touched(sql) == {"1": 90}


@pytest.mark.parametrize("verify", ["select 'many'", "select 1, 2", "select 1 where false", "select null::int"])
async def test_a_verify_query_that_returns_no_number_is_named(sql: Database, verify: str) -> None:
    await make_messages(sql, 3)
    with pytest.raises(BackfillError, match="must return one number"):
        await run(sql, declared(verify=verify))


async def test_a_missing_table_is_a_clear_error_and_changes_nothing(sql: Database) -> None:
    with pytest.raises(BackfillError, match="the table messages of the backfill tenants does not exist") as caught:
        await run(sql, tenants)
    assert caught.value.exit_code == 3
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ("create table t (a int)", {}, "no primary key"),
        ("create table t (id int primary key, a int)", {"key": "a"}, "may be null"),
        ("create table t (id int primary key, a int not null)", {"key": "a"}, "not unique"),
        ("create table t (id int primary key, a int)", {"key": "idd"}, "did you mean 'id'"),
        ("create table t (id int primary key, a int)", {"columns": ["b"]}, "no column 'b'"),
        ("create table t (id int, a int not null, unique (a) deferrable)", {"key": "a"}, "not unique"),
        ("create view t as select 1 as id, 2 as a", {}, "is not a table"),
    ],
)
async def test_a_table_that_cannot_be_walked_is_refused(
    sql: Database, table: str, options: dict[str, Any], says: str
) -> None:
    await execute(sql, table)
    fill = backfill(
        table="t", where="a is null", sql="update t set a = 1 from page p where t.id = p.id", name="fill", **options
    )
    with pytest.raises(BackfillError, match=says):
        await run(sql, fill)
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"


async def test_a_failing_batch_says_where_it_stands_and_keeps_what_was_done(sql: Database) -> None:
    await make_messages(sql, 40)
    poisoned = await value(sql, "select id from messages order by id offset 25 limit 1")
    await execute(sql, f"alter table messages add check (id <> '{poisoned}' or touched = 0)")
    with pytest.raises(BatchFailed, match="23514") as caught:
        await run(sql, declared(), batch_size=10, max_dead=0)
    done = await value(sql, "select max(id) from messages where touched = 1")
    assert caught.value.cursor == (done,)
    assert await touched(sql) == {"1": 20, "0": 20}


async def test_a_table_dropped_on_the_way_ends_the_run(sql: Database) -> None:
    await make_messages(sql, 40)
    answers = iter([False, True])
    await run(sql, declared(), batch_size=10, stop=lambda: next(answers))
    await execute(sql, "drop table messages")
    with pytest.raises(BackfillError, match="does not exist"):
        await run(sql, declared(), batch_size=10)


async def test_a_changed_script_goes_on_only_if_told_to(sql: Database) -> None:
    await make_messages(sql, 40)
    answers = iter([False, True])
    before = declared()
    await run(sql, before, batch_size=10, stop=lambda: next(answers))
    await execute(sql, "update sendoka.backfill_runs set checksum = 'of an older script'")
    with pytest.raises(BackfillChanged, match="changed since its run was started") as caught:
        await run(sql, before)
    assert caught.value.exit_code == 1
    assert await touched(sql) == {"1": 10, "0": 30}
    assert (await run(sql, before, accept_change=True)).done
    assert await touched(sql) == {"1": 40}
    kept = await rows(sql, "select former_checksums::text, checksum from sendoka.backfill_runs")
    assert kept == [['{"of an older script"}', before.checksum()]]


async def test_a_statement_timeout_makes_batches_smaller(sql: Database, postgres: Postgres, database: str) -> None:
    await make_messages(sql, 64)
    await execute(sql, f"alter database {database} set statement_timeout = '200ms'")
    slow = declared(sql=TOUCH + " and pg_sleep(0.01) is not null")
    async with Direct(postgres.login.to(database).url) as fresh:
        report = await run(fresh, slow, batch_size=64)
    assert report.done
    assert report.retries > 0
    assert await touched(sql) == {"1": 64}


async def test_only_a_client_and_a_backfill_can_be_run(sql: Database) -> None:
    with pytest.raises(TypeError, match="runs on a client"):
        await run("postgresql://u:secret@h/db", tenants)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(BackfillError, match="neither sql= nor a step"):
        await run(sql, backfill(table="t", where="a is null"))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(BackfillError, match="1 or more"):
        await run(sql, tenants, batch_size=0)


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("columns", "key", "values"),
    [
        ("id varchar(3)", ["id"], "select lpad(g::text, 3, '0') from generate_series(1, 100) g"),
        ("id boolean", ["id"], "select unnest(array[true, false])"),
        ('"Group" text, "order by" int', ["order by", "Group"], "select g::text, g % 4 from generate_series(1, 50) g"),
    ],
)
async def test_names_that_need_quotes_are_quoted(sql: Database, columns: str, key: list[str], values: str) -> None:
    names = ", ".join(f'"{name}"' for name in key)
    await execute(
        sql,
        'create schema "odd names"',
        f'create table "odd names"."it""s" ({columns}, touched int not null default 0, primary key ({names}))',
        f"""insert into "odd names"."it""s" {values}""",
    )
    same = " and ".join(f't."{name}" = p."{name}"' for name in key)
    fill = backfill(
        table='odd names.it"s',
        sql=f"""update "odd names"."it""s" t set touched = t.touched + 1 from page p where {same}""",
        verify="""select count(*) from "odd names"."it""s" where touched <> 1""",
        name="fill",
        key=key,
    )
    total = int(await value(sql, 'select count(*) from "odd names"."it""s"') or 0)
    report = await run(sql, fill, batch_size=4)
    assert (report.state, report.scanned, report.changed) == ("done", total, total)


@pytest.mark.parametrize("style", ["German, DMY", "SQL, MDY", "Postgres, DMY"])
async def test_another_date_style_moves_no_cursor(sql: Database, postgres: Postgres, database: str, style: str) -> None:
    await make_messages(sql, 60)
    await execute(sql, "update messages set created_at = created_at + touched * interval '1 us'")
    await execute(sql, f"alter database {database} set datestyle = '{style}'")
    await execute(sql, f"alter database {database} set timezone = 'America/St_Johns'")
    async with Direct(postgres.login.to(database).url) as fresh:
        assert (await run(fresh, declared(key=["created_at", "id"]), batch_size=7)).scanned == 60
    assert await touched(sql) == {"1": 60}
