"""The mock scripts all that can go wrong, is asked with parameters, and records what was sent."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import ANY

import pytest

from sendoka import Json, Retry, neon
from sendoka.database import Statement
from sendoka.errors import (
    AnswerLost,
    ConnectFailed,
    EndpointError,
    ProtocolError,
    RequestTimeout,
    SendokaError,
    TransportError,
)
from sendoka.testing import FakeDatabase, NeonMock
from sendoka.testing.mishaps import MISHAPS, MishapName
from tests.fixtures.mocks import URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.http.client import Neon


# ------------------------------------------------------------------ what goes wrong

ERRORS: dict[str, type[SendokaError]] = {
    "connect_failed": ConnectFailed,
    "cut_after": AnswerLost,
    "cut_body": AnswerLost,
    "connection_closed": AnswerLost,
    **dict.fromkeys(("html", "empty", "half_json", "msg", "typed_json", "missing_result"), ProtocolError),
}


@pytest.mark.parametrize("batch", [False, True], ids=["single", "transaction"])
@pytest.mark.parametrize("name", MISHAPS)
async def test_a_mishap_is_the_error_and_the_outcome_that_it_says(name: MishapName, batch: bool) -> None:
    mock, fake = NeonMock(), FakeDatabase()
    sql = neon(URL, transport=mock, retry=Retry(attempts=1))
    outcomes = MISHAPS[name].outcome.split(" · ")
    for script in (mock, fake):
        script.on("insert").meets(name)
    statement = Statement("insert")
    with pytest.raises(ERRORS.get(name, EndpointError)) as over_http:
        await (sql.transaction([sql("insert")]) if batch else sql("insert"))
    with pytest.raises(type(over_http.value)) as at_the_seam:
        await (fake.run_all([statement]) if batch else fake.run(statement))
    for error in (over_http.value, at_the_seam.value):
        assert isinstance(error, TransportError)
        assert error.outcome == outcomes[-1 if batch else 0]
    if "passes" in MISHAPS[name].summary or name == "connect_failed":
        assert over_http.value.passing  # type: ignore[attr-defined]  # of TransportError, asserted above


def test_the_names_of_mishaps_are_written_down_twice_alike() -> None:
    assert list(get_args(MishapName)) == sorted(MISHAPS)


@pytest.mark.parametrize(
    ("say", "error", "text"),
    [
        (lambda one: one.refuses("Couldn't connect to compute node"), EndpointError, "Couldn't connect"),
        (lambda one: one.refuses("a new text", 400), EndpointError, "a new text"),
        (lambda one: one.answers(429, "slow down"), ProtocolError, "429"),
        (lambda one: one.answers(503, b"\xff"), ProtocolError, "503"),
        (lambda one: one.answers(200, {"rows": []}), ProtocolError, "not a result"),
    ],
)
async def test_any_answer_at_all_can_be_given(say: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    mock = NeonMock()
    say(mock.on("insert"))
    with pytest.raises(error, match=text):
        await neon(URL, transport=mock, retry=Retry(attempts=1))("insert")


async def test_what_passes_is_sent_again_without_waiting(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert").meets("cannot_connect").times(3).affects(1)
    began = asyncio.get_running_loop().time()
    assert (await sql("insert").result()).row_count == 1
    assert len(mock.requests) == 4
    assert len(mock.pauses) == 3
    assert sum(mock.pauses) > 0.3
    assert asyncio.get_running_loop().time() - began < sum(mock.pauses)


async def test_a_slow_answer_makes_the_deadline_pass_in_no_time(mock: NeonMock, sql: Neon) -> None:
    mock.on("insert").affects(1).after(59).affects(1).after(61)
    began = asyncio.get_running_loop().time()
    await sql("insert")
    with pytest.raises(RequestTimeout, match="60 s") as caught:
        await sql("insert")
    assert caught.value.outcome == "unknown"
    with pytest.raises(RequestTimeout):
        await sql("insert", timeout=60.5)
    await sql("insert", timeout=61.5)
    assert asyncio.get_running_loop().time() - began < 30


async def test_time_passes_in_one_call_and_not_in_the_next(mock: NeonMock) -> None:
    sql = neon(URL, transport=mock, timeout=10, retry=Retry(attempts=20, first=1, longest=4))
    mock.on("select 1").meets("control_plane")
    mock.on("select 2").rows((2,)).after(9)
    with pytest.raises(TransportError) as caught:
        await sql("select 1")
    assert caught.value.outcome in {"refused", "not_sent"}
    assert 5 < sum(mock.pauses) < 15  # the deadline ended it, not the attempts
    assert await asyncio.gather(*(sql("select 2").value() for _ in range(3))) == [2, 2, 2]


# ------------------------------------------------------------------ parameters, and what was recorded


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        (7, 7),
        (7, "7"),
        (None, None),
        (True, True),
        (["a", None], ["a", None]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
        (Json([1]), Json([1])),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (ANY, "whatever"),
        (ANY, None),
        (re.compile("^wgt_"), "wgt_1"),
    ],
)
async def test_parameters_are_expected_as_python_values(mock: NeonMock, sql: Neon, expected: Any, sent: Any) -> None:
    mock.on("select $1", expected).rows((1,))
    mock.on("select $1 + 0").with_params(expected).rows((1,))
    await sql("select $1", sent)
    await sql("select $1 + 0", sent)
    mock.verify()


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        ((7,), (8,)),
        ((None,), ("",)),
        (({"a": 1},), ({"a": 2},)),
        (({"a": 1},), ("no json",)),
        (({"a": 1},), (None,)),
        ((re.compile("^wgt_"),), ("org_1",)),
        ((re.compile("x"),), (None,)),
        ((1, 2), (1,)),
        ((object(),), ("x",)),
    ],
)
async def test_other_parameters_are_unexpected(mock: NeonMock, sql: Neon, expected: Any, sent: Any) -> None:
    mock.on(re.compile("select"), *expected).rows((1,))
    with pytest.raises(AssertionError, match="unexpected"):
        await sql("select", *sent)


async def test_a_request_is_recorded_without_the_connection_string() -> None:
    with NeonMock() as mock:
        mock.on(re.compile("^select")).rows((1,))
        sql = neon(URL)
        await sql("select $1", [1])
        await sql.transaction([sql("select 1")], isolation_level="repeatable read", read_only=True, deferrable=False)
    single, batch = mock.requests
    assert (single.batch, single.isolation_level, single.read_only, single.deferrable) == (False, None, None, None)
    assert (batch.batch, batch.isolation_level, batch.read_only, batch.deferrable) == (
        True, "RepeatableRead", True, False,
    )  # fmt: skip
    assert single.statements == (Statement("select $1", ('{"1"}',)),)
    assert (single.database, batch.headers["neon-raw-text-output"]) == ("db", "true")
    assert "hunter2" not in repr(mock.requests)
