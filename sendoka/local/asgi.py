"""The endpoint behind any ASGI server, and without one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sendoka.local.answer import Answer, Request, announces_more

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sendoka.local.app import Endpoint

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["ConnectionCut", "answer", "live"]


class ConnectionCut(Exception):
    """The connection is to be cut, which ASGI has no way to say: the server, or an in-process client, gets this."""


class _Gone(Exception):
    """The client went away before its request was here."""


async def live(endpoint: Endpoint, receive: Receive, send: Send) -> None:
    """Follow the life of a server."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await endpoint.aclose()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(endpoint: Endpoint, scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request; half of one is let go. Raises ConnectionCut where a fault says so."""
    headers = dict(reversed(list(scope["headers"])))  # the first of a name counts
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    try:
        body = await _body(headers, receive, endpoint.max_request)
    except _Gone:
        return
    made = await _unless_gone(endpoint.respond(Request(scope["method"], path, headers, body)), receive)
    if made is None:
        return
    if made.cut is not None and not made.cut.body:
        raise ConnectionCut("the connection was cut by a fault")
    await send({"type": "http.response.start", "status": made.status, "headers": list(made.all_headers())})
    if made.cut is not None:
        await send({"type": "http.response.body", "body": made.cut.keep(b"", made.body), "more_body": True})
        raise ConnectionCut("the connection was cut by a fault")
    await asyncio.sleep(made.seconds)
    await send({"type": "http.response.body", "body": made.body})


async def _unless_gone(response: Any, receive: Receive) -> Answer | None:
    """Return the answer, or None where the client went away first: the request is then cancelled."""
    work: asyncio.Task[Answer] = asyncio.ensure_future(response)
    gone = asyncio.create_task(_disconnect(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        work.cancel()  # which does nothing to one that is done
        await asyncio.wait({work, gone})
    return None if work.cancelled() else work.result()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes | None:
    """Return the body, None where it is larger than `limit`. Raises _Gone."""
    if announces_more(headers, limit):
        return None
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > limit:
            return None
    return b"".join(parts)
