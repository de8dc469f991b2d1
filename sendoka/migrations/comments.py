"""What is a comment and should be none, and the other way round: torn literals, and directives below the header."""

from __future__ import annotations

import re
from typing import NamedTuple

from sendoka.http.scan import tokens
from sendoka.migrations.flaw import Flaw, broken
from sendoka.migrations.header import DIRECTIVE_LINE, directive_in, read_header
from sendoka.script import breakpoints

__all__ = ["Divided", "divided", "late_directives", "literal_flaws"]

_CALLED = {"string": "literal", "name": "quoted name", "comment": "comment"}


class Divided(NamedTuple):
    """A piece of SQL with a breakpoint inside: what it is, its first and last place in the text, the breakpoint's."""

    kind: str
    start: int
    end: int
    breakpoint: int

    def touches(self, start: int, end: int) -> bool:
        """Tell whether the text between two places has a part of it."""
        return self.start < end and start < self.end


def divided(text: str) -> list[Divided]:
    """Return what breakpoints of `text` tear apart, in order, by its first breakpoint each."""
    marks = list(breakpoints(text))
    found: list[Divided] = []
    if not marks:
        return found
    at = 0
    for token in tokens(text):
        while at < len(marks) and marks[at] < token.start:
            at += 1
        # A breakpoint is a comment to SQL, and begins one where it is what it should be.
        if at < len(marks) and token.start < marks[at] < token.end and token.kind in _CALLED:
            found.append(Divided(_CALLED[token.kind], token.start, token.end, marks[at]))
    return found


def literal_flaws(name: str, text: str) -> list[Flaw]:
    """Return what is wrong with the breakpoints in `text`, the whole text of the migration `name`."""
    return [_flaw(name, text, each) for each in divided(text)]


def late_directives(name: str, text: str) -> list[Flaw]:
    """Return the lines below the header of the migration `name` that are directives, and only comments there."""
    header = read_header(name, text.split("\n"))
    if not re.compile(DIRECTIVE_LINE).search(text, sum(len(line) + 1 for line in text.split("\n")[: header.length])):
        return []
    found = []
    for token in tokens(text):
        line = _line(text, token.start)
        directive = directive_in(token.text, line) if token.kind == "comment" and line > header.length else None
        if directive is not None:
            what = f"has the directive {directive.key} below its header, where it is a comment"
            todo = "move it above the first empty line, or write the comment in other words"
            found.append(broken("directive", name, line, what, todo))
    return found


def _flaw(name: str, text: str, found: Divided) -> Flaw:
    begins = _line(text, found.start)
    what = f"has a breakpoint inside the {found.kind} that begins in line {begins}, and tears it apart"
    todo = f"end the {found.kind} before it, or write the line in another way, such as 'a' || chr(10) || 'b'"
    return broken("breakpoint", name, _line(text, found.breakpoint), what, todo)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
