"""Apply the pending migrations, each in one transaction, exactly once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sendoka.cli._options import connect, env_file_option, json_option, print_json, run, say
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.migrations.runner import MigrationReport
    from sendoka.settings import Settings, Source

__all__ = ["migrate"]


@click.command
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up waiting for other runners, locks and answers after this long.",
)
@env_file_option
@json_option
def migrate(deadline: float, env_file: Path | None, as_json: bool) -> int:
    """Apply the pending migrations, each in one transaction, exactly once.

    The whole folder and every applied checksum are verified first. Any number of runners may do this at once: one
    applies, the others wait and see it applied. A lost answer is settled by asking the database.
    """
    settings = read_settings()
    report = run(_migrate(settings, find_source(settings, env_file=env_file), deadline, quiet=as_json))
    if as_json:
        print_json(asdict(report))
    elif not report.applied:
        head = report.head or "an empty folder"
        say(f"nothing to do: the database is {'ahead of' if report.ahead else 'at'} {head}")
    else:
        others = [applied.name for applied in report.applied if not applied.by_us]
        for name in others:
            say(f"{name} was applied by another runner")
        say(f"done: the database is at {report.head}")
    return 0


async def _migrate(settings: Settings, source: Source, deadline: float, *, quiet: bool) -> MigrationReport:
    from sendoka.migrations.runner import migrate as apply

    async with connect(source) as sql:
        tell = None if quiet else say
        return await apply(sql, settings.migrations, verify=True, deadline=deadline, on_event=tell)
