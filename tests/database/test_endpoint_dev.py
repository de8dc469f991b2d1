"""`sendoka dev`, as a process: what it prints, what it keeps, how it ends."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click
import httpx
import pytest

from sendoka.cli.dev import dev
from sendoka.local.kinds import KINDS, OPTIONS
from sendoka.settings import find_source, read_settings
from tests.fixtures import forked
from tests.fixtures.processes import commands, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.local import Server

SENDOKA = [sys.executable, "-m", "sendoka"]
COMMAND = [*SENDOKA, "dev"]
OTHER = "postgresql://neondb_owner:s3cret@localhost:4444/neondb"


@pytest.fixture
def project(open_folder: Path) -> Path:
    (open_folder / "pyproject.toml").touch()
    return open_folder


class Dev:
    """A running `sendoka dev`, started and waited for."""

    def __init__(self, project: Path, *options: str) -> None:
        self.process = forked.start([*COMMAND, *options], project, environment(), session=True)
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        self.line = self.process.stdout.readline().strip() if ready else ""
        assert self.line, self.end(signal.SIGKILL)

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=90)  # a slow disk, and then the harder ways to end
        return self.process.wait(), out, err


def run(project: Path, *options: str, command: str = "dev", **variables: str) -> subprocess.CompletedProcess[str]:
    return forked.run([*SENDOKA, command, *options], project, {**environment(), **variables}, 60)


def environment() -> dict[str, str]:
    """Return ours without the server and the database that this run of tests may have been given."""
    return {name: value for name, value in os.environ.items() if name not in {"SENDOKA_POSTGRES", "DATABASE_URL"}}


def ask(url: str, statement: str, **headers: str) -> httpx.Response:
    host = url.partition("@")[2].partition("/")[0]
    headers |= {"Neon-Connection-String": url, "Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}
    return httpx.post(f"http://{host}/sql", json={"query": statement}, headers=headers, trust_env=False)


def rows(url: str, statement: str) -> Any:
    answer = ask(url, statement)
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
        (["--max-request", "big"], 2, "'big' is no size"),
        (["--fault", "explode"], 2, "'explode' is no fault"),
        (["--fault", "delay,seconds=long"], 2, "a fault's seconds is a number"),
        (["--temporary", "--reset"], 2, "--temporary does not use it: leave one out"),
        (["--postgres", "postgresql://u:s3cret@127.0.0.1:1/x"], 2, "No such option"),
    ],
)
def test_wrong_options_are_clear_errors(project: Path, options: list[str], status: int, message: str) -> None:
    done = run(project, *options)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("url", "message"), [("postgresql://u:s3cret@127.0.0.1:1/x", "cannot be used"), ("s3cret", "cannot be read")]
)
def test_a_given_server_that_cannot_be_used_is_a_clear_error(project: Path, url: str, message: str) -> None:
    done = run(project, SENDOKA_POSTGRES=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "correct SENDOKA_POSTGRES" in done.stderr
    assert "s3cret" not in done.stderr


class TestLimits:
    def test_are_options(self, project: Path) -> None:
        dev = Dev(project, "--port", "0", "--temporary", "--max-request", "2kB", "--max-response", "3000")
        url = dev.line.removeprefix("ready: ")
        many = "select repeat('x', 1000) from generate_series(1, 9)"
        answers = [ask(url, "select '" + "x" * 2048 + "'"), ask(url, many), ask(url, "select repeat('x', 5000)")]
        assert [answer.status_code for answer in answers] == [413, 507, 200]
        assert "max is 2048 bytes" in answers[0].text
        assert "max is 3000 bytes" in answers[1].text
        dev.end(signal.SIGINT)

    @pytest.mark.parametrize("option", ["--max-request", "--max-response"])
    @pytest.mark.parametrize("wrong", ["", "big", "-1", "1.5MB", "64 MB", "1e6"])
    def test_that_are_no_sizes_are_refused(self, option: str, wrong: str) -> None:
        with pytest.raises(click.BadParameter, match=re.escape(f"{wrong!r} is no size")) as refused:
            dev.make_context("dev", [f"{option}={wrong}"])
        assert refused.value.exit_code == 2


class TestOrigins:
    def test_may_be_allowed(self, project: Path) -> None:
        dev = Dev(project, "--port", "0", "--temporary", "--allow-origin", "https://app.example.com")
        url = dev.line.removeprefix("ready: ")
        statuses = [
            ask(url, "select 1", Origin=origin).status_code
            for origin in ("https://app.example.com", "https://example.com", "http://localhost:5173")
        ]
        assert statuses == [200, 403, 200]
        dev.end(signal.SIGINT)

    def test_that_are_none_are_refused(self, project: Path) -> None:
        done = run(project, "--allow-origin", "app.example.com")
        assert (done.returncode, done.stdout) == (2, "")
        assert "'app.example.com' is no origin" in done.stderr


class TestFaults:
    def test_help_explains_every_kind_and_option(self, project: Path) -> None:
        said = " ".join(run(project, "--help", command="fault").stdout.split())
        assert [
            kind.name for kind in KINDS.values() if f" {kind.name} {kind.summary.replace('`', '')[:20]}" not in said
        ] == []
        assert [
            name for name, meaning in OPTIONS.items() if f" {name} {meaning.replace('`', '')[:20]}" not in said
        ] == []

    def test_of_chance_tell_their_seed(self, project: Path) -> None:
        dev = Dev(project, "--port", "0", "--temporary", "--fault", "random,rate=0")
        err = dev.end(signal.SIGINT)[2]
        assert re.fullmatch(r"random faults of seed \d+: the same requests meet the same ones again\n", err)

    def test_are_added_listed_and_cleared_while_it_runs(self, project: Path, database_url: str) -> None:
        def fault(*arguments: str) -> str:
            done = run(project, *arguments, command="fault", DATABASE_URL=database_url)
            assert (done.returncode, done.stderr) == (0, "")
            return done.stdout

        assert fault() == "no faults\n"
        fault("refuse,status=503:select 7", "cut_after,skip=2")
        assert ask(database_url, "select 7").status_code == 503
        assert fault() == "refuse,status=503:select 7  (met 1)\ncut_after,skip=2  (met 0)\n"
        state = json.loads(fault("--json"))
        assert [(one["kind"], one["hits"]) for one in state["faults"]] == [("refuse", 1), ("cut_after", 0)]
        assert fault("--clear", "random,seed=5,rate=0") == "random,seed=5,rate=0.0  (met 0)\n"
        assert fault("--clear") == "no faults\n"

    @pytest.mark.parametrize(
        ("arguments", "url", "status", "message"),
        [
            (["explode"], "here", 2, "'explode' is no fault"),
            (["delay,speed=1"], "here", 2, "a fault delay has no 'speed'"),
            (["delay"], "postgresql://u:s3cret@localhost:1/db", 3, "no local endpoint answers at localhost:1\n"),
            (["delay"], "postgresql://u:s3cret@ep-x.eu.neon.tech/db", 2, "is not this machine"),
            (["delay"], "wrong password", 3, "password authentication failed for user 'neondb_owner'\n"),
        ],
    )
    def test_that_cannot_be_set_are_clear_errors(
        self, project: Path, database_url: str, arguments: list[str], url: str, status: int, message: str
    ) -> None:
        url = {"here": database_url, "wrong password": database_url.replace("@", "s3cret@")}.get(url, url)
        done = run(project, *arguments, command="fault", DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (status, "")
        assert message in done.stderr
        assert "s3cret" not in done.stderr
        assert "Traceback" not in done.stderr


class TestEnvLocal:
    def test_is_written_where_there_is_none_and_leads_the_other_commands_here(self, project: Path) -> None:
        port = free_port()
        dev = Dev(project, "--port", str(port))
        err = dev.end(signal.SIGINT)[2]
        assert err == ".env.local: wrote DATABASE_URL, so that the other commands find it\n"
        source = find_source(read_settings(project), environ={})
        assert f"ready: {source.url}" == dev.line
        assert stat.S_IMODE((project / ".env.local").stat().st_mode) == 0o600
        # The next time no port has to be remembered, and nothing has to be said.
        again = Dev(project)
        assert (again.line, again.end(signal.SIGINT)[2]) == (dev.line, "")

    def test_is_not_written_where_git_would_take_it(self, project: Path) -> None:
        subprocess.run(["git", "init", "--quiet", str(project)], check=True)
        err = Dev(project, "--port", str(free_port())).end(signal.SIGINT)[2]
        assert err.startswith(".env.local is not written, because git would take it")
        assert not (project / ".env.local").exists()
        (project / ".gitignore").write_text(".env.*\n", encoding="utf-8")
        Dev(project, "--port", str(free_port())).end(signal.SIGINT)
        assert (project / ".env.local").is_file()

    @pytest.mark.parametrize("name", [".env.local", ".env"])
    def test_that_leads_elsewhere_is_kept_and_said(self, project: Path, name: str) -> None:
        text = "DATABASE_URL=postgresql://u:s3cret@ep-x.eu.neon.tech/db\n"
        (project / name).write_text(text, encoding="utf-8")
        err = Dev(project, "--port", str(free_port())).end(signal.SIGINT)[2]
        assert err.startswith(f"DATABASE_URL in {name} leads to ep-x.eu.neon.tech, not here; ")
        assert {file.name for file in project.glob(".env*")} == {name}
        assert (project / name).read_text(encoding="utf-8") == text

    def test_that_leads_elsewhere_than_to_a_temporary_one_is_said(self, project: Path) -> None:
        (project / ".env.local").write_text(f"DATABASE_URL={OTHER}\n", encoding="utf-8")
        dev = Dev(project, "--port", "0", "--temporary")
        url = dev.line.removeprefix("ready: ")
        said = "DATABASE_URL in .env.local leads to localhost:4444, not here; for the other commands: "
        assert dev.end(signal.SIGINT)[2] == f"{said}export DATABASE_URL={url}\n"

    def test_that_leads_here_with_another_login_is_said(self, project: Path) -> None:
        port = free_port()
        text = OTHER.replace("4444", str(port))
        (project / ".env.local").write_text(f"DATABASE_URL={text}\n", encoding="utf-8")
        err = Dev(project, "--temporary").end(signal.SIGINT)[2]
        assert err.startswith("DATABASE_URL in .env.local leads here with another user, password or database; ")
        assert "s3cret" not in err

    @pytest.mark.parametrize("options", [["--temporary", "--port", "4"], ["--port", "0"]])
    def test_is_not_for_what_is_gone_at_the_end(self, project: Path, options: list[str]) -> None:
        port = ["--port", str(free_port())] if "4" in options else options
        dev = Dev(project, *(["--temporary", *port] if "--temporary" in options else port))
        assert dev.end(signal.SIGINT)[2] == ""
        assert not (project / ".env.local").exists()
