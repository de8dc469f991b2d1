"""Progress on terminals of many sizes and as plain lines: what is shown of shards, and that all of it fits."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from sendoka.backfills import Progress, ShardProgress
from sendoka.cli import _progress_bars
from sendoka.cli._progress import shown
from sendoka.cli._sentence import broken, tell
from sendoka.cli._shards import chosen, line_of, states_of
from sendoka.cli.backfill.run import _Events

ERASED = re.compile(r"\r?\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")
CODES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r")


def shard(number: int, state: str = "running", scanned: int = 10, **facts: object) -> ShardProgress:
    base = ShardProgress(number, state, 1, scanned, scanned, 0, 1, scanned, 100)
    return replace(base, **facts)  # type: ignore[arg-type]


def at(number: int) -> ShardProgress:
    return shard(number, here=True, rate=50.0, seconds_left=1.8)


def told(shards: list[ShardProgress], of: int | None = None, **facts: object) -> Progress:
    total, scanned = 100 * len(shards), sum(each.pass_scanned for each in shards)
    found = Progress("fill_in_what_is_missing", 1, scanned, scanned, scanned, total, 200.0, 21.0, 10)
    found = replace(found, shards=tuple(shards), shard=None if of is None else shards[of])
    return replace(found, **facts)  # type: ignore[arg-type]


def drawn(monkeypatch: pytest.MonkeyPatch, progress: list[Progress], *, width: int, height: int) -> list[list[str]]:
    """Return the frames that a terminal of this size is shown, each as its lines; the last one is what stays."""
    out = io.StringIO()
    screen = Console(file=out, force_terminal=True, width=width, height=height, color_system=None, highlight=False)
    monkeypatch.setattr(_progress_bars, "console", lambda: screen)
    with _progress_bars.bars("fill_in_what_is_missing") as show:
        show._drawn.live.auto_refresh = False
        for each in progress:
            show(each)
            show._drawn.refresh()
    return [CODES.sub("", frame).rstrip("\n").split("\n") for frame in ERASED.split(out.getvalue())]


MANY = [shard(0, "scanned", 100), *(at(number) for number in range(1, 9)), *(shard(n, "free", 0) for n in range(9, 64))]


@pytest.mark.parametrize(("width", "height"), [(40, 10), (80, 10), (80, 24), (120, 50), (30, 4), (20, 2)])
def test_bars_fit_into_any_terminal_and_show_who_is_running(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    frames = drawn(monkeypatch, [told(MANY, 1)], width=width, height=height)
    assert all(len(line) <= width for frame in frames for line in frame)
    assert all(len(frame) < max(height, 3) for frame in frames)
    frame = max(frames, key=len)
    running = [line for line in frame if line.startswith("  shard ")]
    assert len(running) == min(8, max(0, height - 3))
    assert all("2 s left" in line and "%" in line for line in running)
    if height >= 4:
        assert frame[-1].startswith("64 shards: 8 running, 55 to")
    assert "21 s left" in frame[0] or width == 20
    assert not any("shard" in line for line in frames[-1])


def test_a_run_in_one_shard_is_one_bar_with_all_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = "2,000/s at most"
    progress = told([at(0)], 0, dead=3, pace=pace)
    rows = "10 of about 100 rows scanned · 10 changed · 3 left out · "
    for width, says in ((140, f"{rows}200 rows/s ({pace}) · 21 s left"), (60, "% 21 s left")):
        frames = drawn(monkeypatch, [progress], width=width, height=24)
        assert {len(frame) for frame in frames} == {1}
        assert says in frames[-1][0]


def test_a_reason_to_wait_is_said_once_for_all_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = [at(0), at(1), at(2)]
    why = {"waiting": "vacuum of messages is going on", "waiting_left": 60.0}
    waiting = [replace(shards[0], waiting="vacuum"), *shards[1:]]
    progress = [
        told(shards, 0),
        told(waiting, 0, **why),
        told(waiting, 1),
        told(waiting, 0, **why),
        told(waiting, 1, **why),
        told(shards, 0),
        told(waiting, 2, waiting="0:x\x1b[2J"),
    ]
    frames = drawn(monkeypatch, progress, width=80, height=24)
    lines = [line for frame in frames for line in frame]
    assert lines.count("waiting: vacuum of messages is going on") == 1
    assert "waiting: 0:x\N{REPLACEMENT CHARACTER}[2J" in lines
    beside = [line.split()[1:] for line in frames[-2] if line.startswith("  shard")]
    assert [(each[0], "waiting" in each) for each in beside] == [("0", True), ("1", False), ("2", False)]
    with shown("fill", as_json=False) as show:
        for each in progress:
            show(each)
    assert capsys.readouterr().out.count("vacuum of messages is going on") == 1


def test_a_shard_that_is_through_has_a_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    through = shard(1, "scanned", 100, dead=2, changed=98)
    with shown("fill", as_json=False) as show:
        show(told([at(0), at(1), shard(2, "free", 0)], 0))
        for _ in range(2):
            show(told([at(0), through, shard(2, "free", 0)], 1))
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("21 s left · 3 shards: 2 running, 1 to come")
    assert second == "fill_in_what_is_missing: shard 1 is through: 100 rows scanned, 98 changed, 2 left out"


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    with shown("fill", as_json=False) as show:
        show(told([at(0), at(1)], 0))
        show.say("finishing the batches")
    said = capsys.readouterr()
    assert "2 shards: 2 running" in said.out
    assert "\x1b" not in said.out
    assert said.err == "finishing the batches\n"


def test_of_many_shards_those_have_lines_that_matter() -> None:
    shards = [shard(0, "scanned", 100), shard(1, "free", 0), shard(2, "free", 40), at(3), shard(4, "held", 5)]
    assert states_of(shards) == "1 running, 1 begun, 1 to come, 1 scanned, 1 held"
    assert chosen(shards, 5) == shards
    assert [each.number for each in chosen(shards, 2)] == [2, 3]
    assert [each.number for each in chosen(shards, 1)] == [3]
    assert chosen(shards, 0) == chosen(shards, -3) == []
    held = replace(at(3), holder="process 7 on there", lease=14.4, dead=1)
    assert line_of(held) == (
        "shard 3: 10 of about 100 rows · 10 changed · 1 left out · 50 rows/s · 2 s left"
        " · process 7 on there, for 14 s more"
    )
    for width in range(1, 130):
        assert len(line_of(held, width)) <= width
    assert line_of(held, 30) == "shard 3: 50 rows/s · 2 s left"


WAYS_ON = [
    "message_tenants stopped: its deadline came; so far 1,200 rows scanned, 1,180 changed; 12 batches, 50 s",
    "it goes on where it stands: sendoka backfill run message_tenants",
    "see why, and try them again after a correction: sendoka backfill retry-dead message_tenants",
]


@pytest.mark.parametrize("text", WAYS_ON)
@pytest.mark.parametrize("width", [40, 60, 200])
def test_a_closing_sentence_breaks_between_words_and_its_command_is_whole(text: str, width: int) -> None:
    lines = broken(text, width)
    assert " ".join(lines) == text
    command = "sendoka" + text.partition(": sendoka")[2]
    assert all(len(line) <= width or line == command for line in lines)
    assert ": sendoka" not in text or lines[-1].endswith(command)
    assert len(lines) == 1 or width < len(text)


def test_a_wait_is_an_event_when_it_begins_and_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events, shards = _Events(), [at(0), at(1)]
    for second in range(60):
        monkeypatch.setattr("sendoka.cli.backfill.run.time.monotonic", lambda now=float(second): now)
        events(told(shards, 0, waiting="vacuum"))
    events(told(shards, 1, waiting="vacuum"))
    events(told(shards, 1, waiting="locks"))
    events(told(shards, 1))
    events(told(shards, 1, waiting="locks"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["event"], line["shard"]["number"], line["waiting"]) for line in lines] == [
        *[("waiting", 0, "vacuum")] * 3,
        ("waiting", 1, "vacuum"),
        ("waiting", 1, "locks"),
        ("batch", 1, ""),
        ("waiting", 1, "locks"),
    ]


def test_a_sentence_obeys_nothing_that_stands_in_the_database(capsys: pytest.CaptureFixture[str]) -> None:
    tell("msg_1: refused\nby \x1b[2Ja trigger")
    assert capsys.readouterr().out == "msg_1: refused by \N{REPLACEMENT CHARACTER}[2Ja trigger\n"


@pytest.mark.parametrize("width", [20, 40, 60, 120])
def test_a_bar_says_that_no_batch_is_done_yet(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    frames = drawn(
        monkeypatch, [told([at(0)], warnings=("a trigger fires",)), told([at(0)], 0)], width=width, height=24
    )
    assert all(len(line) <= width for frame in frames for line in frame)
    bar = [line for frame in frames for line in frame if line.startswith("fill_in")]
    assert ("no batch is done yet" in bar[0]) == (width >= 60)
    assert "no batch" not in bar[-1]


def test_what_was_told_of_rows_left_out_is_corrected_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = [told([at(0)], 0, dead=59), told([at(0)], dead=60)]
    assert "60 left out" in drawn(monkeypatch, progress, width=140, height=24)[-1][0]
    with shown("fill", as_json=False) as show:
        for each in [*progress, progress[-1]]:
            show(each)
    first, last = capsys.readouterr().out.splitlines()
    assert ("59 left out" in first, "60 left out" in last) == (True, True)
    events = _Events()
    for each in progress:
        events(each)
    assert [json.loads(line)["dead"] for line in capsys.readouterr().out.splitlines()] == [59]
