"""Show what happened to the run of a backfill, when, and by whose hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Whole, env_file_option, json_option, print_json, printable, run, say
from sendoka.cli._progress import why_stopped
from sendoka.phrases import moment
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills.events import Event
    from sendoka.backfills.runs import Run
    from sendoka.settings import Source

__all__ = ["logs"]


@click.command
@click.argument("name")
@click.option("--run", "number", type=Whole(min=1), metavar="N", help="The run of this number, instead of the newest.")
@env_file_option
@json_option
def logs(name: str, number: int | None, env_file: Path | None, as_json: bool) -> int:
    """Show what happened to the backfill NAME, when, and by whom.

    Who began it, went on with it, accepted a changed script, stopped, paused, resumed or cancelled it, and when it was
    done. It is kept for good, of a script that is gone too.
    """
    found, events = run(_events(find_source(read_settings(), env_file=env_file), name, number))
    if as_json:
        facts = {"name": found.name, "run": found.number, "state": found.state}
        print_json({**facts, "events": [asdict(event) for event in events]})
        return 0
    for event in events:
        say(f"{moment(event.at)}  {printable(_line(event))}")
    return 0


def _line(event: Event) -> str:
    from sendoka.backfills.owner import shown
    from sendoka.backfills.revision import commit

    by = f"{event.event} by {event.operator or 'somebody'}"
    process = f" ({shown(event.runner)})" if event.runner else ""
    why = f": {why_stopped(event.detail)}" if event.detail else ""
    script = f" · script {event.checksum[:12]}" if event.checksum else ""
    revision = f" · git {commit(event.revision)}" if event.revision else ""
    return f"{by}{process}{why}{script}{revision}"


async def _events(source: Source, name: str, number: int | None) -> tuple[Run, list[Event]]:
    from sendoka.backfills.events import events_of
    from sendoka.backfills.log import known_run

    async with connect(source) as sql:
        found = await known_run(sql, name, number)
        return found, await events_of(sql, found.id)
