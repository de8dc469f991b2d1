"""How a backfill stands, as facts for programs and as lines for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sendoka.cli._options import printable
from sendoka.cli._progress import left_out, why_stopped
from sendoka.cli._shards import chosen, line_of, states_of
from sendoka.phrases import counted, duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.backfills.overview import Activity
    from sendoka.backfills.report import ShardProgress
    from sendoka.backfills.runs import Run
    from sendoka.backfills.shards import Shard

    Found = tuple[Run, Shard, Activity]

__all__ = ["OVER", "facts_of", "lasting", "lines_of", "shard_lines"]

OVER = frozenset({"done", "cancelled"})
"""The states that nothing leads out of but a new run."""

_FLEETING = frozenset({"rate", "seconds_left", "lease"})


def facts_of(name: str, checksum: str | None, found: Found | None) -> dict[str, Any]:
    """Return the facts of one backfill, called as in a RunReport: its run, if any, and what became of its script."""
    from sendoka.backfills.standing import shards_of, standing_of

    script = "gone" if checksum is None else "unchanged"
    if found is None:
        return {"name": name, "state": "not started", "script": script}
    began, totals, activity = found
    standing = standing_of(began, activity)
    if checksum not in {None, began.checksum}:
        script = "changed"
    shards = shards_of(activity, standing)
    rate = activity.rate if standing.state == "running" and not standing.reason else None
    left = max(0, began.total - totals.pass_scanned) / rate if rate and began.total is not None else None
    return {
        "name": name,
        "run": began.number,
        **asdict(standing),
        "script": script,
        "scanned": totals.scanned,
        "changed": totals.changed,
        "unchanged": max(0, totals.paged - totals.changed - activity.dead),
        "dead": activity.dead,
        "passes": totals.pass_number,
        "batches": totals.seq,
        "total": began.total,
        "rate": rate,
        "seconds_left": left,
        "cursor": totals.cursor,
        "revision": began.revision,
        "started_at": began.started_at,
        "started_by": began.started_by,
        "finished_at": began.finished_at,
        "finished_by": began.finished_by,
        "shards": [_facts_of(shard) for shard in shards],
    }


def _facts_of(shard: ShardProgress) -> dict[str, Any]:
    """Return the facts of a shard that can be known from outside."""
    return {name: value for name, value in asdict(shard).items() if name not in {"here", "waiting"}}


def lasting(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that do not change by themselves: how long ago something was says nothing new."""
    told = {name: value for name, value in facts.items() if name not in {"batch_ago", *_FLEETING}}
    shards = facts.get("shards", ())
    return told | {"shards": [{name: each[name] for name in each.keys() - _FLEETING} for each in shards]}


def lines_of(facts: dict[str, Any]) -> list[str]:
    """Return the lines for people: how it stands, and what belongs to its run, indented."""
    script = "" if facts["script"] == "unchanged" else f" · script {facts['script']}"
    first = f"{facts['name']}: {_state(facts)}{script}"
    return [printable(line) for line in (first, *(f"  {line}" for line in _details(facts)))]


def shard_lines(facts: dict[str, Any], room: int, width: int | None) -> list[str]:
    """Return the lines of the shards of a run that is not over: as many as there is room for, and of so many columns.

    Those that somebody is at come first; the others are in the numbers of `lines_of`.
    """
    from sendoka.backfills.report import ShardProgress

    if facts["state"] in {*OVER, "not started"} or len(facts["shards"]) < 2:
        return []
    shards = [ShardProgress(**each) for each in facts["shards"]]
    within = None if width is None else width - 4
    return [f"    {line_of(shard, within)}" for shard in chosen(shards, room)]


def _state(facts: dict[str, Any]) -> str:
    state, reason = str(facts["state"]), facts.get("reason")
    if state == "running":
        by = f" by {facts['runner']}" if facts["runner"] else ""
        return f"{state}{by}, and waits: {reason}" if reason else state + by
    if state in {"paused", "cancelled"}:
        return f"{state} {reason}"
    return f"{state}: {why_stopped(reason)}" if reason else state


def _details(facts: dict[str, Any]) -> Iterator[str]:
    if "run" not in facts:
        return
    over = facts["state"] in OVER
    of = f" of about {facts['total']:,}" if facts["total"] and facts["state"] != "done" else ""
    scanned = f"{facts['scanned']:,}{of} rows scanned · {facts['changed']:,} changed"
    speed = f" · {facts['rate']:,.0f} rows/s" if facts["rate"] else ""
    if facts["seconds_left"] is not None:
        speed += f" · {duration(facts['seconds_left'])} left"
    yield f"pass {facts['passes']} · {scanned} · {counted(facts['batches'], 'batch')}{speed}"
    if len(facts["shards"]) > 1:
        yield _shards(facts["shards"], over=over)
    if facts["batch_ago"] is not None and not over:
        yield f"last batch {duration(facts['batch_ago'])} ago"
    elif not over:
        yield "no batch is done yet"
    if facts["dead"]:
        yield f"{left_out(facts['dead'])}; see why: sendoka backfill retry-dead {facts['name']} --list"
    yield f"started {moment(facts['started_at'])} by {facts['started_by'] or 'somebody'}"
    if facts["state"] == "done":
        yield f"done {moment(facts['finished_at'])} by {facts['finished_by'] or 'somebody'}"
    elif facts["state"] != "running":
        yield _how_on(facts)


def _shards(shards: list[dict[str, Any]], *, over: bool) -> str:
    from sendoka.backfills.report import ShardProgress

    states = "" if over else f": {states_of([ShardProgress(**each) for each in shards])}"
    return f"{counted(len(shards), 'shard')}{states}"


def _how_on(facts: dict[str, Any]) -> str:
    if facts["script"] == "gone":
        return "it cannot go on without its script: restore the file"
    if facts["state"] == "paused":
        return f"go on: sendoka backfill resume {facts['name']}"
    if facts["state"] == "cancelled":
        return f"a new run: sendoka backfill run {facts['name']} --again"
    accept = " --accept-change" if facts["script"] == "changed" and facts["batches"] else ""
    return f"go on: sendoka backfill run {facts['name']}{accept}"
