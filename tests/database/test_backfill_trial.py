"""What is found out before a run begins, by trying its change on a few rows and undoing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import backfill, run
from sendoka.backfills.order import arranged
from sendoka.backfills.target import read_target
from sendoka.backfills.trial import Measured, Sample, measured, sampled
from sendoka.errors import BackfillError, BatchFailed
from tests.fixtures.backfills import execute, make_messages, touched, value

if TYPE_CHECKING:
    import psycopg

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database

    Direct = psycopg.Connection[Any]

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
SET_TENANT = """update messages m set tenant_id = o.default_tenant_id, touched = m.touched + 1
    from page p join orgs o on o.id = p.org_id where m.id = p.id"""


def declared(**options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "tenants", "where": "tenant_id is null", "sql": SET_TENANT}
    found: Backfill = backfill(**(given | options))
    return found


async def sample(sql: Database, chosen: Backfill) -> Sample:
    return await sampled(sql, chosen, await read_target(sql, chosen))


async def measure(sql: Database, chosen: Backfill, cursor: str | None = None, order: str | None = None) -> Measured:
    return await measured(sql, chosen, arranged(chosen, await read_target(sql, chosen), order), cursor, 50)


async def untouched(sql: Database) -> bool:
    ours = await value(sql, "select count(*) from pg_namespace where nspname = 'sendoka'")
    return ours == "0" and set(await touched(sql)) <= {"0"}


# ------------------------------------------------------------------ a run that is refused


async def test_a_change_that_leaves_where_true_is_refused_before_it_begins(sql: Database) -> None:
    await make_messages(sql, 300)
    with pytest.raises(BackfillError, match="all of 100 rows that it was tried on still satisfy it") as caught:
        await run(sql, declared(where="id is not null"))
    assert "where id is not null" in caught.value.where
    assert "verify=" in caught.value.todo
    assert await untouched(sql)


async def test_rows_that_rightly_stay_as_they_are_do_not_refuse_a_change(sql: Database) -> None:
    await make_messages(sql, 300)
    await execute(sql, "update orgs set default_tenant_id = null where id <> 'org_3'")
    with pytest.raises(BackfillError, match=r"270 rows are left after pass 2 .* a whole pass changed nothing"):
        await run(sql, declared(sql=f"{SET_TENANT} and o.default_tenant_id is not null"))
    assert await touched(sql) == {"0": 270, "1": 30}


async def test_a_change_that_leaves_where_true_for_some_rows_that_it_changes_is_refused_too(sql: Database) -> None:
    await make_messages(sql, 300)
    await execute(sql, "update orgs set default_tenant_id = null where id = 'org_3'")
    with pytest.raises(BackfillError, match="rows that it was tried on were changed and still satisfy") as caught:
        await run(sql, declared())
    assert "leave such rows out" in caught.value.todo
    assert await untouched(sql)
    told = await sample(sql, declared())
    assert told.kept == told.still
    assert (await run(sql, declared(verify="select 0"))).done
    assert await touched(sql) == {"1": 300}


async def test_a_change_that_writes_more_rows_than_those_of_its_page_is_not_taken_for_one_that_leaves_where_true(
    sql: Database,
) -> None:
    await make_messages(sql, 300)
    siblings = "update messages m set tenant_id = 'ten' where m.org_id in (select p.org_id from page p)"
    told = await sample(sql, declared(sql=siblings))
    assert (told.paged, told.changed, told.still, told.kept) == (100, 300, 0, 0)
    assert (await run(sql, declared(sql=siblings))).done


async def test_a_row_that_stays_true_and_was_not_in_the_sample_is_changed_once(
    sql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr("sendoka.backfills.opening.check_change", unseen)
    await make_messages(sql, 300)
    await execute(
        sql,
        "insert into orgs (id) values ('org_odd')",
        "update messages set org_id = 'org_odd' where id = (select min(id) from messages)",
    )
    with pytest.raises(BackfillError, match=r"1 row is left after pass 1 .* does not make where= false for 1 of them"):
        await run(sql, declared(), batch_size=100)
    assert await touched(sql) == {"1": 300}
    # What others made so is met by another pass, and is no fault of the change.
    await execute(sql, "update messages set org_id = 'org_3' where org_id = 'org_odd'")
    assert (await run(sql, declared(), accept_change=True)).done
    assert await touched(sql) == {"1": 299, "2": 1}


@pytest.mark.parametrize(
    ("options", "says", "todo"),
    [
        ({"sql": SET_TENANT.replace("p.org_id", "p.orgid")}, r"p.orgid does not exist \(42703\)", "p.org_id"),
        ({"sql": SET_TENANT.replace("join orgs", "join org")}, r'"org" does not exist \(42P01\)', "correct sql="),
        ({"sql": SET_TENANT.replace("o.default_tenant_id,", "lowr(o.id),")}, r"\(42883\)", ""),
        ({"where": "tenant is null"}, r'column "tenant" does not exist \(42703\)', "messages.tenant_id"),
        ({"where": "tenant is null", "verify": "select 1"}, r'column "tenant" does not exist', "messages.tenant_id"),
        ({"sql": "update messages set touched == 1 from page", "where": None, "verify": "select 1"}, r"\(42601\)", ""),
    ],
)
async def test_sql_that_cannot_be_run_is_refused_before_it_begins(
    sql: Database, options: dict[str, Any], says: str, todo: str
) -> None:
    await make_messages(sql, 20)
    with pytest.raises(BatchFailed, match=says) as caught:
        await run(sql, declared(**options))
    assert todo in caught.value.todo
    assert "nothing was changed" in caught.value.where
    assert await untouched(sql)


async def test_what_may_pass_or_is_about_one_row_is_left_to_the_run(sql: Database) -> None:
    await make_messages(sql, 30)
    await execute(
        sql, "create function held() returns trigger language plpgsql as $$ begin raise deadlock_detected; end $$"
    )
    await execute(sql, "create trigger held before update on messages for each row execute function held()")
    assert (await run(sql, declared(), stop=lambda: True)).reason == "interrupted"
    await execute(sql, "drop trigger held on messages")
    assert (await run(sql, declared())).changed == 30


async def test_a_role_that_may_not_use_do_is_told_nothing_by_a_trial(sql: Database, direct: Direct) -> None:
    await make_messages(sql, 30)
    direct.execute("revoke usage on language plpgsql from public")
    assert (await run(sql, declared())).changed == 30


async def test_the_trial_keeps_within_its_part_of_a_deadline(sql: Database) -> None:
    await make_messages(sql, 100)
    slow = declared(sql=SET_TENANT + " and pg_sleep(0.04) is not null")
    report = await run(sql, slow, deadline=1.2)
    assert report.batches >= 1
    assert report.seconds < 2


# ------------------------------------------------------------------ what is found, and that nothing stays


async def test_a_sample_tells_the_share_of_rows_and_what_the_change_did(sql: Database) -> None:
    await make_messages(sql, 400)
    await execute(
        sql,
        "update orgs set default_tenant_id = null where id = 'org_3'",
        "update messages set tenant_id = 't' where org_id = 'org_4'",
    )
    found = await sample(sql, declared())
    assert (found.rows, found.hits, found.paged, found.changed) == (400, 360, 100, 100)
    assert 0 < (found.still or 0) < 40
    assert found.share == 0.9
    assert found.kept == found.still
    assert await untouched(sql)


async def test_a_large_table_is_looked_at_in_a_few_pages(sql: Database) -> None:
    await make_messages(sql, 30_000)
    found = await sample(sql, declared(where="tenant_id is null and org_id = 'org_1'"))
    assert 0 < found.rows < 29_000
    assert found.share == pytest.approx(0.1, abs=0.03)
    assert found.paged == 100


async def test_a_step_is_not_called(sql: Database) -> None:
    await make_messages(sql, 60)

    @backfill(table="messages", where="org_id = 'org_1'")
    async def step(_sql: object, _batch: object) -> None:
        raise AssertionError("a trial must not call a step")

    found = await sample(sql, step)
    assert (found.rows, found.hits, found.paged) == (60, 6, None)
    read = await measure(sql, step)
    assert (read.scanned, read.paged, read.changed) == (50, 5 if read.paged == 5 else read.paged, None)
    assert read.locks == ("messages: AccessShareLock",)


@pytest.mark.parametrize("order", ["key", "created", "strided"])
async def test_a_batch_is_measured_from_where_a_run_stands_and_undone(sql: Database, order: str) -> None:
    await make_messages(sql, 80)
    first = await measure(sql, declared(), order=order)
    assert first.scanned == first.paged == first.changed == (50 if order != "strided" else first.scanned)
    assert "messages: RowExclusiveLock" in first.locks
    assert first.seconds > 0
    assert "Execution Time" in first.plan
    key = {"key": '["msg_f"]', "created": '["infinity", ""]', "strided": '{"stride": 7, "key": ["infinity", ""]}'}
    last = await measure(sql, declared(), key[order], order)
    assert last.scanned == (0 if order != "key" else last.scanned)
    assert last.scanned < 15
    assert await untouched(sql)


async def test_texts_with_quotes_and_backslashes_stay_what_they_are(sql: Database) -> None:
    await make_messages(sql, 10)
    odd = declared(
        where=r"tenant_id is null and body is distinct from E'it''s \\ $$ $sendoka$' -- it's",
        sql=r"update messages m set tenant_id = E'\'\\' || $x$'$x$ from page p where m.id = p.id -- ' \ ",
    )
    found = await sample(sql, odd)
    assert (found.paged, found.changed, found.still) == (10, 10, 0)
    assert (await run(sql, odd)).changed == 10
    assert await value(sql, "select distinct tenant_id from messages") == "'\\'"


async def test_a_new_run_warns_of_triggers_and_volatile_functions_before_its_first_batch(sql: Database) -> None:
    await make_messages(sql, 20)
    await execute(
        sql,
        "create function noted() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger seen before update on messages for each row execute function noted()",
    )
    told: list[Progress] = []
    text = "update messages m set touched = 1, body = random()::text from page p where m.id = p.id"
    noisy = declared(where="touched = 0", sql=text)
    asked = iter([False, True])
    first = await run(sql, noisy, batch_size=10, on_progress=told.append, stop=lambda: next(asked))
    warned = [progress for progress in told if progress.warnings]
    assert (warned, told[0].scanned) == (told[:1], 0)
    assert first.warnings == told[0].warnings
    assert first.warnings[0].startswith("the trigger seen (before update, noted) fires")
    assert first.warnings[1].startswith("random() is volatile")
    assert (await run(sql, noisy)).warnings == ()  # it goes on
    quiet = declared(name="quiet", where="touched = 1", sql=TOUCH)
    assert (await run(sql, quiet, stop=lambda: True)).warnings == first.warnings[:1]
