"""The model of the database that the simulation plays on answers as PostgreSQL does: the same steps, both asked."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import dead_letters, pause, resume, runs, shards
from sendoka.backfills.change_text import change_batch
from sendoka.backfills.events import Actor, events_of
from sendoka.backfills.fencing import Fence, counted, fence, look
from sendoka.backfills.isolation import isolated_batch
from sendoka.backfills.left import remaining
from sendoka.backfills.order import Walked
from sendoka.backfills.page_text import page, write_back
from sendoka.backfills.target import read_target
from sendoka.database import Result, Statement
from sendoka.database.home import Ours
from sendoka.errors import DatabaseError, SendokaError
from tests.fixtures.modelled.database import Modelled, Server
from tests.fixtures.modelled.expressions import CLOCK
from tests.fixtures.modelled.forms import FORMS
from tests.fixtures.modelled.rows import Transaction
from tests.fixtures.modelled.shapes import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sendoka.backfills.target import Target
    from sendoka.database import Database

ROWS = 12
WALK = Walked(("id",), 1)
TABLES = ("backfill_shards", "backfill_batches", "dead_letters", "backfill_runs")
LEFT_OUT = {"took", "at", "updated_at", "noted_at", "started_at", "finished_at", "lease_until", "message"}


class Script:
    """Steps drawn by a seed, each as a coroutine of a database; stale epochs and places among them."""

    def __init__(self, seed: int, target: Target) -> None:
        self.dice, self.target = random.Random(seed), target

    def step(self) -> Callable[[Database], Awaitable[Any]]:
        dice = self.dice
        form = FORMS["some_in_sql"]
        epoch, seq, first = str(dice.randint(0, 4)), dice.randint(0, 8), dice.random() < 0.4
        owner, size, token = dice.choice("ab"), dice.randint(1, 4), f"{dice.randrange(16**8):08x}"
        key, by = dice.randrange(ROWS), Actor("me", dice.choice("xyz"))
        found = dataclasses.replace(_RUN, checksum=dice.choice(["one", "one", "two"]))
        batch = Fence(1, 0, int(epoch), seq, token, f"[{key}]", size, size, dice.random() < 0.2, 15.0)
        change = Statement("update messages set touched = touched + 1 where id = $1::bigint", (str(key),))
        cursor = None if first else f"[{key}]"
        at = dataclasses.replace(_SHARD, epoch=int(epoch), cursor=cursor)
        write = Statement(write_back(form, self.target, ("label",)), (f"{{{key}}}", "{0}", "{theirs}"))
        fault = dead_letters.Fault("22012", "division by zero")
        grave = dead_letters.bury(form, self.target, run=1, shard=0, seq=seq, key=f'["{key}"]', fault=fault)
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
            lambda db: runs.begin(db, found, found.checksum, by=by, walk=WALK, accept=first),
            lambda db: runs.note_end(db, 1, state="stopped", reason="so", rate=1.5, by=by),
            lambda db: dead_letters.count_dead(db, 1),
            lambda db: pause(db, "some_in_sql"),
            lambda db: resume(db, "some_in_sql"),
            lambda db: resume(db, "some_in_sql"),
        ]
        dice_choice = dice.choice([None, "one"])
        return dice.choice(steps)


_RUN = runs.Run(1, "some_in_sql", 1, "one", "running", None, "", "me", None, None, "", None, None, None, WALK)
_SHARD = shards.Shard("running", 1, 0, 0, None, None, None, 0, 0, 0, 0, 0, 0)


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


async def make_messages(database: Database) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    await database.run(Statement(f"create table messages ({columns}, primary key (id))"))
    await database.run(Statement("alter table messages alter touched set default 0, alter sane set default 1"))


async def opened(database: Database) -> None:
    await runs.open_run(database, "some_in_sql", "one", number=1, total=None, by=Actor("me"), walk=WALK)
    text = "insert into messages (id, label, sane) values ($1, $2, $3)"
    await database.run_all(
        [Statement(text, (str(key), "x" if key % 4 == 3 else None, "0" if key == 6 else "1")) for key in range(ROWS)]
    )


async def modelled() -> Modelled:
    async def at_once() -> None:
        return None

    CLOCK[0] = asyncio.get_running_loop().time
    model = Modelled(Server(at_once))
    await opened(model)
    return model


@pytest.mark.parametrize("seed", range(3))
async def test_the_model_answers_as_postgres_does(sql: Database, seed: int) -> None:
    await make_messages(sql)
    await opened(sql)
    model = await modelled()
    script = Script(seed, await read_target(sql, FORMS["some_in_sql"]))
    met = set()
    for number in range(120):
        step = script.step()
        ours, theirs = await answer(model, step), await answer(sql, step)
        assert ours == theirs, number
        met.add(repr(ours)[:30])
    assert len(met) > 15
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
