"""The tokens of a SQL text, as far as it takes to tell what stands in quotes and comments from what does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Token", "masked", "operation", "tokens"]


class Token(NamedTuple):
    """A piece of a SQL text, its `kind` string, name, comment, parameter, number or word; signs and space are none."""

    kind: str
    text: str
    start: int
    end: int


# Source: "Lexical Structure" in the PostgreSQL documentation, with standard_conforming_strings on. What is not closed
# goes to the end.
_TOKEN = re.compile(
    r"""
      (?P<string>  [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)
                 | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)
                 | \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<name>    "(?:[^"]|"")*(?:"|\Z) )
    | (?P<comment> --[^\r\n]* | /\* )
    | (?P<word>    [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]* )
    | (?P<parameter> \$[0-9]+ )
    | (?P<number>  [0-9][A-Za-z0-9_.]* )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, in order."""
    at = 0
    while found := _TOKEN.search(text, at):
        at = _end_of_comment(text, found.start()) if found[0] == "/*" else found.end()
        yield Token(found.lastgroup or "", text[found.start() : at], found.start(), at)


def _end_of_comment(text: str, at: int) -> int:
    """Return where the comment ends that begins at `at`; comments nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def masked(text: str) -> str:
    """Return `text` in one line, with `?` for every value that is written into it, and without comments.

    A value in the text may be a secret (`alter role … password '…'`), so what goes into logs and traces is masked.
    """
    pieces, at = [], 0
    for token in tokens(text):
        if token.kind in {"string", "number", "comment"}:
            pieces += [text[at : token.start], " " if token.kind == "comment" else "?"]
            at = token.end
    return " ".join("".join([*pieces, text[at:]]).split())


def operation(text: str) -> str:
    """Return the command of a statement: `SELECT`, `CREATE`; of `WITH` the one behind its queries. "" for no word."""
    first, depth, at = "", 0, 0
    for token in tokens(text):
        between = text[at : token.start]
        depth += between.count("(") - between.count(")")
        at = token.end
        word = token.text.upper() if token.kind == "word" else ""
        if first and depth == 0 and word in _VERBS:
            return word
        if not first and word:
            if word != "WITH":
                return word
            first = word
    return first
