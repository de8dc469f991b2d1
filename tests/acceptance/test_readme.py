"""The README, done as it says: its commands in order, its code against a real endpoint, its tests with pytest."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
from typing import TYPE_CHECKING, Any

from sendoka import migrate, neon
from sendoka.backfills import run as run_backfill
from sendoka.backfills.scripts import load
from tests.documents import ROOT, Block, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sendoka.backfills import Backfill
    from tests.fixtures.project import Project

PYTHON = blocks_of("README.md", language="python")
SHELL = blocks_of("README.md", language="sh")

# What is not run here, and why.
NOT_RUN = {
    "make test": "it is what runs this",
    'pip install "sendoka[dev,test]"': "not on an index yet; test_wheel.py installs what would be there",
    "sendoka init": "tests/acceptance/test_init.py runs it, and all that it prints",
}


def commands(blocks: list[Block]) -> list[str]:
    """Return the command lines of shell blocks, without their comments."""
    lines = [line for block in blocks for line in block.code.splitlines()]
    return [re.sub(r"\s{2,}#.*", "", line).strip() for line in lines if line.strip()]


def execute(code: str, **names: Any) -> dict[str, Any]:
    """Run a block of code, with `await` at its top where it has it, and return its names."""
    compiled = compile(code, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    space: dict[str, Any] = {"__name__": "__main__", **names}
    done = eval(compiled, space)  # noqa: S307 - the project's own documents
    if inspect.iscoroutine(done):
        asyncio.run(done)
    return space


def apply_migrations(url: str) -> None:
    """Bring a database to the application's newest migration."""

    async def go() -> None:
        async with neon(url, transport="native") as sql:
            await migrate(sql, ROOT / "migrations")

    asyncio.run(go())


def test_the_commands_do_what_they_say(project: Project) -> None:
    for line in commands(SHELL):
        if line in NOT_RUN:
            continue
        if line == "sendoka dev":
            project.serve()  # which leaves the connection string where the other commands find it
        elif line.startswith("make "):
            subprocess.run(["make", line.removeprefix("make ")], cwd=ROOT, check=True, capture_output=True)
        else:
            project.run(line)


def test_every_excused_command_is_in_the_readme() -> None:
    assert set(NOT_RUN) <= set(commands(SHELL))


def test_sixty_seconds(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_migrations(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    execute(PYTHON[0].code)


def loaded(block: Block, folder: Path) -> Backfill:
    """Return the backfill of a block, put into a folder as a script."""
    (folder / "2026_01_01_message_tenants.py").write_text(block.code, encoding="utf-8")
    return load(folder, "message_tenants")


def test_the_backfill_runs(database_url: str, tmp_path: Path) -> None:
    (block,) = [block for block in PYTHON if "backfill(" in block.code]
    apply_migrations(database_url)

    async def go() -> bool:
        async with neon(database_url, transport="native") as sql:
            return (await run_backfill(sql, loaded(block, tmp_path))).done

    assert asyncio.run(go())


FILES = {
    block.code.partition("\n")[0].removeprefix("# "): block.code for block in PYTHON if block.code.startswith("# ")
}


def test_the_tests_for_your_code_pass(project: Project) -> None:
    for name, code in FILES.items():
        (project.folder / name).write_text(code, encoding="utf-8")
    settings = '[tool.pytest.ini_options]\nasyncio_mode = "auto"\nasyncio_default_fixture_loop_scope = "function"\n'
    (project.folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    assert "2 passed" in project.run("python -m pytest -q -p no:cacheprovider")


def test_the_figures_are_those_that_were_measured() -> None:
    results = (ROOT / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
    measured = rows_of(results.partition("## transport")[2].partition("\nMeasured")[0])
    shown = rows_of((ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- figures -->")[2])
    columns = ("in flight", "native", "httpx", "official driver", "native ÷ httpx", "native ÷ official driver")
    places = [measured[0].index(name) for name in columns]
    assert shown[1:] == [[row[place] for place in places] for row in measured[1:]]
    assert [row[0] for row in shown[1:]] == ["1", "10", "50", "200"]


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of the first table in a text, its head first."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()]
    return [lines[0], *lines[2:]]


def test_a_copy_of_the_readme_names_only_files_that_exist(tmp_path: Path) -> None:
    for name in re.findall(
        r"`((?:benchmarks|docs|schema|migrations|backfill|tests)/[\w./]+\.\w+)`", (ROOT / "README.md").read_text()
    ):
        assert (ROOT / name).exists() or name == "migrations/0001_brave_otter.sql", name
