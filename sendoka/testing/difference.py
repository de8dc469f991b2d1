"""What was sent beside what was expected, so that a person sees the difference."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from sendoka.http.encode import encode
from sendoka.testing.expected_statement import normal, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement
    from sendoka.testing.expected import Expected
    from sendoka.testing.expected_statement import ExpectedStatement

__all__ = ["explain", "indented", "listed"]

# Where a statement of one line is broken, so that a difference shows in its own line.
_CLAUSE = re.compile(
    r" (?=(?:from|where|(?:left|right|inner|full|cross) join|join|and|or|values|set|returning|group by|having|order by"
    r"|limit|offset|on conflict|union|for update)\b)",
    re.IGNORECASE,
)
_LONGEST = 200


def explain(statement: Statement, expected: Sequence[ExpectedStatement], why: str = "") -> str:
    """Return why `statement` is none of `expected`: itself, and its difference from the nearest."""
    lines = ["an unexpected statement was sent:", *indented(_lines(statement.text, statement.params))]
    near = _nearest(statement, expected)
    if near is not None and not near.matches(statement):
        lines.append(f"the nearest that was expected ({near.place}); - expected, + sent:")
        lines += indented(_difference(near, statement))
    elif near is not None:
        lines.append(why or f"it was expected ({near.place}), and answered as often as it is to be")
    return "\n".join(lines)


def listed(expected: Sequence[Expected]) -> list[str]:
    """Return what is expected, one line each, with where it was said and what it still lacks."""
    notes = [f"{one.place}{', ' + one.lacks if one.lacks else ''}" for one in expected]
    return [f"{one}    ({note})" for one, note in zip(expected, notes, strict=True)] or ["nothing"]


def indented(lines: Sequence[str]) -> list[str]:
    """Return the lines set in."""
    return [f"    {line}".rstrip() for line in lines]


def _nearest(statement: Statement, expected: Sequence[ExpectedStatement]) -> ExpectedStatement | None:
    """Return what is most like `statement`: what matches, else by its text and parameters; None where nothing is."""
    sent = "\n".join(_lines(statement.text, statement.params))
    best, likeness = None, 0.3
    for one in expected:
        said = "\n".join(_wanted_lines(one, statement))
        found = 2.0 if one.matches(statement) else difflib.SequenceMatcher(None, said, sent, autojunk=False).ratio()
        if found > likeness:
            best, likeness = one, found
    return best


def _difference(one: ExpectedStatement, statement: Statement) -> list[str]:
    params = () if one.params is None else statement.params
    compared = difflib.ndiff(_wanted_lines(one, statement), _lines(statement.text, params))
    return [line.rstrip() for line in compared]


def _wanted_lines(one: ExpectedStatement, statement: Statement) -> list[str]:
    if isinstance(one.wanted, str):
        text = one.wanted
    else:  # A pattern that fits differs by the parameters alone.
        text = statement.text if one.wanted.search(statement.text) else shown(one.wanted)
    return _lines(text, [_as_sent(param) for param in one.params or ()])


def _lines(text: str, params: Sequence[Any]) -> list[str]:
    return [*_CLAUSE.split(normal(text)), *(f"${number} = {_short(value)}" for number, value in enumerate(params, 1))]


def _as_sent(param: Any) -> Any:
    """Return a parameter as it travels, so that it can be compared by eye; a stand-in as it shows itself."""
    try:
        return encode(param)
    except (TypeError, ValueError):
        return param


def _short(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
