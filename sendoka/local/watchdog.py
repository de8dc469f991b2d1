"""Runs PostgreSQL and stops it when whoever started it is gone, however it went.

    python -I -S watchdog.py UID GID REMOVE SIGNAL PROGRAM ARGUMENT…

It is a process of its own because a process killed with SIGKILL cannot clean up after itself. Its standard input is a
pipe that the starter holds open and never writes to: the end of that pipe is the starter's end. UID and GID are `-`
where the user stays as it is; REMOVE is a folder to delete at the end, or `-`; SIGNAL is how PostgreSQL is asked to
stop. It imports little, since it is started each time.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # as in `typing`, whose import would cost more than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

PATIENCE = ((0.0, 0), (10.0, signal.SIGQUIT), (15.0, signal.SIGKILL))
"""Seconds after the first signal, and what is sent then."""

PR_SET_PDEATHSIG = 1


def main(uid: str, gid: str, remove: str, stop: int, command: list[str]) -> int:
    """Run `command` until it ends or standard input does; return its exit status, 128 + N for signal N."""
    wakeup = _catch_signals()
    child = os.fork()
    if child == 0:
        _become(uid, gid, command)
    status, asked = _wait(child, wakeup, stop)
    # What ended by itself leaves its log for the starter to read.
    if asked and remove != "-":
        import shutil

        shutil.rmtree(remove, ignore_errors=True)
    return os.waitstatus_to_exitcode(status) % 256


def _catch_signals() -> int:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def _become(uid: str, gid: str, command: list[str]) -> None:
    """In the child: drop to the user, ask the kernel to end us with the watchdog, and turn into `command`."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        prctl = _prctl()
        if uid != "-":
            os.setgroups([])
            os.setgid(int(gid))
            os.setuid(int(uid))
        prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)  # after setuid, which clears it
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execv(command[0], command)  # noqa: S606 - no shell is meant
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must say it and the child must end here
        print(f"{command[0]}: {error}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log
    finally:
        os._exit(127)


def _prctl() -> Callable[..., object]:
    # Only Linux has it; elsewhere the pipe alone must do. Loaded before the user changes: Python may lie in a home.
    if sys.platform != "linux":
        return lambda *_: None
    import ctypes

    return ctypes.CDLL(None).prctl


def _wait(child: int, wakeup: int, stop: int) -> tuple[int, bool]:
    asked: float | None = None
    step = 0
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status, asked is not None
        if asked is None:
            if _must_stop(wakeup):
                asked = time.monotonic()
                os.kill(child, stop)
            continue
        select.select([wakeup], [], [], 0.05)
        while step + 1 < len(PATIENCE) and time.monotonic() - asked > PATIENCE[step + 1][0]:
            step += 1
            os.kill(child, PATIENCE[step][1])


def _must_stop(wakeup: int) -> bool:
    ready, _, _ = select.select([0, wakeup], [], [])
    signals = os.read(wakeup, 64) if wakeup in ready else b""
    return 0 in ready or any(number != signal.SIGCHLD for number in signals)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
