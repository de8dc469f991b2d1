"""Write docs/errors.md from the tree of `sendoka.errors`: `make docs`.

What the page says of an error stands at its class: a docstring that ends in "What to do: …", `outcomes`, `sqlstates`
and `exit_code`.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka import errors
from sendoka.errors import DatabaseError, Outcome, SendokaError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PAGE", "page", "story"]

PAGE = Path(__file__).with_name("errors.md")

_BRANCHES = re.findall(r"── (\w+)  ", errors.__doc__ or "")
_PLACES = {name: place for place, name in enumerate(_BRANCHES)}

_INTRODUCTION = """# Errors

<!-- Written by docs/errors.py from the classes of sendoka/errors: mend it there, then `make docs`. -->

Everything that Sendoka raises on purpose is a `SendokaError`, says in a few short lines what happened, where and
what to do, and can be pickled. What a statement of yours came to stands in `.outcome`:

{outcomes}

After one answer that was lost, a later error of the same call proves nothing about the first send, so `unknown` stays
`unknown`. What may be sent again by the client itself is in [the client's reference](client.md#errors).

Mistakes in a call itself are Python's own: `TypeError` for a value that cannot be sent, `ValueError` for a statement or
list that cannot be, `LookupError` where another number of rows came than was asked for, `RuntimeError` for awaiting
twice.

The codes are SQLSTATEs. One of two characters means all codes that begin so, as far as none below has its own.

{tree}
"""


def story(cls: type[SendokaError]) -> tuple[str, str, str]:
    """Return when `cls` is raised, what more its docstring says, and what to do.

    Raises ValueError for a docstring of another shape.
    """
    told, mark, todo = (inspect.getdoc(cls) or "").partition("\n\nWhat to do: ")
    if not mark or "\n\n" in todo:
        raise ValueError(f'the docstring of {cls.__name__} has to end in a paragraph "What to do: …"')
    when, _, more = told.partition("\n\n")
    return _line(when), _line(more), _line(todo)


def page() -> str:
    """Return docs/errors.md."""
    sections = [_section(cls, depth) for cls, depth in _branches(SendokaError, 0)]
    text = _INTRODUCTION.format(outcomes=_outcomes(), tree="\n".join(_tree(SendokaError, 0)))
    return text + "\n" + "\n".join(sections)


def _outcomes() -> str:
    source = inspect.getsource(Outcome)
    told = re.findall(r'^    [A-Z_]+ = "(\w+)"\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL)
    rows = [f"| `{value}` | {_line(text)} |" for value, text in told]
    return "\n".join(["| outcome | means |", "| --- | --- |", *rows])


def _tree(cls: type[SendokaError], depth: int) -> Iterator[str]:
    leaves = ", ".join(f"`{kind.__name__}`" for kind in _kinds(cls) if not _has_section(kind))
    yield "  " * depth + f"- [`{cls.__name__}`](#{cls.__name__.lower()}){leaves and ': '}{leaves}"
    for kind in filter(_has_section, _kinds(cls)):
        yield from _tree(kind, depth + 1)


def _branches(cls: type[SendokaError], depth: int) -> Iterator[tuple[type[SendokaError], int]]:
    yield cls, depth
    for kind in filter(_has_section, _kinds(cls)):
        yield from _branches(kind, depth + 1)


def _has_section(cls: type[SendokaError]) -> bool:
    """Tell whether `cls` is a branch, or stands on its own at the top; all others are rows of their branch's table."""
    return bool(_kinds(cls)) or SendokaError in cls.__bases__


def _kinds(cls: type[SendokaError]) -> list[type[SendokaError]]:
    """Return the direct kinds of `cls`: branches in the order of the tree in the package's docstring."""
    kinds = [kind for kind in cls.__subclasses__() if getattr(errors, kind.__name__, None) is kind]
    return sorted(kinds, key=lambda kind: _PLACES.get(kind.__name__, len(_PLACES)))


def _section(cls: type[SendokaError], depth: int) -> str:
    when, more, todo = story(cls)
    leaves = [kind for kind in _kinds(cls) if not _has_section(kind)]
    title = f"{'#' * max(2, depth + 1)} {cls.__name__}"
    parts = [title, when, more, f"*What to do:* {todo}", _facts(cls), _table(leaves) if leaves else ""]
    return "\n\n".join(filter(None, parts)) + "\n"


def _facts(cls: type[SendokaError]) -> str:
    facts = [f"Exit status: {cls.exit_code}"]
    if cls.outcomes:
        facts.insert(0, f"Outcome: {_said(cls)}")
    if issubclass(cls, DatabaseError) and cls.sqlstates:
        facts.insert(0, f"SQLSTATE: {_codes(cls)}")
    return " · ".join(facts)


def _table(leaves: list[type[SendokaError]]) -> str:
    coded = issubclass(leaves[0], DatabaseError)
    first = "SQLSTATE" if coded else "exit"
    lines = [f"| error | {first} | outcome | when | what to do |", "| --- | --- | --- | --- | --- |"]
    for cls in leaves:
        when, more, todo = story(cls)
        fact = _codes(cls) if issubclass(cls, DatabaseError) else str(cls.exit_code)
        told = f"{when} {more}".strip()
        lines.append(f"| `{cls.__name__}` | {fact} | {_said(cls) or '–'} | {told} | {todo} |")
    return "\n".join(lines)


def _said(cls: type[SendokaError]) -> str:
    return ", ".join(f"`{outcome}`" for outcome in cls.outcomes)


def _codes(cls: type[DatabaseError]) -> str:
    return ", ".join(f"`{code}`" for code in cls.sqlstates)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
