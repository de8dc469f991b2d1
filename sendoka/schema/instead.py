"""The SQL to use instead of a step that loses something or holds others up: statements by file.

A line of it may be a comment, for what no statement says: what code must do, and where a backfill stands.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from sendoka.quoting import ident, literal, qualified
from sendoka.schema.kinds import kind_of
from sendoka.schema.names import default_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendoka.schema.diff import Renamed
    from sendoka.schema.model import Object
    from sendoka.schema.step import Place

__all__ = ["Files", "Likes", "kept_name", "refilled", "swapped", "used_before", "with_value"]

Files = tuple[tuple[str, ...], ...]
"""The statements of a file, of the one after it, and so on."""

_FILL = "-- a backfill gives every row its value: backfill/, sendoka backfill run"


class Likes:
    """What came, by its place, to find what something that went may be called now."""

    def __init__(self, created: Iterable[Object]) -> None:
        self._come: dict[tuple[str, str, str], list[Object]] = {}
        for each in created:
            self._come.setdefault((each.kind, each.namespace, each.id.table), []).append(each)

    def as_rename(self, each: Object) -> Files:
        """Return the rename that the drop of what holds data may be meant as; () where nothing like it came."""
        kind = kind_of(each)
        if not (kind.renames_on_answer or kind.holds_data(each)):
            return ()
        come = self._come.get((each.kind, each.namespace, each.id.table), ())
        fitting = [one for one in come if getattr(one, "type", None) == getattr(each, "type", None)]
        likest = get_close_matches(each.name, [one.name for one in fitting], n=1, cutoff=0)
        return tuple((kind.rename(each, one),) for one in fitting if [one.name] == likest)


def kept_name(each: Renamed) -> Files:
    """Return a table's rename with a view of its old name, for code that still says that."""
    if each.new.kind != "table":
        return ()
    old, new = (qualified(key.namespace, key.name) for key in (each.old, each.new))
    view = f"CREATE VIEW {old} AS SELECT * FROM {new}"  # noqa: S608 - two quoted names
    return ((each.statement, view), (f"DROP VIEW {old}",))


def with_value(place: Place, column: str) -> Files:
    """Return how a column gets NOT NULL without a table that is read while it is locked."""
    table, name = f"ALTER TABLE {qualified(*place)}", ident(default_name(place[1], column, "not_null"))
    return (
        (f"{table} ADD CONSTRAINT {name} CHECK ({ident(column)} IS NOT NULL) NOT VALID",),
        (f"{table} VALIDATE CONSTRAINT {name}",),
        # In one statement the check would be gone before Postgres looks for it, and all rows were read again.
        (f"{table} ALTER COLUMN {ident(column)} SET NOT NULL", f"{table} DROP CONSTRAINT {name}"),
    )


def refilled(place: Place, column: str, clause: str, then: Sequence[str] = (), *, not_null: bool = False) -> Files:
    """Return how a column comes to a table without rows written at once; `then` is done before they are filled."""
    table = f"ALTER TABLE {qualified(*place)}"
    alters = (f"{table} ALTER COLUMN {ident(column)} {each}" for each in then)
    ends = with_value(place, column) if not_null else ()
    return ((f"{table} ADD COLUMN {ident(column)} {clause}", *alters), (_FILL,), *ends)


def swapped(place: Place, column: str, clause: str) -> Files:
    """Return how a column gets another type beside the old one."""
    table, old, new = f"ALTER TABLE {qualified(*place)}", f"{column}_old", f"{column}_new"
    return (
        (f"{table} ADD COLUMN {ident(new)} {clause}",),
        (f"-- code, or a trigger, writes both {column} and {new}", _FILL),
        (
            f"{table} RENAME COLUMN {ident(column)} TO {ident(old)}",
            f"{table} RENAME COLUMN {ident(new)} TO {ident(column)}",
        ),
        (f"{table} DROP COLUMN {ident(old)}",),
    )


def used_before(index: Place) -> Files:
    """Return how to see whether an index is used, and to drop it without a lock."""
    name = literal(qualified(*index))
    used = f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = to_regclass({name})"  # noqa: S608 - quoted
    return ((used,), (f"DROP INDEX CONCURRENTLY {qualified(*index)}",))
