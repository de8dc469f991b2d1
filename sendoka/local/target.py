"""Whom a request asks: user, password and database, read from the connection string in its header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from sendoka.local.failure import Failure

__all__ = ["Target", "read_target"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"//(?P<authority>[^/?#]*)(?P<path>[^?#]*)")


@dataclass(frozen=True, slots=True)
class Target:
    """User, password and database, percent-decoded. The host only matters to Neon, which routes by it."""

    user: str
    password: str
    database: str

    def __repr__(self) -> str:
        return f"Target({self.user!r}, {self.database!r})"


def read_target(header: bytes | None, *, authorization: bool = False) -> Target:
    """Return the target of a `Neon-Connection-String` header; raises Failure with Neon's text for what is wrong.

    A request with an `Authorization` header wants to be let in by a token, which the password's address refuses.
    """
    if header is None or not header.isascii():
        raise Failure("invalid header: neon-connection-string")
    answer = _parse(header.decode("ascii"), authorization)
    if isinstance(answer, str):
        raise Failure(answer)
    return answer


@lru_cache(maxsize=256)
def _parse(text: str, authorization: bool) -> Target | str:
    """Return the target, or what is wrong with it. The checks come in the order in which Neon makes them."""
    scheme = _SCHEME.match(text)
    if not scheme:
        return "invalid connection string: relative URL without a base"
    place = _AUTHORITY.match(text, scheme.end())
    userinfo, _, host = place["authority"].rpartition("@") if place else ("", "", "")
    malformed = _malformed(userinfo, host)
    if malformed:
        return f"invalid connection string: {malformed}"
    if scheme[1].lower() not in {"postgres", "postgresql"}:
        return "incorrect scheme"
    if place is None or not place["path"]:
        return "missing database name"
    if "%00" in text:
        return "invalid connection string: NUL"  # libpq's own strings end there, and the settings behind it are lost
    user, _, password = userinfo.partition(":")
    if not user:
        return "missing username"
    if not password or authorization:
        return "missing authentication credentials: required password"
    # Neon knows hosts by name and takes no IPv6 address; a local endpoint must be reachable by its own.
    if not host or (host.startswith("[") and not host.startswith("[::1]")):
        return "missing hostname"
    return Target(unquote(user), unquote(password), unquote(place["path"][1:].partition("/")[0]))


def _malformed(userinfo: str, host: str) -> str | None:
    port = host[host.rfind("]") + 1 :].partition(":")[2]
    if port and not (port.isdecimal() and int(port) < 65536):
        return "invalid port number"
    if userinfo and not host.removesuffix(f":{port}"):
        return "empty host"
    return None
