"""What may be sent again: the whole table."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sendoka.database.retry import PASSING, Retry, is_passing, may_send_again, persist
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    DecodeError,
    EndpointError,
    OperationalError,
    Outcome,
    ProgrammingError,
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


@pytest.mark.parametrize(
    "wrong",
    [
        *({"attempts": attempts} for attempts in (0, -1, True, 2.5, "3", None)),
        *({name: seconds} for name in ("first", "longest") for seconds in (-0.1, float("nan"), True, "1", None)),
    ],
    ids=str,
)
def test_what_is_no_number_of_sends_or_seconds_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Retry(**wrong)


@pytest.mark.parametrize("retry", [Retry(attempts=10**6), Retry(attempts=10**6, first=0, longest=0)])
def test_the_millionth_wait_is_one_too(retry: Retry) -> None:
    assert retry.longest / 2 <= retry.wait(10**6) <= retry.longest


@pytest.mark.parametrize(
    ("error", "before", "answer"),
    [
        (postgres("55P03"), True, True),
        (postgres("57014"), True, True),
        (postgres("55P03"), False, False),  # a lock_timeout of the caller's own
        (postgres("23503"), True, False),
        (ProtocolError("x", passing=False), False, True),
        (EndpointError("x", outcome=REFUSED), True, False),
    ],
    ids=str,
)
def test_what_carries_once_goes_on_until_the_answer_is_final(error: Exception, before: bool, answer: bool) -> None:
    form = {"batch": True, "repeatable": True, "insistent": True, "unknown_before": before}
    assert may_send_again(error, **form) is answer


def test_waits_double_up_to_the_longest_and_are_jittered() -> None:
    retry = Retry(first=1.0, longest=4.0)
    for attempt, most in [(1, 1), (2, 2), (3, 4), (4, 4), (50, 4)]:
        waits = [retry.wait(attempt) for _ in range(200)]
        assert most / 2 <= min(waits) < max(waits) <= most


@pytest.mark.parametrize(
    ("sqlstate", "answer"),
    [("08006", True), ("08P01", True), ("53300", True), ("40001", True), ("55P03", True), ("57014", True),
     ("57P01", True), ("57P04", False), ("23505", False), ("42P01", False), ("3D000", False), ("", False)],
)  # fmt: skip
def test_which_causes_pass_by_themselves(sqlstate: str, answer: bool) -> None:
    assert (sqlstate in PASSING) is answer


def test_a_wrong_number_of_parameters_never_passes() -> None:
    assert not is_passing(ProgrammingError("bind message supplies 0 parameters", sqlstate="08P01"))
    assert is_passing(OperationalError("protocol violation", sqlstate="08P01"))
    wrong = ProgrammingError("bind message supplies 0 parameters", sqlstate="08P01", outcome=Outcome.REFUSED)
    assert not may_send_again(wrong, batch=False, repeatable=True, unknown_before=False)


class Sends:
    """Raises what it was given, one after the other, then answers; `waits` are the seconds slept."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0
        self.waits: list[float] = []

    async def send(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def persist(self, **changes: Any) -> str:
        form = {"retry": Retry(attempts=3), "batch": True, "repeatable": True, **changes}
        return await persist(self.send, self.sleep, **form)


async def test_it_sends_until_it_is_answered() -> None:
    sends = Sends(ConnectFailed("x"), AnswerLost("x"))
    assert await sends.persist() == "done"
    assert (sends.count, len(sends.waits)) == (3, 2)


@pytest.mark.parametrize(
    ("errors", "form", "count"),
    [
        ([ConnectFailed("x")] * 9, {}, 3),
        ([ConnectFailed("x")] * 9, {"retry": Retry(attempts=1)}, 1),
        ([ConnectFailed("x")] * 9, {"deadline": 0.0}, 1),
        ([AnswerLost("x")] * 9, {"repeatable": False}, 1),
        ([postgres("23505")], {}, 1),
        ([ValueError("x")], {}, 1),
    ],
)
async def test_it_gives_up(errors: list[Exception], form: dict[str, Any], count: int) -> None:
    sends = Sends(*errors)
    with pytest.raises(type(errors[0])):
        await sends.persist(**form)
    assert sends.count == count


async def test_a_deadline_ahead_leaves_time_to_send_again() -> None:
    assert await Sends(ConnectFailed("x")).persist(deadline=time.monotonic() + 60) == "done"


@pytest.mark.parametrize("last", [ConnectFailed("x", passing=False), postgres("23505"), RequestTimeout("x")])
async def test_after_an_unknown_send_the_end_is_unknown(last: Any) -> None:
    sends = Sends(AnswerLost("x"), last)
    with pytest.raises(type(last)) as caught:
        await sends.persist(retry=Retry(attempts=2))
    assert caught.value.outcome is UNKNOWN
