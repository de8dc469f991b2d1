"""What may be sent again: the whole table."""

from __future__ import annotations

from typing import Any

import pytest

from sendoka.database.retry import Retry, may_send_again
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    DecodeError,
    EndpointError,
    Outcome,
    ProtocolError,
    RequestTimeout,
    UniqueViolation,
    database_error,
)

REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN


def postgres(code: str, outcome: Outcome = Outcome.FAILED) -> Exception:
    return database_error({"code": code, "message": "no"}, outcome=outcome)


# The error, then: a write, what is repeatable, a batch, a batch after an unknown send, a repeatable batch after one.
CASES: list[tuple[Any, str]] = [
    (ConnectFailed("x"), "yyyyy"),
    (ConnectFailed("x", passing=False), "nnnnn"),
    (AnswerLost("x", outcome=Outcome.NOT_SENT), "yyyyy"),
    (AnswerLost("x"), "nynny"),
    (RequestTimeout("x", passing=False), "nnnnn"),
    (ProtocolError("x"), "nynny"),
    (ProtocolError("x", passing=False), "nnnnn"),
    (DecodeError("x", passing=False), "nnnnn"),
    (EndpointError("x", outcome=REFUSED, passing=True), "yyyyy"),
    (EndpointError("x", outcome=REFUSED), "nnnnn"),
    (EndpointError("x", outcome=UNKNOWN), "nnnnn"),
    (postgres("23505"), "nnnnn"),
    (postgres("40001"), "nnyny"),
    (postgres("40P01"), "nnyny"),
    (postgres("57P01", UNKNOWN), "nynny"),
    (postgres("53300", REFUSED), "yyyyy"),
    (postgres("57P03", REFUSED), "yyyyy"),
    (postgres("3D000", REFUSED), "nnnnn"),
    (postgres("55P03"), "nnnnn"),
    (UniqueViolation("x"), "nnnnn"),
    (ValueError("x"), "nnnnn"),
]
FORMS = [
    {"batch": False, "repeatable": False, "unknown_before": False},
    {"batch": False, "repeatable": True, "unknown_before": False},
    {"batch": True, "repeatable": False, "unknown_before": False},
    {"batch": True, "repeatable": False, "unknown_before": True},
    {"batch": True, "repeatable": True, "unknown_before": True},
]


@pytest.mark.parametrize(
    ("error", "answers"), CASES, ids=[f"{type(error).__name__} {answers}" for error, answers in CASES]
)
def test_what_may_be_sent_again(error: Exception, answers: str) -> None:
    given = ["y" if may_send_again(error, **form) else "n" for form in FORMS]
    assert "".join(given) == answers


def test_waits_double_up_to_the_longest_and_are_jittered() -> None:
    retry = Retry(first=1.0, longest=4.0)
    for attempt, most in [(1, 1), (2, 2), (3, 4), (4, 4), (50, 4)]:
        waits = [retry.wait(attempt) for _ in range(200)]
        assert most / 2 <= min(waits) < max(waits) <= most
