"""Sentences for a person: on a terminal they are broken between their words, and a command at the end is left whole."""

from __future__ import annotations

import shutil
import sys
import textwrap

from sendoka.cli._options import printable, say

__all__ = ["broken", "tell"]

_COMMAND = ": sendoka "


def tell(text: str, *, dim: bool = False, err: bool = False) -> None:
    """Print a sentence, which may quote what stands in the database."""
    text = printable(text.replace("\n", " "))
    if (sys.stderr if err else sys.stdout).isatty():
        text = "\n".join(broken(text, shutil.get_terminal_size().columns))
    say(text, dim=dim, err=err)


def broken(text: str, width: int) -> list[str]:
    """Return the lines of a sentence on so many columns; a command behind its last colon is one, to be copied."""
    before, found, command = text.rpartition(_COMMAND)
    if len(text) <= width:
        return [text]
    words = f"{before}:" if found else text
    lines = textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)
    if not found:
        return lines
    command = f"{_COMMAND[2:]}{command}"
    last = f"{lines[-1]} {command}"
    return [*lines[:-1], last] if len(last) <= width else [*lines, command]
