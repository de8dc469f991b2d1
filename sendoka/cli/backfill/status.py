"""Show how far every backfill is, or one of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sendoka.cli._database import connect
from sendoka.cli._options import env_file_option, json_option, moment, print_json, run, say
from sendoka.cli._progress import counted, duration, why_stopped
from sendoka.settings import find_source, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sendoka.backfills.checkpoint import Activity, Run, Shard
    from sendoka.settings import Source

    Found = tuple[Run, Shard, Activity]

__all__ = ["status"]


@click.command
@click.argument("name", required=False)
@env_file_option
@json_option
def status(name: str | None, env_file: Path | None, as_json: bool) -> int:
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
