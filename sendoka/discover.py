"""One mechanism for "one file adds one thing": every module of a folder defines the one object it is there for.

Names are listed without importing anything; a module is imported when its object is asked for. Folders of an
application (`schema/`, `backfill/`) are loaded by path, under a package name of their own, so that they may be called
anything, whatever is installed, and still import each other relatively (`from .orgs import orgs`).
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import re
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

__all__ = [
    "DiscoveryError",
    "forget",
    "imported",
    "module_names",
    "module_of",
    "no_stale_byte_code",
    "objects_of",
    "own_of",
    "package_of",
    "the_one",
]

T = TypeVar("T")


class DiscoveryError(Exception):
    """A module that does not define the one thing its folder is for."""


def module_names(folder: Path) -> list[str]:
    """Return the names of the modules in `folder`, sorted, without importing them. `_private` ones are left out."""
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def _package_name(folder: Path) -> str:
    folder = folder.resolve()
    return f"_sendoka_{folder.name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def package_of(folder: Path) -> str:
    """Return the name under which the modules of `folder` can be imported, loading its `__init__.py` if it has one."""
    folder = folder.resolve()
    name = _package_name(folder)
    if name not in sys.modules:
        init = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, init if init.exists() else None, submodule_search_locations=[str(folder)]
        ) or importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        if spec.loader is not None:
            _execute(name, module, spec.loader)
    return name


def _execute(name: str, module: ModuleType, loader: object) -> None:
    try:
        loader.exec_module(module)  # type: ignore[attr-defined]  # every loader of a file has it
    except BaseException:
        del sys.modules[name]
        raise


def module_of(folder: Path, name: str) -> ModuleType:
    """Import the module `name` of `folder`; `__init__` is the package itself. Whatever it raises passes through."""
    with no_stale_byte_code((folder / "__init__.py", folder / f"{name}.py")):
        package = package_of(folder)
        return importlib.import_module(package if name == "__init__" else f"{package}.{name}")


@contextlib.contextmanager
def no_stale_byte_code(files: Iterable[Path]) -> Iterator[None]:
    """Write no byte code where one of `files` was saved a moment ago.

    Python's cache tells the versions of a file apart by their second and size, and two saves may share both.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = before or any(_is_fresh(file) for file in files)
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _is_fresh(file: Path) -> bool:
    return file.is_file() and file.stat().st_mtime > time.time() - 2


def imported(folder: Path, name: str, refuse: Callable[[str, BaseException], Exception]) -> ModuleType:
    """Import the module `name` of `folder`. Whatever it raises, SystemExit too, becomes the cause of a better error.

    That error is what `refuse` makes of the file and line of `folder` that was running (`orgs.py, line 3`), and of what
    was raised there.
    """
    try:
        return module_of(folder, name)
    except (Exception, SystemExit) as error:
        raise refuse(_place(error, folder.resolve()) or f"{name}.py", error) from error


def _place(error: BaseException, folder: Path) -> str | None:
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{Path(error.filename).name}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).parent == folder]
    return f"{Path(inside[-1].filename).name}, line {inside[-1].lineno}" if inside else None


def own_of(module: ModuleType, base: type[T]) -> dict[str, T]:
    """Return what `module` itself defines of `base`, by name; what it imports from elsewhere does not count."""
    found = {
        name: value for name, value in vars(module).items() if isinstance(value, base) and not name.startswith("__")
    }
    source = Path(module.__file__ or "").read_text(encoding="utf-8") if found else ""
    # Parsing takes most of the time that a big folder needs, and a file that assigns its one candidate needs none.
    if len(found) != 1 or not re.search(rf"^{re.escape(next(iter(found)))}\s*[:=]", source, re.MULTILINE):
        elsewhere = _imported_names(source)
        found = {name: value for name, value in found.items() if name not in elsewhere}
    return found


def the_one(module: ModuleType, base: type[T], *, noun: str, more: Mapping[str, T] | None = None) -> T:
    """Return the one `base` that `module` itself defines; `more` are others that it defines in another way.

    Raises DiscoveryError, naming the file, where there is none or more than one. `noun` is the word for it.
    """
    found = {**own_of(module, base), **(more or {})}
    distinct = {id(value): value for value in found.values()}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    file = Path(module.__file__ or module.__name__).name
    if not distinct:
        raise DiscoveryError(f"{file} defines no {noun}; every file of its folder defines exactly one")
    names = ", ".join(sorted(found))
    raise DiscoveryError(f"{file} defines {len(distinct)} {noun}s ({names}); put each in a file of its own")


def _imported_names(source: str) -> set[str]:
    return {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def objects_of(package: str, base: type[Any], *, noun: str) -> list[Any]:
    """Import every module of one of our own packages, and return the one `base` that each defines, by file name."""
    folder = Path(importlib.import_module(package).__file__ or "").parent
    modules = (importlib.import_module(f"{package}.{name}") for name in module_names(folder))
    return [the_one(module, base, noun=noun) for module in modules]


def forget(folder: Path) -> None:
    """Drop what was imported from `folder`, so that it is read afresh: its files may have changed."""
    name = _package_name(folder)
    for module in [each for each in sys.modules if each == name or each.startswith(name + ".")]:
        del sys.modules[module]
    importlib.invalidate_caches()
