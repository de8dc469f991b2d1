"""Which failures of a batch pass by themselves, and how long a run waits for that."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import anyio

from sendoka.database.retry import Retry, is_passing
from sendoka.errors import DatabaseError, SendokaError, TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from sendoka.database.seam import Database

    T = TypeVar("T")

__all__ = [
    "ANSWER_TOO_LARGE",
    "OF_DATA",
    "TOO_LARGE",
    "WAITS",
    "Patience",
    "Stopped",
    "is_fenced",
    "is_of_data",
    "is_of_row",
    "passes",
    "rest",
]

WAITS = Retry(attempts=10, first=0.1, longest=5.0)
"""Ten failures in a row, about half a minute, end a run; it can be resumed."""

OF_DATA = "^(2[123]|44|P0|54000|(?!5[34578]|72|SB|XX)[5-9I-Z])"
"""The SQLSTATEs that a row may be at fault for, as a pattern that Python and Postgres read alike.

Values that do not fit, constraints, an index entry that is too long, and whatever a trigger or a function raises, with
a code of its own too: those begin with 5 to 9 or I to Z, where Postgres has few of its own, and we have `SB`.
"""

ANSWER_TOO_LARGE = 507
TOO_LARGE = frozenset({413, ANSWER_TOO_LARGE})
"""The HTTP statuses of a request, and of an answer, that has more bytes than it may."""

# What no row is at fault for: the step itself is not right, or not finished.
_OF_THE_STEP = (NameError, ImportError, SyntaxError, NotImplementedError, MemoryError)

_SLICE = 0.1
"""Seconds between two looks at whether a wait shall end."""


class Stopped(Exception):
    """Somebody asked the run to stop while it waited. Never leaves `run`."""


def passes(error: BaseException) -> bool:
    """Tell whether doing the same again may succeed: locks, time-outs, a database that is away, an answer that is lost.

    Every batch may be sent again whatever became of its first send: the checkpoint sees to that.
    """
    return isinstance(error, TransportError | DatabaseError) and is_passing(error)


def is_of_data(error: BaseException) -> bool:
    """Tell whether `error` may be the fault of single rows: then the others of its batch can go on without them."""
    return isinstance(error, DatabaseError) and bool(re.match(OF_DATA, error.sqlstate or ""))


def is_of_row(error: BaseException) -> bool:
    """Tell whether what a step raised may be the fault of single rows: not what is wrong with the step itself."""
    if isinstance(error, SendokaError):
        return is_of_data(error)
    return not isinstance(error, _OF_THE_STEP)


def is_fenced(error: DatabaseError, database: Database) -> bool:
    """Tell whether the fence of a batch let it not go on: its row in our own table of batches could not be written."""
    ours = (error.schema, error.table) == (database.namespace, "backfill_batches")
    return ours and error.sqlstate in {"23502", "23505"}


async def rest(seconds: float, stop: Callable[[], bool]) -> None:
    """Wait. Raises Stopped as soon as `stop` says so."""
    until = time.monotonic() + seconds
    while True:
        if stop():
            raise Stopped
        left = until - time.monotonic()
        if left <= 0:
            return
        await anyio.sleep(min(left, _SLICE))


class Patience:
    """Waits for failures to pass; runs out after so many in a row. `on_wait` is told each time for what."""

    def __init__(self, on_wait: Callable[[str], None], stop: Callable[[], bool], waits: Retry = WAITS) -> None:
        self._on_wait = on_wait
        self._stop = stop
        self._waits = waits
        self._failures = 0
        self.retries = 0

    def renew(self) -> None:
        """Something worked: count from the start again."""
        self._failures = 0

    async def meet(self, error: Exception, *, passing: bool | None = None) -> bool:
        """Wait a jittered moment and return True; return False, at once, where waiting is of no use (any more).

        `passing` overrules `passes(error)`. Raises Stopped where the run is asked to stop meanwhile.
        """
        self._failures += 1
        if not (passes(error) if passing is None else passing) or self._failures >= self._waits.attempts:
            return False
        self.retries += 1
        self._on_wait(_reason(error))
        await rest(self._waits.wait(self._failures), self._stop)
        return True

    async def insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, which may be done twice, until it answers; what does not pass is raised."""
        while True:
            try:
                result = await work()
            except (DatabaseError, TransportError) as error:
                if not await self.meet(error):
                    raise
            else:
                self.renew()
                return result


def _reason(error: Exception) -> str:
    if isinstance(error, DatabaseError):
        return f"{error.message} ({error.sqlstate})"
    return str(error).partition("\n")[0]
