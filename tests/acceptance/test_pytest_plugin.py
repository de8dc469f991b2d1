"""The fixtures for pytest, in runs of their own: under every asynchronous plugin, in several processes, to any end."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sendoka.testing.copies import start_run, sweep
from tests.documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.local.postgres import Postgres

PLUGIN = "sendoka.testing.pytest_plugin"
PATIENCE = 60.0

# `mark` stands where a plugin wants its mark; the rest is the same for all of them.
TESTS = """
import pytest
from sendoka import neon
from sendoka.errors import AnswerLost

{fixture}
async def table(sendoka_sql):
    await sendoka_sql("create table t (a int)")
    yield "t"
    assert await sendoka_sql("select count(*) from t").value() == 1

{mark}
@pytest.mark.parametrize("again", [1, 2])
async def test_each_test_has_a_database_of_its_own(sendoka_sql, again, table):
    assert await sendoka_sql("select count(*) from orgs").value() == 0
    await sendoka_sql("insert into t values ($1)", again)
    await sendoka_sql.transaction([sendoka_sql("insert into orgs (id, name, slug) values ('o', 'O', 'o')")])
    assert await sendoka_sql("select a from t").value() == again

{mark}
async def test_the_answer_to_a_commit_is_lost(sendoka_sql, sendoka_url, sendoka_faults):
    sendoka_faults.add("connection_closed", match="insert into orgs")
    with pytest.raises(AnswerLost) as caught:
        await sendoka_sql("insert into orgs (id, name, slug) values ('o', 'O', 'o')")
    assert caught.value.outcome == "unknown"
    async with neon(sendoka_url) as other:
        assert await other("select count(*) from orgs").value() == 1

{mark}
async def test_faults_of_another_test_are_gone(sendoka_sql):
    await sendoka_sql("insert into orgs (id, name, slug) values ('o', 'O', 'o')")

{mark}
async def test_what_passes_is_waited_for_and_sent_again(sendoka_sql, sendoka_faults):
    sendoka_faults.add("refuse", message="Couldn't connect to compute node")
    assert await sendoka_sql("select 1").value() == 1

{mark}
async def test_the_mock(neon_mock):
    neon_mock.on("select 1").rows((5,))
    assert await neon("postgresql://a:b@ep-x.eu.neon.tech/d")("select 1").value() == 5
"""
SYNC = """
def test_no_event_loop_is_needed(sendoka_url, sendoka_server):
    assert sendoka_url.startswith("postgresql://") and f":{sendoka_server.port}/" in sendoka_url

def test_one_of_its_own_is_enough(sendoka_sql):
    import asyncio

    async def count():
        return await sendoka_sql("select count(*) from orgs").value()

    assert (asyncio.run(count()), asyncio.run(count())) == (0, 0)
"""


class Run:
    """A project's folder with the application's migrations, and pytest in it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        (folder / "migrations").symlink_to(ROOT / "migrations")
        self.write("pyproject.toml", "[tool.sendoka]\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start pytest with our plugin and no other but those named; every warning is an error."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SENDOKA_"))}
        environment = {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", "SENDOKA_POSTGRES": self.url}
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", PLUGIN]
        return subprocess.Popen(
            [*command, *options],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str, status: int = 0) -> str:
        """Run pytest to its end, and return what it printed after checking its exit status."""
        process = self.start(*options)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == status, said
        return said


@pytest.fixture
def run(tmp_path: Path, postgres: Postgres) -> Run:
    return Run(tmp_path, postgres.databases.admin.url)


def left_on(postgres: Postgres) -> list[str]:
    """Return what runs have on the server: databases and roles."""
    with postgres.databases.admin.connect() as session:
        rows = session.execute("select datname from pg_database union all select rolname from pg_roles").fetchall()
    return sorted(name for (name,) in rows if name.startswith("sendoka_run_"))


# In automatic mode the tests of docs/testing.md run, in a test of theirs.
MODES = {
    "strict": (
        "@pytest.mark.asyncio",
        "import pytest_asyncio\n@pytest_asyncio.fixture",
        ["-p", "asyncio", "-o", "asyncio_mode=strict"],
    ),
    "anyio": ("@pytest.mark.anyio", "@pytest.fixture", ["-p", "anyio"]),
}
SCOPE = ["-o", "asyncio_default_fixture_loop_scope=function"]


@pytest.mark.parametrize("mode", MODES)
def test_every_way_to_run_coroutines_as_tests(run: Run, postgres: Postgres, mode: str) -> None:
    mark, fixture, options = MODES[mode]
    run.write("test_async.py", TESTS.format(mark=mark, fixture=fixture))
    run.write("test_sync.py", SYNC)
    said = run.run(*options, *([] if mode == "anyio" else SCOPE))
    # anyio's plugin runs each coroutine twice: on asyncio and on trio.
    assert f"{2 + 6 * (2 if mode == 'anyio' else 1)} passed" in said
    assert left_on(postgres) == []


NAMES = """
def test_{n}(sendoka_url):
    with open("names", "a") as file:
        print(sendoka_url.rpartition("/")[2], file=file)
"""


def test_several_processes_share_a_server_without_meeting(run: Run, postgres: Postgres) -> None:
    run.write("test_many.py", "".join(NAMES.format(n=number) for number in range(8)))
    assert "8 passed" in run.run("-p", "xdist", "-n", "2", "--dist", "load")
    used = (run.folder / "names").read_text().split()
    assert len(set(used)) == 8
    assert len({name.rpartition("_")[0] for name in used}) == 2
    assert left_on(postgres) == []


EMPTY = """
import json, sys
def pytest_unconfigure():
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def test_unused_it_imports_nothing(run: Run) -> None:
    run.write("conftest.py", EMPTY)
    run.write("test_empty.py", "")
    run.run(status=5)  # no tests
    modules = set(json.loads((run.folder / "modules.json").read_text()))
    assert {name for name in modules if name.partition(".")[0] == "sendoka"} == {"sendoka", "sendoka.testing", PLUGIN}
    assert modules.isdisjoint({"asyncio", "httpx", "httptools", "psycopg", "uvicorn", "anyio", "ssl"})


def test_pytest_finds_it_by_itself() -> None:
    found = {point.name: point.value for point in importlib.metadata.entry_points(group="pytest11")}
    assert found["sendoka"] == PLUGIN


SEEDED = """
import asyncio
import pytest

@pytest.fixture(scope="session")
def sendoka_template(sendoka_template):
    async def fill(sql):
        await sendoka_template(sql)
        await sql("insert into orgs (id, name, slug) values ('o', 'Acme', 'acme')")
        with open("filled", "a") as file:
            file.write("x")
    return fill
"""
SEES = """
def test_{n}(sendoka_sql):
    import asyncio
    async def name():
        found = await sendoka_sql("select name from orgs").value()
        await sendoka_sql("delete from orgs")
        return found
    assert asyncio.run(name()) == "Acme"
"""


def test_a_server_of_its_own_a_seeded_template_and_no_asynchronous_plugin(run: Run) -> None:
    run.url = ""
    run.write("conftest.py", SEEDED)
    run.write("test_it.py", SEES.format(n=1) + SEES.format(n=2) + SEES.format(n=3))
    assert "3 passed" in run.run()
    assert (run.folder / "filled").read_text() == "x"


BLOCKED = """
import sys
sys.modules["psycopg"] = None
"""
SWALLOWED = """
import asyncio, contextlib
from sendoka import neon

async def app():
    with contextlib.suppress(Exception):
        await neon("postgresql://a:b@ep-x.eu.neon.tech/d")("select 2")

def test_swallowed(neon_mock):
    neon_mock.on("select 1")
    asyncio.run(app())

def test_raised(neon_mock):
    asyncio.run(app())
    raise LookupError("mine")
"""


def test_what_fails_is_the_test_and_says_why(run: Run) -> None:
    run.write("conftest.py", BLOCKED)
    run.write("test_local.py", "def test_url(sendoka_url):\n    pass\n")
    run.write("test_mock.py", SWALLOWED)
    said = run.run(status=1)
    assert "2 failed, 1 error" in said
    assert re.search(r'a package that is not installed: psycopg\S* – pip install "sendoka\[local\]"', said)
    assert len(re.findall(r"^E .*select 1 .*never sent", said, re.MULTILINE)) == 1
    assert re.search(r"(?s)LookupError: mine.*an unexpected statement was sent", said)


def test_a_server_that_cannot_be_reached_says_so_without_its_url(run: Run) -> None:
    run.url = "postgresql://someone:hunter2@127.0.0.1:1/db"
    run.write("test_local.py", "def test_url(sendoka_url):\n    pass\n")
    said = run.run(status=1)
    assert "the PostgreSQL server at 127.0.0.1:1 cannot be used" in said
    assert "SENDOKA_POSTGRES" in said
    assert "hunter2" not in said


MISSED = """
import asyncio
import pytest
from sendoka.errors import AnswerLost

async def ask(sql):
    await sql("select 1")

def test_a_typing_error(sendoka_sql, sendoka_faults):
    sendoka_faults.add("connection_closed", match="selekt")
    asyncio.run(ask(sendoka_sql))

def test_the_same_that_fails_by_itself(sendoka_sql, sendoka_faults):
    sendoka_faults.add("cut_before", match="select", skip=5)
    with pytest.raises(AnswerLost):
        asyncio.run(ask(sendoka_sql))

def test_one_that_need_not_be_met(sendoka_sql, sendoka_faults):
    sendoka_faults.add("connection_closed", match="selekt", optional=True)
    asyncio.run(ask(sendoka_sql))

def test_one_that_is_met(sendoka_sql, sendoka_faults):
    sendoka_faults.add("delay", match="select")
    asyncio.run(ask(sendoka_sql))
"""


def test_a_fault_that_was_never_met_is_a_failure(run: Run) -> None:
    run.write("test_it.py", MISSED)
    said = run.run(status=1)
    assert "2 failed, 2 passed" in said
    never = "no request met the fault connection_closed:selekt: none of 1 has SQL that fits it"
    assert re.search(rf"^E .*AssertionError: {re.escape(never)}$", said, re.MULTILINE)
    assert "say optional=True with one that need not be met" in said
    assert re.search(
        r"(?s)DID NOT RAISE.*no request met the fault cut_before,skip=5:select: its skip= let 1 of 5", said
    )


@pytest.mark.parametrize("fixtures", ["neon_mock, sendoka_sql", "sendoka_sql, neon_mock"])
def test_the_mock_and_a_database_of_its_own_in_one_test_are_refused(run: Run, fixtures: str) -> None:
    run.write("test_it.py", f"def test_both({fixtures}):\n    pass\n")
    said = run.run(status=1)
    assert "1 error" in said
    assert "neon_mock answers for every client in the test, so nothing of sendoka_sql would reach its database" in said
    assert "NeonMock().client()" in said


# ------------------------------------------------------------------ how runs end


WAITS = """
def test_waits(sendoka_url):
    import time
    open("waiting", "w").close()
    time.sleep(60)
"""


def interrupted(run: Run, number: int) -> str:
    """Send a signal to a run in the middle of its test, and return what it said."""
    run.write("test_it.py", WAITS)
    process = run.start()
    deadline = time.monotonic() + PATIENCE
    while not (run.folder / "waiting").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)[0]


def test_an_interrupted_run_leaves_nothing(run: Run, postgres: Postgres) -> None:
    assert "KeyboardInterrupt" in interrupted(run, signal.SIGINT)
    assert left_on(postgres) == []


def test_what_a_killed_run_leaves_goes_with_the_next_and_a_living_one_stays(run: Run, postgres: Postgres) -> None:
    admin = postgres.databases.admin
    with start_run(admin.url) as alive:
        alive.postgres.databases.create(f"{alive.name}_template", owner=alive.postgres.login.user)
        interrupted(run, signal.SIGKILL)
        (dead,) = {name[:20] for name in left_on(postgres)} - {alive.name}
        deadline = time.monotonic() + PATIENCE
        while sweep(admin) != [dead] and time.monotonic() < deadline:
            time.sleep(0.05)  # until the server has noticed that the process is gone
        assert left_on(postgres) == [alive.name, f"{alive.name}_template"]
    assert left_on(postgres) == []
    assert sweep(admin) == []
