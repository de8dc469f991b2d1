"""Spans by the conventions for database clients, as OpenTelemetry's own SDK exports them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sendoka.errors import AnswerLost, UniqueViolation
from sendoka.otel import otel
from tests.fixtures.canned import ONE, answer, canned
from tests.fixtures.observed import watched
from tests.unit.test_observe import DUPLICATE, lose, wakes_up_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from sendoka import Neon


class Spans:
    """Collects what is exported."""

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self._exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def only(self) -> ReadableSpan:
        (span,) = self.all
        return span


@pytest.fixture
def spans() -> Spans:
    return Spans()


async def test_a_call_is_a_span(spans: Spans) -> None:
    async with canned(answer(ONE)) as server, watched(server.url, [otel(spans.provider)]) as sql:
        await sql("select n from t where id = $1", "hunter2")
        port = server.port
    span = spans.only
    assert (span.name, span.kind, span.status.status_code) == ("SELECT db", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.namespace": "db",
        "db.operation.name": "SELECT",
        "db.query.text": "select n from t where id = $1",
        "server.address": "127.0.0.1",
        "server.port": port,
        "sendoka.outcome": "ok",
        "sendoka.attempts": 1,
    }
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "sendoka"
    assert span.events == ()


def of_a_list(*texts: str) -> Callable[[Neon], Any]:
    return lambda sql: sql.transaction([sql(text) for text in texts])


@pytest.mark.parametrize(
    ("call", "name", "operation", "size", "text"),
    [
        (
            of_a_list("insert into a values (1)", "insert into b values (2)"),
            *("BATCH INSERT db", "BATCH INSERT", 2, "insert into a values (?); insert into b values (?)"),
        ),
        (of_a_list("select $1::int", "select $1::int"), "BATCH SELECT db", "BATCH SELECT", 2, "select $1::int"),
        (of_a_list("select 1", "delete from t"), "BATCH db", "BATCH", 2, "select ?; delete from t"),
        (of_a_list("select 1"), "SELECT db", "SELECT", None, "select ?"),
        (lambda sql: sql("alter role app password 'hunter2'"), "ALTER db", "ALTER", None, "alter role app password ?"),
        (lambda sql: sql("-- there?"), "db", None, None, ""),
    ],
)
async def test_a_batch_is_named_by_the_conventions(
    spans: Spans, call: Callable[[Neon], Any], name: str, operation: str | None, size: int | None, text: str
) -> None:
    body = answer(ONE | {"results": [ONE] * (size or 1)})
    async with canned(body) as server, watched(server.url, [otel(spans.provider)]) as sql:
        await call(sql)
    attributes = spans.only.attributes or {}
    assert spans.only.name == name
    assert attributes.get("db.operation.name") == operation
    assert attributes.get("db.operation.batch.size") == size
    assert attributes["db.query.text"] == text


async def test_the_text_can_be_left_out(spans: Spans) -> None:
    async with canned(answer(ONE)) as server, watched(server.url, [otel(spans.provider, query_text=False)]) as sql:
        await sql("select 1")
    assert "db.query.text" not in (spans.only.attributes or {})


async def test_an_error_of_postgres_has_its_code_and_not_its_words(spans: Spans) -> None:
    async with canned(DUPLICATE) as server, watched(server.url, [otel(spans.provider)]) as sql:
        with pytest.raises(UniqueViolation):
            await sql("insert into t values (1)")
    span = spans.only
    attributes = span.attributes or {}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "UniqueViolation")
    assert attributes["error.type"] == attributes["db.response.status_code"] == "23505"
    assert attributes["sendoka.outcome"] == "failed"
    assert "bob@example.org" not in span.to_json()


async def test_a_call_that_is_sent_again_is_one_span_with_an_event_for_each_retry(spans: Spans) -> None:
    async with canned(wakes_up_on(3)) as server, watched(server.url, [otel(spans.provider)]) as sql:
        await sql("select 1")
    span = spans.only
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        ("sendoka.retry", {"error.type": "EndpointError", "sendoka.outcome": "refused", "sendoka.attempt": attempt})
        for attempt in (1, 2)
    ]
    assert (span.attributes or {})["sendoka.attempts"] == 3
    assert span.status.status_code is StatusCode.UNSET


async def test_an_answer_that_was_lost_is_an_error_of_unknown_outcome(spans: Spans) -> None:
    async with canned(lose) as server, watched(server.url, [otel(spans.provider)]) as sql:
        with pytest.raises(AnswerLost):
            await sql("insert into t values (1)")
    attributes = spans.only.attributes or {}
    assert (attributes["error.type"], attributes["sendoka.outcome"]) == ("AnswerLost", "unknown")
    assert "db.response.status_code" not in attributes


async def test_the_span_is_the_current_one_as_long_as_the_call_lasts(spans: Spans) -> None:
    seen = []

    class Nosy:
        def begin(self, event: object) -> Any:
            seen.append(trace.get_current_span().get_span_context().span_id)
            return lambda ended: None

    tracer = spans.provider.get_tracer("app")
    async with canned(answer(ONE)) as server, watched(server.url, [otel(spans.provider), Nosy()]) as sql:
        with tracer.start_as_current_span("request") as outer:
            await sql("select 1")
            assert trace.get_current_span() is outer
    inner, request = spans.all
    assert inner.context is not None
    assert request.context is not None
    assert inner.parent is not None
    assert inner.parent.span_id == request.context.span_id
    assert seen == [inner.context.span_id]


async def test_nothing_of_the_trace_is_sent_to_the_endpoint(spans: Spans) -> None:
    async with canned(answer(ONE)) as server, watched(server.url, [otel(spans.provider)]) as sql:
        await sql("select 1")
        assert "traceparent" not in server.requests[0].head.lower()


async def test_without_an_sdk_nothing_happens() -> None:
    async with canned(answer(ONE)) as server, watched(server.url, [otel()]) as sql:
        assert await sql("select 1").value() == 1


def test_without_opentelemetry_it_says_what_to_install() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
from sendoka.errors import SettingsError
from sendoka.otel import otel
try:
    otel()
except SettingsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'tracing needs opentelemetry-api\npip install "sendoka[otel]"\n'
