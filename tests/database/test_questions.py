"""Every request of every command that only asks, times whatever can happen to a request: the answer is the right one.

The command may end with what is wrong on the way, and is given again then. Nothing in the database changes, also when
all that was late has arrived. A few cases of each are drawn by a seed (`SENDOKA_SEED`), all in `make soak`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sendoka.cli
from sendoka.errors import TransportError
from tests.fixtures.network import FAULTS, Fault, Killed, Network
from tests.fixtures.readers import READERS
from tests.fixtures.soak import SEED, SOAK
from tests.fixtures.writers import WRITERS

if TYPE_CHECKING:
    import psycopg

    from sendoka.local import Server
    from tests.fixtures.readers import Reader

SHARE = 4
"""Cases of each command in a run that is no soak."""
TRIES = 3
TABLES = """
select oid::regclass::text, xmin::text from pg_class where relkind = 'r' and relnamespace not in
       (select oid from pg_namespace where nspname ~ '^pg_|^information_schema$') order by oid
"""
ELSEWHERE = {"ledger"}
"""Commands of what is no migration: tests/database/test_once.py."""


async def answered(reader: Reader, network: Network, place: Path) -> object:
    """Ask until there is an answer."""
    for _ in range(TRIES):
        try:
            async with network.client() as sql:
                return await reader.ask(sql, place)
        except (Killed, TransportError):
            continue
    raise AssertionError("it is never answered")


def held(direct: psycopg.Connection[Any]) -> list[Any]:
    """Return all that a database holds, and which transactions wrote it."""
    tables = direct.execute(TABLES).fetchall()
    rows = [
        direct.execute(f"select ctid::text, xmin::text, r::text from {name} as r".encode()).fetchall()
        for name, _ in tables
    ]
    return [tables, *rows]


@pytest.mark.parametrize("command", READERS)
async def test_whatever_happens_to_a_question_its_answer_is_right(
    command: str, server: Server, database: str, direct: psycopg.Connection[Any], tmp_path: Path
) -> None:
    reader, url = READERS[command], server.connection_string(database)
    clean = Network(url)
    async with clean.client() as sql:
        await reader.prepare(sql, tmp_path)
    before, clean.requests = held(direct), 0
    right = await answered(reader, clean, tmp_path)
    await clean.aclose()
    cases = [Fault(at, kind) for at in range(clean.requests) for kind in FAULTS]
    random.Random(f"{SEED} {command}").shuffle(cases)
    for fault in cases[:SHARE] if SOAK == 1 else cases:
        network, again = Network(url, [fault]), f"SENDOKA_SEED={SEED} again: {fault}"
        try:
            assert await answered(reader, network, tmp_path) == right, again
            await network.settle()
            assert network.met == 1, again
        finally:
            await network.aclose()
    assert cases
    assert held(direct) == before


def test_every_command_that_asks_a_database_is_tried() -> None:
    folder = Path(sendoka.cli.__file__).parent
    files = [
        each for each in folder.glob("*.py") if "from sendoka.cli._database import connect" in each.read_text("utf-8")
    ]
    asking = {each.stem.removeprefix("_checking") or "check" for each in files} - ELSEWHERE
    assert asking <= {name.split()[0] for name in [*WRITERS, *READERS]}
    assert {"status", "push"} <= asking
