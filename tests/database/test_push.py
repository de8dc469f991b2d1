"""`push()` against a real Postgres: whole or not at all, whatever dies, answers twice, or races."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import CheckConstraint, Column, Computed, Enum, Integer, MetaData, String, Table, Text

from sendoka import migrate, neon
from sendoka.bookkeeping import set_mark
from sendoka.errors import MigrationError, MigrationFailed, PushRefused
from sendoka.migrations.pusher import Remembered, push
from sendoka.schema.answers import Answers
from sendoka.schema.declared_texts import texts_of, with_texts
from sendoka.schema.diff import diff
from sendoka.schema.from_python import model_from_tables
from sendoka.sources import Comparison

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.local import Endpoint
    from sendoka.migrations.pusher import Outlook, Pushed
    from sendoka.schema.model import Model
    from sendoka.schema.renaming import Renaming
    from tests.fixtures.client import Chain

    Direct = psycopg.Connection[Any]


def schema(*names: str) -> Model:
    """Return a schema of one table with a column `state`, and one for each name."""
    extra = [Column(each, Text) for each in names]
    return model_from_tables([Table("t", MetaData(), Column("state", String(9)), *extra)])


def checked(first: str = "a") -> Model:
    """Return a schema of one table with a check, which Postgres spells in its own way."""
    check = CheckConstraint(f"state in ('{first}', 'b')", name="t_state_check")
    return model_from_tables([Table("t", MetaData(), Column("state", String(9)), check)])


def with_enum(*labels: str, check: str | None = None) -> Model:
    """Return a schema of one table with an enum, and a check."""
    mood: Column[Any] = Column("mood", Enum(*labels, name="mood"))
    checks = [CheckConstraint(check, name="t_id_check")] if check else []
    return model_from_tables([Table("t", MetaData(), Column("id", Integer), mood, *checks)])


async def compare(old: Model, new: Model, renaming: Renaming) -> Comparison:
    return Comparison(diff(old, new, renaming))


@pytest.fixture
async def dev(sql: Neon) -> Neon:
    """Our client, for a database that is marked dev."""
    await set_mark(sql, "dev")
    return sql


def columns(direct: Direct) -> list[str]:
    text = "select attname from pg_attribute where attrelid = to_regclass('t') and attnum > 0 and not attisdropped"
    return [row[0] for row in direct.execute(text).fetchall()]


def row(direct: Direct) -> dict[str, Any]:
    (found,) = direct.execute("select value from sendoka.facts where name = 'pushed'").fetchall()
    return dict(json.loads(found[0]))


# ------------------------------------------------------------------ rivals


async def test_two_pushes_at_once_do_it_once(dev: Neon, database_url: str, direct: Direct) -> None:
    async def one() -> Pushed:
        async with neon(database_url, transport="native") as sql:
            return await push(sql, schema("body"), compare)

    reports = await asyncio.gather(*(one() for _ in range(4)))
    assert sorted(report.applied for report in reports) == [0, 0, 0, 1]
    assert columns(direct) == ["state", "body"]


async def test_who_pushed_in_between_is_noticed_and_all_is_read_again(dev: Neon, direct: Direct) -> None:
    await push(dev, schema(), compare)
    plans: list[Outlook] = []

    def meanwhile(outlook: Outlook) -> None:
        plans.append(outlook)
        if len(plans) == 1:
            direct.execute("alter table t add column body text")

    report = await push(dev, schema("body", "more"), compare, on_plan=meanwhile)
    assert [len(each.plan.steps) for each in plans] == [2, 1]
    assert report.applied == 1
    assert columns(direct) == ["state", "body", "more"]


async def test_the_same_rename_by_two_is_no_error(dev: Neon, direct: Direct) -> None:
    await push(dev, schema("body"), compare)
    direct.execute("insert into t values ('a', 'kept')")

    def meanwhile(_: Outlook) -> None:
        direct.execute("alter table t rename body to text")

    report = await push(dev, schema("text"), compare, answers=Answers(renames=("t.body=t.text",)), on_plan=meanwhile)
    assert report.applied == 0
    assert direct.execute("select text from t").fetchall() == [("kept",)]


async def test_a_migration_and_a_push_at_once_exclude_each_other(
    dev: Neon, database_url: str, direct: Direct, chain: Chain, tmp_path: Path
) -> None:
    chain(["create table other (id int)"])
    await push(dev, schema(), compare)
    await dev("delete from sendoka.facts where name = 'pushed'")

    async def pushed() -> None:
        async with neon(database_url, transport="native") as sql:
            await push(sql, schema("body"), compare)

    results = await asyncio.gather(migrate(dev, tmp_path), pushed(), return_exceptions=True)
    # The push may find the migration's table, which its schema does not have; it never drops it unasked.
    assert [type(each).__name__ for each in results][1] in {"NoneType", "AnswerMissing"}
    assert direct.execute("select to_regclass('other') is not null").fetchall() == [(True,)]


async def test_a_mark_that_is_changed_meanwhile_counts(dev: Neon, direct: Direct) -> None:
    plans = 0

    def meanwhile(_: Outlook) -> None:
        nonlocal plans
        plans += 1
        direct.execute("update sendoka.facts set value = 'production' where name = 'mark'")

    with pytest.raises(PushRefused, match="production"):
        await push(dev, schema(), compare, on_plan=meanwhile)
    assert (plans, columns(direct)) == (1, [])


# ------------------------------------------------------------------ deaths and lost answers


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "late"])
async def test_a_lost_answer_is_settled_by_looking(dev: Neon, direct: Direct, endpoint: Endpoint, kind: Any) -> None:
    await push(dev, checked(), compare)
    endpoint.faults.add(kind, match="DROP CONSTRAINT")
    report = await push(dev, checked("x"), compare)
    assert report.applied == 1
    direct.execute("insert into t values ('x')")
    assert (await preview(dev, checked("x"))).plan.transactions == ()


async def test_a_push_that_is_cut_off_leaves_nothing(dev: Neon, direct: Direct) -> None:
    await push(dev, schema(), compare)
    before = row(direct)
    pushing = asyncio.ensure_future(push(dev, schema("body"), compare))
    with direct.transaction():
        direct.execute("lock table t in access share mode")
        await waits(direct)
        pushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pushing
        end = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
        direct.execute(f"{end} and datname = current_database()")
    assert columns(direct) == ["state"]
    assert row(direct) == before


async def waits(direct: Direct) -> None:
    """Return when somebody waits for a lock in this database."""
    text = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while direct.execute(text).fetchall() == [(0,)]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_statement_that_fails_is_named_and_nothing_remains(dev: Neon, direct: Direct) -> None:
    await push(dev, checked(), compare)
    direct.execute("insert into t values ('a')")
    before = row(direct)
    with pytest.raises(MigrationFailed, match="violated by some row") as caught:
        await push(dev, checked("x"), compare)
    assert caught.value.where.startswith("statement 2 of 2: ALTER TABLE")
    assert caught.value.todo == "nothing was changed; mend the schema or the rows, and push again"
    assert caught.value.exit_code == 3
    assert row(direct) == before
    assert (await preview(dev, checked())).plan.transactions == ()


async def test_the_place_that_postgres_points_to_is_shown_under_its_line(dev: Neon) -> None:
    computed = Column("x", Integer, Computed("length(mode)"))
    wanted = model_from_tables([Table("t", MetaData(), Column("mood", Text), computed)])
    with pytest.raises(MigrationFailed, match='column "mode" does not exist') as caught:
        await push(dev, wanted, compare)
    error = caught.value
    first, line, mark, *beside = error.where.splitlines()
    assert first.startswith('statement 1 of 1: CREATE TABLE "public"."t"')
    assert line.startswith("in line 3: ")
    assert line[mark.index("^") :].startswith("mode")
    assert beside == ['hint: Perhaps you meant to reference the column "t.mood".']
    assert (error.statement, error.sqlstate) == (1, "42703")
    assert error.position is not None


async def test_a_history_that_somebody_altered_is_pushed_to_by_nobody(dev: Neon, direct: Direct) -> None:
    await push(dev, schema(), compare)
    direct.execute("alter table sendoka.migrations drop column version")
    with pytest.raises(MigrationError, match=r"not as Sendoka makes them: column m\.version does not exist") as caught:
        await push(dev, schema("extra"), compare)
    assert "sendoka repair" in caught.value.todo
    assert columns(direct) == ["state"]


async def test_of_two_transactions_the_first_stays_and_the_next_push_goes_on(dev: Neon, direct: Direct) -> None:
    await push(dev, with_enum("a"), compare)
    direct.execute("insert into t values (1, 'a')")
    wanted = with_enum("a", "b", check="id > 1")
    with pytest.raises(MigrationFailed, match="violated by some row") as caught:
        await push(dev, wanted, compare)
    assert "transaction 1 of 2 stays, and nothing of the one after it" in caught.value.todo
    assert row(direct)["digest"] is None
    assert direct.execute("select 'b'::mood::text").fetchall() == [("b",)]
    direct.execute("delete from t")
    assert (await push(dev, wanted, compare)).applied == 1
    assert len(row(direct)["digest"]) == 64


async def preview(sql: Neon, model: Model) -> Outlook:
    return (await push(sql, model, compare, dry_run=True)).outlook


# ------------------------------------------------------------------ what a push remembers


async def test_declared_texts_are_known_until_somebody_else_changes_the_schema(dev: Neon, direct: Direct) -> None:
    await push(dev, checked(), compare)
    assert (await preview(dev, checked())).plan.transactions == ()
    direct.execute("create index by_hand on t (state)")
    direct.execute("drop index by_hand")
    assert (await preview(dev, checked())).plan.transactions == (), "all is as it was"
    direct.execute("comment on column t.state is 'by hand'")
    assert {each.new.id.kind for each in (await preview(dev, checked())).changes.altered} == {"check", "column"}


async def test_what_one_process_has_learned_needs_no_row(dev: Neon, direct: Direct) -> None:
    remembered = Remembered()
    await push(dev, checked(), compare, remembered=remembered)
    direct.execute("delete from sendoka.facts where name = 'pushed'")
    assert (await push(dev, checked(), compare, remembered=remembered)).outlook.plan.transactions == ()
    assert (await preview(dev, checked())).plan.transactions != ()


def test_texts_belong_to_their_own_object_and_property() -> None:
    model = checked()
    assert texts_of(model) == {"check t.t_state_check": {"expression": "state in ('a', 'b')"}}
    assert with_texts(checked("x"), texts_of(model)) == model
    assert with_texts(model, {"check t.other": {"expression": "false"}}) == model


async def test_tables_of_a_newer_sendoka_are_left_alone(dev: Neon, direct: Direct) -> None:
    direct.execute("update sendoka.facts set value = '99' where name = 'format'")
    with pytest.raises(MigrationError, match="have format 99"):
        await push(dev, checked(), compare)
    assert columns(direct) == []
