"""CPU time from the bytes of an answer to rows, and its peak memory, each as a ratio to others in the same run.

    .venv/bin/python -m pip install -r benchmarks/requirements.txt
    .venv/bin/python benchmarks/decode.py [--rows 10000] [--rounds 15] [--megabytes 50]

Rows of eight columns (int4, int8, numeric, text, timestamptz, jsonb, bool, uuid) come from a PostgreSQL of our own.
Ours is what the client does with a body: `read_single`, then `decode_rows` to public rows, with the standard library
alone and with orjson. Against it: PyPI `neon-serverless` on the same body, and asyncpg fetching the same rows over a
socket, jsonb by orjson. All take turns; a figure is the median of the rounds. Memory is the peak of a process of its
own for each, less that of one that only imports.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sendoka.http.fast as fast
from sendoka.database.statement import Statement
from sendoka.http.decode import decode_rows
from sendoka.http.reply import Reply, read_single
from sendoka.local.postgres import Postgres, own_postgres

if TYPE_CHECKING:
    from collections.abc import Callable

QUERY = """select g::int4 as id, 9000000000 + g::int8 * 3 as big, (g * 1.2345)::numeric(14,4) as amount,
  'hello row number ' || g as note, timestamptz '2026-01-01 00:00:00+00' + g * interval '1.234567 seconds' as at,
  jsonb_build_object('a', jsonb_build_array(1, 2, 3), 'k', g, 's', 'x' || g) as config, g % 3 = 0 as ok,
  md5(g::text)::uuid as uid from generate_series(1, {rows}) g"""
STATEMENT = Statement("select")
PLAIN, WITH_ORJSON, PEER, ASYNCPG = "ours, standard library", "ours, with orjson", "neon-serverless", "asyncpg"


def ours(body: bytes) -> list[Any]:
    """Return the rows of an answer as the client does."""
    return decode_rows(read_single(Reply(200, body), STATEMENT))


def without_orjson(body: bytes) -> list[Any]:
    """Return the same as if orjson were not installed."""
    known, fast._orjson = fast._orjson, lambda: None  # type: ignore[assignment]  # only here
    try:
        return ours(body)
    finally:
        fast._orjson = known


def peer(body: bytes) -> list[Any]:
    """Return the rows as `neon-serverless` makes them of an answer's body."""
    from neon_serverless.client import _shape_result

    rows: Any = _shape_result(json.loads(body), array_mode=False, full_results=False)
    return list(rows)


def body_of(postgres: Postgres) -> bytes:
    """Return the body that Neon would answer to a query of the whole table."""
    with postgres.databases.admin.connect() as connection:
        answer = connection.pgconn.exec_(b"select * from bench")
    width, count = answer.nfields, answer.ntuples
    fields = [{"name": (answer.fname(at) or b"").decode(), "dataTypeID": answer.ftype(at)} for at in range(width)]
    rows = [[(answer.get_value(row, at) or b"").decode() for at in range(width)] for row in range(count)]
    document = {"fields": fields, "rows": rows, "command": "SELECT", "rowCount": count, "rowAsArray": True}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


async def cpu(work: Callable[[], Any]) -> float:
    """Return the milliseconds of CPU that `work` takes in this process; a coroutine of its is awaited."""
    started = time.process_time()
    found = work()
    if asyncio.iscoroutine(found):
        found = await found
    took = time.process_time() - started
    del found
    return took * 1000


async def speed(postgres: Postgres, body: bytes, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each, taking turns."""
    import asyncpg
    import orjson

    login = postgres.databases.admin
    place = {"host": login.host, "port": login.port, "user": login.user, "password": login.password}
    connection = await asyncpg.connect(**place, database=login.database)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads)
    works: dict[str, Callable[[], Any]] = {
        PLAIN: lambda: without_orjson(body),
        WITH_ORJSON: lambda: ours(body),
        PEER: lambda: peer(body),
        ASYNCPG: lambda: connection.fetch("select * from bench"),
    }
    assert [tuple(row) for row in await connection.fetch("select * from bench")] == ours(body) == without_orjson(body)
    assert peer(body) == [dict(row) for row in ours(body)]
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(await cpu(work))
    await connection.close()
    return {name: statistics.median(times) for name, times in found.items()}


PEAKS: dict[str, Callable[[Path], Any]] = {
    "nothing": lambda _: None,
    "json.loads": lambda file: json.loads(file.read_bytes()),
    PLAIN: lambda file: without_orjson(file.read_bytes()),
    WITH_ORJSON: lambda file: ours(file.read_bytes()),
}


def peak() -> float:
    """Return the most MiB that this process has held. (`ru_maxrss` would count what its parent held, too.)"""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def peaks(body: bytes, megabytes: int) -> dict[str, float]:
    """Return the peak MiB that each takes for a body of so many megabytes, `body`'s rows repeated."""
    document = json.loads(body)
    document["rows"] *= max(1, megabytes * 1_000_000 // len(body))
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())
        found = {
            name: float(subprocess.check_output([sys.executable, __file__, "--peak", name, file.name]))
            for name in PEAKS
        }
    return {name: most - found["nothing"] for name, most in found.items() if name != "nothing"}


def show(title: str, unit: str, found: dict[str, float], ratios: list[tuple[str, str, float]]) -> None:
    """Print the figures, and each ratio beside the one that is wanted."""
    print(title)
    for name, figure in found.items():
        print(f"  {name:<24}{figure:>9.1f} {unit}")
    for over, under, wanted in ratios:
        print(f"  {over} / {under}: {found[over] / found[under]:.2f} (wanted {wanted})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        kept = PEAKS[options.peak[0]](Path(options.peak[1]))
        print(peak(), flush=True)
        del kept
        return
    with own_postgres() as postgres:
        with postgres.databases.admin.connect() as connection:
            connection.execute(f"create table bench as {QUERY.format(rows=options.rows)}".encode())
        body = body_of(postgres)
        times = asyncio.run(speed(postgres, body, options.rounds))
    title = f"{options.rows:,} rows of 8 columns, {len(body) / 1e6:.2f} MB, CPU"
    show(title, "ms", times, [(PEER, PLAIN, 3.5), (ASYNCPG, WITH_ORJSON, 1.0)])
    found = peaks(body, options.megabytes)
    show(f"a reply of {options.megabytes} MB, peak memory", "MiB", found, [
        (PLAIN, "json.loads", 1.6), (WITH_ORJSON, "json.loads", 1.6)
    ])  # fmt: skip


if __name__ == "__main__":
    main()
