"""Migrations as whole processes: a start with nothing to do, and two hundred files over a line of 10 ms.

    .venv/bin/python benchmarks/migrations.py [--rounds 15] [--history 5000] [--files 200]

The peers are drizzle's migrator for neon-http on node, and alembic. HTTP goes through TLS on loopback; alembic talks to
the same PostgreSQL over TCP without TLS, which favours it. All have their byte code, and ten migrations that are
applied. The processes take turns; for a start the quickest of each counts, for other work on the machine only adds, and
for two hundred files the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trustme
from _relay import relayed  # type: ignore[import-not-found]  # beside this script

from sendoka import neon
from sendoka.bookkeeping import BOOTSTRAP
from sendoka.local import Endpoint, Postgres, Server, own_postgres
from sendoka.migrations.files import Migration, parse, render
from sendoka.migrations.history import TABLES, record_statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
PEERS = HERE.parent / "tests" / "peers"
APPLIED = 10
STATEMENTS = 5
DELAY = 10
"""Milliseconds that a request takes longer to arrive."""

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

with create_engine(os.environ["TCP_URL"], poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op

revision = "{number:04d}"
down_revision = {parent}


def upgrade():
{body}
"""


# ------------------------------------------------------------------ folders


def statements_of(number: int) -> list[str]:
    """Return the statements of a migration: a table, a column, two indexes and a row."""
    table = f"t{number:04d}"
    return [
        f"create table {table} (id int primary key, name text)",
        f"alter table {table} add column at timestamptz not null default now()",
        f"create index on {table} (name)",
        f"create index on {table} (at, id)",
        f"insert into {table} (id) values (1)",
    ]


def write_ours(folder: Path, files: Sequence[Sequence[str]]) -> list[Migration]:
    """Write a chain of migrations, one for each list of statements."""
    folder.mkdir(parents=True)
    written: list[Migration] = []
    for number, statements in enumerate(files):
        name = f"{number:04d}_file"
        text = render(name, written[-1] if written else None, list(statements), [])
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
        written.append(parse(name, text))
    return written


def write_drizzles(folder: Path, files: Sequence[Sequence[str]]) -> None:
    """Write the same as drizzle-kit does."""
    (folder / "meta").mkdir(parents=True)
    entries = []
    for number, statements in enumerate(files):
        tag = f"{number:04d}_file"
        (folder / f"{tag}.sql").write_text(";--> statement-breakpoint\n".join(statements) + ";", encoding="utf-8")
        entries.append({"idx": number, "version": "7", "when": number + 1, "tag": tag, "breakpoints": True})
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (folder / "meta" / "_journal.json").write_text(json.dumps(journal), encoding="utf-8")


def write_alembics(folder: Path, files: Sequence[Sequence[str]]) -> None:
    """Write the same as a project of alembic has it."""
    (folder / "alembic" / "versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    (folder / "alembic" / "env.py").write_text(ENV, encoding="utf-8")
    for number, statements in enumerate(files):
        parent = repr(f"{number - 1:04d}") if number else None
        body = "\n".join(f"    op.execute({statement!r})" for statement in statements)
        text = REVISION.format(number=number, parent=parent, body=body)
        (folder / "alembic" / "versions" / f"{number:04d}_file.py").write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ processes


@dataclass
class Contender:
    """A command that brings a database to a folder, as a whole process."""

    command: list[str]
    folder: Path
    environment: dict[str, str]

    def run(self) -> float:
        """Return the seconds it takes."""
        kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE"}}
        began = time.perf_counter()
        done = subprocess.run(
            self.command,
            cwd=self.folder,
            env={**kept, **self.environment, "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"{' '.join(self.command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return took


def in_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each, which take turns; what the first of each takes does not count."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for counts in [False] + [True] * rounds:
        for name, contender in contenders.items():
            took = contender.run()
            found[name] += [took] if counts else []
    return found


class Place:
    """Folders, databases and certificates of this run."""

    def __init__(self, folder: Path, postgres: Postgres, server: Server) -> None:
        self.folder, self.postgres, self.server = folder, postgres, server
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        self.certificate = folder / "server.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(self.certificate))
        self.databases = 0

    def database(self) -> str:
        """Return the name of a new database, whose owner is the applications' role."""
        self.databases += 1
        name = f"bench_{self.databases}"
        self.postgres.databases.create(name, owner=self.postgres.login.user)
        return name

    @contextmanager
    def line(self, milliseconds: int = 0) -> Iterator[str]:
        """Serve the endpoint with TLS; yields its URL."""
        with relayed(self.server.port, self.certificate, milliseconds) as url:
            yield url

    def contender(self, name: str, folder: Path, database: str, url: str) -> Contender:
        """Return one of `start`, `now`, `command`, `drizzle` and `alembic`."""
        environment = {
            "DATABASE_URL": self.server.connection_string(database),
            "ENDPOINT": url,
            "SSL_CERT_FILE": str(self.authority),
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            "TCP_URL": self.postgres.login.to(database).url.replace("postgresql://", "postgresql+psycopg://"),
        }
        programs = Path(sys.executable).parent
        commands = {
            "start": [sys.executable, str(HERE / "_start.py"), str(folder)],
            "now": [sys.executable, str(HERE / "_start_now.py"), str(folder)],
            "command": [str(programs / "sendoka"), "migrate"],
            "drizzle": ["node", str(HERE / "_migrator.mjs"), str(folder)],
            "alembic": [str(programs / "alembic"), "upgrade", "head"],
        }
        return Contender(commands[name], folder, environment)


def note_all(url: str, files: Sequence[Migration]) -> None:
    """Note migrations as applied, as if they had been, a thousand a request."""

    async def go() -> None:
        async with neon(url) as sql:
            await sql.run_all([*BOOTSTRAP, *TABLES])
            for first in range(0, len(files), 1000):
                await sql.run_all(
                    [record_statement(each, "bench", "bench", "0") for each in files[first : first + 1000]]
                )

    asyncio.run(go())


# ------------------------------------------------------------------ what is measured


def starts(place: Place, rounds: int) -> dict[str, float]:
    """Return the quickest start of each with nothing to do."""
    files = [statements_of(number) for number in range(APPLIED)]
    project = place.folder / "project"
    write_ours(project / "migrations", files)
    (project / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    write_drizzles(place.folder / "drizzle", files)
    write_alembics(place.folder / "alembic", files)
    with place.line() as url:
        ours = place.database()
        contenders = {
            "start": place.contender("start", project / "migrations", ours, url),
            "now": place.contender("now", project / "migrations", ours, url),
            "command": place.contender("command", project, ours, url),
            "drizzle": place.contender("drizzle", place.folder / "drizzle", place.database(), url),
            "alembic": place.contender("alembic", place.folder / "alembic", place.database(), url),
        }
        return {name: min(times) for name, times in in_turns(contenders, rounds).items()}


def long_history(place: Place, count: int, rounds: int) -> dict[int, float]:
    """Return the quickest start with ten applied migrations and with `count`."""
    contenders = {}
    with place.line() as url:
        for number in (APPLIED, count):
            folder = place.folder / f"history_{number}"
            files = write_ours(folder, [["select 1"]] * number)
            database = place.database()
            note_all(place.server.connection_string(database), files)
            contenders[str(number)] = place.contender("start", folder, database, url)
        return {int(name): min(times) for name, times in in_turns(contenders, rounds).items()}


def applied(place: Place, count: int, rounds: int) -> dict[str, tuple[float, int]]:
    """Return the median seconds, and the requests, of applying `count` files to a new database."""
    files = [statements_of(number) for number in range(count)]
    folders = {"start": place.folder / "many", "drizzle": place.folder / "many_drizzle"}
    write_ours(folders["start"], files)
    write_drizzles(folders["drizzle"], files)
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in folders}
    with place.line(DELAY) as url:
        for _ in range(rounds):
            for name, folder in folders.items():
                contender = place.contender(name, folder, place.database(), url)
                before = place.server.endpoint.requests
                took = contender.run()
                found[name].append((took, place.server.endpoint.requests - before))
    return {
        name: (statistics.median(took for took, _ in each), max(requests for _, requests in each))
        for name, each in found.items()
    }


def has_peers() -> None:
    """Install the peers of npm where that was not done. Ends the run where node is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        sys.exit("node and npm are needed: drizzle runs on them")
    if not (PEERS / "node_modules" / "drizzle-orm").exists():
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=PEERS, check=True, stdout=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--history", type=int, default=5000)
    parser.add_argument("--files", type=int, default=200)
    options = parser.parse_args()
    has_peers()
    with (
        tempfile.TemporaryDirectory() as made,
        own_postgres(settings={"fsync": "off"}) as postgres,
        Server(Endpoint(postgres), host="127.0.0.1") as server,
    ):
        place = Place(Path(made), postgres, server)
        show_starts(starts(place, options.rounds))
        show_history(long_history(place, options.history, options.rounds))
        show_applied(options.files, applied(place, options.files, max(1, options.rounds // 5)))


def show_starts(took: dict[str, float]) -> None:
    """Print the table's head and the rows of starts with nothing to do."""
    print("| what, as a whole process | against | measured | at least |")
    print("| --- | --- | ---: | ---: |")
    rows = (
        ("a script that calls `migrate_now()`, nothing to do", "now", "drizzle", "drizzle's migrator on node", "3.3×"),
        ("a script that calls `migrate_now()`, nothing to do", "now", "alembic", "`alembic upgrade head`", "5.5×"),
        ("a script that calls `migrate()`, nothing to do", "start", "drizzle", "drizzle's migrator on node", "3.3×"),
        ("a script that calls `migrate()`, nothing to do", "start", "alembic", "`alembic upgrade head`", "5.5×"),
        ("`sendoka migrate`, nothing to do, folder verified", "command", "alembic", "`alembic upgrade head`", "2.5×"),
    )
    for what, ours, theirs, against, least in rows:
        times = f"{1000 * took[ours]:.0f} ms against {1000 * took[theirs]:.0f} ms"
        print(f"| {what} ({times}) | {against} | {took[theirs] / took[ours]:.1f}× | {least} |", flush=True)


def show_history(took: dict[int, float]) -> None:
    """Print the row of the long history."""
    few, many = sorted(took)
    what = f"the script, {many:,} applied migrations ({1000 * took[many]:.0f} ms)"
    print(f"| {what} | with {few} | {took[many] / took[few]:.2f}× the time | ≤ 1.15× |", flush=True)


def show_applied(count: int, found: dict[str, tuple[float, int]]) -> None:
    """Print the row of the files that are applied."""
    (ours, requests), (theirs, their_requests) = found["start"], found["drizzle"]
    what = f"{count} files of {STATEMENTS} statements, {DELAY} ms of delay ({ours:.1f} s, {requests} requests)"
    against = f"drizzle's migrator ({theirs:.1f} s, {their_requests} requests)"
    print(f"| {what} | {against} | {theirs / ours:.1f}× | 3.5× |", flush=True)


if __name__ == "__main__":
    main()
