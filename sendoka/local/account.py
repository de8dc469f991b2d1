"""The operating system's user that PostgreSQL runs as: ourselves, or an unprivileged one where we are root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OURSELVES", "Account", "can_enter", "can_run", "choose_account"]


@dataclass(frozen=True, slots=True)
class Account:
    """A user to drop to; `uid` is None where there is nothing to drop."""

    uid: int | None = None
    gid: int | None = None

    def options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to run a program as this user, away from folders it cannot enter."""
        dropped: dict[str, Any] = {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {"cwd": "/", "env": _environment(), **dropped}

    def give(self, path: Path) -> None:
        """Make this user the owner of `path`."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


OURSELVES = Account()


def choose_account(owner: int | None = None) -> Account:
    """Return who runs PostgreSQL: ourselves, but never root. `owner` is the user id that data already belongs to.

    Raises SettingsError where root finds no unprivileged user, and where the data is somebody else's.
    """
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise SettingsError(
                f"the data folder belongs to the user {_name(owner)}, not to {_name(os.geteuid())}",
                todo="run as that user, or choose another folder",
            )
        return OURSELVES
    if owner:
        return Account(owner, pwd.getpwuid(owner).pw_gid if _known(owner) else owner)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise SettingsError(
        "PostgreSQL refuses to run as root, and there is no user called postgres or nobody to run it",
        todo="run as another user, or set SENDOKA_POSTGRES to the URL of a server",
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Tell whether `account` can reach what lies in `folder`. It is tried: permission bits do not tell all."""
    return account.uid is None or _holds(account, 'cd "$1"', folder)


def can_run(account: Account, folder: Path) -> bool:
    """Tell whether `account` can run the programs in `folder`, with their libraries, and read what lies beside them."""
    check = 'cd "$1" && ./initdb --version && ./postgres --version && { test ! -d ../share || test -r ../share/. ; }'
    return account.uid is None or _holds(account, check, folder)


def _holds(account: Account, check: str, folder: Path) -> bool:
    command: list[str | Path] = ["/bin/sh", "-c", check, "sh", folder]
    return subprocess.run(command, capture_output=True, check=False, **account.options()).returncode == 0


def _environment() -> dict[str, str]:
    """Return what PostgreSQL's programs may see of our environment: no locale of ours, no variable of libpq's."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC", **kept}


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _name(uid: int | None) -> str:
    return pwd.getpwuid(uid).pw_name if uid is not None and _known(uid) else str(uid)
