"""Whether a browser asks on behalf of a page from elsewhere, which must not reach a developer's database."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["is_foreign"]


def is_foreign(origin: bytes | None) -> bool:
    """Tell whether an `Origin` header names anything but this machine. Programs send none; a sandboxed page `null`."""
    if origin is None:
        return False
    try:
        host = urlsplit(origin.decode("ascii")).hostname or ""
        return not (host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback)
    except ValueError:
        return True
