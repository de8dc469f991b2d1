"""`sendoka backfill run --dask`: what it prints, and how it ends where no fleet is to be had."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.backfill_project import touching
from tests.fixtures.backfills import make_messages, touched
from tests.fixtures.fleet import small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.http.client import Neon
    from tests.fixtures.backfill_project import Project


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Iterator[Project]:
    with touching(tmp_path, database_url) as found:
        found.environ["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "500ms"
        yield found


async def test_it_tells_of_a_fleet_as_of_any_run(project: Project, sql: Neon) -> None:
    await make_messages(sql, 60)
    with small() as cluster:
        said = project.run("run", "touch", "--dask", cluster.scheduler_address, "--events", "json", "--shards", "3")
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert [line["event"] for line in lines][-2:] == ["batch", "done"]
        assert [(each["state"], each["batches"]) for each in lines[-1]["shards"]] == [("scanned", 1)] * 3
        told = [(line["shard"]["number"], line["shard"]["state"]) for line in lines if line["event"] == "batch"]
        assert sorted(told) == [(0, "scanned"), (1, "scanned"), (2, "scanned")]
        assert (lines[-1]["changed"], lines[-1]["here"]) == (60, lines[-1]["batches"])
    assert await touched(sql) == {"1": 60}


@pytest.mark.parametrize(
    ("options", "exits", "words"),
    [
        (["--dask", "tcp://127.0.0.1:9"], 3, "no scheduler of dask answers at tcp://127.0.0.1:9 within 0.5 s"),
        (["--dask", "127.0.0.1"], 2, "lacks the scheduler's port"),
        (["--dask", "http://127.0.0.1:8787"], 2, "where dask shows its dashboard"),
        (["--dask", "tcp://127.0.0.1:9", "--workers", "2"], 2, "--dask has workers of its own: give one of them"),
        (["--dask"], 2, "requires an argument"),
    ],
)
async def test_without_a_fleet_it_says_why_and_changes_nothing(
    project: Project, sql: Neon, options: list[str], exits: int, words: str
) -> None:
    await make_messages(sql, 6)
    said = project.run("run", "touch", *options, exits=exits)
    assert words in said
    assert "Traceback" not in said
    assert await touched(sql) == {"0": 6}
