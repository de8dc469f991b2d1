"""Where in the files of a schema a table, or a column of one, is declared."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


__all__ = ["Declarations"]


class Declarations:
    """The tables and columns that the modules of a schema's folder name in so many words.

    What Python makes in another way, in a loop for instance, is not found; a place is a help, and nothing hangs on it.
    """

    def __init__(self, schema: Path) -> None:
        self._found: dict[tuple[str, ...], tuple[Path, int]] = {}
        for path in sorted(schema.rglob("*.py")):
            for names, line in _declared(path):
                self._found.setdefault(names, (path, line))

    def at(self, address: str) -> tuple[Path, int] | None:
        """Return the file and the line, from 1, of `gadgets.name`, or `billing.gadgets.name` outside of `public`.

        What has none of its own stands where its table does; None where that is not known either.
        """
        parts = tuple(address.split("."))
        names = (parts, parts[:1], parts[1:], parts[1:2])
        return next((self._found[each] for each in names if each in self._found), None)


def _declared(path: Path) -> Iterator[tuple[tuple[str, ...], int]]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # whoever imports it says what is wrong with it
    for table in _calls(ast.walk(tree), "Table"):
        yield (_first(table),), table.lineno
        for inner in _calls((each for argument in table.args for each in ast.walk(argument)), ""):
            yield (_first(table), _first(inner)), inner.lineno


def _calls(nodes: Iterable[ast.AST], name: str) -> Iterator[ast.Call]:
    """Yield the calls of `name`, or of anything, whose first argument is a text."""
    for node in nodes:
        if isinstance(node, ast.Call) and _first(node) and name in ("", _called(node)):
            yield node


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _first(node: ast.Call) -> str:
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
