"""A runner of the measured backfill, as a process: `_runner.py FORM URL OPTIONS` prints what it took, as JSON.

FORM is `sql` or `python`, or `loop` for what everybody writes first: read a thousand rows, update each, and again.
OPTIONS is JSON: parameters of `run`, and `batches` or `rows`, after which it stops.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from sendoka import neon
from sendoka.backfills import Batch, backfill, run

if TYPE_CHECKING:
    from sendoka.backfills import Progress
    from sendoka.http.client import Neon

WHERE = "tenant_id is null"
ONE_PAGE = 1000

message_tenants = backfill(
    table="messages",
    where=WHERE,
    sql="""
        update messages set tenant_id = orgs.default_tenant_id
        from page join orgs on orgs.id = page.org_id
        where messages.id = page.id
    """,
)


@backfill(table="messages", where=WHERE, columns=["org_id"])
async def message_tenants_step(_sql: Neon, batch: Batch) -> object:
    """Do the same by a step: what the organisation's tenant is, Python knows."""
    return batch.update({row["id"]: {"tenant_id": row["org_id"].replace("org_", "ten_")} for row in batch.rows})


class Clock:
    """The moments at which batches were done, and whether these are enough."""

    def __init__(self, batches: int | None) -> None:
        self._batches = batches
        self.moments = [time.perf_counter()]

    def note(self, progress: Progress) -> None:
        """Note that a batch was done."""
        if not progress.waiting:
            self.moments.append(time.perf_counter())

    def enough(self) -> bool:
        """Tell whether so many were done."""
        return self._batches is not None and len(self.moments) > self._batches

    @property
    def median(self) -> float:
        """Seconds from one batch to the next."""
        return statistics.median(late - early for early, late in zip(self.moments, self.moments[1:], strict=False))


async def backfilled(sql: Neon, form: str, options: dict[str, Any]) -> dict[str, Any]:
    """Run the backfill, and return what the report says."""
    clock = Clock(options.pop("batches", None))
    chosen = message_tenants if form == "sql" else message_tenants_step
    report = await run(sql, chosen, on_progress=clock.note, stop=clock.enough, **options)
    return {"batch": clock.median, "changed": report.changed, "batches": report.batches, "done": report.done}


async def looped(sql: Neon, rows: int) -> dict[str, Any]:
    """Read a thousand rows and update each, as often as it takes."""
    changed = 0
    while changed < rows:
        page = await sql(f"select id, org_id from messages where tenant_id is null limit {ONE_PAGE}")
        for row in page:
            tenant = row["org_id"].replace("org_", "ten_")
            await sql("update messages set tenant_id = $1 where id = $2", tenant, row["id"])
            changed += 1
    return {"changed": changed}


async def bare(sql: Neon, batches: int) -> dict[str, Any]:
    """Update a thousand rows by their keys, again and again: what a batch cannot be quicker than."""
    moments = []
    for _ in range(batches):
        rows = await sql(f"select id from messages where tenant_id is null order by id limit {ONE_PAGE}")
        low, high = rows[0]["id"], rows[-1]["id"]
        began = time.perf_counter()
        await sql(
            "update messages m set tenant_id = o.default_tenant_id from orgs o"
            " where o.id = m.org_id and m.id between $1 and $2 and m.tenant_id is null",
            low,
            high,
        )
        moments.append(time.perf_counter() - began)
    return {"batch": statistics.median(moments)}


async def main(form: str, url: str, options: dict[str, Any]) -> None:
    """Do it, and print the seconds, the memory at its highest, and what else is known."""
    async with neon(url, endpoint=options.pop("endpoint", None)) as sql:
        await sql("select 1")
        began = time.perf_counter()
        if form == "loop":
            found = await looped(sql, options["rows"])
        elif form == "bare":
            found = await bare(sql, options["batches"])
        else:
            found = await backfilled(sql, form, options)
        seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, **found}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
