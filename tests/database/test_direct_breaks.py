"""The seam over TCP, broken at every message: what it says became of its statements is what the database shows."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.database import Retry, Statement
from sendoka.direct import Direct
from sendoka.errors import Outcome, SendokaError
from tests.fixtures.canned import raw
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import psycopg

    from sendoka.local.postgres import Postgres

    Watcher = psycopg.Connection[tuple[Any, ...]]

WRITES = [Statement("insert into t values ($1)", ("a",)), Statement("insert into t values ($1)", ("b",))]
MOST = 100  # messages; an exchange has far fewer
BACKENDS = "select pid from pg_stat_activity where datname = current_database() and application_name = 'sendoka'"


@dataclass
class Proxy:
    """Stands between asyncpg and Postgres. Before message number `at`, of either side, it calls `act`, once.

    Where that returns False the message is swallowed and both connections are cut; where it returns None they are cut
    behind it.
    """

    host: str
    port: int
    listens: int = 0
    at: int = 0
    act: Callable[[], Awaitable[bool | None]] | None = None
    seen: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def url(self, login: str) -> str:
        """Return a connection string that leads through here."""
        return login.replace(f":{self.port}/", f":{self.listens}/") + "?sslmode=disable"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both sides say, until one of them ends or is cut."""
        there_reader, there = await asyncio.open_connection(self.host, self.port)
        ways = [asyncio.create_task(self._pass(reader, there)), asyncio.create_task(self._pass(there_reader, writer))]
        self.tasks += ways
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for stream in (writer, there):
            stream.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 << 20):
                self.seen += 1
                go_on: bool | None = True
                if self.seen == self.at and self.act is not None:
                    act, self.act = self.act, None
                    go_on = await act()
                if go_on is False:
                    return
                target.write(data)
                await target.drain()
                if go_on is None:
                    return


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    """A proxy in front of the run's PostgreSQL."""
    made = Proxy(postgres.login.host, postgres.login.port)
    async with raw(made.serve) as made.listens:
        yield made
    await asyncio.gather(*made.tasks, return_exceptions=True)


@dataclass
class Breaking:
    """One exchange that is broken at message `at` in the way of `how`."""

    proxy: Proxy
    watcher: Watcher
    url: str
    batch: bool
    how: str

    async def at(self, number: int, *, login: bool) -> tuple[str, int] | None:
        """Return what was told and how many rows are there afterwards, None where no message has this number.

        The messages of the `login` are counted too, or only those behind it.
        """
        self.watcher.execute("truncate t")
        async with Direct(self.url, retry=Retry(attempts=1), connections=1) as tcp:
            if not login:
                await tcp.run(Statement("select 1"))
            self.proxy.seen, self.proxy.at, self.proxy.act = 0, number, self.act
            self.task = asyncio.create_task(tcp.run_all(WRITES) if self.batch else self._single(tcp))
            told = await self._told()
            reached = self.proxy.act is None
            self.proxy.act = None
            await self.next_one(tcp)
        await self.settled()
        rows = self.watcher.execute("select count(*) from t").fetchone()
        assert rows is not None
        return (told, rows[0]) if reached else None

    async def next_one(self, tcp: Direct) -> None:
        """Whatever happened, the next statement is answered; at most it meets the connection that broke just now."""
        try:
            await tcp.run(Statement("select 1"))
        except SendokaError as error:
            assert getattr(error, "outcome", None) is Outcome.NOT_SENT  # noqa: PT017 - the other half of the answer
            await tcp.run(Statement("select 1"))

    async def act(self) -> bool | None:
        """Break the exchange, and tell what becomes of the message."""
        match self.how:
            case "cut before":
                return False
            case "cut behind":
                return None
            case "kill":
                self.watcher.execute(f"select pg_terminate_backend(pid) from ({BACKENDS}) as b".encode())
                return True
            case _:
                self.task.cancel()
                return True

    async def _single(self, tcp: Direct) -> list[Any]:
        return [await tcp.run(WRITES[0])]

    async def _told(self) -> str:
        try:
            await asyncio.wait_for(asyncio.shield(self.task), 10)
        except SendokaError as error:
            return str(error.outcome)  # type: ignore[attr-defined]  # those of statements have one
        except asyncio.CancelledError:
            return "cancelled"
        return "done"

    async def settled(self) -> None:
        """Wait until the server has let go of what was broken."""
        for _ in range(2500):
            if self.watcher.execute(BACKENDS.encode()).fetchone() is None:
                return
            await asyncio.sleep(0.002)
        raise AssertionError(
            self.watcher.execute("select * from pg_stat_activity where application_name='sendoka'").fetchall()
        )


@pytest.mark.parametrize("batch", [False, True], ids=["alone", "transaction"])
@pytest.mark.parametrize("how", ["cut before", "cut behind", "kill", "cancel"])
async def test_broken_at_every_message_it_never_tells_what_is_not_so(
    postgres: Postgres, database: str, direct: Watcher, proxy: Proxy, how: str, batch: bool
) -> None:
    direct.execute("create table t (a text)")
    direct.execute("grant all on t to public")
    url = proxy.url(postgres.login.to(database).url)
    breaking = Breaking(proxy, direct, url, batch, how)
    everything = len(WRITES) if batch else 1
    possible = {"done": {everything}, Outcome.UNKNOWN: {0, everything}, "cancelled": {0, everything}}

    async def sweep(numbers: range, *, login: bool) -> set[tuple[str, int]]:
        found: set[tuple[str, int]] = set()
        for number in numbers:
            came = await breaking.at(number, login=login)
            if came is None:
                break
            told, rows = came
            assert rows in possible.get(told, {0}), (number, came)
            found.add(came)
        return found

    # The login's messages are told alike, whatever follows: some of them will do.
    logins = range(1, MOST) if SOAK > 1 else range(2 if batch else 1, 14, 4)
    assert {told for told, _ in await sweep(logins, login=True)} & {Outcome.NOT_SENT, "cancelled"}
    # Before it was sent, on the way, and when it was done: who is ended first takes no statement along.
    reached = {
        "cancel": {("cancelled", 0), ("cancelled", everything)},
        "kill": {(Outcome.NOT_SENT, 0), (Outcome.UNKNOWN, 0), ("done", everything)},
    }
    cut = {(Outcome.NOT_SENT, 0), (Outcome.UNKNOWN, everything), ("done", everything)}
    assert reached.get(how, cut) <= await sweep(range(1, MOST), login=False)
