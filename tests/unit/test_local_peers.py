"""Where node is missing the tests against npm peers are left out and said so, or fail where they are required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Beside the peers' own none of the suite's plugins and fixtures: loading them takes five times as long as the rest.
OPTIONS = ["-q", "-p", "no:cacheprovider", "--noconftest", "-p", "tests.fixtures.peers", "--import-mode=importlib"]
SETTINGS = f"[pytest]\npythonpath = {ROOT}\nmarkers = peers\n"


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the peers' tests with `folder` as the whole PATH."""
    (folder / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    tests = ["-c", str(folder / "pytest.ini"), "--rootdir", str(ROOT), "tests/database/test_endpoint_peers.py"]
    command = [sys.executable, "-m", "pytest", *OPTIONS, *tests]
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "SENDOKA_PEERS"}}
    environment = {**kept, "PATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def program(folder: Path, name: str, says: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {says}\n", encoding="ascii")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "reason"),
    [(None, "there is no node on the PATH"), ("v18.20.4", "node is v18.20.4, and 20 is needed")],
)
def test_they_are_left_out_and_the_end_says_so(tmp_path: Path, version: str | None, reason: str) -> None:
    if version:
        program(tmp_path, "node", version)
        program(tmp_path, "npm", "10.0.0")
    done = run(tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert f"4 tests against npm peers were left out: {reason}\n" in done.stdout
    assert done.stdout.strip().splitlines()[-2].endswith(reason)


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"SENDOKA_PEERS": "require"}])
def test_they_fail_where_they_are_required(tmp_path: Path, variables: dict[str, str]) -> None:
    done = run(tmp_path, **variables)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "required here, but there is no node on the PATH" in done.stdout
