"""Requests a second of the official driver on node against the local endpoint, over its rate on a canned server.

    .venv/bin/python benchmarks/endpoint.py [--requests 500] [--rounds 15]

Both servers are processes of their own. The canned one is a bare asyncio protocol that answers the same bytes without a
database; behind the endpoint every request is two round trips to PostgreSQL and a reset of the session. They take
turns, in one process of node; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sendoka.local import Endpoint, Server, own_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

PEERS = Path(__file__).parents[1] / "tests" / "peers"
BODY = (
    b'{"fields":[{"name":"n","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,'
    b'"format":"text"}],"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\ncontent-length: %d\r\n"
    b"neon-request-id: 2f0a6a5e-2a3c-4a54-9d3c-0f8f3f8a9b11\r\n\r\n%s"
) % (len(BODY), BODY)


class Canned(asyncio.Protocol):
    """Answers every request with the same bytes; a request ends with its body's brace."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}"):
            self.transport.write(ANSWER)


async def serve_canned() -> None:
    """Serve until stdin ends; print a connection string first."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0)
    print(f"postgresql://u:p@127.0.0.1:{server.sockets[0].getsockname()[1]}/db", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def serve_endpoint() -> None:
    """The same, with a PostgreSQL behind it."""
    with own_postgres() as postgres:
        postgres.databases.ensure(postgres.login.database, owner=postgres.login.user)
        with Server(Endpoint(postgres), host="127.0.0.1") as server:
            print(server.connection_string(), flush=True)
            sys.stdin.read()


@contextmanager
def running(name: str) -> Iterator[str]:
    """Run one of the servers in a process of its own; yield its connection string."""
    command = [sys.executable, __file__, "--serve", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def measure(urls: list[str], in_flight: int, requests: int, rounds: int) -> str:
    """Return a row of the table."""
    command = ["node", "rate.mjs", str(in_flight), str(requests), str(rounds), *urls]
    done = subprocess.run(command, cwd=PEERS, stdout=subprocess.PIPE, text=True, check=True)
    pairs = [json.loads(line) for line in done.stdout.splitlines()]
    canned, endpoint = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    return f"| {in_flight} | {canned:,.0f}/s | {endpoint:,.0f}/s | {ratio:.2f}× |"


def main() -> None:
    """Start both servers, measure, stop them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", choices=["canned", "endpoint"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve == "canned":
        asyncio.run(serve_canned())
    elif options.serve == "endpoint":
        serve_endpoint()
    else:
        if not (PEERS / "node_modules").is_dir():
            install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(install, cwd=PEERS, check=True, stdout=sys.stderr)
        with running("canned") as canned, running("endpoint") as endpoint:
            print("| in flight | canned server | endpoint, PostgreSQL behind it | ratio |\n| --- | --- | --- | --- |")
            for in_flight in (1, 10, 50):
                print(measure([canned, endpoint], in_flight, options.requests, options.rounds), flush=True)


if __name__ == "__main__":
    main()
