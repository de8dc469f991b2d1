"""Courtesy to the other programs of a machine, and to the other tasks of an event loop, in the middle of long work."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["breathe", "give_way", "settled"]

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
    from anyio.lowlevel import checkpoint  # who only gives way does without

    await checkpoint()
    give_way()


@contextmanager
def settled() -> Iterator[None]:
    """Have the collector of garbage leave alone what is there already: a look at a whole program takes some 20 ms.

    Thousands of rows that come and go bring about many such looks, in one piece each. What is made meanwhile is looked
    after as ever, and so is everything afterwards. Where somebody has frozen objects, a server before it forks, say, or
    another of us, nothing is done.
    """
    if not hasattr(gc, "freeze") or gc.get_freeze_count():  # PyPy has another collector
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
