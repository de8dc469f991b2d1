"""`run_once` over a database that answers what it is told to: what is known when the ledger cannot be made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import pytest

from sendoka.bookkeeping import ensure
from sendoka.database.ledger import LEDGER
from sendoka.database.once import run_once
from sendoka.database.seam import Database
from sendoka.database.statement import Cells, Result, Statement
from sendoka.database.transaction import DEFAULT, TransactionOptions
from sendoka.errors import AnswerLost, ConnectFailed, DatabaseError, Outcome, SendokaError, database_error

if TYPE_CHECKING:
    from collections.abc import Sequence


class Told(Database):
    """Raises one error after the other, the last again and again, each after `seconds` or when the time is up."""

    def __init__(self, *errors: SendokaError, seconds: float = 0.0) -> None:
        self.errors = list(errors)
        self.seconds = seconds
        self.timeouts: list[float | None] = []

    async def run(self, statement: Statement) -> Result[Cells]:
        raise NotImplementedError

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        self.timeouts.append(options.timeout)
        await anyio.sleep(min(self.seconds, options.timeout or self.seconds))
        raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]


def postgres(code: str, message: str = "no", outcome: Outcome = Outcome.FAILED) -> DatabaseError:
    return database_error({"code": code, "message": message}, outcome=outcome)


@pytest.mark.parametrize("first", [Outcome.UNKNOWN, Outcome.FAILED])
@pytest.mark.parametrize("second", ["not_sent", "unknown", "25006", "42501"])
async def test_where_the_ledger_cannot_be_made_no_more_is_known_than_before(first: Outcome, second: str) -> None:
    """An earlier send of the transaction may arrive when somebody else has made the ledger; or nothing of it ran."""
    known: dict[str, SendokaError] = {"not_sent": ConnectFailed("x"), "unknown": AnswerLost("x")}
    missing = postgres("42P01", 'relation "sendoka.ledger" does not exist', first)
    database = Told(missing, known.get(second) or postgres(second))
    with pytest.raises(SendokaError) as caught:
        await run_once(database, "k", [Statement("insert")], TransactionOptions(timeout=5), digest="d")
    assert caught.value.outcome is first  # type: ignore[attr-defined]
    assert "creation of sendoka.ledger" in caught.value.__notes__[0]
    assert ("grant" in caught.value.todo) is (second == "42501")


async def test_one_deadline_bounds_all_attempts_to_make_it() -> None:
    database = Told(postgres("42P07"), seconds=0.2)
    began = time.monotonic()
    with pytest.raises(DatabaseError):
        await ensure(database, [LEDGER], timeout=0.5)
    assert time.monotonic() - began < 1.5
    given = [timeout for timeout in database.timeouts if timeout is not None]
    assert len(given) == len(database.timeouts) <= 3
    assert given == sorted(given, reverse=True)


def test_rivals_are_waited_for_under_trio_too() -> None:
    database = Told(*[postgres("42P07")] * 3, postgres("25006"))
    with pytest.raises(DatabaseError, match="25006"):
        anyio.run(ensure, database, [LEDGER], backend="trio")
    assert len(database.timeouts) == 4
