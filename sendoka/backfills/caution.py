"""For how long batches do without what makes them faster, after that went wrong.

That is: to leave the page unlocked, until somebody else changed a row of it; to be sent before their turn.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Caution"]

_FEW = 4
_MANY = 64


@dataclass(slots=True)
class Caution:
    """Counts batches: after a conflict some lock their page, after the next ones ever more, fewer where there is none.

    A batch that meets a conflict is done twice. With `_MANY` that is less than two batches in a hundred, and what
    locks cost all the others is a tenth of their time.
    """

    locked: int = 0
    again: int = _FEW

    @property
    def allows(self) -> bool:
        """Whether the next batch may leave its page unlocked."""
        return self.locked == 0

    def met(self) -> None:
        """Note a conflict; the batch is done again with locks, and so are the next ones."""
        self.locked, self.again = self.again, min(2 * self.again, _MANY)

    def passed(self) -> None:
        """Note a batch that locked its page."""
        self.locked -= 1

    def spared(self) -> None:
        """Note a batch that had no conflict."""
        self.again = max(self.again // 2, _FEW)
