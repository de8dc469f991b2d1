"""The official JavaScript driver against the endpoint, unchanged but for `neonConfig.fetchEndpoint`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.peers


@pytest.fixture
def got(peers: Path, database_url: str) -> dict[str, Any]:
    """What the driver's user got from each call in `tests/peers/driver.mjs`."""
    done = subprocess.run(
        ["node", "driver.mjs", database_url], cwd=peers, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_official_driver_runs_unchanged(got: dict[str, Any]) -> None:
    assert got == {
        "tagged": [
            {"id": 1, "name": 'Ada "the" first', "at": "2026-01-02T03:04:05.678Z", "tags": ["a b", 'c"d', None]}
        ],
        "parametrised": [{"sum": 42, "doc": {"a": [1, None]}}],
        "transaction": [[], [{"count": "2"}]],
        "whole": {"rows": [[1, 'Ada "the" first'], [2, "Bob"]], "command": "SELECT", "rowCount": 2, "fields": 2},
        "error": {
            "name": "NeonDbError",
            "code": "23505",
            "constraint": "peers_pkey",
            "table": "peers",
            "detail": "Key (id)=(1) already exists.",
            "severity": "ERROR",
            "message": 'duplicate key value violates unique constraint "peers_pkey"',
        },
        "afterwards": [{"count": 2}],
        "refused": {"name": "NeonDbError", "message": "password authentication failed for user "},
    }
