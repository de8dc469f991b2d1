"""A connection string, read into its parts and written anew; whatever holds one shows no secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from ipaddress import IPv6Address

__all__ = ["EXAMPLE", "ConnectionString", "bracketed", "escaped", "is_address", "is_loopback", "parse", "read_host"]

EXAMPLE = "expected postgresql://user:password@host/database"

_AROUND = "leave out what stands before it: `psql`, a quote, `DATABASE_URL=`"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# What follows the last "@": a host, perhaps a port, a database, perhaps options.
_AFTER_AT = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/?#@\[\]]+)(?::(?P<port>[0-9]{0,9}))?"
    r"(?:/(?P<database>[^/?#\s]*))?/?(?:\?(?P<query>[^#\s]*))?"
)
# Labels as DNS takes them, and the underscore that names of containers have.
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_LONGEST_NAME = 253
# What needs no escape, anywhere and in a query; for these urllib is not imported.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_IN_QUERY = "=&%+;,:@/!*'()-._~"
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9=&%+;,:@/!*'()._~-]*")
_OPTIONS = re.compile(r"[a-z_]+=[^&]*(?:&[a-z_]+=[^&]*)*")
_APPLICATION = re.compile(r"(?:^|&)application_name=")


# Not frozen, here and at its neighbours: each frozen class costs a cold start half a millisecond.
@dataclass(slots=True, repr=False, eq=False)
class ConnectionString:
    """The parts of `postgresql://user:password@host:port/database?query`, decoded; `query` is as it was written."""

    user: str = ""
    password: str = ""
    host: str = ""
    port: int | None = None
    database: str = ""
    query: str = ""

    def __repr__(self) -> str:
        return f"<connection string to {self.host}/{self.database}>"

    @property
    def text(self) -> str:
        """The whole, with everything escaped that a header or a URL cannot hold."""
        credentials = escaped(self.user) + (":" + escaped(self.password) if self.password else "")
        port = f":{self.port}" if self.port else ""
        query = self.query if _PLAIN_QUERY.fullmatch(self.query) else _quote(self.query, _IN_QUERY)
        after = f"?{query}" if query else ""
        return f"postgresql://{credentials}@{bracketed(self.host)}{port}/{escaped(self.database)}{after}"

    def named(self, application: str | None, otherwise: str) -> str:
        """Return the query with `application_name`: as asked for, else as it is there already, else `otherwise`.

        `otherwise` is escaped already.
        """
        if application is None and _APPLICATION.search(self.query):
            return self.query
        rest = [pair for pair in self.query.split("&") if pair and not pair.startswith("application_name=")]
        name = otherwise if application is None else escaped(application)
        return "&".join([*rest, f"application_name={name}"])


def parse(text: str) -> ConnectionString:
    """Read a connection string whose user and database may be missing. Raises SettingsError, which never shows it.

    The password may hold anything unescaped, "@", "/", "?" and "#" too: the host starts after the last "@" that one
    can follow. An "@" in the options, as in `?application_name=me@home`, is none of these.
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        todo = f"{_AROUND}; {EXAMPLE}" if "postgres://" in text or "postgresql://" in text else EXAMPLE
        raise SettingsError("the connection string is not a URL", todo=todo)
    _check_scheme(scheme[1].lower())
    rest = text[scheme.end() :]
    places = [place for at in re.finditer("@", rest) if (place := _AFTER_AT.fullmatch(rest, at.end()))]
    if places:
        place = next(filter(_has_at_in_options, places), places[-1])
        user, _, password = rest[: place.start() - 1].partition(":")
        return _parts(_unescaped(user), _unescaped(password), place)
    place = _AFTER_AT.fullmatch(rest)
    if place is None:
        raise SettingsError("the connection string has no user and host that can be read", todo=EXAMPLE)
    return _parts("", "", place)


def _has_at_in_options(place: re.Match[str]) -> bool:
    return "@" in (place["query"] or "") and _OPTIONS.fullmatch(place["query"]) is not None


def _check_scheme(name: str) -> None:
    if name.startswith(("postgresql+", "postgres+")):
        raise SettingsError(
            f"a {name}:// connection string is for drivers over TCP, not for SQL over HTTP",
            todo="write postgresql://… for Neon",
        )
    if name not in {"postgresql", "postgres"}:
        raise SettingsError(f"the connection string is for {name!r}, not for Postgres", todo=EXAMPLE)


def _parts(user: str, password: str, place: re.Match[str]) -> ConnectionString:
    database = _unescaped(place["database"] or "")
    port = int(place["port"]) if place["port"] else None
    return ConnectionString(user, password, place["host"], port, database, place["query"] or "")


def escaped(text: str) -> str:
    """Return `text` with everything percent-encoded that a part of a URL cannot hold as it is."""
    return text if _PLAIN.fullmatch(text) else _quote(text, "")


def _quote(text: str, safe: str) -> str:
    from urllib.parse import quote

    return quote(text, safe=safe)


def _unescaped(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        text = ""  # no traceback is to show it
        raise SettingsError("the connection string has escapes (%…) that are not UTF-8", todo=EXAMPLE) from None


def read_host(written: str) -> str:
    """Return a host in lower case and ASCII, an IPv6 address without its brackets. Raises SettingsError."""
    host = written.lower()
    if host.startswith("["):
        if not is_address(host[1:-1]):
            raise SettingsError(f"the host {host} is not an address", todo=EXAMPLE)
        return host[1:-1]
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise SettingsError(f"the host {host!r} is not one that DNS can hold", todo=EXAMPLE)
    return name


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def is_address(host: str) -> bool:
    """Tell whether `host` is an IP address and no name."""
    return _is_ipv4(host) or _ipv6(host) is not None


def is_loopback(host: str) -> bool:
    """Tell whether `host` is `localhost`, in 127.0.0.0/8, or ::1."""
    if host.lower() == "localhost":
        return True
    if _is_ipv4(host):
        return host.startswith("127.")
    address = _ipv6(host)
    return address is not None and address.is_loopback


def _is_ipv4(host: str) -> bool:
    if not host[-1:].isdigit():
        return False  # nearly always, and nothing is imported to tell
    import socket  # asyncio has it already; ipaddress takes a cold start a millisecond

    try:
        return bool(socket.inet_pton(socket.AF_INET, host))
    except (OSError, ValueError):
        return False


def _ipv6(host: str) -> IPv6Address | None:
    if ":" not in host:
        return None
    from ipaddress import IPv6Address

    try:
        return IPv6Address(host)
    except ValueError:
        return None
