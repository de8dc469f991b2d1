"""Settings for one transaction: what `settings=` of a transaction puts in front of its statements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sendoka.database.statement import Statement

__all__ = ["digested", "set_locally"]

_HEADERS = {
    "transaction_read_only": "read_only=",
    "transaction_isolation": "isolation_level=",
    "transaction_deferrable": "deferrable=",
}


def set_locally(settings: Mapping[Any, Any] | None) -> list[Statement]:
    """Return the statement, if it takes one, that makes `settings` hold until the transaction ends, in their order.

    Values: text as it is; numbers and bool; a timedelta in milliseconds; a dict or list as JSON, for
    `request.jwt.claims`; None for the setting's default. Raises TypeError or ValueError for what is no setting.
    """
    if not settings:
        return []
    if not isinstance(settings, Mapping):
        raise TypeError(f"settings= is a mapping of names to values, not {type(settings).__name__}")
    params: list[str | None] = []
    for name, value in settings.items():
        if not isinstance(name, str) or not name or "\0" in name:
            raise ValueError(f"settings= has a name that no setting has: {name!r}")
        if name.lower() in _HEADERS:
            raise ValueError(f"settings= cannot change {name}; say {_HEADERS[name.lower()]} to the transaction")
        params += [name, _text(name, value)]
    calls = ", ".join(f"set_config(${at}, ${at + 1}, true)" for at in range(1, len(params), 2))
    return [Statement(f"select {calls}", tuple(params))]


def digested(settings: Mapping[Any, Any] | None) -> list[Statement]:
    """Return what of `settings` belongs to the meaning of a transaction: all but time-outs, and the times of claims."""
    meant = {name: value for name, value in (settings or {}).items() if not name.endswith("_timeout")}
    return set_locally({name: _timeless(value) for name, value in meant.items()})


# Registered claims that differ from token to token of one user: RFC 7519, section 4.1.
_OF_A_TOKEN = frozenset({"exp", "nbf", "iat", "jti"})


def _timeless(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: claim for name, claim in value.items() if name not in _OF_A_TOKEN}


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, timedelta):
        return f"{value // timedelta(milliseconds=1)}ms"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    raise TypeError(
        f"settings= has {name} of type {type(value).__name__}; text, a number, a timedelta or JSON is wanted"
    )
