"""What every test can ask for, by subject."""

from __future__ import annotations

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
    "tests.fixtures.scratch",
]
