"""The blocks of code in README.md and docs/*.md, for the tests that run them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "blocks_of", "documents", "read_blocks"]

ROOT = Path(__file__).parents[1]

_FENCE = re.compile(r"^(?P<indent>[ \t]*)```(?P<info>[^`\n]*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its document relative to the project, the fence's line, the language and the code."""

    document: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[str]:
    """Return the documents whose code is run."""
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]


def blocks_of(document: str, *, language: str) -> list[Block]:
    """Return the blocks of a document in one language, in order."""
    return [block for block in read_blocks(document) if block.language == language]


def read_blocks(document: str) -> list[Block]:
    """Return all blocks of a document. Raises ValueError for a fence that is never closed."""
    found: list[Block] = []
    opened: tuple[int, str] | None = None
    code: list[str] = []
    for number, line in enumerate((ROOT / document).read_text(encoding="utf-8").splitlines(keepends=True), start=1):
        fence = _FENCE.match(line.rstrip("\n"))
        if fence is None:
            code.append(line)
        elif opened is None:
            opened, code = (number, fence["info"].split(" ")[0].strip()), []
        else:
            found.append(Block(document, *opened, textwrap.dedent("".join(code))))
            opened = None
    if opened is not None:
        raise ValueError(f"{document}: the block of line {opened[0]} is never closed")
    return found
