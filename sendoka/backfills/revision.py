"""The git revision of a script, for the audit: its checksum tells which text was run, this where it came from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

if TYPE_CHECKING:
    from sendoka.backfills.declare import Backfill

__all__ = ["commit", "revision_of"]

_SECONDS = 2.0
"""Git answers in milliseconds; where it does not, the run matters more."""


async def revision_of(backfill: Backfill) -> str | None:
    """Return the commit that the script of `backfill` is in, with `+changes` where the file differs from it.

    None where there is no script, no repository or no git, or where git has not answered in time.
    """
    file = getattr(sys.modules.get(backfill.module), "__file__", None)
    return await anyio.to_thread.run_sync(_asked, Path(file), abandon_on_cancel=True) if file else None


def commit(revision: str) -> str:
    """Return a revision for people: as much of its commit as tells it from others, and whether the file differs."""
    number, sign, changes = revision.partition("+")
    return number[:12] + sign + changes


def _asked(script: Path) -> str | None:
    if not script.is_file() or shutil.which("git") is None:
        return None
    commit = _git(script, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    changed = _git(script, "status", "--porcelain", "--ignored", "--", script.name)
    return commit if changed == "" else f"{commit}+changes"


def _git(script: Path, *words: str) -> str | None:
    """Return what git says beside the script, None where it fails."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=script.parent, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
