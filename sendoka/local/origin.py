"""Whether a browser asks on behalf of a page from elsewhere, which must not reach a developer's database.

A page whose own name was made to point here (DNS rebinding) is told by the same header: browsers send `Origin` with
every POST, and it names the page, not the address. The `Host` header is not looked at, for Neon does not look at it and
programs reach a local endpoint under any name.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sendoka.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_foreign", "read_origins"]


def is_foreign(origin: bytes | None, allowed: frozenset[str] = frozenset()) -> bool:
    """Tell whether an `Origin` header names anything but this machine and the `allowed` ones.

    Programs send none; a sandboxed page sends `null`.
    """
    if origin is None or "*" in allowed:
        return False
    try:
        text = origin.decode("ascii").lower()
        if text in allowed:
            return False
        host = urlsplit(text).hostname or ""
        return not (host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback)
    except ValueError:
        return True


def read_origins(origins: Iterable[str]) -> frozenset[str]:
    """Return origins as browsers write them: `https://app.example.com`, a port only where it is not the usual one.

    `*` means any and `null` a sandboxed page. Raises SettingsError for what no browser would send.
    """
    return frozenset(_read(origin) for origin in origins)


_USUAL = {"http": 80, "https": 443}


def _read(origin: str) -> str:
    if origin in {"*", "null"}:
        return origin
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or not host or parts.scheme not in _USUAL or parts.path not in {"", "/"} or parts.query:
        raise SettingsError(f"{origin!r} is no origin", todo="write it as https://app.example.com, without a path")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, _USUAL[parts.scheme]} else "")
