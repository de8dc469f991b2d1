"""What every test can ask for, by subject."""

from __future__ import annotations

import os

import pytest

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.endpoint",
    "tests.fixtures.caller",
    "tests.fixtures.checked",
    "tests.fixtures.attacked",
    "tests.fixtures.client",
    "tests.fixtures.folders",
    "tests.fixtures.garbage",
    "tests.fixtures.project",
    "tests.fixtures.shaping",
    "tests.fixtures.peers",
    "tests.fixtures.schemas",
    "tests.fixtures.branches",
    "tests.fixtures.fleet",
    "tests.fixtures.ahead",
    "tests.fixtures.scratch",
]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let one process more than there are cores run tests: they wait for leases, locks and other processes, too."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1
