"""Identifiers: a short prefix that says what a row is, and 24 random characters."""

from __future__ import annotations

import re
import secrets

__all__ = ["ALPHABET", "MAX_PREFIX", "check_prefix", "new_id"]

ALPHABET = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""64 characters that need no escaping in a URL, so six random bits make one."""

RANDOM_LENGTH = 24
MAX_PREFIX = 7
"""`prefix` + `_` + 24 characters fit `varchar(32)`."""

_PREFIX = re.compile(r"[a-z][a-z0-9]*")


def check_prefix(prefix: str) -> str:
    """Return `prefix`, or raise ValueError: 1 to 7 characters, a lower-case letter first, then letters and digits."""
    if len(prefix) > MAX_PREFIX:
        raise ValueError(
            f"the prefix {prefix!r} has {len(prefix)} characters; {MAX_PREFIX} is the most that fits varchar(32)"
        )
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"the prefix {prefix!r} must be lower-case letters and digits, a letter first: msg, org, key2")
    return prefix


def new_id(prefix: str) -> str:
    """Return a new identifier such as `msg_V1StGXR8_Z5jdHi6B-myT0ab`: 144 random bits from the system's source.

    Raises ValueError for a prefix that `check_prefix` refuses.
    """
    check_prefix(prefix)
    return prefix + "_" + "".join(ALPHABET[byte & 63] for byte in secrets.token_bytes(RANDOM_LENGTH))
