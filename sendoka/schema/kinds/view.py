"""Views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sendoka.schema.kinds._view import Queried, QueriedKind, queried_catalog
from sendoka.schema.step import Hazard, Step

__all__ = ["View", "ViewKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Queried):
    """A query that is run wherever its name stands. `options` hold its check option and its security."""

    kind = "view"


class ViewKind(QueriedKind[View]):
    """CREATE VIEW and its kin. A query changes in place where its columns stay and others come behind them.

    Otherwise the view is made anew, and with it whatever stands on it.
    """

    name = "view"
    words = "VIEW"
    holds = View
    claims = ("relation:v",)
    reads: ClassVar[tuple[type[Any], ...]] = (View,)
    catalog = queried_catalog("v")

    def alter(self, old: View, new: View, changed: frozenset[str]) -> list[Step] | None:
        """Return CREATE OR REPLACE VIEW too, where a Postgres has told that all columns stay as they are."""
        if "definition" not in changed:
            return super().alter(old, new, changed)
        if not old.shape or new.shape[: len(old.shape)] != old.shape:
            return None
        replaced = self.create(new, ())[0].text.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
        return [Step(replaced), *self._said(old.columns, new)]

    def loss(self, old: View) -> Hazard:
        """Return the loss of the view; no row is lost."""
        return Hazard("drop-view", old.id.address, f"the view {old.id.address} is dropped", asks=True)


kind = ViewKind()
