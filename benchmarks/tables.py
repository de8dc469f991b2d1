"""A large schema: tables of 20 columns and 4 indexes, from a database to a plan, and by `generate` with no change.

The comparison is made in both with the same MetaData, imported before the clock starts: ours over HTTP, through the
local endpoint, alembic's over TCP. Each way is a process of its own. `--tables 100` makes it small. Medians of a few
rounds; the ways take turns, so that a busy moment hits all.
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
from pathlib import Path

from _tables import IMPORTED, write_schema  # type: ignore[import-not-found]  # beside this script

from sendoka.local import Endpoint, Server, own_postgres

HERE = Path(__file__).parent
ROUNDS = 3
CREATE = """
import importlib, sys
sys.path.insert(0, '.')
exec(sys.argv[2])
from sqlalchemy import create_engine
metadata = importlib.import_module('schema').metadata
url = sys.argv[1].replace('postgresql://', 'postgresql+psycopg://')
metadata.create_all(create_engine(url, isolation_level='AUTOCOMMIT'))  # one transaction cannot hold so many locks
"""


def run(folder: Path, *arguments: str) -> str:
    """Run a Python in `folder`, with byte code as a project has it, and return what it prints."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "DATABASE_URL"}
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=kept, check=True, stdout=subprocess.PIPE, text=True).stdout


def seconds(folder: Path, *arguments: str) -> float:
    """Return how long a whole process takes."""
    began = time.perf_counter()
    run(folder, *arguments)
    return time.perf_counter() - began


def made(place: Path, tables: int) -> Path:
    """Return a folder with a schema of so many tables, and its first migration."""
    folder = place / str(tables)
    write_schema(folder, tables)
    (folder / "pyproject.toml").write_text("[tool.sendoka]\n", encoding="utf-8")
    run(folder, "-m", "sendoka", "generate", "--json")
    return folder


def compared(folder: Path, http: str, tcp: str) -> dict[str, list[float]]:
    """Return the medians of [seconds, MB, requests] of both ways, beyond the import."""
    found: dict[str, list[list[float]]] = {"ours": [], "alembic": []}
    for _ in range(ROUNDS):
        for way, url in (("ours", http), ("alembic", tcp)):
            found[way].append(json.loads(run(folder, str(HERE / "_compare.py"), way, url)))
    return {way: [statistics.median(column) for column in zip(*each, strict=True)] for way, each in found.items()}


def generated(folder: Path) -> tuple[float, float]:
    """Return the seconds of `generate` with nothing to do and of importing the schema, whole processes."""
    run(folder, "-m", "sendoka", "generate")
    pairs = [(seconds(folder, "-m", "sendoka", "generate"), seconds(folder, "-c", IMPORTED)) for _ in range(ROUNDS)]
    ours, imported = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(imported)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=1000)
    tables = parser.parse_args().tables
    with tempfile.TemporaryDirectory() as place, own_postgres(settings={"fsync": "off"}) as postgres:
        many = {count: made(Path(place), count) for count in (tables, 4 * tables)}
        http = {}
        with Server(Endpoint(postgres), host="127.0.0.1") as server:
            for count, folder in many.items():
                name = f"tables_{count}"
                postgres.databases.create(name, owner=postgres.databases.admin.user)
                run(folder, "-c", CREATE, postgres.databases.admin.to(name).url, IMPORTED)
                http[count] = server.connection_string(name)
            tcp = postgres.databases.admin.to(f"tables_{tables}").url
            ways = compared(many[tables], http[tables], tcp)
            four = json.loads(run(many[4 * tables], str(HERE / "_compare.py"), "ours", http[4 * tables]))
        whole = {count: generated(folder) for count, folder in many.items()}
    show(tables, ways, four, whole)


def show(tables: int, ways: dict[str, list[float]], four: list[float], whole: dict[int, tuple[float, float]]) -> None:
    """Print the table."""
    (ours, space, requests), (theirs, their_space, _) = ways["ours"], ways["alembic"]
    (generate, imported), (generate_four, _) = whole[tables], whole[4 * tables]
    size = f"{tables:,} tables"
    print("| what | measured | at least |")
    print("| --- | --- | --- |")
    print(f"| {size}, from database to plan over HTTP | {requests:.0f} requests, {ours:.2f} s | ≤ 3 requests |")
    print(f"| alembic's compare of the same MetaData ({theirs:.2f} s) | {theirs / ours:.1f}× our time | ≥ 5× |")
    print(f"| memory beyond the MetaData (alembic: {their_space:.0f} MB) | {space:.0f} MB | ≤ 300 MB |")
    print(f"| `generate` with no change, whole process | {generate / imported:.2f}× importing the schema | ≤ 1.5× |")
    print(f"| `generate`, {size} → {4 * tables:,} | {generate_four / generate:.1f}× | ≤ 4.4× |")
    print(f"| database to plan, {size} → {4 * tables:,} | {four[0] / ours:.1f}× | ≤ 4.4× |")


if __name__ == "__main__":
    main()
