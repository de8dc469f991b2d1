"""The control route of a local endpoint: faults set, listed and cleared by another process that knows the password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sendoka.errors import SettingsError
from sendoka.local.failure import Failure
from sendoka.local.fault import Fault
from sendoka.local.target import read_target

if TYPE_CHECKING:
    from sendoka.local.answer import Request
    from sendoka.local.app import Endpoint

__all__ = ["answer"]


async def answer(endpoint: Endpoint, request: Request) -> tuple[int, bytes]:
    """Return status and body. The caller proves itself as it does for SQL, by its connection string.

    400 is a request that makes no sense, 401 a login that is refused.
    """
    try:
        await endpoint.log_in(read_target(request.headers.get(b"neon-connection-string")))
    except Failure as failure:
        return 401 if failure.status == 400 else failure.status, failure.body()
    try:
        if request.method == "POST":
            endpoint.faults.arm(_fault(json.loads(request.body or b"")))
        elif request.method == "DELETE":
            endpoint.faults.clear()
        elif request.method != "GET":
            raise Failure(f"{request.method} means nothing here; use GET, POST or DELETE")
    except (SettingsError, ValueError, RecursionError) as error:
        return 400, Failure(str(error)).body()
    except Failure as failure:
        return failure.status, failure.body()
    state = {"requests": endpoint.requests, "faults": endpoint.faults.listed()}
    return 200, json.dumps(state).encode()


def _fault(document: Any) -> Fault:
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise SettingsError('a fault is an object with at least a "kind"')
    return Fault.of(**document)
