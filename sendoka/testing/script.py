"""What a mock was told to expect, how a request is answered by it, and what is left at the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sendoka.database.statement import Field, Result
from sendoka.errors import TransportError
from sendoka.http.reply import Reply
from sendoka.testing.difference import explain, indented, listed
from sendoka.testing.expected_statement import ExpectedStatement, named
from sendoka.testing.expected_transaction import ExpectedTransaction
from sendoka.testing.ledger import Ledger
from sendoka.testing.mishaps import json_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from sendoka.database.statement import Cells, Statement
    from sendoka.testing.expected import Turn
    from sendoka.testing.recorded import Recorded

    E = TypeVar("E", ExpectedStatement, ExpectedTransaction)
    Made = list[Result[Cells]] | Reply | TransportError

__all__ = ["Answer", "Script"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back, a reply or an exchange that went wrong, after so many seconds of the mock's own time.

    `committed` is true where the statements were run, whatever comes back.
    """

    reply: Reply | TransportError
    seconds: float = 0.0
    committed: bool = False


class Script:
    """What is expected, and its answers. The first that matches and is not used up is given; threads take turns.

    `in_order` wants what is expected in the order in which it was said. What the client itself puts first into a
    transaction, for `once=` and `settings=`, is answered as a database would, where nothing else was said about it.
    """

    def __init__(self, *, in_order: bool = False) -> None:
        self.expected: list[ExpectedStatement | ExpectedTransaction] = []
        self.unexpected: list[str] = []
        self._in_order = in_order
        self._at = 0
        self._turn = threading.RLock()
        self._ledger = Ledger()

    def expect(self, one: E) -> E:
        """Expect this too, and return it."""
        with self._turn:
            self.expected.append(one)
        return one

    def answer(self, request: Recorded) -> Answer:
        """Answer one request. Raises AssertionError for the unexpected, and keeps it for `verify`."""
        with self._turn:
            committed = False
            try:
                answer = self._whole(request) or self._statements(request, ())
                committed = answer.committed
                return answer
            except AssertionError as error:
                self.unexpected.append(str(error))
                raise
            finally:
                self._ledger.end(committed=committed)

    def verify(self) -> None:
        """Raise AssertionError that says what was sent and not expected, and what was expected and not sent."""
        with self._turn:
            lacking = [one for one in self.expected if one.lacks]
            found = list(self.unexpected)
            if lacking and not found:  # what is unexpected says already what is not sent
                found.append("\n".join(["what was expected was not sent:", *indented(listed(lacking))]))
        if found:
            raise AssertionError("\n\n".join(found))

    # -------------------------------------------------------------- how a request is answered

    def _whole(self, request: Recorded) -> Answer | None:
        """Answer a transaction that is expected as a whole; None where its statements are to answer."""
        theirs = replace(request, statements=tuple(one for one in request.statements if not self._is_own(one)))
        expected = self._due(lambda one: isinstance(one, ExpectedTransaction) and one.matches(theirs))
        if not isinstance(expected, ExpectedTransaction):
            return None
        expected.seen += 1
        turn = expected.due()
        if turn is None:
            return self._statements(request, expected.wanted)
        own, statements = self._own(request)
        if isinstance(own, Reply):
            return Answer(own)
        for statement in statements:
            self._was_sent(statement)
        made = _made(turn, statements, request)
        if isinstance(made, list):
            return Answer(_reply([*own, *made], request), turn.seconds, committed=True)
        return Answer(made, turn.seconds, turn.commits)

    def _own(self, request: Recorded) -> tuple[list[Result[Cells]] | Reply, list[Statement]]:
        """Return what comes of the statements that the client itself has put first, and the others."""
        results: list[Result[Cells]] = []
        for place, statement in enumerate(request.statements):
            if not self._is_own(statement):
                return results, list(request.statements[place:])
            made = self._ledger.answer(statement)
            if isinstance(made, Reply):
                return made, []
            results += made
        return results, []

    def _is_own(self, statement: Statement) -> bool:
        """Tell whether the client itself has added a statement; what something was said about is the application's."""
        return self._ledger.knows(statement) and not any(
            isinstance(one, ExpectedStatement) and one.matches(statement) for one in self.expected
        )

    def _statements(self, request: Recorded, instead: tuple[ExpectedStatement, ...]) -> Answer:
        """Answer statement by statement, up to the first that fails: those behind it are not run, but were sent."""
        own, statements = self._own(request)
        if isinstance(own, Reply):
            return Answer(own)
        results, seconds = own, 0.0
        for place, statement in enumerate(statements):
            expected = self._find(statement, instead[place] if instead else None)
            expected.seen += 1
            expected.calls.append(statement)
            turn = expected.due()
            made: Made = [named(_NOTHING, "", statement)] if turn is None else _made(turn, [statement], request)
            seconds += turn.seconds if turn else 0.0
            if not isinstance(made, list):
                for behind in statements[place + 1 :]:
                    if not self._was_sent(behind) and not instead:
                        self._find(behind, None)  # which says that it is unexpected
                return Answer(made, seconds, bool(turn and turn.commits))
            results += made
        return Answer(_reply(results, request), seconds, committed=True)

    def _find(self, statement: Statement, instead: ExpectedStatement | None) -> ExpectedStatement:
        found = self._due(lambda one: isinstance(one, ExpectedStatement) and one.matches(statement))
        if isinstance(found, ExpectedStatement):
            return found
        if instead is not None:
            return instead
        statements = [one for one in self.expected if isinstance(one, ExpectedStatement)]
        lines = [explain(statement, statements, self._out_of_order()), "expected was:"]
        raise AssertionError("\n".join([*lines, *indented(listed(self.expected))]))

    def _due(self, fits: Callable[[ExpectedStatement | ExpectedTransaction], bool]) -> object:
        """Return what fits and is not used up, None where nothing does or, in order, where something else is due."""
        for place in range(self._at if self._in_order else 0, len(self.expected)):
            one = self.expected[place]
            if fits(one) and not one.is_over:
                self._at = place
                return one
            if self._in_order and one.lacks:
                return None
        return None

    def _was_sent(self, statement: Statement) -> bool:
        """Count a statement that was sent and gets no answer of its own; tell whether it was expected at all."""
        for one in self.expected:
            if isinstance(one, ExpectedStatement) and one.matches(statement):
                one.seen += 1
                return True
        return False

    def _out_of_order(self) -> str:
        if not self._in_order:
            return ""
        due = next((one for one in self.expected[self._at :] if one.lacks), None)
        return f"it is out of order; due is: {due} ({due.place})" if due else "it is out of order"


_NOTHING: Result[Cells] = Result((), [], "", 0)


def _made(turn: Turn, statements: Sequence[Statement], request: Recorded) -> Made:
    try:
        return turn.act(statements, request)
    except TransportError as error:
        return error


def _reply(results: list[Result[Cells]], request: Recorded) -> Reply:
    """Return the answer for the results of a request, as Neon writes it."""
    documents = [_document(result) for result in results]
    return json_reply(200, {"results": documents} if request.batch else documents[0])


def _document(result: Result[Cells]) -> dict[str, Any]:
    return {
        "fields": [_field(field) for field in result.fields],
        "rows": result.rows,
        "command": result.command,
        "rowCount": result.row_count,
        "rowAsArray": True,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "dataTypeID": field.type_oid,
        "tableID": field.table_oid,
        "columnID": field.column,
        "dataTypeSize": field.type_size,
        "dataTypeModifier": field.type_modifier,
        "format": "text",
    }
