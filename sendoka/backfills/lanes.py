"""Stretches of time below each other, as SVG: a lane for each of them, on the time axis of a plot."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.backfills.plot import LEFT, RIGHT, WIDTH, time_ticks, x_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.backfills.plot import Band

__all__ = ["Lane", "lanes"]

_TOP, _BOTTOM = 6, 24
_THICK, _THIN = 16, 8
"""The height of a lane, and of one of many."""

_MANY = 24
"""Lanes from which on they are thin, and only some have a name."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A stretch of time, in seconds, with its name beside it and what is shown of it."""

    name: str
    start: float
    end: float
    label: str


def lanes(title: str, seconds: float, found: Sequence[Lane], bands: Sequence[Band] = ()) -> str:
    """Return the lanes over `seconds` of time; `bands` lie behind, and `title` is what a reader of the page hears."""
    high = _THIN if len(found) > _MANY else _THICK
    bottom = _TOP + high * len(found)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + _BOTTOM}" role="img" aria-label="{html.escape(title)}">',
        *(_rect(band.start, band.end, seconds, "band", _TOP, bottom - _TOP, band.label) for band in bands),
        f'<line class="grid" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>',
    ]
    every = 1 if high == _THICK else 4
    for place, lane in enumerate(found):
        y = _TOP + place * high
        parts.append(_rect(lane.start, lane.end, seconds, "lane", y + 1, high - 2, lane.label))
        if place % every == 0:
            parts.append(_text(LEFT - 8, y + high / 2 + 4, "end", lane.name))
    parts += [_text(x_of(at, seconds), bottom + _BOTTOM - 6, "middle", name) for at, name in time_ticks(seconds)]
    return "\n".join([*parts, "</svg>"])


def _rect(start: float, end: float, seconds: float, kind: str, y: float, height: float, label: str) -> str:
    x = x_of(start, seconds)
    shape = f'x="{x}" y="{y:g}" width="{round(max(x_of(end, seconds) - x, 1), 1)}" height="{height:g}"'
    return f'<rect class="{kind}" {shape}><title>{html.escape(label)}</title></rect>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{html.escape(text)}</text>'
