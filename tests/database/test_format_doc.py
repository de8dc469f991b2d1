"""docs/format.md on a real Postgres: its files are a chain, lead to its snapshot, and it names every directive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendoka import bookkeeping
from sendoka.database import Statement
from sendoka.migrations.files import MOST_BYTES
from sendoka.migrations.flaw import KINDS
from sendoka.migrations.folder import read_folder
from sendoka.migrations.header import DIRECTIVES
from sendoka.migrations.inspection import folder_findings
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.from_snapshot import FORMAT, model_from_snapshot, snapshot_of
from tests.documents import ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.http.client import Neon
    from sendoka.migrations.files import Migration

PAGE = "docs/format.md"


async def test_the_files_of_the_page_lead_to_its_snapshot_and_so_does_its_squash(sql: Neon, tmp_path: Path) -> None:
    texts = [block.code for block in blocks_of(PAGE, language="sql")]
    chain = write(tmp_path / "chain", [text for text in texts if "-- replaces:" not in text])
    assert [each.number for each in chain] == [0, 1, 2]
    assert chain[1].lock_timeout == "2s"
    squash = write(tmp_path / "squash", texts[2:])
    assert [(each.checksum, each.replaces is None) for each in squash] == [
        (chain[1].checksum, False),
        (chain[2].checksum, True),
    ]
    (block,) = blocks_of(PAGE, language="json")
    snapshot = model_from_snapshot(block.code, PAGE)
    assert snapshot_of(snapshot) == block.code
    for files in (chain, squash):
        await run(sql, files)
        assert not diff(await model_from_catalog(sql), snapshot)
        await sql("drop table gadgets")
    check_listing(chain)


def write(folder: Path, texts: list[str]) -> list[Migration]:
    """Write a folder of these files, and return its migrations; nothing is wrong with it."""
    folder.mkdir()
    for text in texts:
        name = text.split("\n")[0].removeprefix("-- sendoka: ")
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    assert folder_findings(folder) == []
    return read_folder(folder)


async def run(sql: Neon, files: list[Migration]) -> None:
    for each in files:
        if each.done_when is None:
            await sql.run_all([Statement(text) for text in each.statements])
        else:
            await sql.run(Statement(each.statements[0]))
            assert (await sql.run(Statement(each.done_when))).rows == [["t"]]


def check_listing(files: list[Migration]) -> None:
    listing = re.findall(r"(\w+)\.(sql|json)$", blocks_of(PAGE, language="text")[0].code, re.MULTILINE)
    assert listing == [(each.name, end) for end in ("sql", "json") for each in files]


def test_the_page_knows_every_directive_flaw_and_version() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    directives, flaws = page.split("## What is refused")
    assert re.findall(r"^\| `([a-z-]+)` \|", directives, re.MULTILINE) == list(DIRECTIVES)
    assert re.findall(r"^\| `([a-z-]+)` \|", flaws, re.MULTILINE) == list(KINDS)
    assert f"the version of this format, {FORMAT}." in page
    assert f"| a snapshot | its `snapshot`, {FORMAT} |" in page
    assert f"| `format` in `sendoka.facts`, {bookkeeping.FORMAT} |" in page
    assert f"{MOST_BYTES:,} bytes" in page
