"""A text of SQL as Postgres' own grammar reads it, where that is installed (`pip install "sendoka[lint]"`).

The tree is that of libpg_query, messages whose fields are called as in Postgres' sources; this module alone knows the
package that makes it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.database.transaction import after_blanks
from sendoka.http.scan import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Command", "NoSql", "commands", "is_installed", "names", "nodes", "option", "text_of", "why_not", "words"]

_OPERATOR = re.compile(
    r"[-+*/<>=~!@#%^&|`?:\[]+|\b(?:union|except|intersect|join|not|is|in|like|ilike|between|collate|at)\b",
    re.IGNORECASE,
)
_MOST_OPERATORS = 5_000
_MOST_CHARACTERS = 4 * 1024 * 1024  # a tree takes some sixty times as much memory


class Command(NamedTuple):
    """One command: its kind (`index_stmt`), its tree, and where in the text it begins, counted from 0.

    A command that is too large or too deep to be read has the kind "" and no tree.
    """

    kind: str
    node: Any
    start: int


class NoSql(ValueError):
    """A text that the grammar does not know; `at` is where, counted from 0."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


@cache
def why_not() -> str | None:
    """Return why there is no grammar, None where there is one."""
    try:
        import postgast
    except ModuleNotFoundError:
        return "is not installed"
    except Exception as error:  # noqa: BLE001 - a library that does not fit must not keep migrations from being applied
        return f"cannot be loaded ({type(error).__name__})"
    return None if postgast else ""


def is_installed() -> bool:
    """Tell whether the grammar is there, and can be loaded."""
    return why_not() is None


def commands(text: str) -> list[Command]:
    """Return the commands of a text, in order. Raises NoSql, and ModuleNotFoundError without the grammar."""
    import postgast

    try:
        found = postgast.parse(text).stmts if _is_shallow(text) else None
    except postgast.PgQueryError as error:
        raise NoSql(error.message, _place(error)) from error
    except Exception:  # noqa: BLE001 - the tree is deeper than its reader goes, which is no fault of the text
        found = None
    if found is None:
        return list(_unread(text))
    encoded = text.encode()
    return [_command(each.stmt, text, len(encoded[: each.stmt_location].decode())) for each in found]


def _command(wrapped: Any, text: str, start: int) -> Command:
    kind = wrapped.WhichOneof("node")
    return Command(kind, getattr(wrapped, kind), after_blanks(text, start))


def _unread(text: str) -> Iterator[Command]:
    """Yield the commands of a text one by one, those that cannot be read without a tree."""
    import postgast

    try:
        pieces = postgast.split(text)
    except postgast.PgQueryError as error:
        raise NoSql(error.message, _place(error)) from error
    at = 0
    for piece in pieces:
        at = text.index(piece, at)
        if len(pieces) > 1:
            yield from (each._replace(start=at + each.start) for each in commands(piece))
        else:
            yield Command("", None, after_blanks(text, at))
        at += len(piece)


def _place(error: Any) -> int:
    return max(0, (error.cursorpos or 1) - 1)


def _is_shallow(text: str) -> bool:
    """Tell whether a tree may be made of a text.

    Making one goes down as deep as the tree, and ends the process where the stack does: at some ten thousand terms of
    one sum, or queries of one UNION. What nests to the right, such as brackets, Postgres' grammar itself limits.
    """
    if len(text) > _MOST_CHARACTERS:
        return False
    if len(_OPERATOR.findall(text)) <= _MOST_OPERATORS:
        return True
    count = at = 0
    for token in tokens(text):
        between = len(_OPERATOR.findall(text, at, token.start))
        count += between + (token.kind == "word" and _OPERATOR.fullmatch(token.text) is not None)
        at = token.end
    return count <= _MOST_OPERATORS


def nodes(message: Any) -> Iterator[tuple[str, Any]]:
    """Yield kind and tree of every node below `message`, in no particular order."""
    todo = [message]
    while todo:
        for field, value in todo.pop().ListFields():
            for each in _messages(value):
                kind = each.WhichOneof("node") if "node" in each.DESCRIPTOR.oneofs_by_name else None
                inner = getattr(each, kind) if kind else each
                yield kind or field.name, inner
                todo.append(inner)


def names(message: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield field and parts of every name in `message` itself that is a list of parts."""
    for field, value in message.ListFields():
        parts = [text_of(each) for each in _messages(value)]
        if parts and None not in parts:
            yield field.name, [part for part in parts if part is not None]


def text_of(node: Any) -> str | None:
    """Return the text of a node that is a name or a literal, None for any other."""
    kind = node.WhichOneof("node") if "node" in node.DESCRIPTOR.oneofs_by_name else None
    if kind == "string":
        return str(node.string.sval)
    if kind == "a_const" and node.a_const.WhichOneof("val") == "sval":
        return str(node.a_const.sval.sval)
    return None


def words(message: Any) -> Iterator[str]:
    """Yield every name in `message` and below it, word by word."""
    for each in (message, *(inner for _, inner in nodes(message))):
        for _, parts in names(each):
            yield from parts


def option(message: Any, field: str) -> str | None:
    """Return the name of what `field` was chosen to be, `OBJECT_SCHEMA`; None where there is no such choice."""
    found = message.DESCRIPTOR.fields_by_name.get(field)
    if found is None or found.enum_type is None:
        return None
    return str(found.enum_type.values_by_number[getattr(message, field)].name)


def _messages(value: Any) -> list[Any]:
    if hasattr(value, "ListFields"):
        return [value]
    if isinstance(value, str | bytes | int | float):
        return []
    return [each for each in value if hasattr(each, "ListFields")]
