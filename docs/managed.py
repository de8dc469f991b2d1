"""Write docs/managed.md from the kinds in `sendoka/schema/kinds`: `make docs`.

What the page says of a kind stands in its file: the docstrings of its objects' class and of itself, the fields, and
what its `unmanaged` SELECT names. What no kind claims stands in the census.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendoka.schema.census import CENSUS, OTHERS
from sendoka.schema.kinds import all_kinds

if TYPE_CHECKING:
    from sendoka.schema.kind import Kind

__all__ = ["PAGE", "page", "unclaimed_words"]

PAGE = Path(__file__).with_name("managed.md")

_INTRODUCTION = """# What is managed

<!-- Written by docs/managed.py from sendoka/schema/kinds: mend it there, then `make docs`. -->

Each kind of object is read from Python, from a database and from a snapshot, compared in every property, and changed in
the least destructive way. What is not managed is named by `sendoka diff`, and never touched: a database may hold it.

{kinds}
## What no kind manages

These are seen, listed by name, and left as they are: {unclaimed}.

What needs one of them that is not there, such as a view of a foreign table, is not made, and what one of them needs is
not dropped; a note of the plan names each of these, and the rest of the plan stands. Where something must be made anew
that one of them needs, there is no plan, and the error says what to drop before.

So are owners other than the database's own and whoever reads it, what such an owner took from itself, what somebody
else than the owner granted, the privileges on the database, large objects, languages, tablespaces and parameters, and
those that new objects get (ALTER DEFAULT PRIVILEGES).

A schema in Python that declares no grant says nothing of privileges: none is revoked, and what is dropped and made
again gets those again that are known. Where they are not known, between a schema in Python and a snapshot, the plan
says that they are lost. The versions of extensions are not looked at. The namespaces `sendoka`, `pg_…` and
`information_schema`, and what belongs to an extension, are not looked into.
"""

_IDENTITY = frozenset({"namespace", "table", "name", "comment"})
_NAMED = re.compile(r"\('((?:is|has|holds|stands) [^']+)',")
_SAID = re.compile(r"\|\| ' ((?:is|has) [^']+)'")
_WORD = re.compile(r"'([a-z ]+) ' \|\|")
_CLASS = re.compile(r"when '([a-zA-Z])' then '([a-z ]+)'")


def page() -> str:
    """Return the page's text."""
    kinds = "".join(_section(kind) for kind in all_kinds()).rstrip() + "\n"
    return _INTRODUCTION.format(kinds=kinds, unclaimed=", ".join(unclaimed_words()))


def _section(kind: Kind[Any]) -> str:
    told = " ".join((inspect.getdoc(kind.holds) or "").split())
    made = " ".join((inspect.getdoc(kind) or "").split())
    told_apart = [each.name for each in fields(kind.holds) if each.compare and each.name not in _IDENTITY]
    properties = ", ".join(f"`{name}`" for name in told_apart)
    comment = "" if kind.of_roles else ", and its comment"
    text = f"## {kind.name}\n\n{told} {made}\n\nProperties: {properties or 'its name'}{comment}.\n"
    gaps = sorted(set(_NAMED.findall(kind.unmanaged)) | set(_SAID.findall(kind.unmanaged)))
    return text + (f"\nNot managed of it, and named: it {', '.join(gaps)}.\n\n" if gaps else "\n")


def unclaimed_words() -> list[str]:
    """Return what the census calls the objects that no kind claims, in the plural."""
    claimed = {claim for kind in all_kinds() for claim in kind.claims}
    words = {noun for each, _, _, noun, _ in OTHERS if each not in claimed}
    for each, select in CENSUS.items():
        if each.endswith("privileges"):
            continue  # the page says it in a sentence
        if f"'{each}:'" in select:
            words |= {word for letter, word in _CLASS.findall(select) if f"{each}:{letter}" not in claimed}
        elif each not in claimed:
            words |= set(_WORD.findall(select))
    return sorted(_plural(word.strip()) for word in words)


def _plural(word: str) -> str:
    if word.endswith("y"):
        return word[:-1] + "ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
