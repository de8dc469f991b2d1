"""Connection strings: where they lead, what the header says, and what is refused without showing them."""

from __future__ import annotations

import pytest

from sendoka import neon
from sendoka.errors import SettingsError
from sendoka.http.target import read_target

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
        ("http://neon/sql", "http://neon/sql"),
    ],
)
def test_a_given_endpoint_is_taken_as_it_is(endpoint: str, url: str) -> None:
    assert read_target(PLAIN, endpoint).url == url


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


WRONG = [
    ("", "no connection string"),
    ("   ", "no connection string"),
    ("hello", "not a URL"),
    ("mysql://root:hunter2@host/db", "'mysql'"),
    ("postgresql+asyncpg://u:hunter2@host/db", "drivers over TCP"),
    ("postgresql://u:hunter2@host", "names no database"),
    ("postgresql://u:hunter2@host/", "names no database"),
    ("postgresql://:hunter2@host/db", "names no user"),
    ("postgresql://host/db", "user and host"),
    ("postgresql://u:hunter2@/db", "user and host"),
    ("postgresql://u:hunter2@ho st/db", "user and host"),
    ("postgresql://u:hunter2@host:0/db", "not a port"),
    ("postgresql://u:hunter2@host:99999/db", "not a port"),
    ("postgresql://u:hunter2@10.0.0.7/db", "is an address"),
    ("postgresql://u:hunter2@[2001:db8::1]/db", "is an address"),
]


@pytest.mark.parametrize(("url", "says"), WRONG)
def test_a_connection_string_that_cannot_be_used_is_refused_and_not_shown(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        neon(url)
    assert "hunter2" not in str(caught.value) + repr(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "endpoint", ["ftp://x/sql", "proxy.example.com", "http://proxy.example.com/sql", "https://u:hunter2@x.com/sql"]
)
def test_an_endpoint_that_cannot_be_used_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingsError):
        neon(PLAIN, endpoint=endpoint)


def test_without_a_url_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", PLAIN)
    assert neon().target.database == "neondb"
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        neon()


def test_no_repr_shows_the_password() -> None:
    client = neon(PLAIN)
    assert "s3cret" not in repr(client) + repr(client.target) + str(vars(client))


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_timeout_is_above_zero(wrong: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        neon(PLAIN, timeout=wrong)


def test_an_unknown_transport_is_refused() -> None:
    with pytest.raises(SettingsError, match="transport='carrier pigeon'"):
        neon(PLAIN, transport="carrier pigeon")
