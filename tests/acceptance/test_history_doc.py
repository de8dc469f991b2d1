"""docs/history.md, done as it says, in a Git repository with two branches."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tests.documents import blocks_of, read_blocks

if TYPE_CHECKING:
    import pytest

    from tests.fixtures.branches import Branches

SHELL = blocks_of("docs/history.md", language="sh")
SHOWN = [block.code for block in read_blocks("docs/history.md") if block.language == "text"]


def type_in(branches: Branches, code: str) -> str:
    """Run the lines of a block; return what Sendoka printed."""
    said = ""
    for line in code.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        said += branches(*arguments) if program == "sendoka" else branches.git(*arguments)
    return said


def test_two_branches_become_one_chain(branches: Branches) -> None:
    (block,) = [block for block in SHELL if "sendoka rebase" in block.code]
    branches.side("feature")
    branches.table("notes")
    branches.generate("add notes")
    branches.commit()
    branches.git("checkout", "-q", "main")
    branches.table("orders")
    branches.generate("add orders")
    branches.commit()
    assert SHOWN[0] in type_in(branches, block.code)
    assert branches.names() == ["0000_base", "0001_add_orders", "0002_add_notes"]
    assert branches.git("status", "--short") == ""


def test_a_forward_fix_undoes_a_migration(
    branches: Branches, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [block for block in SHELL if "--revert" in block.code]
    monkeypatch.setenv("DATABASE_URL", database_url)
    branches.table("orders")
    branches.generate("add orders")
    branches.commit()
    branches.table("orders", "Column('price', Integer)")
    branches.generate("add price")
    branches.commit()
    branches("migrate")
    said = type_in(branches, block.code)
    assert "it undoes 0002_add_price.sql" in said
    assert (
        "schema/ must be taken back too, or the next migration makes it again:\n  column orders.price is new\n" in said
    )
    assert branches.names()[-1] == "0003_revert_add_price"
    branches("check", "--history", "--drift")


def test_an_edited_comment_is_accepted(branches: Branches, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    (block,) = [block for block in SHELL if "sendoka repair" in block.code]
    branches("migrate")
    file = branches.migrations / "0000_base.sql"
    file.write_text(file.read_text(encoding="utf-8") + "-- a word\n", encoding="utf-8")
    branches.commit()
    first, *lines = block.code.splitlines()
    assert "repair: sendoka repair --accept base" in branches(*shlex.split(first)[1:], status=1).replace("0000_", "")
    said = type_in(branches, "\n".join(lines))
    assert "would update the row of 0000_base: checksum" in said
    assert said.endswith("nothing is wrong with the history\n")
