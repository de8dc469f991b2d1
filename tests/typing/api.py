"""The public interface as a user writes it. Never run: mypy reads it, and `assert_type` fails where a type is lost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_type

from sqlalchemy import column, delete, func, insert, select, table, text, update

from sendoka import (
    Fragment,
    Json,
    Neon,
    Once,
    Outcome,
    Page,
    Query,
    Result,
    Retry,
    Row,
    SendokaError,
    fragment,
    ident,
    join,
    literal,
    migrate,
    neon,
    new_id,
    paginate,
)
from sendoka.backfills import Backfill, Batch, RunReport, backfill, run
from sendoka.errors import UniqueViolation
from sendoka.http.transaction import Committed

if TYPE_CHECKING:
    import httpx


async def secret() -> str:
    return "eyJ"


async def the_client(url: str, own: httpx.AsyncClient) -> None:
    async with neon(url) as sql:
        assert_type(sql, Neon)
        assert_type(sql("select 1"), Query[Row])
        assert_type(await sql("select $1::int", 1), list[Row])
        assert_type(await sql("select 1").one(), Row)
        assert_type(await sql("select 1").one_or_none(), Row | None)
        assert_type(await sql("select 1").result(), Result[Row])
        assert_type(await sql("select 1", read_only=True).value(), Any)
        assert_type(await sql("select 1").column(), list[Any])
        await sql("insert into t values ($1)", Json({"a": [1, None]}), idempotent=True)
    neon(host="h", port=5432, user="u", password=lambda: "p", database="d", application_name="a", token=secret)
    neon(url, endpoint="https://example.org/sql", transport=own, timeout=10, retry=Retry(attempts=1))
    await neon().aclose()


async def composing(sql: Neon) -> None:
    condition = fragment("name = {} and {}", "Acme", fragment("id = any({ids})", ids=[1, 2]))
    assert_type(condition, Fragment)
    query = fragment("select {} from {} where {}", join(", ", [ident("a"), ident("b")]), ident("app", "t"), condition)
    assert_type(sql(query), Query[Row])
    await sql(fragment("comment on table t is {}", literal("it's")))
    t = table("t", column("id"))
    assert_type(sql(select(t.c.id)), Query[Row])
    for statement in (insert(t), update(t), delete(t)):
        await sql(statement.returning(t.c.id))
    await sql(text("select :x"), {"x": 1})
    await sql(func.now(), read_only=True).value()


async def rows(sql: Neon) -> None:
    row = await sql("select id, name from orgs").one()
    assert_type(row["id"], Any)
    assert_type(row.name, Any)
    assert_type(row[0], Any)
    assert_type(row.keys(), tuple[str, ...])
    assert_type(dict(row.items()), dict[str, Any])


async def transactions(sql: Neon) -> None:
    done = await sql.transaction(
        [sql("select 1"), sql("select 2")], isolation_level="serializable", read_only=True, deferrable=False
    )
    assert_type(done[0], list[Row])
    assert_type(done.replayed, bool)
    first, second = await sql.transaction(lambda tx: [tx("select 1"), tx("select 2")])
    assert_type(first, list[Row])
    assert_type(second, list[Row])
    once = await sql.transaction([sql("select 1")], settings={"a.b": 1}, once=Once("k", then=[sql("select 1")]))
    assert_type(once.at, datetime | None)
    assert_type(once, Committed[Row])


async def failures(sql: Neon) -> None:
    try:
        await sql("insert into orgs (id) values ($1)", new_id("org"))
    except UniqueViolation as error:
        assert_type(error.constraint, str | None)
        assert_type(error.outcome, Outcome)
    except SendokaError as error:
        assert_type(error.exit_code, int)


async def pages(sql: Neon) -> None:
    page = await paginate(sql, "select * from messages where org_id = $1", "org_1", limit=50, cursor=None)
    assert_type(page, Page[Row])
    assert_type(page.rows, list[Row])
    assert_type(page.next_cursor, str | None)


async def migrations(sql: Neon) -> None:
    report = await migrate(sql, "migrations")
    assert_type(report.head, str | None)


in_sql = backfill(
    table="messages",
    where="tenant_id is null",
    sql="update messages m set tenant_id = o.tenant_id from page p join orgs o on o.id = p.org_id where m.id = p.id",
)
assert_type(in_sql, Backfill)


@backfill(table="messages", where="tenant_id is null", columns=["id", "org_id"])
async def in_python(sql: Neon, batch: Batch) -> Any:
    return batch.update({row["id"]: {"tenant_id": "ten_1"} for row in batch.rows})


assert_type(in_python, Backfill)


async def backfills(sql: Neon) -> None:
    assert_type(await run(sql, in_sql, deadline=50), RunReport)
