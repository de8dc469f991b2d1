"""Reads `.env` files: the assignments in them, as other programs read them too."""

from __future__ import annotations

import re

from sendoka.errors import SettingsError

__all__ = ["parse_env"]

# A value in quotes may run over several lines; a `#` begins a comment only after white space.
_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=
        (?:[ \t]*'(?P<single>[^']*)'[ \t]*(?:\#[^\n]*)?$
          |[ \t]*"(?P<double>(?:[^"\\]|\\.)*)"[ \t]*(?:\#[^\n]*)?$
          |(?P<bare>[^\n]*)$)""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\s#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def parse_env(text: str, name: str) -> dict[str, str]:
    """Return the assignments of a `.env` file: `KEY=value`, with `export`, quotes, comments; a key's last one counts.

    In double quotes `\\n`, `\\r`, `\\t` and any escaped sign are read; nothing is interpolated. Lines of other shapes
    are left to the programs that understand them. `name` is the file's, for the SettingsError about an unclosed quote.
    """
    text = text.replace("\r\n", "\n")
    return {match["key"]: _value(match, text, name) for match in _ASSIGNMENT.finditer(text)}


def _value(match: re.Match[str], text: str, name: str) -> str:
    if match["single"] is not None:
        return match["single"]
    if match["double"] is not None:
        return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match["double"])
    bare = _COMMENT.sub("", match["bare"]).strip()
    if bare[:1] in {"'", '"'}:
        line = text.count("\n", 0, match.start()) + 1
        raise SettingsError(f"the quote after {match['key']}= is not closed", where=f"{name}, line {line}")
    return bare
