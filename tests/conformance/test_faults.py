"""The fault sweep: whatever breaks, and wherever, what the caller is told about a statement is true.

A failure names its seed: `SENDOKA_SEED=1234 pytest tests/conformance/test_faults.py` runs that case alone.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.local import Endpoint
from sendoka.local.server import Server
from tests.conformance.sweep import GRID, TABLES, Case, Report, case, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from sendoka.local.postgres import Postgres

AT_ONCE = 48
ROUNDS = int(os.environ.get("SENDOKA_SOAK", "1"))
SEED = os.environ.get("SENDOKA_SEED")


class Counted(Endpoint):
    """An endpoint that knows how many requests it is still working on."""

    running = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        counts = scope["type"] == "http"
        self.running += counts
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.running -= counts


@pytest.fixture(scope="module")
def counted(postgres: Postgres) -> Iterator[Server]:
    with Server(Counted(postgres)) as serving:
        yield serving


@pytest.mark.parametrize("transport", ["native", "httpx"])
@pytest.mark.parametrize("round_", range(ROUNDS) if SEED is None else [0])
async def test_what_is_said_about_a_statement_is_true(
    round_: int, transport: str, counted: Server, database: str, direct: psycopg.Connection[Any]
) -> None:
    await prepare(direct)
    seeds = range(round_ * len(GRID), (round_ + 1) * len(GRID)) if SEED is None else [int(SEED)]
    cases = [one for one in (case(seed, transport) for seed in seeds) if one.fair]
    reports = await run_all(cases, counted, database)
    await until_idle(counted, direct)
    rows = count_rows(direct)
    wrong = [complaint for report in reports for complaint in report.complaints(rows[report.case.key])]
    assert wrong == [], replay(wrong)
    if SEED is None:
        assert {"succeeded", "not_sent", "unknown", "was cancelled"} <= {report.said for report in reports}


async def prepare(direct: psycopg.Connection[Any]) -> None:
    for table in TABLES:
        direct.execute(table.encode())
    direct.execute("grant all on effects, kept to public")


async def run_all(cases: list[Case], server: Server, database: str) -> list[Report]:
    """Run the cases, many at once."""
    turns = asyncio.Semaphore(AT_ONCE)
    login = server.connection_string(database)

    def url(port: int) -> str:
        return login.replace(f"localhost:{server.port}", f"127.0.0.1:{port}")

    async def one(found: Case) -> Report:
        async with turns:
            try:
                return await run(found, server.endpoint, server.port, url)
            except Exception as error:  # noqa: BLE001 - whatever is raised is the finding
                return Report(found, f"raised {type(error).__name__}", error=error)

    return await asyncio.gather(*map(one, cases))


async def until_idle(server: Server, direct: psycopg.Connection[Any]) -> None:
    """Wait until nothing is on its way any more, nor runs: what was only delayed must not be missed."""
    assert isinstance(server.endpoint, Counted)
    quiet = 0
    async with asyncio.timeout(20):
        while quiet < 5:
            await asyncio.sleep(0.02)
            quiet = 0 if server.endpoint.running or direct.execute(BUSY).fetchone() else quiet + 1


BUSY = "select from pg_stat_activity where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()"
ROWS = "select key, count(*) from (select key from effects union all select key from kept) e group by 1"


def count_rows(direct: psycopg.Connection[Any]) -> Counter[str]:
    return Counter(dict(direct.execute(ROWS).fetchall()))


def replay(wrong: list[str]) -> str:
    lines = "\n".join(wrong[:20])
    return f"{len(wrong)} cases:\n{lines}\nreplay one: SENDOKA_SEED=<seed> pytest tests/conformance/test_faults.py"
