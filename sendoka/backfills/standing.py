"""What can truthfully be said of a run that somebody looks at from outside: whether it goes on, or how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka.backfills.overview import FRESH
from sendoka.backfills.owner import gone, shown

if TYPE_CHECKING:
    from sendoka.backfills.overview import Activity
    from sendoka.backfills.report import ShardProgress
    from sendoka.backfills.runs import Run

__all__ = ["Standing", "shards_of", "standing_of"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is `running`, `stopped`, `failed`, `paused`, `cancelled` or `done`; `runner` who runs it.

    `reason` is why it stopped or failed, by whom it was paused or cancelled, and for what it waits while it runs.

    `batch_ago` are the seconds since its last batch, None before the first.
    """

    state: str
    reason: str
    runner: str | None
    batch_ago: float | None


def standing_of(run: Run, activity: Activity) -> Standing:
    """Return how a run stands: a note of who was killed is missing, so its lease and its last batch speak too."""
    if run.over or run.state == "paused":
        return Standing(run.state, run.reason, None, activity.batch_ago)
    if activity.owner and not gone(activity.owner):
        return Standing("running", _waits(run, activity), shown(activity.owner), activity.batch_ago)
    if _goes_on(run, activity):
        by = shown(run.runner) if run.runner and run.state == "running" else None
        return Standing("running", _waits(run, activity), by, activity.batch_ago)
    if run.state == "running":
        return Standing("stopped", _silence(run, activity), None, activity.batch_ago)
    return Standing(run.state, run.reason, None, activity.batch_ago)


def shards_of(activity: Activity, standing: Standing) -> tuple[ShardProgress, ...]:
    """Return the shards of a run that stands so. The only one of a run in SQL has no lease, whoever runs it.

    Only what somebody is at is fast, as long as it does not wait.
    """
    shards, running = activity.shards, standing.state == "running"
    if running and len(shards) == 1 and shards[0].state == "free":
        shards = (replace(shards[0], state="running", holder=standing.runner or ""),)
    going = running and not standing.reason
    return tuple(
        each if going and each.state == "running" else replace(each, rate=None, seconds_left=None) for each in shards
    )


def _goes_on(run: Run, activity: Activity) -> bool:
    """Tell whether it moved of late: a batch since the last note, or the note that somebody began."""
    moved = activity.batch_ago is not None and activity.batch_ago < min(FRESH, activity.noted_ago)
    if run.state != "running":
        return moved  # one of several runners ended, and another goes on
    return (moved or activity.noted_ago < FRESH) and not (run.runner and gone(run.runner))


def _waits(run: Run, activity: Activity) -> str:
    """Return for what it waits: what was noted since the last batch."""
    since = activity.batch_ago is None or activity.noted_ago < activity.batch_ago
    return run.reason if run.state == "running" and since else ""


def _silence(run: Run, activity: Activity) -> str:
    """Say that nobody goes on with it, and for what its last runner waited then: hours that are closed, for one."""
    who, waits = shown(run.runner) if run.runner else "its runner", _waits(run, activity)
    what = f"{who} ended without a word" if run.runner and gone(run.runner) else f"nothing was heard of {who} of late"
    return f"{what}, while it waited: {waits}" if waits else what
