"""Count what a backfill leaves to be done, and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, print_json, run, say
from sendoka.cli._progress import left_out
from sendoka.phrases import counted
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.backfills import Backfill
    from sendoka.settings import Source

__all__ = ["verify_command"]


@click.command
@click.argument("name")
@env_file_option
@json_option
def verify_command(name: str, env_file: Path | None, as_json: bool) -> int:
    """Count the rows that the backfill NAME leaves to be done.

    It asks the query of its verify=, or else counts the rows that satisfy where=. It changes nothing, whether the
    backfill was run or not. Exits with 1 where rows are left.
    """
    from sendoka.backfills.scripts import load

    settings = read_settings()
    chosen = load(settings.backfill, name)
    left, dead = run(_left(find_source(settings, env_file=env_file), chosen))
    if as_json:
        print_json({"name": chosen.name, "left": left, "dead": dead, "by": "verify" if chosen.verify else "where"})
    elif left == 0:
        say(f"{chosen.name}: nothing is left to be done")
    elif chosen.verify:
        say(f"{chosen.name}: verify= counts {left:,} left to be done")
    else:
        say(f"{chosen.name}: {counted(left, 'row')} {'satisfies' if left == 1 else 'satisfy'} where=")
    if dead and not as_json:
        say(f"{left_out(dead)} by its run: sendoka backfill retry-dead {chosen.name}")
    return 1 if left else 0


async def _left(source: Source, chosen: Backfill) -> tuple[int, int]:
    """Return how many rows are left, and how many dead letters the newest run has."""
    from sendoka.backfills import verify
    from sendoka.backfills.dead_letters import count_dead
    from sendoka.backfills.runs import find_run

    async with connect(source) as sql:
        left, found = await verify(sql, chosen), await find_run(sql, chosen.name)
        return left, await count_dead(sql, found.id) if found else 0
