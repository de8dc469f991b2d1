"""What a client lets be seen of its calls: log lines, and an event for each request to every hook.

A call is what somebody awaits, and it is one request unless it is sent again. Neither values nor secrets are shown:
statements come without the values written into them, parameters are counted, and an error is named and not quoted,
because Postgres' words may hold a row's data.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from sendoka.errors import DatabaseError, EndpointError, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from sendoka.database.statement import Statement
    from sendoka.http.reply import Reply
    from sendoka.http.target import Target

    Listener: TypeAlias = Callable[["RequestEvent"], object]

__all__ = ["CallEvent", "CallHook", "Marks", "Observer", "RequestEvent", "Watch"]

_LOG = logging.getLogger("sendoka.http")
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """A call that begins. `statements` are the texts as they are sent; `parameters` is how many values go with them.

    `host`, `port` and `database` are of the connection string; `port` is None where it is Postgres' own.
    """

    statements: tuple[str, ...]
    parameters: int
    batch: bool
    host: str
    port: int | None
    database: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent(CallEvent):
    """A request that ended, with an answer or without.

    `attempt` counts the sends of its call from 1; 0 is a call that failed before its first. `started` is in seconds
    since the epoch. `connected`, `sent` and `answered` are seconds from there until a connection stood, the last byte
    was handed to the kernel, and the answer began; None where the transport did not say. `seconds` is the whole of it.
    `outcome` is "ok" or the `Outcome` of the error; `wait` the seconds until it is sent again, None where it is not:
    then this is the call's last event.
    """

    attempt: int
    transport: str
    started: float
    connected: float | None
    sent: float | None
    answered: float | None
    seconds: float
    bytes_out: int
    bytes_in: int | None
    status: int | None
    outcome: Outcome | Literal["ok"]
    error: BaseException | None
    wait: float | None

    @property
    def sqlstate(self) -> str | None:
        """Postgres' code of the error."""
        return self.error.sqlstate if isinstance(self.error, DatabaseError) else None

    @property
    def last(self) -> bool:
        """Whether the call ends with it."""
        return self.wait is None


class CallHook(Protocol):
    """A hook that wants to know of a call before it is sent, as one that opens a span does."""

    def begin(self, event: CallEvent) -> Listener:
        """Return what is called with each request's event; exactly one of them is the last, whatever happens."""


Hook: TypeAlias = "Listener | CallHook"


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

    __slots__ = ("_database", "_hooks", "_host", "_log_parameters", "_port")

    def __init__(self, target: Target, hooks: Iterable[Hook] = (), *, log_parameters: bool = False) -> None:
        self._host = target.database_host
        self._port = target.port if target.is_loopback else None
        self._database = target.database
        self._hooks = tuple(hooks)
        self._log_parameters = log_parameters
        for hook in self._hooks:
            if not callable(hook) and not hasattr(hook, "begin"):
                raise TypeError(f"a hook is a function of one event, or has begin(); not {type(hook).__name__}")

    @property
    def is_active(self) -> bool:
        """Whether anybody listens to calls that go well."""
        return bool(self._hooks) or _LOG.isEnabledFor(logging.DEBUG)

    def begin(self, statements: Sequence[Statement], batch: bool) -> Watch:
        """Return the watch over one call; use it in `with`, around all its sends."""
        if not self._hooks and not _LOG.isEnabledFor(logging.DEBUG):
            return Watch(statements)
        event = CallEvent(
            statements=tuple(statement.text for statement in statements),
            parameters=sum(len(statement.params) for statement in statements),
            batch=batch,
            host=self._host,
            port=self._port,
            database=self._database,
        )
        listeners = [listener for hook in self._hooks if (listener := _opened(hook, event)) is not None]
        return _LoudWatch(statements, event, listeners, self._log_parameters)


class Watch:
    """The watch over a call that nobody listens to: it warns of what was sent again, and of what may have run."""

    __slots__ = ("_attempt", "_statements", "marks")

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements
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
        if _LOG.isEnabledFor(logging.WARNING):
            said = _named(error), _outcome_of(error, self._attempt), self._attempt, wait
            _LOG.warning("%s: %s, outcome %s, attempt %d; sent again in %.2f s", _head(self._statements), *said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._warn(error)

    def _warn(self, error: BaseException) -> None:
        if _outcome_of(error, self._attempt) is Outcome.UNKNOWN and _LOG.isEnabledFor(logging.WARNING):
            said = _head(self._statements), _named(error), self._attempt
            _LOG.warning("%s: it may have run, and its answer is not known: %s, attempt %d", *said)


class _LoudWatch(Watch):
    """The watch over a call that somebody listens to."""

    __slots__ = ("_began", "_event", "_listeners", "_log_parameters", "_reply", "_size", "_started", "_transport")

    def __init__(
        self, statements: Sequence[Statement], event: CallEvent, listeners: list[Listener], log_parameters: bool
    ) -> None:
        super().__init__(statements)
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
        if _LOG.isEnabledFor(logging.DEBUG):
            self._log(event)
        for listener in self._listeners:
            _call(listener, event)

    def _ended(self, error: BaseException | None, wait: float | None) -> RequestEvent:
        call, reply, marks = self._event, self._reply, self.marks or Marks()
        return RequestEvent(
            statements=call.statements,
            parameters=call.parameters,
            batch=call.batch,
            host=call.host,
            port=call.port,
            database=call.database,
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
            outcome="ok" if error is None else _outcome_of(error, self._attempt),
            error=error,
            wait=wait,
        )

    def _since(self, moment: float | None) -> float | None:
        return None if moment is None else max(0.0, moment - self._began)

    def _log(self, event: RequestEvent) -> None:
        ended = "ok" if event.error is None else f"{event.outcome}, {_named(event.error)}"
        _LOG.debug(
            "%s: %s, attempt %d, %.4f s by %s, %d B out, %s B in, status %s%s",
            *(_head(self._statements), ended, event.attempt, event.seconds, event.transport or "no transport"),
            *(event.bytes_out, _shown(event.bytes_in), _shown(event.status)),
            f", parameters {_parameters(self._statements)}" if self._log_parameters else "",
        )


def _outcome_of(error: BaseException, attempt: int) -> Outcome:
    """Return what is known of the statements after `error`; what is none of ours, a cancellation, proves nothing."""
    outcome = getattr(error, "outcome", None)
    if isinstance(outcome, Outcome):
        return outcome
    return Outcome.UNKNOWN if attempt else Outcome.NOT_SENT


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
    except Exception:  # noqa: BLE001 - a hook is somebody else's code
        _LOG.exception("a hook failed, and the call goes on without it: %r", function)
        return None


def _head(statements: Sequence[Statement]) -> str:
    """Return the beginning of the first statement, without the values written into it."""
    from sendoka.http.scan import masked

    # The mask comes before the cut: half a literal is not seen to be one.
    text = masked(statements[0].text[:10_000]) if statements else ""
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return text if len(statements) == 1 else f"{len(statements)} statements, {text}"


def _parameters(statements: Sequence[Statement]) -> str:
    shown = [[_cut(param) for param in statement.params] for statement in statements]
    return repr(shown[0] if len(shown) == 1 else shown)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _named(error: BaseException) -> str:
    """Return an error's name and number; its words may hold data of a row, or what a gateway showed back."""
    number = getattr(error, "sqlstate", "") or (error.status if isinstance(error, EndpointError) else "")
    return f"{type(error).__name__} {number}".strip()


def _name_of(transport: object) -> str:
    name = type(transport).__name__.removesuffix("Transport")
    return name.lower() or type(transport).__name__


def _shown(number: int | None) -> str:
    return "no" if number is None else str(number)
