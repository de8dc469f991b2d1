"""Show how far every backfill is, or one of them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Number, console, env_file_option, json_option, print_json, run, say
from sendoka.cli.backfill._standing import OVER, facts_of, lasting, lines_of, shard_lines
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sendoka.database import Database
    from sendoka.settings import Source

    Rows = list[dict[str, Any]]

__all__ = ["status"]

_NONE = "there are no backfills"

_SHARDS = 20
"""Shards up to which all have a line."""


@click.command
@click.argument("name", required=False)
@click.option("--watch", is_flag=True, help="Show it again as it changes, until all is over or Ctrl-C.")
@click.option("--every", type=Number(min=0.1), metavar="S", help="Seconds between two looks of --watch, by default 1.")
@env_file_option
@json_option
def status(name: str | None, watch: bool, every: float | None, env_file: Path | None, as_json: bool) -> int:
    """Show how far every backfill is, or the one called NAME.

    Also scripts that were never run, and runs whose script is gone or was changed. With NAME each shard has a line: the
    rows scanned, changed and left out, who is at it and for how long that holds, its rate and time left. Of many shards
    those are shown that somebody is at; --json has all. With --watch it is shown again as it changes, until all of them
    are done or cancelled: on a terminal in place, elsewhere as lines, and with --json as one object a line.
    """
    if every and not watch:
        raise click.UsageError("--every is for --watch: give both, or neither")
    settings = read_settings()
    source = find_source(settings, env_file=env_file)
    if watch:
        live = sys.stdout.isatty() and not as_json
        with _in_place(one=name is not None) if live else _one_by_one(as_json=as_json) as show:
            run(_watch(source, settings.backfill, name, every or 1.0, show))
        return 0
    rows = run(_look(source, settings.backfill, name))
    if as_json:
        print_json({"backfills": rows})
    else:
        _say(rows, one=name is not None)
    return 0


async def _look(source: Source, folder: Path, name: str | None) -> Rows:
    async with connect(source) as sql:
        return await _rows(sql, folder, name)


async def _rows(sql: Database, folder: Path, name: str | None) -> Rows:
    from sendoka.backfills.overview import watch_runs
    from sendoka.backfills.scripts import checksums, unknown

    scripts = checksums(folder)
    runs = {found[0].name: found for found in await watch_runs(sql)}
    names = sorted({*scripts, *runs})
    if name is not None and name not in names:
        raise unknown(name, names, "in the database")
    return [facts_of(each, scripts.get(each), runs.get(each)) for each in names if name in {None, each}]


def _say(rows: Rows, *, one: bool) -> None:
    if not rows:
        say(_NONE)
    for facts in rows:
        first, *others = lines_of(facts)
        say(first)
        shards = shard_lines(facts, _SHARDS, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
        for line in [*others, *(shards if one else [])]:
            say(line, dim=True)


# ------------------------------------------------------------------ watching


async def _watch(source: Source, folder: Path, name: str | None, every: float, show: Callable[[Rows], None]) -> None:
    async with connect(source) as sql:
        while True:
            rows = await _rows(sql, folder, name)
            show(rows)
            if all(facts["state"] in OVER for facts in rows):
                return
            await asyncio.sleep(every)


@contextlib.contextmanager
def _in_place(*, one: bool) -> Iterator[Callable[[Rows], None]]:
    """Give a function that shows rows on the terminal, over what it showed before; of one its shards too."""
    from rich.live import Live
    from rich.text import Text

    screen = console()
    with Live(console=screen, auto_refresh=False) as live:

        def show(rows: Rows) -> None:
            lines = [line for facts in rows for line in lines_of(facts)] or [_NONE]
            if one:
                lines += shard_lines(rows[0], screen.height - len(lines) - 1, screen.width)
            live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield show


@contextlib.contextmanager
def _one_by_one(*, as_json: bool) -> Iterator[Callable[[Rows], None]]:
    """Give a function that prints the rows which changed since it was called last."""
    seen: dict[str, object] = {}

    def show(rows: Rows) -> None:
        if not rows and not as_json:
            say(_NONE)
        for facts in rows:
            told = lasting(facts)
            if seen.get(facts["name"]) == told:
                continue
            seen[facts["name"]] = told
            print_json(facts) if as_json else say("; ".join(line.strip() for line in lines_of(facts)[:2]))

    yield show
