"""Which failures may be met by sending again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sendoka.errors import (
    DatabaseError,
    DeadlockDetected,
    Outcome,
    SerializationFailure,
    TransportError,
)

__all__ = ["Retry", "may_send_again"]


@dataclass(frozen=True, slots=True)
class Retry:
    """The waits between sends, in seconds: they double from `first` to `longest`, each jittered by half.

    The call's one deadline bounds them all. `attempts=1` never sends twice.
    """

    attempts: int = 8
    first: float = 0.1
    longest: float = 5.0

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after failure number `attempt`, counted from 1."""
        base = min(self.longest, self.first * 2 ** (attempt - 1))
        return float(base * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret


def may_send_again(error: Exception, *, batch: bool, repeatable: bool, unknown_before: bool) -> bool:
    """Tell whether the same request may be sent again after `error`.

    `repeatable` is true for what the server was told is read only and for what the caller calls idempotent; the word
    `select` proves nothing. `unknown_before` is true where an earlier send of the same call may still run: then a
    definite error of a later send is no proof about the call, and only what is repeatable goes on.
    """
    if not isinstance(error, TransportError | DatabaseError):
        return False
    passing = error.passing if isinstance(error, TransportError) else error.sqlstate in PASSING
    if error.outcome is Outcome.UNKNOWN:
        return repeatable and passing
    if isinstance(error, SerializationFailure | DeadlockDetected):
        return batch and (repeatable or not unknown_before)
    return passing and error.outcome in {Outcome.NOT_SENT, Outcome.REFUSED}


PASSING = frozenset({"08P01", "53300", "57P01", "57P02", "57P03"})
"""The server went away under the statement, or would not take the login just now."""
