"""Backfills whose process is killed with SIGKILL at any moment: the next one goes on, and every row is changed once."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.backfill_project import PACE, PATIENCE, STEP, TOUCH, Project, set_pace, touching, until
from tests.fixtures.backfills import make_messages, touched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.http.client import Neon


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Iterator[Project]:
    """A project with one script, `touch`, dated."""
    with touching(tmp_path, database_url) as found:
        yield found


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_sql_form_killed_five_times_changes_every_row_once(project: Project, sql: Neon, seed: int) -> None:
    await make_messages(sql, 2500)
    await set_pace(sql, 0.002)
    project.script("2026_04_22_touch", TOUCH.format(name="touch", sleep=PACE))
    dice = random.Random(seed)
    for _ in range(5):
        process = project.start("run", "touch", "--batch-size", "20")
        until(process, "rows scanned")
        await asyncio.sleep(dice.uniform(0, 0.3))
        assert process.poll() is None
        process.kill()
        process.communicate()
        process.wait(PATIENCE)
    await set_pace(sql, 0)
    said = project.run("run", "touch", "--batch-size", "200")
    assert "is done and verified: 2,500 rows scanned, 2,500 changed" in said
    assert await touched(sql) == {"1": 2500}


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_python_form_killed_five_times_changes_every_row_once(project: Project, sql: Neon, seed: int) -> None:
    await make_messages(sql, 2000)
    script = project.folder / "step.py"
    script.write_text(STEP, encoding="utf-8")
    dice = random.Random(seed)
    for _ in range(5):
        process = project.python(str(script))
        before = (await touched(sql)).get("1", 0)
        async with asyncio.timeout(PATIENCE):
            # What is waited for happens in another process.
            while (await touched(sql)).get("1", 0) <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(dice.uniform(0, 0.2))
        assert process.poll() is None
        process.kill()
        process.communicate()
    project.environ["PACE"] = "0"
    out, err = project.python(str(script)).communicate(timeout=PATIENCE)
    assert out == "done\n", err
    assert await touched(sql) == {"1": 2000}
