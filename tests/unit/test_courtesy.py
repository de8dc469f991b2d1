"""Courtesy to others, where the system knows how."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sendoka import courtesy

if TYPE_CHECKING:
    import pytest


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
