"""The options that hold a backfill back: what is refused and what to write instead, and what is shown of a wait."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills import Progress
from sendoka.backfills.overview import Activity
from sendoka.backfills.runs import Run
from sendoka.backfills.shards import Shard
from sendoka.backfills.standing import standing_of
from sendoka.cli._group import run as sendoka
from sendoka.cli._progress import shown
from sendoka.cli.backfill._standing import facts_of, lines_of

if TYPE_CHECKING:
    from pathlib import Path

HOURS = "it runs between 22:00-05:00 Europe/Oslo only"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a script and without a database: what is wrong is said before either is looked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("options", "what", "todo"),
    [
        (["--rate", "0/s"], "a rate of rows is above 0", "2000/s"),
        (["--rate", "fast"], "'fast' is no rate of rows", "2000/s"),
        (["--wal-budget", "20MB"], "'20MB' is no rate of bytes", "20MB/s"),
        (["--between", "25:00-26:00", "--tz", "UTC"], "'25:00-26:00' is no part of a day", "01:00-05:00"),
        (["--between", "01:00-05:00"], "is of no time zone", "--tz Europe/Oslo"),
        (["--tz", "UTC"], "'UTC' is of no hours", "--between"),
        (["--between", "01:00-05:00", "--tz", "Europe/Olso"], "is no time zone", "did you mean Europe/Oslo?"),
        (["--yield", "vaccum=off"], "nothing called 'vaccum'", "did you mean vacuum?"),
        (["--yield", "vacuum"], "--yield vacuum: write it as NAME=BOUND", "vacuum=off"),
        (["--yield", "transactions=soon"], "'soon' is no duration", "30s"),
    ],
)
def test_what_is_no_limit_exits_with_two_and_says_what_to_write(
    capsys: pytest.CaptureFixture[str], command: str, options: list[str], what: str, todo: str
) -> None:
    assert sendoka(["backfill", command, "fill", *options]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert what in said
    assert todo in said
    assert sendoka(["backfill", command, "fill", *options, "--json"]) == 2
    assert what in json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False)


def test_a_limit_is_shown_beside_the_rate_and_a_wait_with_its_bound(capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress("fill", 1, 500, 500, 500, 1000, 2000.0, 0.25, 1000, pace="2,000/s at most")
    with shown("fill", as_json=False) as show:
        show(told)
        show(Progress("fill", 1, 500, 500, 500, 1000, 2000.0, 0.25, 1000, "vacuum of messages is going on", 600.0))
    said = capsys.readouterr().out
    assert "2,000 rows/s (2,000/s at most)" in said
    assert "waiting: vacuum of messages is going on, for at most 10 min 00 s more" in said


@pytest.mark.parametrize(
    ("noted_ago", "batch_ago", "reason"),
    [(5.0, 60.0, HOURS), (5.0, None, HOURS), (5.0, 1.0, ""), (5.0, 2.0, "")],
)
def test_status_says_for_what_a_run_waits_until_its_next_batch(
    noted_ago: float, batch_ago: float | None, reason: str
) -> None:
    run = Run(1, "fill", 1, "", "running", None, "", "", None, None, HOURS, "elsewhere:1:a", None, None)
    shard, activity = (
        Shard("running", 1, 1, 5, None, None, None, 50, 50, 50, 50, 50, 50),
        Activity(None, batch_ago, noted_ago),
    )
    standing = standing_of(run, activity)
    assert (standing.state, standing.reason) == ("running", reason)
    facts = facts_of("fill", "", (run, shard, activity))
    waits = f", and waits: {reason}" if reason else ""
    assert lines_of(facts)[0] == f"fill: running by process 1 on elsewhere{waits}"
