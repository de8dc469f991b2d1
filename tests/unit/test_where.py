"""Which database is meant: by parts, by a string and parts, by the environment; passwords and tokens as functions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, __version__, neon
from sendoka.errors import ConnectFailed, Outcome, SettingsError
from tests.fixtures.canned import ONE, CannedServer, Exchange, answer, canned
from tests.unit.test_target import assert_hidden

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

URL = "postgresql://alice:s3cret@ep-cool-1.us-east-2.aws.neon.tech/neondb"
HOST = "ep-cool-1.us-east-2.aws.neon.tech"


@pytest.fixture
async def server() -> AsyncIterator[CannedServer]:
    async with canned(answer(ONE)) as server:
        yield server


def header(exchange: Exchange, name: str) -> str | None:
    lines = dict(line.split(": ", 1) for line in exchange.head.split("\r\n")[1:] if line)
    return lines.get(name)


def string(given: dict[str, Any]) -> str:
    text, _, query = neon(**given).target.connection_string.partition("?")
    assert query.startswith("application_name=")
    return text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"host": HOST, "user": "alice", "password": "s3cret", "database": "neondb"}, URL),
        ({"host": HOST, "user": "alice", "database": "neondb"}, URL.replace(":s3cret", "")),
        ({"host": HOST, "port": 5433, "user": "a@b", "password": "p/w#?%", "database": "my db"},
         f"postgresql://a%40b:p%2Fw%23%3F%25@{HOST}:5433/my%20db"),
        ({"url": URL, "database": "other"}, URL.replace("neondb", "other")),
        ({"url": URL, "password": "new:one"}, URL.replace("s3cret", "new%3Aone")),
        ({"url": URL, "user": "bob", "host": "EP-y.eu.neon.tech"}, "postgresql://bob:s3cret@ep-y.eu.neon.tech/neondb"),
        ({"url": f"postgresql://{HOST}", "user": "alice", "password": "s3cret", "database": "neondb"}, URL),
        ({"host": "::1", "port": 4449, "user": "u", "password": "p", "database": "d"}, "postgresql://u:p@[::1]:4449/d"),
    ],
    ids=str,
)  # fmt: skip
def test_parts_make_a_connection_string_or_stand_for_its_own(given: dict[str, Any], text: str) -> None:
    assert string(given) == text


def test_parts_without_a_host_stand_for_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert string({"database": "other"}) == URL.replace("neondb", "other")
    assert string({"host": "h.example", "user": "u", "database": "d"}) == "postgresql://u@h.example/d"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"host": HOST, "database": "d"}, "names no user"),
    ({"host": HOST, "user": "u"}, "names no database"),
    ({"host": "", "user": "u", "database": "d"}, "host= is empty"),
    ({"host": "a b", "user": "u", "database": "d"}, "DNS"),
    ({"host": 7, "user": "u", "database": "d"}, "host= is text"),
    ({"host": HOST, "user": " ", "database": "d"}, "user= is empty"),
    ({"host": HOST, "user": "u", "database": b"d"}, "database= is text, not of type bytes"),
    ({"host": HOST, "user": "u", "database": "d", "port": 0}, "0 is not a port"),
    ({"host": HOST, "user": "u", "database": "d", "port": 65536}, "is not a port"),
    ({"host": HOST, "user": "u", "database": "d", "port": "80"}, "is not a port"),
    ({"host": "10.0.0.7", "user": "u", "database": "d"}, "is an address"),
    ({"host": HOST, "user": "u", "database": "d", "password": b"hunter2"}, "password= is text or a function"),
    ({"host": HOST, "user": "u", "database": "d", "password": "hunter2\udcff"}, "password= holds bytes"),
    ({"url": URL, "token": 5}, "token= is text or a function"),
    ({"url": URL, "token": "hunter2\r\nX: y"}, "token= holds what no token does"),
    ({"url": URL, "token": ""}, "token= is empty"),
    ({"url": URL, "application_name": 5}, "application_name= is text"),
]


@pytest.mark.parametrize(("given", "says"), WRONG, ids=str)
def test_what_cannot_be_used_is_refused_and_not_shown(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        neon(**given)
    assert "hunter2" not in f"{caught.value}{caught.value!r}"
    assert_hidden(caught.value, "hunter2")


@pytest.mark.parametrize(
    ("url", "given", "query"),
    [
        (URL, {}, f"application_name=pkg%3Apypi%2Fsendoka%40{__version__}"),
        (URL + "?application_name=mine", {}, "application_name=mine"),
        (URL + "?application_name=mine&a=b", {"application_name": "my app"}, "a=b&application_name=my%20app"),
        (URL + "?sslmode=require", {"application_name": "x&y=z"}, "sslmode=require&application_name=x%26y%3Dz"),
        (URL + "?sslmode=require", {"application_name": ""}, "sslmode=require&application_name="),
    ],
)
def test_the_application_says_its_name(url: str, given: dict[str, Any], query: str) -> None:
    assert neon(url, **given).target.connection_string.partition("?")[2] == query


def test_a_token_leads_to_its_own_host_and_the_password_stays_here() -> None:
    target = neon(URL, token="eyJ.a.b").target
    assert target.url == "https://apiauth.us-east-2.aws.neon.tech/sql"
    assert "s3cret" not in target.connection_string


async def test_a_token_is_a_header(server: CannedServer) -> None:
    async with neon(server.url, transport="native", token="eyJ.a.b") as sql:
        await sql("select 1")
    assert header(server.requests[0], "Authorization") == "Bearer eyJ.a.b"


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("transport", ["native", "httpx"])
async def test_a_function_is_asked_before_each_send(server: CannedServer, asynchronous: bool, transport: str) -> None:
    numbers = iter(range(9))

    def supply() -> str:
        return f"pw/{next(numbers)}"

    async def supply_later() -> str:
        await asyncio.sleep(0)
        return supply()

    async with neon(server.url, transport=transport, password=supply_later if asynchronous else supply) as sql:
        await sql("select 1")
        await sql.transaction([]) == []  # noqa: B015 - nothing is sent, so nothing is asked
        await sql("select 1")
    strings = [header(exchange, "Neon-Connection-String") or "" for exchange in server.requests]
    assert [text.split("@")[0] for text in strings] == ["postgresql://user:pw%2F0", "postgresql://user:pw%2F1"]


async def test_a_token_may_be_a_function(server: CannedServer) -> None:
    async with neon(server.url, transport="native", token=lambda: "eyJ.c.d", password=lambda: "unused") as sql:
        await sql("select 1")
    assert header(server.requests[0], "Authorization") == "Bearer eyJ.c.d"
    assert "unused" not in server.requests[0].head


def _raise() -> str:
    raise RuntimeError("idp hunter2 down")


async def _hang() -> str:
    await asyncio.sleep(60)
    return "never"


@pytest.mark.parametrize(
    ("supply", "says"),
    [
        (_raise, "it raised RuntimeError"),
        (_hang, "it did not return in time"),
        (lambda: None, "it returned nothing"),
        (lambda: "", "it returned nothing"),
        (lambda: 5, "it returned int, not text"),
        (lambda: "hunter2\udcff", "what it returned is not UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["password", "token"])
async def test_a_function_that_fails_is_an_error_before_sending(
    server: CannedServer, name: str, supply: Any, says: str
) -> None:
    given = {name: supply}
    async with neon(server.url, transport="native", timeout=0.2, retry=Retry(attempts=3), **given) as sql:
        with pytest.raises(ConnectFailed, match=f"{name}= failed: {says}") as caught:
            await sql("select 1")
    assert caught.value.outcome is Outcome.NOT_SENT
    assert "hunter2" not in str(caught.value)
    assert server.requests == []


async def test_a_token_that_no_header_can_hold_is_not_sent(server: CannedServer) -> None:
    async with neon(server.url, transport="native", token=lambda: "a b\r\nX: y") as sql:
        with pytest.raises(ConnectFailed, match="is no token"):
            await sql("select 1")
    assert server.requests == []


async def test_several_clients_share_nothing(server: CannedServer) -> None:
    async with (
        neon(server.url, transport="native", password="one") as first,
        neon(server.url, transport="native", password="two") as second,
    ):
        await asyncio.gather(first("select 1"), second("select 1"))
        await first.aclose()
        await second("select 1")
    assert server.connections == 2
    seen = {exchange.connection: header(exchange, "Neon-Connection-String") for exchange in server.requests}
    assert len(set(seen.values())) == 2
