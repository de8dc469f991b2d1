"""How `sendoka backfill run` shows what it does: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Protocol

from sendoka.cli._options import printable, say
from sendoka.cli._shards import states_of
from sendoka.phrases import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.backfills import Progress, ShardProgress

__all__ = ["ORDERS", "Show", "Waits", "facts_of", "left_out", "scanned_of", "shown", "speed_of", "was", "why_stopped"]

ORDERS = ("key", "created", "strided")
"""What `--order` takes: as `sendoka.backfills.declare` has it, which is loaded only to run one."""

_LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal."""

_DUMB = frozenset({"dumb", "unknown"})
"""The terminals, by their `TERM`, on which nothing can be drawn in place."""


class Show(Protocol):
    """Shows the progress that it is told, and in between what else is to be said."""

    def __call__(self, progress: Progress) -> None: ...

    def say(self, text: str) -> None:
        """Say something where it is not drawn over."""


def left_out(dead: int) -> str:
    """Return how many rows a run left out, as a clause."""
    return f"{counted(dead, 'row')} {was(dead)} left out"


def why_stopped(reason: str) -> str:
    """Return the reason of a run that stopped, as a clause."""
    return {"deadline": "its deadline came", "interrupted": "it was interrupted"}.get(reason, reason)


@contextlib.contextmanager
def shown(name: str, *, as_json: bool) -> Iterator[Show]:
    """Give a function that shows progress: bars on a terminal, else a line now and then, nothing with --json."""
    if as_json:
        yield _Silent()
    elif sys.stdout.isatty() and os.environ.get("TERM") not in _DUMB:
        from sendoka.cli._progress_bars import bars

        with bars(name) as show:
            yield show
    else:
        yield _Lines()


def _warn(progress: Progress) -> None:
    """Say what is to be known before the first batch, on stderr: whoever reads the other output reads facts."""
    for warning in progress.warnings:
        say(f"warning: {progress.name}: {printable(warning)}", err=True)


class Waits:
    """For what the workers wait: each reason is said once, as long as one of them waits for it."""

    def __init__(self) -> None:
        self._known: dict[int | None, str] = {}

    def is_new(self, progress: Progress) -> bool:
        """Tell whether this is a wait that was not said yet."""
        before = set(self._known.values())
        at = {shard.number for shard in progress.shards if shard.here}
        number = progress.shard.number if progress.shard else None
        self._known = {each: why for each, why in self._known.items() if each in at and each != number}
        if progress.waiting:
            self._known[number] = progress.waiting
        return bool(progress.waiting) and progress.waiting not in before


class _Silent:
    """Says nothing but what is not of the progress."""

    def __call__(self, progress: Progress) -> None:
        pass

    def say(self, text: str) -> None:
        say(text, dim=True, err=True)


class _Lines(_Silent):
    """Progress as plain lines: the first at once, then one every two seconds, and one for each shard that is scanned.

    Why it waits is said once.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._waits = Waits()
        self._scanned: set[tuple[int, int]] = set()
        self._dead = 0

    def __call__(self, progress: Progress) -> None:
        now, waits = time.monotonic(), self._waits.is_new(progress)
        if progress.warnings:
            _warn(progress)
            return
        if waits:
            say(f"{progress.name}: {_waiting(progress)}")
        if len(progress.shards) > 1 and progress.shard and progress.shard.state == "scanned":
            self._end_of(progress, progress.shard)
        corrected = progress.shard is None and progress.dead != self._dead
        if not progress.waiting and (now >= self._next or corrected):
            self._dead = progress.dead
            several = len(progress.shards) > 1
            shards = f" · {len(progress.shards)} shards: {states_of(progress.shards)}" if several else ""
            say(f"{progress.name}: {facts_of(progress)}{shards}")
            self._next = now + _LINE_EVERY

    def _end_of(self, progress: Progress, shard: ShardProgress) -> None:
        if (shard.number, shard.pass_number) in self._scanned:
            return
        self._scanned.add((shard.number, shard.pass_number))
        dead = f", {shard.dead:,} left out" if shard.dead else ""
        rows = f"{shard.pass_scanned:,} rows scanned, {shard.changed:,} changed{dead}"
        say(f"{progress.name}: shard {shard.number} is through: {rows}")


def _waiting(progress: Progress) -> str:
    left = "" if progress.waiting_left is None else f", for at most {duration(progress.waiting_left)} more"
    return f"waiting: {printable(progress.waiting)}{left}"


def facts_of(progress: Progress) -> str:
    """Return how far a run is and how fast, as the parts of a line."""
    dead = [f"{progress.dead:,} left out"] if progress.dead else []
    return " · ".join([scanned_of(progress), f"{progress.changed:,} changed", *dead, *speed_of(progress)])


def speed_of(progress: Progress) -> list[str]:
    """Return how fast a run is, to what it is held, and how long it takes yet, as far as that is known."""
    rate, left = progress.rate, progress.seconds_left
    rows = [] if rate is None else [f"{rate:,.0f} rows/s" + (f" ({progress.pace})" if progress.pace else "")]
    return rows if left is None else [*rows, f"{duration(left)} left"]


def scanned_of(progress: Progress) -> str:
    """Return how many rows of the table a pass has scanned."""
    of = f" of about {progress.total:,}" if progress.total else ""
    number = f"pass {progress.pass_number}: " if progress.pass_number > 1 else ""
    return f"{number}{progress.pass_scanned:,}{of} rows scanned"


def was(number: int) -> str:
    """Return the verb of so many things."""
    return "was" if number == 1 else "were"
