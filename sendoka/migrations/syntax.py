"""A text of SQL as Postgres' own grammar reads it, where that is installed (`pip install "sendoka[lint]"`).

The tree is that of libpg_query, messages whose fields are called as in Postgres' sources; this module alone knows the
package that makes it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka.database.transaction import after_blanks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Command", "NoSql", "commands", "is_installed", "names", "nodes", "option", "text_of", "words"]


class Command(NamedTuple):
    """One command: its kind (`index_stmt`), its tree, and where in the text it begins, counted from 0."""

    kind: str
    node: Any
    start: int


class NoSql(ValueError):
    """A text that the grammar does not know; `at` is where, counted from 0."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


def is_installed() -> bool:
    """Tell whether the grammar is there; it is not loaded for that."""
    return find_spec("postgast") is not None


def commands(text: str) -> list[Command]:
    """Return the commands of a text, in order. Raises NoSql, and ModuleNotFoundError without the grammar."""
    import postgast

    try:
        found = postgast.parse(text).stmts
    except postgast.PgQueryError as error:
        raise NoSql(error.message, max(0, (error.cursorpos or 1) - 1)) from error
    encoded = text.encode()
    return [_command(each.stmt, text, len(encoded[: each.stmt_location].decode())) for each in found]


def _command(wrapped: Any, text: str, start: int) -> Command:
    kind = wrapped.WhichOneof("node")
    return Command(kind, getattr(wrapped, kind), after_blanks(text, start))


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
