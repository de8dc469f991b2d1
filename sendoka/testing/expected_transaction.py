"""A whole transaction that is expected, with its statements and the options it was sent with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.database.transaction import isolation_level as read_level
from sendoka.testing.difference import indented
from sendoka.testing.expected import Expected
from sendoka.testing.expected_statement import ExpectedStatement, named, normal, result_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.testing.cells import RowValues
    from sendoka.testing.expected_statement import Wanted
    from sendoka.testing.recorded import Recorded

__all__ = ["ExpectedTransaction"]


class ExpectedTransaction(Expected):
    """A whole transaction that is expected. Where no answer is said, its statements' own are given.

    `on_transaction()` without statements means any transaction.
    """

    def __init__(
        self,
        wanted: tuple[Wanted, ...],
        isolation_level: str | None,
        read_only: bool | None,
        deferrable: bool | None,
    ) -> None:
        super().__init__()
        self.wanted = tuple(ExpectedStatement(one) for one in wanted)
        self.isolation_level = read_level(isolation_level)
        self.read_only = read_only
        self.deferrable = deferrable

    def results(self, *results: Sequence[RowValues] | int | None) -> Self:
        """Answer each statement: with a list of rows, a row count, or None for neither.

        Raises ValueError for another number than that of the statements; where these were left open, a transaction of
        another number is an AssertionError.
        """
        if self.wanted and len(results) != len(self.wanted):
            raise ValueError(f"{len(results)} results for the {len(self.wanted)} statements of the transaction")
        made = [result_from(one) for one in results]
        return self._turn(lambda sent, _: self._paired(made, sent))

    def _paired(self, made: Sequence[Result[Cells]], sent: Sequence[Statement]) -> list[Result[Cells]]:
        if len(made) != len(sent):
            said = f"the results said ({self.place}) are for a transaction of {len(made)}"
            lines = indented([normal(statement.text) for statement in sent])
            raise AssertionError("\n".join([f"{said}, and one of {len(sent)} was sent:", *lines]))
        return [named(one, "", statement) for one, statement in zip(made, sent, strict=True)]

    def matches(self, request: Recorded) -> bool:
        """Tell whether `request` is what is expected."""
        said = (
            (self.isolation_level, request.isolation_level),
            (self.read_only, request.read_only),
            (self.deferrable, request.deferrable),
        )
        if not request.batch or any(wanted is not None and wanted != sent for wanted, sent in said):
            return False
        if not self.wanted:
            return True
        return len(self.wanted) == len(request.statements) and all(
            wanted.matches(statement) for wanted, statement in zip(self.wanted, request.statements, strict=True)
        )

    def __str__(self) -> str:
        said = {"isolation_level": self.isolation_level, "read_only": self.read_only, "deferrable": self.deferrable}
        options = [f"{name}={value}" for name, value in said.items() if value is not None]
        inside = "; ".join(str(one) for one in self.wanted) or "any statements"
        return f"a transaction of {inside}" + (f" ({', '.join(options)})" if options else "")
