"""`sendoka init` in an empty folder: the commands that it prints work as printed, and so do the tests that it makes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.executable).parent
PATIENCE = 120.0


def environment() -> dict[str, str]:
    """Return ours, with this Python's programs first and without another project's database."""
    kept = {
        name: value for name, value in os.environ.items() if name != "DATABASE_URL" and not name.startswith("PYTEST_")
    }
    return {**kept, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1", "COLUMNS": "100"}


def execute(command: str, folder: Path) -> str:
    """Run a command of a shell session to its end and return what it printed."""
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


class Background:
    """A command that goes on in a terminal of its own."""

    def __init__(self, command: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """Do what a stranger does: `init`, and then every command that it prints. Gives what each printed."""
    folder = tmp_path_factory.mktemp("empty")
    answer = json.loads(execute(f"sendoka init acme --port {free_port()} --json", folder))
    printed: dict[str, str] = {}
    background: list[Background] = []
    try:
        for command in answer["next"]:
            if command.startswith("cd "):
                folder /= command.removeprefix("cd ")
            elif command.startswith("sendoka dev"):
                background.append(Background(command, folder))
                printed["sendoka dev"] = background[-1].first_line
            else:
                printed[command] = execute(command, folder)
        yield folder, printed
    finally:
        for each in background:
            each.stop()


def test_every_command_that_init_prints_works(session: tuple[Path, dict[str, str]]) -> None:
    _, printed = session
    assert list(printed) == [
        "sendoka dev",
        "sendoka generate",
        "sendoka migrate",
        "python seed.py",
        "sendoka backfill run widget_titles",
        "sendoka status",
        "python -m pytest",
    ]


def test_the_local_endpoint_has_the_connection_string_that_init_wrote(session: tuple[Path, dict[str, str]]) -> None:
    folder, printed = session
    line = next(line for line in (folder / ".env.local").read_text(encoding="utf-8").splitlines() if "=" in line)
    host = line.rpartition("@")[2]
    assert host in printed["sendoka dev"]


def test_the_first_migration_makes_the_example_table(session: tuple[Path, dict[str, str]]) -> None:
    folder, printed = session
    (file,) = (folder / "migrations").glob("*.sql")
    assert file.name.startswith("0000_")
    assert "widgets" in file.read_text(encoding="utf-8")
    assert file.stem in printed["sendoka migrate"]
    assert file.stem in printed["sendoka status"]


def test_the_example_backfill_has_rows_to_change(session: tuple[Path, dict[str, str]]) -> None:
    _, printed = session
    assert "1,000" in printed["sendoka backfill run widget_titles"]


def test_status_says_which_database_it_asked(session: tuple[Path, dict[str, str]]) -> None:
    _, printed = session
    assert ".env.local" in printed["sendoka status"]
    assert "localhost" in printed["sendoka status"]


def test_nothing_is_left_to_do(session: tuple[Path, dict[str, str]]) -> None:
    folder, _ = session
    before = sorted((folder / "migrations").iterdir())
    execute("sendoka generate", folder)
    assert sorted((folder / "migrations").iterdir()) == before
    assert json.loads(execute("sendoka status --exit-code --json", folder))["pending"] == 0
    execute("sendoka check", folder)


def test_the_projects_own_tests_pass(session: tuple[Path, dict[str, str]]) -> None:
    _, printed = session
    assert " 2 passed" in printed["python -m pytest"]


def test_no_command_printed_the_password(session: tuple[Path, dict[str, str]]) -> None:
    folder, printed = session
    password = json.loads((folder / ".sendoka" / "secrets.json").read_text(encoding="utf-8"))["role"]
    said = {command: text for command, text in printed.items() if command != "sendoka dev"}
    assert [command for command, text in said.items() if password in text] == []


def test_a_second_init_changes_nothing(session: tuple[Path, dict[str, str]]) -> None:
    folder, _ = session
    answer = json.loads(execute("sendoka init --json", folder))
    assert set(answer["files"].values()) == {"kept"}


def test_a_migrate_with_nothing_to_do_loads_nothing_heavy(session: tuple[Path, dict[str, str]]) -> None:
    folder, _ = session
    code = (
        "import sys\n"
        "from sendoka.cli._group import run\n"
        "assert run(['migrate']) == 0\n"
        "heavy = {'rich', 'pydantic', 'sqlalchemy', 'httpx', 'asyncpg', 'psycopg', 'anyio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
