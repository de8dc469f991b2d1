"""What is shown of a statement, without the passwords that are written into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Concealed", "concealed", "without"]

_MASK = "***"
_WORDS = ("passw", "passphrase", "secret", "token", "key", "://")
"""One of these stands in every text that holds a password by the forms below."""

# Compiled when the first error is shown: a cold start pays for none of it.
#
# A literal in any of Postgres' forms. It may stand in a literal itself, and its quotes are doubled then. What is not
# closed goes to the end.
_LITERAL = (
    r"(?:''[^']*(?:''|\Z)|[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)|(?:[uU]&|[nN])?'(?:[^']|'')*(?:'|\Z)"
    r"|\$(?P<{tag}>\w*)\$.*?(?:\$(?P={tag})\$|\Z))"
)
_GAP = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"
_KEY = r"\b\w*(?:password|passwd|passphrase|secret|token|api_?key|access_?key)\w*\"?"
_ASSIGNED = rf"{_GAP}(?:(?::=|=>?){_GAP})?"
_FLAGS = re.IGNORECASE | re.DOTALL

# `password 'hush'`, as options of roles, subscriptions and servers have it, `password = 'hush'`, `password => 'hush'`.
_NAMED = _KEY + _ASSIGNED + "(?P<value>" + _LITERAL.format(tag="a") + ")"
# `connection 'host=… password=hush'` and its kin: what follows the key there is the value, whatever it is.
_CONNECTION = r"\b(?:connection|dblink\w*\s*\()\s*(?P<text>" + _LITERAL.format(tag="b") + ")"
_IN_CONNECTION = _KEY + r"\s*=\s*(?P<value>''.*?''|\\'.*?\\'|[^\s'\"]+)"
_BARE = _KEY + r"=(?P<value>(?![$'])[^\s'\";,()]+)(?=[\s'\";,)]|\Z)"
_URL = r"://[^\s:/@']*:(?P<value>[^\s/@']+)@"
# The quotes were forgotten, and Postgres' error shows the word.
_OF_ROLE = rf"{_GAP}(?:create|alter)\s+(?:role|user|group)\b"
_UNQUOTED = r"\bpassword\s+(?P<value>(?!null\b)\w+)(?!')"


class Concealed(NamedTuple):
    """A text to be shown, and where in it stands what stood at a position of the whole one (both count from 1)."""

    text: str
    position: int | None = None


def concealed(text: str, position: int | None = None) -> Concealed:
    """Return `text` with `'***'` for every password in it; its lines stay as many."""
    pieces, at, moved = [], 0, position
    for start, end in _spans(text):
        shown = _shown(text[start:end])
        pieces += [text[at:start], shown]
        at = end
        if position is not None and moved is not None and position > start:
            # What was inside of it is at its beginning now.
            moved += len(shown) - (end - start) if position > end else start + 1 - position
    return Concealed("".join([*pieces, text[at:]]), moved)


def without(said: str, *statements: str) -> str:
    """Return a sentence of Postgres about `statements` without the passwords of them: `syntax error at or near "…"`."""
    for text in statements:
        for start, end in _spans(text):
            for secret in (text[start:end], text[start:end].strip("'")):
                # Between two literals, the first of which ends in such a word, stands none: `('my_secret', 'x')`.
                if secret.strip(" \n'(),;"):
                    said = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _MASK, said)
    return said


def _shown(secret: str) -> str:
    lines = "\n" * secret.count("\n")
    return f"'{_MASK}{lines}'" if secret[:1] in "'$EeUuNn" and secret[-1:] in "'$" else _MASK + lines


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the passwords of a text stand, in order, none inside of another."""
    low = text.lower()
    if not any(word in low for word in _WORDS):
        return  # as nearly all, and a file of seeds may be large
    found = [each.span("value") for form in (_NAMED, _BARE, _URL) for each in re.finditer(form, text, _FLAGS)]
    for connection in re.finditer(_CONNECTION, text, _FLAGS):
        pairs = re.compile(_IN_CONNECTION, _FLAGS).finditer(text, *connection.span("text"))
        found += [each.span("value") for each in pairs]
    if re.match(_OF_ROLE, text, _FLAGS):
        found += [each.span("value") for each in re.finditer(_UNQUOTED, text, _FLAGS)]
    last = 0
    for start, end in sorted(found, key=lambda each: (each[0], -each[1])):
        if start >= last and end > start:
            yield start, end
            last = end
