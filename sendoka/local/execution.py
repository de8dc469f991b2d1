"""Statements run on a session: one by itself, or a batch as one transaction, up to the JSON of what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendoka.local.failure import Failure
from sendoka.local.reply import result_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

    from sendoka.local.request import Options, Query
    from sendoka.local.wire import Backend

__all__ = ["run_batch", "run_single"]

FIRST_USER_OID = 16384
"""Types with smaller numbers are built in."""


async def run_single(backend: Backend, query: Query, options: Options, limit: int) -> str:
    """Run one statement in a transaction of its own; return its result object. Raises Failure."""
    return await _run(backend, query, options, limit)


async def run_batch(
    backend: Backend, queries: Sequence[Query], options: Options, limit: int, before_commit: Callable[[], None]
) -> str:
    """Run all in one transaction, in order; return their results as one object.

    The first failure ends it and is raised as Failure, the transaction open: cleaning the session rolls it back.
    `before_commit` is called when the client's going away no longer matters.
    """
    await _control(backend, options.begin)
    results: list[str] = []
    room = limit
    for query in queries:
        results.append(await _run(backend, query, options, room, limit))
        room -= len(results[-1])
    before_commit()
    await _control(backend, "COMMIT")
    return '{"results":[' + ",".join(results) + "]}"


async def _control(backend: Backend, text: str) -> None:
    try:
        await backend.simple(text.encode())
    except Failure as failure:
        failure.keeps_session = False
        raise


async def _run(backend: Backend, query: Query, options: Options, room: int, limit: int | None = None) -> str:
    result = await backend.run(query.text, query.params)
    elements = {} if options.raw else await _elements(backend, result)
    array = options.array if query.array is None else query.array
    text = result_json(result, raw=options.raw, array=array, elements=elements)
    # Neon looks before each row at what there is already, so one row may go over the limit.
    if len(text) > room and result.ntuples > 1:
        raise Failure(f"response is too large (max is {limit or room} bytes)", status=507)
    return text


async def _elements(backend: Backend, result: PGresult) -> dict[int, int]:
    """Return the element types of the array types among the columns that are not built in."""
    oids = {oid for column in range(result.nfields) if (oid := result.ftype(column)) >= FIRST_USER_OID}
    if not oids:
        return {}
    listed = ",".join(str(oid) for oid in sorted(oids))
    found = await backend.run(
        "select oid, typelem from pg_catalog.pg_type where oid = any ($1::oid[]) and typcategory = 'A'",
        [f"{{{listed}}}".encode()],
    )
    return {int(found.get_value(row, 0) or 0): int(found.get_value(row, 1) or 0) for row in range(found.ntuples)}
