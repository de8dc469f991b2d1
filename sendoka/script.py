"""The statements of a migration file: split at the breakpoints, without any grammar of SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BREAKPOINT", "Chunk", "breakpoints", "chunks", "join", "split"]

BREAKPOINT = "--> statement-breakpoint"

_LINE = re.compile(r"^[ \t]*--> statement-breakpoint[ \t]*$", re.MULTILINE)
_COMMENT_OR_BLANK = re.compile(r"\s+|--[^\n]*(?:\n|$)|;")


class Chunk(NamedTuple):
    """What stands between two breakpoints, stripped: a statement, unless somebody forgot a breakpoint.

    `line` is that of its first character and `start` its place in the whole text; the one counts from 1, the other
    from 0.
    """

    text: str
    line: int
    start: int


def split(text: str) -> list[str]:
    """Return the statements of `text`, in order, each stripped; what holds only comments and white space is left out.

    A breakpoint is a line of its own. One inside a literal or a comment splits there all the same, because the format
    has no grammar of SQL: `sendoka generate` refuses to write such a file, and `sendoka check` finds one.
    """
    return [chunk.text for chunk in chunks(text)]


def chunks(text: str) -> list[Chunk]:
    """Return the statements of `text` as `split` does, each with its place."""
    found, line, counted, start = [], 1, 0, 0
    for end, following in [*((mark.start(), mark.end()) for mark in _LINE.finditer(text)), (len(text), 0)]:
        piece = text[start:end]
        bare = piece.lstrip()
        first = end - len(bare)
        line, counted = line + text.count("\n", counted, first), first
        if not _is_empty(bare):
            found.append(Chunk(bare.rstrip(), line, first))
        start = following
    return found


def breakpoints(text: str) -> Iterator[int]:
    """Yield where in `text` its breakpoints are, in order, counted from 0."""
    return (mark.end() - len(mark[0].lstrip()) for mark in _LINE.finditer(text))


def join(statements: list[str]) -> str:
    """Return the statements as the body of a migration file; `split` gives them back."""
    return f"\n{BREAKPOINT}\n".join(statement.strip() for statement in statements) + "\n" if statements else ""


def _is_empty(chunk: str) -> bool:
    if chunk[:1].isalpha():
        return False
    at = 0
    while at < len(chunk):
        blank = _COMMENT_OR_BLANK.match(chunk, at)
        if blank is None:
            return False
        at = blank.end()
    return True
