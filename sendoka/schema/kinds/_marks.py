"""What a table uses an index for, beside finding rows: the order of CLUSTER, and which row a subscriber is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sendoka.quoting import ident, qualified
from sendoka.schema.step import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MARKS", "Marked", "declared_marks", "marks", "marks_changed", "unmarked"]

MARKS = "i.indisclustered as clustered, i.indisreplident as replica_identity"
"""Both, from `i`, a row of pg_index."""


class Marked(Protocol):
    """An index, or a key with one of its own name."""

    @property
    def namespace(self) -> str:
        """The namespace."""

    @property
    def table(self) -> str:
        """Whose index it is."""

    @property
    def name(self) -> str:
        """The index's name."""

    @property
    def clustered(self) -> bool:
        """Whether CLUSTER orders rows by it."""

    @property
    def replica_identity(self) -> bool:
        """Whether its columns tell a subscriber which row is meant."""


def declared_marks(info: Mapping[str, Any]) -> dict[str, bool]:
    """Return what `info={"clustered": True, "replica_identity": True}` says."""
    return {name: bool(info.get(name)) for name in ("clustered", "replica_identity")}


def marks(new: Marked) -> list[Step]:
    """Return the steps that mark a new index."""
    return marks_changed(new, frozenset({"clustered", "replica_identity"}))


def marks_changed(new: Marked, changed: frozenset[str]) -> list[Step]:
    """Return the steps that set the marks which changed; a replica identity that goes is the table's affair."""
    words = []
    if new.clustered and "clustered" in changed:
        words.append(f"CLUSTER ON {ident(new.name)}")
    if new.replica_identity and "replica_identity" in changed:
        words.append(f"REPLICA IDENTITY USING INDEX {ident(new.name)}")
    return [Step(f"ALTER TABLE {qualified(new.namespace, new.table)} {each}") for each in words]


def unmarked(old: Marked, new: Marked) -> list[Step]:
    """Return SET WITHOUT CLUSTER, which comes before another index takes the mark."""
    if not old.clustered or new.clustered:
        return []
    return [Step(f"ALTER TABLE {qualified(new.namespace, new.table)} SET WITHOUT CLUSTER")]
