"""`sendoka dev`, as a process: what it prints, what it keeps, how it ends."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.fixtures.processes import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.local import Server

COMMAND = [sys.executable, "-m", "sendoka", "dev"]


@pytest.fixture
def project() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="project-"))
    folder.chmod(0o755)
    (folder / "pyproject.toml").touch()
    yield folder
    shutil.rmtree(folder)


class Dev:
    """A running `sendoka dev`, started and waited for."""

    def __init__(self, project: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *options],
            cwd=project,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        self.line = self.process.stdout.readline().strip() if ready else ""
        assert self.line, self.end(signal.SIGKILL)

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


def run(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def environment() -> dict[str, str]:
    """Return ours without the server that this run of tests may have been given."""
    return {name: value for name, value in os.environ.items() if name != "SENDOKA_POSTGRES"}


def rows(url: str, statement: str) -> Any:
    host = url.partition("@")[2].partition("/")[0]
    headers = {"Neon-Connection-String": url, "Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}
    answer = httpx.post(f"http://{host}/sql", json={"query": statement}, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_ready_in_one_line_and_ends_without_a_trace(project: Path, number: int) -> None:
    dev = Dev(project, "--port", "0")
    assert dev.line.startswith("ready: postgresql://neondb_owner:")
    url = dev.line.removeprefix("ready: ")
    assert rows(url, "select value from sendoka.facts where name = 'mark'") == [["dev"]]
    assert dev.end(number) == (0, "", "")
    assert commands(str(project)) == []


def test_killed_it_leaves_no_process_and_loses_no_data(project: Path) -> None:
    dev = Dev(project, "--port", "0")
    rows(dev.line.removeprefix("ready: "), "create table kept (i int)")
    dev.end(signal.SIGKILL)
    again = Dev(project, "--port", "0")
    assert rows(again.line.removeprefix("ready: "), "select to_regclass('kept')") == [["kept"]]
    again.end(signal.SIGINT)
    deadline = time.monotonic() + 10
    while commands(str(project)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert commands(str(project)) == []


def test_the_same_facts_come_as_json(project: Path) -> None:
    dev = Dev(project, "--port", "0", "--json", "--temporary")
    facts = json.loads(dev.line)
    assert set(facts) == {"connection_string", "port", "postgres"}
    assert f":{facts['port']}/" in facts["connection_string"]
    assert not (project / ".sendoka").exists()
    dev.end(signal.SIGINT)


def test_the_connection_string_stays_and_the_data_goes_with_a_reset(project: Path) -> None:
    port = str(free_port())
    lines = []
    for options in ((), ("--reset",)):
        dev = Dev(project, "--port", port, *options)
        lines.append(dev.line)
        assert rows(dev.line.removeprefix("ready: "), "select to_regclass('kept')") == [[None]]
        rows(dev.line.removeprefix("ready: "), "create table kept (i int)")
        dev.end(signal.SIGINT)
    assert lines[0] == lines[1]


def test_a_fault_can_be_asked_for(project: Path) -> None:
    dev = Dev(project, "--port", "0", "--temporary", "--fault", "connection_closed:select 7")
    url = dev.line.removeprefix("ready: ")
    host = url.partition("@")[2].partition("/")[0]
    answers = [
        httpx.post(
            f"http://{host}/sql", json={"query": f"select {number}"}, headers={"Neon-Connection-String": url}
        ).status_code
        for number in (1, 7, 7)
    ]
    assert answers == [200, 400, 200]
    dev.end(signal.SIGINT)


def test_postgres_ending_by_itself_ends_it_with_an_error(project: Path) -> None:
    dev = Dev(project, "--port", "0")
    pid = int((project / ".sendoka/postgres/postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    os.kill(pid, signal.SIGKILL)
    _, err = dev.process.communicate(timeout=30)
    assert dev.process.returncode == 3
    assert err.startswith("error: PostgreSQL ended by itself")


def test_two_in_one_project_are_refused(project: Path) -> None:
    dev = Dev(project, "--port", "0")
    second = run(project, "--port", "0")
    assert (second.returncode, second.stdout) == (2, "")
    assert "in use by another `sendoka dev`" in second.stderr
    dev.end(signal.SIGINT)


def test_a_port_that_is_taken_is_a_clear_error(project: Path, server: Server) -> None:
    taken = run(project, "--port", str(server.port), "--temporary")
    assert (taken.returncode, taken.stdout) == (2, "")
    assert f"port {server.port} on localhost is taken" in taken.stderr
    assert "--port" in taken.stderr


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--host", "0.0.0.0"], 4, "--reachable-by-others"),  # noqa: S104 - it is refused
        (["--host", "::"], 4, "--reachable-by-others"),
        (["--host", "example.com"], 4, "--reachable-by-others"),
        (["--port", "99999"], 2, "not in the range"),
        (["--fault", "explode"], 2, "'explode' is no fault"),
        (["--postgres", "postgresql://u:s3cret@127.0.0.1:1/x"], 2, "cannot be used"),
        (["--postgres", "s3cret"], 2, "cannot be read"),
    ],
)
def test_wrong_options_are_clear_errors(project: Path, options: list[str], status: int, message: str) -> None:
    done = run(project, *options)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "s3cret" not in done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
