"""What a file without a transaction names, how long locks are waited for, and which names a statement may mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sendoka.migrations.blockers import Blocker, names_in
from sendoka.migrations.call import Call
from sendoka.migrations.event import Event
from sendoka.migrations.standing import Index, Worker, drop_statement, index_of, put_aside
from sendoka.testing import FakeDatabase

if TYPE_CHECKING:
    from sendoka.database import Database

NAMED = [
    ("CREATE INDEX CONCURRENTLY i ON t (id)", "i", "t"),
    ("create unique index concurrently if not exists I_2 on only Public.T using btree (id)", "i_2", "Public.T"),
    ('-- why\ncreate /* a\nb */ index\n\tconcurrently "I ""2" on "S"."T" (x)', 'I "2', '"S"."T"'),
    ("create index concurrently 人 on 人々(x)", "人", "人々"),
    ("create index concurrently i on t(x)", "i", "t"),
    ("create index concurrently online on t (x)", "online", "t"),
    ('create index concurrently"i"on"t"(x)', "i", '"t"'),
    ('create index concurrently if not exists"on"on"t"(x)', "on", '"t"'),
    ("create index concurrently if on t (x)", "if", "t"),
    ("create index concurrently on t (x)", None, "t"),
    ("create unique index concurrently ON t (x)", None, "t"),
]


@pytest.mark.parametrize(("statement", "name", "table"), NAMED)
def test_the_index_that_a_build_names(statement: str, name: str | None, table: str) -> None:
    assert index_of(statement) == Index(name, table)


OTHERS = [
    "create index i on t (x)",
    "reindex index concurrently i",
    "drop index concurrently i",
    "vacuum t",
    "select 'create index concurrently i on t (x)'",
    "-- create index concurrently i on t (x)",
]


@pytest.mark.parametrize("statement", OTHERS)
def test_other_statements_build_none(statement: str) -> None:
    assert index_of(statement) is None


def test_an_index_is_put_aside_under_the_lock_of_every_build_and_under_a_name_of_its_own() -> None:
    statements, name = put_aside(Index("i", "t"), "s", "i", "00ff")
    locking, renaming = (statement.text for statement in statements[1:])
    assert locking == "lock table t in share update exclusive mode"
    assert re.search(r'not indisvalid.* then execute .*alter index "s"."i" rename to "sendoka_invalid_00ff"', renaming)
    assert drop_statement("s", name).text == 'drop index concurrently if exists "s"."sendoka_invalid_00ff"'


def test_names_are_those_that_postgres_would_keep() -> None:
    assert names_in(['alter table "A ""b" add C_1 int', "update Öl set x = 'Lit'"]) >= {'A "b', "c_1", "Öl", "lit"}


BLOCKERS = [
    (Blocker(None, "t (ShareLock)"), "a prepared transaction (see pg_prepared_xacts) holds t (ShareLock)"),
    (Blocker(7, "t (x)"), "pid 7 holds t (x)"),
    (Blocker(7, "t (x)", "psql", "ada"), "pid 7 (psql, ada) holds t (x)"),
    (
        Blocker(7, "t (x)", None, "ada", "idle in transaction", 12, 3, "select ? from t"),
        "pid 7 (ada) holds t (x), its transaction is 12 s old, idle in transaction, query, 3 s ago: select ? from t",
    ),
]


@pytest.mark.parametrize(("blocker", "says"), BLOCKERS)
def test_a_blocker_is_a_clause_and_part_of_its_event(blocker: Blocker, says: str) -> None:
    assert str(blocker) == says
    event = Event("waiting", "0001_x", why="somebody holds a lock", blockers=(blocker, blocker))
    assert str(event) == f"waiting: somebody holds a lock; {says}; {says}"


WORKERS = [
    (Worker(7), "pid 7"),
    (Worker(7, 3, "building index", 40), "pid 7, for 3 s, building index (40 %)"),
    (Worker(7, 3, "waiting", None, 9), "pid 7, for 3 s, waiting (of pid 9)"),
]


@pytest.mark.parametrize(("worker", "says"), WORKERS)
def test_a_worker_is_told_with_what_is_known(worker: Worker, says: str) -> None:
    assert str(worker) == says


def test_pauses_for_locks_grow_and_come_out_of_the_budget_with_the_tries() -> None:
    database: Database = FakeDatabase()
    call = Call(database, 300.0, 60.0, None)
    pauses = []
    while (pause := call.lock_pause(2.0)) is not None:
        pauses.append(pause)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert call.lock_seconds == sum(pauses) + 8 * 2.0
    assert Call(database, 300.0, 0.0, None).lock_pause(0.0) is None
