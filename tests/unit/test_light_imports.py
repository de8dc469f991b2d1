"""What a serverless function loads: importing the client, `migrate` or the runner brings nothing heavy along."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"sqlalchemy", "pydantic", "asyncpg", "httpx", "rich", "click", "psycopg", "uvicorn", "numpy", "opentelemetry"}
HEAVY |= {"google", "msgspec", "orjson", "postgast", "dask", "distributed", "tornado"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def ours(code: str) -> set[str]:
    script = (
        f"{code}\nimport json, sys\nprint(json.dumps([name for name in sys.modules if name.startswith('sendoka')]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import sendoka",
        "from sendoka import neon",
        "from sendoka import migrate",
        "from sendoka import paginate, Json, Row, Retry, Outcome, new_id",
        "import sendoka.database, sendoka.bookkeeping, sendoka.script, sendoka.settings",
        "import sendoka.migrations.history, sendoka.migrations.files, sendoka.migrations.runner",
        "import sendoka.backfills.runner",
        "from sendoka.backfills import Batch, backfill, run",
        "import sendoka.cli",
        "import sendoka.testing",
        "import sendoka.testing.pytest_plugin",
    ],
)
def test_nothing_heavy_is_imported_by(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_importing_the_package_imports_nothing_else_of_ours() -> None:
    assert ours("import sendoka") == {"sendoka"}


@pytest.mark.parametrize("code", ["from sendoka import neon", "from sendoka import migrate"])
def test_no_anyio_is_imported_by(code: str) -> None:
    assert "anyio" not in loaded_by(code)


def test_a_start_with_nothing_to_do_imports_no_pathlib_and_no_urllib(tmp_path: Path) -> None:
    (tmp_path / "0000_a.sql").write_text("-- sendoka: 0000_a\n-- parent: none\n\nselect 1;\n", encoding="utf-8")
    code = (
        "from sendoka import migrate, neon\n"
        "from sendoka.http.transport.native import tls_context\n"
        "from sendoka.migrations.folder import read_newest\n"
        "neon('postgresql://me:secret@127.0.0.1/app', endpoint='https://localhost:4443/sql')\n"
        "tls_context()\n"
        f"assert read_newest({str(tmp_path)!r}).name == '0000_a'"
    )
    assert loaded_by(code) & {"pathlib", "urllib", "ipaddress"} <= loaded_by("import asyncio")


def test_help_imports_no_command() -> None:
    code = (
        "import contextlib, io\n"
        "from sendoka.cli._group import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): assert run(['--help']) == 0"
    )
    commands = {name for name in ours(code) if name.startswith("sendoka.cli.") and not name.startswith("sendoka.cli._")}
    assert commands == set()
