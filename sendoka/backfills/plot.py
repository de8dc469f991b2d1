"""A plot over time as SVG: a line or an area, with ticks that people would choose. It knows nothing of backfills."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEIGHT", "LEFT", "RIGHT", "WIDTH", "Band", "Plot", "ticks", "time_ticks", "x_of"]

WIDTH, HEIGHT = 960, 200
LEFT, RIGHT = 72, 12
_TOP, _BOTTOM = 12, 28
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two ticks of a time axis; above, whole days."""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time that is marked, with the reason that is shown for it."""

    start: float
    end: float
    label: str


def ticks(highest: float, about: int = 4) -> list[float]:
    """Return round values from 0 to at least `highest`: about so many steps of 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    return [step * place for place in range(math.ceil(highest / step - 1e-9) + 1)]


def time_ticks(seconds: float, most: int = 8) -> list[tuple[float, str]]:
    """Return moments of a run of so many seconds, with their names: `0`, `30 s`, `5 min`, `2 h`, `3 d`."""
    days = math.ceil(seconds / most / 86400) * 86400
    step = next((each for each in _STEPS if seconds / each <= most), days)
    return [(float(place * step), _named(place * step)) for place in range(int(seconds // step) + 1)]


def _named(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % (size // 4 if size > 60 else size) == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds} s" if seconds else "0"


def _shown(value: float) -> str:
    """Return a tick's value in full: `1,500,000`, `0.5`."""
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def x_of(at: float, seconds: float) -> float:
    """Return where a moment lies on an axis of so many seconds."""
    inside = min(max(at / seconds, 0.0), 1.0) if seconds > 0 else 0.0
    return round(LEFT + inside * (WIDTH - LEFT - RIGHT), 1)


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of `seconds` of time, whose values reach `highest`; `title` is what a reader of the page hears of it."""

    title: str
    seconds: float
    highest: float
    unit: str

    def svg(
        self,
        points: Sequence[tuple[float, float, float | None]],
        *,
        peaks: Sequence[tuple[float, float, float | None]] = (),
        bands: Sequence[Band] = (),
        marks: Sequence[tuple[float, str]] = (),
    ) -> str:
        """Return the plot. A point is start and end of a stretch of time, and its value, None where there is none.

        Stretches are drawn as an area of steps, `peaks` as a line above it; `bands` lie behind, `marks` are upright
        lines with what happened then.
        """
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(self.title)}">',
            *(self._band(band) for band in bands),
            *self._grid(),
            *(f'<path class="area" d="{self._area(run)}"/>' for run in _stretches(points)),
            *(f'<path class="line" d="{self._line(run)}"/>' for run in _stretches(points)),
            *(f'<path class="peak" d="{self._line(run)}"/>' for run in _stretches(peaks)),
            *(self._mark(at, label) for at, label in marks),
            "</svg>",
        ]
        return "\n".join(parts)

    @property
    def _top(self) -> float:
        return ticks(self.highest)[-1]

    def _x(self, at: float) -> float:
        return x_of(at, self.seconds)

    def _y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / self._top * (HEIGHT - _TOP - _BOTTOM), 1)

    def _grid(self) -> list[str]:
        parts = []
        for value in ticks(self.highest):
            y = self._y(value)
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
            parts.append(
                f'<text class="tick" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{_shown(value)}{self.unit}</text>'
            )
        for at, name in time_ticks(self.seconds):
            parts.append(f'<text class="tick" x="{self._x(at)}" y="{HEIGHT - 8}" text-anchor="middle">{name}</text>')
        return parts

    def _band(self, band: Band) -> str:
        x, end = self._x(band.start), self._x(band.end)
        shape = f'x="{x}" y="{_TOP}" width="{round(max(end - x, 1), 1)}" height="{HEIGHT - _TOP - _BOTTOM}"'
        return f'<rect class="band" {shape}><title>{html.escape(band.label)}</title></rect>'

    def _mark(self, at: float, label: str) -> str:
        x = self._x(at)
        line = f'x1="{x}" y1="{_TOP}" x2="{x}" y2="{HEIGHT - _BOTTOM}"'
        return f'<line class="mark" {line}><title>{html.escape(label)}</title></line>'

    def _line(self, run: Sequence[tuple[float, float, float]]) -> str:
        steps = [f"L{self._x(start)} {self._y(value)}L{self._x(end)} {self._y(value)}" for start, end, value in run]
        return "M" + "".join(steps)[1:]

    def _area(self, run: Sequence[tuple[float, float, float]]) -> str:
        floor = self._y(0)
        return f"{self._line(run)}L{self._x(run[-1][1])} {floor}L{self._x(run[0][0])} {floor}Z"


def _stretches(points: Sequence[tuple[float, float, float | None]]) -> list[list[tuple[float, float, float]]]:
    """Return the points that have a value, parted where one has none."""
    found: list[list[tuple[float, float, float]]] = [[]]
    for start, end, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append((start, end, value))
    return [each for each in found if each]
