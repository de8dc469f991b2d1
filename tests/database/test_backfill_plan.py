"""`plan`: what a backfill would do, found out while nothing stays changed."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, plan, run
from sendoka.backfills.change_text import may_go_unlocked
from sendoka.backfills.sharding import planned
from sendoka.backfills.split import parted
from sendoka.backfills.target import estimate, read_target
from sendoka.backfills.terms import Terms
from sendoka.cli.backfill.plan import _rows
from sendoka.errors import BackfillChanged, BackfillError, InvalidBackfill
from tests.fixtures.backfills import execute, make_messages, rows, value

if TYPE_CHECKING:
    import psycopg

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database

    Connection = psycopg.Connection[Any]

SET_TENANT = """update messages m set tenant_id = o.default_tenant_id, body = 'b' || random()
    from page p join orgs o on o.id = p.org_id where m.id = p.id"""


def declared(**options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "tenants", "where": "tenant_id is null", "sql": SET_TENANT}
    found: Backfill = backfill(**(given | options))
    return found


async def everything(sql: Database) -> list[object]:
    """Return the table with the versions of its rows, and all of our tables."""
    found: list[object] = []
    found += await rows(sql, "select xmin::text, m::text from messages m order by id")
    for name in ("runs", "shards", "batches"):
        if await value(sql, f"select to_regclass('sendoka.backfill_{name}')"):
            found += await rows(sql, f"select xmin::text, t::text from sendoka.backfill_{name} t order by 2")
    return [*found, await value(sql, "select count(*) from pg_class")]


async def test_a_plan_says_what_a_run_would_do_and_changes_nothing(sql: Database) -> None:
    await make_messages(sql, 2000)
    await execute(
        sql,
        "update messages set tenant_id = 'mine' where org_id in ('org_1', 'org_2')",
        "create function stamp() returns trigger language plpgsql as $$ begin return new; end $$",
        "create trigger stamp before update on messages for each row execute function stamp()",
        "create trigger other after insert on messages for each row execute function stamp()",
        "create trigger off before update on messages for each row execute function stamp()",
        "create trigger tally after update on messages for each statement execute function stamp()",
        "alter table messages disable trigger off",
        "analyze messages",
    )
    before = await everything(sql)
    found = await plan(sql, declared())
    assert await everything(sql) == before
    assert await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'") == "0"

    assert (found.name, found.table, found.form, found.state) == ("tenants", "messages", "sql", "not started")
    assert found.sampled == 2000
    assert found.rows == pytest.approx(2000, abs=200)
    assert found.matching == pytest.approx(1600, abs=160)
    assert (found.order, found.by, found.strides) == ("key", ("id",), 1)
    assert "small" in found.why
    assert found.index == "messages_pkey"
    assert found.batches == 1
    assert found.seconds is not None
    assert found.seconds > 0
    ends = await rows(sql, "select min(id), max(id) from messages")
    assert [(found.first_page[0][0]), found.last_page[-1][0]] == ends[0]
    assert len(found.first_page) == len(found.last_page) == 2
    assert found.trial is not None
    assert (found.trial.scanned, found.trial.changed) == (1000, found.trial.paged)
    assert any(line.startswith("scan: ") and "messages_pkey, 1,000 rows" in line for line in found.trial.explain)
    assert any(line.startswith("change: Update messages") for line in found.trial.explain)
    assert "messages: RowExclusiveLock" in found.trial.locks
    assert "orgs: AccessShareLock" in found.trial.locks
    assert found.problems == ()
    assert found.warnings == (
        "the trigger stamp (before update, stamp) fires for every row",
        "the trigger tally (after update, stamp) fires for every batch",
        "random() is volatile: it gives every row, and every try of a batch, another value",
    )


async def test_a_plan_of_a_run_on_its_way_looks_at_where_it_stands(sql: Database) -> None:
    await make_messages(sql, 200)
    answers = iter([False, False, False, True])
    await run(sql, declared(), batch_size=60, order="strided", stop=lambda: next(answers))
    before = await everything(sql)
    found = await plan(sql, declared(), batch_size=60)
    assert await everything(sql) == before
    assert (found.state, found.order, found.strides, found.why) == ("stopped", "strided", 8, "the run began so")
    assert found.trial is not None
    assert 0 < found.trial.paged == found.trial.changed == found.trial.scanned < 60
    with pytest.raises(BackfillChanged, match="holds for the whole of a run"):
        await plan(sql, declared(), order="key")
    # Who was killed notes nothing.
    await execute(
        sql,
        "update sendoka.backfill_runs set state = 'running', runner = null, noted_at = now() - interval '1 h'",
        "update sendoka.backfill_shards set updated_at = now() - interval '1 h'",
    )
    assert (await plan(sql, declared())).state == "stopped"
    assert (await run(sql, declared())).done
    assert (await plan(sql, declared(), order="key")).state == "done"


async def test_a_plan_of_a_run_on_its_way_is_of_what_is_left(sql: Database) -> None:
    await make_messages(sql, 200)
    await execute(sql, "analyze messages")
    told: list[Progress] = []
    report = await run(
        sql, declared(), batch_size=20, on_progress=told.append, stop=lambda: any(each.scanned for each in told)
    )
    assert 0 < report.scanned < 200
    found = await plan(sql, declared(), batch_size=20)
    assert (found.rows, found.batches) == (200, (200 - report.scanned) // 20)
    assert not found.script_changed
    other = replace(declared(), module="")
    assert (await plan(sql, other)).script_changed
    with pytest.raises(BackfillChanged, match="changed since its run was started"):
        await run(sql, other)


async def test_a_script_that_changed_before_its_first_batch_is_planned_anew(sql: Database) -> None:
    await make_messages(sql, 3000)
    report = await run(sql, declared(order="strided"), shards=3, stop=lambda: True)
    assert (report.state, report.batches) == ("stopped", 0)
    other = replace(declared(order="key"), module="")
    found = await plan(sql, other)
    assert (found.order, found.strides, found.shards.number, found.script_changed) == ("key", 1, 1, False)
    assert (await run(sql, other)).done


async def test_a_lock_that_somebody_holds_is_no_problem_of_the_backfill(
    sql: Database, direct: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendoka.backfills.trial._LOCK_TIMEOUT", "50ms")
    await make_messages(sql, 20)
    direct.execute("begin")
    direct.execute("update messages set body = 'mine'")
    found = await plan(sql, declared())
    direct.execute("rollback")
    assert found.problems == ()
    assert "it could not be tried now: canceling statement due to lock timeout (55P03)" in found.warnings[-1]
    assert "a run waits for that" in found.warnings[-1]
    assert (await plan(sql, declared())).trial is not None


async def test_the_last_page_of_keys_is_not_told_where_not_all_were_looked_at(sql: Database) -> None:
    await make_messages(sql, 20)
    ids = [f"msg_{number:04}" for number in range(1500)]
    found = await plan(sql, declared(keys=ids[:1000]), batch_size=100)
    assert (found.rows, found.first_page[0], found.last_page[-1]) == (1000, ("msg_0000",), ("msg_0999",))
    found = await plan(sql, declared(keys=ids), batch_size=100)
    assert (found.rows, found.batches, found.first_page[0], found.last_page) == (1500, 15, ("msg_0000",), ())


async def test_a_partitioned_table_has_the_rows_of_its_partitions(sql: Database) -> None:
    await execute(
        sql,
        "create table messages (id int primary key, tenant_id text, org_id text, body text) partition by range (id)",
        "create table p_a partition of messages for values from (0) to (300)",
        "create table p_b partition of messages for values from (300) to (1000)",
        "create table p_c partition of messages for values from (1000) to (2000)",
        "insert into messages select g from generate_series(0, 499) g",
    )
    sql_form = "update messages m set tenant_id = 't' from page p where m.id = p.id"
    assert (await plan(sql, declared(sql=sql_form))).rows == 500  # counted
    assert may_go_unlocked(declared(sql=sql_form), await read_target(sql, declared(sql=sql_form)))
    await execute(
        sql,
        "create function stamp() returns trigger language plpgsql as $$ begin return new; end $$",
        "create trigger all_of_it before update on messages for each row execute function stamp()",
        "create trigger of_one before update on p_b for each row execute function stamp()",
    )
    assert (await plan(sql, declared(sql=sql_form))).warnings == (
        "the trigger all_of_it (before update, stamp) fires for every row",
        "the trigger of_one (before update, stamp) fires for every row",
    )
    assert not may_go_unlocked(declared(sql=sql_form), await read_target(sql, declared(sql=sql_form)))
    await execute(sql, "analyze messages")
    found = await plan(sql, declared(sql=sql_form), workers=2)
    assert (found.rows, found.shards.way) == (500, "whole")
    told: list[Progress] = []
    assert (await run(sql, declared(sql=sql_form), on_progress=told.append)).done
    assert (told[-1].total or 0) >= 500


async def test_the_time_counts_the_rate_and_the_closed_hours(sql: Database) -> None:
    await make_messages(sql, 1000)
    rows = (await plan(sql, declared())).rows or 0
    found = await plan(sql, declared(), rate="10/s")
    assert found.seconds == pytest.approx((found.rows or 0) / 10)
    assert (found.rows or 0) >= rows
    hour = int(await value(sql, "select extract(hour from now() at time zone 'utc')::int") or 0)
    window = f"{(hour + 12) % 24:02}:00-{(hour + 13) % 24:02}:00"
    closed = await plan(sql, declared(), between=window, tz="UTC")
    assert "it is not" in closed.busy[0]
    assert closed.seconds is not None
    assert 10.9 * 3600 < closed.seconds < 12.1 * 3600


async def test_a_temporary_table_is_called_what_it_is(sql: Database, direct: Connection) -> None:
    direct.execute("create temporary table messages (id int primary key)")
    for work in (plan, run):
        with pytest.raises(BackfillError, match="messages is a temporary table, which only the session") as caught:
            await work(sql, declared())
        assert "create unlogged table" in caught.value.todo
    direct.execute("drop table messages")
    with pytest.raises(BackfillError, match="the table messages of the backfill tenants does not exist"):
        await plan(sql, declared())


async def test_a_step_is_not_called_and_its_page_is_read(sql: Database) -> None:
    await make_messages(sql, 100)

    @backfill(table="messages", where="org_id = 'org_1'", columns=["org_id"])
    async def step(_sql: object, _batch: Batch) -> None:
        raise AssertionError("a plan must not call a step")

    found = await plan(sql, step, batch_size=100)
    assert (found.form, found.matching, found.problems) == ("python", 10, ())
    assert found.trial is not None
    assert (found.trial.scanned, found.trial.paged, found.trial.changed) == (100, 10, None)
    assert found.seconds is None


async def test_an_empty_table_has_no_pages(sql: Database) -> None:
    await make_messages(sql, 0)
    found = await plan(sql, declared())
    assert (found.first_page, found.last_page, found.rows, found.matching) == ((), (), 0, None)
    assert (found.batches, found.seconds, found.problems) == (1, None, ())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"where": "id is not null"}, "does not make where= false: all of 100 rows"),
        (
            {"where": "org_id = 'org_1' or tenant_id is null"},
            "rows that it was tried on were changed and still satisfy",
        ),
        ({"sql": SET_TENANT.replace("p.org_id", "p.org")}, "p.org does not exist (42703)"),
        ({"sql": SET_TENANT.replace("'b'", "1 / (length(m.id) - length(m.id)) || 'b'")}, "division by zero (22012)"),
    ],
)
async def test_what_keeps_it_from_being_done_is_a_problem_said_once(
    sql: Database, options: dict[str, Any], says: str
) -> None:
    await make_messages(sql, 200)
    (problem,) = (await plan(sql, declared(**options))).problems
    assert says in problem


@pytest.mark.parametrize(
    ("prepared", "says"),
    [
        ("delete from orgs where id = 'org_3'", "satisfy where= afterwards too"),
        ("delete from orgs", "the change changed none of 100 rows"),
    ],
)
async def test_rows_that_the_change_leaves_alone_are_warned_of(sql: Database, prepared: str, says: str) -> None:
    await make_messages(sql, 300)
    await execute(sql, prepared)
    found = await plan(sql, declared())
    assert says in found.warnings[-1]
    assert found.problems == ()


async def test_a_key_without_an_index_is_refused_as_by_a_run(sql: Database) -> None:
    await make_messages(sql, 20)
    with pytest.raises(BackfillError, match="no index of messages serves"):
        await plan(sql, declared(key=["org_id", "id"]))


async def test_only_a_client_a_backfill_and_a_known_order_can_be_planned(sql: Database) -> None:
    with pytest.raises(TypeError, match=r"neon\(url\)"):
        await plan("postgresql://u:secret@h/db", declared())  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidBackfill, match="neither sql= nor a step"):
        await plan(sql, "tenants")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidBackfill, match="1 or more"):
        await plan(sql, declared(), batch_size=0)
    with pytest.raises(InvalidBackfill, match="key, created, strided"):
        await plan(sql, declared(), order="random")


async def test_a_plan_says_into_which_shards_a_run_would_split_the_table(sql: Database) -> None:
    await make_messages(sql, 5000)
    whole = (await plan(sql, declared())).shards
    assert (whole.number, whole.way, whole.bounds, whole.balance) == (1, "whole", (), 1.0)
    fill = declared()
    found = (await plan(sql, fill, workers=2)).shards
    assert (found.way, found.balance) == ("every key", 1.0)
    assert 4 <= found.number < 8  # of a thousand rows at least
    assert len(set(found.rows)) == 1
    assert (found.rows[0] or 0) * found.number == pytest.approx(5000, rel=0.5)  # by the planner
    assert len(found.bounds) == found.number - 1 == len(found.rows) - 1
    found = (await plan(sql, fill, workers=2, shards=3)).shards
    report = await run(sql, fill, shards=3, stop=lambda: True)
    assert report.state == "stopped"
    kept = (await plan(sql, fill, workers=4)).shards
    assert (kept.number, kept.way, kept.bounds, kept.balance) == (3, "kept", found.bounds, None)
    assert None not in kept.rows


@pytest.mark.parametrize(("key", "way"), [(["n"], "histogram"), (["at", "id"], "sample")])
async def test_the_balance_of_shards_is_found_by_counting_another_sample(
    sql: Database, monkeypatch: pytest.MonkeyPatch, key: list[str], way: str
) -> None:
    await execute(
        sql,
        "create table messages (id text primary key, n bigint not null unique, at date not null, tenant_id text,"
        " org_id text, body text, unique (at, id)) with (autovacuum_enabled = off)",
        "insert into messages select md5(g::text), g * g, date '2026-01-01' + (g > 5000)::int"
        " from generate_series(1, 20000) g",
        "analyze messages",
    )
    target = await read_target(sql, declared(key=key))
    monkeypatch.setattr("sendoka.backfills.sharding.parted", functools.partial(parted, exact=0))
    found = await planned(sql, target, Terms(shards=8), 20_000)
    assert (found.number, found.way) == (8, way)
    assert len(found.bounds) == 7
    assert list(found.bounds) == sorted(found.bounds)
    assert sum(each or 0 for each in found.rows) == pytest.approx(20_000, abs=8)
    assert found.balance == pytest.approx(max(each or 0 for each in found.rows) / 2500, abs=0.01)
    assert 1 <= (found.balance or 0) < 1.2

    async def lopsided(*_: object) -> tuple[str, list[str]]:
        return "sample", ["[1]"] if key == ["n"] else ['["2026-01-01", "zzz"]']

    monkeypatch.setattr("sendoka.backfills.sharding.parted", lopsided)
    uneven = await planned(sql, target, Terms(shards=2), 20_000)
    assert uneven.rows[0] == pytest.approx(1 if key == ["n"] else 5000, abs=500)
    assert uneven.balance == pytest.approx(2 if key == ["n"] else 1.5, abs=0.05)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"workers": 0}, "workers is 1 or more"),
        ({"shards": 0}, "shards is 1 or more"),
        ({"batch_size": 0}, "batch_size is 1 or more"),
        ({"batch_size": 10**10}, "batch_size=10,000,000,000 is too many; give 10,000,000 at most"),
        ({"shards": 10**10}, "shards=10,000,000,000 is too many"),
    ],
)
async def test_a_plan_for_no_workers_is_refused(sql: Database, options: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidBackfill, match=what):
        await plan(sql, declared(), **options)


async def test_a_plan_to_split_rows_that_are_chosen_is_refused(sql: Database) -> None:
    with pytest.raises(InvalidBackfill, match="is walked in one shard by one worker"):
        await plan(sql, declared(source="select id from messages"), workers=4)


async def test_what_trials_left_dead_is_not_counted(sql: Database, direct: Connection) -> None:
    await make_messages(sql, 2000)
    direct.execute("alter table messages set (autovacuum_enabled = false)")
    direct.execute("vacuum analyze messages")
    target = await read_target(sql, declared())
    size = await value(sql, "select pg_relation_size('messages')")
    for _ in range(2):
        with direct.transaction(force_rollback=True):
            direct.execute("update messages set touched = touched + 1")
    direct.execute("select pg_stat_force_next_flush()")
    assert int(str(await value(sql, "select pg_relation_size('messages')"))) > 2 * int(str(size))
    assert await estimate(sql, target) == (2000, "statistics")
    await execute(sql, "insert into messages (id, org_id) select 'new_' || g, 'org_1' from generate_series(1, 6000) g")
    found = (await estimate(sql, target)).rows
    assert found is not None
    assert 4000 < found <= 8000


async def test_rows_of_a_source_are_counted_where_that_is_quick_and_else_the_planners(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_messages(sql, 300)
    chosen = "select m.id from messages m cross join generate_series(1, 2) where length(m.id) < 0 or m.id like '%9'"
    found = await plan(sql, declared(source=chosen))
    there = int(str(await value(sql, "select count(*) from messages where id like '%9'")))
    assert (found.rows, found.rows_by, found.batches) == (there, "count", 1)
    assert _rows(found).startswith(f"about {there}, of which")
    slow = "select id from messages where pg_sleep(0.1) is not null"
    assert (await estimate(sql, replace(await read_target(sql, declared()), source=slow))).by == "planner"
    monkeypatch.setattr("sendoka.backfills.target._COUNTED_COST", 0)
    found = await plan(sql, declared(source=chosen))
    assert found.rows_by == "planner"
    assert f"about {found.rows} as the planner expects of source=, of which" in _rows(found)
