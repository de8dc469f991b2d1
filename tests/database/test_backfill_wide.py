"""Rows of many bytes: pages and requests that Neon would not take become smaller ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sendoka.backfills import Batch, backfill, pace, run
from sendoka.database.retry import Retry
from sendoka.errors import BatchFailed
from tests.fixtures.backfills import execute, ledger_is_whole, rows

if TYPE_CHECKING:
    from sendoka.backfills import Backfill
    from sendoka.http.client import Neon
    from sendoka.local.app import Endpoint

SOON = Retry(attempts=6, first=0.001, longest=0.001)
LIMIT = 100_000


@backfill(table="wide", where="done is null")
async def mark(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"done": 1} for row in batch.rows})


@backfill(table="wide", where="done is null", columns=["id"])
async def fill(sql: Any, batch: Batch) -> object:
    return batch.update({row["id"]: {"done": 1, "body": "x" * 15_000} for row in batch.rows})


in_sql = backfill(
    table="wide", where="done is null", sql="update wide w set done = 1, body = p.body from page p where w.id = p.id"
)


async def make(sql: Neon, width: int, count: int = 60) -> None:
    """The first half of the rows is narrow."""
    await execute(
        sql,
        "create table wide (id int primary key, body text, done int, times int not null default 0)",
        f"""insert into wide select g, repeat('x', case when g > {count // 2} then {width} else 1 end)
            from generate_series(1, {count}) g""",
        """create function again() returns trigger language plpgsql as
            'begin new.times := old.times + 1; return new; end'""",
        "create trigger again before update on wide for each row execute function again()",
    )


def statuses(endpoint: Endpoint) -> set[int | None]:
    return {each.status for each in endpoint.exchanges}


async def sizes(sql: Neon) -> list[int]:
    return [int(cell or 0) for (cell,) in await rows(sql, "select scanned from sendoka.backfill_batches order by seq")]


@pytest.mark.parametrize(("step", "limit", "width"), [(mark, "max_response", 15_000), (fill, "max_request", 1)])
async def test_what_is_too_large_for_the_wire_is_done_in_smaller_pages(
    sql: Neon, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, step: Any, limit: str, width: int
) -> None:
    await make(sql, width)
    monkeypatch.setattr(endpoint, limit, LIMIT)
    report = await run(sql, step, retry=SOON, batch_size=25)
    assert report.done
    assert (507 if limit == "max_response" else 413) in statuses(endpoint)
    assert await rows(sql, "select times, count(*) from wide group by 1") == [["1", "60"]]
    assert await ledger_is_whole(sql)


async def test_pages_are_cut_to_the_bytes_that_the_ones_before_had(
    sql: Neon, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(sql, 1000, 100)
    monkeypatch.setattr(pace, "BYTES", 10_500)
    assert (await run(sql, mark, batch_size=20)).done
    assert not {413, 507} & statuses(endpoint)
    found = await sizes(sql)
    assert max(found[:2]) == 20
    assert found[-3:-1] == [10, 10]


async def test_a_row_that_no_request_holds_ends_the_run_and_says_what_to_do(
    sql: Neon, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(sql, 1, 4)
    monkeypatch.setattr(endpoint, "max_request", 12_000)
    with pytest.raises(BatchFailed, match=r"larger than the endpoint takes[^§]*leave wide columns out of columns"):
        await run(sql, fill, retry=SOON)
    assert await rows(sql, "select times, count(*) from wide group by 1 order by 1") == [["0", "4"]]


@pytest.mark.parametrize("form", [mark, in_sql], ids=["python", "sql"])
async def test_a_row_of_five_megabytes_and_one_of_two_hundred_columns_are_changed(sql: Neon, form: Backfill) -> None:
    columns = ", ".join(f"c{place} text" for place in range(197))
    await execute(
        sql,
        f"create table wide (id int primary key, body text, done int, {columns})",
        "insert into wide (id, body) values (1, 'x'), (2, repeat('y', 5 * 1024 * 1024)), (3, 'z')",
    )
    assert (await run(sql, form)).changed == 3
    assert await rows(sql, "select done, sum(length(body)) from wide group by 1") == [["1", str(5 * 1024 * 1024 + 2)]]
