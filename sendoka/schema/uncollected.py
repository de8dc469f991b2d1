"""Work that makes objects by the hundred thousand and lets none go, without the collector looking through them."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["uncollected"]


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Pause the search for circles of garbage: on a schema of 1,000 tables it takes two fifths of the time.

    What is in no circle goes at once, as ever. Use it around work that does not wait, because it is for the process.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else somebody wants what is frozen to stay so
            gc.freeze()
            gc.unfreeze()  # What was made counts as old now; the next search would go through all of it otherwise.
        gc.enable()
