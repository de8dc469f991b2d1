"""Proxies of the environment, through httpx: for remote hosts only, and what they refuse was not sent."""

from __future__ import annotations

import asyncio
import base64
import pickle
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from sendoka import Retry, neon
from sendoka.errors import ConnectFailed, RequestTimeout, SettingsError
from tests.fixtures.canned import ONE, answer, canned, raw
from tests.fixtures.certificates import server_context, write_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ONCE = Retry(attempts=1)
URL = "postgresql://user:hunter2@ep-x.eu-central-1.aws.neon.tech/db"
VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@dataclass
class Proxy:
    """Answers CONNECT as it is told, or lets all through to `target`; counts what it is asked."""

    says: bytes | None = None
    target: int = 0
    port: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if self.says is not None:
            writer.write(self.says)
            writer.close()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def proxy(says: bytes | None = None, target: int = 0) -> AsyncIterator[Proxy]:
    state = Proxy(says, target)
    async with raw(state.serve) as state.port:
        yield state


async def test_requests_go_through_the_proxy_and_its_credentials_to_it_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    tls = server_context(authority.issue_cert("api.eu-central-1.aws.neon.tech"))
    async with canned(answer(ONE), tls) as server, proxy(target=server.port) as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pr0xy-word@127.0.0.1:{between.port}")
        async with neon(URL, ca=write_authority(authority, tmp_path), retry=ONCE) as sql:
            assert await sql("select 1 as n").value() == 1
            assert await sql("select 1 as n").value() == 1
        assert set(sql._transports._made) == {"httpx"}
        (head,) = between.heads
        assert head.startswith("CONNECT api.eu-central-1.aws.neon.tech:443 ")
        assert base64.b64encode(b"me:pr0xy-word").decode() in head
        assert "hunter2" not in head
        assert [exchange.head.lower().count("proxy-authorization") for exchange in server.requests] == [0, 0]


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({"HTTPS_PROXY": "{proxy}"}, 1),
        ({"https_proxy": "{proxy}"}, 1),
        ({"ALL_PROXY": "{proxy}"}, 1),
        ({"HTTP_PROXY": "{proxy}"}, 0),
        ({"HTTPS_PROXY": "{proxy}", "NO_PROXY": "neon.tech"}, 0),
        ({"HTTPS_PROXY": "{proxy}", "NO_PROXY": "localhost,.aws.neon.tech"}, 0),
        ({"HTTPS_PROXY": "{proxy}", "no_proxy": "*"}, 0),
        ({"HTTPS_PROXY": "{proxy}", "NO_PROXY": "example.com"}, 1),
    ],
    ids=str,
)
async def test_the_variables_say_which_hosts_go_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], asked: int
) -> None:
    async with proxy(b"HTTP/1.1 502 no\r\ncontent-length: 0\r\n\r\n") as between:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(proxy=f"http://127.0.0.1:{between.port}"))
        async with neon(URL, retry=ONCE, connect_timeout=2) as sql:
            with pytest.raises(ConnectFailed) as caught:
                await sql("select 1")
        assert (len(between.heads), caught.value.outcome) == (asked, "not_sent")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3"])
async def test_this_machine_itself_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    async with proxy(b"HTTP/1.1 502 no\r\n\r\n") as between, canned(answer(ONE)) as server:
        for name in VARIABLES[:3]:
            monkeypatch.setenv(name, f"http://127.0.0.1:{between.port}")
        for transport in (None, "httpx"):
            async with neon(server.url.replace("127.0.0.1", host), transport=transport, retry=ONCE) as sql:
                if host != "127.1.2.3":
                    assert await sql("select 1 as n").value() == 1
                else:  # nothing listens there
                    with pytest.raises(ConnectFailed):
                        await sql("select 1")
        assert between.heads == []


@pytest.mark.parametrize(
    ("says", "message", "passing"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", r"(?s)407 .*check the user and password", False),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden", True),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway", True),
        (b"", "no connection to api.eu-central-1.aws.neon.tech:443", True),
        (b"nonsense\r\n\r\n", "no connection to api.eu-central-1.aws.neon.tech:443", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no connection to api.eu-central-1.aws.neon.tech:443", True),
    ],
)
async def test_what_a_proxy_refuses_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, says: bytes, message: str, passing: bool
) -> None:
    async with proxy(says) as between:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pr0xy-word@127.0.0.1:{between.port}")
        async with neon(URL, retry=ONCE) as sql:
            with pytest.raises(ConnectFailed, match=message) as caught:
                await sql("insert into t values (1)")
        assert (caught.value.outcome, caught.value.passing) == ("not_sent", passing)
        shown = str(caught.value).encode() + repr(caught.value.__cause__).encode() + pickle.dumps(caught.value)
        assert b"pr0xy-word" not in shown
        assert b"hunter2" not in shown


async def test_a_proxy_that_does_not_answer_was_given_no_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    async with raw(silent) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        async with neon(URL, retry=ONCE, timeout=0.2) as sql:
            with pytest.raises(RequestTimeout, match="waiting for a connection") as caught:
                await sql("insert into t values (1)")
        assert caught.value.outcome == "not_sent"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("http://me:pr0xy-word@[::1", "a proxy that cannot be used"),
        ("http://me:pr0xy-word@host:port", "a proxy that cannot be used"),
        ("ftp://me:pr0xy-word@host", "a proxy that cannot be used"),
        ("socks5://me:pr0xy-word@127.0.0.1:1", r"(?s)a SOCKS proxy.*pip install \"httpx\[socks\]\""),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_a_settings_error(
    monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    async with neon(URL, retry=ONCE) as sql:
        with pytest.raises(SettingsError, match=message) as caught:
            await sql("select 1")
    error: Any = caught.value
    assert "pr0xy-word" not in str(error)
    assert (error.__cause__, error.__suppress_context__) == (None, True)
