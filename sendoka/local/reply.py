"""Results of PostgreSQL as Neon's JSON, written as the rows come: fields, rows, command and count, in Neon's order."""

from __future__ import annotations

from json.encoder import JSONEncoder, encode_basestring
from typing import TYPE_CHECKING

from psycopg.adapt import Transformer
from psycopg.pq import Format

from sendoka.local.failure import Failure
from sendoka.local.typed import typed_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg.pq.abc import PGresult

__all__ = ["Body", "ResultWriter"]

TEXT_OID = 25
FEW = 16
"""Cells up to which asking for each is quicker than setting up psycopg's loop in C."""

_ARRAYS = JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
"""Lists of texts and None as JSON, in one loop in C: the same as `encode_basestring` for each."""

Cell = str | None


class Body:
    """The bytes of an answer as they grow. `limit` is the most that may be there when another row comes."""

    __slots__ = ("limit", "parts", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, text: str) -> None:
        """Add what is no row."""
        part = text.encode("utf-8")
        self.parts.append(part)
        self.size += len(part)

    def put_rows(self, text: str, last: Callable[[], str]) -> None:
        """Add rows. Raises Failure 507 where one meets a body over the limit already: as Neon, which looks before each.

        So the last row may go over it, however large it is; `last` returns its text.
        """
        part = text.encode("utf-8")
        if self.size + len(part) > self.limit:
            before = self.size + len(part) - len(last().encode("utf-8"))
            if before > self.limit:
                raise Failure(f"response is too large (max is {self.limit} bytes)", status=507)
        self.parts.append(part)
        self.size += len(part)


class ResultWriter:
    """Writes one result object into `body`: `begin` once, `add` for each chunk of rows, `end` once.

    Not `typed` wants cells as Postgres text, `array` rows as lists. Raises Failure for what cannot be put into JSON.
    """

    __slots__ = ("_array", "_body", "_keys", "_rows", "_tag", "_write", "typed")

    def __init__(self, body: Body, *, typed: bool, array: bool) -> None:
        self.typed = typed
        self._body = body
        self._array = array
        self._keys: list[str] = []
        self._write: list[Callable[[str], str]] = []
        self._rows = 0
        self._tag = b""

    def begin(self, described: PGresult, elements: Mapping[int, int]) -> None:
        """Write the fields. `elements` maps array types that are not built in to the type of their elements."""
        columns = range(described.nfields)
        names = [encode_basestring((described.fname(column) or b"").decode("utf-8", "replace")) for column in columns]
        if self.typed:
            self._write = [typed_cell(described.ftype(column), elements) for column in columns]
        else:
            self._write = [encode_basestring] * len(columns)
        # Written by hand: a name that comes twice is written twice.
        self._keys = [f"{name}:" for name in names]
        fields = ",".join([_field(described, column, names[column]) for column in columns])
        self._body.put(f'{{"fields":[{fields}],"rows":[')

    def add(self, result: PGresult) -> None:
        """Write the rows of `result`."""
        # The command's tag comes with the last rows, or alone after them.
        self._tag = result.command_status or b""
        rows = _cells(result)
        text = self._lines(rows)
        self._body.put_rows(f",{text}" if self._rows else text, lambda: self._lines(rows[-1:]))
        self._rows += len(rows)

    def end(self, result: PGresult) -> None:
        """Write what comes after the rows."""
        if result.ntuples:
            self.add(result)  # rows without columns do not come in chunks
        command, count = _read_tag(result.command_status or self._tag)
        array = "true" if self._array else "false"
        self._body.put(f'],"command":{encode_basestring(command)},"rowCount":{count},"rowAsArray":{array}}}')

    def _lines(self, rows: Sequence[Sequence[Cell]]) -> str:
        if self._array and not self.typed:
            return _ARRAYS(rows)[1:-1]
        return ",".join(map(self._array_line if self._array else self._object_line, rows))

    def _array_line(self, row: Sequence[Cell]) -> str:
        cells = ["null" if cell is None else w(cell) for cell, w in zip(row, self._write, strict=True)]
        return "[" + ",".join(cells) + "]"

    def _object_line(self, row: Sequence[Cell]) -> str:
        written = zip(self._keys, row, self._write, strict=True)
        return "{" + ",".join([k + ("null" if cell is None else w(cell)) for k, cell, w in written]) + "}"


def _field(result: PGresult, column: int, name: str) -> str:
    return (
        f'{{"name":{name},"dataTypeID":{result.ftype(column)},"tableID":{result.ftable(column)},'
        f'"columnID":{result.ftablecol(column)},"dataTypeSize":{result.fsize(column)},'
        f'"dataTypeModifier":{result.fmod(column)},"format":"text"}}'
    )


def _cells(result: PGresult) -> Sequence[Sequence[Cell]]:
    rows, columns = result.ntuples, result.nfields
    if columns == 0:
        return [[] for _ in range(rows)]
    try:
        if rows * columns <= FEW:
            return [[_text(result.get_value(row, column)) for column in range(columns)] for row in range(rows)]
        # psycopg's loader of text is a loop in C; asking for each cell here would be one in Python.
        transformer = Transformer()
        transformer.set_pgresult(result, set_loaders=False)
        transformer.set_loader_types([TEXT_OID] * columns, Format.TEXT)
        return transformer.load_rows(0, rows, list)
    except UnicodeDecodeError:
        raise Failure("could not parse postgres response", status=500) from None


def _text(value: bytes | None) -> Cell:
    return None if value is None else value.decode("utf-8")


def _read_tag(tag: bytes) -> tuple[str, str]:
    """Return the first word of a command tag, and the number in it as JSON: the third word of INSERT's tag."""
    words = tag.decode("ascii").split(" ")
    at = 2 if words[0] == "INSERT" else 1
    number = words[at] if len(words) > at else ""
    return words[0], number if number.isdecimal() else "null"
