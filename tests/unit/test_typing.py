"""The public interface as type checkers see it: mypy is a part of `make check`; pyright runs here."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.documents import ROOT


def test_the_interface_is_typed_all_the_way_for_pyright_too() -> None:
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(list((ROOT / "tests/typing").glob("*.py")))
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1} {one['message']}" for one in report["generalDiagnostics"]
    ]
    assert found == []
