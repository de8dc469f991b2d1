"""What holds nobody up, on a real Postgres: the plans of `--online`, and the SQL that a review says to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendoka import neon
from sendoka.database import Statement
from sendoka.schema.diff import diff
from sendoka.schema.from_catalog import model_from_catalog
from sendoka.schema.plan import plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sendoka.database import Database
    from sendoka.local.server import Server
    from sendoka.schema.model import Model
    from sendoka.schema.step import Transaction
    from tests.fixtures.postgres import Supply

OLD = """create table orgs (id int primary key);
create table t (id int not null, a int, b text, org int);
create table days (id int, day date) partition by range (day);
create materialized view mat as select id from t"""

WAYS = {
    "an index": ("create index i on t (a, lower(b)) include (id) where a > 0", 1),
    "an index with a comment": ("create index i on t (a); comment on index i is 'x'", 2),
    "an index of a materialized view": ("create index i on mat (id)", 1),
    "two indexes": ("create index i on t (a); create index j on t (b)", 2),
    "a unique constraint": ("alter table t add constraint u unique (a, b) include (id) deferrable", 2),
    "a primary key": ("alter table t add constraint k primary key (id)", 2),
    "a check": ("alter table t add constraint c check (a > 0)", 2),
    "a foreign key": ("alter table t add constraint f foreign key (org) references orgs on delete set null", 2),
    "a key and what points at it": (
        "alter table t add constraint u unique (a);alter table orgs add constraint f foreign key (id) references t (a)",
        3,
    ),
    "a new column and its index": ("alter table t add column d int; create index i on t (d)", 2),
}


@pytest.fixture
async def two(server: Server, databases: Supply, database: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two databases with the old schema."""
    second = databases.take()
    async with neon(server.connection_string(database)) as left, neon(server.connection_string(second)) as right:
        for each in (left, right):
            await _run(each, OLD)
        yield left, right
    databases.give_back(second)


async def _run(database: Database, script: str) -> None:
    for text in script.split(";"):
        await database.run(Statement(text))


async def _apply(database: Database, transaction: Transaction) -> None:
    """Run a transaction; a statement that runs in none is done only afterwards, and its query says both."""
    query = transaction.done_when
    if query is None:
        await database.run_all([Statement(step.text) for step in transaction.steps])
        return
    (step,) = transaction.steps
    told = [(await database.run(Statement(text))).rows for text in (query, step.text, query)]
    assert (told[0], told[2]) == ([["f"]], [["t"]])


async def _models(two: tuple[Database, Database], change: str) -> tuple[Model, Model]:
    await _run(two[1], change)
    return await model_from_catalog(two[0]), await model_from_catalog(two[1])


@pytest.mark.parametrize(("change", "files"), WAYS.values(), ids=WAYS)
async def test_an_online_plan_leads_to_the_same_schema(two: tuple[Database, Database], change: str, files: int) -> None:
    old, new = await _models(two, change)
    found = plan(diff(old, new), online=True)
    assert {hazard.name for hazard in found.hazards} <= {"validate"}
    assert all(hazard.lock and not hazard.lock.blocks for hazard in found.hazards)
    assert len(found.transactions) == files
    for transaction in found.transactions:
        await _apply(two[0], transaction)
    after = await model_from_catalog(two[0])
    left = diff(after, new)
    assert not (left.altered)
    assert not (left.created)


@pytest.mark.parametrize(
    "change",
    [
        "create index i on days (id)",
        "alter table days add constraint u unique (day)",
        "alter table days add constraint f foreign key (id) references orgs",
        "alter table t add constraint e exclude using hash (b with =)",
    ],
)
async def test_what_has_no_such_way_stays_as_it_is(two: tuple[Database, Database], change: str) -> None:
    old, new = await _models(two, change)
    found = plan(diff(old, new), online=True)
    assert [transaction.done_when for transaction in found.transactions] == [None]
    (hazard,) = found.hazards
    assert hazard.name.startswith("add-")
    assert hazard.sql == ()


@pytest.mark.parametrize(
    ("change", "name", "files"),
    [
        ("create index i on t (a)", "add-index", 1),
        ("alter table t add constraint u unique (a)", "add-unique", 2),
        ("alter table t add constraint c check (a > 0)", "add-check", 2),
        ("alter table t add constraint f foreign key (org) references orgs", "add-foreign-key", 2),
        ("alter table t alter a set not null", "not-null", 3),
        ("alter table t add d int not null", "not-null", 5),
        ("alter table t add d uuid not null default gen_random_uuid()", "rewrite", 5),
        ("alter table t add d int generated always as (a * 2) stored", "rewrite", 3),
        ("alter table t add d int generated always as identity", "rewrite", 6),
        ("alter table t alter a type bigint", "rewrite", 4),
        ("alter table t alter b type varchar(3)", "change-type", 4),
        ("alter table t drop column b; alter table t add c text", "drop-column", 1),
    ],
)
async def test_the_sql_to_use_instead_runs(two: tuple[Database, Database], change: str, name: str, files: int) -> None:
    old, new = await _models(two, change)
    (hazard,) = plan(diff(old, new)).hazards
    assert hazard.name == name
    assert hazard.lock is not None
    assert hazard.lock.blocks
    assert ("public", "t") in hazard.lock.tables
    assert len(hazard.sql) == files
    for file in hazard.sql:
        for text in file:
            if not text.startswith("--"):
                await two[0].run(Statement(text))
    after = await model_from_catalog(two[0])
    assert not diff(after, new).dropped
