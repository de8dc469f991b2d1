"""Show what a backfill would do, and change nothing."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Whole, env_file_option, json_option, print_json, printable, run, say
from sendoka.cli._progress import ORDERS
from sendoka.cli.backfill._pace import pace_of, pace_options
from sendoka.phrases import counted, duration
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.backfills import Backfill, Outlook
    from sendoka.backfills.outlook import Trial
    from sendoka.backfills.sharding import Sharding
    from sendoka.settings import Source

__all__ = ["plan"]

_WIDTH = 80
_LABEL = 10
"""Columns of a line, and of what stands in front of it."""

_ENDS = 4
"""Shards whose ends are shown; --json has all."""


@click.command
@click.argument("name")
@click.option("--batch-size", type=Whole(min=1), metavar="N", help="Rows a batch, instead of adapting.")
@click.option("--order", type=click.Choice(ORDERS), help="Walk in this order, not the one that suits the table.")
@click.option("--workers", type=Whole(min=1), metavar="N", help="Say into which shards it is split for N workers.")
@click.option("--shards", type=Whole(min=1), metavar="N", help="Say where N shards of the table begin and end.")
@pace_options
@env_file_option
@json_option
def plan(
    name: str,
    batch_size: int | None,
    order: str | None,
    workers: int | None,
    shards: int | None,
    env_file: Path | None,
    as_json: bool,
    **pace: Any,
) -> int:
    """Show what a backfill would do, and change nothing.

    Told are its rows, order, index, time, triggers and locks; with --workers or --shards also how many rows each shard
    would have, in which way the table is split, where, and how much larger than the mean the largest is.

    One batch in SQL is done and undone, and its change is tried on a few rows from all over the table; both hold their
    rows for that moment, and nothing of them stays but the numbers that sequences gave. A step in Python is not called.
    Exits with 1 where something keeps the backfill from being done.
    """
    from sendoka.backfills.scripts import load

    options = {"batch_size": batch_size, "order": order, "workers": workers or 1, "shards": shards, **pace_of(**pace)}
    settings = read_settings()
    chosen = load(settings.backfill, name)
    found = run(_plan(find_source(settings, env_file=env_file), chosen, options))
    print_json(asdict(found)) if as_json else _say(found)
    return 1 if found.problems else 0


async def _plan(source: Source, chosen: Backfill, options: dict[str, Any]) -> Outlook:
    from sendoka.backfills import plan as find_out

    async with connect(source) as sql:
        return await find_out(sql, chosen, **options)


def _say(found: Outlook) -> None:
    what = "one statement in SQL a batch" if found.form == "sql" else "a step in Python over pages"
    say(printable(f"{found.name}: {found.table}, {what}; {found.state}"))
    for label, text in _lines(found):
        for place, line in enumerate(textwrap.wrap(printable(text), _WIDTH - _LABEL - 2) or [""]):
            say(f"  {label if place == 0 else '':<{_LABEL}}{line}")
    if not found.problems:
        say(f"nothing was changed; {_how(found)}")


def _how(found: Outlook) -> str:
    if found.state == "paused":
        return f"it is paused, let it go on: sendoka backfill resume {found.name}"
    again = " --again" if found.state in {"done", "cancelled"} else ""
    accept = " --accept-change" if found.script_changed else ""
    return f"do it: sendoka backfill run {found.name}{again}{accept}"


def _lines(found: Outlook) -> Iterator[tuple[str, str]]:
    if found.after:
        yield "after", ", ".join(found.after)
    yield "rows", _rows(found)
    strides = f", in {found.strides} strides" if found.strides > 1 else ""
    yield "order", f"{found.order}: by ({', '.join(found.by)}){strides}"
    yield "", found.why
    yield "index", found.index or "none is used: the table is read, and sorted"
    yield "pages", f"first {_page(found.first_page)}"
    if found.last_page or not found.first_page:
        yield "", f"last {_page(found.last_page)}"
    yield "batches", _batches(found)
    for place, text in enumerate(_shards(found.shards) if found.shards.number > 1 else ()):
        yield "" if place else "shards", text
    for place, text in enumerate(found.pace):
        yield "" if place else "pace", text
    for text in found.busy:
        yield "waits now", text
    if found.trial is not None:
        yield from _trial(found.trial)
    changed = ("its script changed since its run was begun",) if found.script_changed else ()
    for label, texts in (("warning", (*found.warnings, *changed)), ("problem", found.problems)):
        for text in texts:
            yield label, text


def _rows(found: Outlook) -> str:
    rows = "unknown" if found.rows is None else f"about {found.rows:,}"
    if found.rows_by == "planner":
        rows += " as the planner expects of source="
    if found.matching is None:
        return rows
    return f"{rows}, of which about {found.matching:,} satisfy where=, by a sample of {found.sampled:,}"


def _page(ends: tuple[tuple[Any, ...], ...]) -> str:
    if not ends:
        return "none, the table is empty"
    return " to ".join(", ".join(str(value) for value in end) for end in (ends[0], ends[-1]))


def _batches(found: Outlook) -> str:
    size = counted(found.batch_size, "row")
    if found.batches is None:
        return f"of {size}"
    alone = " by one worker" if found.shards.number > 1 else ""
    yet = "" if found.state in {"not started", "done", "cancelled"} else " to come"
    time = f", about {duration(found.seconds)}{alone}" if found.seconds is not None else ", beside the time of the step"
    return f"{found.batches:,} of {size}{yet}{time if found.trial and found.trial.scanned else ''}"


_WAYS = {
    "kept": "that the run has by now, and goes on with",
    "every key": "split by every key",
    "histogram": "split by the histogram of the key",
    "sample": "split by a sample of its pages",
}


def _shards(found: Sharding) -> Iterator[str]:
    rows = [each for each in found.rows if each is not None]
    each = f" of about {sum(rows) // len(rows):,} rows each" if rows else ""
    yield f"{found.number}{each}, {_WAYS[found.way]}"
    if found.way in {"histogram", "sample"} and found.balance is not None:
        yield f"the largest has {found.balance:.2f} times as many as the mean, by another sample"
    ends = [", ".join(str(value) for value in bound) for bound in found.bounds]
    shown = ends if len(ends) <= _ENDS else [*ends[: _ENDS - 1], "…", ends[-1]]
    yield f"they end at {'; '.join(shown)}; and with the table"


def _trial(trial: Trial) -> Iterator[tuple[str, str]]:
    done = "its page was read" if trial.changed is None else f"{trial.changed:,} changed, all undone"
    counts = f"{counted(trial.scanned, 'row')} scanned, {trial.paged:,} of them satisfy where=, {done}"
    yield "one batch", f"{counts}; {trial.seconds * 1000:,.1f} ms"
    for line in trial.explain:
        yield "", line
    yield "locks", "; ".join(_locks(trial))


def _locks(trial: Trial) -> Iterator[str]:
    """Name each table with its locks; that it is read is said where nothing else is."""
    held: dict[str, list[str]] = {}
    for lock in trial.locks:
        table, _, mode = lock.rpartition(": ")
        held.setdefault(table, []).append(mode)
    for table, modes in held.items():
        yield f"{table}: {', '.join([mode for mode in modes if mode != 'AccessShareLock'] or modes)}"
    if trial.changed is not None:
        yield f"{counted(trial.paged, 'row')} for no key update"
