"""An option of another kind than it takes is refused at once, by its name and with what it takes."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import httpx
import pytest

from sendoka import migrate, neon, paginate
from sendoka.database.statement import Statement
from sendoka.errors import ConnectFailed, EndpointError, Outcome, SettingsError
from sendoka.http.reply import Reply, read_single
from sendoka.http.target import read_target
from sendoka.http.transport.failure import no_connection

URL = "postgresql://u:p@localhost/db"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"hooks": print}, TypeError, r"hooks= is a list of functions of one event, as hooks=\[print\], not builtin"),
        ({"hooks": "print"}, TypeError, "hooks= is a list of functions .* not str"),
        ({"types": [("jsonb", str)]}, TypeError, "types= maps names of types to functions .* not list"),
        ({"types": str}, TypeError, "types= maps names of types .* not type"),
        ({"types": {"jsonb": 5}}, TypeError, r"types=\{'jsonb': …\} takes a function"),
        ({"transport": 5}, SettingsError, 'transport=<builtins.int>: expected "native", "httpx", a Transport or an'),
        ({"transport": httpx.Client()}, SettingsError, "transport=<httpx.Client>: .*httpx.AsyncClient"),
        ({"transport": httpx.AsyncClient}, SettingsError, "transport=<class 'httpx.AsyncClient'>: expected"),
        ({"transport": httpx.AsyncHTTPTransport()}, SettingsError, "HTTPTransport>: .*httpx.AsyncClient"),
        ({"ca": 5}, SettingsError, "ca= is the path of a file or folder of certificates in PEM, not of type int"),
        ({"ca": ssl.create_default_context()}, SettingsError, "ca= is the path .* not of type SSLContext"),
        ({"timeout": "5"}, ValueError, "^timeout= is a number of seconds above 0, not '5'"),
        ({"connect_timeout": 0}, ValueError, "connect_timeout= is a number of seconds above 0, not 0"),
        ({"log_parameters": "false"}, TypeError, "log_parameters= is True or False, not 'false'"),
        ({"token": ""}, SettingsError, "token= is empty"),
        ({"port": "5432"}, SettingsError, r"'5432' is not a port\na port is a whole number from 1 to 65535$"),
        ({"application_name": 3}, SettingsError, "application_name= is text, not of type int$"),
    ],
)
def test_an_option_of_another_kind_is_named(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        neon(URL, **options)


@pytest.mark.parametrize("name", ["read_only", "deferrable", "idempotent"])
def test_a_flag_is_true_or_false(name: str) -> None:
    sql = neon(URL)
    options: dict[str, Any] = {name: "false"}
    with pytest.raises(TypeError, match=f"{name}= is True or False, not 'false'"):
        sql.transaction([], **options)
    if name != "deferrable":
        with pytest.raises(TypeError, match=f"{name}= is True or False, not 'false'"):
            sql("select 1", **options)


@pytest.mark.parametrize("before", ["psql '", '"', "'", "DATABASE_URL=", "export DATABASE_URL='"])
def test_what_was_copied_with_a_connection_string_is_to_be_left_out(before: str) -> None:
    with pytest.raises(SettingsError, match=r"not a URL\nleave out what stands before it: .*psql.*; exp") as caught:
        neon(f"{before}postgresql://u:hunter2@ep-x.eu.aws.neon.tech/db")
    assert "hunter2" not in str(caught.value)


def test_types_of_a_query_are_named_alike() -> None:
    wrong: Any = str
    with pytest.raises(TypeError, match="types= maps names of types"):
        neon(URL)("select 1", types=wrong)


def test_a_client_of_nothing_says_where_its_database_would_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsError, match=r"set DATABASE_URL in the environment \(\.env\.local .* command line only"):
        neon()


NOT_FOUND = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("url", "endpoint", "lines"),
    [
        (
            "postgresql://u:secret@ep-x.eu.neon.techh/db",
            None,
            [
                "the host api.eu.neon.techh cannot be found: Name or service not known",
                "by Neon's rules it follows from ep-x.eu.neon.techh, the host of the connection string",
                "check the host of the connection string",
            ],
        ),
        (
            "postgresql://u:secret@db/db",
            None,
            ["the host db cannot be found: Name or service not known", "check the host of the connection string"],
        ),
        (
            "postgresql://u:secret@ep-x.eu.neon.tech/db",
            "https://gateway.example/sql",
            ["the host gateway.example cannot be found: Name or service not known", "check the host of endpoint="],
        ),
    ],
)
def test_a_host_that_is_not_found_is_named_as_it_was_written(url: str, endpoint: str | None, lines: list[str]) -> None:
    error = no_connection(read_target(url, endpoint), NOT_FOUND)
    assert type(error) is ConnectFailed
    assert str(error).splitlines() == lines


def test_a_missing_password_says_where_it_goes() -> None:
    body = b'{"message": "missing authentication credentials: required password", "code": ""}'
    with pytest.raises(EndpointError, match=r"has no password: .* or give password= or token=") as caught:
        read_single(Reply(400, body), Statement("select 1"))
    assert caught.value.outcome is Outcome.REFUSED


async def test_whoever_is_no_client_applies_no_migrations() -> None:
    given: Any = URL
    with pytest.raises(TypeError, match=r"migrate\(neon\(url\), …\), not by a str$"):
        await migrate(given, "migrations")


async def test_pages_are_asked_of_a_client_and_made_of_a_text() -> None:
    given: Any = URL
    with pytest.raises(TypeError, match=r"paginate\(neon\(url\), …\), not of a str$"):
        await paginate(given, "select 1")
    query: Any = ["select 1"]
    with pytest.raises(TypeError, match="is the text of a SELECT, not a list"):
        await paginate(neon(URL), query)
