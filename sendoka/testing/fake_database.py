"""A `Database` of canned answers, for tests of what stands on the seam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.database.seam import Database
from sendoka.database.transaction import DEFAULT
from sendoka.errors import SendokaError
from sendoka.testing.answers import Script

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.database.transaction import TransactionOptions
    from sendoka.testing.answers import Answers, Canned

__all__ = ["FakeDatabase"]


class FakeDatabase(Database):
    """Answers what it was told to, remembers every request, and refuses the unexpected with an AssertionError.

    `requests` holds one list of statements for each call of `run` or `run_all`.
    """

    def __init__(self, answers: Answers | None = None) -> None:
        self._script = Script()
        self.requests: list[list[Statement]] = []
        for text, rows in (answers or {}).items():
            self.on(text).rows(*rows)

    def on(self, wanted: str | re.Pattern[str]) -> Canned:
        """Return the answer to statements of this text, or that this pattern finds; say what it is on it."""
        return self._script.on(wanted)

    async def run(self, statement: Statement) -> Result[Cells]:
        """Answer one statement."""
        return (await self.run_all([statement]))[0]

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Answer each statement; the first canned error is raised."""
        self.requests.append(list(statements))
        results: list[Any] = []
        for statement in statements:
            answer = self._script.find(statement).answer(statement)
            if isinstance(answer, SendokaError):
                raise answer
            results.append(answer)
        return results
