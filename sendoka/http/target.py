"""Which database, and where its endpoint listens: a connection string read once, and never shown again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, unquote, urlsplit

from sendoka.database.secret import Secret, hide
from sendoka.errors import SettingsError

__all__ = ["LOCAL_PORT", "Target", "is_loopback", "read_target"]

LOCAL_PORT = 4444
"""Where `sendoka dev` listens unless told otherwise."""

_PORTS = {"https": 443, "http": 80}
_EXAMPLE = "expected postgresql://user:password@host/database"
_ENDPOINT = "expected https://host/sql"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# What follows the last "@": a host, perhaps a port, a database, perhaps options.
_AFTER_AT = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/?#@\[\]]+)(?::(?P<port>[0-9]{0,9}))?"
    r"(?:/(?P<database>[^/?#\s]*))?/?(?:\?(?P<query>[^#\s]*))?"
)
# Labels as DNS takes them, and the underscore that names of containers have.
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A database and the URL of its endpoint. `connection_string` is a secret; nothing prints it."""

    scheme: str
    host: str
    port: int
    path: str
    connection_string: str
    database: str
    database_host: str

    @property
    def url(self) -> str:
        """The endpoint's URL, without credentials."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """The endpoint's host, and its port where it is not the scheme's own."""
        host = _bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine."""
        return is_loopback(self.host)

    def __repr__(self) -> str:
        return f"Target({self.url!r}, database={self.database!r})"


def is_loopback(host: str) -> bool:
    """Tell whether `host` is `localhost`, in 127.0.0.0/8, or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_target(connection_string: str | Secret, endpoint: str | Secret | None = None) -> Target:
    """Read a connection string by Neon's rules.

    A remote host means HTTPS at the host whose first label is replaced by `api`; a loopback host means plain HTTP on
    the port given; any other address needs `endpoint`. Special characters in the password may stand unescaped.
    Raises SettingsError, which never shows the string; nor does a local variable of any of its frames.
    """
    given, place = hide(connection_string), None if endpoint is None else hide(endpoint)
    del connection_string, endpoint
    found = _found(given, place)
    if isinstance(found, SettingsError):
        raise found
    return found


def _found(given: Secret, place: Secret | None) -> Target | SettingsError:
    """Return the target, or the error without the frames and causes that hold the string in plain."""
    try:
        return _read(given.text, place.text if place else None)
    except SettingsError as error:
        error.__context__ = error.__cause__ = None
        return error.with_traceback(None)


def _read(given: str, endpoint: str | None) -> Target:
    text = _text(given)
    user, password, place = _split(text)
    host = _host(place["host"])
    database = unquote(place["database"] or "")
    if not database:
        raise SettingsError("the connection string names no database", todo=_EXAMPLE)
    scheme, at, number, path = _endpoint(host, place["port"], endpoint)
    return Target(scheme, at, number, path, _written(user, password, host, place, database), database, host)


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise SettingsError(f"the connection string is text, not of type {type(given).__name__}", todo=_EXAMPLE)
    text = given.strip()
    if not text:
        raise SettingsError("no connection string was given", todo=f"set DATABASE_URL; {_EXAMPLE}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError("the connection string holds bytes that are not UTF-8", todo=_EXAMPLE) from None
    return text


def _host(written: str) -> str:
    """Return the host in lower case and ASCII, an IPv6 address without its brackets."""
    host = written.lower()
    if host.startswith("["):
        if not _is_address(host[1:-1]):
            raise SettingsError(f"the host {host} is not an address", todo=_EXAMPLE)
        return host[1:-1]
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise SettingsError(f"the host {host!r} is not one that DNS can hold", todo=_EXAMPLE)
    return name


def _written(user: str, password: str, host: str, place: re.Match[str], database: str) -> str:
    """Return the connection string anew, with everything escaped that a header or a URL cannot hold."""
    credentials = quote(user, safe="") + (":" + quote(password, safe="") if password else "")
    port = f":{place['port']}" if place["port"] else ""
    query = quote(place["query"] or "", safe="=&%+;,:@/!*'()-._~")
    after = f"?{query}" if query else ""
    return f"postgresql://{credentials}@{_bracketed(host)}{port}/{quote(database, safe='')}{after}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split(text: str) -> tuple[str, str, re.Match[str]]:
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise SettingsError("the connection string is not a URL", todo=_EXAMPLE)
    name = scheme[1].lower()
    if name.startswith(("postgresql+", "postgres+")):
        raise SettingsError(
            f"a {name}:// connection string is for drivers over TCP, not for SQL over HTTP",
            todo="write postgresql://… for Neon",
        )
    if name not in {"postgresql", "postgres"}:
        raise SettingsError(f"the connection string is for {name!r}, not for Postgres", todo=_EXAMPLE)
    rest = text[scheme.end() :]
    # The password may hold anything, "@", "/", "?" and "#" too: the host starts after the last "@" that a host follows.
    for at in (found.start() for found in reversed(list(re.finditer("@", rest)))):
        place = _AFTER_AT.fullmatch(rest, at + 1)
        if place:
            user, _, password = rest[:at].partition(":")
            if not user:
                raise SettingsError("the connection string names no user", todo=_EXAMPLE)
            return unquote(user), unquote(password), _checked(place)
    raise SettingsError("the connection string has no user and host that can be read", todo=_EXAMPLE)


def _checked(place: re.Match[str]) -> re.Match[str]:
    port = place["port"]
    if port and not 0 < int(port) < 65536:
        raise SettingsError(f"{port} is not a port", todo=_EXAMPLE)
    return place


def _endpoint(host: str, port: str | None, endpoint: str | None) -> tuple[str, str, int, str]:
    if endpoint is not None:
        return _given(endpoint)
    if is_loopback(host):
        return "http", host, int(port) if port else LOCAL_PORT, "/sql"
    if _is_address(host):
        raise SettingsError(
            f"the host {host} is an address, and Neon's endpoint has a name",
            todo='give the endpoint itself: neon(url, endpoint="https://…/sql")',
        )
    first, dot, rest = host.partition(".")
    return "https", f"api.{rest}" if dot and rest else first, 443, "/sql"


def _given(endpoint: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(endpoint)
        port, written = parts.port, parts.hostname or ""
        path = quote(parts.path, safe="/%:@!$&'()*+,;=-._~")
    except ValueError:
        raise SettingsError("endpoint= is not a URL that can be read", todo=_ENDPOINT) from None
    if parts.username or parts.password:
        raise SettingsError("the endpoint's URL must not hold credentials; they belong into the connection string")
    if parts.scheme not in _PORTS or not written:
        raise SettingsError(f"endpoint={endpoint!r} is not an http or https URL", todo=_ENDPOINT)
    host = _host(_bracketed(written))
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"endpoint={endpoint!r} would send the password in clear text to another machine", todo="use https://"
        )
    return parts.scheme, host, port or _PORTS[parts.scheme], path if path not in {"", "/"} else "/sql"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
