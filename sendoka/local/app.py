"""`Endpoint`: Neon's `POST /sql` over a real PostgreSQL, as an ASGI application."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendoka.local import control
from sendoka.local.backends import Backends
from sendoka.local.credentials import Login
from sendoka.local.execution import run_batch, run_single
from sendoka.local.failure import Failure
from sendoka.local.faults import CONTROL_PATH, Faults
from sendoka.local.mishaps import Answer, Mishaps
from sendoka.local.origin import is_foreign
from sendoka.local.request import Options, Payload, read_options, read_payload
from sendoka.local.target import Target, read_target
from sendoka.local.watch import Watch, cancel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping

    from sendoka.local.postgres import Postgres

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Header = tuple[bytes, bytes]

__all__ = ["ConnectionCut", "Endpoint", "Exchange"]

MEGABYTE = 1 << 20

_JSON = (b"content-type", b"application/json")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_PREFLIGHT = (
    (b"allow", b"OPTIONS, POST"),
    _ANY_ORIGIN,
    (
        b"access-control-allow-headers",
        (
            b"Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, Neon-Pool-Opt-In, "
            b"Neon-Batch-Read-Only, Neon-Batch-Isolation-Level"
        ),
    ),
    (b"access-control-max-age", b"86400"),
)


class ConnectionCut(Exception):
    """The connection was cut on purpose and no server is there to cut it: what an in-process client gets."""


@dataclass(slots=True)
class Exchange:
    """A recorded request to `POST /sql`: its statements, and the status answered, None where it was cut off."""

    statements: tuple[str, ...] = ()
    batch: bool = False
    status: int | None = None


class Endpoint:
    """An ASGI application that answers `POST /sql` as Neon does, from the PostgreSQL it is given.

    `postgres` is a `Postgres`, a `Login` or a URL: only where the server is counts, user and password come with each
    request. Limits are in bytes. `faults` makes things go wrong; `requests` counts requests to `/sql`, and with
    `record=True` the `exchanges` are kept.
    """

    def __init__(
        self,
        postgres: Postgres | Login | str,
        *,
        max_request: int = 64 * MEGABYTE,
        max_response: int = 64 * MEGABYTE,
        record: bool = False,
    ) -> None:
        if isinstance(postgres, str):
            postgres = Login.from_url(postgres)
        self.login = postgres if isinstance(postgres, Login) else postgres.login
        self.max_request = max_request
        self.max_response = max_response
        self.faults = Faults()
        self.requests = 0
        self.exchanges: list[Exchange] = []
        self._record = record
        self._backends: Backends | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._mishaps = Mishaps()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or follow a server's life."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def log_in(self, target: Target) -> None:
        """Check user, password and database. Raises Failure."""
        backends = self._here()
        backends.release(await backends.acquire(target), keep=True)

    def give_up(self) -> None:
        """End all sessions with PostgreSQL. What still runs is answered with `connection closed`."""
        if self._backends is not None:
            self._backends.close()
            self._backends = None

    async def aclose(self) -> None:
        """End all sessions with PostgreSQL, and forget what `late` faults still hold."""
        await self._mishaps.close()
        self.give_up()

    # -------------------------------------------------------------- HTTP

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        path, method = scope["path"], scope["method"]
        if is_foreign(headers.get(b"origin")):
            refusal = Failure("a page of another origin may not use a local database").body()
            await _send(send, 403, refusal, [_JSON])
        elif path == "/sql" and method == "POST":
            await self._sql(scope, headers, receive, send)
        elif path == "/sql" and method == "OPTIONS":
            await _send(send, 200, b"", _PREFLIGHT)
        elif path == CONTROL_PATH:
            body = await _body(headers, receive, MEGABYTE)
            status, body = await control.answer(self, method, headers, body)
            await _send(send, status, body, [_JSON])
        else:
            await _send(send, 400, b'"query is not supported"', [_JSON])

    async def _sql(self, scope: Message, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        self.requests += 1
        exchange = Exchange()
        if self._record:
            self.exchanges.append(exchange)
        try:
            answer = await self._answer(headers, receive, exchange)
        except Failure as failure:
            answer = Answer(failure.status, failure.body())
        if answer.cut:
            await _cut(scope, answer, receive, send)
            return
        exchange.status = answer.status
        await _send(send, answer.status, answer.body, [_JSON, _ANY_ORIGIN, *answer.headers])

    # -------------------------------------------------------------- SQL

    async def _answer(self, headers: Mapping[bytes, bytes], receive: Receive, exchange: Exchange) -> Answer:
        target = read_target(headers.get(b"neon-connection-string"))
        options = read_options(headers)
        body = await _body(headers, receive, self.max_request)
        payload = read_payload(body)
        if self._record:
            exchange.statements = tuple(query.text for query in payload.queries)
            exchange.batch = payload.batch
        if not self.faults and not self._mishaps:
            return await self._run(target, options, payload, receive)
        fault = self.faults.take("\n".join(query.text for query in payload.queries))
        # Who is cut off first cannot be watched for going away.
        watched = None if fault is not None and fault.kind == "late" else receive
        return await self._mishaps.run(fault, body, lambda: self._run(target, options, payload, watched))

    async def _run(self, target: Target, options: Options, payload: Payload, receive: Receive | None) -> Answer:
        backends = self._here()
        backend = await backends.acquire(target)
        watch = Watch(backend, receive or _never)
        keep = False
        try:
            if payload.batch:
                text = await run_batch(backend, payload.queries, options, self.max_response, watch.settle)
            else:
                text = await run_single(backend, payload.queries[0], options, self.max_response)
            keep = True
        except Failure as failure:
            # A single query's session is thrown away with its failure, a batch's is rolled back and kept.
            keep = payload.batch and failure.keeps_session
            raise
        except asyncio.CancelledError:
            cancel(backend)
            raise
        finally:
            backends.release(backend, keep=watch.end() and keep)
        return Answer(200, text.encode("utf-8"), options.echo if payload.batch else ())

    def _here(self) -> Backends:
        """Return the sessions of the running event loop; those of another one that ended are given up."""
        loop = asyncio.get_running_loop()
        if self._backends is None or self._loop is not loop:
            if self._backends is not None:
                self._backends.close()
            self._backends, self._loop = Backends(self.login), loop
        return self._backends


async def _body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    too_large = Failure(f"request is too large (max is {limit} bytes)", status=413)
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            if sum(map(len, parts)) > limit:
                raise too_large
        body = b"".join(parts)
    return body


async def _send(send: Send, status: int, body: bytes, headers: Iterable[Header]) -> None:
    length = (b"content-length", b"%d" % len(body))
    request_id = (b"neon-request-id", str(uuid.uuid4()).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length, request_id]})
    await send({"type": "http.response.body", "body": body})


async def _cut(scope: Message, answer: Answer, receive: Receive, send: Send) -> None:
    if answer.status:
        headers = [_JSON, _ANY_ORIGIN, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    cut = scope.get("state", {}).get("cut")
    if cut is None:
        raise ConnectionCut("the connection was cut by a fault")
    cut()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _never() -> Message:
    await asyncio.get_running_loop().create_future()
    return {}
