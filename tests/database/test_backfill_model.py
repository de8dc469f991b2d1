"""The model of the database that the simulation plays on answers as PostgreSQL does: the same steps, both asked.

With keys of several types, and rows that are all or chosen. `SENDOKA_SEED=123` draws the same steps again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import dead_letters, pause, resume, runs, shards
from sendoka.backfills.call import Call
from sendoka.backfills.change_text import change_batch
from sendoka.backfills.events import Actor, events_of
from sendoka.backfills.fencing import Fence, counted, fence, look
from sendoka.backfills.isolation import isolated_batch
from sendoka.backfills.left import remaining
from sendoka.backfills.listing import list_keys
from sendoka.backfills.order import Walked
from sendoka.backfills.pace import Pace
from sendoka.backfills.page_text import page, write_back
from sendoka.backfills.target import listed, read_target
from sendoka.backfills.terms import Terms
from sendoka.database import Result, Statement
from sendoka.database.home import Ours
from sendoka.errors import DatabaseError, SendokaError
from tests.fixtures.modelled.choices import Choice
from tests.fixtures.modelled.database import Modelled, Server
from tests.fixtures.modelled.expressions import CLOCK, Json
from tests.fixtures.modelled.forms import FORMS
from tests.fixtures.modelled.rows import Transaction
from tests.fixtures.modelled.shapes import COLUMNS, SHAPES, TYPES, given

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.backfills import Backfill
    from sendoka.backfills.target import Target
    from sendoka.database import Database
    from tests.fixtures.modelled.shapes import Shape

SEED = int(os.environ.get("SENDOKA_SEED") or random.SystemRandom().randrange(10**9))
ROWS = 12
BIGINT = SHAPES["bigint"]
TABLES = ("backfill_shards", "backfill_batches", "dead_letters", "backfill_runs", "backfill_keys")
LEFT_OUT = {"took", "at", "updated_at", "noted_at", "started_at", "finished_at", "lease_until", "message"}


class Script:
    """Steps drawn by a seed, each as a coroutine of a database; stale epochs and places among them."""

    def __init__(self, seed: int, target: Target, form: Backfill, shape: Shape = BIGINT) -> None:
        self.dice, self.target, self.form, self.shape = random.Random(seed), target, form, shape

    def step(self) -> Callable[[Database], Awaitable[Any]]:
        dice, form = self.dice, self.form
        epoch, seq, first = str(dice.randint(0, 4)), dice.randint(0, 8), dice.random() < 0.4
        owner, size, token = dice.choice("ab"), dice.randint(1, 4), f"{dice.randrange(16**8):08x}"
        key, by = dice.randrange(ROWS), Actor("me", dice.choice("xyz"))
        found = dataclasses.replace(_RUN, checksum=dice.choice(["one", "one", "two"]))
        texts = [given(key)[column] for column in self.shape.key]
        at_key = cursor_of(self.shape, key)
        batch = Fence(1, 0, int(epoch), seq, token, at_key, size, size, dice.random() < 0.2, 15.0)
        change = Statement("update messages set touched = touched + 1 where id = $1::bigint", (str(key),))
        cursor = None if first else at_key
        at = dataclasses.replace(_SHARD, epoch=int(epoch), cursor=cursor)
        write = Statement(
            write_back(form, self.target, ("label",)), (*(f'{{"{text}"}}' for text in texts), "{0}", "{theirs}")
        )
        fault = dead_letters.Fault("22012", "division by zero")
        grave = dead_letters.bury(form, self.target, run=1, shard=0, seq=seq, key=json.dumps(texts), fault=fault)
        batches = Ours(change_batch(form, self.target, first=first), ("1", "0", str(size), token, epoch, "15", ""))
        isolated = isolated_batch(
            form, self.target, run=1, shard=0, at=at, size=size, token=token, max_dead=2, lease=15, owner=""
        )
        steps: list[Callable[[Database], Awaitable[Any]]] = [
            lambda db: db.run(batches),
            lambda db: db.run(batches),
            lambda db: db.run_all(isolated),
            lambda db: db.run_all([fence(batch), counted(change, batch), counted(write, batch), look(batch)]),
            lambda db: db.run_all([fence(batch), grave, look(batch)]),
            lambda db: paged(db, page(form, self.target, cursor, size)),
            lambda db: db.run(remaining(dead_letters.without_dead(form, self.target, 1), self.target)),
            lambda db: shards.claim(db, 1, 0, owner=owner, lease=15, checksum=dice_choice, heir_of=None),
            lambda db: shards.renew(db, 1, 0, owner=owner, epoch=int(epoch), lease=15),
            lambda db: shards.release(db, 1, owner=owner),
            lambda db: shards.read_totals(db, 1),
            lambda db: shards.token_of(db, 1, 0, seq),
            lambda db: runs.next_pass(db, 1, after=int(epoch)),
            lambda db: runs.begin(db, found, found.checksum, by=by, walk=walk, accept=first),
            lambda db: runs.note_end(db, 1, state="stopped", reason="so", rate=1.5, by=by),
            lambda db: dead_letters.count_dead(db, 1),
            lambda db: pause(db, "some_in_sql"),
            lambda db: resume(db, "some_in_sql"),
            lambda db: resume(db, "some_in_sql"),
        ]
        dice_choice, walk = dice.choice([None, "one"]), walk_of(self.shape)
        return dice.choice(steps)


_RUN = runs.Run(1, "some_in_sql", 1, "one", "running", None, "", "me", None, None, "", None, None, None, None)
_SHARD = shards.Shard("running", 1, 0, 0, None, None, None, 0, 0, 0, 0, 0, 0)


def cursor_of(shape: Shape, row_id: int) -> str:
    """Return the key of a row as a cursor has it."""
    texts = given(row_id)
    return json.dumps(Json.array(TYPES.get(column, str)(texts[column]) for column in shape.key).value)


def walk_of(shape: Shape) -> Walked:
    return Walked(shape.key, 1)


async def paged(database: Database, statement: Statement) -> list[Any]:
    """Return the cells of a page, with whether there is a row for the number of its version."""
    cells = (await database.run(statement)).rows
    return [[*row[:2], row[2] is not None, *row[3:]] for row in cells]


async def answer(database: Database, step: Callable[[Database], Awaitable[Any]]) -> Any:
    """Return what a step answers, or the SQLSTATE that it is refused with."""
    try:
        found = await step(database)
    except DatabaseError as error:
        return error.sqlstate, error.schema, error.table
    except SendokaError as error:
        return error.what
    results = found if isinstance(found, list) else [found]
    return [untimed(each) if isinstance(each, Result) else each for each in results]


def untimed(result: Result[Any]) -> list[list[Any]]:
    """Return the rows, but for what took so many seconds."""
    return [
        [cell for field, cell in zip(result.fields, row, strict=True) if field.name not in {"inside", "worked"}]
        for row in result.rows
    ]


async def there(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables, but for times and versions."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        result = await database.run(Statement(f"select * from sendoka.{table}"))
        rows = [dict(zip((field.name for field in result.fields), row, strict=True)) for row in result.rows]
        kept = [{name: value for name, value in row.items() if name not in LEFT_OUT} for row in rows]
        found[table] = sorted(kept, key=repr)
    return found


async def make_messages(database: Database, shape: Shape = BIGINT) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    await database.run(Statement(f"create table messages ({columns}, primary key ({', '.join(shape.key)}))"))
    await database.run(Statement("alter table messages alter touched set default 0, alter sane set default 1"))
    await database.run(Statement("create table picks (number bigint generated always as identity primary key, id int)"))


async def opened(database: Database, shape: Shape = BIGINT, choice: Choice | None = None) -> None:
    by, walk = Actor("me"), walk_of(shape)
    await runs.open_run(database, "some_in_sql", "one", number=1, total=None, by=by, walk=walk)
    await database.run_all([_row(key) for key in range(ROWS)])
    if choice:
        await database.run_all(choice.begin() or [Statement("select id from picks")])


def _row(key: int) -> Statement:
    columns = {**given(key), "label": "x" if key % 4 == 3 else None, "sane": "0" if key == 6 else "1"}
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    return Statement(f"insert into messages ({', '.join(columns)}) values ({places})", tuple(columns.values()))


async def modelled(shape: Shape = BIGINT, choice: Choice | None = None) -> Modelled:
    async def at_once() -> None:
        return None

    CLOCK[0] = asyncio.get_running_loop().time
    model = Modelled(Server(at_once, (), shape))
    await opened(model, shape, choice)
    return model


KEYS = [
    ("bigint", ""),
    ("bigint", "source"),
    ("text", ""),
    ("text", "list"),
    ("uuid", "source"),
    ("uuid", "list"),
    ("composite", ""),
    ("composite", "source"),
    ("timestamp", ""),
    ("timestamp", "file"),
]


@pytest.mark.parametrize(("key", "kind"), KEYS)
async def test_the_model_answers_as_postgres_does(sql: Database, key: str, kind: str) -> None:
    shape, form = SHAPES[key], FORMS["some_in_sql"]
    choice = Choice.drawn(random.Random(SEED), kind, shape, ROWS) if kind else None
    await make_messages(sql, shape)
    await opened(sql, shape, choice)
    model = await modelled(shape, choice)
    form = choice.over(form) if choice else form
    target, met = await read_target(sql, form), set()
    if form.keys:
        for database in (model, sql):
            call = Call(database, form, Terms(), Pace(), lambda: True, None)
            assert await list_keys(call, _RUN, target)
        target = listed(form, target, 1)
    script = Script(SEED, target, form, shape)
    for number in range(60):
        step = script.step()
        ours, theirs = await answer(model, step), await answer(sql, step)
        assert ours == theirs, f"SENDOKA_SEED={SEED}: {number}"
        met.add(repr(ours)[:30])
    assert len(met) > 9
    assert await there(model) == await there(sql)
    told = [[event.event for event in await events_of(each, 1)] for each in (model, sql)]
    assert told[0] == told[1]


HELD = {
    "another batch": "update sendoka.backfill_shards set seq = 1, cursor = '[1]' where run = 1",
    "a pause": "update sendoka.backfill_shards set held = true, epoch = epoch + 1 where run = 1",
    "a row that is labelled": "update messages set label = 'theirs' where id = 1",
    "a row that is noted": "update messages set note = 'theirs' where id = 1",
    "a row that is deleted": "delete from messages where id = 1",
}


@pytest.mark.parametrize("held", HELD)
async def test_the_model_waits_and_goes_on_as_postgres_does(sql: Database, direct: Any, held: str) -> None:
    await make_messages(sql)
    await opened(sql)
    model, target, form = await modelled(), await read_target(sql, FORMS["some_in_sql"]), FORMS["some_in_sql"]

    def batch(database: Database) -> asyncio.Future[Any]:
        statement = Ours(change_batch(form, target, first=True), ("1", "0", "3", "token", "0", "15", ""))
        return asyncio.ensure_future(answer(database, lambda db: db.run(statement)))

    holder = Transaction(model.server.store)
    holder.begin_statement()
    await model.server.statement(holder, Statement(HELD[held]))
    with direct.transaction():
        direct.execute(HELD[held])
        waiting = [batch(model), batch(sql)]
        while not direct.execute("select count(*) from pg_locks where not granted").fetchone()[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not waiting[0].done()
        holder.commit()
    one, other = await asyncio.gather(*waiting)
    assert one == other
    assert await there(model) == await there(sql)
    rows = Statement("select id, label, touched, note from messages order by id")
    assert (await model.run(rows)).rows == (await sql.run(rows)).rows
