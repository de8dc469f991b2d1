"""A table that is walked as its rows lie on disk is vacuumed after every tenth of it, so that it does not double."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, order, plan, run, vacuuming
from sendoka.errors import DatabaseError, Outcome
from tests.fixtures.backfills import Unreliable, execute, in_sql, ledger_is_whole, rows, value
from tests.fixtures.fleet import small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Cells, Result, Statement
    from sendoka.http.client import Neon
    from sendoka.local.app import Endpoint

FORMS = pytest.mark.parametrize("form", ["sql", "python"])
VACUUM = 'vacuum (skip_locked, truncate false) "public"."messages"'
WHY = "messages is vacuumed, as after every tenth of it"


async def step(_sql: Any, batch: Batch) -> object:
    return batch.update({key: {"touched": 1} for key in batch.keys})


def declared(form: str) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "where": "touched = 0", "columns": ["id"], "name": "touch"}
    change = "update messages m set touched = 1 from page p where m.id = p.id"
    found: Backfill = backfill(sql=change, **given) if form == "sql" else backfill(**given)(step)
    return found


@pytest.fixture
async def made(sql: Neon, monkeypatch: pytest.MonkeyPatch) -> Neon:
    """A table of 3,000 rows that is taken for a large one."""
    monkeypatch.setattr(order, "_SMALL", 0)
    monkeypatch.setattr(vacuuming, "LEAST", 100)
    await execute(
        sql,
        """create table messages (id int primary key, made timestamptz not null default now(),
            touched int not null default 0, body text)""",
        "create index on messages (made, id)",
        "insert into messages (id, body) select g, repeat('x', 300) from generate_series(1, 3000) g",
        "analyze messages",
    )
    return sql


def vacuums(endpoint: Endpoint) -> int:
    return sum(each.statements == (VACUUM,) for each in endpoint.exchanges)


async def pages(sql: Neon) -> int:
    return int(await value(sql, "select pg_relation_size('messages') / 8192") or 0)


@FORMS
async def test_after_every_tenth_it_is_vacuumed_and_the_table_does_not_double(
    made: Neon, endpoint: Endpoint, form: str
) -> None:
    before = await pages(made)
    told: list[Progress] = []
    report = await run(made, declared(form), order="created", batch_size=100, on_progress=told.append)
    assert (report.state, report.changed, report.warnings) == ("done", 3000, ())
    assert 8 <= vacuums(endpoint) <= 10
    assert WHY in {each.waiting for each in told}
    assert await rows(made, "select distinct detail from sendoka.backfill_events where event = 'waits'") == [[WHY]]
    assert await pages(made) < before * 1.5
    assert await ledger_is_whole(made)


@FORMS
async def test_it_is_left_out_where_told_so_and_where_strides_need_none(
    made: Neon, endpoint: Endpoint, form: str
) -> None:
    before = await pages(made)
    await run(made, declared(form), order="created", batch_size=100, vacuum=False)
    assert await pages(made) > before * 1.7
    await execute(made, "update messages set touched = 0")
    await run(made, declared(form), order="strided", batch_size=100, again=True)
    assert vacuums(endpoint) == 0


async def test_calls_of_a_moment_vacuum_at_the_same_tenths(made: Neon, endpoint: Endpoint) -> None:
    fill = declared("sql")
    for _ in range(15):
        stops = iter([False, False])

        def stop(stops: Iterator[bool] = stops) -> bool:
            return next(stops, True)

        await run(made, fill, order="created", batch_size=100, stop=stop)
    assert 3 <= vacuums(endpoint) <= 10


async def test_a_fleet_vacuums_at_tenths_of_the_whole_table(made: Neon, endpoint: Endpoint) -> None:
    with small(2) as cluster:
        report = await run(made, in_sql, order="created", batch_size=100, shards=12, rate=1500, dask=cluster)
    assert (report.state, report.changed) == ("done", 3000)
    assert 1 <= vacuums(endpoint) <= 10
    assert await rows(made, "select distinct detail from sendoka.backfill_events where event = 'waits'") == [[WHY]]


async def test_a_plan_says_so(made: Neon) -> None:
    assert "it is vacuumed after every tenth" in (await plan(made, declared("sql"), order="created")).why
    assert "vacuumed" not in (await plan(made, declared("sql"), order="strided")).why
    elsewhere = backfill(
        table="messages",
        where="touched = 0",
        verify="select 0",
        sql="insert into copied select id from page",
        name="copy",
    )
    await execute(made, "create table copied (id int)")
    assert "vacuumed" not in (await plan(made, elsewhere, order="created")).why


async def test_a_role_that_may_not_is_told_once_and_goes_on(made: Neon, direct: Any, endpoint: Endpoint) -> None:
    ((me,), (name,)) = (
        direct.execute(text).fetchone() for text in ("select current_user", "select current_database()")
    )
    direct.execute(f'alter table messages owner to "{me}"; grant all on messages to public'.encode())
    direct.execute(f'grant create on database {name} to public; alter database {name} owner to "{me}"'.encode())
    report = await run(made, declared("sql"), order="created", batch_size=100)
    assert report.done
    (warning,) = report.warnings
    assert warning.startswith(
        "messages is not vacuumed in between, so it may grow to twice its size: only its owner may"
    )
    assert vacuums(endpoint) == 0


async def test_what_others_vacuum_is_not_vacuumed_again(made: Neon, direct: Any, endpoint: Endpoint) -> None:
    def vacuum(told: Progress) -> None:
        if told.scanned and not told.waiting:
            direct.execute("vacuum messages")

    assert (await run(made, declared("sql"), order="created", batch_size=100, on_progress=vacuum)).done
    assert vacuums(endpoint) == 0


async def test_one_that_fails_ends_nothing(made: Neon) -> None:
    class Refusing(Unreliable):
        asked = 0

        async def run_for(self, statement: Statement, seconds: float) -> Result[Cells]:
            self.asked += 1
            raise DatabaseError("canceling statement", sqlstate="57014", outcome=Outcome.FAILED)

    refusing = Refusing(made, 1, share=0)
    report = await run(refusing, declared("sql"), order="created", batch_size=100)
    assert (report.state, refusing.asked) == ("done", 1)
    assert report.warnings == ("messages cannot be vacuumed in between: canceling statement (57014)",)


async def test_a_stop_and_a_deadline_end_one_at_once(made: Neon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacuuming, "_MARGIN", 0)

    class Slow(Unreliable):
        begun = False

        async def run_for(self, statement: Statement, seconds: float) -> Result[Cells]:
            self.begun = True
            return await self.database.run(type(statement)("select pg_sleep(30)"))

    slow = Slow(made, 1, share=0)
    report = await run(slow, declared("sql"), order="created", batch_size=100, stop=lambda: slow.begun)
    assert (report.reason, slow.begun) == ("interrupted", True)
    slow.begun = False
    report = await run(slow, declared("sql"), order="created", batch_size=100, deadline=3)
    assert (report.reason, slow.begun) == ("deadline", True)
    assert report.seconds < 6
