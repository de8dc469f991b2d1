"""The scripts of a project's backfill folder: dated files, found by the name of what they do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from sendoka.backfills.after import check_circle, written_after
from sendoka.backfills.declare import Backfill, checksum_of, script_name
from sendoka.discover import DiscoveryError, imported, module_names, the_one
from sendoka.errors import InvalidBackfill, UnknownBackfill

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["after", "checksums", "load", "names", "unknown"]


def names(folder: Path) -> dict[str, list[str]]:
    """Return the backfills of `folder` by name, each with its files (without `.py`); nothing is imported."""
    found: dict[str, list[str]] = {}
    for stem in module_names(folder):
        found.setdefault(script_name(stem), []).append(stem)
    return found


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of every script of `folder`, by the backfill's name; nothing is imported."""
    return {name: checksum_of(folder / f"{stems[-1]}.py") for name, stems in names(folder).items()}


def load(folder: Path, name: str) -> Backfill:
    """Import the script of the backfill `name` (or the file of that name) and return what it declares.

    Raises UnknownBackfill where no file has it, with the nearest name, or where several do; InvalidBackfill for a
    script that cannot be imported (the cause is what it raised), that defines no backfill or more than one, that calls
    it differently than its file does, or that comes after itself.
    """
    known = names(folder)
    asked = script_name(name.removesuffix(".py"))
    stems = known.get(asked, [])
    if not stems:
        raise unknown(
            asked, known, f"in {folder}", nothing=f"there are no scripts; write one: sendoka backfill new {asked}"
        )
    if len(stems) > 1:
        raise UnknownBackfill(
            f"{len(stems)} scripts are called {asked!r}: {', '.join(f'{stem}.py' for stem in stems)}",
            where=f"in {folder}",
            todo="a name belongs to one backfill for good; give the newer one another",
        )
    check_circle(asked, lambda each: after(folder, known.get(each, [])))
    return _checked(folder, stems[0], asked)


def after(folder: Path, stems: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the backfills that these scripts of `folder` say they come after; nothing is imported."""
    texts = ((folder / f"{stem}.py").read_text(encoding="utf-8", errors="replace") for stem in stems)
    return tuple(name for text in texts for name in written_after(text))


def _checked(folder: Path, stem: str, name: str) -> Backfill:
    module = imported(folder, stem, lambda place, error: _refusal(folder, place, error))
    try:
        backfill = the_one(module, Backfill, noun="backfill")
    except DiscoveryError as error:
        raise InvalidBackfill(str(error), where=f"in {folder}") from error
    if backfill.name != name:
        raise InvalidBackfill(
            f"{stem}.py calls its backfill {backfill.name!r}",
            where=f"in {folder}",
            todo=f"call it {name}, as its file",
        )
    return backfill


def _refusal(folder: Path, place: str, error: BaseException) -> InvalidBackfill:
    """Return what is said of a script that raised `error` at `place`: its own words, where it was declared wrongly."""
    if isinstance(error, InvalidBackfill):
        return InvalidBackfill(error.what, where=f"{error.where or f'in {folder}'}: {place}", todo=error.todo)
    what = f"{place} cannot be imported: {type(error).__name__}: {error}"
    todo = "install what it imports where it is run, or correct it" if isinstance(error, ImportError) else "correct it"
    return InvalidBackfill(what.rstrip(": "), where=f"in {folder}; nothing was changed", todo=todo)


def unknown(name: str, known: Iterable[str], where: str, *, nothing: str = "it has none") -> UnknownBackfill:
    """Return the error for a name that is not among `known`, with the nearest ones, or `nothing` where none is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3)
    todo = f"did you mean {' or '.join(near)}?" if near else f"it has: {', '.join(known)}" if known else nothing
    return UnknownBackfill(f"there is no backfill {name!r}", where=where, todo=todo)
