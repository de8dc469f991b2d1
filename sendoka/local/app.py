"""`Endpoint`: Neon's `POST /sql` over a real PostgreSQL, as an ASGI application."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendoka.local import asgi, control
from sendoka.local.answer import ANY_ORIGIN, JSON, Answer, Request
from sendoka.local.backends import PASSWORD_SECONDS, Backends
from sendoka.local.credentials import Login
from sendoka.local.execution import run_batch, run_single
from sendoka.local.failure import Failure
from sendoka.local.faults import CONTROL_PATH, Faults
from sendoka.local.mishaps import Mishaps
from sendoka.local.origin import is_foreign, read_origins
from sendoka.local.request import Options, Payload, read_options, read_payload
from sendoka.local.target import Target, read_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendoka.local.asgi import Message, Receive, Send
    from sendoka.local.postgres import Postgres

__all__ = ["MEGABYTE", "Endpoint", "Exchange"]

MEGABYTE = 1 << 20

LARGE = 1 << 18
"""Bytes from which a body is read in a thread, so that other requests do not wait for it."""

_PREFLIGHT = (
    (b"allow", b"OPTIONS, POST"),
    ANY_ORIGIN,
    (
        b"access-control-allow-headers",
        (
            b"Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, Neon-Pool-Opt-In, "
            b"Neon-Batch-Read-Only, Neon-Batch-Isolation-Level"
        ),
    ),
    (b"access-control-max-age", b"86400"),
)
# Chrome asks for this where a page of the internet wants to reach this machine.
_ASKS_FOR_LOCAL = b"access-control-request-private-network"
_LOCAL_ALLOWED = (b"access-control-allow-private-network", b"true")

_NOT_SUPPORTED = Answer(400, b'"query is not supported"', (JSON,))
_FOREIGN = Answer(403, Failure("a page of another origin may not use a local database").body(), (JSON,))


@dataclass(slots=True)
class Exchange:
    """A recorded request to `POST /sql`: its statements, and the status answered, None where it was cut off."""

    statements: tuple[str, ...] = ()
    batch: bool = False
    status: int | None = None


class Endpoint:
    """An ASGI application that answers `POST /sql` as Neon does, from the PostgreSQL it is given.

    `postgres` is a `Postgres`, a `Login` or a URL: only where the server is counts, user and password come with each
    request. Any number of event loops may use it at a time, each with sessions of its own. Limits are in bytes. A
    password that was right counts for `password_seconds` without asking PostgreSQL again. Pages of `allow_origins` may
    ask (`https://app.example.com`), beside those of this machine. `faults` makes things go wrong; `requests` counts
    requests to `/sql`, and with `record=True` the `exchanges` are kept.
    Raises SettingsError for a URL or an origin that cannot be read.
    """

    def __init__(
        self,
        postgres: Postgres | Login | str,
        *,
        max_request: int = 64 * MEGABYTE,
        max_response: int = 64 * MEGABYTE,
        password_seconds: float = PASSWORD_SECONDS,
        allow_origins: Iterable[str] = (),
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
        self._password_seconds = password_seconds
        self._allowed = read_origins(allow_origins)
        self._record = record
        self._backends: dict[asyncio.AbstractEventLoop, Backends] = {}
        self._mishaps = Mishaps(max_request, max_response)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request of an ASGI server, or follow its life."""
        if scope["type"] == "http":
            await asgi.answer(self, scope, receive, send)
        elif scope["type"] == "lifespan":
            await asgi.live(self, receive, send)

    async def respond(self, request: Request) -> Answer:
        """Return the answer to any request. Cancelling it is what a client's going away means."""
        if is_foreign(request.headers.get(b"origin"), self._allowed):
            return _FOREIGN
        if request.path == b"/sql" and request.method == "POST":
            return await self._sql(request)
        if request.path == b"/sql" and request.method == "OPTIONS":
            local = (_LOCAL_ALLOWED,) if _ASKS_FOR_LOCAL in request.headers else ()
            return Answer(200, b"", (*_PREFLIGHT, *local))
        if request.path == CONTROL_PATH.encode():
            status, body = await control.answer(self, request)
            return Answer(status, body, (JSON,))
        return _NOT_SUPPORTED

    async def log_in(self, target: Target) -> None:
        """Check user, password and database. Raises Failure."""
        backends = self._here()
        backends.release(await backends.acquire(target), keep=True)

    def give_up(self) -> None:
        """End the running event loop's sessions with PostgreSQL; what they run is answered with `connection closed`."""
        backends = self._backends.pop(asyncio.get_running_loop(), None)
        if backends is not None:
            backends.close()
        self._forget_ended()

    async def aclose(self) -> None:
        """End the running event loop's sessions with PostgreSQL, and forget what `late` faults hold there."""
        await self._mishaps.close()
        self.give_up()

    # -------------------------------------------------------------- SQL

    async def _sql(self, request: Request) -> Answer:
        self.requests += 1
        exchange = Exchange()
        if self._record:
            self.exchanges.append(exchange)
        try:
            answer = await self._answer(request, exchange)
        except Failure as failure:
            answer = Answer.of(failure)
        if answer.cut is None:
            exchange.status = answer.status
        return answer

    async def _answer(self, request: Request, exchange: Exchange) -> Answer:
        headers = request.headers
        target = read_target(headers.get(b"neon-connection-string"), authorization=b"authorization" in headers)
        options = read_options(headers)
        body = request.body
        if body is None:
            raise Failure(f"request is too large (max is {self.max_request} bytes)", status=413)
        payload = read_payload(body) if len(body) < LARGE else await asyncio.to_thread(read_payload, body)
        if self._record:
            exchange.statements = tuple(query.text for query in payload.queries)
            exchange.batch = payload.batch
        if not self.faults and not self._mishaps:
            return await self._run(target, options, payload)
        fault = self.faults.take("\n".join(query.text for query in payload.queries))
        return await self._mishaps.run(fault, body, lambda veto: self._run(target, options, payload, veto))

    async def _run(self, target: Target, options: Options, payload: Payload, veto: Failure | None = None) -> Answer:
        backends = self._here()
        backend = await backends.acquire(target)
        keep = False
        try:
            if payload.batch:
                body = await run_batch(backend, payload.queries, options, self.max_response, veto)
                keep = True
                return Answer(200, body, (JSON, ANY_ORIGIN, *options.echo))
            body = await run_single(backend, payload.queries[0], options, self.max_response)
            keep = True
            return Answer(200, body)
        except Failure as failure:
            # A single query's session is thrown away with its failure, a batch's is rolled back and kept.
            keep = payload.batch and failure.keeps_session
            raise
        finally:
            backends.release(backend, keep=keep)

    def _here(self) -> Backends:
        """Return the sessions of the running event loop."""
        loop = asyncio.get_running_loop()
        backends = self._backends.get(loop)
        if backends is None:
            self._forget_ended()
            backends = self._backends[loop] = Backends(self.login, password_seconds=self._password_seconds)
        return backends

    def _forget_ended(self) -> None:
        """End the sessions of event loops that have ended; one that lives is alone in touching its own."""
        for loop in list(self._backends):
            ended = self._backends.pop(loop, None) if loop.is_closed() else None
            if ended is not None:
                ended.close()
