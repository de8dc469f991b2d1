"""The watch over a call that somebody listens to; loaded by the first such call."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from sendoka.http.events import CallEvent, RequestEvent
from sendoka.http.observe import LONGEST, Marks, Watch, head, log, named, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from sendoka.database.statement import Statement
    from sendoka.http.events import Hook, Listener
    from sendoka.http.observe import Place
    from sendoka.http.reply import Reply

__all__ = ["LoudWatch", "listen"]


def listen(
    statements: Sequence[Statement],
    batch: bool,
    only_reads: bool,
    place: Place,
    hooks: Iterable[Hook],
    *,
    log_parameters: bool,
) -> LoudWatch:
    """Return the watch over a call that begins; hooks that want to know of that are told."""
    event = CallEvent(
        statements=tuple(statement.text for statement in statements),
        parameters=sum(len(statement.params) for statement in statements),
        batch=batch,
        host=place.host,
        port=place.port,
        database=place.database,
    )
    listeners = [listener for hook in hooks if (listener := _opened(hook, event)) is not None]
    return LoudWatch(statements, only_reads, event, listeners, log_parameters)


class LoudWatch(Watch):
    """The watch over a call that somebody listens to: each of its requests becomes an event and a line."""

    __slots__ = ("_began", "_event", "_listeners", "_log_parameters", "_reply", "_size", "_started", "_transport")

    def __init__(
        self,
        statements: Sequence[Statement],
        only_reads: bool,
        event: CallEvent,
        listeners: list[Listener],
        log_parameters: bool,
    ) -> None:
        super().__init__(statements, only_reads)
        self.marks = Marks()
        self._event = event
        self._listeners = listeners
        self._log_parameters = log_parameters
        self._restart("", 0)

    def _restart(self, transport: str, size: int) -> None:
        self._transport = transport
        self._size = size
        self._reply: Reply | None = None
        self._started, self._began = time.time(), time.monotonic()

    def sending(self, transport: object, size: int) -> None:
        super().sending(transport, size)
        if self.marks is not None:
            self.marks.clear()
        self._restart(_name_of(transport), size)

    def answered(self, reply: Reply) -> None:
        self._reply = reply

    def again(self, error: BaseException, wait: float) -> None:
        super().again(error, wait)
        self._tell(error, wait)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._tell(error, None)

    def _tell(self, error: BaseException | None, wait: float | None) -> None:
        event = self._ended(error, wait)
        if log().isEnabledFor(logging.DEBUG):
            self._log(event)
        for listener in self._listeners:
            _call(listener, event)

    def _ended(self, error: BaseException | None, wait: float | None) -> RequestEvent:
        began, reply, marks = self._event, self._reply, self.marks or Marks()
        return RequestEvent(
            statements=began.statements,
            parameters=began.parameters,
            batch=began.batch,
            host=began.host,
            port=began.port,
            database=began.database,
            attempt=self._attempt,
            transport=self._transport,
            started=self._started,
            connected=self._since(marks.connected),
            sent=self._since(marks.sent),
            answered=self._since(marks.answered),
            seconds=time.monotonic() - self._began,
            bytes_out=self._size,
            bytes_in=None if reply is None else len(reply.body),
            status=None if reply is None else reply.status,
            outcome="ok" if error is None else outcome_of(error, self._attempt),
            error=error,
            wait=wait,
        )

    def _since(self, moment: float | None) -> float | None:
        return None if moment is None else max(0.0, moment - self._began)

    def _log(self, event: RequestEvent) -> None:
        ended = "ok" if event.error is None else f"{event.outcome}, {named(event.error)}"
        log().debug(
            "%s: %s, attempt %d, %.4f s by %s, %d B out, %s B in, status %s%s",
            *(head(self._statements), ended, event.attempt, event.seconds, event.transport or "no transport"),
            *(event.bytes_out, _shown(event.bytes_in), _shown(event.status)),
            f", parameters {_parameters(self._statements)}" if self._log_parameters else "",
        )


def _opened(hook: Any, event: CallEvent) -> Listener | None:
    begin = getattr(hook, "begin", None)
    if begin is None:
        listener: Listener = hook
        return listener
    opened: Listener | None = _call(begin, event)
    return opened


def _call(function: Callable[[Any], Any], event: CallEvent) -> Any:
    """Call a hook. What it raises is logged, and does the call no harm."""
    try:
        return function(event)
    except Exception as failure:  # noqa: BLE001 - a hook is somebody else's code
        _part(failure, getattr(event, "error", None))
        log().exception("a hook failed, and the call goes on without it: %r", function)
        return None


def _part(failure: BaseException, error: BaseException | None) -> None:
    """Take the call's own error out of what `failure` is said to have come from: its words may hold data of a row."""
    while failure.__context__ is not None:
        if failure.__context__ is error:
            failure.__context__ = None
        else:
            failure = failure.__context__


def _parameters(statements: Sequence[Statement]) -> str:
    shown = [[_cut(param) for param in statement.params] for statement in statements]
    return repr(shown[0] if len(shown) == 1 else shown)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _name_of(transport: object) -> str:
    name = type(transport).__name__.removesuffix("Transport")
    return name.lower() or type(transport).__name__


def _shown(number: int | None) -> str:
    return "no" if number is None else str(number)
