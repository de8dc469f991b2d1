"""The statements of a migration file: split at the breakpoints, without any grammar of SQL."""

from __future__ import annotations

import re

__all__ = ["BREAKPOINT", "join", "split"]

BREAKPOINT = "--> statement-breakpoint"

_LINE = re.compile(r"^[ \t]*--> statement-breakpoint[ \t]*$", re.MULTILINE)
_COMMENT_OR_BLANK = re.compile(r"\s+|--[^\n]*(?:\n|$)|;")


def split(text: str) -> list[str]:
    """Return the statements of `text`, in order, each stripped; what holds only comments and white space is left out.

    A breakpoint is a line of its own. One inside a literal or a comment splits there all the same, because the format
    has no grammar of SQL: `sendoka generate` refuses to write such a file, and nothing looks for one written by hand.
    """
    chunks = (chunk.strip() for chunk in _LINE.split(text))
    return [chunk for chunk in chunks if not _is_empty(chunk)]


def join(statements: list[str]) -> str:
    """Return the statements as the body of a migration file; `split` gives them back."""
    return f"\n{BREAKPOINT}\n".join(statement.strip() for statement in statements) + "\n" if statements else ""


def _is_empty(chunk: str) -> bool:
    at = 0
    while at < len(chunk):
        blank = _COMMENT_OR_BLANK.match(chunk, at)
        if blank is None:
            return False
        at = blank.end()
    return True
