"""What Git knows of a migrations folder: which of its files the main branch has."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.migrations.git import ask_git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Set
    from pathlib import Path

__all__ = ["MAINS", "Mainline", "mainlines"]

MAINS = ("origin/HEAD", "origin/main", "main", "origin/master", "master")
"""Where the main branch is looked for."""

_DEPTH = 200
"""Commits of the main branch that are looked at."""


@dataclass(frozen=True, slots=True)
class Mainline:
    """The files, by name without `.sql`, that `ref` has; with `before`, that it had before its newest merge forked."""

    ref: str
    names: frozenset[str]
    before: bool = False


def mainlines(folder: Path, onto: str | None, fits: Callable[[Set[str]], bool]) -> list[Mainline]:
    """Return what the branch `onto` has of the folder, or each that may be the main one; empty where Git knows none.

    `fits` tells whether files make one chain. Where those of a branch do not, two branches met on it: then it is what
    the branch itself had before. Raises SettingsError where `onto` is given and Git does not know it.
    """
    if shutil.which("git") is None or _git(folder, "rev-parse", "--git-dir") is None:
        if onto is not None:
            raise SettingsError(
                f"Git knows no {onto}: {folder} is in no repository, or git is not installed",
                todo="say which side stays by a file of it: --keep NAME",
            )
        return []
    found: list[Mainline] = []
    for ref in (onto,) if onto is not None else MAINS:
        commit = (
            _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}") or ""
        ).strip()
        if commit:
            found += _mainline(folder, ref, commit, fits)
        elif onto is not None:
            raise SettingsError(f"Git knows no {onto}", todo="give a branch, a tag or a commit: --onto origin/main")
    return found


def _mainline(folder: Path, ref: str, commit: str, fits: Callable[[Set[str]], bool]) -> Iterator[Mainline]:
    names = _names(folder, commit)
    if fits(names):
        yield Mainline(ref, names)
        return
    # A merge keeps the branch's own past as its first parent.
    past = _git(folder, "rev-list", "--first-parent", f"--max-count={_DEPTH}", commit, "--", ".") or ""
    for earlier in past.split():
        names = _names(folder, earlier)
        if fits(names):
            yield Mainline(ref, names, before=True)
            return


def _names(folder: Path, commit: str) -> frozenset[str]:
    listed = _git(folder, "ls-tree", "-z", "--name-only", commit) or ""
    return frozenset(name.removesuffix(".sql") for name in listed.split("\0") if name.endswith(".sql"))


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, None where it fails."""
    done = ask_git(folder.resolve(), *arguments)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
