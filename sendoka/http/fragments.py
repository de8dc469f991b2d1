"""Pieces of SQL that carry their values along: `fragment("name = {}", name)`, `ident("orgs")`, `join(", ", …)`.

What stands in braces is either a piece of SQL (a fragment, a name by `ident()`), which is put in its place, or a value,
which becomes a parameter. Placeholders are numbered once, when the statement is sent, from left to right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from sendoka import quoting
from sendoka.http.scan import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import LiteralString

__all__ = ["Fragment", "concatenate", "fragment", "ident", "join", "literal", "piece", "render"]


@dataclass(frozen=True, slots=True, repr=False)
class Fragment:
    """A piece of SQL and the values in it: `values[i]` stands between `strings[i]` and `strings[i + 1]`.

    Made by `fragment()`, `ident()`, `literal()` and `join()`. It does not change, and can be used any number of times.
    `quoted` is true where a name or a value in quotes stands in its text.
    """

    strings: tuple[str, ...]
    values: tuple[object, ...] = ()
    quoted: bool = False

    def __repr__(self) -> str:
        # Values are nobody's business in a log.
        return f"<fragment {'{}'.join(self.strings)!r}>"


def fragment(text: LiteralString, /, *values: object, **named: object) -> Fragment:
    """Return `text` with what it has in braces filled in: `{}` by the next of `values`, `{name}` by its name.

    A fragment in braces is put in its place, everything else becomes a parameter. A brace of the SQL itself is written
    twice. Raises ValueError or TypeError for braces that do not fit the values.
    """
    rest = list(values)
    used = set()
    pieces = []
    for plain, name, spec, conversion in _parsed(text):
        pieces.append(Fragment((plain,)))
        if name is None:
            continue
        shown = "{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
        if name and not name.isidentifier():
            raise ValueError(f"{shown}: braces hold a name or nothing; a brace of the SQL itself is written twice")
        if spec or conversion:
            raise ValueError(f"{shown}: {PLAIN}")
        used.add(name)
        pieces.append(piece(_taken(name, rest, named), shown))
    if rest or not used.issuperset(named):
        left = [f"{name}=" for name in named if name not in used] or [f"{len(rest)} of the values"]
        raise TypeError(f"no braces in the text for {', '.join(left)}: {text!r}")
    return concatenate(pieces)


PLAIN = "a value goes to Postgres as it is, so braces take no conversion and no format; a name is written by ident()"
"""Why `{x!r}` and `{x:>5}` are refused."""


def ident(*names: str) -> Fragment:
    """Return a name of the database, quoted: `ident("orgs")`; with its namespace or table: `ident("app", "orgs")`.

    Raises ValueError for a name that Postgres cannot hold.
    """
    if not names:
        raise TypeError("ident() takes at least one name")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a name is text, not {type(name).__name__}")
    return Fragment((".".join(map(quoting.ident, names)),), quoted=True)


def literal(value: object) -> Fragment:
    """Return a value written into the text, for places that take no parameters: DDL, `set`, `notify`.

    Everywhere else a value in braces is better. Raises TypeError or ValueError for what Postgres cannot read.
    """
    from sendoka.http.encode import encode

    text = encode(value)
    if text is None:
        return Fragment(("null",))
    if not isinstance(value, int):
        return Fragment((quoting.literal(text),), quoted=True)
    return Fragment((f" {text}" if text.startswith("-") else text,))  # behind a minus it would begin a comment


def join(separator: LiteralString, items: Iterable[object]) -> Fragment:
    """Return `items` with `separator` between them; fragments are put in their places, values become parameters.

    Raises ValueError for no items: what an empty list means (no row, or every row), only the caller can say.
    """
    if isinstance(items, str | bytes):
        raise TypeError("join() takes a list of fragments or values, not one text")
    pieces: list[Fragment] = []
    for number, item in enumerate(items, 1):
        pieces += [Fragment((separator,)), piece(item, f"item {number} of join()")]
    if not pieces:
        raise ValueError(f"nothing to join by {separator!r}; say what no items mean: items or [fragment('true')]")
    return concatenate(pieces[1:])


def piece(value: object, name: str) -> Fragment:
    """Return a value as a fragment of one parameter, and a fragment or a template as the fragment that it is."""
    from sendoka.http.templates import from_template, is_template

    if isinstance(value, Fragment):
        return value
    if is_template(value):
        return from_template(value)
    if isinstance(value, list | tuple | set | frozenset) and any(isinstance(item, Fragment) for item in value):
        raise TypeError(f'{name} is a list of fragments; write join(", ", …) around it')
    return Fragment(("", ""), (value,))


def concatenate(pieces: Iterable[Fragment]) -> Fragment:
    """Return the pieces, one after the other, as one.

    Raises ValueError where quotes of their own would not be read as theirs: inside other quotes or in a comment, where
    a value could end them and go on as SQL; and right behind another quote, for `'a'` and `'b'` would be one text.
    """
    strings: list[str] = [""]
    values: list[object] = []
    # The text since the last piece that was looked at: there it was not inside anything.
    since, quoted = "", False
    for each in pieces:
        first, text = each.strings[0], "$1".join(each.strings)
        if each.quoted and _is_open(since, text):
            raise ValueError(f"inside quotes or in a comment: {_OWN_QUOTES}")
        if first[:1] == strings[-1][-1:] and first[:1] in {"'", '"'}:
            raise ValueError(f"one {first[0]} right behind another: {_OWN_QUOTES}")
        strings[-1] += first
        strings += each.strings[1:]
        values += each.values
        since = text if each.quoted else since + text
        quoted = quoted or each.quoted
    return Fragment(tuple(strings), tuple(values), quoted)


# The text itself is not shown: what stands there may be a secret.
_OWN_QUOTES = "ident() and literal() bring quotes of their own; take away those around them, or put something between"


def _is_open(text: str, following: str) -> bool:
    """Tell whether `following` would stand in something that `text` begins and does not end.

    The body of a function in `$$` may have names and literals put into it, as long as they cannot end it.
    """
    last = next((token for token in tokens(text + ";") if token.end > len(text)), None)
    if last is None:
        return False
    tag = _TAG.match(last.text)
    return tag is None or tag[0] in following


_TAG = re.compile(r"\$[^$]*\$")


def render(whole: Fragment) -> tuple[str, tuple[object, ...]]:
    """Return the text with `$1, $2, …`, and the parameters.

    Raises ValueError where Postgres would not see exactly these placeholders: a `$1` in the text itself, or braces
    inside quotes, in a comment, or right behind a word.
    """
    text = whole.strings[0]
    ours = []
    for number, following in enumerate(whole.strings[1:], 1):
        ours.append((len(text), f"${number}"))
        text += f"${number}{following}"
    seen = [(token.start, token.text) for token in tokens(text) if token.kind == "parameter"]
    if seen != ours:
        raise ValueError(_mixed(text, seen, ours))
    return text, whole.values


def _mixed(text: str, seen: list[tuple[int, str]], ours: list[tuple[int, str]]) -> str:
    hidden = next((place for place in ours if place not in seen), None)
    if hidden is None:
        at, number = next(place for place in seen if place not in ours)
        return f"the text has a {number} of its own, {_near(text, at)}; write the value in braces"
    return f"braces inside quotes, in a comment or right at a word, {_near(text, hidden[0])}, are no parameter"


def _near(text: str, at: int) -> str:
    return "near " + repr(" ".join(text[max(0, at - 30) : at + 20].split()))


def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    if not isinstance(text, str):
        raise TypeError(f"a fragment's text is a str, not {type(text).__name__}")
    try:
        return list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}; a brace of the SQL itself is written twice, {{{{ or }}}}: {text!r}") from None


def _taken(name: str, rest: list[object], named: dict[str, object]) -> object:
    """Return the value for `{name}`, or the next one for `{}`."""
    if not name:
        if not rest:
            raise TypeError("more {} than values; a brace of the SQL itself is written twice")
        return rest.pop(0)
    if name not in named:
        raise TypeError(f"no value for {{{name}}}; a brace of the SQL itself is written twice")
    return named[name]
