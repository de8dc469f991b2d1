"""Where a local PostgreSQL keeps its data, its log and its passwords: `.sendoka/`, or somewhere for a while."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError
from sendoka.local.account import Account, can_enter, choose_account

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Place", "Secrets", "open_place", "read_secrets", "temporary_place"]

_SHARED = ("/var/tmp", "/tmp")  # noqa: S108 - mkdtemp makes folders of our own there

PLENTY = 4 << 30
"""Bytes of memory that must be free before a throw-away cluster is put there."""

LONGEST_FOLDER = 84
"""Bytes of a path behind which the name of PostgreSQL's socket fits: systems take 103 in all, and more."""

_PLAIN = re.compile(r"[\w./-]+")
"""What needs no quotes in PostgreSQL's settings."""

PATIENCE = 15.0
"""Seconds to wait for a predecessor that was killed and whose PostgreSQL is still shutting down."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of the superuser, which nobody sees, and of the applications' role."""

    superuser: str
    role: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for PostgreSQL that `account` can enter, held by this process alone until `close()`.

    `lock` is the open file descriptor that says so; whoever inherits it holds the place too. `remove` is true for a
    folder that goes when PostgreSQL ends.
    """

    base: Path
    account: Account
    secrets: Secrets
    lock: int
    remove: bool

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data folder."""
        return self.base / "postgres"

    @property
    def socket(self) -> str:
        """Return the folder of PostgreSQL's socket, which is quicker than TCP; none where its path cannot be used."""
        path = str(self.data)
        return path if len(os.fsencode(path)) <= LONGEST_FOLDER and _PLAIN.fullmatch(path) else ""

    @property
    def log(self) -> Path:
        """Return the file that PostgreSQL's own log goes to."""
        return self.base / "postgres.log"

    def close(self) -> None:
        """Let go of the place."""
        os.close(self.lock)


def temporary_place(account: Account, *, in_memory: bool = False) -> Place:
    """Return a new place that is deleted when its PostgreSQL ends.

    `in_memory` asks for a file system in memory where there is plenty: creating databases there is far quicker.
    """
    for parent in (*(_memory() if in_memory else ()), tempfile.gettempdir(), *_SHARED):
        base = Path(tempfile.mkdtemp(prefix="sendoka-", dir=parent))
        _open_to(account, base)
        if can_enter(account, base):
            return Place(base, account, _new_secrets(), _lock(base / "lock"), remove=True)
        base.rmdir()
    raise SettingsError("no folder for temporary files can be used by PostgreSQL", todo="set TMPDIR to another folder")


def _memory() -> list[str]:
    shared = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own there
    if "TMPDIR" in os.environ or not shared.is_dir():
        return []
    room = os.statvfs(shared)
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return [str(shared)] if min(room.f_bavail * room.f_frsize, available) >= PLENTY else []


def open_place(folder: Path, *, reset: bool = False) -> Place:
    """Return the place of the project folder's `.sendoka`, made where it is missing. `reset` deletes its database.

    Raises SettingsError where another process holds it.
    """
    _make(folder)
    lock = _lock(folder / "lock")
    try:
        base = _base(folder)
        data = base / "postgres"
        if reset:
            shutil.rmtree(data, ignore_errors=True)
        account = choose_account(data.stat().st_uid if data.exists() else None)
        return Place(base, account, read_secrets(folder), lock, remove=False)
    except BaseException:
        os.close(lock)
        raise


def _base(folder: Path) -> Path:
    """Return where the data goes: `folder`, or where root's PostgreSQL cannot enter it, a place noted there."""
    account = choose_account((folder / "postgres").stat().st_uid if (folder / "postgres").exists() else None)
    if can_enter(account, folder):
        return folder
    note = folder / "place"
    if note.exists():
        noted = Path(note.read_text(encoding="utf-8").strip())
        if noted.is_dir() and not noted.is_symlink() and noted.stat().st_uid == os.geteuid():
            _note_project(noted, folder)  # which may have been moved
            return noted
    _sweep()
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    base = Path(tempfile.mkdtemp(prefix=f"sendoka-{digest}-", dir=_SHARED[0]))
    _open_to(account, base)
    note.write_text(f"{base}\n", encoding="utf-8")
    _note_project(base, folder)
    return base


def _note_project(base: Path, folder: Path) -> None:
    (base / "project").write_text(f"{folder.resolve()}\n", encoding="utf-8")


_FORGOTTEN = 30 * 24 * 3600
"""Seconds after which data without its project goes: until then its disk may just not be mounted."""


def _sweep() -> None:
    """Delete the data of projects that are gone for long, unless a PostgreSQL runs on it."""
    for base in Path(_SHARED[0]).glob("sendoka-*"):
        mark = base / "project"
        if not mark.is_file() or base.is_symlink() or base.stat().st_uid != os.geteuid():
            continue
        if time.time() - mark.stat().st_mtime < _FORGOTTEN:
            continue
        project = Path(mark.read_text(encoding="utf-8").strip())
        if not project.exists() and not _is_running(base / "postgres"):
            shutil.rmtree(base, ignore_errors=True)


def _is_running(data: Path) -> bool:
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return False
    return True


def _open_to(account: Account, base: Path) -> None:
    # Others may pass through to a folder they know the name of; what lies in it has modes of its own.
    base.chmod(0o700 if account.uid is None else 0o711)


def _new_secrets() -> Secrets:
    return Secrets(secrets.token_urlsafe(24), secrets.token_urlsafe(18))


def read_secrets(folder: Path) -> Secrets:
    """Return the passwords kept in `folder` (a project's `.sendoka`), made where there are none. The file is 0600."""
    _make(folder)
    file = folder / "secrets.json"
    if not file.exists():
        made = _new_secrets()
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump({"superuser": made.superuser, "role": made.role}, out)
        return made
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Secrets(kept["superuser"], kept["role"])
    except (ValueError, KeyError, TypeError):
        raise SettingsError(
            f"{file} is damaged, and without it the database beside it cannot be opened",
            todo="delete it and start with an empty database: sendoka dev --reset",
        ) from None


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _lock(file: Path) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    if not _wait_until(lambda: _try_lock(descriptor) or _holder(descriptor) is not None, PATIENCE):
        os.close(descriptor)
        raise SettingsError(f"a PostgreSQL that was left behind in {file.parent} does not stop")
    if not _try_lock(descriptor):
        holder = _holder(descriptor)
        os.close(descriptor)
        raise SettingsError(
            f"{file.parent} is in use by another `sendoka dev`, process {holder}",
            todo="stop that one, or start with --temporary",
        )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(descriptor: int) -> int | None:
    """Return the process that took the lock if it lives; without it only its PostgreSQL holds on, not for long."""
    text = os.pread(descriptor, 20, 0)
    if not text.isdigit():
        return None
    try:
        os.kill(int(text), 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return int(text)


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
