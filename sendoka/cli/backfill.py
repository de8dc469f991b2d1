"""Change data in batches, each exactly once: run, status, list."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._options import connect, console, env_file_option, json_option, print_json, run, say
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sendoka.backfills import Backfill, Progress, RunReport
    from sendoka.backfills.checkpoint import Run, Shard
    from sendoka.settings import Source

    Show = Callable[[Progress], None]

__all__ = ["backfill"]

_INTERRUPTED = 130
_LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal."""


@click.group
def backfill() -> None:
    """Run the scripts of backfill/, and see how far they are."""


@backfill.command("run")
@click.argument("name")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Rows a batch, instead of adapting.")
@click.option("--deadline", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Stop after S seconds.")
@click.option("--accept-change", is_flag=True, help="Go on although the script changed since the run began.")
@env_file_option
@json_option
def _run_command(
    name: str,
    batch_size: int | None,
    deadline: float | None,
    accept_change: bool,
    env_file: Path | None,
    as_json: bool,
) -> int:
    """Run the backfill NAME until it is done and verified.

    It goes on where it stands, after a kill too. Ctrl-C finishes the batch, a second one stops at once; either way
    nothing is lost. Exits with 130 where it stopped before it was done, for a deadline too.
    """
    from sendoka.backfills.scripts import load

    settings = read_settings()
    chosen = load(settings.backfill, name)
    source = find_source(settings, env_file=env_file)
    options: dict[str, Any] = {"batch_size": batch_size, "deadline": deadline, "accept_change": accept_change}
    with _shown(chosen.name, as_json=as_json) as show:
        report = run(_run(source, chosen, options, show))
    print_json(asdict(report)) if as_json else _say_report(report)
    return 0 if report.done else _INTERRUPTED


async def _run(source: Source, chosen: Backfill, options: dict[str, Any], show: Show) -> RunReport:
    from sendoka.backfills import run as run_backfill

    with _stoppable() as stop:
        async with connect(source) as sql:
            return await run_backfill(sql, chosen, stop=stop, on_progress=show, **options)


@contextlib.contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Give a question "stop?" that the first Ctrl-C, or SIGTERM, answers with yes; the second one cancels the task."""
    asked: list[int] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal(number: int) -> None:
        asked.append(number)
        if len(asked) > 1 and task is not None:
            task.cancel()
        else:
            say("finishing the batch; Ctrl-C again stops at once", dim=True, err=True)

    with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows: there Ctrl-C stops at once
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal, number)
    try:
        yield lambda: bool(asked)
    except asyncio.CancelledError:
        raise (KeyboardInterrupt if asked else asyncio.CancelledError) from None


# ------------------------------------------------------------------ progress


@contextlib.contextmanager
def _shown(name: str, *, as_json: bool) -> Iterator[Show]:
    """Give a function that shows progress: a bar on a terminal, else a line now and then, nothing with --json."""
    if as_json:
        yield lambda progress: None
    elif sys.stdout.isatty():
        with _bar(name) as show:
            yield show
    else:
        yield _Lines()


class _Lines:
    """Progress as plain lines: the first at once, then one every two seconds; why it waits is said once."""

    def __init__(self) -> None:
        self._next = 0.0
        self._waiting = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.waiting and progress.waiting != self._waiting:
            say(f"{progress.name}: waiting: {progress.waiting}")
        elif not progress.waiting and now >= self._next:
            say(_line(progress))
            self._next = now + _LINE_EVERY
        self._waiting = progress.waiting


def _line(progress: Progress) -> str:
    parts = [_scanned(progress), f"{progress.changed:,} changed"]
    if progress.rate is not None:
        parts.append(f"{progress.rate:,.0f} rows/s")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    return f"{progress.name}: " + " · ".join(parts)


def _scanned(progress: Progress) -> str:
    of = f" of about {progress.total:,}" if progress.total else ""
    number = f"pass {progress.pass_number}: " if progress.pass_number > 1 else ""
    return f"{number}{progress.pass_scanned:,}{of} rows scanned"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Show]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[facts]}"))
    with Bar(*columns, console=console()) as bar:
        task = bar.add_task(name, total=None, facts="")

        def show(progress: Progress) -> None:
            facts = _line(progress).partition(": ")[2]
            # The table may have grown since it was counted; a bar over its end would look wrong.
            total = max(progress.total, progress.pass_scanned) if progress.total else None
            bar.update(
                task,
                completed=progress.pass_scanned,
                total=total,
                facts=f"waiting: {progress.waiting}" if progress.waiting else facts,
            )

        yield show


def _say_report(report: RunReport) -> None:
    counts = f"{report.scanned:,} rows scanned, {report.changed:,} changed"
    if report.was_done:
        say(f"{report.name} was done {report.finished_at} by {report.finished_by}: {counts}; nothing to do")
        return
    passes = f" in {report.passes} passes" if report.passes > 1 else ""
    took = f"{report.batches:,} batches{passes}, {_duration(report.seconds)}"
    if report.done:
        say(f"{report.name} is done and verified: {counts}; {took}")
    else:
        why = "its deadline came" if report.reason == "deadline" else "it was interrupted"
        say(f"{report.name} stopped: {why}; so far {counts}; {took}")
        say(f"it goes on where it stands: sendoka backfill run {report.name}")
    if report.unchanged > 0:
        say(f"{report.unchanged:,} rows satisfied where= and were left alone by the change")


# ------------------------------------------------------------------ status and list


@backfill.command("status")
@click.argument("name", required=False)
@env_file_option
@json_option
def _status_command(name: str | None, env_file: Path | None, as_json: bool) -> int:
    """Show how far every backfill is, or the one called NAME."""
    from sendoka.backfills.scripts import checksums, unknown

    settings = read_settings()
    scripts = checksums(settings.backfill)
    runs = {found.name: (found, shard) for found, shard in run(_runs(find_source(settings, env_file=env_file)))}
    names = sorted({*scripts, *runs})
    if name is not None and name not in names:
        raise unknown(name, names, "in the database")
    rows = [_standing(each, scripts.get(each), runs.get(each)) for each in names if name in {None, each}]
    if as_json:
        print_json({"backfills": rows})
    else:
        _say_status(rows)
    return 0


async def _runs(source: Source) -> list[tuple[Run, Shard]]:
    from sendoka.backfills.checkpoint import list_runs

    async with connect(source) as sql:
        return await list_runs(sql)


def _standing(name: str, checksum: str | None, found: tuple[Run, Shard] | None) -> dict[str, Any]:
    """Return the facts of one backfill: its run, if there is one, and what became of its script."""
    facts: dict[str, Any] = {
        "name": name,
        "state": "not started",
        "script": "gone" if checksum is None else "unchanged",
    }
    if found is None:
        return facts
    began, shard = found
    if checksum not in {None, began.checksum}:
        facts["script"] = "changed"
    return facts | {
        "state": began.state,
        "pass": shard.pass_number,
        "batches": shard.seq,
        "scanned": shard.scanned,
        "changed": shard.changed,
        "total": began.total,
        "cursor": shard.cursor,
        "started_at": began.started_at,
        "started_by": began.started_by,
        "finished_at": began.finished_at,
        "finished_by": began.finished_by,
    }


def _say_status(rows: list[dict[str, Any]]) -> None:
    if not rows:
        say("there are no backfills")
    for facts in rows:
        say(
            f"{facts['name']}: {facts['state']}"
            + ("" if facts["script"] == "unchanged" else f" · script {facts['script']}")
        )
        if "pass" not in facts:
            continue
        of = f" of about {facts['total']:,}" if facts["total"] else ""
        say(f"  pass {facts['pass']} · {facts['scanned']:,}{of} rows scanned · {facts['changed']:,} changed", dim=True)
        say(f"  started {facts['started_at']} by {facts['started_by']}", dim=True)
        if facts["finished_at"]:
            say(f"  done {facts['finished_at']} by {facts['finished_by']}", dim=True)


@backfill.command("list")
@json_option
def _list_command(as_json: bool) -> int:
    """List the scripts of the backfill folder."""
    from sendoka.backfills.scripts import names

    folder = read_settings().backfill
    rows = [
        {"name": name, "file": f"{stem}.py", "about": _about(folder / f"{stem}.py")}
        for name, stems in names(folder).items()
        for stem in stems
    ]
    if as_json:
        print_json({"backfills": rows})
        return 0
    if not rows:
        say(f"there are no scripts in {folder}")
    for row in rows:
        say(f"{row['name']}  {row['about']}  ({row['file']})")
    return 0


def _about(file: Path) -> str:
    try:
        return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    except SyntaxError:
        return "not Python"
