"""docs/history.md, done as it says, in a Git repository with two branches."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tests.documents import blocks_of, read_blocks

if TYPE_CHECKING:
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
