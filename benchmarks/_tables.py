"""A schema of any size for the benchmarks: tables of 20 columns and 4 indexes, each pointing at the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IMPORTED", "write_schema"]

_INIT = "from sqlalchemy import MetaData\n\nmetadata = MetaData()\n"

_HEAD = """from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, Numeric, String, Table, Text
from sqlalchemy import text

from . import metadata
"""

_TYPES = (
    "Text",
    "Integer, nullable=False, server_default=text('0')",
    "String(64), nullable=False",
    "Numeric(12, 2)",
    "Boolean, nullable=False, server_default=text('false')",
    "DateTime(timezone=True), server_default=text('now()')",
)

IMPORTED = "import importlib, pathlib, sys; sys.path.insert(0, '.'); [importlib.import_module(f'schema.{path.stem}') for path in sorted(pathlib.Path('schema').glob('t*.py'))]"  # noqa: E501
"""What a Python does that imports the schema and nothing else, in the folder above it."""


def write_schema(folder: Path, tables: int) -> None:
    """Write a folder `schema` into `folder`, of so many tables."""
    place = folder / "schema"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(_INIT, encoding="utf-8")
    for number in range(tables):
        (place / f"t{number:04}.py").write_text(_module(number), encoding="utf-8")


def _module(number: int) -> str:
    name = f"t{number:04}"
    before = f"t{number - 1:04}" if number else name
    columns = [
        "Column('id', String(32), primary_key=True)",
        f"Column('parent', String(32), ForeignKey('{before}.id'))",
        *(f"Column('c{each:02}', {_TYPES[each % len(_TYPES)]})" for each in range(2, 20)),
    ]
    indexes = [f"Index('{name}_{each}_idx', 'c{each:02}', 'c{each + 1:02}')" for each in range(2, 6)]
    body = ",\n    ".join([f"{name!r}", "metadata", *columns, *indexes])
    return f"{_HEAD}\n{name} = Table(\n    {body},\n)\n"
