"""Connection strings: where they lead, what the header says, and what is refused without showing them."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from sendoka import Retry, neon
from sendoka.errors import ConnectFailed, SettingsError
from sendoka.http.request import Request
from sendoka.http.target import read_target

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "postgresql://alice:s3cret@ep-cool-1.us-east-2.aws.neon.tech/neondb"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (PLAIN, "https://api.us-east-2.aws.neon.tech/sql"),
        (PLAIN.replace("postgresql", "postgres"), "https://api.us-east-2.aws.neon.tech/sql"),
        (PLAIN.replace("ep-cool-1", "ep-cool-1-pooler"), "https://api.us-east-2.aws.neon.tech/sql"),
        (PLAIN.replace("/neondb", ":5432/neondb?sslmode=require"), "https://api.us-east-2.aws.neon.tech/sql"),
        ("postgresql://a:b@localhost:4499/db", "http://localhost:4499/sql"),
        ("postgresql://a:b@localhost/db", "http://localhost:4444/sql"),
        ("postgresql://a:b@127.0.0.1:5001/db", "http://127.0.0.1:5001/sql"),
        ("postgresql://a:b@127.9.9.9:80/db", "http://127.9.9.9/sql"),
        ("postgresql://a:b@[::1]:5001/db", "http://[::1]:5001/sql"),
        ("postgresql://a:b@database/db", "https://database/sql"),
    ],
)
def test_the_endpoint_follows_from_the_host(url: str, endpoint: str) -> None:
    assert read_target(url).url == endpoint


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://proxy.example.com/sql", "https://proxy.example.com/sql"),
        ("https://proxy.example.com:8443", "https://proxy.example.com:8443/sql"),
        ("http://127.0.0.1:9999/other", "http://127.0.0.1:9999/other"),
        ("http://[::1]:9999/sql", "http://[::1]:9999/sql"),
        ("http://localhost:9999", "http://localhost:9999/sql"),
        ("https://[2001:db8::1]/sql", "https://[2001:db8::1]/sql"),
        ("https://proxy.bücher.example/sql", "https://proxy.xn--bcher-kva.example/sql"),
        ("https://proxy.example.com/a b/é\r\nX: y", "https://proxy.example.com/a%20b/%C3%A9X:%20y"),
    ],
)
def test_a_given_endpoint_is_taken_as_it_is(endpoint: str, url: str) -> None:
    assert read_target(PLAIN, endpoint).url == url


@pytest.mark.parametrize("password", ["p", "p@q", "p/q", "p?q", "@"])
@pytest.mark.parametrize("options", ["application_name=me@corp", "sslmode=require&application_name=me@corp.example/x"])
def test_an_at_in_the_options_does_not_lead_to_another_host(password: str, options: str) -> None:
    login = read_target(f"postgresql://alice:{password}@ep-x.eu.neon.tech/neondb?{options}").login
    assert (login.password, login.host, login.database) == (password, "ep-x.eu.neon.tech", "neondb")
    assert login.query == options


@pytest.mark.parametrize("character", [*"@#/?%é:;= &+", "%zz", "p@ss/w?r#d", "x@y/z", "日本"])
def test_a_password_may_hold_anything_unescaped(character: str) -> None:
    target = read_target(f"postgresql://alice:a{character}b@ep-x.eu.neon.tech/neondb")

    from urllib.parse import unquote, urlsplit

    assert target.connection_string.isascii()
    parts = urlsplit(target.connection_string)
    assert unquote(parts.password or "") == f"a{character}b"
    assert (parts.username, parts.hostname, parts.path) == ("alice", "ep-x.eu.neon.tech", "/neondb")


def test_an_escaped_password_is_kept_and_escaped_once() -> None:
    assert ":a%40b%2Fc@" in read_target("postgresql://alice:a%40b%2Fc@ep-x.eu.neon.tech/neondb").connection_string


WRONG: list[tuple[Any, str]] = [
    ("", "no connection string"),
    ("   ", "no connection string"),
    ("hello", "not a URL"),
    ("mysql://root:hunter2@host/db", "'mysql'"),
    ("postgresql+asyncpg://u:hunter2@host/db", "drivers over TCP"),
    ("postgresql://u:hunter2@host", "names no database"),
    ("postgresql://u:hunter2@host/", "names no database"),
    ("postgresql://:hunter2@host/db", "names no user"),
    ("postgresql://host/db", "names no user"),
    ("postgresql://u:hunter2@/db", "user and host"),
    ("postgresql://u:hunter2@ho st/db", "user and host"),
    ("postgresql://u:hunter2@host:0/db", "not a port"),
    ("postgresql://u:hunter2@host:99999/db", "not a port"),
    ("postgresql://u:hunter2@10.0.0.7/db", "is an address"),
    ("postgresql://u:hunter2@[2001:db8::1]/db", "is an address"),
    ("postgresql://u:hunter2@[2001:db8]/db", "is not an address"),
    ("postgresql://u:hunter2@h..example/db", "DNS"),
    ("postgresql://u:hunter2@bü..example/db", "DNS"),
    (f"postgresql://u:hunter2@{'h' * 64}.example/db", "DNS"),
    (f"postgresql://u:hunter2@{'ü' * 64}.example/db", "DNS"),
    (f"postgresql://u:hunter2@{'h.' * 130}example/db", "DNS"),
    ("postgresql://u:hunter2@ho\0st/db", "DNS"),
    ("postgresql://u:hunter2@ho\x7fst/db", "DNS"),
    ("postgresql://u:hunter2@one,two/db", "DNS"),
    ("postgresql://u:hunter2@ho\nst/db", "user and host"),
    ("postgresql://u:hunter2@host:٣٣/db", "user and host"),
    (f"postgresql://u:hunter2@host:{'1' * 5000}/db", "user and host"),
    ("postgresql://u:hunter2\udcff@host/db", "not UTF-8"),
    ("postgresql://u:hunter2%ff@host/db", "escapes"),
    ("postgresql://u%fe:hunter2@host/db", "escapes"),
    ("postgresql://u:hunter2@host/db%ff", "escapes"),
    (b"postgresql://u:hunter2@host/db", "not of type bytes"),
]


@pytest.mark.parametrize(("url", "says"), WRONG)
def test_a_connection_string_that_cannot_be_used_is_refused_and_not_shown(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        neon(url)
    assert "hunter2" not in str(caught.value) + repr(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "ftp://x/sql",
        "ftp://u:hunter2@x/sql",
        "postgresql://u:123/hunter2@host/db",
        "http://u:123/hunter2@host/db",
        "https://x.com/sql?key=hunter2",
        "https://x.com/sql#hunter2",
        "proxy.example.com",
        "http://proxy.example.com/sql",
        "http://8.8.8.8/sql",
        "http://[2001:db8::1]/sql",
        "http://dbserver:4444/sql",
        "https://u:hunter2@x.com/sql",
        "https://x.com:99999/sql",
        "https://x.com:port/sql",
        "https://[::1/sql",
        "https://x..com/sql",
    ],
)
def test_an_endpoint_that_cannot_be_used_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        neon(PLAIN, endpoint=endpoint)
    assert "hunter2" not in str(caught.value)
    assert_hidden(caught.value, "hunter2")


def assert_hidden(error: BaseException | None, secret: str) -> None:
    """Look through the local variables of every frame of ours, as a crash reporter does."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("sendoka"):
                shown = {name: repr(value) for name, value in frame.f_locals.items() if secret in repr(value)}
                assert not shown, f"in {frame.f_code.co_qualname}: {list(shown)}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("read", [neon, read_target], ids=["neon", "read_target"])
@pytest.mark.parametrize("url", [url for url, _ in WRONG if "hunter2" in str(url)])
def test_no_frame_of_a_refusal_holds_the_password(read: Callable[[str], object], url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(url)
    assert_hidden(caught.value, "hunter2")


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"transport": "carrier pigeon"}])
def test_nor_does_one_of_another_argument(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"timeout|transport") as caught:
        neon(PLAIN, **wrong)
    assert_hidden(caught.value, "s3cret")


def test_a_request_is_nothing_that_a_crash_reporter_looks_into() -> None:
    """Those that send local variables along write out what is in a list, tuple or dict, whatever its repr."""
    request = Request(read_target(PLAIN), (("Neon-Connection-String", PLAIN),), b"{}")
    assert not isinstance(request, Iterable)
    assert not hasattr(request, "__dict__")
    assert "s3cret" not in repr(request)


async def test_nor_does_one_of_a_call_that_failed() -> None:
    async with neon("postgresql://u:hunter2@127.0.0.1:1/db", transport="native", retry=Retry(attempts=1)) as sql:
        with pytest.raises(ConnectFailed) as caught:
            await sql("select 1")
        assert_hidden(caught.value, "hunter2")
        with pytest.raises(ValueError, match="NUL") as unsent:
            await sql.transaction([sql("select '\0'")])
        assert_hidden(unsent.value, "hunter2")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://alice:pass\r\nX-Evil: 1@ep-x.bücher.example/db",
        "postgresql://ali\nce:x@EP-X.bücher.example/da\x01ta?a=\x02b",
        "postgresql://alice:%0d%0aX@ep-x.xn--bcher-kva.example/db%0A",
    ],
)
def test_what_goes_into_a_header_is_printable_ascii(url: str) -> None:
    target = read_target(url)
    assert target.url == "https://api.xn--bcher-kva.example/sql"
    for line in (target.connection_string, target.authority, target.path):
        assert re.fullmatch(r"[!-~]+", line)
    assert "@ep-x.xn--bcher-kva.example/" in target.connection_string


def test_without_a_url_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PLAIN)
    assert neon().target.database == "neondb"
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        neon()


def test_no_repr_shows_the_password() -> None:
    client = neon(PLAIN)
    assert "s3cret" not in repr(client) + repr(client.target) + str(vars(client))


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), True, "5", None])
def test_a_timeout_is_above_zero(wrong: Any) -> None:
    for name in ("timeout", "connect_timeout"):
        with pytest.raises(ValueError, match="above 0"):
            neon(PLAIN, **{name: wrong})
    if wrong is not None:  # then it is the client's own
        sql = neon(PLAIN)
        with pytest.raises(ValueError, match="above 0"):
            sql("select 1", timeout=wrong)
        with pytest.raises(ValueError, match="above 0"):
            sql.transaction([sql("select 1")], timeout=wrong)


@pytest.mark.parametrize("wrong", [3, False, "twice"])
def test_retry_is_a_retry(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"attempts=1"):
        neon(PLAIN, retry=wrong)


def test_an_unknown_transport_is_refused() -> None:
    with pytest.raises(SettingsError, match="transport='carrier pigeon'"):
        neon(PLAIN, transport="carrier pigeon")
