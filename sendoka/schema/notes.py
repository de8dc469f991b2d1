"""What a plan says beside its statements: what it left alone, and what could not be known without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.schema.spelling import respelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.diff import Changes

__all__ = ["notes"]


def notes(changes: Changes) -> Iterator[str]:
    """Yield the sentences."""
    yield from changes.left
    if changes.left_alone:
        kinds = " and ".join(sorted({f"{each.kind}s" for each in changes.left_alone}))
        names = ", ".join(each.id.address for each in changes.left_alone)
        yield f"one of the two says nothing of {kinds}, and these are left as they are: {names}"
    for each in () if changes.is_spelled else changes.altered:
        for name in respelled(each.old, each.new):
            yield f"{each.new.id}: the text of its {name} changed; no Postgres was asked whether it means the same"
