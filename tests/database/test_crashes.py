"""The crash matrix: every request of every command that writes, times whatever can happen to a request.

A first run without a fault counts the requests and shows what the database is to be. Then, for a request and a fault,
the command is given from the same beginning, and given again until it ends: the database must be the same to the row,
also when all that was late has arrived and the command was given once more. Over TCP it is the same for every message
that either side says.

The cases are drawn by a seed; `SENDOKA_SEED=123` draws those of that seed, and `SENDOKA_SOAK=20` all there are with
one fault, and then those with a second one a few requests later; of the messages, which are many, it draws more.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sendoka.errors import AdminShutdown, MigrationError, Outcome, PushRefused, SendokaError, TransportError
from sendoka.migrations import alone, call
from tests.fixtures.network import FAULTS, Fault, Killed, Network
from tests.fixtures.soak import SEED, SOAK
from tests.fixtures.wire import BREAKS, Wire
from tests.fixtures.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sendoka.local import Postgres, Server
    from tests.fixtures.writers import Writer

    Road = Callable[[str, Sequence[Fault]], Network | Wire]
    """The way to the database with a name, on which these faults lie."""

SHARE = 2
"""Cases of each command in a run that is no soak."""
OVER_TCP = ("migrate what was begun", "mark")
"""The commands that such a run breaks over TCP, and with how many cases."""
SHARE_OVER_TCP = 3
TRIES = 6
"""How often a command may have to be given before it ends."""

TABLES = """
select c.oid::regclass::text, c.relkind::text, i.indisvalid, i.indisunique,
       (select array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  from pg_class c left join pg_index i on i.indexrelid = c.oid
 where c.relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_|^information_schema$') order by 1
"""
HISTORY = "select seq, name, checksum, parent, digest, state from sendoka.migrations order by seq"
FACTS = (
    "select name, case when name = 'pushed' then (value::jsonb - 'token' - 'by' - 'catalog')::text else value end "
    "from sendoka.facts order by name"
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((alone, "APART"), (call, "_LONGEST"), (call, "_FIRST_LOCK")):
        monkeypatch.setattr(module, name, 0.02)


class Played(NamedTuple):
    """How many requests it took until the command ended, how many faults were met, and what there is then."""

    requests: int
    met: int
    ended: list[Any]


class Stage:
    """The beginning of a command, in a database and a folder of which every case gets a copy."""

    def __init__(self, writer: Writer, postgres: Postgres, server: Server, place: Path) -> None:
        self.writer, self.postgres, self.server, self.place = writer, postgres, server, place
        self.name = f"stage_{secrets.token_hex(4)}"

    async def prepare(self) -> None:
        self.postgres.databases.create(self.name, owner=self.postgres.login.user)
        (self.place / "begin").mkdir()
        network = self.over_http(self.name, ())
        async with network.client() as sql:
            await self.writer.prepare(sql, self.place / "begin")
        await network.aclose()

    def over_http(self, name: str, faults: Sequence[Fault]) -> Network:
        return Network(self.server.connection_string(name), faults)

    def over_tcp(self, name: str, faults: Sequence[Fault]) -> Wire:
        return Wire(self.postgres.login.to(name), self.postgres.databases.admin, faults)

    async def play(self, road: Road, faults: Sequence[Fault] = ()) -> Played:
        """Give the command from the beginning until it ends, let arrive what is late, and give it once more."""
        name, place = f"{self.name}_copy", self.place / "copy"
        self.postgres.databases.create(name, owner=self.postgres.login.user, template=self.name)
        shutil.copytree(self.place / "begin", place)
        network = road(name, faults)
        try:
            await self._give(network, place)
            requests, network.faults = network.requests, ()
            ended = self.look(name, place)
            await network.settle()
            await self._once(network, place)
            assert self.look(name, place) == ended, "what came late, or the command given once more, changed something"
            return Played(requests, network.met, ended)
        finally:
            await network.aclose()
            self.postgres.databases.drop(name)
            shutil.rmtree(place)

    async def _give(self, network: Network | Wire, place: Path) -> None:
        said: list[SendokaError] = []
        while len(said) < TRIES:
            try:
                await self._once(network, place)
            except Killed:
                continue
            except SendokaError as error:
                if not may_be_said(error):
                    raise
                said.append(error)
            else:
                return
        raise AssertionError(f"it does not end: {said}")

    async def _once(self, network: Network | Wire, place: Path) -> None:
        async with asyncio.timeout(30), network.client() as sql:
            await self.writer.act(sql, place)

    def look(self, name: str, place: Path) -> list[Any]:
        """Return all that a database and a folder hold, but for what differs each time."""
        with self.postgres.databases.admin.to(name).connect() as direct:
            tables = direct.execute(TABLES).fetchall()
            known = {table for table, *_ in tables}
            ours = [query for query in (HISTORY, FACTS) if query.split(" from ")[1].split()[0] in known]
            theirs = [
                f"select * from {table} order by 1, 2" if table != "t" else "select * from t order by 1"
                for table, kind, *_ in tables
                if kind == "r" and not table.startswith("sendoka.")
            ]
            rows = [direct.execute(query.encode()).fetchall() for query in [*ours, *theirs]]
        files = sorted((str(each.relative_to(place)), each.read_text()) for each in place.rglob("*.sql"))
        return [tables, *rows, files]

    def close(self) -> None:
        self.postgres.databases.drop(self.name)


def may_be_said(error: SendokaError) -> bool:
    """Tell whether a command may end so after a fault: with what is wrong on the way, or with a way out.

    That a session was ended is said as it is, and `sendoka` says of it that the command is to be given again.
    """
    if isinstance(error, AdminShutdown) and error.outcome is Outcome.UNKNOWN:
        return True
    return isinstance(error, TransportError) or (isinstance(error, MigrationError | PushRefused) and bool(error.todo))


def drawn(requests: int, dice: random.Random) -> list[tuple[Fault, ...]]:
    """Return the cases of a run, each with its faults, in an order that the dice tell."""
    ones: list[tuple[Fault, ...]] = [(Fault(at, kind),) for at in range(requests) for kind in FAULTS]
    dice.shuffle(ones)
    if SOAK == 1:
        return ones[:SHARE]
    kinds = list(FAULTS)
    pairs = [(*one, Fault(one[0].at + dice.randint(1, 4), dice.choice(kinds))) for one in ones * (SOAK // 5)]
    return [*ones, *pairs]


async def try_all(stage: Stage, road: Road, cases: Iterable[Sequence[Fault]], ended: list[Any], seed: str) -> None:
    """Play all cases: each ends as it does without a fault."""
    count = met = 0
    for faults in cases:
        try:
            played = await stage.play(road, faults)
            assert played.ended == ended
        except BaseException as error:
            what = " and ".join(f"number {each.at} {each.kind}" for each in faults)
            error.add_note(f"{seed}, and {what}")
            raise
        count, met = count + 1, met + bool(played.met)
    # How often is asked depends on how long a build takes, and over TCP on which connection is taken again.
    assert met >= 0.75 * count, "too few of the faults were met"


@pytest.mark.parametrize("command", WRITERS)
async def test_whatever_happens_to_a_request_all_is_done_once(
    command: str, postgres: Postgres, server: Server, tmp_path: Path
) -> None:
    stage = Stage(WRITERS[command], postgres, server, tmp_path)
    try:
        await stage.prepare()
        clean = await stage.play(stage.over_http)
        cases = drawn(clean.requests, random.Random(f"{SEED} {command}"))
        await try_all(stage, stage.over_http, cases, clean.ended, f"SENDOKA_SEED={SEED} again: {command}")
    finally:
        stage.close()


@pytest.mark.parametrize("command", OVER_TCP if SOAK == 1 else WRITERS)
async def test_whatever_happens_to_a_message_all_is_done_once(
    command: str, postgres: Postgres, server: Server, tmp_path: Path
) -> None:
    stage = Stage(WRITERS[command], postgres, server, tmp_path)
    try:
        await stage.prepare()
        clean = await stage.play(stage.over_tcp)
        dice = random.Random(f"{SEED} {command}")
        kinds = list(BREAKS)
        cases = [[Fault(dice.randrange(clean.requests), dice.choice(kinds))] for _ in range(SHARE_OVER_TCP * SOAK)]
        if SOAK > 1:
            cases += [[*one, Fault(one[0].at + dice.randint(1, 40), dice.choice(kinds))] for one in cases]
        await try_all(stage, stage.over_tcp, cases, clean.ended, f"SENDOKA_SEED={SEED} again: {command}")
    finally:
        stage.close()
