"""A crowd of processes over one new database, with too few connections for all: each migration is applied once.

Ten files are pending. Each seeds a row into a table without a key, so that a file that ran twice shows; one builds an
index in no transaction. Every tenth runner is of older code and knows the first seven files. All have started, and
wait, before the first one begins. The line that is printed says how long it took and how many connections there were.

A dozen run in every run, a hundred in `make soak` behind a PostgreSQL of their own with `max_connections = 20`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
import time
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sendoka.local import Endpoint, Server, own_postgres
from sendoka.migrations.files import Migration, parse, render
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.local import Postgres

FILES, KNOWN_TO_OLDER_CODE, ALONE = 10, 7, 5
PROGRAM = """
import asyncio, json, sys
from sendoka import migrate, neon

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with neon(sys.argv[1]) as sql:
        report = await migrate(sql, sys.argv[2])
    print(json.dumps([report.head, [each.name for each in report.applied if each.by_us]]))

asyncio.run(main())
"""


def write(folder: Path) -> tuple[Path, Path]:
    """Write the ten files, and the folder of older code; return both."""
    newer, older = folder / "newer", folder / "older"
    newer.mkdir()
    last: Migration | None = None
    for number in range(FILES):
        name = f"{number:04d}_step"
        statements = [f"create table t{number} (id int)", f"insert into seeds values ('{name}')"]
        done_when = None
        if number == 0:
            statements.insert(0, "create table seeds (file text)")
        if number == ALONE:
            statements = ["create index concurrently seeds_file on public.seeds (file)"]
            done_when = "select exists (select from pg_index where indexrelid = to_regclass('public.seeds_file'))"
        last = parse(name, render(name, last, statements, [], done_when))
        (newer / f"{name}.sql").write_text(last.text, encoding="utf-8")
    shutil.copytree(newer, older)
    for number in range(KNOWN_TO_OLDER_CODE, FILES):
        (older / f"{number:04d}_step.sql").unlink()
    return newer, older


class Peak(threading.Thread):
    """Looks how many connections of its role there are; `most` is the most at a time."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        super().__init__()
        self.postgres, self.database = postgres, database
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        text = "select count(*) from pg_stat_activity where datname = %s"
        with self.postgres.databases.admin.connect() as direct:
            while not self.over.wait(0.005):
                ((count,),) = direct.execute(text, (self.database,)).fetchall()
                self.most = max(self.most, count)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What became of the processes: exit status, what they said, and what they wrote to standard error."""

    ends: list[tuple[int | None, str, str]]
    seconds: float
    most: int

    def __str__(self) -> str:
        return f"{len(self.ends)} runners: {self.seconds:.2f} s, {self.most} connections at the most"


async def gather(folder: Path, url: str, count: int, peak: Peak) -> Crowd:
    """Start all, let them begin at once, and wait for their ends."""
    newer, older = write(folder)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    processes = []
    try:
        for number in range(count):
            place = older if number % 10 == 1 else newer
            command = [sys.executable, "-c", PROGRAM, url, str(place)]
            processes.append(
                await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env)
            )
        for each in processes:
            assert each.stdout is not None
            assert await asyncio.wait_for(each.stdout.readline(), 60) == b"ready\n"
        peak.start()
        begun = time.monotonic()
        said = await asyncio.wait_for(asyncio.gather(*(each.communicate(b"\n") for each in processes)), 240)
        seconds = time.monotonic() - begun
    finally:
        peak.over.set()
        for each in processes:
            if each.returncode is None:
                each.kill()
                await each.wait()
    peak.join()
    ends = [(each.returncode, out.decode(), err.decode()) for each, (out, err) in zip(processes, said, strict=True)]
    return Crowd(ends, seconds, peak.most)


def check(crowd: Crowd, postgres: Postgres, database: str, limit: int) -> None:
    names = [f"{number:04d}_step" for number in range(FILES)]
    assert [end for end in crowd.ends if end[0] != 0] == []
    told = [json.loads(out) for _, out, _ in crowd.ends]
    assert {head for head, _ in told} == {names[-1], names[KNOWN_TO_OLDER_CODE - 1]}
    assert sorted(name for _, applied in told for name in applied) == names
    with postgres.databases.admin.to(database).connect() as direct:
        seeds = direct.execute("select file from seeds order by 1").fetchall()
        history = direct.execute("select name, state from sendoka.migrations order by seq").fetchall()
    assert seeds == [(name,) for number, name in enumerate(names) if number != ALONE]
    assert history == [(name, "applied") for name in names]
    assert 1 < crowd.most <= limit


def tell(crowd: Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{crowd}\n")


async def test_a_dozen_runners_and_fewer_connections(
    postgres: Postgres, server: Server, database: str, direct: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    direct.execute(f'alter database "{database}" connection limit 6')
    crowd = await gather(tmp_path, server.connection_string(database), 12, Peak(postgres, database))
    tell(crowd, capsys)
    check(crowd, postgres, database, 6 + 1)  # the administrator's is one of them


@pytest.mark.skipif(SOAK == 1, reason="a hundred processes take a while: make soak")
async def test_a_hundred_runners_behind_a_small_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with own_postgres(settings={"max_connections": "20"}) as small, Server(Endpoint(small)) as server:
        small.databases.create("crowded", owner=small.login.user)
        crowd = await gather(tmp_path, server.connection_string("crowded"), 100, Peak(small, "crowded"))
        tell(crowd, capsys)
        check(crowd, small, "crowded", 20)
