"""The words in which a mock is told what to expect, the same for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.testing.expected_statement import ExpectedStatement
from sendoka.testing.expected_transaction import ExpectedTransaction
from sendoka.testing.script import Script

if TYPE_CHECKING:
    from sendoka.database.statement import Statement
    from sendoka.testing.expected_statement import Wanted
    from sendoka.testing.recorded import Recorded

__all__ = ["Scripted"]


class Scripted:
    """What is told what to expect, and remembers what was sent: `requests`, and their `statements`."""

    def __init__(self, *, in_order: bool = False) -> None:
        self._script = Script(in_order=in_order)
        self.requests: list[Recorded] = []

    def on(self, wanted: Wanted, *params: Any) -> ExpectedStatement:
        """Expect a statement of this text (white space does not count), or that this pattern finds; with parameters,
        given as Python values, exactly these.

        Say on it what it answers: `.rows({...}, ...)`, `.affects(count)`, `.fails("23505", ...)`, `.meets("html")`, …;
        where nothing is said it answers no rows.
        """
        return self._script.expect(ExpectedStatement(wanted, params or None))

    def on_transaction(
        self,
        *wanted: Wanted,
        isolation_level: str | None = None,
        read_only: bool | None = None,
        deferrable: bool | None = None,
    ) -> ExpectedTransaction:
        """Expect a transaction of exactly these statements; without any, whatever they are. Options unsaid: any.

        Say on it what it answers as a whole: `.results([...], 1)`, `.fails("40001")`, `.meets("connection_closed")`;
        where nothing is said, its statements answer.
        """
        return self._script.expect(ExpectedTransaction(wanted, isolation_level, read_only, deferrable))

    @property
    def statements(self) -> list[Statement]:
        """Every statement that was sent, in order."""
        return [statement for request in self.requests for statement in request.statements]

    def verify(self) -> None:
        """Raise AssertionError for what was sent and not expected, and for what was expected and not sent.

        Leaving the `with` does it; for a mock that is used without one it is yours to call.
        """
        self._script.verify()
