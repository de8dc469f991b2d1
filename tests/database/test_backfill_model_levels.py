"""The model meets what others change as PostgreSQL does, at both levels: each pair of steps, both asked.

Somebody changes a row and holds it, or has committed since our transaction began; then we lock, change or insert.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sendoka.database import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError
from tests.database.test_backfill_model import make_messages
from tests.fixtures.modelled.database import Server
from tests.fixtures.modelled.network import HERE, Client, Network, Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendoka.database import Database
    from sendoka.local.postgres import Postgres
    from tests.fixtures.modelled.rows import Transaction

    Connection = psycopg.Connection[tuple[Any, ...]]

LEVELS = ("ReadCommitted", "RepeatableRead")
ENDS = ("it was committed before", "it commits", "it rolls back")
BEFORE = [f"insert into messages (id, label) values ({key}, {label})" for key, label in ((1, "null"), (2, "'x'"))]
SEEN = "select id, label, touched, note from messages order by id"

THEIRS = {
    "note": "update messages set note = 'theirs' where id = 1",
    "label": "update messages set label = 'theirs' where id = 1",
    "lock": "select id from messages where id = 1 for update",
    "delete": "delete from messages where id = 1",
    "delete and insert": "delete from messages where id = 1; insert into messages (id, label) values (1, null)",
    "insert": "insert into messages (id, label) values (3, null)",
    "insert and note": "insert into messages (id) values (3); update messages set note = 'theirs' where id = 1",
}
_PAGE = "with page as materialized (select id from messages where label is null order by id limit 3{lock})"
_SET = " update messages m set label = 'ours' from page p where m.id = p.id returning m.id, m.label, m.note"
_NEW = "insert into messages (id, label) values (3, 'ours')"
OURS = {
    "look": SEEN,
    "for update": "select id, note from messages where label is null order by id limit 3 for update",
    "for no key update": "select id, note from messages where label is null order by id limit 3 for no key update",
    "update": "update messages set touched = touched + 1 where id < 3 returning id, label, touched, note",
    "update where": "update messages set touched = touched + 1 where label is null returning id, label, touched, note",
    "delete": "delete from messages where label is null returning id, note",
    "page": _PAGE.format(lock="") + _SET,
    "page that is locked": _PAGE.format(lock=" for no key update") + _SET,
    "insert": _NEW,
    "insert or leave it": f"{_NEW} on conflict (id) do nothing",
    "insert or update": f"{_NEW} on conflict (id) do update set note = excluded.label returning id, label, note",
}


@pytest.fixture
def second(postgres: Postgres, database: str) -> Iterator[Connection]:
    with postgres.databases.admin.to(database).connect() as connection:
        yield connection


def refused(error: Exception) -> str:
    """Return the SQLSTATE of an error, and what it says where that tells one conflict from another."""
    code, said = (error.sqlstate, str(error)) if isinstance(error, psycopg.Error) else ("", str(error))
    if isinstance(error, DatabaseError):
        code, said = error.sqlstate, error.message
    return f"{code} {said.splitlines()[0]}" if code == "40001" else str(code)


class InModel:
    """One pair of steps in the model; `end` is how theirs ends, and when."""

    def __init__(self) -> None:
        self.server = Server(_at_once)
        self.waited = False

    async def play(self, theirs: str, ours: str, level: str, end: str) -> Any:
        await self.server.request([Statement(text) for text in BEFORE])
        holder, us = self.server.begin(), self.server.begin("", TransactionOptions(isolation_level=level))
        await self._do(us, SEEN)
        for text in theirs.split("; "):
            await self._do(holder, text)
        if end == ENDS[0]:
            holder.commit()
        work = asyncio.ensure_future(self._ours(us, ours))
        await asyncio.sleep(0)
        waited = not work.done()
        if end != ENDS[0]:
            holder.commit() if end == ENDS[1] else holder.abort()
        answered = await work
        return waited, answered, (await self.server.request([Statement(SEEN)]))[0].rows

    async def _ours(self, us: Transaction, ours: str) -> Any:
        try:
            found = [sorted(await self._do(us, ours), key=repr), await self._do(us, SEEN)]
        except DatabaseError as error:
            us.abort()
            return refused(error)
        us.commit()
        return found

    async def _do(self, transaction: Transaction, text: str) -> Any:
        transaction.begin_statement()
        return self.server._result(await self.server.statement(transaction, Statement(text))).rows


class InPostgres:
    """The same pair of steps in PostgreSQL."""

    def __init__(self, holder: Connection, us: Connection) -> None:
        self.holder, self.us = holder, us

    async def play(self, theirs: str, ours: str, level: str, end: str) -> Any:
        self.us.execute("; ".join(["delete from messages", *BEFORE]))
        self.us.isolation_level = psycopg.IsolationLevel[_upper(level)]
        with self.us.transaction():
            self.us.execute(SEEN)
            self.holder.execute("begin")
            self.holder.execute(theirs)
            if end == ENDS[0]:
                self.holder.execute("commit")
            work = asyncio.ensure_future(asyncio.to_thread(self._ours, ours))
            waited = end != ENDS[0] and await self._waits(work)
            if end != ENDS[0]:
                self.holder.execute("commit" if end == ENDS[1] else "rollback")
            answered = await work
        return waited, answered, _texts(self.us.execute(SEEN))

    def _ours(self, ours: str) -> Any:
        try:
            with self.us.transaction():
                return [sorted(_texts(self.us.execute(ours)), key=repr), _texts(self.us.execute(SEEN))]
        except psycopg.Error as error:
            return refused(error)

    async def _waits(self, work: asyncio.Future[Any]) -> bool:
        while not work.done():
            if self.holder.execute("select count(*) from pg_locks where not granted").fetchone() != (0,):
                return True
            await asyncio.sleep(0.001)
        return False


def _upper(level: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in level).strip("_").upper()


def _texts(cursor: psycopg.Cursor[tuple[Any, ...]]) -> list[list[str | None]]:
    rows = cursor.fetchall() if cursor.description else []
    return [[None if cell is None else str(cell) for cell in row] for row in rows]


async def _at_once() -> None:
    return None


async def test_the_model_meets_what_others_change_as_postgres_does(
    sql: Database, direct: Connection, second: Connection
) -> None:
    await make_messages(sql)
    postgres, met = InPostgres(direct, second), set()
    for theirs, ours, level, end in itertools.product(THEIRS, OURS, LEVELS, ENDS):
        steps = (THEIRS[theirs], OURS[ours], level, end)
        answered = await InModel().play(*steps)
        assert answered == await postgres.play(*steps), f"{theirs} {ours} {level} {end}"
        met.add(answered[1] if isinstance(answered[1], str) else "well")
    conflict = "40001 could not serialize access due to concurrent"
    assert met == {"well", "23505", f"{conflict} update", f"{conflict} delete"}


async def test_the_client_of_the_model_sends_again_what_could_not_be_serialized() -> None:
    server = Server(_at_once)
    network = Network(server, random.Random(1), faults=0, share=0, lease=1)
    await server.request([Statement(text) for text in BEFORE])
    holder = server.begin()
    holder.begin_statement()
    await server.statement(holder, Statement(THEIRS["note"]))
    process = Process(pid=1)
    HERE.set(process)
    client = Client(network, process)
    client.retry = client.retry.__class__(attempts=2, first=0, longest=0)
    options = TransactionOptions(isolation_level="RepeatableRead")
    work = asyncio.ensure_future(client.run_all([Statement(OURS["page"])], options))
    while not holder.held[0].waiting:  # noqa: ASYNC110
        await asyncio.sleep(0)
    holder.commit()
    ((row,),) = (result.rows for result in await work)
    assert row == ["1", "ours", "theirs"]
    assert server.store.begun == 4  # what was there, who held it, and two sends
