"""The mock that users test with answers like Neon, and is strict."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sendoka import migrate, neon
from sendoka.database.statement import Statement
from sendoka.errors import NEON_ERROR_KEYS, UniqueViolation
from sendoka.http.request import Request, single_body
from sendoka.http.transport import Timing
from sendoka.testing import FakeDatabase, NeonMock
from tests.fixtures.canned import ONE, answer, canned

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.http.client import Neon

URL = "postgresql://u:p@ep-x.eu.neon.tech/db"


@pytest.fixture
def mock() -> NeonMock:
    return NeonMock()


@pytest.fixture
def sql(mock: NeonMock) -> Neon:
    return mock.client()


async def test_rows_come_back_as_they_were_given(mock: NeonMock, sql: Neon) -> None:
    row = {
        "text": "x", "number": 2**40, "flag": True, "real": 1.5, "price": Decimal("1.10"), "raw": b"\x00", "none": None,
        "at": datetime(2026, 1, 2, tzinfo=UTC), "day": date(2026, 1, 2), "uid": UUID(int=7), "doc": {"a": [1]},
        "tags": ["a", None], "flags": [True, False], "empty": [],
    }  # fmt: skip
    mock.on("select * from t").rows(row)
    assert await sql("select  *\n from t") == [row]


async def test_a_pattern_a_count_and_an_error(mock: NeonMock, sql: Neon) -> None:
    mock.on(re.compile("^update")).affects(3)
    mock.on(re.compile("^insert")).fails("23505", "taken", constraint="t_pkey")
    result = await sql("update t set a = 1").result()
    assert (result.command, result.row_count, result.rows) == ("UPDATE", 3, [])
    with pytest.raises(UniqueViolation, match="taken") as caught:
        await sql("insert into t values (1)")
    assert (caught.value.constraint, caught.value.outcome) == ("t_pkey", "failed")


async def test_a_transaction_is_answered_statement_by_statement(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1").rows((1,))
    mock.on("select $1").rows({"a": "x"}, {"a": "y"})
    first, second = await sql.transaction([sql("select 1"), sql("select $1", 7)])
    assert (first[0][0], [row.a for row in second]) == (1, ["x", "y"])
    assert mock.requests == [[Statement("select 1"), Statement("select $1", ("7",))]]
    assert mock.statements[1].params == ("7",)


async def test_the_unexpected_lists_what_was_expected(mock: NeonMock, sql: Neon) -> None:
    mock.on("select 1")
    mock.on(re.compile("^update"))
    with pytest.raises(AssertionError, match=r"(?s)unexpected.*select 2.*expected was:\s+select 1\s+/\^update/"):
        await sql("select 2")


async def test_inside_with_every_client_is_mocked_and_afterwards_none() -> None:
    async with canned(answer(ONE)) as server, neon(server.url, transport="native") as sql:
        with NeonMock() as mock:
            mock.on("select 1 as n").rows({"n": 5})
            assert await sql("select 1 as n").value() == 5
            assert await neon(URL)("select 1 as n").value() == 5
        assert server.requests == []
        assert await sql("select 1 as n").value() == 1


def test_what_was_never_sent_is_said_at_the_end() -> None:
    mock = NeonMock()
    with pytest.raises(AssertionError, match="never sent:\n  select 1"), mock:
        mock.on("select 1")


async def test_an_error_inside_is_not_hidden_by_what_was_never_sent() -> None:
    with pytest.raises(LookupError, match="mine"), NeonMock() as mock:
        unrelated(mock)


def unrelated(mock: NeonMock) -> None:
    mock.on("select 1")
    raise LookupError("mine")


def test_rows_of_one_answer_have_one_shape(mock: NeonMock) -> None:
    with pytest.raises(ValueError, match="same columns"):
        mock.on("x").rows({"a": 1}, {"b": 1})


async def test_a_migrated_database_is_one_request(tmp_path: Path, mock: NeonMock, sql: Neon) -> None:
    (tmp_path / "0000_a.sql").write_text("-- sendoka: 0000_a\n-- parent: none\n\nselect 1\n")
    mock.migrated(tmp_path)
    report = await migrate(sql, tmp_path)
    assert (report.head, report.applied, len(mock.requests)) == ("0000_a", (), 1)


async def test_a_fake_database_answers_at_the_seam() -> None:
    database = FakeDatabase({"select 1": [{"a": 1}]})
    database.on("insert").fails("23505")
    assert (await database.run(Statement("select 1"))).rows == [["1"]]
    with pytest.raises(UniqueViolation):
        await database.run_all([Statement("select 1"), Statement("insert")])
    with pytest.raises(AssertionError, match="unexpected"):
        await database.run(Statement("select 2"))
    assert [len(request) for request in database.requests] == [1, 2, 1]


async def test_an_unexpected_statement_is_said_at_the_end_too_where_the_application_caught_it() -> None:
    mock = NeonMock()
    mock.on("select 1").rows((1,))
    with pytest.raises(AssertionError, match=r"(?s)unexpected.*select 2.*expected was:\s+select 1"), mock:
        await careless(neon(URL))
    assert [statement.text for statement in mock.statements] == ["select 1", "select 2"]


async def careless(sql: Neon) -> None:
    await sql("select 1")
    with contextlib.suppress(Exception):
        await sql("select 2")


async def test_an_error_has_all_the_fields_that_neon_sends(mock: NeonMock) -> None:
    mock.on("select 1").fails("23505", constraint="t_pkey")
    client = mock.client()
    reply = await mock.exchange(Request(client.target, (), single_body(Statement("select 1"))), Timing.start(1))
    assert tuple(json.loads(reply.body)) == NEON_ERROR_KEYS
