"""Statements run on a session: one by itself, or a batch as one transaction, up to the JSON of what came out."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sendoka.local.failure import Failure
from sendoka.local.reply import Body, ResultWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendoka.local.request import Options, Query
    from sendoka.local.wire import Backend

__all__ = ["run_batch", "run_single"]


async def run_single(backend: Backend, query: Query, options: Options, limit: int) -> bytes:
    """Run one statement in a transaction of its own; return its result object. Raises Failure."""
    body = Body(limit)
    with _cancelled_with_us(backend):
        await _run(backend, query, options, body, alone=True)
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
    await _control(backend, options.begin)
    with _cancelled_with_us(backend):
        for number, query in enumerate(queries):
            if number:
                body.put(",")
            await _run(backend, query, options, body, alone=False)
    if veto is not None:
        raise veto
    # From here on the client's going away stops nothing.
    await _control(backend, "COMMIT")
    body.put("]}")
    return b"".join(body.parts)


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


async def _run(backend: Backend, query: Query, options: Options, body: Body, *, alone: bool) -> None:
    array = options.array if query.array is None else query.array
    writer = ResultWriter(body, typed=not options.raw, array=array)
    await backend.run(query.text, query.params, writer, alone=alone)
