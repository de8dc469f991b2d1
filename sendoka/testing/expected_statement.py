"""One statement that is expected: by its text or a pattern, by its parameters, and what it answers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Result, Statement
from sendoka.errors import DatabaseError
from sendoka.http.encode import Json, encode
from sendoka.testing.cells import result_of
from sendoka.testing.expected import Expected
from sendoka.testing.mishaps import error_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from sendoka.database.statement import Cells
    from sendoka.http.reply import Reply
    from sendoka.testing.cells import RowValues

__all__ = ["ExpectedStatement", "Wanted", "named", "normal", "result_from", "shown"]

Wanted = str | re.Pattern[str]
"""A statement's text, in which white space does not count, or a pattern to be found in it."""


class ExpectedStatement(Expected):
    """One statement that is expected, and what it answers. Each call of a method adds an answer behind the last.

    `mock.on("select 1").fails("40001").rows((1,))` fails first and then answers; where nothing is said it answers no
    rows. `calls` are the statements that were answered.
    """

    def __init__(self, wanted: Wanted, params: tuple[Any, ...] | None = None) -> None:
        super().__init__()
        self.wanted = _checked(wanted)
        self.params = params
        self.calls: list[Statement] = []

    def with_params(self, *params: Any) -> Self:
        """Expect exactly these parameters, as Python values; `unittest.mock.ANY` and patterns stand for any text."""
        if self.params is not None:
            raise ValueError("the parameters of this statement were said already")
        self.params = params
        return self

    def rows(
        self,
        *rows: RowValues,
        columns: Sequence[str] = (),
        types: Mapping[str, str | int] | None = None,
        command: str = "",
    ) -> Self:
        """Answer these rows: mappings of column to value, or sequences of values for `columns` (column1, … unsaid).

        `types` names a column's type where it does not follow from the values: `types={"id": "uuid"}`. `command` is
        the first word of the statement unless said. Raises ValueError for rows of different columns.
        """
        result = result_of(rows, columns=columns, types=types)
        return self._turn(lambda sent, _: [named(result, command, sent[0])])

    def affects(self, count: int | None, command: str = "") -> Self:
        """Answer no rows and this row count; None for commands that count nothing."""
        result: Result[Cells] = Result((), [], "", count)
        return self._turn(lambda sent, _: [named(result, command, sent[0])])

    def computes(self, function: Callable[[Statement], Any]) -> Self:
        """Answer what `function` makes of the statement: rows, a row count, None for no rows, or a Result.

        A DatabaseError that it raises is answered as Postgres' error, a TransportError happens to the request; anything
        else comes out of the await as it is.
        """
        if not callable(function):
            raise TypeError(f"computes() takes a function of the statement, not {type(function).__name__}")
        return self._turn(lambda sent, _: _computed(function, sent[0]))

    def matches(self, statement: Statement) -> bool:
        """Tell whether `statement` is what is expected."""
        if isinstance(self.wanted, str):
            if normal(self.wanted) != normal(statement.text):
                return False
        elif self.wanted.search(statement.text) is None:
            return False
        return self.params is None or (
            len(self.params) == len(statement.params) and all(map(_is, self.params, statement.params))
        )

    def __str__(self) -> str:
        return shown(self.wanted)


def normal(text: str) -> str:
    """Return SQL in one line: white space does not count."""
    return " ".join(text.split())


def shown(wanted: Wanted) -> str:
    """Return a text or pattern as messages show it."""
    return normal(wanted) if isinstance(wanted, str) else f"/{wanted.pattern}/"


def _checked(wanted: Any) -> Wanted:
    if not isinstance(wanted, str | re.Pattern):
        raise TypeError(f"expected is a statement's text or a pattern, not {type(wanted).__name__}")
    if isinstance(wanted, str) and not wanted.strip():
        raise ValueError("expected is a statement's text, and this one is empty")
    return wanted


def _is(expected: Any, sent: str | None) -> bool:
    """Tell whether a Python value is what was sent: by its text, as JSON, by a pattern, or because it says so."""
    if isinstance(expected, re.Pattern):
        return sent is not None and expected.search(sent) is not None
    try:
        if encode(expected) == sent:
            return True
    except (TypeError, ValueError):
        return bool(expected == sent)
    document = expected.value if isinstance(expected, Json) else expected
    if sent is None or not (isinstance(expected, (Json, dict))):
        return False
    try:
        return bool(json.loads(sent) == document)
    except ValueError:
        return False


def named(result: Result[Cells], command: str, statement: Statement) -> Result[Cells]:
    """Return `result` with its command: said, or the first word of the statement."""
    words = re.search(r"[A-Za-z]+", statement.text)
    return Result(result.fields, result.rows, command or (words[0].upper() if words else ""), result.row_count)


def result_from(said: Any) -> Result[Cells]:
    """Return the result that rows, a row count or None say; a Result as it is."""
    if isinstance(said, Result):
        return said
    if said is None:
        return Result((), [], "", 0)
    if isinstance(said, int):
        return Result((), [], "", said)
    return result_of(said)


def _computed(function: Callable[[Statement], Any], statement: Statement) -> list[Result[Cells]] | Reply:
    try:
        made = result_from(function(statement))
    except DatabaseError as error:
        return error_reply(_fields(error))
    return [named(made, made.command, statement)]


def _fields(error: DatabaseError) -> dict[str, str | None]:
    return {
        "message": error.message,
        "code": error.sqlstate,
        "severity": error.severity,
        "detail": error.detail,
        "hint": error.hint,
        "position": None if error.position is None else str(error.position),
        "where": error.context,
        "schema": error.schema,
        "table": error.table,
        "column": error.column,
        "dataType": error.datatype,
        "constraint": error.constraint,
    }
