"""Every table says when a row came: pages go by (created_at, id)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint.rule import Options, Rule
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model

__all__ = ["rule"]

_INSTEAD = "take created_at(): timestamptz not null default now()"


def _check(model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    for table in model.all(Table):
        found = [each for each in model.members(table.id, Column) if each.name == "created_at"]
        if not found:
            yield table.id.address, "it has no created_at", _INSTEAD
        for column in found:
            wrong = _wrong(column)
            if wrong:
                yield column.id.address, wrong, _INSTEAD


def _wrong(column: Column) -> str:
    if column.type != "timestamp with time zone":
        return f"created_at is {column.type}"
    if not column.not_null:
        return "created_at may be null"
    texts = {column.default.declared, column.default.canonical} if column.default else set()
    return "" if "now()" in texts else "the default of created_at is not now()"


rule = Rule(
    name="created-at-form",
    summary="Every table has created_at, timestamptz not null default now().",
    check=_check,
    bad='primary_key("wid"), Column("created_at", DateTime, nullable=False, server_default=func.now())',
    good='primary_key("wid"), created_at()',
)
