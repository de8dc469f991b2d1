"""What Git knows of a folder: its files at another commit. Git is asked as a program, and nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Past", "ask_git", "read_past", "read_versions"]

_PATIENCE = 60.0
"""Seconds for one question."""

_OF_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""What Git tells its hooks, relative to another folder than the one that it is asked in here."""


@dataclass(frozen=True, slots=True)
class Past:
    """A folder at another commit, as {path inside of it: content}.

    `base` are the paths that the newest common ancestor of that commit and the one checked out had; empty where the two
    have nothing in common.
    """

    files: Mapping[str, bytes]
    base: frozenset[str]


def read_past(folder: Path, ref: str) -> Past:
    """Return what `folder` held at the commit that `ref` names: a branch, a tag, or a commit.

    Raises SettingsError where Git is not installed, the folder is in no repository, the commit is unknown, or the clone
    is too shallow to tell what the two have in common.
    """
    git = _Git(folder.resolve())
    commit = git.commit(ref)
    return Past(git.contents(commit), git.base(commit, ref))


def read_versions(file: Path) -> list[bytes]:
    """Return all that `file` ever held in any commit that a branch or a tag leads to.

    Raises SettingsError where Git is not installed or the file is in no repository.
    """
    return _Git(file.parent.resolve()).versions(file.name)


def ask_git(place: Path, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Return what `git` answers in the folder `place`, whatever hook it is asked in; `given` is what it reads.

    Raises SettingsError where it gives no answer.
    """
    plain = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1"}
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    try:
        return subprocess.run(
            ["git", *words],
            cwd=place,
            env={**environment, **plain},
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(
            f"git {words[0]} gave no answer: {error}", todo="check without --since, or rebase with --keep NAME"
        ) from error


class _Git:
    def __init__(self, folder: Path) -> None:
        if shutil.which("git") is None:
            raise SettingsError(
                "git is not installed: what a file was at another commit cannot be told",
                where="looked on the PATH",
                todo="install it, or check without --since",
            )
        self._place = next(each for each in (folder, *folder.parents) if each.is_dir())
        answer = self._ask("rev-parse", "--show-prefix")
        if answer.returncode:
            raise self._refused(answer, f"git knows no repository at {self._place}")
        inside = folder.relative_to(self._place).as_posix()
        self._prefix = answer.stdout.decode().removesuffix("\n") + ("" if inside == "." else f"{inside}/")

    def commit(self, ref: str) -> str:
        """Return the full name of the commit that `ref` means."""
        answer = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if answer.returncode:
            raise SettingsError(
                f"git knows no commit called {ref!r}",
                where=f"in the repository at {self._place}" + (", a shallow clone" if self._is_shallow() else ""),
                todo=_DEEPER
                if self._is_shallow()
                else f"a branch of a remote has its name before it, origin/{ref}; "
                "`git fetch` gets what is not here yet",
            )
        return answer.stdout.decode().strip()

    def contents(self, commit: str) -> dict[str, bytes]:
        """Return what stood in the folder and in the folders inside it, as {path: content}."""
        blobs = self._tree(commit)
        found = self._read(list(blobs.values()), commit[:12])
        lost = next((path for path, content in zip(blobs, found, strict=True) if content is None), None)
        if lost is not None:
            raise SettingsError(f"git has not the content of {lost} at {commit[:12]}", todo=_DEEPER)
        return {path: content or b"" for path, content in zip(blobs, found, strict=True)}

    def versions(self, name: str) -> list[bytes]:
        """Return what a file of the folder held in any commit."""
        answer = self._ask("log", "--all", "--raw", "--no-abbrev", "--no-renames", "-m", "--format=", "--", name)
        if answer.returncode:
            raise self._refused(answer, f"git cannot tell what {name} was")
        lines = (line.split() for line in answer.stdout.decode(errors="replace").splitlines())
        blobs = dict.fromkeys(blob for words in lines if len(words) > 4 for blob in words[2:4] if blob.strip("0"))
        return [content for content in self._read(list(blobs), name) if content is not None]

    def _read(self, blobs: Sequence[str], of: str) -> list[bytes | None]:
        """Return the content of each; None for what a partial clone has not and cannot fetch."""
        answer = self._ask("cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode())
        if answer.returncode:
            raise self._refused(answer, f"git cannot read the files of {of}")
        found: list[bytes | None] = []
        rest = answer.stdout
        for _ in blobs:
            head, _, rest = rest.partition(b"\n")
            words = head.split()
            if len(words) != 3:
                found.append(None)
                continue
            size = int(words[2])
            found.append(rest[:size])
            rest = rest[size + 1 :]
        return found

    def base(self, commit: str, ref: str) -> frozenset[str]:
        """Return which files the two branches had when they parted."""
        answer = self._ask("merge-base", commit, "HEAD")
        if answer.returncode == 0:
            return frozenset(self._tree(answer.stdout.decode().split()[0]))
        if self._is_shallow():
            raise SettingsError(
                f"this clone is shallow, and does not show what it has in common with {ref}",
                where=f"in the repository at {self._place}",
                todo=_DEEPER,
            )
        return frozenset()

    def _tree(self, commit: str) -> dict[str, str]:
        answer = self._ask(
            "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([self._prefix] if self._prefix else [])
        )
        if answer.returncode:
            raise self._refused(answer, f"git cannot list the files of {commit[:12]}")
        found = {}
        for line in answer.stdout.decode("utf-8", "surrogateescape").split("\0"):
            facts, _, path = line.partition("\t")
            if " blob " in facts:
                found[path.removeprefix(self._prefix)] = facts.split()[2]
        return found

    def _is_shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def _ask(self, *words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return ask_git(self._place, *words, given=given)

    def _refused(self, answer: subprocess.CompletedProcess[bytes], what: str) -> SettingsError:
        said = answer.stderr.decode(errors="replace").strip().partition("\n")[0]
        todo = "give the command inside of a clone, or check without --since"
        if "dubious ownership" in said:
            todo = f"allow it once: git config --global --add safe.directory {self._place}"
        return SettingsError(what, where=f"git says: {said}" if said else "", todo=todo)


_DEEPER = "fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` of actions/checkout"
