"""Files that another commit has, such as the main branch, are merged: they are untouched, and new ones come after."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from sendoka.lint import Finding
from sendoka.migrations.checked import Checked
from sendoka.migrations.files import checksum
from sendoka.migrations.git import read_past
from sendoka.migrations.header import read_header
from sendoka.migrations.snapshots import SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sendoka.migrations.git import Past

__all__ = ["check_since"]

_OURS = re.compile(rf"[0-9]{{4,}}_[^/{{}}]*\.sql|{SNAPSHOTS}/[0-9]{{4,}}_[^/{{}}]*\.json")
_OWN_NAME = re.compile(r"-- sendoka:[^\n]*\n")


def check_since(migrations: Path, ref: str, folder: str) -> Checked:
    """Compare the files of a folder, as they lie on the disk, with those that the commit `ref` has.

    `folder` is what it is called in findings. Line endings do not count. Raises SettingsError where Git cannot tell.
    """
    past = read_past(migrations, ref)
    now = _on_disk(migrations)
    every = {path: _text(content) for path, content in past.files.items() if _OURS.fullmatch(path)}
    then = _without_squashed(every, now)
    renamed = _renamed(then, now, past)
    found = [*_lost(then, now, past, renamed), *_changed(then, now), *_early(then, now, renamed)]
    placed = []
    for sort, path, what, instead in found:
        file = f"{folder}/{path}"
        instead = instead.format(ref=ref, file=file, was=f"{folder}/{renamed.get(path)}")
        placed.append(Finding(f"since/{sort}", file, what.format(ref=ref, was=renamed.get(path)), instead, file))
    count = sum(path.endswith(".sql") for path in every)
    return Checked.of("since", placed, f"{count} migration{'s' * (count != 1)} of {ref}")


def _without_squashed(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the other commit's files without those that a new file here stands for, by the last one's checksum."""
    squashed = -1
    for path in now.keys() - then.keys():
        replaced = read_header(PurePath(path).stem, now[path].split("\n")).replaces if path.endswith(".sql") else None
        if replaced is not None and _checksum(then.get(f"{replaced.last}.sql")) == replaced.checksum:
            squashed = max(squashed, _number(f"{replaced.last}.sql"))
    return {path: text for path, text in then.items() if _number(path) > squashed}


def _checksum(text: str | None) -> str:
    """Return what a file is in the chain."""
    if text is None:
        return ""
    replaced = read_header("", text.split("\n")).replaces
    return replaced.checksum if replaced is not None else checksum(text)


def _renamed(then: Mapping[str, str], now: Mapping[str, str], past: Past) -> dict[str, str]:
    """Return the new paths of files that were renamed here, each with its old one."""
    lost = {_digest(text): path for path, text in then.items() if path not in now and path in past.base}
    new = {path: _digest(text) for path, text in now.items() if path not in then}
    return {path: lost[digest] for path, digest in new.items() if digest in lost}


_Found = tuple[str, str, str, str]
"""The sort, the path inside the folder, what, and what to do instead."""


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[_Found]:
    todo = "take it back, `git checkout {ref} -- {file}`, and put the change into a new migration"
    return [
        ("changed", path, "it is on {ref}, and was edited here", todo)
        for path in sorted(then.keys() & now.keys())
        if checksum(then[path]) != checksum(now[path])
    ]


def _lost(then: Mapping[str, str], now: Mapping[str, str], past: Past, renamed: Mapping[str, str]) -> list[_Found]:
    found = [("renamed", new, "it is called {was} on {ref}", "rename it back: git mv {file} {was}") for new in renamed]
    for path in sorted(then.keys() - now.keys() - set(renamed.values())):
        if path in past.base:
            todo = "take it back: git checkout {ref} -- {file}; a merged migration is never deleted"
            found.append(("removed", path, "it is on {ref}, and was deleted here", todo))
        else:
            todo = "merge {ref} into this branch; then new files of this branch come after it"
            found.append(("behind", path, "it is on {ref}, and was not when this branch left it", todo))
    return found


def _early(then: Mapping[str, str], now: Mapping[str, str], renamed: Mapping[str, str]) -> list[_Found]:
    newest = max((path for path in then if path.endswith(".sql")), key=_number, default=None)
    if newest is None:
        return []
    todo = "two branches were merged: `sendoka rebase` puts it behind, with the next number"
    return [
        ("order", path, f"it is new, and does not come after {newest}, the newest on {{ref}}", todo)
        for path in sorted(now.keys() - then.keys() - renamed.keys())
        if path.endswith(".sql") and _number(path) <= _number(newest)
    ]


def _on_disk(migrations: Path) -> dict[str, str]:
    files = [*migrations.glob("*.sql"), *(migrations / SNAPSHOTS).glob("*.json")]
    found = {path.relative_to(migrations).as_posix(): path for path in files if path.is_file()}
    return {path: _text(file.read_bytes()) for path, file in found.items() if _OURS.fullmatch(path)}


def _number(path: str) -> int:
    return int(PurePath(path).name.partition("_")[0])


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _digest(text: str) -> str:
    """Return what stays the same where a file is renamed, and the line that names it with it."""
    return checksum(_OWN_NAME.sub("", text, count=1))
