"""A result of PostgreSQL as Neon's JSON: fields, rows, command and count, in Neon's order."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from psycopg.adapt import Transformer
from psycopg.pq import Format

from sendoka.local.failure import Failure
from sendoka.local.typed import typed_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

__all__ = ["result_json"]

TEXT_OID = 25

Cell = str | None


def result_json(result: PGresult, *, raw: bool, array: bool, elements: dict[int, int]) -> str:
    """Return the result object as JSON text.

    `raw` wants cells as Postgres text, `array` rows as lists. `elements` maps array types that are not built in to the
    type of their elements, for cells that are not raw. Raises Failure for text that cannot be put into JSON.
    """
    columns = range(result.nfields)
    names = [encode_basestring((result.fname(column) or b"").decode("utf-8", "replace")) for column in columns]
    fields = ",".join([_field(result, column, names[column]) for column in columns])
    write = _writers(result, raw, elements)
    rows = _rows(result)
    if array:
        lines = [_array_line(row, write) for row in rows]
    else:
        # Written by hand: a name that comes twice is written twice.
        keys = [f"{name}:" for name in names]
        lines = [_object_line(row, keys, write) for row in rows]
    command, count = _tag(result)
    return (
        f'{{"fields":[{fields}],"rows":[{",".join(lines)}],'
        f'"command":{encode_basestring(command)},"rowCount":{count},"rowAsArray":{"true" if array else "false"}}}'
    )


def _field(result: PGresult, column: int, name: str) -> str:
    return (
        f'{{"name":{name},"dataTypeID":{result.ftype(column)},"tableID":{result.ftable(column)},'
        f'"columnID":{result.ftablecol(column)},"dataTypeSize":{result.fsize(column)},'
        f'"dataTypeModifier":{result.fmod(column)},"format":"text"}}'
    )


def _rows(result: PGresult) -> list[list[Cell]]:
    if result.ntuples == 0:
        return []
    if result.nfields == 0:
        return [[] for _ in range(result.ntuples)]
    # psycopg's loader of text is a loop in C; asking for each cell here would be one in Python.
    transformer = Transformer()
    transformer.set_pgresult(result, set_loaders=False)
    transformer.set_loader_types([TEXT_OID] * result.nfields, Format.TEXT)
    try:
        return transformer.load_rows(0, result.ntuples, list)
    except UnicodeDecodeError:
        raise Failure("could not parse postgres response", status=500) from None


def _array_line(row: Sequence[Cell], write: Sequence[Callable[[str], str]]) -> str:
    return "[" + ",".join(["null" if cell is None else w(cell) for cell, w in zip(row, write, strict=True)]) + "]"


def _object_line(row: Sequence[Cell], keys: Sequence[str], write: Sequence[Callable[[str], str]]) -> str:
    pairs = [k + ("null" if cell is None else w(cell)) for k, cell, w in zip(keys, row, write, strict=True)]
    return "{" + ",".join(pairs) + "}"


def _writers(result: PGresult, raw: bool, elements: dict[int, int]) -> Sequence[Callable[[str], str]]:
    if raw:
        return [encode_basestring] * result.nfields
    return [typed_cell(result.ftype(column), elements) for column in range(result.nfields)]


def _tag(result: PGresult) -> tuple[str, str]:
    """Return the first word of the command tag, and the number in it as JSON: the third word of INSERT's tag."""
    words = (result.command_status or b"").decode("ascii").split(" ")
    at = 2 if words[0] == "INSERT" else 1
    number = words[at] if len(words) > at else ""
    return words[0], number if number.isdecimal() else "null"
