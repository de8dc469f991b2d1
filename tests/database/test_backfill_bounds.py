"""Shards with bounds: every text keeps to them, in every order, and one that moves holds for the next batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, run
from sendoka.database import Statement
from tests.fixtures.backfills import execute, ledger_is_whole, rows, value

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.database import Database

TOUCH = "update messages m set touched = m.touched + 1 from page p where m.id = p.id"
FORMS = pytest.mark.parametrize("form", ["sql", "python"])
ORDERS = pytest.mark.parametrize("order", ["key", "strided"])


async def _touch(_sql: Database, batch: Batch) -> object:
    ids = "{" + ",".join(str(row["id"]) for row in batch.rows) + "}"
    return Statement("update messages set touched = touched + 1 where id = any($1::int[])", (ids,))


def declared(form: str, order: str) -> Backfill:
    given: dict[str, Any] = {"table": "messages", "name": "touch", "verify": "select 0", "order": order}
    found: Backfill = backfill(sql=TOUCH, **given) if form == "sql" else backfill(**given)(_touch)
    return found


async def begin(sql: Database, fill: Backfill, lower: str | None, upper: str | None) -> None:
    """Begin a run over 100 rows, and put bounds around its one shard."""
    await execute(
        sql,
        "create table messages (id int primary key, touched int not null default 0)",
        "insert into messages select g from generate_series(1, 100) g",
    )
    await run(sql, fill, stop=lambda: True)
    text = "update sendoka.backfill_shards set lower = $1::jsonb, upper = $2::jsonb"
    await sql.run(Statement(text, (lower, upper)))


async def changed(sql: Database) -> list[tuple[int, int]]:
    """Return which ids were touched, as ranges."""
    found = await rows(
        sql,
        """select min(id), max(id) from (select id, id - row_number() over (order by id) as place
        from messages where touched = 1) t group by place order by 1""",
    )
    return [(int(first or 0), int(last or 0)) for first, last in found]


@FORMS
@ORDERS
@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [("[10]", "[30]", [(11, 30)]), (None, "[30]", [(1, 30)]), ("[10]", None, [(11, 100)]), ("[30]", "[30]", [])],
)
async def test_a_shard_is_what_is_between_its_bounds(
    sql: Database, form: str, order: str, lower: str | None, upper: str | None, expected: list[tuple[int, int]]
) -> None:
    fill = declared(form, order)
    await begin(sql, fill, lower, upper)
    report = await run(sql, fill, batch_size=3)
    assert report.done
    assert await changed(sql) == expected
    assert report.scanned == sum(last - first + 1 for first, last in expected)
    assert await value(sql, "select max(touched) from messages") == ("1" if expected else "0")
    assert await ledger_is_whole(sql) or not expected


@FORMS
@ORDERS
@pytest.mark.parametrize("upper", [None, "[90]"])
async def test_a_bound_that_moves_holds_for_the_next_batch(
    sql: Database, form: str, order: str, upper: str | None
) -> None:
    fill = declared(form, order)
    await begin(sql, fill, None, upper)
    asked = iter([False] * 3 + [True])
    await run(sql, fill, batch_size=2, stop=lambda: next(asked))
    await execute(sql, "update sendoka.backfill_shards set upper = '[40]', epoch = epoch + 1")
    await run(sql, fill, batch_size=7)
    behind = "select count(*) from messages where touched = 1 and id > 40"
    assert await value(sql, "select count(*) from messages where touched = 1 and id <= 40") == "40"
    assert int(await value(sql, behind) or 0) <= (6 if order == "strided" else 0)
    assert await value(sql, "select max(touched) from messages") == "1"


@FORMS
async def test_rows_in_the_bounds_that_fail_are_left_out(sql: Database, form: str) -> None:
    fill = declared(form, "key")
    await begin(sql, fill, "[10]", "[30]")
    await execute(sql, "alter table messages add check (touched = 0 or id <> 20) not valid")
    report = await run(sql, fill, batch_size=8)
    assert (report.scanned, report.changed, report.dead) == (20, 19, 1)
    assert await changed(sql) == [(11, 19), (21, 30)]
