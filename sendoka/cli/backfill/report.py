"""Write how a run of a backfill went, as one HTML page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Place, Whole, env_file_option, json_option, print_json, printable, run, say
from sendoka.errors import SettingsError
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from sendoka.backfills.timelines import Timeline
    from sendoka.settings import Source

__all__ = ["report"]


@click.command
@click.argument("name")
@click.option("--run", "number", type=Whole(min=1), metavar="N", help="The run of this number, instead of the newest.")
@click.option("--output", type=Place(), metavar="FILE", help="Where to write it; by default NAME-run-N.html, here.")
@env_file_option
@json_option
def report(name: str, number: int | None, output: Path | None, env_file: Path | None, as_json: bool) -> int:
    """Write how the backfill NAME went, as one HTML page.

    Rows a second and the time of a batch over the whole run, where it stood still and why, what happened and by whose
    hand, and the rows that were left out. The page needs nothing else, so it can be sent to whoever asks. With --json
    the same figures are printed, and no page is written unless --output is given.
    """
    from sendoka.backfills.html_report import html_report

    found = run(_timeline(find_source(read_settings(), env_file=env_file), name, number))
    if output is not None or not as_json:
        place = output or Path(f"{found.run.name}-run-{found.run.number}.html")
        _write(place, html_report(found))
        if not as_json:
            say(f"{printable(str(place))}: run {found.run.number} of {printable(found.run.name)}, {found.run.state}")
    if as_json:
        print_json(asdict(found))
    return 0


def _write(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(
            f"the report cannot be written: {error.strerror or error}",
            where=str(place),
            todo="give another place: --output FILE",
        ) from error


async def _timeline(source: Source, name: str, number: int | None) -> Timeline:
    from sendoka.backfills.timelines import timeline

    async with connect(source) as sql:
        return await timeline(sql, name, run=number)
