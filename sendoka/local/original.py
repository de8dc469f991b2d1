"""The cluster that new ones are copied from, in the user's cache: a copy takes a fraction of the time that initdb does.

    ~/.cache/sendoka/clusters/NAME/    (or below XDG_CACHE_HOME), for nobody but the user
        data/                          a cluster without a password that anybody knows
        files                          how many files that is

NAME stands for the programs that made it, for how they made it, and for this start of the machine: nothing is written
through to the disk, so what an earlier start left is not trusted. Where there can be no such folder, or anything is
wrong with it, initdb runs as if there were none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.local.account import OURSELVES, Account

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Original", "find_original"]

FORGOTTEN = 30 * 24 * 3600
"""Seconds after which a cluster that nobody copied goes."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Original:
    """The cluster in `folder`, where there is one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy(self, data: Path, account: Account) -> bool:
        """Copy it to `data`, for `account`; tell whether that was done. Else nothing is left there."""
        try:
            os.utime(self.folder)
            expected = int((self.folder / "files").read_text(encoding="ascii"))
            whole = _copy(self.folder / "data", data, account) == expected
        except (OSError, ValueError):  # there is none, or no room for a copy, or it is no whole one
            whole = False
        if not whole:
            shutil.rmtree(data, ignore_errors=True)
            # What tidies caches may have been at it. The next one that initdb makes takes its place.
            shutil.rmtree(self.folder, ignore_errors=True)
        return whole

    def keep(self, data: Path) -> None:
        """Make it a copy of `data`, of a cluster that does not run."""
        staging = None
        with contextlib.suppress(OSError):  # no room for it, or somebody was faster
            _sweep(self.folder.parent)
            staging = Path(tempfile.mkdtemp(prefix="new-", dir=self.folder.parent))
            files = _copy(data, staging / "data", OURSELVES)
            (staging / "files").write_text(f"{files}\n", encoding="ascii")
            staging.rename(self.folder)
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def find_original(postgres: Path, options: Sequence[str]) -> Original | None:
    """Return the place for what the initdb beside the program `postgres` makes with `options`.

    None where the user has no cache that is theirs alone.
    """
    boot = _this_boot()
    try:
        root = _cache() / "sendoka" / "clusters"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = root.stat()
        if not boot or state.st_uid != os.geteuid() or state.st_mode & 0o077:
            return None
        with postgres.open("rb") as program:
            made_by = hashlib.file_digest(program, "sha256").hexdigest()
    except (OSError, RuntimeError):  # no home, or one that cannot be written
        return None
    name = hashlib.sha256("\0".join([boot, made_by, *options]).encode()).hexdigest()[:16]
    return Original(root / name)


def _cache() -> Path:
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"


def _this_boot() -> str:
    """Return what is another after each start of the machine, or nothing where that cannot be told."""
    with contextlib.suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    with contextlib.suppress(OSError):  # a Mac
        asked = ["sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return ""


def _sweep(root: Path) -> None:
    for other in root.iterdir():
        if time.time() - other.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(other, ignore_errors=True)


def _copy(source: Path, target: Path, account: Account) -> int:
    """Copy a cluster's files and folders, for `account` and nobody else; return how many files they are."""
    target.mkdir(mode=0o700)
    files = 0
    with os.scandir(source) as entries:
        for entry in entries:
            path = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                files += _copy(Path(entry.path), path, account)
                continue
            shutil.copyfile(entry.path, path)
            path.chmod(0o600)
            account.give(path)
            files += 1
    account.give(target)
    return files
