"""How `sendoka backfill` shows what it does: a bar on a terminal, plain lines elsewhere, and sentences at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from sendoka.cli._options import console, printable, say
from sendoka.phrases import counted, duration, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import BarColumn
    from rich.progress import Progress as Bar

    from sendoka.backfills import Progress, RunReport

    Show = Callable[[Progress], None]

__all__ = ["ORDERS", "left_out", "say_report", "shown", "why_stopped"]

ORDERS = ("key", "created", "strided")
"""What `--order` takes: as `sendoka.backfills.declare` has it, which is loaded only to run one."""

_LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal."""

_LEAST = 10
_MOST = 40
"""Columns of the bar."""


def left_out(dead: int) -> str:
    """Return how many rows a run left out, as a clause."""
    return f"{counted(dead, 'row')} {_was(dead)} left out"


def why_stopped(reason: str) -> str:
    """Return the reason of a run that stopped, as a clause."""
    return {"deadline": "its deadline came", "interrupted": "it was interrupted"}.get(reason, reason)


@contextlib.contextmanager
def shown(name: str, *, as_json: bool) -> Iterator[Show]:
    """Give a function that shows progress: a bar on a terminal, else a line now and then, nothing with --json."""
    if as_json:
        yield lambda progress: None
    elif sys.stdout.isatty():
        with _bar(name) as bar:
            yield bar
    else:
        yield _Lines()


def _warn(progress: Progress) -> None:
    """Say what is to be known before the first batch, on stderr: whoever reads the other output reads facts."""
    for warning in progress.warnings:
        say(f"warning: {progress.name}: {printable(warning)}", err=True)


class _Lines:
    """Progress as plain lines: the first at once, then one every two seconds; why it waits is said once."""

    def __init__(self) -> None:
        self._next = 0.0
        self._waiting = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.warnings:
            _warn(progress)
        elif progress.waiting and progress.waiting != self._waiting:
            say(f"{progress.name}: {_waits(progress)}")
        elif not progress.waiting and now >= self._next:
            say(f"{progress.name}: {_facts(progress)}")
            self._next = now + _LINE_EVERY
        self._waiting = progress.waiting


def _waits(progress: Progress) -> str:
    left = "" if progress.waiting_left is None else f", for at most {duration(progress.waiting_left)} more"
    return f"waiting: {progress.waiting}{left}"


def _facts(progress: Progress) -> str:
    return " · ".join([_scanned(progress), f"{progress.changed:,} changed", *_speed(progress)])


def _speed(progress: Progress) -> list[str]:
    rate, left = progress.rate, progress.seconds_left
    rows = [] if rate is None else [f"{rate:,.0f} rows/s" + (f" ({progress.pace})" if progress.pace else "")]
    return rows if left is None else [*rows, f"{duration(left)} left"]


def _scanned(progress: Progress) -> str:
    of = f" of about {progress.total:,}" if progress.total else ""
    number = f"pass {progress.pass_number}: " if progress.pass_number > 1 else ""
    return f"{number}{progress.pass_scanned:,}{of} rows scanned"


# ------------------------------------------------------------------ the bar


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Show]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    screen = console()
    line = BarColumn(bar_width=_LEAST)
    facts = TextColumn("{task.fields[facts]}", markup=False, table_column=Column(no_wrap=True))
    columns = (TextColumn("{task.description}", markup=False), line, TaskProgressColumn(), facts)
    with Bar(*columns, console=screen) as bar:
        yield _Bar(bar, line, _cut(name, max(_LEAST, screen.width // 3)))


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


class _Bar:
    """Progress on one line of the terminal; the reason of a wait is written above it, once."""

    def __init__(self, bar: Bar, line: BarColumn, name: str) -> None:
        self._bar = bar
        self._line = line
        self._name = name
        self._task = bar.add_task(name, total=None, facts="")
        self._waiting = ""

    def __call__(self, progress: Progress) -> None:
        for warning in progress.warnings:
            self._bar.console.print(f"warning: {printable(warning)}", markup=False)
        if progress.warnings:
            return
        if progress.waiting and progress.waiting != self._waiting:
            self._bar.console.print(f"waiting: {progress.waiting}", markup=False, style="dim")
        self._waiting = progress.waiting
        # The table may have grown since it was counted; a bar over its end would look wrong.
        total = max(progress.total, progress.pass_scanned) if progress.total else None
        facts = self._beside(progress)
        self._line.bar_width = max(_LEAST, min(_MOST, self._room - len(facts)))
        self._bar.update(self._task, completed=progress.pass_scanned, total=total, facts=facts)

    @property
    def _room(self) -> int:
        """The columns for the bar and the facts: what the name, the percentage and the gaps leave."""
        return self._bar.console.width - len(self._name) - len("100%") - 3

    def _beside(self, progress: Progress) -> str:
        """Return the most that fits beside the shortest bar; the speed is always said."""
        if progress.waiting:
            return "waiting" if progress.waiting_left is None else f"waiting {duration(progress.waiting_left)}"
        speed = _speed(progress)
        forms = [_facts(progress), " · ".join([_scanned(progress), *speed]), " · ".join(speed)]
        return next((form for form in forms if len(form) + _LEAST <= self._room), forms[-1])


# ------------------------------------------------------------------ the end


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
        say(f"{report.name} is {report.state} {report.reason}; so far {counts}")
        say(_AFTER[report.state].format(name=report.name))
        return
    passes = f" in {report.passes} passes" if report.passes > 1 else ""
    took = f"{counted(report.batches, 'batch')}{passes}, {duration(report.seconds)}"
    if not report.done:
        say(f"{report.name} stopped: {why_stopped(report.reason)}; so far {counts}; {took}")
        _say_how_on(report)
    elif report.here:
        say(f"{report.name} is done and verified: {counts}; {took}")
    else:
        others = f"{counts}; {counted(report.batches, 'batch')}{passes}"
        say(f"{report.name} is done and verified: {others}, all done by another runner")
    if report.unchanged > 0:
        say(
            f"{counted(report.unchanged, 'row')} satisfied where= and {_was(report.unchanged)} left alone by the change"
        )
    _say_dead(report)


def _say_dead(report: RunReport) -> None:
    if report.dead:
        say(f"{counted(report.dead, 'row')} could not be changed and {_was(report.dead)} left out")
        say(f"see why, and try them again after a correction: sendoka backfill retry-dead {report.name}")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _say_was_done(report: RunReport, counts: str) -> None:
    done = f"{report.name} was done {moment(report.finished_at)} by {report.finished_by or 'somebody'}: {counts}"
    if not report.left:
        say(done if report.dead else f"{done}; nothing to do")
    else:
        verb = "satisfies" if report.left == 1 else "satisfy"
        say(done)
        say(f"{counted(report.left, 'row')} {verb} where= again, and nothing was changed")
        say(f"start a new run for them: sendoka backfill run {report.name} --again")
    if report.script_changed:
        say("its script changed since; what it says now was never run")


def _say_how_on(report: RunReport) -> None:
    if report.reason == "deadline" and not report.here:
        say("no batch was done before the deadline; the next run begins with smaller ones, or give --deadline more")
    say(f"it goes on where it stands: sendoka backfill run {report.name}")
