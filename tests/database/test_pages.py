"""Pages on the application's own schema: every row once, and each page one short walk of an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import neon, paginate
from sendoka.errors import UndefinedColumn
from sendoka.migrations.folder import read_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from sendoka.http.client import Neon
    from sendoka.http.row import Row

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"

QUERY = "select id, created_at, subject from messages where org_id = $1"

SEED = """
    insert into orgs (id, name, slug) select 'org_' || n, 'Org ' || n, 'org-' || n from generate_series(1, 10) n;
    insert into messages (id, org_id, created_at, sender, recipient, subject)
    select 'msg_' || lpad(n::text, 6, '0'), 'org_' || (1 + n % 10),
           -- seven rows share a moment, and moments are a microsecond apart
           timestamptz '2026-01-01 00:00:00.999990+00' + (n / 70) * interval '1 microsecond',
           'a@example.com', 'b@example.com', 'Subject ' || n
      from generate_series(1, 7000) n;
    analyze;
"""


@pytest.fixture
def application(direct: psycopg.Connection[tuple[Any, ...]]) -> psycopg.Connection[tuple[Any, ...]]:
    """The application's migrations, applied, with 7,000 messages of ten organisations."""
    for migration in read_folder(MIGRATIONS):
        for statement in migration.statements:
            direct.execute(statement.encode())
    direct.execute(SEED)
    direct.execute("grant select on all tables in schema public to public")
    return direct


@pytest.fixture
async def sql(database_url: str, application: object) -> AsyncIterator[Neon]:
    async with neon(database_url) as client:
        yield client


async def test_walking_all_pages_gives_every_row_once_in_order(sql: Neon) -> None:
    expected = await sql("select id from messages where org_id = 'org_3' order by created_at desc, id desc")
    seen: list[Row] = []
    cursor = None
    for _ in range(20):
        page = await paginate(sql, QUERY, "org_3", limit=64, cursor=cursor, of="messages")
        seen += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [row["id"] for row in seen] == [row["id"] for row in expected]
    assert len(seen) == 700


@pytest.mark.parametrize("page", ["first", "later"])
async def test_a_page_is_served_by_the_list_index_backwards_without_a_sort(sql: Neon, page: str) -> None:
    sent: list[tuple[str, tuple[Any, ...]]] = []

    async def recorded(text: str, /, *params: Any) -> list[Row]:
        sent.append((text, params))
        return await sql(text, *params)

    first = await paginate(recorded, QUERY, "org_3", limit=20)
    if page == "later":
        await paginate(recorded, QUERY, "org_3", limit=20, cursor=first.next_cursor)
    text, params = sent[-1]
    explained = await sql("explain (format json, costs off) " + text, *params).value()
    plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    assert plan["Node Type"] == "Limit"
    (scan,) = plan["Plans"]
    assert scan["Node Type"] in {"Index Scan", "Index Only Scan"}
    assert scan["Scan Direction"] == "Backward"
    assert scan["Index Name"] == "messages_org_id_created_at_id_idx"
    assert "Filter" not in scan
    if page == "later":
        assert "ROW(created_at" in scan["Index Cond"].replace("messages.", "")


@pytest.mark.parametrize("query", ["select id from messages", "select created_at from messages"])
async def test_a_query_without_what_orders_it_is_told_so(sql: Neon, query: str) -> None:
    with pytest.raises(ValueError, match="a list must return created_at and id, once each"):
        await paginate(sql, query)


async def test_columns_of_two_tables_must_not_share_the_names(sql: Neon) -> None:
    with pytest.raises(ValueError, match="a list must return created_at and id, once each"):
        await paginate(sql, "select m.*, o.* from messages m join orgs o on o.id = m.org_id")


async def test_a_mistake_in_the_query_is_shown_where_it_stands(sql: Neon) -> None:
    with pytest.raises(UndefinedColumn) as raised:
        await paginate(sql, "select id, created_at, subjet from messages")
    assert raised.value.statement == "select id, created_at, subjet from messages"
    assert raised.value.position == len("select id, created_at, ") + 1


async def test_an_order_of_the_querys_own_is_overridden(sql: Neon) -> None:
    plain = await paginate(sql, QUERY, "org_3", limit=20)
    assert await paginate(sql, QUERY + " order by subject", "org_3", limit=20) == plain


async def test_desc_nulls_last_would_need_a_sort(sql: Neon, application: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Why `list_index` is left ascending: with the other order instead, the whole organisation is sorted."""
    application.execute("drop index messages_org_id_created_at_id_idx")
    application.execute("create index worse on messages (org_id, created_at desc nulls last, id desc nulls last)")
    text = QUERY.replace("$1", "'org_3'") + " order by created_at desc, id desc limit 20"
    explained = await sql("explain (format text, costs off) " + text)
    assert any("Sort" in row[0] for row in explained)


async def test_moments_outside_of_pythons_range_have_pages_too(sql: Neon) -> None:
    moments = [
        "infinity",
        "12000-01-01 00:00:00+00",
        "2026-01-01 00:00:00+00",
        "0044-03-15 12:00:00.5+00 BC",
        "-infinity",
    ]
    values = "select unnest($1::timestamptz[]) as created_at, 'x'::text as id"
    cursor, seen = None, []
    while True:
        page = await paginate(sql, values, moments, limit=1, cursor=cursor)
        seen += [str(row.created_at) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 5
    assert (seen[0], seen[-1]) == ("infinity", "-infinity")
    assert [text[:5] for text in seen[1:4]] == ["12000", "2026-", "0044-"]
