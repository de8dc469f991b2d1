"""Primary keys are made by the client: a prefix and 24 random characters, never a counter of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.lint.rule import Options, Rule
from sendoka.schema.kinds.column import Column
from sendoka.schema.kinds.primary_key import PrimaryKey
from sendoka.schema.kinds.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.schema.model import Model

__all__ = ["rule"]

_TYPE = "character varying(32)"
_INSTEAD = 'take primary_key("msg"): varchar(32), made by new_id()'


def _check(model: Model, options: Options) -> Iterator[tuple[str, str, str]]:
    for table in model.all(Table):
        keys = [key.columns for key in model.members(table.id, PrimaryKey)]
        if keys != [("id",)]:
            yield table.id.address, "its primary key is not the column id", _INSTEAD
            continue
        (column,) = (each for each in model.members(table.id, Column) if each.name == "id")
        if column.type != _TYPE:
            yield column.id.address, f"the primary key is {column.type}, not varchar(32)", _INSTEAD
        elif column.default is not None:
            yield column.id.address, "the database makes the primary key", _INSTEAD


rule = Rule(
    name="primary-key-form",
    summary="A primary key is the column id, varchar(32), without a default of the database's.",
    check=_check,
    bad='Column("id", BigInteger, primary_key=True, autoincrement=False)',
    good='primary_key("wid")',
)
