"""`sendoka backfill plan` as a process: what it prints on 80 columns, as JSON, and how it exits."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.fixtures.backfills import execute, make_messages, touched

if TYPE_CHECKING:
    from sendoka.http.client import Neon
    from tests.fixtures.project import Project

TOUCH = '''"""Touch every message."""
from sendoka.backfills import backfill

touch = backfill(
    table="messages",
    where="{where}",
    sql="update messages m set touched = m.touched + 1 from page p where m.id = p.id",
)
'''


def scripts(project: Project, url: str, **texts: str) -> None:
    project.url = url
    for script in (project.folder / "backfill").glob("*.py"):
        script.unlink()
    for name, text in texts.items():
        (project.folder / "backfill" / f"2026_05_01_{name}.py").write_text(text, encoding="utf-8")


async def test_a_plan_fits_a_terminal_and_says_how_to_do_it(sql: Neon, project: Project, database_url: str) -> None:
    await make_messages(sql, 3000)
    await execute(sql, "create index a_name_that_is_as_long_as_names_can_be_in_postgres_so_it_is on messages (org_id)")
    scripts(project, database_url, touch=TOUCH.format(where="touched = 0"))
    shown = project.run("sendoka backfill plan touch --order strided --batch-size 500")
    assert "touch: messages, one statement in SQL a batch; not started" in shown
    assert "about 3,000 satisfy where=, by a sample of 3,000" in " ".join(shown.split())
    assert "strided: by (created_at, id), in 8 strides" in shown
    assert "6 of 500 rows, about " in shown
    assert "RowExclusiveLock" in shown
    assert shown.endswith("nothing was changed; do it: sendoka backfill run touch\n")
    assert max(len(line) for line in shown.splitlines()) <= 80
    shown = project.run("sendoka backfill plan touch --workers 4 --shards 16")
    assert re.search(r"  shards    16 of about \d{3} rows each, split by every key\n {12}they end at msg_", shown)
    assert " by one worker\n" in shown
    assert shown.count("msg_") == 4 + 4
    assert max(len(line) for line in shown.splitlines()) <= 80
    told = json.loads(project.run("sendoka backfill plan touch --shards 3 --json"))
    assert [len(told["shards"][name]) for name in ("rows", "bounds")] == [told["shards"]["number"], 2] == [3, 2]
    assert (told["order"], told["by"], told["problems"], told["trial"]["changed"]) == ("key", ["id"], [], 1000)
    assert await touched(sql) == {"0": 3000}


async def test_a_plan_with_a_problem_exits_with_one(sql: Neon, project: Project, database_url: str) -> None:
    await make_messages(sql, 120)
    scripts(project, database_url, touch=TOUCH.format(where="id is not null"))
    shown = " ".join(project.run("sendoka backfill plan touch", status=1).split())
    assert "problem the change of the backfill touch does not make where= false" in shown
    assert "do it:" not in shown
    assert "no backfill 'tuch'" in project.run("sendoka backfill plan tuch", status=2)
    assert "does not make where= false" in project.run("sendoka backfill run touch", status=3)
    assert await touched(sql) == {"0": 120}


async def test_a_new_run_warns_before_its_first_batch(sql: Neon, project: Project, database_url: str) -> None:
    await make_messages(sql, 20)
    await execute(
        sql,
        "create function noted() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger seen before update on messages for each row execute function noted()",
    )
    noisy = TOUCH.replace("touched + 1", "touched + 1 + 0 * ceil(random())::int")
    scripts(project, database_url, touch=noisy.format(where="touched = 0"))
    shown = project.run("sendoka backfill run touch --batch-size 10")
    assert "warning: touch: the trigger seen (before update, noted) fires for every row\n" in shown
    assert (
        "warning: touch: random() is volatile: it gives every row, and every try of a batch, another value\n" in shown
    )
    assert shown.startswith("touch: 10 of about 20 rows scanned")  # what is on stderr comes behind it here
    lines = [json.loads(line) for line in project.run("sendoka backfill run touch --again --events json").splitlines()]
    assert [line["event"] for line in lines] == ["done"]  # nothing to do, so nothing to warn of
    await execute(sql, "update messages set touched = 0")
    lines = [json.loads(line) for line in project.run("sendoka backfill run touch --again --events json").splitlines()]
    assert [line["event"] for line in lines] == ["warnings", "batch", "done"]
    assert lines[0]["warnings"] == lines[-1]["warnings"]
    assert len(lines[0]["warnings"]) == 2
