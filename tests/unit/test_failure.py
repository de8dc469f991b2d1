"""What is said about a migration that is refused or waits: whose fault it is, which statement, what to do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from sendoka.database import Database
from sendoka.database.transaction import DEFAULT
from sendoka.errors import (
    AnswerLost,
    ChecksumMismatch,
    DatabaseError,
    EndpointError,
    Outcome,
    RequestTimeout,
    database_error,
)
from sendoka.migrations.comparison import Comparison, State
from sendoka.migrations.event import Event, Kind
from sendoka.migrations.failure import failed, gave_up, refusal, waiting_for
from sendoka.migrations.files import parse, render
from sendoka.migrations.history import REACHED, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database import Cells, Result, Statement, TransactionOptions
    from sendoka.errors import TransportError

NAME = "0001_brave_otter"
MIGRATION = parse("0000_brave_otter", render("0000_brave_otter", None, ["select 1", "select broken", "select 3"], []))
REFUSED = {"code": "42703", "message": 'column "broken" does not exist'}
REACHED_ONE = {"code": REACHED, "message": "reached"}


class Answers(Database):
    """A database that refuses every transaction with the next of these errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = deque(errors)
        self.options: list[TransactionOptions] = []

    async def run(self, statement: Statement) -> Result[Cells]:
        raise NotImplementedError

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        self.options.append(options)
        raise self.errors.popleft()


WAITS: list[tuple[DatabaseError | TransportError, bool, str]] = [
    (
        database_error({"code": "55P03", "message": "canceling statement due to lock timeout"}),
        False,
        "somebody holds a lock that 0000_brave_otter needs (55P03)",
    ),
    (
        database_error({"code": "55P03", "message": "canceling statement due to lock timeout"}),
        True,
        "another runner is applying 0000_brave_otter",
    ),
    (
        database_error({"code": "23505", "message": "duplicate key", "schema": "sendoka"}),
        True,
        "another runner is applying 0000_brave_otter",
    ),
    (
        database_error({"code": "23505", "message": "duplicate key", "schema": "pg_catalog"}),
        False,
        "another runner may be creating the same tables: duplicate key (23505)",
    ),
    (database_error({"code": "40001", "message": "could not serialize"}), False, "could not serialize (40001)"),
    (AnswerLost("the endpoint lost the database"), False, "the endpoint lost the database"),
]


@pytest.mark.parametrize(("error", "rival", "says"), WAITS, ids=[says for *_, says in WAITS])
def test_what_is_waited_for_is_said_in_words(error: DatabaseError | TransportError, rival: bool, says: str) -> None:
    assert waiting_for(MIGRATION, error, rival=rival) == says
    given_up = gave_up(MIGRATION, error, 3, unknown=False, rival=rival)
    assert says in given_up.what
    assert ("pg_stat_activity" in given_up.todo) is (getattr(error, "sqlstate", "") == "55P03")


def test_a_migration_that_takes_longer_than_its_deadline_is_told_what_gives_it_more() -> None:
    passed = RequestTimeout("the deadline of 0.5 s passed", outcome=Outcome.UNKNOWN, passing=False)
    given_up = gave_up(MIGRATION, passed, 3, unknown=True)
    assert given_up.what.endswith("not applied within 3 s: no answer came in that time")
    assert "may still be applied" in given_up.where
    assert "--deadline (deadline=) gives it more" in given_up.todo


async def test_the_failing_statement_is_found_by_halves_that_may_be_sent_again() -> None:
    database = Answers(*(database_error(fields) for fields in (REFUSED, REACHED_ONE, REFUSED)))
    error = await failed(database, MIGRATION, database_error(REFUSED))
    assert (error.statement, error.where) == (2, "statement 2 of 3: select broken")
    assert all(options.idempotent for options in database.options)


@pytest.mark.parametrize(
    "lost",
    [
        AnswerLost("the connection ended early"),
        EndpointError("the endpoint is overloaded", outcome=Outcome.REFUSED),
        database_error({"code": "55P03", "message": "canceling statement due to lock timeout"}),
    ],
)
@pytest.mark.parametrize("before", [[], [REFUSED]])
async def test_a_lost_probe_does_not_hide_the_failure(
    lost: DatabaseError | TransportError, before: list[dict[str, str | None]]
) -> None:
    """Probing stops, and what the database said at first is told."""
    database = Answers(*(database_error(fields) for fields in before), lost)
    error = await failed(database, MIGRATION, database_error(REFUSED))
    assert error.what == '0000_brave_otter.sql failed: column "broken" does not exist (42703)'
    assert (error.statement, error.where) == (None, f"which statement could not be asked: {lost.what}")
    assert not database.errors


EVENTS: list[tuple[Kind, float | None, str, str]] = [
    ("applying", None, "", "applying 0001_brave_otter"),
    ("applied", 0.125, "", "applied 0001_brave_otter in 0.12 s"),
    ("applied", None, "its answer was lost", "applied 0001_brave_otter (its answer was lost)"),
    ("waiting", None, "another runner is applying it", "waiting: another runner is applying it"),
]


@pytest.mark.parametrize(("kind", "seconds", "why", "line"), EVENTS)
def test_an_event_is_a_line_for_a_person(kind: Kind, seconds: float | None, why: str, line: str) -> None:
    assert str(Event(kind, NAME, seconds, why)) == line


def test_a_file_that_was_edited_while_it_is_unfinished_is_told_so() -> None:
    entry = Entry(0, MIGRATION.name, "00" * 32, "00" * 32, "running")
    error = refusal(Comparison(State.ALTERED, at=(MIGRATION, entry)))
    assert isinstance(error, ChecksumMismatch)
    assert error.what == "0000_brave_otter.sql was edited after it was begun"
    assert error.where.startswith("begun: sha256:000000000000…")
