"""Rows of text to rows of values, a column at a time: one Python type a column, never a guess by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.errors import DecodeError
from sendoka.http.fast import uncollected
from sendoka.http.row import Row, row_type
from sendoka.http.types.choice import BUILT_IN, Reader, Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sendoka.database.statement import Cells, Field, Result

    Column = Sequence[str | None]

__all__ = ["decode_columns", "decode_rows"]

_CHUNK = 4096
"""Rows that are turned into columns and back at a time: what lies between is then small, and near."""


def decode_rows(result: Result[Cells], types: Types = BUILT_IN) -> list[Row]:
    """Take the rows out of `result`, and return them with every cell as the Python type of its column; NULL is None.

    `result.rows` is empty afterwards: of a large answer, text and values together would be too much to hold. Raises
    DecodeError for a cell that its type cannot be, whatever a function of `types` raised; the statements ran.
    """
    row = row_type(tuple(field.name for field in result.fields))
    readers = [types.reader(field.type_oid) for field in result.fields]
    if not result.rows:
        return []
    if len(result.rows) <= _CHUNK and readers:
        cells, result.rows[:] = result.rows[:], ()
        if len(cells) == 1:
            return [row(_one(readers, cells[0], result.fields))]
        with uncollected(len(cells) * len(readers)):
            return _chunk(row, readers, cells, result.fields)
    rows: list[Row] = []
    with uncollected(len(result.rows) * len(readers)):
        for cells in _chunks(result.rows):
            if not readers:
                rows.extend(row(()) for _ in cells)
                continue
            rows.extend(_chunk(row, readers, cells, result.fields))
    return rows


def decode_columns(fields: Sequence[Field], columns: Iterable[Column], types: Types = BUILT_IN) -> list[Sequence[Any]]:
    """Return the columns with every cell as its Python type; NULL is None. Raises DecodeError as `decode_rows` does."""
    readers = [types.reader(field.type_oid) for field in fields]
    return [_column(*column) for column in zip(readers, columns, fields, strict=True)]


def _one(readers: list[Reader | None], cells: Cells, fields: tuple[Field, ...]) -> list[Any]:
    """Return the values of one row: columns would cost more than they save."""
    try:
        return [
            cell if reader is None or cell is None else reader.decode(cell)
            for reader, cell in zip(readers, cells, strict=True)
        ]
    except Exception:  # noqa: BLE001 - whatever it was, each cell is looked at by itself next
        return [_column(*column)[0] for column in zip(readers, zip(cells, strict=True), fields, strict=True)]


def _chunk(row: type[Row], readers: list[Reader | None], cells: list[Cells], fields: tuple[Field, ...]) -> list[Row]:
    """Return a few rows: columns are made of them, read, and made rows again."""
    columns = [_column(*column) for column in zip(readers, zip(*cells, strict=True), fields, strict=True)]
    return list(map(row, zip(*columns, strict=True)))


def _chunks(rows: list[Cells]) -> Iterator[list[Cells]]:
    """Take the rows out of the list, some at a time; nothing refers to those that were worked on."""
    rows.reverse()
    while rows:
        chunk = rows[-_CHUNK:]
        del rows[-_CHUNK:]
        chunk.reverse()
        yield chunk


def _column(reader: Reader | None, cells: Column, field: Field) -> Sequence[Any]:
    if reader is None:
        return cells
    if reader.column is not None:
        try:
            return reader.column(cells)  # type: ignore[arg-type]  # a NULL among them is the error that is caught
        except Exception:  # noqa: BLE001 - whatever it was, each cell is looked at by itself next
            present = [cell for cell in cells if cell is not None]
            if len(present) < len(cells):
                return _spread(_column(reader, present, field), cells)
    return _cell_by_cell(reader, cells, field)


def _spread(values: Iterable[Any], cells: Column) -> list[Any]:
    """Return `values` in the places of the cells that are not NULL."""
    following = iter(values)
    return [None if cell is None else next(following) for cell in cells]


def _cell_by_cell(reader: Reader, cells: Column, field: Field) -> list[Any]:
    decode = reader.decode
    values: list[Any] = []
    cell = None
    try:
        for cell in cells:
            values.append(None if cell is None else decode(cell))
    except Exception as error:
        raise _misfit(field, cell, error) from error
    return values


def _misfit(field: Field, cell: str | None, error: Exception) -> DecodeError:
    from sendoka.http.types.far import StyleError

    shown = cell if isinstance(cell, str) else type(cell).__name__
    todo = f'select it as text: "{field.name}"::text'
    if isinstance(error, StyleError):
        todo = f"set datestyle to iso, for the role, the database or the transaction; or {todo}"
    return DecodeError(
        f"column {field.name!r} holds a value that its Python type cannot: {_cut(shown)!r}",
        passing=False,
        where="the statement did run, whatever `outcome` allows; only its answer cannot be shown",
        todo=todo,
    )


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
