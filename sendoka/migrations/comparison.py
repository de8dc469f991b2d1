"""A folder beside a history: what is applied, what is pending, and where the two part. Pure, and all that decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from sendoka.migrations.history import agree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.migrations.files import Migration
    from sendoka.migrations.history import Entry

__all__ = ["Comparison", "Pairing", "State", "agree", "compare", "paired"]


class State(StrEnum):
    """What a folder is to a database."""

    APPLIED = "applied"
    """The database has every file, and no more."""
    PENDING = "pending"
    """The folder goes on where the database ends."""
    NEWER = "newer"
    """The database has every file, and more: this folder is of older code."""
    RUNNING = "running"
    """A migration of the folder was begun and is not finished."""
    ALTERED = "altered"
    """A file is not the one that was applied under its name."""
    BEHIND = "behind"
    """The database ends among the files that the folder's first one stands for."""
    FORKED = "forked"
    """The database and the folder went different ways."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found.

    `pending` are the files to apply, in order, where `state` is PENDING. `at` is the pair of file and row where the two
    part, where `state` is ALTERED, BEHIND or FORKED, and the first unfinished one, where it is RUNNING.
    """

    state: State
    pending: tuple[Migration, ...] = ()
    at: tuple[Migration, Entry] | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """A folder and a history side by side, oldest first.

    `files` and `entries` are those that the other side has one squashed file for; `pairs` is the rest, with None where
    one side ends.
    """

    files: tuple[Migration, ...]
    entries: tuple[Entry, ...]
    pairs: tuple[tuple[Migration | None, Entry | None], ...]


def paired(files: Sequence[Migration], history: Sequence[Entry]) -> Pairing:
    """Put a folder and a history side by side, both oldest first and complete."""
    covered, replaced = _covered(files, history)
    rest = zip_longest(files[covered:], history[replaced:])
    return Pairing(tuple(files[:covered]), tuple(history[:replaced]), tuple(rest))


def _covered(files: Sequence[Migration], history: Sequence[Entry]) -> tuple[int, int]:
    """Return how many files, and how many rows, the first one of the other side stands for."""
    if not files or not history:
        return 0, 0
    if files[0].replaces is not None:
        at = next((at for at, entry in enumerate(history) if entry.checksum == files[0].checksum), None)
        if at is not None:
            return 0, at
    if history[0].squashed:
        return next((at for at, file in enumerate(files) if file.checksum == history[0].checksum), 0), 0
    return 0, 0


def compare(files: Sequence[Migration], history: Sequence[Entry]) -> Comparison:
    """Compare a folder with a history, both oldest first and complete.

    A squashed file is applied where the last one of those that it stands for is. An unfinished migration that the
    folder does not have is no matter of this folder: its code is older, and whoever has the file finishes it.
    """
    pairs = paired(files, history).pairs
    common = [(file, entry) for file, entry in pairs if file is not None and entry is not None]
    for file, entry in common:
        if not agree(file, entry):
            return _parting(file, entry, history[-1])
    for file, entry in common:
        if entry.state != "applied":
            return Comparison(State.RUNNING, at=(file, entry))
    pending = tuple(file for file, entry in pairs if file is not None and entry is None)
    if pending:
        return Comparison(State.PENDING, pending)
    return Comparison(State.NEWER if len(pairs) > len(common) else State.APPLIED)


def _parting(file: Migration, entry: Entry, head: Entry) -> Comparison:
    """Return what it means that a row, of a history with this head, is not the file's."""
    if file.replaces is not None and head.seq < file.number:
        return Comparison(State.BEHIND, at=(file, head))
    return Comparison(State.ALTERED if file.name == entry.name else State.FORKED, at=(file, entry))
