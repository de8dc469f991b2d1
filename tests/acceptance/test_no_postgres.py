"""A machine without any PostgreSQL: the run of tests ends with one line, not with a traceback for each."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"SENDOKA_TEST_POSTGRES": "nowhere"}, "no PostgreSQL was found"),
        ({"SENDOKA_POSTGRES": "postgresql://u:s3cret@127.0.0.1:1/db"}, "at 127.0.0.1:1 cannot be used"),
    ],
)
def test_the_run_ends_with_the_reason(tmp_path: Path, variables: dict[str, str], reason: str) -> None:
    kept = {name: value for name, value in os.environ.items() if "POSTGRES" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/database/test_quoting.py"],
        cwd=ROOT,
        env={**kept, "PATH": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = [line for line in done.stdout.splitlines() if "outcomes.Exit: " in line]
    assert reason in line
    assert "s3cret" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
