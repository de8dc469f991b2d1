"""A backfill of a million rows with three indexes, beside one giant UPDATE, the usual loop, and an application.

    .venv/bin/python benchmarks/backfills.py [--rows 1000000] [--rounds 3]

PostgreSQL has 1 GB of shared_buffers, is durable as by default, and runs no autovacuum. Every way gets a fresh copy of
the same table, and is a process of its own that talks HTTP to the local endpoint; the giant UPDATE and the application
talk TCP. Ways take turns; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import trustme
from _relay import relayed  # type: ignore[import-not-found]  # beside this script

from sendoka.local import Endpoint, Server, own_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendoka.local import Postgres

HERE = Path(__file__).parent
SETTINGS = {
    "shared_buffers": "1GB",
    "autovacuum": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
}
DELAY = 20
"""Milliseconds that a request takes longer to arrive, where a batch is timed over a long line."""
FORMS = ("sql", "python")
BATCHES = 40
LOOP = 10_000
IDLE = 10.0
"""Seconds for which the application writes while nothing else happens."""

SHARE = 0.05
"""Of the rows have one time of creation."""
TABLE = """
create table orgs (id text primary key, default_tenant_id text not null);
insert into orgs select 'org_' || i, 'ten_' || i from generate_series(1, 1000) i;
create table messages (
  id varchar(32) not null, org_id text not null, created_at timestamptz not null, body text not null,
  read_at timestamptz, tenant_id text
);
insert into messages (id, org_id, created_at, body)
select 'msg_' || left(translate(encode(sha256(('x' || i)::bytea), 'base64'), '+/', '-_'), 24), 'org_' || 1 + i % 1000,
  timestamptz '2025-01-01' + 2.6 * least(i, greatest({same}, i - {count})) * interval '1 second',
  repeat(md5(i::text), 5)
from generate_series(1, {rows}) i;
alter table messages add primary key (id);
create index on messages (org_id, created_at, id);
create index on messages (created_at, id);
"""
GIANT = """update messages m set tenant_id = o.default_tenant_id from orgs o
where o.id = m.org_id and tenant_id is null"""


class Place:
    """A server, its endpoint, and tables that are copied for each way."""

    def __init__(self, postgres: Postgres, server: Server, folder: Path) -> None:
        self.postgres, self.server, self.folder = postgres, server, folder
        authority = trustme.CA()
        self.authority, self.certificate = folder / "authority.pem", folder / "server.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(self.certificate))
        self._copies = 0

    def make(self, rows: int) -> str:
        """Return the name of a database with the table filled."""
        name = f"bench_{rows}"
        self.postgres.databases.create(name, owner=self.postgres.login.user)
        same = rows * 2 // 5
        with self.postgres.login.to(name).connect() as connection:
            connection.execute(TABLE.format(rows=rows, same=same, count=int(rows * SHARE)))
            connection.execute("vacuum analyze")
        return name

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """Yield the name of a fresh copy, which is read into the cache and written to the disk."""
        self._copies += 1
        copy = f"{name}_{self._copies}"
        with self.postgres.databases.admin.connect() as admin:
            admin.execute(
                f"create database {copy} owner {self.postgres.login.user} template {name} strategy file_copy".encode()
            )
            with self.postgres.databases.admin.to(copy).connect() as inside:
                inside.execute("create extension pg_prewarm")
                inside.execute("select sum(pg_prewarm(oid)) from pg_class where relname ~ '^(messages|orgs)'")
            admin.execute("checkpoint")
            yield copy
            admin.execute(f"drop database {copy} with (force)".encode())

    def run(self, form: str, database: str, **options: object) -> dict[str, Any]:
        """Run one of `_runner.py`'s ways to its end."""
        command = [sys.executable, str(HERE / "_runner.py"), form, self.server.connection_string(database)]
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [*command, json.dumps(options)],
            env={**kept, "SSL_CERT_FILE": str(self.authority)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def giant(self, database: str) -> dict[str, Any]:
        """Change all rows in one statement."""
        with psycopg.connect(self.postgres.login.to(database).url, autocommit=True) as connection:
            began = time.perf_counter()
            changed = connection.execute(GIANT).rowcount
            return {"seconds": time.perf_counter() - began, "changed": changed}

    @contextmanager
    def application(self, database: str) -> Iterator[dict[str, Any]]:
        """Have an application write meanwhile; what it yields holds its figures afterwards."""
        command = [sys.executable, str(HERE / "_writer.py"), self.postgres.login.to(database).url]
        found: dict[str, Any] = {}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            yield found
            process.stdin.close()
            found.update(json.loads(process.stdout.read()))


def say(what: str) -> None:
    """Tell on the terminal what is measured now."""
    print(what, file=sys.stderr, flush=True)


def row(what: str, against: str, measured: str, least: str) -> None:
    """Print a row of the table."""
    print(f"| {what} | {against} | {measured} | {least} |", flush=True)


def speeds(place: Place, table: str, rows: int, rounds: int) -> dict[str, float]:
    """Measure what a whole run takes, in every way; return the medians of rows a second."""
    ways: dict[str, Callable[[str], dict[str, Any]]] = {
        "giant": place.giant,
        "sql": lambda database: place.run("sql", database),
        "python": lambda database: place.run("python", database),
        "workers": lambda database: place.run("sql", database, workers=4),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    highest = 0.0
    for turn in range(rounds):
        for way, work in ways.items():
            with place.copy(table) as database:
                done = work(database)
            assert done["changed"] == rows, f"{way} changed {done['changed']} rows"
            say(f"round {turn + 1}, {way}: {done['seconds']:.1f} s")
            found[way].append(rows / done["seconds"])
            highest = max(highest, done.get("memory", 0.0) if way in FORMS else 0.0)
    with place.copy(table) as database:
        looped = place.run("loop", database, rows=LOOP)
    rates = {way: statistics.median(each) for way, each in found.items()}
    return {**rates, "loop": looped["changed"] / looped["seconds"], "memory": highest}


def memory(place: Place, table: str, form: str) -> float:
    """Return the megabytes that a whole run takes at its highest."""
    with place.copy(table) as database:
        found: float = place.run(form, database)["memory"]
        return found


def show_speeds(rates: dict[str, float], few: float) -> None:
    """Print the rows of whole runs; `few` is the memory of a run over a tenth of the rows."""
    giant, sql, python = rates["giant"], rates["sql"], rates["python"]
    shown = {way: f"{rate:,.0f} rows/s" for way, rate in rates.items()}
    beside = f"one giant UPDATE ({shown['giant']})"
    row(f"form in SQL, the order chosen by the runner ({shown['sql']})", beside, f"{sql / giant:.2f}×", "1.2×")
    row(f"form in Python ({shown['python']})", beside, f"{python / giant:.2f}×", "0.75×")
    loop = f"the usual loop, a row a request ({shown['loop']})"
    row("form in SQL", loop, f"{sql / rates['loop']:.0f}×", "20×")
    row(f"form in SQL, 4 workers ({shown['workers']})", "one worker", f"{rates['workers'] / sql:.2f}×", "1.3×")
    highest, against = rates["memory"], f"a tenth of the rows ({few:.0f} MB)"
    row(f"memory of the runner ({highest:.0f} MB)", against, f"{highest / few:.2f}×", "≤ 1.1×")


def show_application(place: Place, table: str) -> None:
    """Measure and print what an application's writes take meanwhile."""
    with place.copy(table) as database:
        with place.application(database) as idle:
            time.sleep(IDLE)
        with place.application(database) as beside_sql:
            place.run("sql", database)
    with place.copy(table) as database, place.application(database) as beside_python:
        place.run("python", database)
    with place.copy(table) as database, place.application(database) as beside_giant:
        place.giant(database)
    against = f"idle ({idle['p99']:.1f} ms)"
    for what, found, least in (
        ("an application's writes beside the form in SQL", beside_sql, "≤ 3×"),
        ("beside the form in Python", beside_python, "≤ 3×"),
        ("beside the giant UPDATE", beside_giant, "–"),
    ):
        processor = f"{found['waited']:.0%} of it a wait for a processor" if found["waited"] else "its waits unknown"
        shown = f"{what}, 99th percentile ({found['p99']:.1f} ms, {processor}; the longest {found['longest']:.0f} ms)"
        row(shown, against, f"{found['p99'] / idle['p99']:.1f}×", least)


def show_line(place: Place, table: str) -> None:
    """Measure and print what a batch of a thousand rows takes over a long line."""
    took = {}
    with relayed(place.server.port, place.certificate, DELAY) as url:
        for form in ("bare", "sql", "python"):
            with place.copy(table) as database:
                options = {"batch_size": 1000, "order": "key"} if form != "bare" else {}
                took[form] = place.run(form, database, endpoint=url, batches=BATCHES, **options)["batch"]
            say(f"a batch at {DELAY} ms, {form}: {1000 * took[form]:.1f} ms")
    against = f"the bare UPDATE ({1000 * took['bare']:.0f} ms)"
    for form, name, least in (("sql", "SQL", "≤ 1.1×"), ("python", "Python", "≤ 1.35×")):
        what = f"a batch of 1,000 rows at {DELAY} ms of delay, form in {name} ({1000 * took[form]:.0f} ms)"
        row(what, against, f"{took[form] / took['bare']:.2f}×", least)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as made,
        own_postgres(settings=SETTINGS) as postgres,
        Server(Endpoint(postgres), host="127.0.0.1") as server,
    ):
        place = Place(postgres, server, Path(made))
        table, tenth = place.make(options.rows), place.make(options.rows // 10)
        print("| what | against | measured | at least |")
        print("| --- | --- | ---: | ---: |")
        few = max(memory(place, tenth, form) for form in FORMS)
        show_speeds(speeds(place, table, options.rows, options.rounds), few)
        show_application(place, table)
        show_line(place, table)


if __name__ == "__main__":
    main()
