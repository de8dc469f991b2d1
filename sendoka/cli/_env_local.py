"""`.env.local`: where a project remembers its local endpoint, so that no port and no password is typed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.http.target import read_target
from sendoka.settings import VARIABLE, read_source

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.settings import Source

__all__ = ["NAME", "is_ignored", "is_same", "kept_source", "leads_to", "local_port", "remember"]

NAME = ".env.local"


def kept_source(root: Path) -> Source | None:
    """Return the connection string that the project's `.env.local` has, None without the file or the variable."""
    file = root / NAME
    return read_source(file, NAME) if file.is_file() else None


def leads_to(source: Source) -> str:
    """Return the host that a connection string leads to, for a person; its port where it is a local one."""
    try:
        target = read_target(source.url)
    except SettingsError:
        return "what cannot be read"
    return f"{target.host}:{target.port}" if target.is_loopback else target.database_host


def is_same(one: Source, other: Source) -> bool:
    """Tell whether two connection strings let the same user into the same database, by the same password."""
    try:
        logins = [read_target(source.url).login for source in (one, other)]
    except SettingsError:
        return False
    return len({(login.user, login.password, login.database) for login in logins}) == 1


def local_port(source: Source) -> int | None:
    """Return the port of a local endpoint's connection string, None for one that leads anywhere else."""
    try:
        target = read_target(source.url)
    except SettingsError:
        return None
    return target.port if target.is_loopback else None


def remember(root: Path, url: str) -> str:
    """Write the local endpoint's connection string; return "wrote", or "extended" where the file was there.

    A new file has mode 0600. Call it only where `kept_source` found nothing.
    """
    line = f"{VARIABLE}={url}\n"
    file = root / NAME
    if file.exists():
        text = file.read_text(encoding="utf-8-sig")
        with file.open("a", encoding="utf-8", newline="\n") as out:
            out.write(line if text.endswith("\n") or not text else "\n" + line)
        return "extended"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"# The local endpoint, `sendoka dev`. This file stays out of git.\n{line}")
    return "wrote"


def is_ignored(root: Path) -> bool:
    """Tell whether git leaves `.env.local` alone: by a line of a .gitignore, or because nothing here is under git."""
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return True
    try:
        asked = subprocess.run(["git", "check-ignore", "--quiet", NAME], cwd=root, capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0
