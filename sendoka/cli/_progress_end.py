"""How the end of a backfill's run is told: what it did, what is left, and how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.cli._progress import was, why_stopped
from sendoka.cli._sentence import tell
from sendoka.phrases import counted, duration, moment

if TYPE_CHECKING:
    from sendoka.backfills import RunReport

__all__ = ["say_report"]

_AFTER = {
    "paused": "no batch is done until: sendoka backfill resume {name}",
    "cancelled": "it ended for good; a new run: sendoka backfill run {name} --again",
}


def say_report(report: RunReport) -> None:
    """Print how a call ended: what the run did, what is left, and how to go on."""
    counts = f"{counted(report.scanned, 'row')} scanned, {report.changed:,} changed"
    if report.was_done:
        _say_was_done(report, counts)
        _say_dead(report)
        return
    if report.state in {"paused", "cancelled"}:
        tell(f"{report.name} is {report.state} {report.reason}; so far {counts}")
        tell(_AFTER[report.state].format(name=report.name))
        return
    passes = f" in {report.passes} passes" if report.passes > 1 else ""
    shards = f" in {len(report.shards)} shards" if len(report.shards) > 1 else ""
    took = f"{counted(report.batches, 'batch')}{shards}{passes}, {duration(report.seconds)}"
    if not report.done:
        tell(f"{report.name} stopped: {why_stopped(report.reason)}; so far {counts}; {took}")
        _say_how_on(report)
    elif report.here:
        tell(f"{report.name} is done and verified: {counts}; {took}")
    else:
        others = f"{counts}; {counted(report.batches, 'batch')}{passes}"
        tell(f"{report.name} is done and verified: {others}, all done by another runner")
    if report.unchanged > 0:
        tell(
            f"{counted(report.unchanged, 'row')} satisfied where= and {was(report.unchanged)} left alone by the change"
        )
    _say_dead(report)


def _say_dead(report: RunReport) -> None:
    if report.dead:
        tell(f"{counted(report.dead, 'row')} could not be changed and {was(report.dead)} left out")
        retry = f"sendoka backfill retry-dead {report.name}"
        tell(f"see why: {retry} --list; try them again after a correction: {retry}")


def _say_was_done(report: RunReport, counts: str) -> None:
    done = f"{report.name} was done {moment(report.finished_at)} by {report.finished_by or 'somebody'}: {counts}"
    if not report.left:
        tell(done if report.dead else f"{done}; nothing to do")
    else:
        verb = "satisfies" if report.left == 1 else "satisfy"
        tell(done)
        tell(f"{counted(report.left, 'row')} {verb} where= again, and nothing was changed")
        tell(f"start a new run for them: sendoka backfill run {report.name} --again")
    if report.script_changed:
        tell("its script changed since; what it says now was never run")


def _say_how_on(report: RunReport) -> None:
    if report.reason == "deadline" and not report.here:
        tell("no batch was done before the deadline; one that was too slow is smaller then, or give --deadline more")
    tell(f"it goes on where it stands: sendoka backfill run {report.name}")
