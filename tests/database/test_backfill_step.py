"""The Python form through a real Postgres: what a step sees, what it may return, and what fences it off."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.backfills.shards import claim
from sendoka.database import Statement
from sendoka.errors import BackfillError, BackfillRunning, BatchFailed
from tests.fixtures.backfills import execute, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database

    Step = Callable[[Any, Batch], Awaitable[object]]


def declared(step: Step, **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "where": "tenant_id is null", "name": "stepped"}
    found: Backfill = backfill(**(given | options))(step)
    return found


@backfill(table="messages", where="tenant_id is null", columns=["org_id", "touched"])
async def tenants(sql: Any, batch: Batch) -> object:
    return batch.update(
        {row["id"]: {"tenant_id": row.org_id.replace("org", "ten"), "touched": row.touched + 1} for row in batch.rows}
    )


async def touch(sql: Any, batch: Batch) -> object:
    """It does not protect itself: a row that a batch did twice would be touched twice."""
    ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))


every_row = declared(touch, where=None, verify="select count(*) from messages where touched = 0")


@pytest.mark.parametrize("batch_size", [1, 7, 100, 250, 1000])
async def test_every_row_is_changed_once_whatever_the_size(sql: Database, batch_size: int) -> None:
    count = 250 if batch_size > 1 else 20
    await make_messages(sql, count)
    for fill in (tenants, every_row):
        report = await run(sql, fill, batch_size=batch_size)
        assert (report.state, report.scanned, report.changed) == ("done", count, count)
        assert await ledger_is_whole(sql)
    assert await touched(sql) == {"2": count}
    wrong = await value(sql, "select count(*) from messages where tenant_id <> replace(org_id, 'org', 'ten')")
    assert wrong == "0"


async def test_rows_are_typed_and_hold_the_chosen_columns_behind_the_key(sql: Database) -> None:
    await execute(
        sql,
        """create table t (a int, b timestamptz, n numeric, j jsonb, l text[], u uuid, v bytea, x bool, skipped text,
            primary key (b, a))""",
        """insert into t values (1, '2024-02-29 12:00:00.123456+02', 1.50, '{"k": [1]}', '{a,NULL}',
            '00000000-0000-0000-0000-000000000001', '\\x00ff', true, 'no')""",
    )
    seen: list[Any] = []

    async def look(sql: Any, batch: Batch) -> object:
        seen.extend(batch.rows)
        return batch.update({(row["b"], row["a"]): {"x": None} for row in batch.rows})

    await run(sql, declared(look, table="t", where="x", columns=["n", "j", "l", "u", "v", "x", "a"]))
    (row,) = seen
    assert row.keys() == ("b", "a", "n", "j", "l", "u", "v", "x")
    assert row.b == datetime(2024, 2, 29, 10, 0, 0, 123456, UTC)
    assert (row.a, str(row.n), row.j, row.l, row.v, row.x) == (1, "1.50", {"k": [1]}, ["a", None], b"\x00\xff", True)


async def test_values_of_every_kind_are_written_back(sql: Database) -> None:
    await execute(
        sql,
        """create table t (id int primary key, s varchar(5), n numeric(6, 2), j jsonb, l text[], at timestamptz,
            d date, v bytea, done bool)""",
        "insert into t (id) values (1), (2), (3)",
    )

    async def fill(sql: Any, batch: Batch) -> object:
        at = datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)
        full = {"s": "a'\\\"", "n": 1.5, "j": {"k": "{,}"}, "l": ["x,y", None], "at": at, "v": b"\x00'", "done": True}
        return batch.update({1: full, 2: {"s": None, "done": True}, 3: {"d": at.date(), "done": True}})

    report = await run(sql, declared(fill, table="t", where="done is not true"))
    assert report.changed == 3
    assert await rows(sql, "select s, n::text, j::text, l::text, v::text from t where id = 1") == [
        ["a'\\\"", "1.50", '{"k": "{,}"}', '{"x,y",NULL}', "\\x0027"]
    ]
    assert await value(sql, "select extract(microseconds from at)::text from t where id = 1") == "123456"


async def test_a_value_that_does_not_fit_is_refused_not_cut_off(sql: Database) -> None:
    await execute(sql, "create table t (id int primary key, s varchar(3))", "insert into t values (1)")

    async def fill(sql: Any, batch: Batch) -> object:
        return batch.update({1: {"s": "four"}})

    with pytest.raises(BatchFailed, match="22001"):
        await run(sql, declared(fill, table="t", where="s is null"), max_dead=0)


async def test_a_step_may_return_nothing_and_lists_in_lists(sql: Database) -> None:
    await make_messages(sql, 30)

    async def mixed(sql: Any, batch: Batch) -> object:
        more = Statement("update orgs set default_tenant_id = default_tenant_id returning 1")
        quiet = Statement("select 1")
        return [await touch(sql, batch), [quiet, [more]], ()]

    async def nothing(sql: Any, batch: Batch) -> None:
        return None

    report = await run(sql, declared(mixed, where=None, verify="select count(*) from messages where touched = 0"))
    assert (report.state, report.changed) == ("done", 30)
    report = await run(sql, declared(nothing, name="nothing", where=None, verify="select 0"), batch_size=10)
    assert (report.state, report.scanned, report.changed) == ("done", 30, 0)


async def test_pages_without_a_row_to_change_do_not_call_the_step(sql: Database) -> None:
    await make_messages(sql, 200)
    await execute(sql, "update messages set tenant_id = 'mine' where id <> (select max(id) from messages)")
    pages: list[int] = []

    async def fill(sql: Any, batch: Batch) -> object:
        pages.append(len(batch.rows))
        return batch.update({row["id"]: {"tenant_id": "x"} for row in batch.rows})

    report = await run(sql, declared(fill), batch_size=20)
    assert (pages, report.scanned, report.changed) == ([1], 200, 1)


async def test_an_empty_table_is_done_without_calling_the_step(sql: Database) -> None:
    await make_messages(sql, 0)
    report = await run(sql, tenants)
    assert (report.state, report.scanned, report.batches) == ("done", 0, 1)


# ------------------------------------------------------------------ the application beside it


async def test_a_row_the_application_changed_since_its_page_was_read_is_left_for_another_pass(sql: Database) -> None:
    await make_messages(sql, 20)
    first = await value(sql, "select min(id) from messages")

    async def fill(sql: Any, batch: Batch) -> object:
        if any(row["body"] is None for row in batch.rows if row["id"] == first):
            await execute(sql, f"update messages set body = 'edited' where id = '{first}'")
        return batch.update({row["id"]: {"tenant_id": f"for {row['body']}"} for row in batch.rows})

    report = await run(sql, declared(fill))
    assert (report.state, report.passes, report.unchanged) == ("done", 2, 1)
    assert await value(sql, "select tenant_id from messages where id = $1", first) == "for edited"


async def test_a_row_the_application_filled_itself_keeps_its_value(sql: Database) -> None:
    await make_messages(sql, 20)

    async def fill(sql: Any, batch: Batch) -> object:
        await execute(sql, "update messages set tenant_id = 'mine' where org_id = 'org_1'")
        return batch.update({row["id"]: {"tenant_id": "x"} for row in batch.rows})

    report = await run(sql, declared(fill))
    assert (report.state, report.changed) == ("done", 18)
    assert await value(sql, "select count(*) from messages where tenant_id = 'mine'") == "2"


# ------------------------------------------------------------------ steps that go wrong


async def raises(sql: Any, batch: Batch) -> object:
    raise LookupError("no such tenant")


async def wrong_shape(sql: Any, batch: Batch) -> object:
    return {"id": 1}


async def a_text(sql: Any, batch: Batch) -> object:
    return ["update messages set touched = 1"]


async def commits(sql: Any, batch: Batch) -> object:
    return [Statement("update messages set touched = 9"), Statement("/* ! */ commit")]


async def other_rows(sql: Any, batch: Batch) -> object:
    return batch.update({"msg_of_another_batch": {"touched": 1}})


async def other_column(sql: Any, batch: Batch) -> object:
    return batch.update({batch.rows[0]["id"]: {"tuched": 1}})


async def own_unique(sql: Any, batch: Batch) -> object:
    return Statement("insert into orgs (id) values ('org_1')")


async def own_null(sql: Any, batch: Batch) -> object:
    return Statement("update messages set org_id = null")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (raises, "raised LookupError: no such tenant"),
        (wrong_shape, "it returned dict"),
        (a_text, "it returned str"),
        (commits, "it returned COMMIT"),
        (other_rows, "no row of this batch"),
        (other_column, "has no column 'tuched'"),
        (own_unique, "23505"),
        (own_null, "23502"),
    ],
)
async def test_a_step_that_goes_wrong_changes_nothing_and_the_lease_is_given_back(
    sql: Database, step: Step, says: str
) -> None:
    await make_messages(sql, 30)
    with pytest.raises(BackfillError, match=says):
        await run(sql, declared(step), batch_size=10, max_dead=0)
    assert await touched(sql) == {"0": 30}
    assert await rows(sql, "select state, owner, seq::text from sendoka.backfill_shards") == [["running", None, "0"]]
    report = await run(sql, declared(touch, where=None, verify="select 0"), accept_change=True)
    assert (report.state, report.changed) == ("done", 30)


async def test_the_cause_and_the_place_of_a_failure_are_kept(sql: Database) -> None:
    await make_messages(sql, 30)
    calls = 0

    async def second(sql: Any, batch: Batch) -> object:
        nonlocal calls
        calls += 1
        return await (raises if calls > 1 else touch)(sql, batch)

    with pytest.raises(BatchFailed) as caught:
        await run(sql, declared(second, where="touched = 0"), batch_size=10, max_dead=0)
    assert isinstance(caught.value.__cause__, LookupError)
    done = await value(sql, "select max(id) from messages where touched = 1")
    assert caught.value.cursor == (done,)
    assert await touched(sql) == {"1": 10, "0": 20}


# ------------------------------------------------------------------ leases


async def test_a_rival_waits_for_a_lease_that_is_not_renewed_and_takes_over(sql: Database) -> None:
    await make_messages(sql, 30)
    answers = iter([False, True])
    await run(sql, every_row, batch_size=10, stop=lambda: next(answers))
    held = await claim(sql, 1, 0, owner="host:1:dead", lease=0.7)
    assert held is not None
    waits: list[Progress] = []
    report = await run(sql, every_row, batch_size=10, on_progress=waits.append)
    assert report.done
    assert report.seconds >= 0.5
    assert "process 1 on host holds it" in waits[0].waiting
    assert await touched(sql) == {"1": 30}
    assert await value(sql, "select max(epoch)::text from sendoka.backfill_batches") == str(held.epoch + 1)


async def test_a_rival_of_a_living_holder_gives_up_in_bounded_time(sql: Database) -> None:
    await make_messages(sql, 40)

    async def slow(sql: Any, batch: Batch) -> object:
        await asyncio.sleep(0.5)
        return await touch(sql, batch)

    fill = declared(slow, where=None, verify="select count(*) from messages where touched = 0")
    holder = asyncio.create_task(run(sql, fill, batch_size=10, lease=0.3))
    await asyncio.sleep(0.2)
    with pytest.raises(BackfillRunning, match="is being run by process"):
        await run(sql, fill, batch_size=10, lease=0.3)
    assert (await holder).done
    assert await touched(sql) == {"1": 40}


async def test_who_lost_the_lease_while_it_slept_is_fenced_off(sql: Database) -> None:
    await make_messages(sql, 30)
    rival: list[Any] = []

    async def robbed(sql: Any, batch: Batch) -> object:
        if not rival:
            await execute(sql, "update sendoka.backfill_shards set lease_until = 'epoch'")
            rival.append(await claim(sql, 1, 0, owner="host:2:rival", lease=0.3))
        return await touch(sql, batch)

    fill = declared(robbed, where=None, verify="select count(*) from messages where touched = 0")
    report = await run(sql, fill, batch_size=10, lease=0.5)
    assert report.done
    assert await touched(sql) == {"1": 30}
    assert await value(sql, "select min(epoch)::text from sendoka.backfill_batches") == str(rival[0].epoch + 1)


async def test_two_runners_started_together_do_every_row_once(sql: Database) -> None:
    await make_messages(sql, 200)
    reports = await asyncio.gather(*(run(sql, every_row, batch_size=20) for _ in range(2)), return_exceptions=True)
    assert any(not isinstance(report, BaseException) and report.done for report in reports)
    assert await touched(sql) == {"1": 200}
    assert await ledger_is_whole(sql)


async def test_a_step_that_never_awaits_and_passes_its_time_is_warned_of_once_by_name(sql: Database) -> None:
    await make_messages(sql, 6)

    async def blocks(sql: Any, batch: Batch) -> object:
        time.sleep(0.03)  # noqa: ASYNC251 - that it blocks is what is tested
        return await touch(sql, batch)

    warnings: list[str] = []
    kept: list[str] = []
    step = declared(blocks, where=None, verify="select count(*) from messages where touched = 0")
    for seconds in (0.02, 60):
        report = await run(
            sql,
            step,
            batch_size=2,
            step_timeout=seconds,
            again=True,
            on_progress=lambda progress: warnings.extend(progress.warnings),
        )
        assert report.done
        kept += report.warnings
    (warning,) = warnings
    assert kept == warnings
    assert warning.startswith("the step stepped took longer than 0.02 s and could not be ended, for it did not await")
    assert "await asyncio.to_thread(call, …)" in warning
