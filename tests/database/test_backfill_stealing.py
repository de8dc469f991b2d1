"""Workers that take half of another one's shard: no row is left out or changed twice, and no shard becomes a crumb."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.backfills.order import arranged
from sendoka.backfills.shards import read_shards
from sendoka.backfills.stealing import steal
from sendoka.backfills.target import read_target
from sendoka.database import Statement
from sendoka.database.retry import Retry
from tests.fixtures.backfills import Unreliable, ledger_is_whole, make_messages, rows, touched, value

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database

QUICK = Retry(attempts=60, first=0.005, longest=0.03)
TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
LEFT = "select count(*) from messages where touched = 0"
FORMS = pytest.mark.parametrize("form", ["sql", "python"])


async def _touch(_sql: Database, batch: Batch) -> object:
    ids = "{" + ",".join(row["id"] for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::text[])", (ids,))


def declared(form: str, order: str) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "touch", "verify": LEFT, "order": order}
    found: Backfill = backfill(sql=TOUCH, **given) if form == "sql" else backfill(**given)(_touch)
    return found


async def is_whole(sql: Database) -> bool:
    """Tell whether the shards are the whole table, each beginning where another one ends."""
    found = await rows(sql, "select lower::text, upper::text from sendoka.backfill_shards")
    lowers, uppers = ({bound for bound in bounds if bound} for bounds in zip(*found, strict=True))
    return lowers == uppers and len(lowers) == len(found) - 1


@FORMS
@pytest.mark.parametrize(("order", "seed"), [("key", 1), ("key", 2), ("created", 3), ("strided", 4), ("strided", 5)])
async def test_stolen_shards_change_every_row_once_whatever_is_lost(
    sql: Database, form: str, order: str, seed: int
) -> None:
    await make_messages(sql, 220)
    unreliable = Unreliable(sql, seed, share=0.15)
    options: dict[str, Any] = {"batch_size": 2, "lease": 0.5, "retry": QUICK}
    one, two = await asyncio.gather(
        run(unreliable, declared(form, order), workers=2, shards=1, **options),
        run(sql, declared(form, order), workers=2, shards=1, **options),
    )
    await unreliable.settle()
    assert (one.state, two.state, one.scanned) == ("done", "done", 220)
    assert await touched(sql) == {"1": 220}
    assert await ledger_is_whole(sql)
    assert await is_whole(sql)
    assert 2 <= int(await value(sql, "select count(*) from sendoka.backfill_shards") or 0) <= 220 / 8


@FORMS
async def test_a_shard_that_is_small_is_left_alone(sql: Database, form: str) -> None:
    await make_messages(sql, 60)
    assert (await run(sql, declared(form, "key"), workers=3, shards=1, batch_size=10)).done
    assert await value(sql, "select count(*) from sendoka.backfill_shards") == "1"


@pytest.mark.parametrize(("place", "taken"), [(40, True), (64, True), (65, False), (95, False)])
async def test_a_split_waits_for_the_batch_in_flight_and_takes_nothing_that_it_went_beyond(
    sql: Database, direct: Any, place: int, taken: bool
) -> None:
    """Of 100 rows 30 are scanned, so the middle is the 65th; the batch in flight comes to the row at `place`."""
    await make_messages(sql, 100)
    fill = declared("sql", "key")
    asked = iter([False] * 3 + [True])
    await run(sql, fill, batch_size=10, stop=lambda: next(asked))
    number = int(await value(sql, "select id from sendoka.backfill_runs") or 0)
    target, parts = arranged(fill, await read_target(sql, fill)), await read_shards(sql, number)
    assert parts[0].shard.scanned == 30
    key = f"(select jsonb_build_array(id) from messages order by id limit 1 offset {place - 1})"
    with direct.transaction():
        direct.execute(f"update sendoka.backfill_shards set seq = seq + 1, cursor = {key}")
        given: dict[str, Any] = {"owner": "me", "lease": 0.3, "checksum": fill.checksum(), "least": 10}
        stealing = asyncio.create_task(steal(sql, target, number, parts, **given))
        while direct.execute("select count(*) from pg_locks where not granted").fetchone()[0] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    part = await stealing
    assert (part is not None) == taken
    assert await is_whole(sql)


@pytest.mark.parametrize("order", ["key", "strided"])
@pytest.mark.parametrize("small", [1000, 20])
async def test_the_middle_is_that_of_what_is_left(sql: Database, order: str, small: int) -> None:
    """Exactly where it is small, else by a sample, here of all pages."""
    await make_messages(sql, 400)
    fill = declared("sql", order)
    asked = iter([False] * 10 + [True])
    await run(sql, fill, batch_size=10, stop=lambda: next(asked))
    number = int(await value(sql, "select id from sendoka.backfill_runs") or 0)
    target = arranged(fill, await read_target(sql, fill))

    async def taken(least: int, checksum: str | None = None) -> Any:
        parts = await read_shards(sql, number)
        given = {"owner": "me", "lease": 0.3, "checksum": checksum or fill.checksum(), "least": least, "small": small}
        return await steal(sql, target, number, parts, **given)  # type: ignore[arg-type]

    assert await taken(10, "another script") is None
    assert await taken(300) is None
    part = await taken(10)
    assert (part.number, part.lease.owner) == (1, "me")
    keys = "(created_at, id)" if order == "strided" else "(id)"
    values = "(($1::jsonb ->> 0)::timestamptz, $1::jsonb ->> 1)" if order == "strided" else "($1::jsonb ->> 0)"
    behind = await value(sql, f"select count(*) from messages where {keys} > {values}", part.shard.lower)
    assert behind == ("200" if order == "strided" else "150")
    await run(sql, fill, batch_size=50, workers=2, lease=0.1)
    assert await touched(sql) == {"1": 400}
