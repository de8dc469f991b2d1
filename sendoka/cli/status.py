"""Show which migrations the database has, and which are pending."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, moment, print_json, run, say
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendoka.http.target import Target
    from sendoka.migrations.overview import StatusReport, StatusRow
    from sendoka.settings import Settings, Source

__all__ = ["status"]

COLUMNS = ("migration", "state", "applied", "took", "by", "checksum")

SPARE = ("checksum", "by", "took")
"""What a narrow terminal does without, in this order."""

STYLES = {"applied": "green", "pending": "yellow", "newer": "cyan"}

SUMMARY = {
    "applied": "up to date",
    "pending": "{pending} pending: run `sendoka migrate`",
    "newer": "the database is ahead of this folder: the code here is older",
    "running": "{running} was begun and is not finished: `sendoka migrate` says what to do",
    "altered": "a file was edited after it was applied: restore it (git checkout)",
    "forked": "the folder and the database went different ways: is this the right database, or branch?",
}


@click.command
@click.option("--exit-code", is_flag=True, help="Exit with 1 where a migration is pending.")
@env_file_option
@json_option
def status(exit_code: bool, env_file: Path | None, as_json: bool) -> int:
    """Show which migrations the database has, and which are pending.

    Says which database was asked and where its connection string was found. Exits with 1 where the folder and the
    database differ in what was applied, and where a migration was begun and is not finished.
    """
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    report, target = run(_status(settings, source))
    if as_json:
        print_json(
            {"host": _place(target), "database": target.database, "source": source.name, "state": report.state}
            | {"pending": report.pending, "migrations": [asdict(row) for row in report.rows]}
        )
    else:
        _show(report, target, source)
    broken = report.state in {"running", "altered", "forked"}
    return 1 if broken or (exit_code and report.pending) else 0


async def _status(settings: Settings, source: Source) -> tuple[StatusReport, Target]:
    from sendoka.migrations.overview import status as ask

    async with connect(source) as sql:
        return await ask(sql, settings.migrations), sql.target


def _place(target: Target) -> str:
    """Return the database's host, with the port where a local endpoint does not listen where it usually does."""
    from sendoka.http.target import LOCAL_PORT

    if not target.is_loopback or target.port == LOCAL_PORT:
        return target.database_host
    host = f"[{target.database_host}]" if ":" in target.database_host else target.database_host
    return f"{host}:{target.port}"


def _show(report: StatusReport, target: Target, source: Source) -> None:
    say(_plain(f"{target.database} at {_place(target)} (DATABASE_URL from {source.name})"))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    if report.rows:
        for line in _table([COLUMNS, *(_cells(row) for row in report.rows)], width):
            say(line)
    else:
        say("no migration yet, neither here nor in the database: `sendoka generate` writes one from schema/")
        return
    running = next((row.name for row in report.rows if row.state == "running"), "")
    say(SUMMARY[report.state].format(pending=report.pending, running=_plain(running)))


def _cells(row: StatusRow) -> tuple[str, ...]:
    since = "since " if row.state == "running" else ""
    cells = (
        row.name,
        row.state,
        since + moment(row.applied_at) if row.applied_at else "",
        "" if row.seconds is None else f"{row.seconds:.2f} s",
        row.applied_by or "",
        row.checksum[:12],
    )
    return tuple(_plain(cell) for cell in cells)


def _plain(text: str) -> str:
    """Return `text` without what a terminal would obey: it comes from a database, where anybody may have written it."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return aligned lines: whole cells, fewer columns where they are wider than `width`, no blanks at the ends."""
    widths = {name: max(len(row[at]) for row in rows) for at, name in enumerate(COLUMNS)}
    for name in SPARE:
        if width is not None and sum(widths.values()) + 2 * (len(widths) - 1) > width:
            del widths[name]
    return [_line(dict(zip(COLUMNS, row, strict=True)), widths) for row in rows]


def _line(cells: dict[str, str], widths: dict[str, int]) -> str:
    line = "  ".join(cells[name].ljust(width) for name, width in widths.items()).rstrip()
    state = cells["state"]
    if state == "state":
        return line
    at = widths["migration"] + 2
    return line[:at] + click.style(state, fg=STYLES.get(state, "red")) + line[at + len(state) :]
