"""`tenant_id` is a nullable foreign key to the tenants: rows are older than tenants, and a backfill fills them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint.rule import Options, Rule
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.foreign_key import ForeignKey
from sendoka.schema.kinds.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model

__all__ = ["rule"]

_INSTEAD = "take tenant_id(): a nullable foreign key to tenants.id"


def _check(model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    tables = {table.id.address: table for table in model.all(Table)}
    for name in options["tables"]:
        if name not in tables:
            yield name, "the rule names a table that is not declared", "correct `tables` in [tool.sendoka.rules]"
    for address, table in tables.items():
        column = next((each for each in model.members(table.id, Column) if each.name == "tenant_id"), None)
        if column is not None:
            yield from _wrong(column, model, options)
        elif address in options["tables"]:
            yield address, "it has no tenant_id", _INSTEAD


def _wrong(column: Column, model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    if column.not_null:
        yield column.id.address, "tenant_id is not null", _INSTEAD
    (target,) = options["target"] or ("tenants",)
    keys = model.parts.get((column.namespace, column.table), ())
    points = {
        (key.target, key.target_columns)
        for key in keys
        if isinstance(key, ForeignKey) and key.columns == ("tenant_id",)
    }
    if (target, ("id",)) not in points:
        yield column.id.address, f"tenant_id is no foreign key to {target}", _INSTEAD


rule = Rule(
    name="tenant-column",
    summary="tenant_id is a nullable foreign key to the tenants, and the tables in `tables` have one.",
    check=_check,
    bad='primary_key("wid"), Column("tenant_id", String(32), nullable=False)',
    good='primary_key("wid"), tenant_id()',
    options={"tables": (), "target": ("tenants",)},
    example={"tables": ["widgets"]},
)
