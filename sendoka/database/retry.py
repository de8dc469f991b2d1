"""Which failures may be met by sending again, how long to wait before, and the one loop that does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import (
    DatabaseError,
    DeadlockDetected,
    Outcome,
    ProgrammingError,
    SendokaError,
    SerializationFailure,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["PASSING", "Retry", "is_passing", "may_send_again", "persist"]

PASSING = frozenset(
    {
        *("08000", "08001", "08003", "08004", "08006", "08007", "08P01"),
        *("40001", "40P01", "55P03", "57014"),
        *("53000", "53100", "53200", "53300", "53400"),
        *("57P01", "57P02", "57P03"),
    }
)
"""SQLSTATEs whose cause passes by itself: a lost connection; a conflict of transactions, a lock, a time-out; a server
that is full; one that goes down or comes up. Whether the same request may be sent again, its outcome decides."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The waits between sends, in seconds: they double from `first` to `longest`, each jittered by half.

    The call's one deadline bounds them all. `attempts=1` never sends twice. Raises ValueError for other numbers.
    """

    attempts: int = 8
    first: float = 0.1
    longest: float = 5.0

    def __post_init__(self) -> None:
        attempts: object = self.attempts
        if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
            raise ValueError(f"attempts={attempts!r}: how often a call is sent is a whole number above 0")
        for name in ("first", "longest"):
            seconds: object = getattr(self, name)
            if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
                raise ValueError(f"{name}={seconds!r}: a wait is a number of seconds, 0 or more")

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after failure number `attempt`, counted from 1."""
        import random  # not for a call that goes well

        # Past that many doublings every wait is the longest, and a float too small for them.
        base = min(self.longest, self.first * 2 ** min(attempt - 1, 60))
        return float(base * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret


def is_passing(error: TransportError | DatabaseError) -> bool:
    """Tell whether the cause of `error` passes by itself; a wrong number of parameters (08P01) does not."""
    if isinstance(error, TransportError):
        return error.passing
    return error.sqlstate in PASSING and not isinstance(error, ProgrammingError)


def may_send_again(
    error: Exception, *, batch: bool, repeatable: bool, unknown_before: bool, insistent: bool = False
) -> bool:
    """Tell whether the same request may be sent again after `error`.

    `repeatable` is true for what the server was told is read only and for what the caller calls idempotent; the word
    `select` proves nothing. `unknown_before` is true where an earlier send of the same call may still run: then a
    definite error of a later send is no proof about the call, and only what is repeatable goes on. `insistent` is true
    where an unknown end is not to be taken for an answer, also one whose cause does not look as if it would pass; nor
    is, after it, a failure that passes, such as the wait for a lock that the first send still holds.
    """
    if not isinstance(error, TransportError | DatabaseError):
        return False
    passing = is_passing(error)
    if error.outcome is Outcome.UNKNOWN:
        return repeatable and (passing or insistent)
    if passing and repeatable and insistent and unknown_before:
        return True
    if isinstance(error, SerializationFailure | DeadlockDetected):
        return batch and (repeatable or not unknown_before)
    return passing and error.outcome in {Outcome.NOT_SENT, Outcome.REFUSED}


async def persist(
    send: Callable[[], Awaitable[T]],
    sleep: Callable[[float], Awaitable[None]],
    *,
    retry: Retry,
    batch: bool,
    repeatable: bool,
    deadline: float | None = None,
    insistent: bool = False,
    told: Callable[[SendokaError, float], None] | None = None,
    failed: TransportError | DatabaseError | None = None,
) -> T:
    """Send until it is answered, or until `may_send_again` says no, the attempts are used up or no time is left.

    `deadline` is of `time.monotonic()`, None for no end; `send` is to observe it too. `told` is called before each
    wait, with the error and the seconds. `failed` is the error of a first send that was made already. Raises the last
    send's error, whose outcome is `unknown` where an earlier send's was: that one may still arrive and commit.
    """
    attempt, unknown_before = 0, False
    while True:
        attempt += 1
        try:
            if failed is not None:
                raise failed
            return await send()
        except (TransportError, DatabaseError) as error:
            failed = None
            wait = retry.wait(attempt)
            again = may_send_again(
                error, batch=batch, repeatable=repeatable, unknown_before=unknown_before, insistent=insistent
            )
            unknown_before = unknown_before or error.outcome is Outcome.UNKNOWN
            in_time = deadline is None or time.monotonic() + wait < deadline
            if not again or attempt >= retry.attempts or not in_time:
                if unknown_before:
                    error.outcome = Outcome.UNKNOWN
                raise
            if told is not None:
                told(error, wait)
        await sleep(wait)
