"""Change data in batches, each exactly once: run, status, list."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect
from sendoka.cli._options import Number, Whole, env_file_option, json_option, moment, print_json, run, say
from sendoka.cli._progress import counted, duration, say_report, shown, why_stopped
from sendoka.cli._subcommands import Subcommands
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sendoka.backfills import Backfill, Progress, RunReport
    from sendoka.backfills.checkpoint import Activity, Run, Shard
    from sendoka.settings import Source

    Found = tuple[Run, Shard, Activity]

__all__ = ["backfill"]

_INTERRUPTED = 130


@click.group(cls=Subcommands, invoke_without_command=True)
@click.pass_context
def backfill(ctx: click.Context) -> None:
    """Run the scripts of backfill/, and see how far they are."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@backfill.command("run")
@click.argument("name")
@click.option("--batch-size", type=Whole(min=1), metavar="N", help="Rows a batch, instead of adapting.")
@click.option("--deadline", type=Number(min=0, min_open=True), metavar="S", help="Stop after S seconds.")
@click.option("--accept-change", is_flag=True, help="Go on although the script changed since the run began.")
@click.option("--again", is_flag=True, help="Start a new run where it is done and rows satisfy where= again.")
@env_file_option
@json_option
def _run_command(
    name: str,
    batch_size: int | None,
    deadline: float | None,
    accept_change: bool,
    again: bool,
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
    options: dict[str, Any] = {"batch_size": batch_size, "deadline": deadline}
    options |= {"accept_change": accept_change, "again": again}
    with shown(chosen.name, as_json=as_json) as show:
        report = run(_run(source, chosen, options, show))
    print_json(asdict(report)) if as_json else say_report(report)
    return 0 if report.done else _INTERRUPTED


async def _run(
    source: Source, chosen: Backfill, options: dict[str, Any], show: Callable[[Progress], None]
) -> RunReport:
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
    runs = {found[0].name: found for found in run(_runs(find_source(settings, env_file=env_file)))}
    names = sorted({*scripts, *runs})
    if name is not None and name not in names:
        raise unknown(name, names, "in the database")
    rows = [_facts(each, scripts.get(each), runs.get(each)) for each in names if name in {None, each}]
    if as_json:
        print_json({"backfills": rows})
    else:
        _say_status(rows)
    return 0


async def _runs(source: Source) -> list[Found]:
    from sendoka.backfills.checkpoint import list_runs

    async with connect(source) as sql:
        return await list_runs(sql)


def _facts(name: str, checksum: str | None, found: Found | None) -> dict[str, Any]:
    """Return the facts of one backfill, called as in a RunReport: its run, if any, and what became of its script."""
    from sendoka.backfills.standing import standing_of

    script = "gone" if checksum is None else "unchanged"
    if found is None:
        return {"name": name, "state": "not started", "script": script}
    began, totals, activity = found
    standing = standing_of(began, activity)
    if checksum not in {None, began.checksum}:
        script = "changed"
    return {
        "name": name,
        "run": began.number,
        **asdict(standing),
        "script": script,
        "scanned": totals.scanned,
        "changed": totals.changed,
        "unchanged": max(0, totals.paged - totals.changed),
        "passes": totals.pass_number,
        "batches": totals.seq,
        "total": began.total,
        "cursor": totals.cursor,
        "started_at": began.started_at,
        "started_by": began.started_by,
        "finished_at": began.finished_at,
        "finished_by": began.finished_by,
    }


def _say_status(rows: list[dict[str, Any]]) -> None:
    if not rows:
        say("there are no backfills")
    for facts in rows:
        script = "" if facts["script"] == "unchanged" else f" · script {facts['script']}"
        say(f"{facts['name']}: {_state(facts)}{script}")
        if "run" in facts:
            for line in _details(facts):
                say(f"  {line}", dim=True)


def _state(facts: dict[str, Any]) -> str:
    state, reason = str(facts["state"]), facts.get("reason")
    if state == "running":
        return state + (f" by {facts['runner']}" if facts["runner"] else "")
    return f"{state}: {why_stopped(reason)}" if reason else state


def _details(facts: dict[str, Any]) -> Iterator[str]:
    done = facts["state"] == "done"
    of = f" of about {facts['total']:,}" if facts["total"] and not done else ""
    scanned = f"{facts['scanned']:,}{of} rows scanned · {facts['changed']:,} changed"
    yield f"pass {facts['passes']} · {scanned} · {counted(facts['batches'], 'batch')}"
    if facts["batch_ago"] is not None and not done:
        yield f"last batch {duration(facts['batch_ago'])} ago"
    yield f"started {moment(facts['started_at'])} by {facts['started_by']}"
    if done:
        yield f"done {moment(facts['finished_at'])} by {facts['finished_by']}"
    elif facts["state"] != "running":
        yield _how_on(facts)


def _how_on(facts: dict[str, Any]) -> str:
    if facts["script"] == "gone":
        return "it cannot go on without its script: restore the file"
    accept = " --accept-change" if facts["script"] == "changed" and facts["batches"] else ""
    return f"go on: sendoka backfill run {facts['name']}{accept}"


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
    except (SyntaxError, ValueError):  # null bytes, or not UTF-8
        return "not Python"
