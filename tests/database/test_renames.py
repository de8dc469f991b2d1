"""Rows, and what depends on them, stay where they are when their table, column or function gets another name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendoka import neon
from sendoka.database import Statement
from sendoka.schema.decisions import read_renames
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from sendoka.local.server import Server
    from tests.fixtures.postgres import Supply

CASES = Path(__file__).parent.parent / "cases"


@pytest.mark.parametrize(
    ("case", "before", "after"),
    [
        ("table/renamed", "select id, a, b from t", "select id, a, b from u"),
        ("table/moved", "select id, a from t", "select id, a from other.t"),
        ("column/renamed", "select id, body, g from t", 'select id, "The text", g from t'),
        ("function/renamed", "select id, g from t", "select id, g from t"),
    ],
)
async def test_rows_stay(server: Server, databases: Supply, database: str, case: str, before: str, after: str) -> None:
    second = databases.take()
    async with neon(server.connection_string(database)) as one, neon(server.connection_string(second)) as other:
        for sql, name in ((one, "old.sql"), (other, "new.sql")):
            texts = (CASES / case / name).read_text(encoding="utf-8").split(";\n")
            await sql.run_all([Statement(text) for text in texts if text.strip()])
        rows = (await one.run(Statement(f"{before} order by 1"))).rows
        files = (await one.run(Statement("select pg_relation_filenode(oid) from pg_class where relname = 'i'"))).rows
        assert len(rows) == 2

        old, new = await model_from_catalog(one), await model_from_catalog(other)
        answers = (CASES / case / "renames").read_text(encoding="utf-8").splitlines()
        for transaction in plan(diff(old, new, read_renames(answers, old, new))).transactions:
            await one.run_all([Statement(step.text) for step in transaction.steps])

        assert (await one.run(Statement(f"{after} order by 1"))).rows == rows
        again = await one.run(Statement("select pg_relation_filenode(oid) from pg_class where relname = 'i'"))
        assert again.rows == files, "the index was built anew"
    databases.give_back(second)
