"""What a text of SQL reads like once what it speaks of is renamed, as Postgres itself would follow the rename.

Only names are exchanged, by where they stand, and what is in quotes as a value stays: a body that is a string is what
somebody wrote. A name that may mean something else is left as it is: the text then differs from the one that is wanted,
and what it belongs to is made anew, where one too many exchanged would hide a difference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sendoka.http.scan import tokens
from sendoka.quoting import ident, literal
from sendoka.schema.model import PUBLIC, Expression
from sendoka.schema.typenames import user_type, user_type_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendoka.http.scan import Token
    from sendoka.schema.renaming import Place, Renaming

__all__ = ["renamed_in", "renamed_query", "renamed_statement"]

_BARE = re.compile(r"[a-z_][a-z0-9_]*")
_PART = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_CAST = re.compile(rf"::({_PART}\.{_PART})")
_BEFORE_RELATIONS = frozenset({"from", "join", "only", "into", "update"})
_BEFORE_TYPES = frozenset({"returns", "setof"})
_TYPE_ENDS = re.compile(r"[,)\[=]|default\b|$", re.IGNORECASE)


def renamed_in(expression: Expression | None, renaming: Renaming, namespace: str, table: str) -> Expression | None:
    """Return an expression of a table as it reads once columns, types, values, relations and routines are renamed."""
    return _each(expression, renaming, renaming.within(namespace, table) if renaming else {})


def renamed_query(expression: Expression, renaming: Renaming) -> Expression:
    """Return the query of a view as it reads once relations, types and routines are renamed.

    A view keeps the names of its columns. In Postgres' own spelling every one stands behind AS; in a declared text a
    column, a call or a cast may be what names it, so those stay as they are.
    """
    declared, canonical = expression.declared, expression.canonical
    return Expression(
        None if declared is None else _Text(declared, renaming, {}, names_columns=True).renamed(),
        None if canonical is None else _Text(canonical, renaming, {}).renamed(),
    )


def renamed_statement(
    expression: Expression,
    renaming: Renaming,
    *,
    columns: Mapping[str, str] | None = None,
    calls: Mapping[Place, Place] | None = None,
    on: bool = False,
) -> Expression:
    """Return a whole CREATE statement, or the header of one, as it reads after the renames.

    `columns` are those of its table, `calls` what is renamed beside `renaming.calls`. With `on`, ON stands before its
    table.
    """
    return _each(expression, renaming, columns or {}, calls or {}, on=on, types=True) or expression


def _each(
    expression: Expression | None,
    renaming: Renaming,
    columns: Mapping[str, str],
    calls: Mapping[Place, Place] | None = None,
    *,
    on: bool = False,
    types: bool = False,
) -> Expression | None:
    if expression is None or not (renaming or calls):
        return expression
    texts = (expression.declared, expression.canonical)
    return Expression(
        *(
            None if text is None else _Text(text, renaming, columns, calls or {}, on=on, types=types).renamed()
            for text in texts
        )
    )


class _Name(NamedTuple):
    """A name in its parts, with the word or sign before it and the text behind it."""

    parts: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    word: str
    gap: str
    after: str


class _Text:
    """One text, and what is exchanged in it."""

    def __init__(
        self,
        text: str,
        renaming: Renaming,
        columns: Mapping[str, str],
        calls: Mapping[Place, Place] | None = None,
        *,
        on: bool = False,
        types: bool = False,
        names_columns: bool = False,
    ) -> None:
        self.text = text
        self.renaming = renaming
        self.columns = columns
        self.calls = {**renaming.calls, **(calls or {})}
        self.before = _BEFORE_RELATIONS | ({"on"} if on else frozenset())
        self.types = types
        self.names_columns = names_columns
        self.found = [each for each in tokens(text) if each.kind != "comment"]
        # A query WITH names of its own may call one of them as a table is called.
        self.own_names = any(each.text.lower() == "with" for each in self.found)

    def renamed(self) -> str:
        """Return the text after the renames."""
        pieces, at = [], 0
        names = list(self._names())
        qualifiers = dict(self._qualifiers(names))
        swaps = [swap for name in names for swap in self._swaps(name, qualifiers)]
        swaps += [swap for token in self.found if token.kind == "string" for swap in self._value(token)]
        for start, end, new in sorted(swaps):
            pieces += [self.text[at:start], new]
            at = end
        return "".join([*pieces, self.text[at:]])

    def _names(self) -> Iterator[_Name]:
        at, end, word = 0, 0, ""
        while at < len(self.found):
            token = self.found[at]
            if token.kind in {"name", "word"}:
                parts, spans, gap = [_plain(token)], [(token.start, token.end)], self.text[end : token.start].strip()
                while at + 1 < len(self.found) and self._joined(at):
                    at += 1
                    parts.append(_plain(self.found[at]))
                    spans.append((self.found[at].start, self.found[at].end))
                yield _Name(tuple(parts), tuple(spans), word, gap, self.text[self.found[at].end :].lstrip()[:8])
                word = parts[0] if len(parts) == 1 and token.kind == "word" else ""
            else:
                word = ""
            end = self.found[at].end
            at += 1

    def _joined(self, at: int) -> bool:
        one, other = self.found[at], self.found[at + 1]
        return other.kind in {"name", "word"} and self.text[one.end : other.start].strip() == "."

    def _is_relation(self, name: _Name) -> bool:
        return name.word in self.before and name.gap == "" and not self.own_names

    def _qualifiers(self, names: list[_Name]) -> Iterator[tuple[str, str]]:
        """Yield the renamed tables whose bare name stands before columns: those that the text reads from."""
        for name in names:
            place = name.parts if len(name.parts) == 2 else (PUBLIC, name.parts[0])
            if name.word in self.before and place in self.renaming.places:
                yield place[1], self.renaming.places[place[0], place[1]][1]

    def _swaps(self, name: _Name, qualifiers: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
        parts = name.parts
        if len(parts) == 1:
            row = name.after.startswith(".*")
            new = qualifiers.get(parts[0]) if row else self._single(name)
            if new is not None:
                yield (*name.spans[0], _spelled(new) if row else new)
            return
        place = self._placed(name)
        if place is not None:
            for span, old, new in zip(name.spans, parts, place, strict=False):
                if old != new:
                    yield (*span, _spelled(new))
        elif parts[0] in qualifiers and len(parts) == 2:
            yield (*name.spans[0], _spelled(qualifiers[parts[0]]))
        if (place is None or len(parts) > 2) and parts[-1] in self.columns:
            yield (*name.spans[-1], _spelled(self.columns[parts[-1]]))

    def _single(self, name: _Name) -> str | None:
        """Return what a name without a namespace becomes; None where it stays."""
        word, place = name.parts[0], (PUBLIC, name.parts[0])
        renamed = self.renaming.places.get(place)
        if name.gap.endswith("::") or self._is_type(name):
            return None if renamed is None or self.names_columns else _shortest(renamed)
        if renamed is not None and self._is_relation(name) and word not in self.columns:
            return _shortest(renamed)
        if name.after.startswith("(") and (place in self.calls or word not in self.columns):
            return None if place not in self.calls or self.names_columns else _shortest(self.calls[place])
        return _spelled(self.columns[word]) if word in self.columns else None

    def _is_type(self, name: _Name) -> bool:
        """Tell whether a name is a type by where it stands in a header; an argument may be called as its type is."""
        return self.types and (name.word in _BEFORE_TYPES or _TYPE_ENDS.match(name.after) is not None)

    def _placed(self, name: _Name) -> Place | None:
        """Return the new place of what a name with a namespace means; None where that is not renamed."""
        place = (name.parts[0], name.parts[1])
        if len(name.parts) == 2 and name.after.startswith("(") and place in self.calls:
            return None if self.names_columns else self.calls[place]
        if name.gap.endswith("::") and self.names_columns:
            return None
        new = self.renaming.place(*place)
        return None if new == place else new

    def _value(self, token: Token) -> Iterator[tuple[int, int, str]]:
        """Yield a string literal that is a value of an enum, which its cast tells, or the name of a relation."""
        value = token.text[1:-1].replace("''", "'")
        cast = _CAST.match(self.text, token.end)
        if cast is not None:
            label = self.renaming.label(cast[1], value)
            if label != value:
                yield token.start, token.end, literal(label)
        elif self.text[token.end :].startswith("::regclass") or self.text[: token.start].lower().endswith("nextval("):
            named = user_type(value) or (PUBLIC, value, "")
            new = self.renaming.place(*named[:2])
            if new != named[:2]:
                yield token.start, token.end, literal(user_type_name(*new))


def _plain(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "name" else token.text.lower()


def _spelled(name: str) -> str:
    return name if _BARE.fullmatch(name) else ident(name)


def _shortest(place: Place) -> str:
    return _spelled(place[1]) if place[0] == PUBLIC else user_type_name(*place)
