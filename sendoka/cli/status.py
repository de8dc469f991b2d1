"""Show which migrations the database has, and which are pending."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect, place_of
from sendoka.cli._options import env_file_option, json_option, print_json, printable, run, say
from sendoka.cli._report import as_data
from sendoka.phrases import duration, moment
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.http.target import Target
    from sendoka.migrations.overview import StatusReport, StatusRow
    from sendoka.migrations.pushed import PushRow
    from sendoka.settings import Settings, Source

__all__ = ["status"]

COLUMNS = ("migration", "state", "applied", "took", "by", "checksum")

SPARE = ("checksum", "by", "took")
"""What a narrow terminal does without, in this order; then it does without the time of the day."""

TIME = re.compile(r" \d\d:\d\d:\d\d UTC$")
MINUTE = 60

STYLES = {"applied": "green", "pending": "yellow", "newer": "cyan", "running": "yellow"}

SUMMARY = {
    "applied": "up to date",
    "pending": "{pending} pending: run `sendoka migrate`",
    "newer": "the database is ahead of this folder: the code here is older",
    "running": "a migration was begun and is not finished: somebody is at it, or `sendoka migrate` goes on with it",
}


@click.command
@click.option("--exit-code", is_flag=True, help="Exit with 1 where a migration is pending or not finished.")
@env_file_option
@json_option
def status(exit_code: bool, env_file: Path | None, as_json: bool) -> int:
    """Show which migrations the database has, and which are pending.

    Says which database was asked and where its connection string was found; of each migration its state, when and by
    whom it was applied, how long that took, and its checksum. A narrow terminal shows less, a pipe and --json show all.
    One request, and nothing is changed.

    Exits with 0, also where something is pending; with 1 where the folder and the database differ in what was applied,
    and where a migration was begun and is not finished: what is wrong is said, and the way out.
    """
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    report, target = run(_status(settings, source))
    unfinished = any(row.state in {"pending", "running"} for row in report.rows)
    if as_json:
        print_json(
            {"host": place_of(target), "database": target.database, "source": source.name, "state": report.state}
            | {"pending": report.pending, "migrations": [asdict(row) for row in report.rows]}
            | {"pushed": _pushed(report.pushed)}
            | {"problem": None if report.problem is None else as_data(report.problem)}
        )
    else:
        _show(report, target, source)
    return 1 if report.problem is not None or (exit_code and unfinished) else 0


async def _status(settings: Settings, source: Source) -> tuple[StatusReport, Target]:
    from sendoka.migrations.overview import status as ask

    async with connect(source) as sql:
        return await ask(sql, settings.migrations), sql.target


def _show(report: StatusReport, target: Target, source: Source) -> None:
    say(printable(f"{target.database} at {place_of(target)} (DATABASE_URL from {source.name})"))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if report.pushed is not None:
        say(printable(f"pushed {moment(report.pushed.at)} by {report.pushed.by}, schema {_version(report.pushed)}"))
    if report.rows:
        for line in _table([COLUMNS, *(_cells(row) for row in report.rows)], width):
            say(line)
    else:
        say("no migration yet, neither here nor in the database: `sendoka generate` writes one from schema/")
        return
    if report.problem is None:
        say(SUMMARY[report.state].format(pending=report.pending))
        return
    first, *rest = (printable(line) for line in str(report.problem).splitlines())
    say(click.style(first, fg="red"))
    for line in rest:
        say(line, dim=True)


def _pushed(row: PushRow | None) -> dict[str, Any] | None:
    return None if row is None else {"digest": row.digest, "at": row.at, "by": row.by}


def _version(row: PushRow) -> str:
    return row.digest[:12] if row.digest else "not reached: the push went only part of its way"


def _cells(row: StatusRow) -> tuple[str, ...]:
    since = "since " if row.state == "running" else ""
    cells = (
        row.name,
        row.state,
        since + moment(row.applied_at) if row.applied_at else "",
        "" if row.seconds is None else f"{row.seconds:.2f} s" if row.seconds < MINUTE else duration(row.seconds),
        row.applied_by or "",
        row.checksum[:12],
    )
    return tuple(printable(cell) for cell in cells)


def _table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return aligned lines: whole cells, fewer columns where they are wider than `width`, no blanks at the ends."""
    widths = {name: max(len(row[at]) for row in rows) for at, name in enumerate(COLUMNS)}
    for name in SPARE:
        if width is not None and _total(widths) > width:
            del widths[name]
    if width is not None and _total(widths) > width:
        rows = [tuple(TIME.sub("", cell) for cell in row) for row in rows]
        widths["applied"] = max(len(row[COLUMNS.index("applied")]) for row in rows)
    return [_line(dict(zip(COLUMNS, row, strict=True)), widths) for row in rows]


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


def _line(cells: dict[str, str], widths: dict[str, int]) -> str:
    line = "  ".join(cells[name].ljust(width) for name, width in widths.items()).rstrip()
    state = cells["state"]
    if state == "state":
        return line
    at = widths["migration"] + 2
    return line[:at] + click.style(state, fg=STYLES.get(state, "red")) + line[at + len(state) :]
