"""Commands that are forked find what commands that are started find: `tests.fixtures.forked`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.forked import Started, plain, run, start
from tests.fixtures.processes import lives

TOLD = """
import asyncio, atexit, json, os, signal, sys, threading
from sqlalchemy import MetaData

metadata = MetaData()
atexit.register(sys.stderr.write, "at exit\\n")
print(json.dumps({
    "argv": sys.argv,
    "path": list(dict.fromkeys(sys.path)),
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "umask": os.umask(0o22),
    "signals": [repr(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "files": sorted(number for number in range(64) if os.path.exists(f"/dev/fd/{number}")),
    "streams": [[s.encoding, s.errors, s.line_buffering, s.isatty()] for s in (sys.stdin, sys.stdout, sys.stderr)],
    "threads": threading.active_count(),
    "group": os.getpgrp(),
    "main": __name__ == "__main__",
    "project": sorted(name for name in sys.modules if name.startswith("_sendoka_")),
    "loaded": [name for name in ("trio", "respx", "pytest", "tests.conftest") if name in sys.modules],
}))
sys.stdout.write("written, not flushed: ")
"""


@pytest.fixture
def environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "DATABASE_URL"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", "ONE_MORE": "größer"}


@pytest.mark.parametrize("program", ["sendoka", f"{sys.executable} -m sendoka"])
def test_a_forked_command_finds_what_a_started_one_finds(
    tmp_path: Path, environment: dict[str, str], program: str
) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n")
    (tmp_path / "schema" / "__init__.py").write_text(TOLD)
    command = [*program.split(), "generate", "--check"]
    started, forked = (way(command, tmp_path, environment) for way in (plain, run))
    assert (forked.returncode, forked.stderr) == (started.returncode, started.stderr)
    assert forked.stderr.endswith("at exit\n")
    told, expected = (done.stdout.splitlines() for done in (forked, started))
    assert json.loads(told[0]) == json.loads(expected[0])
    assert told[1:] == expected[1:]
    assert told[1].startswith("written, not flushed: ")


def test_a_project_is_imported_anew_by_each_command(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n")
    for number in range(2):
        text = f"from sqlalchemy import MetaData\nmetadata = MetaData()\nprint('edition', {number})\n"
        (tmp_path / "schema" / "__init__.py").write_text(f"{text}{'#' * number}\n")
        assert f"edition {number}" in run(["sendoka", "generate", "--check"], tmp_path, environment).stdout


def test_another_interpreter_is_started(tmp_path: Path, environment: dict[str, str]) -> None:
    """A setting of Python's own cannot be had by a fork."""
    (tmp_path / "sitecustomize.py").write_text("print('begun')\n")
    done = run(["sendoka", "--version"], tmp_path, {**environment, "PYTHONPATH": str(tmp_path)})
    assert done.stdout.startswith("begun\nsendoka ")


def test_commands_that_go_on_are_several_at_once_and_hear_signals(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n")
    text = "import sys, time\nfrom sqlalchemy import MetaData\nmetadata = MetaData()\n"
    waits = "print('begun', flush=True)\nsys.stderr.write('warned\\n')\ntime.sleep(60)\n"
    (tmp_path / "schema" / "__init__.py").write_text(text + waits)
    going = [start(["sendoka", "generate", "--check"], tmp_path, environment, session=new) for new in (False, True)]
    for each in going:
        assert isinstance(each, Started)
        assert each.stdout.readline() == "begun\n"
        assert each.poll() is None
    assert [os.getsid(each.pid) for each in going] == [os.getsid(0), going[1].pid]
    with pytest.raises(subprocess.TimeoutExpired):
        going[0].wait(0)
    assert "sendoka" in run(["sendoka", "--version"], tmp_path, environment).stdout
    for each, number, status in zip(going, (signal.SIGINT, signal.SIGKILL), (130, -signal.SIGKILL), strict=True):
        each.send_signal(number)
        _, said = each.communicate(timeout=60)
        assert each.returncode == status
        assert said.startswith("warned\n")
        assert not lives(each.pid)
        each.kill()
