"""What a text of SQL speaks of, as far as its words tell: relations, functions, and every other name.

It may name too much (an alias that is called as another table is), and misses only what a text puts together when it
runs. Names without a namespace are taken to be in `public`: migrations run with that search path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sendoka.http.scan import tokens
from sendoka.schema.model import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.http.scan import Token
    from sendoka.schema.model import Id, Model

__all__ = ["Mentioned", "extensions_in", "ids_in", "mentioned", "routines_in", "rows_in", "types_in"]

Name = tuple[str, str]
"""(namespace, name)"""

_BEFORE_RELATIONS = frozenset({"from", "join", "only", "into", "update"})
_NO_RELATIONS = frozenset({"lateral", "select", "rows", "values", "unnest"})
_NO_FUNCTIONS = frozenset(
    {"all", "and", "any", "as", "exists", "filter", "in", "not", "on", "or", "over", "select", "some", "using"}
    | {"values", "where"}
)
_AFTER_RELATIONS = frozenset(
    {"where", "group", "order", "having", "limit", "offset", "union", "intersect", "except", "select", "set", "values"}
)


class Mentioned(NamedTuple):
    """`relations` are read from or written to, `functions` called; `words` is every part of every name."""

    relations: frozenset[Name]
    functions: frozenset[Name]
    words: frozenset[str]
    star: bool


@lru_cache(maxsize=4096)
def mentioned(text: str) -> Mentioned:
    """Return what `text` speaks of."""
    relations: set[Name] = set()
    functions: set[Name] = set()
    words: set[str] = set()
    before, listing = "", False
    for name, gap, after in _names(text):
        words.update(name)
        word = name[-1] if len(name) == 1 else ""
        listing = listing and word not in _AFTER_RELATIONS
        if word in _BEFORE_RELATIONS:
            before, listing = word, word != "into"
            continue
        # Behind INTO a parenthesis holds columns.
        called = after.startswith("(") and word not in _NO_FUNCTIONS and before != "into"
        if called:
            functions.add(_placed(name))
        if (before or (listing and "," in gap)) and not called and word not in _NO_RELATIONS:
            relations.add(_placed(name))
        before = ""
    return Mentioned(frozenset(relations), frozenset(functions), frozenset(words), "*" in text)


def _placed(name: tuple[str, ...]) -> Name:
    return (PUBLIC, name[0]) if len(name) == 1 else (name[-2], name[-1])


def _names(text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield each name in its parts, with the signs before it and the text behind it."""
    found = [each for each in tokens(text) if each.kind in {"name", "word"}]
    at, end = 0, 0
    while at < len(found):
        parts = [_plain(found[at])]
        gap = text[end : found[at].start]
        while at + 1 < len(found) and text[found[at].end : found[at + 1].start].strip() == ".":
            at += 1
            parts.append(_plain(found[at]))
        end = found[at].end
        yield tuple(parts), gap, text[end : end + 8].lstrip()
        at += 1


def _plain(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "name" else token.text.lower()


def routines_in(text: str, model: Model) -> Iterator[Id]:
    """Yield the ids of the routines that a text calls."""
    for place in sorted(mentioned(text).functions):
        yield from model.routines.get(place, ())


def types_in(text: str, model: Model) -> Iterator[Id]:
    """Yield the ids of the types whose names are in a text."""
    words = mentioned(text).words
    return (key for (_, name), key in model.types.items() if name in words)


def extensions_in(text: str, model: Model) -> Iterator[Id]:
    """Yield the extensions where a list of arguments, or a result, names a type that nothing else can be."""
    known = (model.types, model.relations, model.routines)
    places = {(name[0], name[1]) for name, _, _ in _names(text) if len(name) == 2}
    if any(not any(place in one for one in known) for place in places):
        yield from model.extensions


_AFTER_TYPES = re.compile(r"$|[,)\[=]|default\b", re.IGNORECASE)


def rows_in(text: str, model: Model) -> Iterator[Id]:
    """Yield the ids of the tables and views whose rows a list of arguments, or a result, is of: `(p users) SETOF v`."""
    for name, _, after in _names(text):
        key = model.relations.get(_placed(name)) if _AFTER_TYPES.match(after) else None
        if key is not None:
            yield key


def ids_in(text: str, model: Model) -> Iterator[Id]:
    """Yield the ids of what a query or a body speaks of: relations, their columns, types, routines."""
    said = mentioned(text)
    for place in sorted(said.relations):
        key = model.relations.get(place)
        if key is not None:
            yield key
            yield from (each.id for each in model.columns(*place) if said.star or each.name in said.words)
    yield from types_in(text, model)
    yield from routines_in(text, model)
