"""A mock of Neon's endpoint: answers in Neon's shape, by the statement, without a socket and without waiting."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import Outcome, RequestTimeout, TransportError
from sendoka.http import transport as seam
from sendoka.http.client import neon
from sendoka.http.transport import Transport
from sendoka.testing.recorded import record
from sendoka.testing.scripted import Scripted

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sendoka.http.client import Neon
    from sendoka.http.reply import Reply
    from sendoka.http.request import Request
    from sendoka.http.transport import Timing
    from sendoka.testing.expected_statement import ExpectedStatement

__all__ = ["NeonMock"]


@dataclass(slots=True)
class _Call:
    """One call of a client, retries included, and how much of its time passed without anybody waiting."""

    timing: Timing
    spent: float = 0.0


_call: ContextVar[_Call | None] = ContextVar("sendoka_mocked_call", default=None)


class NeonMock(Scripted, Transport):
    """Scripted answers for every client: in `with NeonMock() as mock:` no request reaches a network.

        with NeonMock() as mock:
            mock.on("select name from widgets where id = $1", 7).rows({"name": "Lamp"})
            mock.on(re.compile("^insert into orders")).meets("connection_closed").affects(1)
            ...
        assert len(mock.requests) == 2

    It holds for clients made before and inside, in all threads and tasks; of several the innermost answers. A statement
    that nothing was said about is an AssertionError that shows the nearest that was, and once more at the end of the
    block, where the application has caught the first; there so is what was never asked for. `requests` are what was
    sent, `pauses` the seconds that clients would have waited between sends. `client()` is for code that takes its
    client as an argument.
    """

    def __init__(self, *, in_order: bool = False) -> None:
        super().__init__(in_order=in_order)
        self.pauses: list[float] = []

    def migrated(self, folder: str | Path = "migrations") -> ExpectedStatement:
        """Answer `migrate()`'s question as a database that has every migration of `folder`."""
        from sendoka.migrations.folder import read_folder
        from sendoka.migrations.history import head_statement

        newest = read_folder(folder)[-1]
        told = (str(newest.number), newest.name, newest.checksum, newest.digest)
        row = (*told, "applied", None, "0.1", "mock", "mock", "1")
        return self.on(head_statement(newest).text).rows(row)

    def client(self) -> Neon:
        """Return a client of this mock."""
        return neon("postgresql://mock:mock@mock.invalid/mock", transport=self)

    # -------------------------------------------------------------- the transport

    async def exchange(self, request: Request, timing: Timing) -> Reply:
        """Answer one request, as Neon would."""
        call = _call.get()
        if call is None or call.timing is not timing:
            call = _Call(timing)
            _call.set(call)
        left = timing.left() - call.spent
        if left <= 0:
            raise _too_late(timing, Outcome.NOT_SENT)
        recorded = record(request)
        self.requests.append(recorded)
        answer = self._script.answer(recorded)
        call.spent += answer.seconds
        if answer.seconds >= left:
            raise _too_late(timing, Outcome.UNKNOWN)
        if isinstance(answer.reply, TransportError):
            raise answer.reply
        return answer.reply

    async def sleep(self, seconds: float) -> None:
        """Wait not at all: the call's time passes, and nobody else's."""
        self.pauses.append(seconds)
        call = _call.get()
        if call is not None:
            call.spent += seconds

    async def aclose(self) -> None:
        """Close nothing."""

    # -------------------------------------------------------------- in front of every client

    def start(self) -> None:
        """Answer for every client from now on. Raises RuntimeError where it does so already."""
        _enter(self)

    def stop(self) -> None:
        """Answer for every client no more; `verify()` is another matter. Raises RuntimeError where it does not."""
        _leave(self)

    def conclude(self, error: BaseException | None) -> None:
        """Verify at the end of a block or test; where it raised `error`, note beside it what was sent unexpectedly."""
        if error is None:
            self.verify()
            return
        # What the application made of the first AssertionError may hide it.
        for said in self._script.unexpected:
            if said not in str(error):
                error.add_note(said)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.conclude(error)


_entered: list[NeonMock] = []
_before: list[Transport | None] = []
_turn = threading.Lock()


def _enter(mock: NeonMock) -> None:
    with _turn:
        if mock in _entered:
            raise RuntimeError("this mock was entered already; make another one")
        before = seam.intercept(mock)
        if not _entered:
            _before[:] = [before]
        _entered.append(mock)


def _leave(mock: NeonMock) -> None:
    """Let the innermost of those that are left answer, in whatever order they are left."""
    with _turn:
        if mock not in _entered:
            raise RuntimeError("this mock was not started, or was stopped already; start() comes first")
        _entered.remove(mock)
        seam.intercept(_entered[-1] if _entered else _before.pop())


def _too_late(timing: Timing, outcome: Outcome) -> RequestTimeout:
    return RequestTimeout(
        f"the deadline of {timing.seconds:g} s passed while waiting for the answer", outcome=outcome, passing=False
    )
