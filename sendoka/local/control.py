"""The control route of a local endpoint: faults set, listed and cleared by another process that knows the password."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sendoka.errors import SettingsError
from sendoka.local.failure import Failure
from sendoka.local.faults import Fault
from sendoka.local.target import read_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendoka.local.app import Endpoint

__all__ = ["answer"]

_FIELDS = {field.name for field in fields(Fault)}


async def answer(endpoint: Endpoint, method: str, headers: Mapping[bytes, bytes], body: bytes) -> tuple[int, bytes]:
    """Return status and body. The caller proves itself as it does for SQL, by its connection string."""
    try:
        await endpoint.log_in(read_target(headers.get(b"neon-connection-string")))
        if method == "POST":
            endpoint.faults.arm(_fault(json.loads(body)))
        elif method == "DELETE":
            endpoint.faults.clear()
        elif method != "GET":
            raise Failure(f"{method} means nothing here; use GET, POST or DELETE")
    except (SettingsError, ValueError, TypeError) as error:
        return 400, Failure(str(error)).body()
    except Failure as failure:
        return failure.status, failure.body()
    state = {"requests": endpoint.requests, "faults": endpoint.faults.listed()}
    return 200, json.dumps(state).encode()


def _fault(document: Any) -> Fault:
    if not isinstance(document, dict) or "kind" not in document:
        raise SettingsError('a fault is an object with at least a "kind"')
    unknown = sorted(set(document) - _FIELDS)
    if unknown:
        raise SettingsError(f"a fault has no {unknown[0]!r}; it has: {', '.join(sorted(_FIELDS))}")
    return Fault(**document)
