"""The page about the schema, done as it says: its files are one schema, Postgres makes it, and it is pulled again."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import schema
from sendoka.cli._group import run
from sendoka.http.client import neon
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_python import model_from_folder
from sendoka.schema.kind import Renaming
from sendoka.schema.model import Id, Model
from sendoka.schema.plan import plan
from sendoka.scratch import Scratch
from sendoka.sources import compared
from tests.acceptance.test_readme import commands
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    block.code.partition("\n")[0].removeprefix("# schema/"): block.code
    for block in blocks_of("docs/schema.md", language="python")
}
SHELL = blocks_of("docs/schema.md", language="sh")


async def _made(url: str, declared: Model) -> tuple[Model, bool]:
    """Make the schema in a database; return what the database has, and whether that differs from what was declared."""
    async with neon(url) as sql, Scratch() as scratch:
        for step in plan(diff(Model(), declared)).steps:
            await sql(step.text)
        made = await model_from_catalog(sql)
        found = await compared(made, declared, Renaming(), scratch)
        assert found.doubt is None
        return made, bool(found.changes)


@pytest.fixture
def roles(direct: Any) -> Iterator[None]:
    """The roles that the page speaks of: they belong to the whole server."""
    for role in ("clerk", "auditor"):
        direct.execute(f"create role {role}")
    yield
    direct.execute("drop owned by clerk, auditor cascade")
    direct.execute("drop role clerk, auditor")


@pytest.mark.usefixtures("roles")
def test_the_files_are_one_schema_that_postgres_makes_and_pull_writes_again(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    folder = tmp_path / "page"
    folder.mkdir()
    for name, code in FILES.items():
        (folder / name).write_text(code, encoding="utf-8")
    declared = model_from_folder(folder)
    kinds = {"table", "enum", "domain", "composite-type", "view", "materialized-view", "function", "trigger", "policy"}
    kinds |= {"grant"}
    assert kinds <= {key.kind for key in declared.objects}
    assert Id("table", "archive", "", "bills") in declared
    made, differs = asyncio.run(_made(database_url, declared))
    assert set(made.objects) == set(declared.objects)
    assert not differs
    for line in commands(SHELL):
        assert run(line.split()[1:]) == 0
    assert not diff(model_from_folder(tmp_path / "schema"), made)


def test_the_page_names_all_that_a_schema_is_written_with() -> None:
    text = (ROOT / "docs/schema.md").read_text(encoding="utf-8")
    made_by_functions = {"Enum", "MaterializedView", "View"}
    assert [
        name for name in schema.__all__ if name not in made_by_functions and not re.search(rf"\b{name}\b", text)
    ] == []
