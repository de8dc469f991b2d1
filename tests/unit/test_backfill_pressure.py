"""What each signal makes of what it is told: when there is room, and why there is none."""

from __future__ import annotations

from typing import Any

import pytest

from sendoka.backfills.pressure.backpressure import Backpressure
from sendoka.backfills.pressure.latency import Latency
from sendoka.backfills.pressure.locks import Locks
from sendoka.backfills.pressure.replication import Replication
from sendoka.backfills.pressure.transactions import Transactions
from sendoka.backfills.pressure.vacuum import Vacuum
from sendoka.backfills.pressure.wal import Wal
from sendoka.backfills.signal import Busy, Signal, signals
from sendoka.backfills.target import Target

MB = 1024.0**2
TARGET = Target("16400", "public", "messages", ("id",), ("id",), {"id": "text"})


def why(signal: Signal, *told: Any, bound: float | None = None, every: float = 1.0) -> list[str | None]:
    """Return why there was no room at each look, one every so many seconds; None where there was."""
    limit = bound if bound is not None else signal.usual
    assert limit is not None
    found = [signal.judge(each, TARGET, 100.0 + place * every, limit) for place, each in enumerate(told)]
    return [None if busy is None else f"hidden: {busy.why}" if busy.hidden else busy.why for busy in found]


def test_every_module_adds_one_signal() -> None:
    expected = {"backpressure", "latency", "locks", "replication", "transactions", "vacuum", "wal"}
    assert set(signals()) == expected
    for name, signal in signals().items():
        assert signal.__module__.endswith(name)
        assert signal.usual is not None or name == "wal"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, None),
        ([0.5, "AccessExclusiveLock", 7, True], None),
        ([0.6, "AccessExclusiveLock", 7, True], "process 7 waits for a lock on messages (AccessExclusiveLock)"),
        ([9.0, "ShareLock", 7, False], "process 7 waits for a lock that a batch of ours holds"),
    ],
)
def test_a_lock_waiter_is_given_a_moment(told: Any, said: str | None) -> None:
    assert why(Locks(), told) == [said]


@pytest.mark.parametrize(("told", "said"), [(False, None), (True, "vacuum of messages is going on"), (None, None)])
def test_a_vacuum_is_yielded_to(told: Any, said: str | None) -> None:
    assert why(Vacuum(), told) == [said]


OLD = "a transaction of app, open for over 10 min, holds back vacuum (process 7)"


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([None], [None]),
        ([[[600.0, "app", 7, "3/1"]]], [None]),
        ([[[601.0, "app", 7, "3/1"]]], [OLD]),
        ([[[601.0, "app", 7, "3/1"], [700.0, "boss", 8, "4/1"]]], [OLD.replace("app", "boss").replace("7)", "8)")]),
        ([[[900.0, "app", None, "tx 1"]]], [OLD.replace("process 7", "prepared as 'tx 1'")]),
        # One of another role is as old as it has been seen for; a new one in the same process is not.
        ([[[None, "app", 7, "3/1"]]] * 3, [None, None, OLD]),
        ([[[None, "app", 7, "3/1"]], [[None, "app", 7, "3/2"]], [[None, "app", 7, "3/3"]]], [None] * 3),
        ([[[None, "app", 7, "3/1"]], None, [[None, "app", 7, "3/1"]]], [None] * 3),
    ],
)
def test_an_old_transaction_is_named(looks: list[Any], said: list[str | None]) -> None:
    assert why(Transactions(), *looks, every=301.0) == said


FAR = "the standby {} is over 100 MB behind"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, None),
        ([["paris", 100 * MB]], None),
        ([["paris", 100 * MB + 1]], FAR.format("paris")),
        ([["paris", 101 * MB], ["oslo", 900 * MB]], FAR.format("oslo")),
        ([["paris", None]], "hidden: how far the standby paris is behind"),
        ([["paris", None], ["oslo", 900 * MB]], FAR.format("oslo")),
        ([["walproposer", None]], None),
        ([["walproposer", 101 * MB]], FAR.format("walproposer")),
    ],
)
def test_a_standby_that_is_behind_is_named(told: Any, said: str | None) -> None:
    assert why(Replication(), told) == [said]


NO_NEON = {"namespace": None, "functions": 0, "may": None}
NEON = {"namespace": "neon", "functions": 2, "may": True}


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([NO_NEON, NO_NEON], [None, None]),
        ([{"namespace": "neon", "functions": 1, "may": True}], [None]),
        ([{"namespace": "neon", "functions": 2, "may": False}], ["hidden: Neon's backpressure"]),
        ([NEON, [5_000_000, 0], [5_000_000, 0]], [None] * 3),
        ([NEON, [0, 201 * MB]], [None, "Neon's storage is over 200 MB behind"]),
        ([NEON, [0, None], [90_000, None]], [None] * 3),
        (
            [NEON, [0, 0], [110_000, 0], [110_000, 0]],
            [None, None, "Neon slows writes down, for its storage is behind", None],
        ),
        # The counter of a compute that was started anew begins at zero.
        ([NEON, [5_000_000, 0], [0, 0], [50_000, 0]], [None] * 4),
    ],
)
def test_neons_backpressure_is_read_where_it_is(looks: list[Any], said: list[str | None]) -> None:
    assert why(Backpressure(), *looks) == said


def test_neons_functions_are_asked_only_where_they_are_the_extensions_own() -> None:
    signal = Backpressure()
    for told, asked in ((NO_NEON, False), ({**NEON, "may": False}, False), (NEON, True), ([0, 0], True)):
        signal.judge(told, TARGET, 0.0, MB)
        assert ('"neon".backpressure_lsns()' in signal.ask(TARGET, MB)) is asked


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        # 10 MB a second: at each look, a second after the other, so many MB were written in all.
        ([0, 10, 20, 30], [0, 0, 0, 0]),
        ([0, 30], [0, 2.0]),
        ([0, 30, 30, 30], [0, 2.0, 1.0, 0]),
        ([500, 510, 560], [0, 0, 4.0]),
        # What was not used is saved up for a second, not for ever.
        ([0, 0, 0, 0, 0, 30], [0, 0, 0, 0, 0, 1.0]),
    ],
)
def test_the_wal_that_was_written_is_waited_for(written: list[float], waits: list[float]) -> None:
    signal = Wal()
    found = [signal.judge(size * MB, TARGET, float(place), 10 * MB) for place, size in enumerate(written)]
    assert [busy.seconds if busy and busy.seconds else 0 for busy in found] == pytest.approx(waits)
    assert {busy.why for busy in found if busy} <= {"10 MB/s of WAL at most"}


def test_a_budget_of_wal_is_held_however_much_a_batch_writes() -> None:
    """Each batch writes 7 MB in a tenth of a second, and then waits for what it is told."""
    signal, now, written = Wal(), 0.0, 0.0
    for _ in range(200):
        busy = signal.judge(written, TARGET, now, 10 * MB)
        now += (busy.seconds or 0.0) if isinstance(busy, Busy) else 0.0
        now, written = now + 0.1, written + 7 * MB
    assert written / now == pytest.approx(10 * MB, rel=0.02)


SLOW = "reading a row of messages takes over 5x as long as before the run"


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([None, []], [None, None]),
        ([[0.01] * 20, [0.01] * 5], [None, None]),
        # Below the floor nobody minds.
        ([[0.01] * 20, [49.0] * 5], [None, None]),
        ([[0.01] * 20, [51.0] * 5], [None, SLOW]),
        # One in twenty is chance, and two are not.
        ([[0.01] * 20, [999.0, 0.01, 0.01, 0.01, 0.01]], [None, None]),
        ([[0.01] * 20, [999.0, 999.0, 0.01, 0.01, 0.01]], [None, SLOW]),
        # Against its own baseline, and until the last twenty are quick again.
        ([[20.0] * 20, [99.0] * 5, [101.0] * 5], [None, None, SLOW]),
        ([[0.01] * 20, [60.0] * 5, *[[0.01] * 5] * 4], [None, SLOW, SLOW, SLOW, SLOW, None]),
    ],
)
def test_reads_are_compared_with_those_before_the_run(looks: list[Any], said: list[str | None]) -> None:
    assert why(Latency(), *looks) == said
