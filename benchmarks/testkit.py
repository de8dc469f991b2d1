"""What a test pays for a database of its own: tests with the plugin's fixtures, less tests that do nothing.

`.venv/bin/python benchmarks/testkit.py` first starts a PostgreSQL and fills a template with the application's
migrations (17 tables), as each process of a run does once. Then it runs pytest on files of its own and prints
milliseconds a test: set-up, call and teardown together, by pytest's own clock. The tests do nothing else, so nothing
hides the copy that is made while a test runs; the first test pays for the start and is left out.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from sendoka.local import Endpoint, Server
from sendoka.testing.copies import Copies, start_run
from sendoka.testing.template import fill, with_migrations

ROOT = Path(__file__).parents[1]
TESTS = 60
ROUNDS = 5

KINDS = {
    "nothing": "def test_{n}():\n    pass\n",
    "`sendoka_url`": "def test_{n}(sendoka_url):\n    pass\n",
    "`sendoka_sql`, one statement": (
        "async def test_{n}(sendoka_sql):\n    assert await sendoka_sql('select count(*) from orgs').value() == 0\n"
    ),
    "`sendoka_sql`, ten statements": (
        "async def test_{n}(sendoka_sql):\n"
        "    for _ in range(10):\n"
        "        assert await sendoka_sql('select count(*) from orgs').value() == 0\n"
    ),
}


def start_up() -> tuple[float, float]:
    """Return the seconds that a PostgreSQL of one's own and a filled template take."""
    began = time.perf_counter()
    with start_run(None) as run:
        started = time.perf_counter()
        with Server(Endpoint(run.postgres)) as server, Copies(run) as copies:
            fill(server.connection_string(copies.template), with_migrations(ROOT / "migrations"))
            copies.take()
            return started - began, time.perf_counter() - started


def measure(folder: Path, test: str) -> list[float]:
    """Return the seconds of each test but the first."""
    code = "".join(test.format(n=number) for number in range(TESTS))
    (folder / "test_it.py").write_text(code, encoding="utf-8")
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_duration_report=total"]
    subprocess.run([*command, f"--junit-xml={report}"], cwd=folder, check=True, capture_output=True)
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - a file of our own
    return [float(case.attrib["time"]) for case in cases][1:]


def main() -> None:
    """Measure and print."""
    starts = [start_up() for _ in range(ROUNDS)]
    server, template = (statistics.median(column) for column in zip(*starts, strict=True))
    print(f"start-up: PostgreSQL {server:.2f} s, template and first copy {template:.2f} s (median of {ROUNDS})\n")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copytree(ROOT / "migrations", folder / "migrations")
        settings = '[tool.sendoka]\n[tool.pytest.ini_options]\nasyncio_mode = "auto"\n'
        scope = 'asyncio_default_fixture_loop_scope = "function"\n'
        (folder / "pyproject.toml").write_text(settings + scope, encoding="utf-8")
        print("| a test with | median | 95th percentile |")
        print("| --- | --- | --- |")
        for name, test in KINDS.items():
            times = sorted(measure(folder, test))
            cells = (statistics.median(times), times[int(len(times) * 0.95)])
            print(f"| {name} | {' | '.join(f'{1000 * cell:.1f} ms' for cell in cells)} |")


if __name__ == "__main__":
    main()
