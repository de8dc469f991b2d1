"""OpenTelemetry spans: `neon(url, hooks=[otel()])`, with the extra `sendoka[otel]`.

A call is one span, however often it was sent: what the caller waits for is the call. A send that was repeated
is an event of it. Attributes are those of the semantic conventions for database clients (stable since 1.33), and two
of ours: `sendoka.outcome`, what is known of the statements, and `sendoka.attempts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka import __version__
from sendoka.errors import SettingsError
from sendoka.http.scan import masked, operation, tokens

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from sendoka.http.events import CallEvent, Listener, RequestEvent

__all__ = ["Tracing", "otel"]

_LONGEST = 32_768


def otel(tracer_provider: TracerProvider | None = None, *, query_text: bool = True) -> Tracing:
    """Return the hook that makes a span of each call, by the global tracer provider unless another is given.

    query_text: whether spans carry the statements. Values that stand in a text without parameters are masked.

    Raises SettingsError where opentelemetry-api is not installed.
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise SettingsError("tracing needs opentelemetry-api", todo='pip install "sendoka[otel]"') from error
    return Tracing(trace.get_tracer("sendoka", __version__, tracer_provider), query_text)


class Tracing:
    """A hook that makes a span of each call. Made by `otel()`."""

    def __init__(self, tracer: Tracer, query_text: bool) -> None:
        self._tracer = tracer
        self._query_text = query_text

    def begin(self, event: CallEvent) -> Listener:
        """Open the span of a call, and make it the current one until the call ends. See `CallHook`."""
        from opentelemetry import context, trace

        command = _command(event.statements)
        span = self._tracer.start_span(
            f"{command} {event.database}".strip(),
            kind=trace.SpanKind.CLIENT,
            attributes=self._attributes(event, command),
        )
        token = context.attach(trace.set_span_in_context(span))

        def listen(ended: RequestEvent) -> None:
            if not ended.last:
                span.add_event("sendoka.retry", _failure(ended) | {"sendoka.attempt": ended.attempt})
                return
            context.detach(token)
            _end(span, ended)

        return listen

    def _attributes(self, event: CallEvent, command: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "db.system.name": "postgresql",
            "db.namespace": event.database,
            "server.address": event.host,
        }
        if event.port is not None:
            found["server.port"] = event.port
        if command:
            found["db.operation.name"] = command
        if len(event.statements) > 1:
            found["db.operation.batch.size"] = len(event.statements)
        if self._query_text:
            found["db.query.text"] = _text(event.statements)
        return found


def _end(span: Span, ended: RequestEvent) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("sendoka.outcome", str(ended.outcome))
    span.set_attribute("sendoka.attempts", ended.attempt)
    if ended.error is not None:
        span.set_attributes(_failure(ended))
        # The error's own words may hold data of a row.
        span.set_status(StatusCode.ERROR, type(ended.error).__name__)
    span.end()


def _failure(ended: RequestEvent) -> dict[str, str]:
    found = {"error.type": ended.sqlstate or type(ended.error).__name__, "sendoka.outcome": str(ended.outcome)}
    return found | ({"db.response.status_code": ended.sqlstate} if ended.sqlstate else {})


def _command(statements: tuple[str, ...]) -> str:
    """Return `SELECT`; of several statements `BATCH SELECT`, or `BATCH` where they are not of one kind."""
    commands = {operation(text) for text in statements}
    common = commands.pop() if len(commands) == 1 else ""
    return common if len(statements) == 1 else f"BATCH {common}".strip()


def _text(statements: tuple[str, ...]) -> str:
    """Return the text of one statement, or of all; where all are the same, of one."""
    return "; ".join(map(_shown, dict.fromkeys(statements)))[:_LONGEST]


def _shown(text: str) -> str:
    has_parameters = any(token.kind == "parameter" for token in tokens(text))
    return text if has_parameters else masked(text)
