"""Run a backfill until it is done and verified."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Number, Whole, env_file_option, json_option, print_json, run, say
from sendoka.cli._progress import ORDERS, shown
from sendoka.cli._progress_end import say_report
from sendoka.cli._sentence import tell
from sendoka.cli.backfill._pace import pace_of, pace_options
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sendoka.backfills import Backfill, Progress, RunReport
    from sendoka.cli._progress import Show
    from sendoka.settings import Source

__all__ = ["run_command"]

_INTERRUPTED = 130

_AGAIN = 20.0
"""Seconds after which a wait that lasts has another line among the events: a night of closed hours has many seconds."""


@click.command
@click.argument("name")
@click.option("--batch-size", type=Whole(min=1), metavar="N", help="Rows a batch, instead of adapting.")
@click.option("--deadline", type=Number(min=0, min_open=True), metavar="S", help="Stop after S seconds.")
@click.option("--max-dead", type=Whole(min=0), metavar="N", help="Rows that may fail and be left out; by default 100.")
@click.option("--step-timeout", type=Number(min=0, min_open=True), metavar="S", help="Seconds a step may take a page.")
@click.option("--accept-change", is_flag=True, help="Go on although the script changed since the run began.")
@click.option("--again", is_flag=True, help="Start a new run where the last is cancelled, or done and rows are left.")
@click.option("--order", type=click.Choice(ORDERS), help="Walk in this order, not the one that suits the table.")
@click.option("--workers", type=Whole(min=1), metavar="N", help="Batches at once, each in a shard of its own.")
@click.option("--shards", type=Whole(min=1), metavar="N", help="Ranges into which a new run splits the table.")
@click.option("--no-vacuum", is_flag=True, help="Do not vacuum the table after every tenth of it.")
@click.option("--dask", metavar="ADDRESS", help="Let dask's workers do it, a shard a task: tcp://host:8786.")
@pace_options
@click.option(
    "--events", type=click.Choice(["json"]), help="Print one JSON line an event: warnings, batches, waits, the end."
)
@env_file_option
@json_option
def run_command(
    name: str,
    batch_size: int | None,
    deadline: float | None,
    max_dead: int | None,
    step_timeout: float | None,
    accept_change: bool,
    again: bool,
    order: str | None,
    workers: int | None,
    shards: int | None,
    no_vacuum: bool,
    dask: str | None,
    events: str | None,
    env_file: Path | None,
    as_json: bool,
    **pace: Any,
) -> int:
    """Run the backfill NAME until it is done and verified.

    It goes on where it stands, after a kill too. Ctrl-C finishes the batch, a second one stops at once; either way
    nothing is lost. Before the first batch of a new run it names the triggers that fire, and functions that are
    volatile. One that is done or cancelled says when and by whom, and changes nothing. One that somebody pauses
    meanwhile waits until it is resumed; one that is paused already is left alone. Exits with 130 where it stopped
    before it was done, for a deadline too.

    It makes room for others: for who waits for a lock, for old transactions, a vacuum of the table, standbys, Neon's
    storage, readers of the table. Each wait says why, and ends after a while; --yield NAME=off ends it at once. The
    names are locks, transactions, vacuum, replication, backpressure, latency, and all.

    A large table whose rows lie in the order of the walk is vacuumed after every tenth of it, where the role may do
    that, or it would grow to twice its size: --no-vacuum leaves it out.

    A row that the database or the step refuses is left out and kept as a dead letter: sendoka backfill retry-dead tries
    those again. A run may leave out --max-dead rows in all, and ten as long as no row went well. Exits with 1 where it
    is done but for such rows.

    With --workers 4 four batches are done at once, each in a shard of the table. A new run splits it into four shards a
    worker, or into --shards. Started on other machines too, all of them share its shards.

    With --dask tcp://host:8786 the workers of that scheduler of dask.distributed do it, a shard a task, and this
    command shows how they go. They are sent the script and the connection string, and need this version of Sendoka:
    pip install "sendoka[dask]". Where one dies another goes on with its shard. Exits with 3 where the scheduler, or
    its workers, cannot be had; the run is the same one with --dask and without.
    """
    if events and as_json:
        raise click.UsageError("--events prints a line an event, and --json one object: give one of them")
    if dask is not None and workers is not None:
        raise click.UsageError("--workers are of this process, and --dask has workers of its own: give one of them")
    from sendoka.backfills.scripts import load

    options: dict[str, Any] = {"batch_size": batch_size, "deadline": deadline, **pace_of(**pace)}
    settings = read_settings()
    chosen = load(settings.backfill, name)
    source = find_source(settings, env_file=env_file)
    options |= {"accept_change": accept_change, "again": again, "order": order, "vacuum": not no_vacuum}
    bounds = {"max_dead": max_dead, "step_timeout": step_timeout, "workers": workers, "shards": shards, "dask": dask}
    options |= {name: bound for name, bound in bounds.items() if bound is not None}
    try:
        with contextlib.nullcontext(_Events()) if events else shown(chosen.name, as_json=as_json) as show:
            report = run(_run(source, chosen, options, show))
    except KeyboardInterrupt:
        tell(f"stopped at once; it goes on where it stands: sendoka backfill run {chosen.name}", dim=True, err=True)
        return _INTERRUPTED
    if events:
        _line(report.state, report)
    elif as_json:
        print_json(asdict(report))
    else:
        say_report(report)
    return int(report.dead > 0) if report.done else _INTERRUPTED


class _Events:
    """Prints what it is told as one JSON line: `warnings`, a `batch`, or that it is `waiting`, now and then again."""

    def __init__(self) -> None:
        self._waits: dict[int | None, tuple[str, float]] = {}

    def __call__(self, progress: Progress) -> None:
        number = progress.shard.number if progress.shard else None
        if progress.warnings:
            _line("warnings", progress)
        elif not progress.waiting:
            self._waits.pop(number, None)
            if progress.shard:  # else it corrects what was told, which the last line says too
                _line("batch", progress)
        elif self._is_due(number, progress.waiting):
            _line("waiting", progress)

    def _is_due(self, number: int | None, why: str) -> bool:
        now, (before, at) = time.monotonic(), self._waits.get(number, ("", 0.0))
        if why == before and now < at + _AGAIN:
            return False
        self._waits[number] = (why, now)
        return True

    def say(self, text: str) -> None:
        say(text, dim=True, err=True)


def _line(event: str, told: Progress | RunReport) -> None:
    facts = asdict(told)
    if event in {"warnings", "waiting", "batch"}:
        del facts["shards"]  # of many shards each line would say the same; `shard` is the one that it is of
    print_json({"event": event, "at": datetime.now(UTC).isoformat(), **facts})


async def _run(source: Source, chosen: Backfill, options: dict[str, Any], show: Show) -> RunReport:
    from sendoka.backfills import run as run_backfill

    batches = "batch" if options.get("workers", 1) == 1 else "batches"
    with _stoppable(lambda: show.say(f"finishing the {batches}; Ctrl-C again stops at once")) as stop:
        async with connect(source) as sql:
            return await run_backfill(sql, chosen, stop=stop, on_progress=show, **options)


@contextlib.contextmanager
def _stoppable(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Give a question "stop?" that the first Ctrl-C, or SIGTERM, answers with yes; the second one cancels the task.

    tell: called at the first one.
    """
    asked: list[int] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal(number: int) -> None:
        asked.append(number)
        if len(asked) > 1 and task is not None:
            task.cancel()
        else:
            tell()

    with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows: there Ctrl-C stops at once
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
    try:
        yield lambda: bool(asked)
    except asyncio.CancelledError:
        raise (KeyboardInterrupt if asked else asyncio.CancelledError) from None
