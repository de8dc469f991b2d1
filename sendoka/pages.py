"""Pages of a list, newest first, by the tuple (created_at, id): no offset, no gap and no repetition."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from sendoka.errors import DatabaseError, InvalidCursor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence
    from typing import LiteralString

__all__ = ["MAX_LIMIT", "Ask", "Page", "paginate"]

MAX_LIMIT = 1000
"""The most rows of one page."""

FORMAT = 1
"""The version of the cursors' content. A cursor lives in somebody's URL, so a new form gets a new number."""


class _Named(Protocol):
    """A row that knows its columns by name."""

    def __getitem__(self, key: str, /) -> Any: ...


R = TypeVar("R", bound=_Named)
R_co = TypeVar("R_co", bound=_Named, covariant=True)


class Ask(Protocol[R_co]):
    """What runs a query: the client is one, `sql("select …", *params)`, awaited for rows."""

    def __call__(self, text: LiteralString, /, *params: Any) -> Awaitable[Sequence[R_co]]: ...


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of those that follow: None on the last page."""

    rows: list[R]
    next_cursor: str | None

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


async def paginate(
    sql: Ask[R], query: LiteralString, *params: Any, limit: int = 50, cursor: str | None = None, of: str = ""
) -> Page[R]:
    """Return one page of `query`, newest first, stable while rows are added and under equal timestamps.

        page = await paginate(sql, "select id, created_at, subject from messages where org_id = $1", org_id,
                              limit=50, cursor=request.query.get("cursor"))

    The query is a plain SELECT that returns `created_at` and `id`, once each; `list_index` makes each page one short
    walk of an index. The order is always this one: an ORDER BY of the query's own is overridden, except together with a
    LIMIT of its own, where it decides which rows the pages are made of. `cursor` is the `next_cursor` of the page
    before, None for the first.
    Name the list with `of="messages"` and a cursor of another list is refused.

    Raises InvalidCursor (a ValueError) for a cursor that is not one of ours or not of this list, ValueError for a limit
    outside of 1 to 1000 and for a query that does not return the two columns, and what the query raises: with the query
    as you wrote it as its statement.
    """
    if not callable(sql):
        raise TypeError(f"pages are asked of a client, paginate(neon(url), …), not of a {type(sql).__name__}")
    if not isinstance(query, str):
        raise TypeError(f"a list that has pages is the text of a SELECT, not a {type(query).__name__}")
    if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit must be a number from 1 to {MAX_LIMIT}, not {limit!r}")
    after = () if cursor is None else _decode(cursor, of)
    inner = query.strip().rstrip(";")
    try:
        rows = list(await sql(_page_of(inner, len(params), after), *params, *after, limit + 1))
    except DatabaseError as error:
        _unwrap(error, inner)
        raise
    if len(rows) <= limit:
        return Page(rows, None)
    del rows[limit:]
    return Page(rows, _encode(rows[-1], of))


_OPENING = "select * from (\n"
_NO_COLUMN = frozenset({"42703", "42702"})
"""No such column, and more than one."""


def _unwrap(error: DatabaseError, query: str) -> None:
    """Make `error` speak of the caller's query, or raise ValueError where that lacks what a page is made by."""
    position = None if error.position is None else error.position - len(_OPENING)
    inside = position is not None and 1 <= position <= len(query)
    error.statement, error.position = query, position if inside else None
    if position is not None and not inside and error.sqlstate in _NO_COLUMN:
        raise ValueError(f"a list must return created_at and id, once each, to have pages: {error.message}") from error


def _page_of(inner: LiteralString, taken: int, after: tuple[str, ...]) -> LiteralString:
    """Return the page's SQL. A plain SELECT in FROM is merged by the planner, so the index serves the whole."""
    where = f" where (created_at, id) < (${taken + 1}, ${taken + 2})" if after else ""
    # The closing bracket on a line of its own outlives a comment at the query's end.
    text = f"{_OPENING}{inner}\n) as page{where} order by created_at desc, id desc limit ${taken + len(after) + 1}"
    # What is added are numbers. To mypy every str is a LiteralString.
    return cast("LiteralString", text)  # type: ignore[redundant-cast]


def _encode(row: _Named, of: str) -> str:
    try:
        created_at, key = row["created_at"], row["id"]
    except KeyError as error:
        raise ValueError(f"a list must return created_at and id to have pages: {error}") from error
    if not isinstance(created_at, datetime):
        raise TypeError(f"a page cannot end at created_at {created_at!r}: it is no point in time")
    content = json.dumps([FORMAT, of, created_at.isoformat(), str(key)], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()


def _decode(cursor: str, of: str) -> tuple[str, str]:
    version, owner, created_at, key = _content(cursor)
    if version != FORMAT or not all(isinstance(each, str) for each in (owner, created_at, key)):
        raise _invalid("its content is not that of a cursor")
    if owner != of:
        raise _invalid(f"it belongs to the list {owner!r}" if owner else "it belongs to another list")
    if not _is_far(created_at):
        _check_moment(created_at)
    if not key or "\0" in key:
        raise _invalid("it has no id")
    return created_at, key


# Moments outside of Python's range as Postgres writes them: the years from 10000 on, and those before the year 1.
_DAY = r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r" (?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]{1,6})?(?:[+-][0-9]{2}(?::[0-5][0-9]){0,2})?"
_FAR = rf"-?infinity|[1-9][0-9]{{4,5}}{_DAY}{_TIME}|[0-9]{{4}}{_DAY}{_TIME} BC"


def _is_far(text: str) -> bool:
    return re.fullmatch(_FAR, text) is not None


def _check_moment(text: str) -> None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid("its point in time cannot be read") from None
    # Python reads more than it writes, and more than Postgres reads: weeks, parts of a second in an offset.
    if at.isoformat() != text or abs(at.utcoffset() or timedelta()) >= timedelta(hours=16):
        raise _invalid("its point in time is not written as we write it")


def _content(cursor: str) -> list[Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (AttributeError, TypeError, ValueError, RecursionError):  # binascii's and UTF-8's are ValueErrors
        raise _invalid("it cannot be read") from None
    if not isinstance(content, list) or len(content) != 4:
        raise _invalid("its content is not that of a cursor")
    return content


def _invalid(why: str) -> InvalidCursor:
    return InvalidCursor(f"this is no cursor of this list: {why}", todo="take next_cursor of a page, or None to begin")
