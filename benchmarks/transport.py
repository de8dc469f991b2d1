"""Requests a second of the native transport over those of httpx, same client, same canned server, one run.

    .venv/bin/python benchmarks/transport.py [--requests 2000] [--rounds 3]

The server is a process of its own and answers `select 1` without a database, so what is measured is the client. The
transports take turns; each row is the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from sendoka import neon

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = (
    b'{"fields":[{"name":"n","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,'
    b'"format":"text"}],"rows":[["1"]],"command":"SELECT","rowCount":1,"rowAsArray":true}'
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Canned(asyncio.Protocol):
    """Answers every request with the same bytes; requests are told apart by their bodies' end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        # httpx writes the head and the body apart; only the body ends in a brace.
        if data.endswith(b"}"):
            self.transport.write(ANSWER)


async def serve() -> None:
    """Serve until stdin ends; print the port first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def rate(url: str, transport: str, in_flight: int, requests: int) -> float:
    """Return requests a second with `in_flight` tasks that each ask one after the other."""
    async with neon(url, transport=transport) as sql:

        async def worker() -> None:
            for _ in range(requests // in_flight):
                await sql("select 1 as n")

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return requests // in_flight * in_flight / (time.perf_counter() - started)


def measure(url: str, requests: int, rounds: int, tell: Callable[[str], None]) -> None:
    """Print a row for each number of requests in flight."""
    tell(f"{'in flight':>9}  {'native/s':>9}  {'httpx/s':>9}  {'native over httpx':>17}")
    for in_flight in (1, 10, 50):
        rates: dict[str, list[float]] = {"native": [], "httpx": []}
        for _ in range(rounds):
            for transport, found in rates.items():
                found.append(asyncio.run(rate(url, transport, in_flight, requests)))
        native, httpx = (statistics.median(found) for found in rates.values())
        tell(f"{in_flight:>9}  {native:>9,.0f}  {httpx:>9,.0f}  {native / httpx:>16.1f}×")


def main() -> None:
    """Start the server, measure, stop it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        measure(f"postgresql://u:p@127.0.0.1:{port}/db", options.requests, options.rounds, print)
        server.stdin.close()


if __name__ == "__main__":
    main()
