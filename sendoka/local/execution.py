"""Statements run on a session: one by itself, or a batch as one transaction, up to the JSON of what came out."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sendoka.local.failure import Failure
from sendoka.local.reply import Body, ResultWriter
from sendoka.local.wire import may_follow_unseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.local.request import Options, Query
    from sendoka.local.wire import Backend

__all__ = ["run_batch", "run_single"]


async def run_single(backend: Backend, query: Query, options: Options, limit: int) -> bytes:
    """Run one statement in a transaction of its own; return its result object. Raises Failure."""
    body = Body(limit)
    (writer,) = _writers([query], options, body)
    with _cancelled_with_us(backend):
        await backend.run(query, writer, alone=True)
    return b"".join(body.parts)


async def run_batch(
    backend: Backend, queries: Sequence[Query], options: Options, limit: int, veto: Failure | None = None
) -> bytes:
    """Run all in one transaction, in order; return their results as one object.

    The first failure ends it and is raised as Failure, the transaction open: cleaning the session rolls it back. A
    `veto` is a failure that comes before COMMIT.
    """
    body = Body(limit)
    body.put('{"results":[')
    writers = _writers(queries, options, body)
    with _cancelled_with_us(backend):
        if options.raw and all(map(may_follow_unseen, queries)):
            await backend.run_together(options.begin, queries, writers)
        else:
            await _control(backend, options.begin)
            for query, writer in zip(queries, writers, strict=True):
                await backend.run(query, writer, alone=False)
    if veto is not None:
        raise veto
    # From here on the client's going away stops nothing.
    await _control(backend, "COMMIT")
    body.put("]}")
    return b"".join(body.parts)


def _writers(queries: Sequence[Query], options: Options, body: Body) -> Iterator[ResultWriter]:
    """Yield what writes each result, its comma before it."""
    for number, query in enumerate(queries):
        if number:
            body.put(",")
        array = options.array if query.array is None else query.array
        yield ResultWriter(body, typed=not options.raw, array=array)


@contextmanager
def _cancelled_with_us(backend: Backend) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        backend.cancel()
        raise


async def _control(backend: Backend, text: str) -> None:
    try:
        await backend.simple(text.encode())
    except Failure as failure:
        failure.keeps_session = False
        raise
