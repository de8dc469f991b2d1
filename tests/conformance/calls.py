"""The Python of each recorded JavaScript call: most have a shape that is read, the others stand in tables by id."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import FarDatetime, fragment, ident

if TYPE_CHECKING:
    from sendoka.http.client import Neon
    from sendoka.http.query import Query
    from sendoka.http.row import Row
    from tests.conformance.vectors import Vector

__all__ = ["CS", "CSO", "Call", "call_of"]

CS = "postgresql://alice:s3cret@ep-cool-darkness-123456.us-east-2.aws.neon.tech/neondb?sslmode=require"
CSO = "postgresql://neon:pw@ep-cool-darkness-123456.us-east-2.aws.neon.tech/neondb"

# A call that makes something lazy, which is awaited for all that it answers; or a coroutine function that does more.
Make = Callable[["Neon"], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """`make(sql)` on a client of `url` is the call; None as `url` is a client without any. `client` are its options."""

    make: Make
    url: Any = CSO
    client: Mapping[str, Any] = field(default_factory=dict)


def call_of(vector: Vector) -> Call | None:
    """Return the Python of a recorded call, None where there is none."""
    if vector.id in TABLE:
        return TABLE[vector.id]
    if vector.id in PARAMETERS:
        value = PARAMETERS[vector.id]
        return Call(lambda sql: sql("SELECT $1", value))
    if vector.group in {"drizzle", "server"}:
        return _replayed(vector)
    return next((_plain(found) for form in FORMS if (found := form.fullmatch(vector.call))), None)


# ------------------------------------------------------------------ calls that can be read

_TEXT = r"(?P<quote>[`'\"])(?P<text>(?:(?!(?P=quote)|\$\{).)*)(?P=quote)"
_URL = r"(?P<url>\"[^\"]*\"|'[^']*'|CSO?)"
FORMS = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rf"sql(?:\.query\()?{_TEXT}(?:, ?\[\])?\)?",
        r"sql\.query\((?P<quote>\")(?P<text>.*)\"\)",
        rf"neon\({_URL}(?:,\{{fullResults:true\}})?\)(?:\.query\()?{_TEXT}\)?",
    )
]
NAMED_URLS = {"CS": CS, "CSO": CSO}


def _plain(found: re.Match[str]) -> Call:
    """One statement without parameters, of a named or a written connection string."""
    text, url = found["text"], found.groupdict().get("url") or "CSO"
    if found["quote"] == '"':
        text = json.loads(f'"{text}"')
    return Call(lambda sql: sql(text), NAMED_URLS.get(url) or url[1:-1])


def _replayed(vector: Vector) -> Call | None:
    """What drizzle built, or what was sent by hand, said to our client: where it can be said so at all."""
    if [request["url"][-4:] for request in vector.requests if request["method"] == "POST"] != ["/sql"]:
        return None
    headers = {name.lower(): value for name, value in vector.requests[0]["headers"]}
    body = json.loads(vector.requests[0]["body"])
    url = headers.get("neon-connection-string", "")
    if not _is_ours(headers) or len(body) > 2:
        return None
    kind, _, token = headers.get("authorization", "").partition(" ")
    client = {"token": token} if kind == "Bearer" else {}
    if body.keys() == {"queries"} and all(map(_is_query, body["queries"])):
        queries, options = body["queries"], _options(headers)
        return Call(lambda sql: sql.transaction([_said(sql, query) for query in queries], **options), url, client)
    if _is_query(body) and not any(_options(headers).values()):
        return Call(lambda sql: _said(sql, body), url, client)
    return None


def _is_ours(headers: dict[str, str]) -> bool:
    modes = headers.get("neon-raw-text-output"), headers.get("neon-array-mode")
    return modes == ("true", "true")


def _is_query(query: dict[str, Any]) -> bool:
    params = query.get("params", [])
    return query.keys() | {"params"} == {"query", "params"} and all(isinstance(param, str | None) for param in params)


def _said(sql: Neon, query: dict[str, Any]) -> Query[Row]:
    return sql(query["query"], *query.get("params", []))


def _options(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "isolation_level": headers.get("neon-batch-isolation-level"),
        "read_only": FLAGS[headers.get("neon-batch-read-only")],
        "deferrable": FLAGS[headers.get("neon-batch-deferrable")],
    }


FLAGS = {None: None, "true": True, "false": False}


# ------------------------------------------------------------------ one parameter: `sql.query('SELECT $1', [value])`


class _Hooked:
    """An object that says itself what it is to Postgres."""

    def __postgres__(self) -> str:
        return "from-toPostgres"


@dataclass
class _Data:
    j: int


PARAMETERS: dict[str, Any] = {
    "v058": None,
    "v061": False,
    "v062": 42,
    "v063": -0.0,
    "v065": 1e21,
    "v066": 1e-7,
    "v067": float("nan"),
    "v068": float("inf"),
    "v069": 9007199254740993,
    "v070": 9007199254740993,
    "v071": "hello",
    "v072": "",
    "v073": datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=UTC),
    "v074": FarDatetime("0042-01-01 00:00:00+00 BC"),
    "v076": bytes([0, 1, 254, 255]),
    "v077": bytearray([65, 66]),
    "v080": memoryview(bytes([1, 2, 3, 4]))[1:3],
    "v081": [1, 2, 3],
    "v082": [],
    "v083": ["a", "b c", 'q"', "back\\slash", "NULL", "", "{x}", "com,ma", "new\nline"],
    "v086": [True, False],
    "v087": [datetime(2024, 1, 1, tzinfo=UTC)],
    "v088": [{"a": 1}, {"b": 'q"x'}],
    "v089": [bytes([1, 255])],
    "v090": {"x": 1, "y": [1, 2], "z": None, "d": "1970-01-01T00:00:00.000Z"},
    "v091": _Hooked(),
    "v093": _Data(1),
    "v096": lambda: 1,
    "v098": re.compile("a"),
}


# ------------------------------------------------------------------ the others


def _transaction(*texts: str, **options: Any) -> Make:
    return lambda sql: sql.transaction([sql(text) for text in texts], **options)


def _select(sql: Neon) -> Query[Row]:
    return sql("SELECT 1")


def _any(value: Any) -> Any:
    """Hide from the type checker what it would refuse too."""
    return value


def _nothing(sql: Neon) -> list[Any]:
    """A query that is never awaited: it warns, and nothing is sent."""
    with pytest.warns(RuntimeWarning, match="never awaited"):
        _forget(sql)
    return []


def _forget(sql: Neon) -> None:
    sql("SELECT 1")


def _interactive(sql: Neon) -> Awaitable[Any]:
    async def enter() -> None:
        async with sql.transaction([sql("SELECT 1")]):
            pass

    return enter()


ISOLATION = "SELECT current_setting('transaction_isolation') AS i"
READ_ONLY = "SELECT current_setting('transaction_read_only') AS r"
DEFERRABLE = "SELECT current_setting('transaction_deferrable') AS d"
ALL_THREE = (
    "SELECT current_setting('transaction_isolation') AS i, current_setting('transaction_read_only') AS r, "
    "current_setting('transaction_deferrable') AS d"
)
EASTERN = timezone(timedelta(hours=-4))
LOCAL_TIMES = (datetime(2024, 7, 1, 8, 0, 0, 789000, EASTERN), datetime(2024, 6, 30, 22, tzinfo=EASTERN))
SERIES = "SELECT * FROM generate_series({}::int, {}::int) g {} ORDER BY g"
AUTHENTICATED = "postgresql://authenticated@ep-x.us-east-2.aws.neon.tech/neondb"
JWT = "eyJ.fake.jwt"


async def _jwt2() -> str:
    return JWT + "2"


def _idp_down() -> str:
    raise RuntimeError("idp down")


TABLE: dict[str, Call] = {
    "v023": Call(_select, AUTHENTICATED, {"token": ""}),
    "v029": Call(_transaction("SELECT 1"), CS, {"database": "db2"}),
    "v031": Call(lambda sql: sql(fragment("SELECT {}::int AS n, {} AS s", 1, "x"))),
    "v032": Call(lambda sql: sql("SELECT $1::int AS n, $2 AS s", 1, "x")),
    "v034": Call(lambda sql: sql(fragment("SELECT {} AS {}", 1, ident("My Col")))),
    "v035": Call(lambda sql: sql(fragment(SERIES, 1, 3, fragment("WHERE g > {} {}", 1, fragment("AND g < {}", 9))))),
    "v036": Call(lambda sql: sql(fragment("SELECT {}, {}::int AS m", fragment("0 AS n"), 5))),
    "v040": Call(_nothing),
    "v041": Call(lambda sql: sql("SELECT $1 AS s", 'é😀\n\t"\\\x01')),
    "v042": Call(lambda sql: sql("SELECT $1 AS s", "\ud800")),
    "v043": Call(lambda sql: sql("SELECT $1 AS s", "a\0b")),
    "v056": Call(
        lambda sql: sql(
            "SELECT 1::int AS i, now()::date - now()::date AS d", types={"int4": lambda text: f"23/text:{text}"}
        )
    ),
    "v057": Call(lambda sql: sql("SELECT 1::int AS i"), CSO, {"types": {"int4": lambda text: f"custom:{text}"}}),
    "v100": Call(lambda sql: sql("SELECT $1::bytea AS v", bytearray([65, 66]))),
    "v104": Call(lambda sql: sql.transaction([sql("SELECT $1::int AS a", 1), sql("SELECT $1 AS b", "x")])),
    "v105": Call(lambda sql: sql.transaction(lambda txn: [txn("SELECT 1 AS a"), txn("SELECT $1 AS b", "x")])),
    "v106": Call(_transaction()),
    "v107": Call(_transaction(ISOLATION, isolation_level="read uncommitted")),
    "v108": Call(_transaction(ISOLATION, isolation_level="read committed")),
    "v110": Call(_transaction(ISOLATION, isolation_level="serializable")),
    "v111": Call(_transaction(READ_ONLY, read_only=True)),
    "v112": Call(_transaction(READ_ONLY, read_only=False)),
    "v114": Call(_transaction(DEFERRABLE, deferrable=False)),
    "v115": Call(_transaction(ALL_THREE, isolation_level="serializable", read_only=True, deferrable=True)),
    # Ours has no options for all transactions of a client; each says its own.
    "v116": Call(_transaction("SELECT 1 AS a", isolation_level="repeatable read", read_only=True)),
    "v118": Call(_transaction("SELECT 1", isolation_level="serializable")),
    "v119": Call(_transaction("SELECT 1 AS a")),
    "v120": Call(_transaction("SELECT 1 AS a", "SELECT 2 AS b")),
    "v121": Call(_transaction("CREATE TABLE cap_ro(i int)", read_only=True)),
    "v122": Call(_transaction("CREATE TABLE cap_x(i int)", "SELECT 1/0", "SELECT 3")),
    "v124": Call(lambda sql: sql.transaction(_any(["SELECT 1"]))),
    "v125": Call(lambda sql: sql.transaction(_any("SELECT 1"))),
    "v126": Call(_transaction("SELECT 1"), AUTHENTICATED, {"token": JWT}),
    "v128": Call(_select, AUTHENTICATED, {"token": JWT}),
    "v129": Call(_select, AUTHENTICATED, {"token": _jwt2}),
    # Ours has no token for one query; a client has it.
    "v130": Call(_select, AUTHENTICATED, {"token": JWT + "3"}),
    "v131": Call(_select, CS, {"token": _idp_down}),
    "v132": Call(_select, CS, {"token": JWT}),
    "v134": Call(lambda sql: sql("SELECT $1::int AS a", 1)),
    "v136": Call(_select, None),
    "v151": Call(_select, 5),
    "v160": Call(lambda sql: sql("SELECT $1::int", "abc")),
    "v161": Call(lambda sql: sql("SELECT $1")),
    "v162": Call(lambda sql: sql("SELECT $1", 1, 2)),
    "v163": Call(lambda sql: sql("SELECT 1 WHERE $1 IS NULL", 1)),
    "v170": Call(_transaction("VACUUM")),
    "v192": Call(_transaction("SELECT 1")),
    "v193": Call(_transaction("SELECT 1", "SELECT 2")),
    "v206": Call(lambda sql: sql("SELECT $1::timestamptz::text AS t, $2::date::text AS d", *LOCAL_TIMES)),
    "v214": Call(_interactive),
}
