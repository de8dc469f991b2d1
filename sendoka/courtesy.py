"""Courtesy to the other programs of a machine, and to the other tasks of an event loop, in the middle of long work."""

from __future__ import annotations

import os

from anyio.lowlevel import checkpoint

__all__ = ["breathe", "give_way"]

_yield = getattr(os, "sched_yield", None)


def give_way() -> None:
    """Let another program have our processor, if one waits for it; a microsecond where none does.

    A kernel takes a processor away at its ticks, and these are 4 ms apart on many a Linux: so long an application that
    only has to look at an answer may wait behind us, twice for each statement.
    """
    if _yield is not None:  # macOS and Windows do without
        _yield()


async def breathe() -> None:
    """Let the other tasks of the event loop go on, and other programs too."""
    await checkpoint()
    give_way()
