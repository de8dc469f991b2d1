"""drizzle-kit writes the history of a schema as it grows; replayed, it is the schema that drizzle-kit exports."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendoka.migrations.drizzle import read_drizzle_folder
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.kind import Renaming
from sendoka.schema.plan import plan
from sendoka.scratch import Scratch
from sendoka.sources import compared, read_model
from tests.documents import blocks_of

if TYPE_CHECKING:
    from sendoka.schema.model import Model

pytestmark = pytest.mark.peers

STEPS = range(1, 8)
RENAMES = 7
"""The step in which drizzle-kit asks whether a column was renamed."""


def kit(peers: Path, command: str, step: int, out: Path) -> list[str]:
    return [
        "env",
        f"STEP={step}",
        f"OUT={os.path.relpath(out, peers)}",
        "node",
        str(peers / "node_modules" / "drizzle-kit" / "bin.cjs"),
        command,
        "--config=history.config.mjs",
    ]


def run(peers: Path, command: str, step: int, out: Path) -> str:
    done = subprocess.run(
        kit(peers, command, step, out), cwd=peers, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer_rename(peers: Path, out: Path) -> None:
    """Generate the step that asks, choosing the second answer, which is the rename."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        kit(peers, "generate", RENAMES, out), cwd=peers, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen, answered = "", False
    while select.select([ours], [], [], 60)[0]:
        try:
            seen += os.read(ours, 4096).decode(errors="replace")
        except OSError:  # how Linux says that the other end is closed
            break
        if not answered and re.search(r"rename column", seen):
            os.write(ours, b"\x1b[B\r")
            answered = True
    os.close(ours)
    assert process.wait(60) == 0, seen
    assert answered, seen


@pytest.fixture(scope="module")
def history(peers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all steps, as drizzle-kit wrote it."""
    out = tmp_path_factory.mktemp("drizzle") / "migrations"
    for step in STEPS:
        if step == RENAMES:
            answer_rename(peers, out)
        else:
            run(peers, "generate", step, out)
    return out


async def test_a_history_replayed_is_the_schema_it_leads_to(peers: Path, history: Path, tmp_path: Path) -> None:
    exported = tmp_path / "schema.sql"
    exported.write_text(run(peers, "export", STEPS[-1], history), encoding="utf-8")
    async with Scratch() as scratch:
        replayed, whole = await read_model(str(history), scratch), await read_model(str(exported), scratch)
        found = await compared(replayed, whole, Renaming(), scratch)
    assert [step.text for step in plan(found.changes).steps] == []
    assert (replayed.unmanaged, whole.unmanaged) == ((), ())
    assert all_kinds_of(replayed) >= {"enum", "sequence", "view", "materialized-view", "policy", "foreign-key", "check"}


async def test_each_step_is_seen(history: Path) -> None:
    migrations = read_drizzle_folder(history)
    assert len(migrations) == len(STEPS)
    assert any("RENAME COLUMN" in statement for statement in migrations[-1].statements)
    before: Model | None = None
    async with Scratch() as scratch, scratch.database() as database:
        for each in migrations:
            await database.load(each.statements, each.name)
            after = await model_from_catalog(database.sql)
            assert before is None or diff(before, after), each.name
            before = after


IMPORTS = "import { check, index, pgEnum, pgTable, text, timestamp, varchar } from 'drizzle-orm/pg-core'"


async def test_both_schemas_that_the_page_shows_are_one(peers: Path, tmp_path: Path) -> None:
    (typescript,) = blocks_of("docs/coming-from-drizzle.md", language="ts")
    (python,) = blocks_of("docs/coming-from-drizzle.md", language="python")
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "__init__.py").write_text("from sqlalchemy import MetaData\n\nmetadata = MetaData()\n")
    (tmp_path / "schema" / "orgs.py").write_text(python.code, encoding="utf-8")
    (tmp_path / "drizzle.sql").write_text(exported(peers, typescript.code), encoding="utf-8")
    async with Scratch() as scratch:
        theirs = await read_model(str(tmp_path / "drizzle.sql"), scratch)
        ours = await read_model(str(tmp_path / "schema"), scratch)
        found = await compared(theirs, ours, Renaming(), scratch)
    assert [step.text for step in plan(found.changes).steps] == []
    assert all_kinds_of(theirs) == {"enum", "table", "column", "primary-key", "check", "index"}


def exported(peers: Path, typescript: str) -> str:
    """Return the SQL that drizzle-kit makes of a schema; it is found where its packages are."""
    with tempfile.TemporaryDirectory(dir=peers) as folder:
        file = Path(folder) / "schema.ts"
        file.write_text(f"import {{ sql }} from 'drizzle-orm'\n{IMPORTS}\n{typescript}", encoding="utf-8")
        kit = ["node", str(peers / "node_modules" / "drizzle-kit" / "bin.cjs"), "export"]
        options = ["--dialect=postgresql", f"--schema={file}"]
        done = subprocess.run([*kit, *options], cwd=peers, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def all_kinds_of(model: Model) -> set[str]:
    return {each.kind for each in model}
