"""Backfills that come after others: refused until those are done, shown before, and never in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, cancel, pause, plan, run
from sendoka.backfills.after import written_after
from sendoka.backfills.scripts import load
from sendoka.errors import BackfillError, InvalidBackfill
from tests.database.test_backfill_dead import make_words
from tests.fixtures.backfills import execute, touched, value

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills import Backfill
    from sendoka.database import Database
    from sendoka.http.client import Neon
    from tests.fixtures.project import Project

SQL = "update messages m set n = m.word::int from page p where m.id = p.id"
TOUCH = "update messages m set touched = 1 from page p where m.id = p.id"
SCRIPT = """'''About {name}.'''
from sendoka.backfills import backfill

{name} = backfill(table="messages", where="n is null", after={after!r}, sql='''{sql}''')
"""

numbers = backfill(table="messages", where="n is null", sql=SQL)


def behind(*after: Any, **options: Any) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "where": "touched = 0", "name": "behind", "sql": TOUCH} | options
    found: Backfill = backfill(after=after, **given)
    return found


async def test_it_begins_when_the_others_are_done_and_says_before_what_is_missing(sql: Database) -> None:
    await make_words(sql, 20, 7)
    late = behind(numbers, "more")
    more = behind(
        name="more", where="word = '3'", sql="update messages m set word = '33' from page p where m.id = p.id"
    )
    with pytest.raises(
        BackfillError, match="behind comes after numbers, which is not done: it was never run here"
    ) as first:
        await run(sql, late)
    assert first.value.todo == "sendoka backfill run numbers"
    assert await value(sql, "select to_regnamespace('sendoka')") is None
    await run(sql, numbers, batch_size=5, stop=iter([False, True]).__next__)
    with pytest.raises(BackfillError, match="not done: its run 1 is stopped: interrupted"):
        await run(sql, late)
    await run(sql, numbers)
    with pytest.raises(BackfillError, match="not done: 1 of its rows could not be changed and were left out") as third:
        await run(sql, late)
    assert third.value.todo == "sendoka backfill retry-dead numbers"
    await execute(sql, "delete from sendoka.dead_letters")
    found = await plan(sql, late)
    assert (found.after, found.problems) == (
        ("numbers", "more"),
        ("it comes after more, which is not done: it was never run here",),
    )
    await run(sql, more)
    assert (await plan(sql, late)).problems == ()
    assert await touched(sql) == {"0": 20}
    assert (await run(sql, late)).done
    assert await touched(sql) == {"1": 20}


async def test_what_is_missing_is_gone_on_with_as_it_stands(sql: Database) -> None:
    await make_words(sql, 20)
    late = behind(numbers)
    await run(sql, numbers, batch_size=5, stop=iter([False, True]).__next__)
    for switch, todo in ((pause, "resume numbers"), (cancel, "run numbers --again")):
        await switch(sql, "numbers")
        with pytest.raises(BackfillError, match="not done: its run 1 is") as caught:
            await run(sql, late)
        assert caught.value.todo == f"sendoka backfill {todo}"


async def test_a_step_comes_after_another_too(sql: Database) -> None:
    await make_words(sql, 3)

    @backfill(table="messages", where="touched = 0", after="numbers")
    async def step(sql: Any, batch: Batch) -> object:
        return batch.update({key: {"touched": 1} for key in batch.keys})

    assert step.after_names == ("numbers",)
    with pytest.raises(BackfillError, match="step comes after numbers"):
        await run(sql, step)


async def test_a_circle_by_way_of_objects_is_refused(sql: Database) -> None:
    for late in (behind("behind"), behind(behind("behind", name="b"))):
        with pytest.raises(InvalidBackfill, match=r"behind comes after itself: behind after (b after )?behind"):
            await run(sql, late)
        with pytest.raises(InvalidBackfill, match="comes after itself"):
            await plan(sql, late)


def test_a_circle_of_scripts_is_refused_before_any_of_them_is_run(tmp_path: Path) -> None:
    for name, after in {"a": ["b"], "b": ["d", "c"], "c": ["a"], "d": ["e"], "f": ["a"]}.items():
        (tmp_path / f"2026_01_01_{name}.py").write_text(
            "raise SystemExit\n" + SCRIPT.format(name=name, after=after, sql=SQL)
        )
    with pytest.raises(InvalidBackfill, match="a comes after itself: a after b after c after a"):
        load(tmp_path, "a")
    (tmp_path / "2026_01_01_f.py").write_text(SCRIPT.format(name="f", after=["a"], sql=SQL))
    assert load(tmp_path, "f").after_names == ("a",)


@pytest.mark.parametrize("after", [3, [3], [""], [None]])
def test_what_is_no_name_is_refused(after: Any) -> None:
    with pytest.raises((InvalidBackfill, TypeError), match=r"after= holds names|not iterable"):
        behind(*after) if isinstance(after, list) else backfill(table="t", where="a", sql=SQL, after=after)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("backfill(after=['a', b, c.d])", ("a", "b", "d")),
        ("@backfill(after='a')\nasync def x(): ...", ("a",)),
        ("backfill(after=(1, f()))", ()),
        ("x = 'after'", ()),
        ("not Python", ()),
        ("\0", ()),
    ],
)
def test_names_are_read_from_the_text(text: str, names: tuple[str, ...]) -> None:
    assert written_after(text) == names


async def test_plan_and_list_show_them(sql: Neon, project: Project, database_url: str) -> None:
    await make_words(sql, 3)
    project.url = database_url
    folder = project.folder / "backfill"
    for script in folder.glob("*.py"):
        script.unlink()
    (folder / "2026_05_01_late.py").write_text(SCRIPT.format(name="late", after=["early"], sql=SQL), encoding="utf-8")
    assert project.run("sendoka backfill list") == "late  About late.  (2026_05_01_late.py, after early)\n"
    shown = project.run("sendoka backfill plan late", status=1)
    assert "  after     early\n" in shown
    assert "problem   it comes after early, which is not done: it was never run here" in shown
    said = project.run("sendoka backfill run late", status=3)
    assert "sendoka backfill run early" in said
