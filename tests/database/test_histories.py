"""The machine of `tests/fixtures/machine.py` over a real Postgres: a few walks, for the other one may be unlike it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sendoka import Retry, neon
from sendoka.database.transaction import DEFAULT
from sendoka.migrations import call
from tests.fixtures.histories import Lookable, Seen
from tests.fixtures.machine import HEAD, Histories
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg
    import pytest

    from sendoka.database import Cells, Result, Statement, TransactionOptions
    from sendoka.local import Postgres, Server
    from tests.fixtures.postgres import Supply

HISTORY = "select name, checksum, parent, digest, state from sendoka.migrations order by seq"
BY_DRIZZLE = (
    "insert into effects values ('base')",
    "create schema drizzle",
    "create table drizzle.__drizzle_migrations (id int, hash text, created_at bigint)",
)
NOTED = "insert into drizzle.__drizzle_migrations values (1, %s, %s)"


class Real(Lookable):
    """A database of a real Postgres, reached over HTTP, and looked at beside."""

    def __init__(self, drizzle: str | None, postgres: Postgres, server: Server, databases: Supply) -> None:
        self.databases, self.name = databases, databases.take()
        self.sql = neon(server.connection_string(self.name), transport="native", retry=Retry(attempts=1))
        self.direct: psycopg.Connection[Any] = postgres.databases.admin.to(self.name).connect()
        self.direct.execute(f"set role {postgres.login.user}")
        self.direct.execute("create table effects (name text)")
        if drizzle is not None:
            for text in BY_DRIZZLE:
                self.direct.execute(text.encode())
            self.direct.execute(NOTED, HEAD if drizzle == "adopted" else ("e" * 64, 5000))

    async def look(self) -> Seen:
        there = self.direct.execute("select to_regclass('sendoka.migrations') is not null").fetchall() == [(True,)]
        rows = self.direct.execute(HISTORY).fetchall() if there else []
        effects = self.direct.execute("select name, count(*) from effects group by 1").fetchall()
        return Seen(tuple(rows), Counter(dict(effects)))

    async def run(self, statement: Statement) -> Result[Cells]:
        return await self.sql.run(statement)

    async def run_all(
        self, statements: Sequence[Statement], options: TransactionOptions = DEFAULT
    ) -> list[Result[Cells]]:
        return await self.sql.run_all(statements, options)

    async def aclose(self) -> None:
        await self.sql.aclose()
        self.direct.close()
        self.databases.give_back(self.name)


def test_a_real_postgres_is_what_the_model_says(
    postgres: Postgres, server: Server, databases: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "_LONGEST", 0.01)

    class OnPostgres(Histories):
        @staticmethod
        def make(drizzle: str | None) -> Real:
            return Real(drizzle, postgres, server, databases)

    run_state_machine_as_test(
        OnPostgres,
        settings=settings(
            max_examples=2 * SOAK,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
