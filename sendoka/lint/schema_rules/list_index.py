"""What list endpoints filter by is indexed together with the order of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint.rule import Options, Rule
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.index import Index
from sendoka.schema.kinds.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model

__all__ = ["rule"]

_ORDER = ("created_at", "id")


def _check(model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    for table in model.all(Table):
        names = {column.name for column in model.members(table.id, Column)}
        served = {index.plain_columns for index in model.members(table.id, Index) if _is_walkable(index)}
        for name in options["columns"]:
            if {name, *_ORDER} <= names and (name, *_ORDER) not in served:
                what = f"a list filtered by {name} has no index to walk"
                yield table.id.address, what, f'add list_index("{name}")'


def _is_walkable(index: Index) -> bool:
    """Tell whether the index can be walked forwards or backwards in the pages' order, over all rows."""
    order = {key.descending for key in index.keys[1:]}
    plain = all(key.column is not None and key.nulls is None and key.operator_class is None for key in index.keys)
    return plain and len(order) == 1 and index.method == "btree" and index.predicate is None


rule = Rule(
    name="list-index",
    summary="A table with a column of `columns` has an index on (column, created_at, id), in one direction.",
    check=_check,
    bad='primary_key("wid"), org_id(), created_at(), Index(None, "org_id")',
    good='primary_key("wid"), org_id(), created_at(), list_index("org_id")',
    options={"columns": ("org_id",)},
)
