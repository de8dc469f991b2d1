"""Progress on a terminal, in place: a bar for the run, one for each shard that somebody is at, and what the others are.

It loads rich, so it is loaded late.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Screen
from rich.table import Column
from rich.text import Text

from sendoka.cli._options import console, printable
from sendoka.cli._progress import Waits, facts_of, scanned_of, speed_of
from sendoka.cli._shards import chosen, fitting, states_of
from sendoka.cli._shards import facts_of as shard_facts
from sendoka.phrases import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.progress import TaskID

    from sendoka.backfills import Progress, ShardProgress

__all__ = ["Bars", "bars"]

_LEAST = 10
_MOST = 40
"""Columns of a bar."""

_BEFORE = "no batch is done yet"

_BESIDE = 3
"""Lines beside those of the shards: the run, the others in numbers, and the cursor's own."""


class _Screen(Screen):
    """The bars, and a line below them."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn: all of it fits."""
        yield from super().get_renderables()
        if self.below:
            yield Text(self.below, style="dim", no_wrap=True, overflow="ellipsis")


@contextlib.contextmanager
def bars(name: str) -> Iterator[Bars]:
    """Give a function that shows the progress of the backfill `name`; at the end the bar of the run stays."""
    screen = console()
    line = BarColumn(bar_width=_LEAST)
    facts = TextColumn("{task.fields[facts]}", markup=False, table_column=Column(no_wrap=True))
    columns = (TextColumn("{task.description}", markup=False), line, TaskProgressColumn(), facts)
    with _Screen(*columns, console=screen) as drawn:
        shown = Bars(drawn, line, _cut(printable(name), max(_LEAST, screen.width // 3)))
        try:
            yield shown
        finally:
            shown.end()


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


class Bars:
    """Progress on the terminal; the reason of a wait is written above it, once."""

    def __init__(self, drawn: _Screen, line: BarColumn, name: str) -> None:
        self._drawn = drawn
        self._line = line
        self._name = name
        room = drawn.console.width - len(name) - len("100%") - 3 - _LEAST
        self._rows: list[TaskID] = [drawn.add_task(name, total=None, facts=_cut(_BEFORE, room) if room > 0 else "")]
        self._waits = Waits()

    def __call__(self, progress: Progress) -> None:
        for warning in progress.warnings:
            self._drawn.console.print(f"warning: {printable(warning)}", markup=False)
        if progress.warnings:
            return
        if self._waits.is_new(progress):
            self._drawn.console.print(f"waiting: {printable(progress.waiting)}", markup=False, style="dim")
        self._show(progress)

    def say(self, text: str) -> None:
        """Say something above the bars."""
        self._drawn.console.print(text, markup=False, style="dim")

    def end(self) -> None:
        """Leave what is to be read when all is over: the run."""
        self._drawn.below = ""
        for row in self._rows[1:]:
            self._drawn.update(row, visible=False)

    def _show(self, progress: Progress) -> None:
        height = self._drawn.console.height
        shards = self._shards(progress, height - _BESIDE)
        several = len(progress.shards) > 1
        if several:
            self._drawn.below = f"{counted(len(progress.shards), 'shard')}: {states_of(progress.shards)}"
        if height < _BESIDE:
            self._drawn.below = ""
        names = [self._name, *(f"  shard {shard.number}" for shard in shards)]
        room = self._drawn.console.width - max(map(len, names)) - len("100%") - 3
        least = _LEAST if room >= 2 * _LEAST else max(1, room // 3)
        forms = [_forms(progress, several=several), *(_beside(shard) for shard in shards)]
        facts = [fitting(each, room - least) for each in forms]
        self._line.bar_width = max(least, min(_MOST, room - max(map(len, facts))))
        counts = [(progress.pass_scanned, progress.total), *((shard.pass_scanned, shard.total) for shard in shards)]
        for place, (label, (done, total), text) in enumerate(zip(names, counts, facts, strict=True)):
            # The table may have grown since it was counted; a bar over its end would look wrong.
            most = max(total, done) if total else None
            if place == len(self._rows):  # adding it draws it
                self._rows.append(self._drawn.add_task(label, completed=done, total=most, facts=text))
            self._drawn.update(
                self._rows[place], description=label, completed=done, total=most, facts=text, visible=True
            )
        for row in self._rows[len(names) :]:
            self._drawn.update(row, visible=False)

    def _shards(self, progress: Progress, room: int) -> list[ShardProgress]:
        """Return the shards that somebody is at, as many as there is room for; those of this process come first."""
        if len(progress.shards) == 1:
            return []
        running = [shard for shard in progress.shards if shard.state == "running"]
        ours = [shard for shard in running if shard.here]
        return chosen(running if len(running) <= room else ours, room)


def _beside(shard: ShardProgress) -> list[str]:
    """Return what may stand beside the bar of a shard, the longest first: whose it is, where it is not ours."""
    facts = shard_facts(shard)
    return facts if shard.here or not shard.holder else [*(f"{form} · {shard.holder}" for form in facts), *facts]


def _forms(progress: Progress, *, several: bool) -> list[str]:
    """Return what may stand beside the bar of the run, the longest first; the speed is always said."""
    working = [shard for shard in progress.shards if shard.here and not shard.waiting]
    if progress.waiting and not (several and working):
        return ["waiting" if progress.waiting_left is None else f"waiting {duration(progress.waiting_left)}"]
    speed = speed_of(progress)
    return [
        facts_of(progress),
        " · ".join([scanned_of(progress), *speed]),
        " · ".join(speed),
        " · ".join(speed[-1:]),
    ]
