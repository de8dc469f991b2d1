"""Rows that a batch fails for: they become dead letters, all others are changed once, in both forms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, retry_dead, run
from sendoka.database import Statement
from sendoka.database.retry import Retry
from sendoka.database.transaction import DEFAULT, TransactionOptions
from sendoka.errors import BatchFailed, DatabaseError, InvalidBackfill, Outcome
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka import Neon
    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database
    from sendoka.local.app import Endpoint

QUICK = Retry(attempts=60, first=0.005, longest=0.03)
SQL = "update messages m set touched = m.touched + 1, n = m.word::int from page p where m.id = p.id"

in_sql = backfill(table="messages", where="n is null", sql=SQL)


@backfill(table="messages", where="n is null")
async def in_python(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"n": int(row["word"]), "touched": row["touched"] + 1} for row in batch.rows})


@backfill(table="messages", where="n is null", columns=["word"])
async def in_the_database(sql: Any, batch: Batch) -> object:
    """Its statement fails, not the step."""
    ids = "{" + ",".join(str(row["id"]) for row in batch.rows) + "}"
    text = "update messages set touched = touched + 1, n = word::int where id = any($1::int[])"
    return Statement(text, (ids,))


FORMS = [in_sql, in_python, in_the_database]
BOTH = pytest.mark.parametrize("form", FORMS[:2], ids=["sql", "python"])
EVERY = pytest.mark.parametrize("form", FORMS, ids=["sql", "python", "statement"])


async def make_words(database: Database, count: int, *poisoned: int) -> None:
    """Make the table with `count` words that are numbers, but for those of the ids `poisoned`."""
    await execute(
        database,
        "create table messages (id int primary key, word text not null, n int, touched int not null default 0)",
        f"insert into messages select g, g::text from generate_series(1, {count}) g",
        f"update messages set word = 'no number' where id = any('{{{','.join(map(str, poisoned))}}}')",
    )


async def dead(database: Database) -> list[int]:
    if await value(database, "select to_regclass('sendoka.dead_letters')") is None:
        return []  # it was found before anything began
    found = await rows(database, "select key ->> 0 from sendoka.dead_letters order by key")
    return [int(key or 0) for (key,) in found]


POISONED = {
    "first": ([1], 10),
    "last": ([40], 10),
    "around an edge": ([10, 11], 10),
    "both ends": ([1, 40], 100),
    "every 7th": (list(range(7, 41, 7)), 16),
    "every 2nd": (list(range(1, 41, 2)), 10),
    "a whole page": (list(range(11, 21)), 10),
    "pages of one": ([3, 4], 1),
}


@EVERY
async def test_poisoned_rows_are_left_out_and_all_others_changed_once(sql: Database, form: Backfill) -> None:
    for case, (poisoned, batch_size) in POISONED.items():
        await execute(sql, "drop schema if exists sendoka cascade", "drop table if exists messages")
        await make_words(sql, 40, *poisoned)
        report = await run(sql, form, batch_size=batch_size)
        good = 40 - len(poisoned)
        assert (report.state, report.dead, report.changed) == ("done", len(poisoned), good), case
        assert (report.scanned, report.passes, report.unchanged) == (40, 1, 0), case
        assert await dead(sql) == poisoned, case
        assert await touched(sql) == {"1": good, "0": len(poisoned)}, case
        assert await ledger_is_whole(sql), case


@EVERY
async def test_a_letter_says_which_row_and_why(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 7)
    await run(sql, form, batch_size=5)
    ((key, shard, attempt, sqlstate, message, at),) = await rows(
        sql,
        """select key::text, shard::text, attempt::text, sqlstate, message, (at between now() - interval '1 minute'
            and now())::text from sendoka.dead_letters""",
    )
    assert (key, shard, attempt, at) == ("[7]", "0", "1", "true")
    assert sqlstate == (None if form is in_python else "22P02")
    assert "no number" in (message or "")
    seq = await value(sql, "select seq::text from sendoka.dead_letters")
    assert await value(sql, "select cursor::text from sendoka.backfill_batches where seq = $1::bigint", seq) == (
        "[10]" if form is in_sql else "[7]"
    )


@EVERY
async def test_a_run_whose_first_rows_all_fail_stops(sql: Database, form: Backfill) -> None:
    await make_words(sql, 40, *range(1, 41))
    with pytest.raises(BatchFailed, match=r"each of the first \d+ rows failed.*no number") as caught:
        await run(sql, form, batch_size=20)
    assert "retry-dead" in caught.value.todo
    assert await touched(sql) == {"0": 40}
    assert await dead(sql) == ([] if form is in_sql else list(range(1, 11)))
    assert await value(sql, "select state from sendoka.backfill_runs") == "failed"


@EVERY
async def test_a_threshold_stops_the_run_before_it_is_passed(sql: Database, form: Backfill) -> None:
    await make_words(sql, 40, 2, 12, 22, 32)
    with pytest.raises(BatchFailed, match="4 rows failed, which is more than it may leave out"):
        await run(sql, form, batch_size=10, max_dead=3)
    assert await dead(sql) == [2, 12, 22]
    report = await run(sql, form, batch_size=10, max_dead=4)
    assert (report.state, report.dead) == ("done", 4)
    assert await touched(sql) == {"1": 36, "0": 4}


@EVERY
async def test_without_a_place_for_dead_letters_the_first_one_stops_the_run(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 15)
    with pytest.raises(BatchFailed, match=r"22P02|ValueError"):
        await run(sql, form, batch_size=10, max_dead=0)
    assert await dead(sql) == []
    assert await touched(sql) == {"1": 10, "0": 10}


@pytest.mark.parametrize("options", [{"max_dead": -1}, {"step_timeout": 0}])
async def test_senseless_bounds_are_refused(sql: Database, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidBackfill, match=next(iter(options))):
        await run(sql, in_sql, **options)
    assert await value(sql, "select to_regnamespace('sendoka')") is None


RAISES = """create function refuse() returns trigger language plpgsql as $$ begin
  if new.id in (7, 13) then raise exception 'never number %', new.id using errcode = '{}'; end if; return new; end $$"""
FIRES = "create trigger t before update on messages for each row execute function refuse()"
GOOD = (
    "create table good as select n from generate_series(1, 20) n where n not in (7, 13)",
    "alter table good add primary key (n)",
)
REFERENCES = "alter table messages add foreign key (n) references good"
CAUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "check": ("23514", ("alter table messages add check (id not in (7, 13) or n is null)",)),
    "unique": (
        "23505",
        ("create unique index on messages (n)", "update messages set word = '6' where id in (7, 13)"),
    ),
    "foreign key": ("23503", (*GOOD, REFERENCES)),
    "deferred": ("23503", (*GOOD, f"{REFERENCES} deferrable initially deferred")),
    "overflow": ("22003", ("update messages set word = '3000000000' where id in (7, 13)",)),
    "trigger": ("P0001", (RAISES.format("P0001"), FIRES)),
    "own code": ("MY123", (RAISES.format("MY123"), FIRES)),
}


@pytest.mark.parametrize("cause", CAUSES)
async def test_whatever_a_row_can_be_at_fault_for_is_isolated(sql: Database, cause: str) -> None:
    sqlstate, poison = CAUSES[cause]
    await make_words(sql, 20)
    await execute(sql, *poison)
    for form in (in_sql, in_the_database):
        await execute(sql, "update messages set n = null, touched = 0 where n is not null")
        report = await run(sql, form, batch_size=20)
        assert (report.state, report.dead, report.changed) == ("done", 2, 18)
        assert await dead(sql) == [7, 13]
        assert await rows(sql, "select distinct sqlstate from sendoka.dead_letters") == [[sqlstate]]
        await execute(sql, "delete from sendoka.dead_letters")


@EVERY
async def test_what_no_row_is_at_fault_for_stops_at_once(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20)
    await execute(
        sql,
        RAISES.format("42501"),
        FIRES,
    )
    with pytest.raises(BatchFailed, match=r"never number 7.*42501"):
        await run(sql, form)
    assert await dead(sql) == []
    assert await touched(sql) == {"0": 20}


# ------------------------------------------------------------------ others, and the network


class AddsBehind(Unreliable):
    """A database where somebody adds a row behind the cursor right before it is asked what is left."""

    async def run_all(self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT) -> Any:
        if statements[-1].text.startswith("select count(*) from"):
            await execute(self.database, "insert into messages values (0, '0') on conflict do nothing")
        return await super().run_all(statements, options)


@EVERY
async def test_a_later_pass_leaves_the_dead_alone_and_does_what_is_new(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 7)
    await execute(sql, "analyze messages")
    report = await run(AddsBehind(sql, 1, share=0), form, batch_size=5)
    assert (report.state, report.passes, report.dead) == ("done", 2, 1)
    assert await rows(sql, "select key::text, attempt::text from sendoka.dead_letters") == [["[7]", "1"]]
    assert await touched(sql) == {"1": 20, "0": 1}


@pytest.mark.parametrize("kind", ["connection_closed", "cut_after", "cut_before", "late"])
@BOTH
async def test_the_answer_of_an_isolated_batch_may_be_lost(
    sql: Neon, endpoint: Endpoint, form: Backfill, kind: Any
) -> None:
    await make_words(sql, 20, 7, 12)
    fault = endpoint.faults.add(kind, match="insert into sendoka.dead_letters")
    report = await run(sql, form, batch_size=10, retry=QUICK)
    assert endpoint.faults.hits(fault) == 1
    assert (report.state, report.dead, report.retries) == ("done", 2, 1)
    assert await rows(sql, "select key ->> 0, attempt::text from sendoka.dead_letters d order by d.key") == [
        ["7", "1"],
        ["12", "1"],
    ]
    assert await touched(sql) == {"1": 18, "0": 2}
    assert await ledger_is_whole(sql)


@pytest.mark.parametrize("seed", range(2))
@BOTH
async def test_rivals_that_die_leave_every_row_changed_or_dead_once(sql: Database, form: Backfill, seed: int) -> None:
    await make_words(sql, 100, *range(9, 100, 10))
    ghosts = []

    async def live_and_die(number: int) -> bool:
        unreliable = Unreliable(sql, seed * 100 + number, share=0.15)
        ghosts.append(unreliable)
        try:
            async with asyncio.timeout(0.1 + number / 100):
                return (await run(unreliable, form, batch_size=15, lease=0.2, retry=QUICK)).done
        except (TimeoutError, BatchFailed):
            return False

    for number in range(50):
        if any(await asyncio.gather(live_and_die(2 * number), live_and_die(2 * number + 1), return_exceptions=True)):
            break
    await asyncio.gather(*(unreliable.settle() for unreliable in ghosts))
    assert (await run(sql, form, lease=0.2)).done
    assert await touched(sql) == {"1": 90, "0": 10}
    assert await dead(sql) == list(range(9, 100, 10))
    assert await value(sql, "select sum(attempt)::text from sendoka.dead_letters") == "10"
    assert await ledger_is_whole(sql)


class Between(Unreliable):
    """A database where somebody deletes the poisoned row right before it is isolated."""

    async def run_all(self, statements: Any, *options: Any) -> Any:
        if any("insert into sendoka.dead_letters" in each.text for each in statements):
            await execute(self.database, "delete from messages where id = 7")
        return await self.database.run_all(statements, *options)


@EVERY
async def test_a_row_that_is_deleted_meanwhile_is_no_dead_letter(sql: Database, form: Backfill) -> None:
    await make_words(sql, 20, 7)
    report = await run(Between(sql, 1, share=0), form, batch_size=10)
    assert (report.state, report.dead, report.changed) == ("done", 0, 19)


async def test_a_run_that_an_older_version_began_gets_the_table(sql: Database) -> None:
    await make_words(sql, 20, 7)
    answers = iter([True])
    await run(sql, in_sql, batch_size=5, stop=lambda: next(answers))
    await execute(sql, "drop table sendoka.dead_letters")
    assert (await run(sql, in_sql, batch_size=5)).dead == 1


async def test_keys_of_several_columns_and_kinds(sql: Database) -> None:
    await execute(
        sql,
        "create table t (a text, at timestamptz, b bigint, v int, primary key (at, a, b))",
        """insert into t select 'it''s "' || g, '2024-01-01'::timestamptz + g * interval '0.000001 s', 9007199254740993
            from generate_series(1, 9) g""",
        "alter table t add check (v is null or a !~ '[37]$')",
    )
    options: Any = {"table": "t", "where": "v is null", "name": "wide"}
    fill = backfill(**options, sql="update t set v = 1 from page p where (t.at, t.a, t.b) = (p.at, p.a, p.b)")

    async def step(sql: Any, batch: Batch) -> object:
        return batch.update({(row["at"], row["a"], row["b"]): {"v": 1} for row in batch.rows})

    assert (await run(sql, fill, batch_size=4)).dead == 2
    first = await rows(sql, "select key::text from sendoka.dead_letters order by key")
    await execute(sql, "drop schema sendoka cascade", "update t set v = null")
    assert (await run(sql, backfill(**options)(step), batch_size=4)).dead == 2
    assert await rows(sql, "select key::text from sendoka.dead_letters order by key") == first
    assert "9007199254740993" in str(first)


async def test_a_role_that_may_not_run_a_block_is_told_what_failed(sql: Database) -> None:
    await make_words(sql, 20, 7)

    class Refusing(Unreliable):
        async def run_all(self, statements: Any, *options: Any) -> Any:
            if statements[0].text.startswith("do "):
                said = "permission denied for language plpgsql"
                raise DatabaseError(said, sqlstate="42501", outcome=Outcome.FAILED)
            return await self.database.run_all(statements, *options)

    with pytest.raises(BatchFailed, match=r"no number.*22P02"):
        await run(Refusing(sql, 1, share=0), in_sql)
    assert await touched(sql) == {"0": 20}


@pytest.mark.parametrize("form", [in_sql, in_the_database], ids=["sql", "python"])
async def test_they_are_found_in_every_order(sql: Database, form: Backfill) -> None:
    await make_words(sql, 60, 7, 8, 30, 59)
    await execute(
        sql,
        "alter table messages add created_at timestamptz not null default now()",
        "create unique index on messages (created_at, id)",
    )
    for order in ("strided", "created"):
        report = await run(sql, form, batch_size=10, order=order)
        assert (report.state, report.dead, report.changed, report.passes) == ("done", 4, 56, 1)
        assert (
            await value(sql, "select string_agg(key ->> 1, ' ' order by key) from sendoka.dead_letters") == "7 8 30 59"
        )
        await execute(sql, "update messages set word = id::text where id in (7, 8)")
        assert (await retry_dead(sql, form)).settled == 2
        assert await touched(sql) == {"1": 58, "0": 2}
        assert await ledger_is_whole(sql)
        await execute(
            sql,
            "drop schema sendoka cascade",
            "update messages set touched = 0, n = null, word = case when id in (7, 8) then 'no number' else word end",
        )


async def test_a_new_run_begins_without_those_of_the_run_before(sql: Database) -> None:
    await make_words(sql, 20, 3, 7)
    assert (await run(sql, in_sql, batch_size=10)).dead == 2
    await execute(sql, "update messages set word = id::text")
    told: list[Any] = []
    report = await run(sql, in_sql, batch_size=10, again=True, on_progress=told.append)
    assert (report.run, report.done, report.dead, report.unchanged) == (2, True, 0, 0)
    assert {progress.dead for progress in told} == {0}


@BOTH
async def test_what_is_told_last_has_all_rows_that_were_left_out(sql: Database, form: Backfill) -> None:
    await make_words(sql, 40, 5, 17, 33)
    told: list[int] = []
    report = await run(sql, form, batch_size=20, on_progress=lambda progress: told.append(progress.dead))
    assert (report.dead, told[-1]) == (3, 3)
    told.clear()
    await run(sql, form)
    assert told == []


@BOTH
async def test_what_is_told_of_the_end_of_a_shard_has_all_of_its_rows_that_were_left_out(
    sql: Database, form: Backfill
) -> None:
    await make_words(sql, 40, 5, 17, 33)
    ends: dict[int, int] = {}

    def told(progress: Progress) -> None:
        if progress.shard and progress.shard.state == "scanned":
            ends.setdefault(progress.shard.number, progress.shard.dead)

    report = await run(sql, form, batch_size=5, shards=2, on_progress=told)
    assert report.dead == sum(ends.values()) == 3
    assert ends == {shard.number: shard.dead for shard in report.shards}
