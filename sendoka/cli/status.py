"""Show which migrations the database has, and which are pending."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sendoka.cli._options import connect, console, env_file_option, json_option, print_json, run
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.migrations.overview import StatusReport, StatusRow
    from sendoka.settings import Settings, Source

__all__ = ["status"]

STYLES = {"applied": "green", "pending": "yellow", "newer": "cyan"}


@click.command
@click.option("--exit-code", is_flag=True, help="Exit with 1 where a migration is pending.")
@env_file_option
@json_option
def status(exit_code: bool, env_file: Path | None, as_json: bool) -> int:
    """Show which migrations the database has, and which are pending.

    Says which database was asked and where its connection string was found. Exits with 1 where the folder and the
    database differ in what was applied.
    """
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    report, host, database = run(_status(settings, source))
    broken = report.state in {"altered", "forked"}
    if as_json:
        print_json(
            {"host": host, "database": database, "source": source.name, "state": report.state}
            | {"pending": report.pending, "migrations": [asdict(row) for row in report.rows]}
        )
    else:
        _show(report, host, database, source)
    return 1 if broken or (exit_code and report.pending) else 0


async def _status(settings: Settings, source: Source) -> tuple[StatusReport, str, str]:
    from sendoka.migrations.overview import status as ask

    async with connect(source) as sql:
        return await ask(sql, settings.migrations), sql.target.database_host, sql.target.database


def _show(report: StatusReport, host: str, database: str, source: Source) -> None:
    from rich.table import Table

    screen = console()
    screen.print(f"{database} at {host} [dim](DATABASE_URL from {source.name})[/dim]")
    if report.rows:
        table = Table("migration", "state", "applied", "took", "by", "checksum", box=None, pad_edge=False)
        for row in report.rows:
            table.add_row(*_cells(row))
        screen.print(table)
    screen.print(SUMMARY[report.state].format(pending=report.pending))


def _cells(row: StatusRow) -> list[str]:
    style = STYLES.get(row.state, "red")
    return [
        row.name,
        f"[{style}]{row.state}[/{style}]",
        (row.applied_at or "").partition(".")[0],
        "" if row.seconds is None else f"{row.seconds:.2f} s",
        row.applied_by or "",
        row.checksum[:12],
    ]


SUMMARY = {
    "applied": "up to date",
    "pending": "{pending} pending: run `sendoka migrate`",
    "newer": "the database is ahead of this folder: the code here is older",
    "altered": "a file was edited after it was applied: restore it (git checkout)",
    "forked": "the folder and the database went different ways: is this the right database, or branch?",
}
