"""Python as a tree, laid out in lines of at most 120 columns as ruff lays it out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "WIDTH",
    "Block",
    "Code",
    "Group",
    "Name",
    "Text",
    "call",
    "laid_out",
    "listed",
    "mapping",
    "spread",
    "tupled",
]

WIDTH = 120
"""The columns of a line."""

_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Name:
    """What stands in the code as it is: a name, a number."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string. One that is too long for its line goes over several, as strings side by side."""

    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """A string whose line breaks are to be seen: a query, the body of a function."""

    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets, each with what stands right before it, such as `nullable=`.

    One that is `spread` has each item on a line of its own, whatever room there is.
    """

    before: str
    items: tuple[tuple[str, Code], ...]
    after: str
    spread: bool = False


Code = Name | Text | Block | Group


def call(name: str, /, *arguments: Code, **named: Code | None) -> Group:
    """Return a call; named arguments that are None are left out."""
    given = [(f"{key}=", value) for key, value in named.items() if value is not None]
    return Group(f"{name}(", (*(("", each) for each in arguments), *given), ")")


def spread(group: Group) -> Group:
    """Return a group that has each item on a line of its own, whatever room there is."""
    return replace(group, spread=True)


def listed(items: Iterable[Code]) -> Group:
    """Return a list."""
    return Group("[", tuple(("", each) for each in items), "]")


def tupled(items: Iterable[Code]) -> Group:
    """Return a tuple; one of one item has its comma."""
    found = tuple(("", each) for each in items)
    return Group("(", found, ",)" if len(found) == 1 else ")")


def mapping(items: Iterable[tuple[str, Code]]) -> Group:
    """Return a dictionary of strings to anything."""
    return Group("{", tuple((f"{_quoted(key)}: ", value) for key, value in items), "}")


def laid_out(code: Code, before: str = "", after: str = "", depth: int = 0) -> str:
    """Return the text of `code` at an indentation, with what stands before and after it on its lines."""
    lead = _INDENT * depth + before
    flat = _flat(code)
    if flat is not None and _columns(lead + flat + after) <= WIDTH:
        return lead + flat + after
    if isinstance(code, Group):
        return _opened(code, lead, after, depth)
    if isinstance(code, Block):
        return lead + _block(code.value) + after
    if isinstance(code, Text):
        return _broken(code.value, lead, after, depth)
    return lead + code.text + after


def _flat(code: Code) -> str | None:
    """Return the code in one line, None where it cannot be in one."""
    if isinstance(code, Name):
        return code.text
    if isinstance(code, Text):
        return _quoted(code.value)
    if isinstance(code, Block):
        return _quoted(code.value) if "\n" not in code.value or not _is_seen(code.value) else None
    if code.spread:
        return None
    inside = [(before, _flat(item)) for before, item in code.items]
    if any(text is None for _, text in inside):
        return None
    return code.before + ", ".join(f"{before}{text}" for before, text in inside) + code.after


def _opened(code: Group, lead: str, after: str, depth: int) -> str:
    """Return a group over several lines: its items in one line between the brackets, else each in its own."""
    if not code.items:
        return lead + code.before + code.after + after
    end = code.after.removeprefix(",")
    if len(code.items) == 1 and isinstance(code.items[0][1], Block) and not code.items[0][0]:
        return lead + code.before + laid_out(code.items[0][1]) + end + after
    if not code.spread and code.before not in {"(", "[", "{"}:  # only a call may have them in one line inside
        body = _flat(Group("", code.items, ""))
        if body is not None and code.after != ",)" and len(_INDENT) * (depth + 1) + _columns(body) <= WIDTH:
            return f"{lead}{code.before}\n{_INDENT * (depth + 1)}{body}\n{_INDENT * depth}{end}{after}"
    lines = [laid_out(item, before, ",", depth + 1) for before, item in code.items]
    return "\n".join([lead + code.before, *lines, _INDENT * depth + end + after])


def _columns(text: str) -> int:
    """Return how wide a text is: Chinese signs and emoji take two columns."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else not unicodedata.combining(sign) for sign in text)


# ------------------------------------------------------------------ strings

_SPLIT = re.compile(r"(?<= )(?=\S)")


def _quoted(value: str) -> str:
    """Return a string in the quotes that ruff prefers: double ones, unless that takes more backslashes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + _escaped(value).replace(quote, f"\\{quote}") + quote


def _escaped(value: str) -> str:
    signs = (_SHORT.get(sign) or (sign if sign.isprintable() else _coded(sign)) for sign in value)
    return "".join(signs)


_SHORT = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _coded(sign: str) -> str:
    number = ord(sign)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _is_seen(value: str) -> bool:
    """Tell whether every sign of a text can stand in the file as it is."""
    return all(sign.isprintable() or sign in "\n\t" for sign in value)


def _block(value: str) -> str:
    """Return a string in three quotes; `"` at its end and three of them anywhere are escaped."""
    inner = value.rstrip('"')
    text = inner.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{text}' + '\\"' * (len(value) - len(inner)) + '"""'


def _broken(value: str, lead: str, after: str, depth: int) -> str:
    """Return a string over several lines, each but the last ending with a space; as it is where it has none."""
    room = WIDTH - len(_INDENT) * (depth + 1) - len(after)
    lines = [""]
    for word in _SPLIT.split(value):
        if lines[-1] and _columns(_quoted(lines[-1] + word)) > room:
            lines.append("")
        lines[-1] += word
    indent = _INDENT * depth
    if len(lines) == 1:
        return lead + _quoted(value) + after
    if lead.strip():  # behind a keyword they stand in parentheses
        inside = "".join(f"{_INDENT * (depth + 1)}{_quoted(line)}\n" for line in lines)
        return f"{lead}(\n{inside}{indent}){after}"
    return "\n".join(indent + _quoted(line) for line in lines) + after
