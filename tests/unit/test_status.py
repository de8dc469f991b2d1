"""What `sendoka status` prints: whole names, aligned, obeyed by no terminal."""

from __future__ import annotations

import click
import pytest

from sendoka.cli._database import place_of
from sendoka.cli.status import COLUMNS, _cells, _line, _show, _table
from sendoka.errors import MigrationError
from sendoka.http.target import read_target
from sendoka.migrations.comparison import State
from sendoka.migrations.overview import StatusReport, StatusRow
from sendoka.settings import Source

NAME = "0042_a_name_of_many_words_that_is_longer_than_any_terminal_of_eighty_columns_would_like_it_to_be"
APPLIED = StatusRow(NAME, "applied", "ab" * 32, "2026-01-31T09:30:00.123456Z", 0.5, "ada, ada@mill")
RUNNING = StatusRow("0043_owl", "running", "cd" * 32, "2026-01-31T09:31:00.000000Z", None, "ada, ada@mill")
PENDING = StatusRow("0044_fox", "pending", "ef" * 32)
SOURCE = Source("the environment", "postgresql://u:p@localhost/db")


def printed(report: StatusReport, url: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    _show(report, read_target(url), SOURCE)
    return capsys.readouterr().out.splitlines()


def test_in_a_pipe_every_line_is_whole_and_ends_without_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    problem = MigrationError("0043_owl.sql is unfinished", where="begun by ada", todo="finish it\x1b[2J")
    report = StatusReport(State.RUNNING, (APPLIED, RUNNING, PENDING), None, problem)
    lines = printed(report, "postgresql://u:p@localhost/db", capsys)
    assert lines[0] == "db at localhost (DATABASE_URL from the environment)"
    assert lines[1].split() == list(COLUMNS)
    assert lines[2] == f"{NAME}  applied  2026-01-31 09:30:00 UTC        0.50 s  ada, ada@mill  {'ab' * 6}"
    assert "running  since 2026-01-31 09:31:00 UTC" in lines[3]
    assert lines[4].split() == ["0044_fox", "pending", "ef" * 6]
    assert lines[5:] == ["0043_owl.sql is unfinished", "begun by ada", "finish it�[2J"]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("width", "kept"),
    [
        (None, COLUMNS),
        (200, COLUMNS),
        (81, COLUMNS),
        (80, COLUMNS[:-1]),
        (66, COLUMNS[:-2]),
        (51, COLUMNS[:-3]),
        (10, COLUMNS[:-3]),
    ],
)
def test_a_narrow_terminal_does_without_the_checksum_first_and_never_cuts_a_name(
    width: int | None, kept: tuple[str, ...]
) -> None:
    row = StatusRow("0001_otter", "applied", "ab" * 32, "2026-01-31T09:30:00.1Z", 0.5, "ada@mill.home")
    head, line = _table([COLUMNS, _cells(row)], width)
    assert head.split() == list(kept)
    assert "0001_otter" in line


def test_the_narrowest_do_without_the_time_of_the_day() -> None:
    table = [COLUMNS, *(_cells(row) for row in (APPLIED, RUNNING, PENDING))]
    _, applied, running, pending = (click.unstyle(line) for line in _table(table, 60))
    assert applied == f"{NAME}  applied  2026-01-31"
    assert running.endswith("  running  since 2026-01-31")
    assert pending.endswith("  pending")


LENGTHS = [(None, ""), (0.004, "0.00 s"), (59.994, "59.99 s"), (185.0, "3 min 05 s"), (7800.0, "2 h 10 min")]


@pytest.mark.parametrize(("seconds", "shown"), LENGTHS)
def test_what_took_long_is_shown_in_minutes(seconds: float | None, shown: str) -> None:
    assert _cells(StatusRow("0001_otter", "applied", "", "", seconds))[3] == shown


@pytest.mark.parametrize("name", ["x[/y]", "[bold]x", "x[/]"])
def test_markup_in_the_name_of_a_database_is_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"postgresql://u:p@localhost/{name.replace('/', '%2F').replace('[', '%5B').replace(']', '%5D')}"
    assert printed(StatusReport(State.APPLIED, ()), url, capsys)[0].startswith(f"{name} at localhost ")


def test_control_signs_from_a_database_are_shown_and_not_obeyed() -> None:
    row = StatusRow("0001_otter", "applied", "", "", None, "ada\x1b[2J\n")
    assert _cells(row)[4] == "ada�[2J�"


def test_the_state_has_its_colour_and_its_place() -> None:
    line = _line(dict(zip(COLUMNS, _cells(PENDING), strict=True)), {"migration": 10, "state": 7})
    assert line == "0044_fox    \x1b[33mpending\x1b[0m"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:p@localhost/neondb", "localhost"),
        ("postgresql://u:p@localhost:4444/neondb", "localhost"),
        ("postgresql://u:p@localhost:4460/neondb", "localhost:4460"),
        ("postgresql://u:p@[::1]:4460/neondb", "[::1]:4460"),
        ("postgresql://u:p@ep-x.eu.aws.neon.tech:5432/neondb", "ep-x.eu.aws.neon.tech"),
    ],
)
def test_the_port_is_shown_where_it_is_not_the_usual_one(url: str, place: str) -> None:
    assert place_of(read_target(url)) == place
