"""Courtesy to others, where the system knows how."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sendoka import courtesy


async def test_a_breath_is_a_turn_for_other_tasks_and_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(courtesy, "_yield", lambda: seen.append("program"))
    task = asyncio.create_task(_note(seen))
    await courtesy.breathe()
    assert seen == ["task", "program"]
    await task


async def _note(seen: list[str]) -> None:
    seen.append("task")


async def test_a_system_that_does_not_know_how_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "_yield", None)
    courtesy.give_way()
    await courtesy.breathe()


def test_what_is_there_already_is_left_alone_for_a_while() -> None:
    assert gc.get_freeze_count() == 0
    with courtesy.settled():
        assert gc.get_freeze_count() > 1000
        circle: list[object] = []
        circle.append(circle)
        number = id(circle)
        del circle
        assert gc.collect() > 0
        assert not any(id(each) == number for each in gc.get_objects())
        with courtesy.settled():
            pass
        assert gc.get_freeze_count() > 1000
    assert gc.get_freeze_count() == 0


def test_it_ends_with_an_error_too_and_what_others_froze_stays_so() -> None:
    with pytest.raises(ValueError, match="inside"), courtesy.settled():
        raise ValueError("inside")
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        with courtesy.settled():
            pass
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()


def test_a_collector_of_another_kind_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(gc, "freeze")
    with courtesy.settled():
        assert gc.get_freeze_count() == 0
