"""The search for the rows of a page that a step cannot do: the page is halved until one row is left."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Bisection"]


@dataclass(slots=True)
class Bisection:
    """The parts of a page that failed, in numbers of rows scanned, the next one last; none while all goes well.

    They are only sizes of the pages to come: a row that is added or deleted meanwhile makes them a little less apt.
    """

    _parts: list[int] = field(default_factory=list)

    @property
    def going_on(self) -> bool:
        """Whether parts are left of a page that failed."""
        return bool(self._parts)

    def size(self, usual: int, *, then: int = 0) -> int:
        """Return how many rows the next page shall scan, or the one `then` pages after it: `usual` at most."""
        return min(usual, self._parts[-1 - then]) if len(self._parts) > then else usual

    def done(self) -> None:
        """The next part is done, with or without its row."""
        del self._parts[-1:]

    def failed(self, scanned: int) -> None:
        """So many rows failed together: they are done in two halves."""
        self.done()
        self._parts += [scanned - scanned // 2, scanned // 2]

    def forget(self) -> None:
        """Somebody else went on with the shard."""
        self._parts.clear()
