"""Which database, and where its endpoint listens: what the user said, read once, and never shown again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.database.secret import Secret, hide
from sendoka.errors import SettingsError
from sendoka.http.connection_string import (
    EXAMPLE,
    ConnectionString,
    bracketed,
    is_address,
    is_loopback,
    parse,
    read_host,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Text = str | Secret
    Supply = str | Callable[[], str | Awaitable[str]]

__all__ = ["APPLICATION_NAME", "LOCAL_PORT", "Target", "Where", "find_target", "read_target"]

LOCAL_PORT = 4444
"""Where `sendoka dev` listens unless told otherwise."""

APPLICATION_NAME = f"pkg%3Apypi%2Fsendoka%40{__version__}"
"""How the client names itself where nobody says otherwise: a package URL, escaped, as the official driver's is one."""

_WHERE_FROM = "set DATABASE_URL in the environment (.env.local and .env are read by the command line only)"
_PORTS = {"https": 443, "http": 80}
_ENDPOINT = "expected https://host/sql"
# What an endpoint usually looks like; for these urllib is not imported.
_PLAIN_ENDPOINT = r"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?(/[A-Za-z0-9/._-]*)?"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Target:
    """A database and the URL of its endpoint. `login` holds a secret; nothing prints it."""

    scheme: str
    host: str
    port: int
    path: str
    login: ConnectionString

    @property
    def connection_string(self) -> str:
        """What the endpoint is told: user, password and database. A secret."""
        return self.login.text

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.login.database

    @property
    def database_host(self) -> str:
        """The host of the connection string, by which Neon finds the database."""
        return self.login.host

    @property
    def url(self) -> str:
        """The endpoint's URL, without credentials."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """The endpoint's host, and its port where it is not the scheme's own."""
        host = bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"Target({self.url!r}, database={self.database!r})"


@dataclass(slots=True, repr=False, eq=False)
class Where:
    """What the user said about a database: a connection string, parts that stand for its own, or parts alone.

    `password` and `token` may be functions, which are asked before each send; `token` is a JWT for Neon's
    authorization by token. The repr shows nothing, for it holds secrets.
    """

    url: Text | None = None
    endpoint: Text | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: Supply | None = None
    database: str | None = None
    token: Supply | None = None
    application_name: str | None = None

    def __repr__(self) -> str:
        return "<where>"


def read_target(connection_string: Text, endpoint: Text | None = None) -> Target:
    """Read a connection string by Neon's rules; see `find_target`."""
    where = Where(hide(connection_string), None if endpoint is None else hide(endpoint))
    del connection_string, endpoint
    return find_target(where)


def find_target(where: Where) -> Target:
    """Return the target by Neon's rules.

    A remote host means HTTPS at the host whose first label is replaced by `api`, or by `apiauth` where a token is
    given; a loopback host means plain HTTP on the port given; any other address needs `endpoint`. Special characters
    in the password may stand unescaped. Raises SettingsError, which never shows a secret; nor does a local variable of
    any of its frames.
    """
    found = _found(where)
    if isinstance(found, SettingsError):
        raise found
    return found


def _found(where: Where) -> Target | SettingsError:
    """Return the target, or the error without the frames and causes that hold the string in plain."""
    try:
        return _read(where)
    except SettingsError as error:
        error.__context__ = error.__cause__ = None
        return error.with_traceback(None)


def _read(where: Where) -> Target:
    login = _login(where)
    host = read_host(login.host)
    if not login.database:
        raise SettingsError("the connection string names no database", todo=EXAMPLE)
    login = replace(login, host=host, query=login.named(where.application_name, APPLICATION_NAME))
    if where.token is not None:
        login = replace(login, password="")  # the token is what counts; what need not travel stays here
    endpoint = None if where.endpoint is None else hide(where.endpoint).text
    return Target(*_endpoint(login, endpoint, with_token=where.token is not None), login)


def _login(where: Where) -> ConnectionString:
    if where.url is None and where.host is not None:
        login = ConnectionString()
    else:
        login = parse(_text("the connection string", hide(where.url or "").text))
    login = replace(
        login,
        user=login.user if where.user is None else _text("user=", where.user),
        password=_utf8("password=", where.password) if isinstance(where.password, str) else login.password,
        host=login.host if where.host is None else _as_written(where.host),
        port=login.port if where.port is None else where.port,
        database=login.database if where.database is None else _text("database=", where.database),
    )
    _check(login, where.application_name)
    return login


def _as_written(host: str) -> str:
    host = _text("host=", host)
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _check(login: ConnectionString, application_name: str | None) -> None:
    if not login.user:
        raise SettingsError("the connection string names no user", todo=EXAMPLE)
    port: object = login.port
    if port is not None and (not isinstance(port, int) or not 0 < port < 65536):
        raise SettingsError(f"{port!r} is not a port", todo="a port is a whole number from 1 to 65535")
    if application_name is not None:
        _utf8("application_name=", application_name)


def _text(what: str, given: object) -> str:
    text = _utf8(what, given).strip()
    if not text:
        todo = f"{_WHERE_FROM}; {EXAMPLE}" if what.startswith("the") else ""
        raise SettingsError("no connection string was given" if todo else f"{what} is empty", todo=todo)
    return text


def _utf8(what: str, given: object) -> str:
    if not isinstance(given, str):
        raise SettingsError(f"{what} is text, not of type {type(given).__name__}", todo=_example_of(what))
    try:
        given.encode()
    except UnicodeEncodeError:
        raise SettingsError(f"{what} holds bytes that are not UTF-8", todo=_example_of(what)) from None
    return given


def _example_of(what: str) -> str:
    return "" if what.endswith("=") else EXAMPLE


def _endpoint(login: ConnectionString, endpoint: str | None, *, with_token: bool) -> tuple[str, str, int, str]:
    if endpoint is not None:
        return _given(endpoint)
    host = login.host
    if is_loopback(host):
        return "http", host, login.port or LOCAL_PORT, "/sql"
    if is_address(host):
        raise SettingsError(
            f"the host {host} is an address, and Neon's endpoint has a name",
            todo='give the endpoint itself: neon(url, endpoint="https://…/sql")',
        )
    first, dot, rest = host.partition(".")
    label = "apiauth" if with_token else "api"
    return "https", f"{label}.{rest}" if dot and rest else first, 443, "/sql"


def _given(endpoint: str) -> tuple[str, str, int, str]:
    plain = re.fullmatch(_PLAIN_ENDPOINT, endpoint)
    scheme, written, port, path = plain.groups("") if plain else _split(endpoint)
    host = read_host(bracketed(written))
    if scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"endpoint= would send the password in clear text to {host}, another machine", todo="use https://"
        )
    return scheme, host, int(port or _PORTS[scheme]), path if path not in {"", "/"} else "/sql"


def _split(endpoint: str) -> tuple[str, str, int | None, str]:
    """Return the parts of an endpoint's URL, whatever it looks like: scheme, host, port and path."""
    from urllib.parse import quote, urlsplit

    try:
        parts = urlsplit(endpoint)
        port, written = parts.port, parts.hostname or ""
        path = quote(parts.path, safe="/%:@!$&'()*+,;=-._~")
    except ValueError:
        raise SettingsError("endpoint= is not a URL that can be read", todo=_ENDPOINT) from None
    if parts.username or parts.password:
        raise SettingsError("the endpoint's URL must not hold credentials; they belong into the connection string")
    if parts.scheme not in _PORTS or not written:
        raise SettingsError("endpoint= is not an http or https URL", todo=_ENDPOINT)
    if parts.query or parts.fragment:
        raise SettingsError("endpoint= has more than a path, and that would not be sent", todo=_ENDPOINT)
    return parts.scheme, written, port, path
