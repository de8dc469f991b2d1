"""What a client lets be seen of its calls: log lines, and an event for each request to every hook.

A call is what somebody awaits, and it is one request unless it is sent again. Neither values nor secrets are shown:
statements come without the values written into them, parameters are counted, and an error is named and not quoted,
because Postgres' words may hold a row's data.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sendoka.errors import EndpointError, Outcome

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from sendoka.database.statement import Statement
    from sendoka.http.events import Hook
    from sendoka.http.reply import Reply
    from sendoka.http.target import Target

__all__ = ["LONGEST", "Marks", "Observer", "Place", "Watch", "head", "log", "named", "outcome_of"]

_DEBUG, _WARNING = 10, 30  # as `logging` has them
LONGEST = 100
"""How many characters of a statement or a parameter a line shows."""


@cache
def log() -> logging.Logger:
    """Return the logger `sendoka.http`. Where nobody else loads `logging`, it is loaded when there is a line."""
    import logging

    logger = logging.getLogger("sendoka.http")
    logger.addHandler(logging.NullHandler())  # who configures no logging sees nothing of ours on stderr
    return logger


class Place(NamedTuple):
    """Which database calls go to: `host` of the connection string, `port` None where it is Postgres' own."""

    host: str
    port: int | None
    database: str


class Marks:
    """The moments of a request, of `time.monotonic()`, as its transport notes them; None as long as it did not."""

    __slots__ = ("answered", "connected", "sent")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget them: another request begins."""
        self.connected: float | None = None
        self.sent: float | None = None
        self.answered: float | None = None


class Observer:
    """What one client shows of its calls. `begin()` costs less than a microsecond where nobody listens."""

    __slots__ = ("_hooks", "_log_parameters", "_place")

    def __init__(self, target: Target, hooks: Iterable[Hook] = (), *, log_parameters: bool = False) -> None:
        self._place = Place(target.database_host, target.port if target.is_loopback else None, target.database)
        if not hasattr(hooks, "__iter__") or isinstance(hooks, str):
            raise TypeError(f"hooks= is a list of functions of one event, as hooks=[print], not {type(hooks).__name__}")
        self._hooks = tuple(hooks)
        self._log_parameters = log_parameters
        for hook in self._hooks:
            if not callable(hook) and not hasattr(hook, "begin"):
                raise TypeError(f"a hook is a function of one event, or has begin(); not {type(hook).__name__}")

    def begin(self, statements: Sequence[Statement], batch: bool, *, only_reads: bool = False) -> Watch:
        """Return the watch over one call; use it in `with`, around all its sends.

        `only_reads` is what the server was told.
        """
        # What is not loaded is not configured either.
        if not self._hooks and ("logging" not in sys.modules or not log().isEnabledFor(_DEBUG)):
            return Watch(statements, only_reads)
        from sendoka.http.loud import listen

        return listen(statements, batch, only_reads, self._place, self._hooks, log_parameters=self._log_parameters)


class Watch:
    """The watch over a call that nobody listens to: it warns of what was sent again, and of what may have run."""

    __slots__ = ("_attempt", "_only_reads", "_statements", "marks")

    def __init__(self, statements: Sequence[Statement], only_reads: bool) -> None:
        self._statements = statements
        self._only_reads = only_reads
        self._attempt = 0
        self.marks: Marks | None = None
        """For the transport to note moments in; None where nobody asks for them."""

    def sending(self, transport: object, size: int) -> None:
        """Say that a request of `size` bytes goes to `transport`."""
        self._attempt += 1

    def answered(self, reply: Reply) -> None:
        """Say that the answer is there, whole."""

    def again(self, error: BaseException, wait: float) -> None:
        """Say that `error` ended the request, and that it is sent again in `wait` seconds."""
        if log().isEnabledFor(_WARNING):
            said = named(error), outcome_of(error, self._attempt), self._attempt, wait
            log().warning("%s: %s, outcome %s, attempt %d; sent again in %.2f s", head(self._statements), *said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._warn(error)

    def _warn(self, error: BaseException) -> None:
        if outcome_of(error, self._attempt) is Outcome.UNKNOWN and log().isEnabledFor(_WARNING):
            ended = "it only reads" if self._only_reads else "it may have run"
            said = head(self._statements), ended, named(error), self._attempt
            log().warning("%s: %s, and its answer is not known: %s, attempt %d", *said)


def outcome_of(error: BaseException, attempt: int) -> Outcome:
    """Return what is known of the statements after `error`; what is none of ours, a cancellation, proves nothing."""
    outcome = getattr(error, "outcome", None)
    if isinstance(outcome, Outcome):
        return outcome
    return Outcome.UNKNOWN if attempt else Outcome.NOT_SENT


def head(statements: Sequence[Statement]) -> str:
    """Return the beginning of the first statement, without the values written into it."""
    from sendoka.http.scan import masked

    # The mask comes before the cut: half a literal is not seen to be one.
    text = masked(statements[0].text[:10_000]) if statements else ""
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text if len(statements) == 1 else f"{len(statements)} statements, {text}"


def named(error: BaseException) -> str:
    """Return an error's name and number; its words may hold data of a row, or what a gateway showed back."""
    number = getattr(error, "sqlstate", "") or (error.status if isinstance(error, EndpointError) else "")
    return f"{type(error).__name__} {number}".strip()
