"""docs/format.md on a real Postgres: its files are a chain, lead to its snapshot, and it names every directive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka.database import Statement
from sendoka.migrations.folder import read_folder
from sendoka.migrations.header import DIRECTIVES
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import FORMAT, model_from_snapshot, snapshot_of
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.http.client import Neon

PAGE = "docs/format.md"


async def test_the_files_of_the_page_lead_to_its_snapshot(sql: Neon, tmp_path: Path) -> None:
    for block in blocks_of(PAGE, language="sql"):
        name = block.code.split("\n")[0].removeprefix("-- sendoka: ")
        (tmp_path / f"{name}.sql").write_text(block.code, encoding="utf-8")
    files = read_folder(tmp_path)
    assert [each.number for each in files] == [0, 1, 2]
    for each in files:
        if each.done_when is None:
            await sql.run_all([Statement(text) for text in each.statements])
        else:
            await sql.run(Statement(each.statements[0]))
            assert (await sql.run(Statement(each.done_when))).rows == [["t"]]

    (block,) = blocks_of(PAGE, language="json")
    snapshot = model_from_snapshot(block.code, PAGE)
    assert snapshot_of(snapshot) == block.code
    assert not diff(await model_from_catalog(sql), snapshot)
    listing = re.findall(r"(\w+)\.(sql|json)$", blocks_of(PAGE, language="text")[0].code, re.MULTILINE)
    assert listing == [(each.name, end) for end in ("sql", "json") for each in files]


def test_the_page_knows_every_directive_and_the_version() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(DIRECTIVES)
    assert f"the version of this format, {FORMAT}." in page
