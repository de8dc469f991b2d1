"""The architecture, read from the imports: arrows point down only, and every module stays small."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sendoka

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sendoka.__file__).parent

# The lowest layer first. Parts of one layer stand side by side and do not know each other, unless a set names them as
# one: the modules of the bottom layers may use one another.
LAYERS: list[list[set[str]]] = [
    [{"errors", "quoting", "discover", "dotenv", "ids", "lazy", "phrases", "courtesy"}],
    [{"database", "bookkeeping", "script", "pages", "settings"}],
    [{"http"}],
    [{"schema"}, {"direct"}, {"otel"}],
    [{"lint"}, {"local"}],
    [{"migrations"}, {"backfills"}, {"scratch"}],
    [{"testing"}, {"sources"}, {"pull"}, {"blocking"}],
    [{"cli"}],
]
# The package's front door looks anywhere (lazily); `python -m sendoka` is the command line.
DOORS = {"__init__", "__main__"}

MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 500


def place(part: str) -> tuple[int, int]:
    """Return the layer of a top-level part and its place in it."""
    for height, layer in enumerate(LAYERS):
        for side, parts in enumerate(layer):
            if part in parts:
                return height, side
    raise LookupError(f"sendoka.{part} stands in no layer; give it one in {Path(__file__).name}")


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_parts(path: Path, source: str) -> Iterator[tuple[int, str]]:
    """Yield line and top-level part of every import of ours in `source`, inside functions and in strings too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{absolute(path, node)}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value] if is_module(node.value) else []
        else:
            continue
        for name in names:
            parts = name.split(".")
            if (
                parts[0] == "sendoka"
                and len(parts) > 1
                and (PACKAGE / parts[1]).exists() | (PACKAGE / f"{parts[1]}.py").exists()
            ):
                yield getattr(node, "lineno", 0), parts[1]


def absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = ["sendoka", *path.relative_to(PACKAGE).parts[: -node.level]]
    return ".".join([*package, *([node.module] if node.module else [])])


def is_module(text: str) -> bool:
    """A dotted name in a string, as `import_module("sendoka.http.client")` has it, is an arrow too."""
    return text.startswith("sendoka.") and all(part.isidentifier() for part in text.split("."))


def wrong_arrows(path: Path, source: str) -> list[str]:
    own = part_of(path)
    height, side = place(own)
    found = []
    for line, part in imported_parts(path, source):
        other_height, other_side = place(part)
        if other_height > height:
            found.append(f"{path.relative_to(PACKAGE)}:{line} points up: {own} -> {part}")
        elif other_height == height and other_side != side:
            found.append(f"{path.relative_to(PACKAGE)}:{line} points sideways: {own} -> {part}")
    return found


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) not in DOORS], ids=str)
def test_imports_point_down_only(path: Path) -> None:
    assert wrong_arrows(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("part", sorted({part_of(path) for path in MODULES} - DOORS))
def test_every_part_stands_in_a_layer(part: str) -> None:
    place(part)


@pytest.mark.parametrize(
    ("file", "source", "word"),
    [
        ("http/x.py", "import sendoka.migrations", "up"),
        ("http/x.py", "from sendoka import cli", "up"),
        ("http/x.py", "from sendoka.cli import main", "up"),
        ("http/x.py", "from ..cli import main", "up"),
        ("http/deep/x.py", "from ...cli import main", "up"),
        ("http/x.py", "def f():\n    from sendoka.cli import main", "up"),
        ("http/x.py", "import_module('sendoka.cli')", "up"),
        ("lint/x.py", "import sendoka.local", "sideways"),
        ("backfills/x.py", "from sendoka.migrations import x", "sideways"),
        ("migrations/x.py", "from sendoka.backfills import x", "sideways"),
        ("http/x.py", "from sendoka import __version__", None),
        ("http/x.py", "from .wire import x\nfrom sendoka.errors import y", None),
        ("errors/x.py", "from sendoka.ids import new_id", None),
    ],
)
def test_the_reader_of_imports_sees_every_way_to_import(file: str, source: str, word: str | None) -> None:
    arrows = wrong_arrows(PACKAGE / file, source)
    assert [word in arrow for arrow in arrows if word] == ([True] if word else [])
    assert bool(arrows) is bool(word)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_500_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path.name} has {lines} lines; make two nouns of it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_a_drawer_for_everything(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    assert not path.stem.endswith(("_utils", "_helpers", "manager"))
