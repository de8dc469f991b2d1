"""docs/checking.md, done as it says: each command in a clone, the workflow as GitHub runs it, and the table of ids."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from sendoka.migrations.checked import IDS
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from tests.fixtures.project import Project

SHELL = [block.code.strip() for block in blocks_of("docs/checking.md", language="sh")]
TEXT = [block.code for block in blocks_of("docs/checking.md", language="text")]
(WORKFLOW,) = (block.code for block in blocks_of("docs/checking.md", language="yaml"))

GADGETS = """from sqlalchemy import Table

from sendoka.schema import primary_key
from . import metadata
gadgets = Table("gadgets", metadata, primary_key("gad"))
"""


@pytest.fixture
def clone(project: Project) -> Project:
    """The application on a branch of its own, with a remote branch main, as a pull request has it."""
    for words in (
        "init -q -b work",
        "add -A",
        "-c user.name=ada -c user.email=ada@example.test -c commit.gpgsign=false commit -q -m all",
        "update-ref refs/remotes/origin/main HEAD",
    ):
        subprocess.run(["git", *shlex.split(words)], cwd=project.folder, check=True)
    return project


def test_the_commands_do_what_they_say(clone: Project, database_url: str) -> None:
    clone.url = database_url
    clone.run("sendoka migrate")
    alone, commit, database = printed = [clone.run(command) for command in SHELL]
    assert alone == TEXT[0]
    assert "replay       clean" in commit
    assert "since        clean" in commit
    assert "history      clean" in database
    assert "drift        clean" in database
    assert all(text.endswith("nothing found\n") for text in printed)


def test_a_finding_looks_as_it_is_shown(clone: Project) -> None:
    (clone.folder / "schema" / "gadgets.py").write_text(GADGETS, encoding="utf-8")
    assert TEXT[1] in clone.run("sendoka check", status=1)


def test_the_workflow_finds_an_edited_file(clone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last step, with what GitHub puts into it, on a branch that edited what is merged."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "fetch-depth: 0" in WORKFLOW
    install, step = re.findall(r"^ *- run: (.+)$", WORKFLOW, re.MULTILINE)
    assert install == 'pip install "sendoka[dev,lint]"'  # tests/acceptance/test_wheel.py installs it
    step = step.replace("${{ github.base_ref }}", "main")
    assert "::error" not in clone.run(step)
    (file,) = (clone.folder / "migrations").glob("*.sql")
    file.write_text(file.read_text(encoding="utf-8") + "-- a word\n", encoding="utf-8")
    printed = clone.run(step, status=1)
    assert f"\n::error file=migrations/{file.name},title=since/changed::it is on origin/main, and was edited" in printed


def test_every_id_is_in_the_table() -> None:
    text = (ROOT / "docs/checking.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- findings -->\n")[2].partition("<!-- /findings -->")[0]
    wanted = "| id | means |\n| --- | --- |\n" + "".join(f"| `{name}` | {what} |\n" for name, what in IDS.items())
    assert shown == wanted, "put between the marks:\n" + wanted
