"""Backfills of some rows: those of a SELECT, a list of keys, a CSV file, a function; each once, and resumable."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, cancel, listing, pause, plan, resume, retry_dead, run, verify
from sendoka.database.retry import Retry
from sendoka.errors import BackfillChanged, BackfillError, BatchFailed, InvalidBackfill
from tests.database.test_backfill_dead import make_words
from tests.fixtures.backfills import Unreliable, execute, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.backfills import Backfill, Progress
    from sendoka.database import Database, Statement

QUICK = Retry(attempts=60, first=0.005, longest=0.03)
TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
NOT_ALL = "touched < 2"


async def step(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"touched": row["touched"] + 1} for row in batch.rows})


def declared(form: str, **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "where": "touched = 0", "name": "some"} | options
    found: Backfill = backfill(sql=TOUCH, **given) if form == "sql" else backfill(**given)(step)
    return found


BOTH = pytest.mark.parametrize("form", ["sql", "python"])


async def numbers(count: int = 60) -> AsyncIterator[int]:
    for number in range(1, count + 1, 2):
        yield number


async def of_the_client(sql: Database) -> AsyncIterator[tuple[int]]:
    for (key,) in await rows(sql, "select id from messages where id % 2 = 1"):
        yield (int(key or 0),)


def chosen(kind: str, folder: Path) -> dict[str, Any]:
    """Return what chooses the rows with an odd id, of sixty."""
    file = folder / "ids.csv"
    lines = ["\N{BYTE ORDER MARK}word,id", *(f'"a ""b"",{number}",{number}' for number in range(1, 61, 2)), "", "x, 7"]
    file.write_text("\r\n".join(lines), encoding="utf-8")
    found: dict[str, dict[str, Any]] = {
        "source": {"source": "select id from messages where id % 2 = 1 -- the odd ones"},
        "joined": {"source": "select m.id from messages m, generate_series(1, 3) g where m.id % 2 = 1"},
        "list": {"keys": [*range(59, 0, -2), 7, 7]},
        "tuples": {"keys": [(number,) for number in range(1, 61, 2)]},
        "csv": {"keys": file},
        "function": {"keys": numbers},
        "client": {"keys": of_the_client},
    }
    return found[kind]


KINDS = ["source", "joined", "list", "tuples", "csv", "function", "client"]


@BOTH
@pytest.mark.parametrize("kind", KINDS)
async def test_the_chosen_rows_are_changed_once_and_no_others(
    sql: Database, form: str, kind: str, tmp_path: Path
) -> None:
    await make_words(sql, 60)
    fill = declared(form, **chosen(kind, tmp_path))
    stops = iter([False, False, True])
    first = await run(sql, fill, batch_size=7, stop=lambda: next(stops))
    assert (first.reason, first.batches, first.changed) == ("interrupted", 2, 14)
    report = await run(sql, fill, batch_size=7)
    assert (report.state, report.scanned, report.changed, report.passes) == ("done", 30, 30, 1)
    assert await value(sql, "select count(*) from messages where touched <> id % 2") == "0"
    assert await ledger_is_whole(sql)
    assert await verify(sql, fill) == 0
    await execute(sql, "update messages set touched = 0 where id in (1, 2)")
    assert (await verify(sql, fill), (await run(sql, fill)).left) == (1, 1)


@BOTH
@pytest.mark.parametrize("kind", ["source", "list"])
async def test_rivals_over_a_bad_network_change_each_row_once(
    sql: Database, form: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_ROWS", 4)
    monkeypatch.setattr(listing, "_LOOK_EVERY", 0.01)
    await make_words(sql, 60)
    fill = declared(form, **chosen(kind, tmp_path))
    rivals = [Unreliable(sql, seed, share=0.2) for seed in range(2)]
    await asyncio.gather(*(run(each, fill, batch_size=5, lease=0.3, retry=QUICK) for each in rivals))
    await asyncio.gather(*(each.settle() for each in rivals))
    assert sum(each.faults for each in rivals) > 0
    assert await value(sql, "select count(*) from messages where touched <> id % 2") == "0"


@BOTH
async def test_dead_letters_among_chosen_rows(sql: Database, form: str) -> None:
    await make_words(sql, 20, 3, 7, 8)
    await execute(sql, "alter table messages add constraint sound check (word <> 'no number' or touched = 0)")
    fill = declared(form, keys=range(1, 11))
    report = await run(sql, fill, batch_size=5)
    assert (report.state, report.changed, report.dead) == ("done", 7, 3)
    assert await touched(sql) == {"1": 7, "0": 13}
    await execute(sql, "update messages set word = '1'")
    assert (await retry_dead(sql, fill)).settled == 3
    assert await touched(sql) == {"1": 10, "0": 10}


@BOTH
async def test_keys_of_several_columns_are_found_whatever_they_hold(sql: Database, form: str) -> None:
    await execute(
        sql,
        "create table messages (org text, at timestamptz, id uuid, touched int default 0, primary key (org, at, id))",
        """insert into messages select 'Ä"\\,{' || g % 3, timestamptz '2026-01-01 12:00+02' + g * interval '1 us',
            md5(g::text)::uuid from generate_series(1, 40) g""",
    )
    given = await rows(sql, "select org, at, id from messages order by id limit 25")
    same = "m.org = p.org and m.at = p.at and m.id = p.id"

    @backfill(table="messages", where="touched = 0", keys=[tuple(key) for key in given], name="some")
    async def stepped(sql: Any, batch: Batch) -> object:
        return batch.update({key: {"touched": 1} for key in batch.keys})

    change = f"update messages m set touched = m.touched + 1 from page p where {same}"
    stated = backfill(
        table="messages", where="touched = 0", keys=[tuple(key) for key in given], sql=change, name="some"
    )
    report = await run(sql, stated if form == "sql" else stepped, batch_size=4)
    assert (report.state, report.scanned, report.changed) == ("done", 25, 25)


# ------------------------------------------------------------------ storing


async def test_keys_that_are_odd_are_told_and_do_no_harm(sql: Database) -> None:
    await make_words(sql, 10)
    told: list[Progress] = []
    report = await run(sql, declared("sql", keys=[1, 2, 2, 2, 99, 100]), on_progress=told.append)
    assert (report.state, report.scanned, report.changed) == ("done", 4, 2)
    assert report.warnings == (
        "2 of 6 keys were given more than once",
        "2 of 4 keys have no row in messages",
    )
    assert [progress.warnings for progress in told if progress.warnings] == [report.warnings]
    assert (told[-1].total, told[-1].scanned) == (4, 4)


@pytest.mark.parametrize(("every", "said"), [(60.0, ["3"]), (0.0, ["3", "6", "9", "10"])])
async def test_how_many_are_stored_is_said_now_and_then(
    sql: Database, monkeypatch: pytest.MonkeyPatch, every: float, said: list[str]
) -> None:
    monkeypatch.setattr(listing, "_ROWS", 3)
    monkeypatch.setattr(listing, "_TELL_EVERY", every)
    await make_words(sql, 10)
    told: list[Progress] = []
    await run(sql, declared("sql", keys=range(10)), on_progress=told.append)
    stored = [progress.waiting for progress in told if progress.waiting]
    assert stored == [f"{number} keys are stored" for number in said]


async def test_an_empty_list_is_done_at_once(sql: Database) -> None:
    await make_words(sql, 3)
    assert (await run(sql, declared("python", keys=[]))).changed == 0
    assert await touched(sql) == {"0": 3}


async def test_storing_that_was_cut_off_is_begun_anew(sql: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_ROWS", 3)
    await make_words(sql, 20)
    asked = 0

    async def fails() -> AsyncIterator[int]:
        nonlocal asked
        asked += 1
        for number in range(11, 20) if asked < 3 else range(1, 9):  # looked at, then read
            if asked == 2 and number == 18:
                raise OSError("the directory is away")
            yield number

    fill = declared("sql", keys=fails)
    with pytest.raises(OSError, match="is away"):
        await run(sql, fill)
    assert await value(sql, "select count(*) from sendoka.backfill_keys") == "6"
    assert await touched(sql) == {"0": 20}
    report = await run(sql, fill)
    assert (report.changed, report.scanned) == (8, 8)


class Cut(Unreliable):
    """A database that is gone from its third request with keys on, and counts the keys that it was sent."""

    stored = 0
    requests = 0

    async def run(self, statement: Statement) -> Any:
        if "insert into sendoka.backfill_keys" in statement.text:
            self.requests += 1
            if self.requests == 3 and self.seed:
                raise OSError("the network is away")
            self.stored += len(str(statement.params[4]).split(","))
        return await self.database.run(statement)


@pytest.mark.parametrize("kind", ["list", "csv"])
async def test_storing_that_was_cut_off_goes_on_behind_what_is_there(
    sql: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setattr(listing, "_ROWS", 7)
    await make_words(sql, 60)
    options = chosen(kind, tmp_path)
    with pytest.raises(OSError, match="is away"):
        await run(cut := Cut(sql, 1), declared("sql", **options))
    assert cut.stored == 14
    again = Cut(sql, 0)
    report = await run(again, declared("sql", **options))
    assert (report.changed, report.scanned) == (30, 30)
    assert again.stored == (32 if kind == "list" else 31) - 14
    assert await touched(sql) == {"1": 30, "0": 30}


async def test_other_keys_than_those_that_were_cut_off_are_stored_anew(
    sql: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listing, "_ROWS", 7)
    await make_words(sql, 60)
    fill, file = declared("sql", **chosen("csv", tmp_path)), tmp_path / "ids.csv"
    first = file.read_text(encoding="utf-8")
    for text in (first, "id\n" + "\n".join(map(str, range(40, 61))), first):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(OSError, match="is away"):
            await run(Cut(sql, 1), fill)
        assert await value(sql, "select count(*) from sendoka.backfill_keys") == "14"
    assert (await run(sql, fill)).scanned == 30
    assert await touched(sql) == {"1": 30, "0": 30}


async def test_many_thousand_keys_of_which_most_have_no_row(sql: Database) -> None:
    await make_words(sql, 60)
    report = await run(sql, declared("sql", keys=[*range(31, 25_031), 31]))
    assert (report.state, report.scanned, report.changed) == ("done", 25_000, 30)
    assert report.warnings == (
        "1 of 25001 keys were given more than once",
        "24970 of 25000 keys have no row in messages",
    )


@BOTH
async def test_a_run_that_was_paused_before_its_keys_were_stored_stores_them(sql: Database, form: str) -> None:
    await make_words(sql, 10)
    paused = False

    async def slow() -> AsyncIterator[int]:
        nonlocal paused
        if await value(sql, "select to_regclass('sendoka.backfill_runs')") and not paused:
            paused = True
            await pause(sql, "some")
        yield 1
        yield 2

    fill = declared(form, keys=slow)
    waited: list[str] = []

    def heard(progress: Progress) -> None:
        if "it is paused" in progress.waiting and not waited:
            waited.append(progress.waiting)
            tasks.append(asyncio.ensure_future(resume(sql, "some")))

    tasks: list[Any] = []
    report = await run(sql, fill, on_progress=heard)
    await asyncio.gather(*tasks)
    assert paused
    assert waited
    assert (report.state, report.changed) == ("done", 2)


async def test_other_keys_than_the_run_began_with_are_refused(sql: Database, tmp_path: Path) -> None:
    await make_words(sql, 20)
    file = tmp_path / "ids.csv"
    file.write_text("id\n1\n2\n3\n", encoding="utf-8")
    fill = declared("sql", keys=file)
    stops = iter([False, True])
    await run(sql, fill, batch_size=2, stop=lambda: next(stops))
    file.write_text("id\n1\n2\n3\n4\n", encoding="utf-8")
    with pytest.raises(BackfillChanged, match="changed since its run began with 3 of them") as caught:
        await run(sql, fill, accept_change=True)
    assert "sendoka backfill cancel some" in caught.value.todo
    assert await touched(sql) == {"1": 2, "0": 18}
    await cancel(sql, "some")
    assert (await run(sql, fill, again=True)).changed == 2
    assert await touched(sql) == {"1": 4, "0": 16}
    file.unlink()
    assert (await run(sql, fill)).was_done


# ------------------------------------------------------------------ plan, and what cannot be


async def test_a_plan_is_of_the_chosen_rows(sql: Database, tmp_path: Path) -> None:
    await make_words(sql, 60)
    for kind in KINDS:
        found = await plan(sql, declared("sql", **chosen(kind, tmp_path)))
        assert found.problems == ()
        assert found.trial is not None
        assert (found.order, found.trial.scanned, found.trial.changed, found.matching) in {
            ("key", 30, 30, found.rows),
        }, kind
        assert found.first_page == ((1,), (59,))
    endless = declared("sql", keys=[1, 2], where=NOT_ALL)
    assert "does not make where= false" in (await plan(sql, endless)).problems[0]
    assert await value(sql, "select to_regnamespace('sendoka')") is None
    assert await touched(sql) == {"0": 60}


async def test_a_source_that_must_be_sorted_for_every_batch_is_warned_of(sql: Database) -> None:
    await make_messages(sql, 20_000)
    by_hash = declared("sql", source="select max(id) as id from messages group by md5(id)", where="touched = 0")
    (warning,) = (await plan(sql, by_hash)).warnings
    assert warning.startswith("no index gives the keys of source= in order: about ")
    ordered = declared("sql", source="select id from messages where org_id = 'org_1'")
    assert (await plan(sql, ordered)).warnings == ()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "select word from messages"}, "source= of the backfill some cannot be read"),
        ({"source": "select id from mesages"}, 'relation "mesages" does not exist'),
        ({"keys": [1, None]}, "the key number 2 is None"),
        ({"keys": [1, (2, 3)]}, r"the key number 2, \(2, 3\), has 2 values, and the key is \(id\)"),
        ({"keys": ["one"]}, 'is none of messages: invalid input syntax for type integer: "one"'),
        ({"keys": [object()]}, "the key number 1 cannot be sent"),
        ({"keys": Path("nowhere.csv")}, r"nowhere.csv cannot be read: No such file"),
        ({"keys": lambda: [1]}, "is no async generator"),
        ({"csv": b"key\n1\n"}, r"ids.csv has the columns \(key\), and the key is \(id\)"),
        ({"csv": b"id,id\n1,2\n"}, r"ids.csv has the columns \(id, id\)"),
        ({"csv": b""}, "ids.csv is empty"),
        ({"csv": b"a,id\n1,2\n3\n"}, "line 3 of ids.csv has no key"),
        ({"csv": b"id\n\xff\n"}, "ids.csv is no CSV file in UTF-8"),
        ({"csv": b'id\n"1\n'}, "ids.csv is no CSV file"),
    ],
)
async def test_what_gives_no_keys_is_refused_and_nothing_is_changed(
    sql: Database, options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    await make_words(sql, 5)
    if "csv" in options:
        (tmp_path / "ids.csv").write_bytes(options["csv"])
        options = {"keys": tmp_path / "ids.csv"}
    with pytest.raises((BackfillError, BatchFailed), match=says):
        await run(sql, declared("sql", **options))
    assert await touched(sql) == {"0": 5}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keys": [1], "source": "select 1 as id"}, "both source= and keys="),
        ({"keys": "select id from t"}, "a SELECT of keys is source="),
        ({"keys": numbers()}, "can be read only once"),
        ({"keys": 5}, "keys= is a list"),
        ({"source": "delete from t returning id"}, "source= is a SELECT"),
        ({"source": "select 1; select 2"}, "more than one statement"),
        ({"source": "select 1 as id)"}, "parentheses of source="),
        ({"keys": [1], "order": "strided"}, "walked by their key, not by order='strided'"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_when_it_is_declared(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidBackfill, match=says):
        declared("sql", **options)


async def test_an_order_that_is_asked_for_and_a_count_before_the_run_are_refused(sql: Database) -> None:
    await make_words(sql, 3)
    fill = declared("sql", keys=[1])
    with pytest.raises(BackfillError, match="cannot be walked as 'strided'"):
        await run(sql, fill, order="strided")
    with pytest.raises(BackfillError, match="stored when its run begins"):
        await verify(sql, fill)
