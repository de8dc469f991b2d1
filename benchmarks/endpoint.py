"""Requests a second of the official driver on node against the local endpoint, over its rate on a canned server.

    .venv/bin/python benchmarks/endpoint.py [--requests 500] [--rounds 15]

Both servers are processes of their own. The canned one is a bare loop over sockets and answers the same bytes without
a database; behind the endpoint every request is two round trips to PostgreSQL and a reset of the session. They take
turns, in one process of node; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from _canned import serving  # type: ignore[import-not-found]  # beside this script, which is not in a package

from sendoka.local import Endpoint, Server, own_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
PEERS = FOLDER.parent / "tests" / "peers"


def serve_endpoint() -> None:
    """Serve with a PostgreSQL behind it until stdin ends; print a connection string first."""
    with own_postgres() as postgres:
        postgres.databases.ensure(postgres.login.database, owner=postgres.login.user)
        with Server(Endpoint(postgres), host="127.0.0.1") as server:
            print(server.connection_string(), flush=True)
            sys.stdin.read()


@contextmanager
def endpoint() -> Iterator[str]:
    """Serve from a process of its own; yield a connection string."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(urls: list[str], in_flight: int, requests: int, rounds: int) -> str:
    """Return a row of the table."""
    command = ["node", str(FOLDER / "_turns.mjs"), str(in_flight), str(requests), str(rounds), *urls]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    pairs = [json.loads(line) for line in done.stdout.splitlines()]
    canned, ours = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for other, one in pairs)
    return f"| {in_flight} | {canned:,.0f}/s | {ours:,.0f}/s | {ratio:.2f}× |"


def main() -> None:
    """Start both servers, measure, stop them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_endpoint()
    else:
        if not (PEERS / "node_modules").is_dir():
            install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(install, cwd=PEERS, check=True, stdout=sys.stderr)
        with serving() as port, endpoint() as url:
            canned = f"postgresql://u:p@127.0.0.1:{port}/db"
            print("| in flight | canned server | endpoint, PostgreSQL behind it | ratio |\n| --- | --- | --- | --- |")
            for in_flight in (1, 10, 50):
                print(measure([canned, url], in_flight, options.requests, options.rounds), flush=True)


if __name__ == "__main__":
    main()
