"""A change made once more beside something that another branch added: it is the same change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.diff import diff
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.table import Table
from sendoka.schema.threeway import replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.schema.model import Model

__all__ = ["goes_beside"]

NAME = "of another branch"
OTHERS = (Table(name=NAME), Column(name="id", table=NAME, type="text"))


def goes_beside(old: Model, new: Model, renames: Sequence[str]) -> None:
    """Assert that what leads from one schema to the other goes on top of the first with one more table, as it was."""
    onto, wanted = (each.with_objects([*each, *OTHERS]) for each in (old, new))
    found = replayed(old, new, onto, renames)
    assert (found.conflicts, found.others) == ((), ())
    assert not diff(found.model, wanted)
