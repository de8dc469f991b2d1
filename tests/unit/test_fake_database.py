"""The stand-in for a database below the engines: it answers as the mock does, at the seam."""

from __future__ import annotations

import pytest

from sendoka.database import Statement, TransactionOptions
from sendoka.errors import (
    RequestTimeout,
    SerializationFailure,
)
from sendoka.testing import FakeDatabase

# ------------------------------------------------------------------ below the engines


async def test_a_fake_database_answers_at_the_seam() -> None:
    database = FakeDatabase({"select 1": [{"a": 1}]})
    database.on("insert", "x").fails("40001").affects(1)
    assert (await database.run(Statement("select 1"))).rows == [["1"]]
    with pytest.raises(SerializationFailure):
        await database.run_all([Statement("select 1"), Statement("insert", ("x",))])
    (_, done) = await database.run_all(
        [Statement("select 1"), Statement("insert", ("x",))], TransactionOptions(isolation_level="Serializable")
    )
    assert (done.command, done.row_count) == ("INSERT", 1)
    with pytest.raises(AssertionError, match="unexpected"):
        await database.run(Statement("select 2"))
    assert [(len(request.statements), request.batch) for request in database.requests] == [
        (1, False), (2, True), (2, True), (1, False),
    ]  # fmt: skip
    assert database.requests[2].isolation_level == "Serializable"
    assert [statement.text for statement in database.statements].count("insert") == 2


async def test_a_fake_database_has_a_deadline_and_an_end() -> None:
    database = FakeDatabase(in_order=True)
    database.on_transaction("insert").results(1).after(5)
    database.on("select 1")
    with pytest.raises(AssertionError, match="never sent"), database:
        await too_slow(database)


async def too_slow(database: FakeDatabase) -> None:
    with pytest.raises(RequestTimeout) as caught:
        await database.run_all([Statement("insert")], TransactionOptions(timeout=4))
    assert caught.value.outcome == "unknown"


async def test_an_empty_transaction_has_no_results() -> None:
    assert await FakeDatabase().run_all([]) == []
