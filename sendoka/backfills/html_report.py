"""A run as one HTML page that needs nothing else: figures, two plots, what happened, and what was left out."""

from __future__ import annotations

import html
from datetime import datetime
from typing import TYPE_CHECKING

from sendoka.backfills.lanes import Lane, lanes
from sendoka.backfills.owner import shown as known_as
from sendoka.backfills.plot import Band, Plot
from sendoka.backfills.revision import commit
from sendoka.phrases import counted, duration, moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.backfills.events import Event
    from sendoka.backfills.timelines import Slot, Span, Timeline

__all__ = ["LETTERS", "SHARDS", "bands_of", "html_report"]

LETTERS = 100
"""So many dead letters are shown; the others are counted."""

SHARDS = 100
"""So many shards are shown; the others are counted."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --rule: #e4e7ec; --page: #fff; --card: #f7f8fa;
  --fill: #2e6be6; --peak: #e07b39; --band: #98a2b3; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --rule: #2b3240; --page: #12161d;
  --card: #1a202b; --fill: #6f9bff; --peak: #f0a26b; --band: #667085; --bad: #ff8a7a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1040px; padding: 40px 24px 64px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 16px; margin: 36px 0 8px; }
.under { color: var(--soft); margin: 4px 0 24px; }
.state { display: inline-block; margin-left: 10px; padding: 2px 10px; border-radius: 999px; font-size: 13px;
  vertical-align: 4px; background: var(--card); border: 1px solid var(--rule); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); gap: 12px; margin: 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 14px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 2px 0 0; font-size: 20px; font-variant-numeric: tabular-nums; }
.tiles .bad dd { color: var(--bad); }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--rule); }
.tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.area { fill: var(--fill); opacity: 0.18; }
.line { fill: none; stroke: var(--fill); stroke-width: 1.5; }
.peak { fill: none; stroke: var(--peak); stroke-width: 1; stroke-dasharray: 3 2; }
.band { fill: var(--band); opacity: 0.22; }
.mark { stroke: var(--soft); stroke-dasharray: 2 3; }
.key { color: var(--soft); font-size: 13px; margin: 0 0 6px; }
.key i { display: inline-block; width: 14px; height: 3px; vertical-align: 4px; margin: 0 5px 0 12px; }
.key i:first-child { margin-left: 0; }
.lane { fill: var(--fill); opacity: 0.75; }
.scroll { overflow-x: auto; }
@media (max-width: 640px) { body { padding: 24px 16px 48px; } svg { min-width: 620px; } }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
.figures { margin-top: 16px; font-variant-numeric: tabular-nums; }
.figures th, .figures td { text-align: right; white-space: nowrap; padding: 4px 0 4px 12px; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
"""

_ENDS = frozenset({"paused", "stopped", "failed", "cancelled"})
"""The events after which nothing is done, until somebody goes on."""


def html_report(found: Timeline) -> str:
    """Return the page: complete HTML without a script, a font or a picture from elsewhere."""
    run, title = found.run, f"{found.run.name}, run {found.run.number}"
    where = f"begun {moment(run.started_at)} by {run.started_by or 'somebody'}"
    if run.finished_at:
        where += f", done {moment(run.finished_at)} by {run.finished_by or 'somebody'}"
    script = f"script {run.checksum[:12]}" + (f", git {commit(run.revision)}" if run.revision else "")
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f'<h1>{html.escape(title)}<span class="state">{html.escape(run.state)}</span></h1>',
            f'<p class="under">{html.escape(where)} · {html.escape(script)}</p>',
            _tiles(found),
            *_plots(found),
            *_shards(found),
            _events(found.events),
            _letters(found),
            "</body>\n</html>\n",
        )
    )


def bands_of(found: Timeline) -> list[Band]:
    """Return the stretches of time without a batch, each with what is known of why."""
    bands: list[Band] = []
    start: float | None = None
    for slot in (*found.slots, None):
        if slot is not None and not slot.batches:
            start = slot.start if start is None else start
        elif start is not None:
            end = found.seconds if slot is None else slot.start
            bands.append(Band(start, end, _why(found, start, end)))
            start = None
    return bands


def _why(found: Timeline, start: float, end: float) -> str:
    """Return what was noted last before the end of such a stretch, if that is what it waited behind.

    Its last batch ended in the slot before it, so what ended a call is of that time. A wait is noted once for its
    reason, so it may be older, as long as the same process goes on.
    """
    before = [event for event in found.events if _since(found, event) <= end]
    near = [event for event in before if _since(found, event) >= start - found.width]
    last = next((event for event in reversed(near or before[-1:]) if event.event in {*_ENDS, "waits"}), None)
    if last is None or (last.event in _ENDS and not near):
        return "no batch ended here"
    if last.event == "waits":
        return f"waits: {last.detail}"
    return f"{last.event} by {last.operator or 'somebody'}" + (f": {last.detail}" if last.detail else "")


def _since(found: Timeline, event: Event) -> float:
    return (_time(event.at) - _time(found.run.started_at)).total_seconds()


def _time(iso: str) -> datetime:
    return datetime.fromisoformat(iso.replace("Z", "+00:00"))


def _tiles(found: Timeline) -> str:
    totals, seconds = found.totals, found.seconds
    working = sum(found.width for slot in found.slots if slot.batches) or seconds
    tiles = [
        ("rows scanned", f"{totals.scanned:,}", ""),
        ("rows changed", f"{totals.changed:,}", ""),
        ("left out", f"{len(found.letters):,}", "bad" if found.letters else ""),
        ("batches", f"{totals.seq:,}", ""),
        ("passes", f"{totals.pass_number:,}", ""),
        ("time", duration(seconds, tenths=True), ""),
        ("rows a second", f"{totals.scanned / working:,.0f}" if totals.scanned else "–", ""),
    ]
    shown = (
        f'<div class="{kind}"><dt>{name}</dt><dd>{value}</dd></div>'
        if kind
        else f"<div><dt>{name}</dt><dd>{value}</dd></div>"
        for name, value, kind in tiles
    )
    return f'<dl class="tiles">{"".join(shown)}</dl>'


def _plots(found: Timeline) -> Iterable[str]:
    if not any(slot.batches for slot in found.slots):
        none = "no batch was done" if found.run.over else "no batch is done yet"
        yield f'<h2>Rows a second</h2>\n<p class="under">{none}</p>'
        return
    bands = bands_of(found)
    marks = [(_since(found, event), _told(event)) for event in found.events if event.event not in {"started", "done"}]
    rates = [(*_stretch(found, slot), slot.scanned / found.width if slot.batches else None) for slot in found.slots]
    took = [(*_stretch(found, slot), None if slot.took is None else 1000 * slot.took) for slot in found.slots]
    peaks = [(*_stretch(found, slot), None if slot.longest is None else 1000 * slot.longest) for slot in found.slots]
    yield "<h2>Rows a second</h2>"
    yield (
        '<p class="key"><i style="background: var(--fill)"></i>rows scanned'
        ' <i style="background: var(--band)"></i>no batch</p>'
    )
    plot = Plot("Rows scanned a second, over the run", found.seconds, _highest(rates), "")
    yield _wide(plot.svg(rates, bands=bands, marks=marks))
    yield "<h2>Time of a batch</h2>"
    yield (
        '<p class="key"><i style="background: var(--fill)"></i>on the server, the mean'
        ' <i style="background: var(--peak)"></i>the longest</p>'
    )
    plot = Plot("Milliseconds that a batch takes, over the run", found.seconds, _highest(peaks), " ms")
    yield _wide(plot.svg(took, peaks=peaks, bands=bands, marks=marks))


def _shards(found: Timeline) -> Iterable[str]:
    """Tell of each shard when it was worked on and how it went, where there are several."""
    if len(found.shards) < 2:
        return
    shown = found.shards[:SHARDS]
    yield f"<h2>{counted(len(found.shards), 'shard')}</h2>"
    yield (
        '<p class="key"><i style="background: var(--fill)"></i>from its first batch to its last one'
        ' <i style="background: var(--band)"></i>no batch</p>'
    )
    spans = [Lane(str(each.number), each.start or 0.0, each.end, _span(each)) for each in shown if each.end is not None]
    yield _wide(lanes("When each shard was worked on", found.seconds, spans, bands_of(found)))
    head = ("shard", "rows scanned", "changed", "left out", "batches", "from", "to", "a batch", "rows a second")
    yield _table(head, (_figures(each) for each in shown), kind="figures")
    if len(found.shards) > SHARDS:
        yield f'<p class="under">and {len(found.shards) - SHARDS:,} more</p>'


def _span(shard: Span) -> str:
    took = f" in {duration(shard.end - (shard.start or 0), tenths=True)}" if shard.end is not None else ""
    return f"shard {shard.number}: {counted(shard.scanned, 'row')}{took}"


def _figures(shard: Span) -> tuple[str, ...]:
    counts = (str(shard.number), *(f"{each:,}" for each in (shard.scanned, shard.changed, shard.dead, shard.batches)))
    if shard.end is None or shard.start is None or not shard.batches:
        return (*counts, "", "", "", "")
    went = shard.end - shard.start
    return (
        *counts,
        duration(shard.start, tenths=True),
        duration(shard.end, tenths=True),
        f"{1000 * shard.took / shard.batches:,.0f} ms",
        f"{shard.scanned / went:,.0f}" if went > 0 else "",
    )


def _wide(svg: str) -> str:
    """Return what scrolls where the screen is narrow, or its texts could not be read."""
    return f'<div class="scroll">{svg}</div>'


def _stretch(found: Timeline, slot: Slot) -> tuple[float, float]:
    return slot.start, min(slot.start + found.width, found.seconds)


def _highest(points: Iterable[tuple[float, float, float | None]]) -> float:
    return max((value for _, _, value in points if value is not None), default=0.0)


def _told(event: Event) -> str:
    detail = f": {event.detail}" if event.detail else ""
    return f"{event.event} {moment(event.at)} by {event.operator or 'somebody'}{detail}"


def _events(events: Iterable[Event]) -> str:
    rows = (
        (
            moment(event.at),
            event.event,
            event.operator or "somebody",
            known_as(event.runner) if event.runner else "",
            event.detail,
        )
        for event in events
    )
    return "<h2>What happened</h2>\n" + _table(("when", "what", "by", "process", "why"), rows)


def _letters(found: Timeline) -> str:
    if not found.letters:
        return ""
    rows = (
        (letter.key, letter.sqlstate or "", letter.message, str(letter.attempt), moment(letter.at))
        for letter in found.letters[:LETTERS]
    )
    more = len(found.letters) - LETTERS
    rest = f'<p class="under">and {more:,} more, in sendoka.dead_letters</p>' if more > 0 else ""
    return "<h2>Rows that were left out</h2>\n" + _table(("key", "SQLSTATE", "message", "tried", "last"), rows) + rest


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]], kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    names = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "\n".join(
        "<tr>"
        + "".join(f"<td><code>{html.escape(cell)}</code></td>" if cell else "<td></td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table{named}><thead><tr>{names}</tr></thead>\n<tbody>{body}</tbody></table></div>'
