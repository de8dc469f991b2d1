"""The words of a SQL text, without strings and comments: enough to refuse what cannot be wrapped."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["strip_end", "words"]

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\r\n]*)
  | (?P<comment>/\*)
  | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<string>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<name>(?:[uU]&)?"(?:[^"]|"")*")
  | (?P<param>\$\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_SHORT = 4096
"""Characters of a text whose words are kept: what a step writes back is the same text for every page."""


def words(text: str) -> Iterator[str]:
    """Yield the words and signs of `text` in order: words in lower case, `"Quoted"` names with their quotes.

    String literals, in every spelling, are yielded as `''`; comments not at all.
    """
    return iter(_known(text)) if len(text) <= _SHORT else _read(text)


@lru_cache(maxsize=16)
def _known(text: str) -> tuple[str, ...]:
    return tuple(_read(text))


def _read(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:  # cannot happen: the last alternative takes any character
            return
        kind, at = token.lastgroup, token.end()
        if kind == "comment":
            at = _comment_end(text, token.start())
        elif kind == "dollar":
            end = text.find(token[0], at)
            at = len(text) if end < 0 else end + len(token[0])
            yield "''"
        elif kind in {"string", "escaped"}:
            yield "''"
        elif kind != "blank":
            yield token[0].lower() if kind == "word" else token[0]


def strip_end(text: str) -> str:
    """Return `text` without the blanks and semicolons at its end."""
    return text.strip().rstrip("; \t\r\n")


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)
