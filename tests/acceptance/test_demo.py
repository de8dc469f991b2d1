"""`make demo` leaves no process behind, whatever ends it. (That it works, test_readme.py sees.)"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.documents import ROOT

# The road of docs/demo.py with a tenth of its rows, for how many they are does not matter here.
DEMO = "import demo; demo.MESSAGES //= 10; demo.main()"


def descendants(root: int) -> set[int]:
    """Return the pids of all processes below `root`."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@pytest.mark.parametrize(
    ("moment", "number"),
    [("1. ", signal.SIGINT), ("3. ", signal.SIGTERM), ("6. ", signal.SIGINT), ("6. ", signal.SIGTERM)],
)
def test_an_interrupted_demo_leaves_nothing_behind(moment: str, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-c", DEMO],
        cwd=ROOT / "docs",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith(moment):
            break
    time.sleep(0.5)
    started = time.monotonic() + 15
    while len(below := descendants(demo.pid)) < 2 and time.monotonic() < started:
        time.sleep(0.05)
    # A terminal sends Ctrl-C to the whole group, and a supervisor's SIGTERM goes to one process.
    if number is signal.SIGINT:
        os.killpg(demo.pid, number)
    else:
        demo.terminate()
    demo.stdout.close()
    assert demo.wait(timeout=30) == 130
    assert len(below) >= 2
    deadline = time.monotonic() + 15
    while any(alive(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in below if alive(pid)]
