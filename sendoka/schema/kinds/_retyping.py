"""A column that gets another type: what its values go through, and what of them may be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.quoting import ident, qualified
from sendoka.schema.casts import can_cast
from sendoka.schema.instead import swapped
from sendoka.schema.kinds._type import changes_family, collate
from sendoka.schema.step import Hazard, Step
from sendoka.schema.typenames import Effect, effect_of, parse_type, short_type, spelled_type

if TYPE_CHECKING:
    from sendoka.schema.kinds.column import Column

__all__ = ["alter_column", "alter_table", "must_be_made_anew", "retype", "typed"]


def alter_table(column: Column) -> str:
    """Return what a statement begins with that changes the column's table."""
    return f"ALTER TABLE {qualified(column.namespace, column.table)}"


def typed(column: Column) -> str:
    """Return the column's type and collation."""
    return spelled_type(column.type) + collate(column.collation)


def alter_column(column: Column, what: str, *hazards: Hazard) -> Step:
    """Return the step that does `what` to the column."""
    return Step(f"{alter_table(column)} ALTER COLUMN {ident(column.name)} {what}", hazards)


def must_be_made_anew(old: Column, new: Column, changed: frozenset[str]) -> bool:
    """Tell whether its values are computed anew, or no cast can keep them."""
    if "type" in changed and not can_cast(old.type, new.type):
        return True
    if new.generated:
        return bool(changed & {"generated", "virtual", "type", "collation"})
    return old.generated is not None and old.virtual


def retype(old: Column, new: Column) -> Step:
    """Return ALTER COLUMN … TYPE with the conversion it needs and the hazard that it is."""
    using = ""
    if changes_family(old, new):
        # Cast without a length: the assignment that follows fails for a value too long, where a cast would cut it.
        target = parse_type(new.type)
        by_text = _by_text(old.type, new.type)
        using = f" USING {ident(new.name)}{by_text}::{target.unlimited if target else spelled_type(new.type)}"
    effect = effect_of(old.type, new.type)
    sql = swapped((new.namespace, new.table), new.name, typed(new))
    hazards = []
    change = f"{new.id.address} changes from {short_type(old.type)} to {short_type(new.type)}"
    if effect is Effect.LOSSY:
        why = f"{change}: a value may be cut, rounded, read differently or refused"
        hazards.append(
            Hazard(
                "change-type",
                new.id.address,
                why,
                asks=True,
                instead="add a column and fill it with a backfill",
                sql=sql,
            )
        )
    elif effect is Effect.REWRITE:
        hazards.append(
            Hazard("rewrite", new.id.address, f"{change}: every row is written again under an exclusive lock", sql=sql)
        )
    collation = ""
    if new.collation or (old.collation and old.type == new.type):
        collation = collate(new.collation or "default")
    return alter_column(new, f"TYPE {spelled_type(new.type)}{collation}{using}", *hazards)


def _by_text(old: str, new: str) -> str:
    """Return the cast to text that must come first: a type that is not built in has no other cast, but to texts."""
    before, after = parse_type(old), parse_type(new)
    if (before and after) or any(each and each.base in {"text", "character varying"} for each in (before, after)):
        return ""
    return "::text[]" if new.endswith("]") else "::text"
