"""The plots of a run's page: ticks that people would choose, and lines that break where nothing was done."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sendoka.backfills.dead_letters import DeadLetter
from sendoka.backfills.events import Event
from sendoka.backfills.html_report import LETTERS, SHARDS, bands_of, html_report
from sendoka.backfills.lanes import Lane, lanes
from sendoka.backfills.plot import HEIGHT, LEFT, RIGHT, WIDTH, Band, Plot, ticks, time_ticks
from sendoka.backfills.runs import Run
from sendoka.backfills.shards import Shard
from sendoka.backfills.timelines import Slot, Span, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, [0, 1]),
        (1, [0, 0.5, 1]),
        (7, [0, 2, 4, 6, 8]),
        (40_000, [0, 10_000, 20_000, 30_000, 40_000]),
        (33_800, [0, 10_000, 20_000, 30_000, 40_000]),
        (0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_values_have_round_ticks_that_hold_the_highest(highest: float, expected: list[float]) -> None:
    assert ticks(highest) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "names"),
    [
        (0.4, ["0"]),
        (5, ["0", "1 s", "2 s", "3 s", "4 s", "5 s"]),
        (60, ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "1 min"]),
        (3600, ["0", "10 min", "20 min", "30 min", "40 min", "50 min", "1 h"]),
        (3 * 86400, ["0", "12 h", "1 d", "1.5 d", "2 d", "2.5 d", "3 d"]),
        (30 * 86400, ["0", "4 d", "8 d", "12 d", "16 d", "20 d", "24 d", "28 d"]),
    ],
)
def test_times_have_names_that_people_use(seconds: float, names: list[str]) -> None:
    assert [name for _, name in time_ticks(seconds)] == names


def coordinates(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for path in re.findall(r' d="([^"]+)"', svg)
        for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)
    ]


def test_a_plot_breaks_where_there_is_no_value_and_stays_within_its_frame() -> None:
    plot = Plot("rows & <rates>", 10, 50, " ms")
    svg = plot.svg(
        [(0, 4, 20.0), (4, 8, None), (8, 12, 50.0)], bands=[Band(4, 8, 'paused by "<me>"')], marks=[(99, "x<y")]
    )
    assert svg.count('class="line"') == svg.count('class="area"') == 2
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in coordinates(svg))
    assert "paused by &quot;&lt;me&gt;&quot;" in svg
    assert "rows &amp; &lt;rates&gt;" in svg
    assert "<me>" not in svg
    assert "x<y" not in svg


def test_a_plot_shows_large_and_small_values_in_full() -> None:
    large, small = Plot("rows", 1, 3_000_000, "").svg([]), Plot("rows", 1, 0.9, " ms").svg([])
    assert ">1,000,000<" in large
    assert ">0.5 ms<" in small


def test_a_plot_without_a_value_has_no_line() -> None:
    assert 'class="line"' not in Plot("none", 0, 0, "").svg([(0, 0, None)])


# ------------------------------------------------------------------ the page

RUN = Run(
    1,
    "touch<b>",
    3,
    "c" * 64,
    "done",
    100,
    "2026-04-22T10:00:00.000000Z",
    "ann@<host>",
    "2026-04-22T10:00:08.000000Z",
    "bob",
    "",
    None,
    None,
    None,
)
TOTALS = Shard("scanned", 2, 0, 8, None, None, None, 1000, 900, 800, 0, 0, 0)
BUSY, IDLE = (2, 100, 80, 0.02, 0.05), (0, 0, 0, None, None)


def event(second: int, what: str, detail: str = "") -> Event:
    return Event(f"2026-04-22T10:00:{second:02}.000000Z", what, "ann", None, None, None, detail)


def timeline(
    slots: Sequence[tuple[int, int, int, float | None, float | None]],
    events: Sequence[Event] = (),
    letters: Sequence[DeadLetter] = (),
    shards: Sequence[Span] = (),
) -> Timeline:
    parts = tuple(Slot(float(place), *each) for place, each in enumerate(slots))
    return Timeline(RUN, TOTALS, float(len(slots)), 1.0, parts, tuple(events), tuple(letters), tuple(shards))


def test_a_time_without_a_batch_is_a_band_with_the_reason_that_is_known() -> None:
    slots = [BUSY, IDLE, IDLE, BUSY, IDLE, BUSY, IDLE]
    assert bands_of(timeline(slots)) == [
        Band(1, 3, "no batch ended here"),
        Band(4, 5, "no batch ended here"),
        Band(6, 7, "no batch ended here"),
    ]
    events = [event(0, "started"), event(1, "paused"), event(2, "resumed"), event(4, "failed", "division by zero")]
    first, second, _ = bands_of(timeline(slots, events))
    assert first.label == "paused by ann"
    assert second.label == "failed by ann: division by zero"


def test_a_wait_is_the_reason_of_a_band_and_what_was_over_before_it_is_not() -> None:
    slots = [BUSY, IDLE, BUSY, BUSY, IDLE, BUSY, BUSY, IDLE, BUSY]
    stopped, went_on = event(1, "stopped", "deadline"), event(1, "continued")
    hours = event(4, "waits", "it runs between 01:00-05:00 UTC only")
    labels = [band.label for band in bands_of(timeline(slots, [event(0, "started"), stopped, went_on, hours]))]
    waits = "waits: it runs between 01:00-05:00 UTC only"
    assert labels == ["stopped by ann: deadline", waits, waits]  # the same reason is noted once
    labels = [band.label for band in bands_of(timeline(slots, [event(0, "started"), stopped, went_on]))]
    assert labels == ["stopped by ann: deadline", "no batch ended here", "no batch ended here"]
    again = [event(0, "started"), event(1, "waits", "vacuum"), event(3, "continued")]
    assert [band.label for band in bands_of(timeline(slots, again))][1:] == ["no batch ended here"] * 2


def test_the_page_needs_nothing_else_and_shows_texts_as_texts() -> None:
    letter = DeadLetter(0, '["<k>"]', 1, "22012", "<script>alert(1)</script>", 1, "2026-04-22T10:00:01.000000Z")
    page = html_report(timeline([BUSY, BUSY], [event(1, "stopped", "<why>")], [letter] * (LETTERS + 5)))
    assert page.startswith("<!doctype html>")
    assert "touch&lt;b&gt;, run 3" in page
    assert "ann@&lt;host&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "and 5 more, in sendoka.dead_letters" in page
    for foreign in ("<script", "http", "src=", "href=", "@import", "url(", "<why>", "<k>"):
        assert foreign not in page, foreign


def test_a_run_without_a_batch_has_a_page_too() -> None:
    page = html_report(timeline([IDLE]))
    assert "rows scanned" in page
    assert "Rows that were left out" not in page


def test_the_shards_of_a_run_have_a_lane_and_a_line_each_where_there_are_several() -> None:
    one = Span(0, 0.0, 2.0, 4, 500, 400, 0, 1.0)
    assert "shard" not in html_report(timeline([BUSY, BUSY], shards=[one]))
    late, never = Span(1, 1.0, 2.0, 2, 300, 290, 10, 0.5), Span(2, None, None, 0, 0, 0, 0, 0.0)
    page = html_report(timeline([BUSY, BUSY], shards=[one, late, never]))
    assert "<h2>3 shards</h2>" in page
    assert page.count('class="lane"') == 2
    assert "<title>shard 1: 300 rows in 1.0 s</title>" in page
    lines = re.findall(r"<tr>(.*?)</tr>", page.partition('<table class="figures">')[2].partition("</table>")[0])[1:]
    assert [re.findall(r"<td>(?:<code>)?(.*?)(?:</code>)?</td>", line) for line in lines] == [
        ["0", "500", "400", "0", "4", "0.0 s", "2.0 s", "250 ms", "250"],
        ["1", "300", "290", "10", "2", "1.0 s", "2.0 s", "250 ms", "300"],
        ["2", "0", "0", "0", "0", "", "", "", ""],
    ]
    many = [Span(number, 0.0, 1.0, 1, 1, 1, 0, 0.1) for number in range(SHARDS + 5)]
    page = html_report(timeline([BUSY, BUSY], shards=many))
    assert page.count('class="lane"') == SHARDS
    assert "and 5 more" in page


def test_lanes_lie_where_their_time_is_and_many_are_thin() -> None:
    svg = lanes("shards <b>", 10, [Lane("0", 0, 5, "a<b"), Lane("1", 5, 99, "")], [Band(2, 3, "paused")])
    found = [tuple(map(float, each)) for each in re.findall(r'class="lane" x="(.*?)" y=".*?" width="(.*?)"', svg)]
    middle = (LEFT + WIDTH - RIGHT) / 2
    assert found == [(LEFT, middle - LEFT), (middle, WIDTH - RIGHT - middle)]
    assert "a<b" not in svg
    assert "<b>" not in svg
    assert svg.count('class="band"') == 1
    many = lanes("many", 10, [Lane(str(number), 0, 5, "") for number in range(64)])
    assert many.count('text-anchor="end"') == 16
    assert 'height="6"' in many


def test_the_page_names_a_process_as_people_do_and_a_run_without_a_batch_has_no_plot() -> None:
    began = Event("2026-04-22T10:00:00.000000Z", "started", "ann", "db-1:4711:5f3a09c1d2e4", None, None, "")
    over = timeline([(0, 0, 0, None, None)], [began])
    page = html_report(replace(over, run=replace(over.run, state="running")))
    assert "<code>process 4711 on db-1</code>" in page
    assert "5f3a09c1d2e4" not in page
    assert "no batch is done yet" in page
    assert "<svg" not in page
    assert "no batch was done" in html_report(over)
    assert "no batch is done yet" not in html_report(timeline([BUSY], [began]))
