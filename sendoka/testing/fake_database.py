"""A `Database` of scripted answers, for tests of what stands on the seam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.database.seam import Database
from sendoka.database.transaction import DEFAULT
from sendoka.errors import Outcome, RequestTimeout, TransportError
from sendoka.http.reply import read_batch, read_single
from sendoka.testing.recorded import Recorded
from sendoka.testing.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from sendoka.database.statement import Cells, Result, Statement
    from sendoka.database.transaction import TransactionOptions
    from sendoka.http.reply import Reply
    from sendoka.testing.cells import RowValues

__all__ = ["FakeDatabase"]


class FakeDatabase(Scripted, Database):
    """Answers what it was told to, remembers every request, and refuses the unexpected with an AssertionError.

    It is told with the words of `NeonMock`, and what goes wrong is the error that the client would raise, outcome
    included; it never sends again. `answers` are statement texts and the rows they answer. `requests` are what was
    sent; `verify()`, or leaving it as a context manager, says what is missing.
    """

    def __init__(self, answers: Mapping[str, Sequence[RowValues]] | None = None, *, in_order: bool = False) -> None:
        super().__init__(in_order=in_order)
        for text, rows in (answers or {}).items():
            self.on(text).rows(*rows)

    async def run(self, statement: Statement) -> Result[Cells]:
        """Answer one statement, or raise what was scripted."""
        return read_single(self._answer(Recorded((statement,), batch=False), None), statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        """Answer each statement of a transaction; the first that fails is raised."""
        request = Recorded(tuple(statements), True, options.isolation_level, options.read_only, options.deferrable)
        return read_batch(self._answer(request, options.timeout), statements)

    def _answer(self, request: Recorded, timeout: float | None) -> Reply:
        self.requests.append(request)
        answer = self._script.answer(request)
        if timeout is not None and answer.seconds >= timeout:
            raise RequestTimeout(f"the deadline of {timeout:g} s passed", outcome=Outcome.UNKNOWN, passing=False)
        if isinstance(answer.reply, TransportError):
            raise answer.reply
        return answer.reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.verify()
