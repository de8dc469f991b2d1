"""A script as it travels to another machine: its source, and that of what it imports from its own folder."""

from __future__ import annotations

import ast
import hashlib
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.backfills.declare import Backfill
from sendoka.discover import imported
from sendoka.errors import InvalidBackfill

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Bundle", "bundled", "unpacked"]

_INIT = "__init__.py"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files by their path in the script's folder; the module and the variable of it that declare the backfill."""

    files: dict[str, bytes]
    module: str
    variable: str
    checksum: str

    @property
    def digest(self) -> str:
        """A name for what is in it, the same for the same files."""
        parts = (part for path in sorted(self.files) for part in (path.encode(), self.files[path]))
        return hashlib.sha256(b"\0".join([self.module.encode(), *parts])).hexdigest()[:16]


def bundled(backfill: Backfill) -> Bundle:
    """Return the source of the module that declares `backfill`, with the modules that it imports relatively.

    Raises InvalidBackfill for one that has no file of its own, or that imports from outside of its folder by dots.
    """
    module = sys.modules.get(backfill.module)
    file = Path(getattr(module, "__file__", None) or "")
    variable = next((name for name, value in vars(module).items() if value is backfill), "") if module else ""
    if module is None or module.__name__ == "__main__" or not file.is_file() or not variable:
        raise InvalidBackfill(
            f"the backfill {backfill.name} is no variable of a module in a file, and only a file can be sent",
            where=f"declared in {backfill.module or 'no module'}",
            todo="declare it in a file of its own, as sendoka backfill new does, and import it from there",
        )
    folder = file.parent
    files: dict[str, bytes] = {}
    wanted = [name for name in (_INIT, file.name) if (folder / name).is_file()]
    while wanted:
        path = wanted.pop()
        if path not in files:
            files[path] = (folder / path).read_bytes()
            wanted += _imports(folder, path, files[path])
    return Bundle(files, file.stem, variable, backfill.checksum())


def _imports(folder: Path, path: str, source: bytes) -> Iterator[str]:
    """Yield the files of `folder` that the one at `path` imports by dots."""
    inside = Path(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        if node.level - 1 > len(inside):
            raise InvalidBackfill(
                f"{path} imports from outside of its folder: from {'.' * node.level}{node.module or ''} import …",
                where=f"line {node.lineno} of {folder / path}",
                todo="only its folder is sent to others; import what is installed there by its full name",
            )
        start = inside[: len(inside) - node.level + 1]
        names = [*start, *(node.module.split(".") if node.module else ())]
        for each in [names, *([*names, alias.name] for alias in node.names)]:
            yield from _files_of(folder, each)


def _files_of(folder: Path, names: list[str]) -> Iterator[str]:
    """Yield the files that hold the module of these names, with the packages around it."""
    for depth in range(1, len(names) + 1):
        stem = "/".join(names[:depth])
        for path in (f"{stem}.py", f"{stem}/{_INIT}"):
            if (folder / path).is_file():
                yield path


_lock = threading.Lock()
_known: dict[tuple[str, str], Backfill] = {}


def unpacked(bundle: Bundle, room: Path) -> Backfill:
    """Return the backfill of a bundle, from a folder that is made for it in `room`; the same one in every thread.

    Raises InvalidBackfill where its module cannot be imported here: what it imports beyond its folder may be missing.
    """
    folder = room / f"backfill-{bundle.digest}"
    place = (str(folder), bundle.variable)
    with _lock:
        if place in _known:
            return _known[place]
        for path, source in bundle.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(source)
        module = imported(folder, bundle.module, _refusal)
        found = getattr(module, bundle.variable, None)
        if not isinstance(found, Backfill) or found.checksum() != bundle.checksum:
            raise InvalidBackfill(
                f"{bundle.module}.py declares another backfill here than where it was sent from",
                todo="let what it declares depend on nothing but its own folder",
            )
        _known[place] = found
        return found


def _refusal(place: str, error: BaseException) -> InvalidBackfill:
    return InvalidBackfill(
        f"{place} cannot be imported: {type(error).__name__}: {error}".rstrip(": "),
        todo="a worker is sent the script and what it imports from its folder; install the rest where the workers run",
    )
