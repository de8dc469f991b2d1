"""What a CREATE statement of a routine or a trigger says it makes: its name, its arguments, its table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sendoka.errors import SchemaError
from sendoka.http.scan import tokens
from sendoka.schema.model import PUBLIC
from sendoka.schema.typenames import TypeName, parse_type, user_type, user_type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.http.scan import Token

__all__ = ["MadeRoutine", "MadeTrigger", "made_routine", "made_trigger"]

_MODES = frozenset({"in", "out", "inout", "variadic"})
_AFTER_HEADER = frozenset(
    {
        "language",
        "as",
        "immutable",
        "stable",
        "volatile",
        "strict",
        "called",
        "security",
        "external",
        "parallel",
        "cost",
    }
    | {"cost", "rows", "set", "support", "window", "transform", "leakproof", "not", "begin", "return"}
)


class MadeRoutine(NamedTuple):
    """A routine's namespace, its name with the types of its arguments, and its header.

    That is arguments and result in one line, as the catalog has them: without the word RETURNS.
    """

    namespace: str
    name: str
    header: str


class MadeTrigger(NamedTuple):
    """A trigger's name, and the namespace and name of its table."""

    name: str
    namespace: str
    table: str


def made_routine(text: str, word: str) -> MadeRoutine:
    """Read `CREATE [OR REPLACE] FUNCTION name (…) …`; `word` is `function` or `procedure`.

    Raises SchemaError for another statement, and for a type that only Postgres could resolve.
    """
    found = _Reader(text, f"create {word} name(…) …")
    found.expect("create")
    if found.take("or"):
        found.expect("replace")
    found.expect(word)
    namespace, name = found.name()
    start = found.sign("(")
    end = _closing(text, start)
    types = [each for part in _parts(text, start + 1, end) if (each := _argument(part, text)) is not None]
    rest = next((each.start for each in found.after(end) if _plain(each) in _AFTER_HEADER), len(text))
    result = " ".join(text[end + 1 : rest].split())
    header = f"{' '.join(text[start : end + 1].split())} {re.sub('^returns ', '', result, flags=re.IGNORECASE)}".strip()
    return MadeRoutine(namespace, f"{name}({', '.join(types)})", header)


def made_trigger(text: str) -> MadeTrigger:
    """Read `CREATE [OR REPLACE] [CONSTRAINT] TRIGGER name … ON table …`. Raises SchemaError for another statement."""
    found = _Reader(text, "create trigger name … on table …")
    found.expect("create")
    if found.take("or"):
        found.expect("replace")
    found.take("constraint")
    found.expect("trigger")
    name = found.name()[1]
    while not found.take("on"):
        found.skip()
    return MadeTrigger(name, *found.name())


def _plain(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "name" else token.text.lower()


class _Reader:
    """Reads a statement word by word."""

    def __init__(self, text: str, form: str) -> None:
        self._text = text
        self._form = form
        self._tokens = [each for each in tokens(text) if each.kind != "comment"]
        self._at = 0

    def _refuse(self) -> SchemaError:
        begin = " ".join(self._text.split())[:60]
        return SchemaError(f"a statement is not as it must be: {begin}…", todo=f"write it as: {self._form}")

    def take(self, word: str) -> bool:
        """Go past `word` if it stands here."""
        here = self._tokens[self._at : self._at + 1]
        if not here or here[0].kind != "word" or here[0].text.lower() != word:
            return False
        self._at += 1
        return True

    def expect(self, word: str) -> None:
        """Go past `word`. Raises SchemaError where something else stands here."""
        if not self.take(word):
            raise self._refuse()

    def skip(self) -> None:
        """Go past anything. Raises SchemaError at the end."""
        if self._at >= len(self._tokens):
            raise self._refuse()
        self._at += 1

    def name(self) -> tuple[str, str]:
        """Return (namespace, name) of what is named here."""
        parts = []
        while True:
            self.skip()
            token = self._tokens[self._at - 1]
            if token.kind not in {"name", "word"}:
                raise self._refuse()
            parts.append(_plain(token))
            if self._gap() != ".":
                break
        if len(parts) > 2:
            raise self._refuse()
        return (PUBLIC, parts[0]) if len(parts) == 1 else (parts[0], parts[1])

    def _gap(self) -> str:
        end = self._tokens[self._at - 1].end
        return self._text[
            end : self._tokens[self._at].start if self._at < len(self._tokens) else len(self._text)
        ].strip()

    def sign(self, sign: str) -> int:
        """Return where `sign` stands, right behind the last name."""
        end = self._tokens[self._at - 1].end
        place = self._text.find(sign, end)
        if place < 0 or self._text[end:place].strip():
            raise self._refuse()
        return place

    def after(self, place: int) -> Iterator[Token]:
        """Yield the words from `place` on."""
        return (each for each in self._tokens if each.start >= place and each.kind == "word")


def _signs(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield the signs of `text` from `start` on with their places, those in quotes and comments left out."""
    at = start
    for token in [*tokens(text[start:]), None]:
        end = len(text) if token is None else start + token.start
        yield from ((place, text[place]) for place in range(at, end) if not text[place].isspace())
        at = end if token is None else start + token.end


def _closing(text: str, start: int) -> int:
    depth = 0
    for place, sign in _signs(text, start):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place
    raise SchemaError("a parenthesis is not closed", where=" ".join(text.split())[:60])


def _parts(text: str, start: int, end: int) -> Iterator[str]:
    """Yield what stands between the commas of a list."""
    depth, begin = 0, start
    for place, sign in _signs(text, start):
        if place >= end:
            break
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    if text[begin:end].strip():
        yield text[begin:end]


def _argument(text: str, statement: str) -> str | None:
    """Return the type of an argument as the model spells it; None for one that only goes out."""
    for comment in [each.text for each in tokens(text) if each.kind == "comment"]:
        text = text.replace(comment, " ")
    found = list(tokens(text))
    default = next((each.start for each in found if each.text.lower() == "default" and each.kind == "word"), len(text))
    equals = next((place for place, sign in _signs(text, 0) if sign == "="), len(text))
    found = [each for each in found if each.start < min(default, equals)]
    mode = _plain(found[0]) if found and found[0].kind == "word" else ""
    if mode == "out":
        return None
    if mode in _MODES and len(found) > 1:
        found = found[1:]
    end = min(default, equals)
    for first in found[:2]:  # an argument may have a name, or none
        spelled = _type(text[first.start : end].strip(), alone=len(found) == 1 or first is not found[0])
        if spelled is not None:
            return spelled
    raise SchemaError(f"the type of an argument cannot be read: {text.strip()}", where=" ".join(statement.split())[:60])


def _type(text: str, *, alone: bool) -> str | None:
    built_in = parse_type(text)
    if built_in is not None:
        return str(TypeName(built_in.base, (), built_in.array))
    if not alone or "%" in text:
        return None
    bare = text.removesuffix("[]").rstrip()
    array = "[]" if bare != text else ""
    named = user_type(bare) or user_type(f"{PUBLIC}.{bare}")
    return user_type_name(named[0], named[1], array) if named is not None and not named[2].strip() else None
