"""Pages, over a list that stands in for a database: what is sent, and what a cursor may be."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Page, paginate
from sendoka.errors import InvalidCursor, ProgrammingError, database_error

if TYPE_CHECKING:
    from sendoka.pages import Ask

START = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Table:
    """Rows that answer as Postgres would: newest first, after a tuple, up to a limit."""

    rows: list[dict[str, Any]]
    sent: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    async def __call__(self, text: str, /, *params: Any) -> list[dict[str, Any]]:
        self.sent.append((text, params))
        rows = sorted(self.rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)
        if "where (created_at, id) <" in text:
            after = (datetime.fromisoformat(params[-3]), params[-2])
            rows = [row for row in rows if (row["created_at"], row["id"]) < after]
        return rows[: params[-1]]


def _rows(count: int, step: timedelta) -> list[dict[str, Any]]:
    return [{"id": f"msg_{number:04d}", "created_at": START + number * step} for number in range(count)]


@pytest.mark.parametrize("step", [timedelta(0), timedelta(microseconds=1), timedelta(days=1)])
@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
async def test_every_row_comes_once_newest_first(step: timedelta, limit: int) -> None:
    table = Table(_rows(53, step))
    seen: list[str] = []
    cursor = None
    while True:
        page = await paginate(table, "select 1", limit=limit, cursor=cursor)
        assert len(page) <= limit
        seen += [row["id"] for row in page]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"msg_{number:04d}" for number in reversed(range(53))]


async def test_rows_that_come_meanwhile_do_not_move_the_pages() -> None:
    table = Table(_rows(10, timedelta(seconds=1)))
    first = await paginate(table, "select 1", limit=4)
    table.rows.append({"id": "msg_new", "created_at": START + timedelta(hours=1)})
    second = await paginate(table, "select 1", limit=4, cursor=first.next_cursor)
    assert [row["id"] for row in second] == ["msg_0005", "msg_0004", "msg_0003", "msg_0002"]


async def test_a_page_that_is_just_full_is_the_last() -> None:
    assert await paginate(Table(_rows(3, timedelta(1))), "select 1", limit=3) == Page(
        list(reversed(_rows(3, timedelta(1)))), None
    )
    assert await paginate(Table([]), "select 1") == Page([], None)


async def test_one_more_row_is_asked_for_and_the_parameters_follow_the_callers() -> None:
    table = Table(_rows(3, timedelta(1)))
    first = await paginate(table, "select * from t where a = $1 and b = $2 ;\n", "x", 5, limit=1)
    await paginate(table, "select * from t where a = $1 and b = $2 -- why", "x", 5, limit=1, cursor=first.next_cursor)
    assert table.sent == [
        (
            (
                "select * from (\nselect * from t where a = $1 and b = $2 \n) as page"
                " order by created_at desc, id desc limit $3"
            ),
            ("x", 5, 2),
        ),
        (
            (
                "select * from (\nselect * from t where a = $1 and b = $2 -- why\n) as page"
                " where (created_at, id) < ($3, $4) order by created_at desc, id desc limit $5"
            ),
            ("x", 5, "2026-01-03T12:00:00.123456+00:00", "msg_0002", 2),
        ),
    ]


def _cursor(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


TIME = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "é",
        "eyJh",
        "====",
        "msg_V1StGXR8_Z5jdHi6B-myT0ab",
        _cursor({"id": "x"}),
        _cursor([1, "", TIME]),
        _cursor([1, "", TIME, "m", "m"]),
        _cursor([2, "", TIME, "m"]),
        _cursor([1, "", "yesterday", "m"]),
        _cursor([1, "", TIME, ""]),
        _cursor([1, "", TIME, "m\0"]),
        _cursor([1, "", TIME, 7]),
        _cursor([1, None, TIME, "m"]),
        _cursor([1, "contacts", TIME, "m"]),
        _cursor("[" * 5000),
        _cursor([1, "", TIME, "m"]) + "\n",
        7,
        b"eyJh",
    ],
)
async def test_a_malformed_or_foreign_cursor_is_refused_before_anything_is_sent(cursor: Any) -> None:
    table = Table(_rows(3, timedelta(1)))
    with pytest.raises(InvalidCursor, match="this is no cursor of this list") as raised:
        await paginate(table, "select 1", cursor=cursor)
    assert isinstance(raised.value, ValueError)
    assert table.sent == []


async def test_a_cursor_of_another_list_is_refused_where_lists_have_names() -> None:
    table = Table(_rows(3, timedelta(1)))
    page = await paginate(table, "select 1", limit=1, of="messages")
    assert len(await paginate(table, "select 1", limit=1, of="messages", cursor=page.next_cursor)) == 1
    with pytest.raises(InvalidCursor, match="it belongs to the list 'messages'"):
        await paginate(table, "select 1", limit=1, of="contacts", cursor=page.next_cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001, "50", 1.5, True, None])
async def test_a_limit_is_a_number_from_1_to_1000(limit: Any) -> None:
    with pytest.raises(ValueError, match="limit must be a number from 1 to 1000"):
        await paginate(Table([]), "select 1", limit=limit)


async def test_a_list_without_the_two_columns_is_told_so() -> None:
    async def ask(text: str, /, *params: Any) -> list[dict[str, Any]]:
        return [{"id": 1}, {"id": 2}]

    with pytest.raises(ValueError, match="a list must return created_at and id"):
        await paginate(ask, "select id from t", limit=1)


async def test_a_point_in_time_that_is_none_ends_no_page() -> None:
    async def ask(text: str, /, *params: Any) -> list[dict[str, Any]]:
        return [{"id": 1, "created_at": "infinity"}, {"id": 2, "created_at": START}]

    with pytest.raises(TypeError, match="no point in time"):
        await paginate(ask, "select id from t", limit=1)


def _refusing(sqlstate: str, position: int | None) -> Ask[Any]:
    async def ask(text: str, /, *params: Any) -> list[dict[str, Any]]:
        fields = {"message": "no", "code": sqlstate, "position": None if position is None else str(position)}
        raise database_error(fields, statement=text)

    return ask


QUERY = "select id, created_at, subjet from messages"
WRAPPED = len("select * from (\n")


@pytest.mark.parametrize(
    ("sqlstate", "position", "seen"),
    [
        ("42703", WRAPPED + 24, 24),
        ("42703", None, None),
        ("42501", None, None),
        ("42601", WRAPPED + len(QUERY) + 2, None),
    ],
)
async def test_an_error_speaks_of_the_callers_query(sqlstate: str, position: int | None, seen: int | None) -> None:
    with pytest.raises(ProgrammingError) as raised:
        await paginate(_refusing(sqlstate, position), f"  {QUERY};\n")
    assert (raised.value.statement, raised.value.position) == (QUERY, seen)
    assert f"in: {QUERY}" in str(raised.value)


@pytest.mark.parametrize("sqlstate", ["42703", "42702"])
async def test_a_query_that_lacks_or_doubles_a_column_of_the_order_is_a_value_error(sqlstate: str) -> None:
    with pytest.raises(ValueError, match="a list must return created_at and id, once each") as raised:
        await paginate(_refusing(sqlstate, WRAPPED + len(QUERY) + 20), QUERY)
    assert isinstance(raised.value.__cause__, ProgrammingError)
