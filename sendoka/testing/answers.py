"""Canned answers, said in Python values and given in the protocol's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sendoka.database.statement import Field, Result
from sendoka.errors import SendokaError, database_error
from sendoka.http.encode import Json, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from sendoka.database.statement import Cells, Statement

__all__ = ["Answers", "Canned", "Script"]

_TEXT = 25
# A Python type, the OID of its column, and of an array of it.
_OIDS: tuple[tuple[type, int, int], ...] = (
    (bool, 16, 1000),
    (int, 20, 1016),
    (float, 701, 1022),
    (Decimal, 1700, 1231),
    (bytes, 17, 1001),
    (UUID, 2950, 2951),
    (datetime, 1184, 1185),
    (date, 1082, 1182),
    (time, 1083, 1183),
    (dict, 3802, 3807),
    (Json, 3802, 3807),
    (str, _TEXT, 1009),
)


@dataclass(eq=False)
class Canned:
    """What is answered to statements that match. The last of `rows`, `affects` and `fails` that was called counts."""

    wanted: str | re.Pattern[str]
    calls: list[Statement] = field(default_factory=list)
    _result: Result[Cells] = field(default_factory=lambda: Result((), [], "SELECT", 0))
    _error: dict[str, str | None] | None = None

    def rows(self, *rows: Mapping[str, Any] | Sequence[Any], command: str = "SELECT") -> Self:
        """Answer these rows: mappings of column to value, or sequences (columns are then called column1, …)."""
        named = [row if isinstance(row, Mapping) else _numbered(row) for row in rows]
        names = tuple(named[0]) if named else ()
        if any(tuple(row) != names for row in named):
            raise ValueError("all rows of an answer have the same columns, in the same order")
        columns = [[row[name] for row in named] for name in names]
        fields = tuple(Field(name, _oid(values)) for name, values in zip(names, columns, strict=True))
        cells = [[_cell(row[name]) for name in names] for row in named]
        self._result, self._error = Result(fields, cells, command, len(cells)), None
        return self

    def affects(self, count: int | None, command: str = "UPDATE") -> Self:
        """Answer no rows and this row count: `affects(3, "INSERT")`; None for commands that count nothing."""
        self._result, self._error = Result((), [], command, count), None
        return self

    def fails(self, sqlstate: str, message: str = "", **fields: str) -> Self:
        """Answer an error of Postgres: `fails("23505", constraint="users_email_key")`."""
        text = message or f"a canned error {sqlstate}"
        self._error = {"message": text, "code": sqlstate, "severity": "ERROR", **fields}
        return self

    def matches(self, statement: Statement) -> bool:
        """Tell whether this is the answer to `statement`."""
        if isinstance(self.wanted, str):
            return _normal(self.wanted) == _normal(statement.text)
        return self.wanted.search(statement.text) is not None

    def answer(self, statement: Statement) -> Result[Cells] | SendokaError:
        """Return the result or the error, and remember the call."""
        self.calls.append(statement)
        if self._error is not None:
            return database_error(self._error, statement=statement.text)
        return self._result

    @property
    def error_fields(self) -> dict[str, str | None] | None:
        """The fields of the error that is answered, None where it is a result."""
        return self._error


class Script:
    """A list of canned answers; the first that matches is given, and a statement that none matches is an error."""

    def __init__(self) -> None:
        self.canned: list[Canned] = []

    def on(self, wanted: str | re.Pattern[str]) -> Canned:
        """Return the answer to statements of this text (white space does not count), or that this pattern finds."""
        canned = Canned(re.compile(wanted.pattern, wanted.flags) if isinstance(wanted, re.Pattern) else wanted)
        self.canned.append(canned)
        return canned

    def find(self, statement: Statement) -> Canned:
        """Return the answer to `statement`. Raises AssertionError, with what was expected, where there is none."""
        for canned in self.canned:
            if canned.matches(statement):
                return canned
        expected = "".join(f"\n  {_shown(canned.wanted)}" for canned in self.canned) or "\n  nothing"
        raise AssertionError(
            f"an unexpected statement was sent:\n  {_normal(statement.text)}\n"
            f"with {list(statement.params)}; expected was:{expected}"
        )

    def unused(self) -> list[str]:
        """Return what was expected and never sent."""
        return [_shown(canned.wanted) for canned in self.canned if not canned.calls]


Answers = Mapping[str, list[dict[str, Any]]]
"""Statement text to the rows it answers."""


def _shown(wanted: str | re.Pattern[str]) -> str:
    return _normal(wanted) if isinstance(wanted, str) else f"/{wanted.pattern}/"


def _normal(text: str) -> str:
    return " ".join(text.split())


def _numbered(row: Sequence[Any]) -> dict[str, Any]:
    return {f"column{number}": value for number, value in enumerate(row, 1)}


def _oid(values: Sequence[Any]) -> int:
    value = next((value for value in values if value is not None), None)
    if isinstance(value, list | tuple):
        item = next((item for item in value if item is not None), None)
        return next((array for cls, _, array in _OIDS if isinstance(item, cls)), 1009)
    return next((oid for cls, oid, _ in _OIDS if isinstance(value, cls)), _TEXT)


def _cell(value: Any) -> str | None:
    return encode(_as_answered(value))


def _as_answered(value: Any) -> Any:
    """Postgres reads `true` and writes `t`."""
    if isinstance(value, bool):
        return "t" if value else "f"
    return [_as_answered(item) for item in value] if isinstance(value, list | tuple) else value
