"""Requests a second for a small result: ours natively and over httpx, httpx itself, and the official driver on node.

    .venv/bin/python benchmarks/transport.py [--requests 2000] [--rounds 5] [--in-flight 1 10 50 200] [--spread]

All ask the same canned server, which is a process of its own, and each runs in a process of its own. They take turns; a
figure is the median of the rounds, and a ratio that of medians. `httpx` is a plain client that sends the same header
lines and reads the same JSON. All processes share one core, so that work is measured, and not how the system wakes a
core that sleeps: with one request in flight that is most of the time on a virtual machine. `--spread` leaves it to the
system.
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
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _canned import serving  # type: ignore[import-not-found]  # beside this script, which is not in a package

from sendoka import neon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ask = Callable[[], Awaitable[object]]

FOLDER = Path(__file__).parent
PEERS = FOLDER.parent / "tests" / "peers"
DRIVER = "official driver"
CONTENDERS = ("native", "over httpx", "httpx", DRIVER)


async def rate(ask: Ask, in_flight: int, requests: int) -> float:
    """Return requests a second with `in_flight` tasks that each ask one after the other."""

    async def worker(times: int) -> None:
        for _ in range(times):
            await ask()

    async def all_of(times: int) -> None:
        await asyncio.gather(*(worker(times) for _ in range(in_flight)))

    each = -(-requests // in_flight)
    await all_of(-(-min(requests, 500) // in_flight))
    started = time.perf_counter()
    await all_of(each)
    return each * in_flight / (time.perf_counter() - started)


async def ours(port: int, transport: str, in_flight: int, requests: int) -> float:
    """Return the rate of this client over one of its transports."""
    async with neon(f"postgresql://user:password@127.0.0.1:{port}/db", transport=transport) as sql:

        async def ask() -> None:
            await sql("select 1 as n")

        return await rate(ask, in_flight, requests)


async def plain_httpx(port: int, in_flight: int, requests: int) -> float:
    """Return the rate of the same exchange by httpx alone."""
    import httpx

    headers = {
        "Neon-Connection-String": f"postgresql://user:password@127.0.0.1:{port}/db",
        "Neon-Raw-Text-Output": "true",
        "Neon-Array-Mode": "true",
        "Content-Type": "application/json",
    }
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - with many in flight its pool takes its time

        async def ask() -> None:
            document = json.dumps({"query": "select 1 as n", "params": []})
            (await client.post(f"http://127.0.0.1:{port}/sql", headers=headers, content=document)).json()

        return await rate(ask, in_flight, requests)


def measured(contender: str, port: int, in_flight: int, requests: int) -> float:
    """Return the rate of a contender, run in a process of its own."""
    numbers = [str(port), str(in_flight), str(requests)]
    command = ["node", str(FOLDER / "_driver.mjs")] if contender == DRIVER else [sys.executable, __file__, contender]
    done = subprocess.run([*command, *numbers], capture_output=True, text=True, check=True)
    return float(done.stdout)


def alone(contender: str, port: int, in_flight: int, requests: int) -> None:
    """Measure in this process, and print the rate."""
    if contender == "httpx":
        print(asyncio.run(plain_httpx(port, in_flight, requests)))
    else:
        transport = "native" if contender == "native" else "httpx"
        print(asyncio.run(ours(port, transport, in_flight, requests)))


def has_driver() -> bool:
    """Tell whether the driver can be run, installing it where npm is there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    if not (PEERS / "node_modules" / "@neondatabase").exists():
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=PEERS, check=True, stdout=sys.stderr)
    return True


def compare(port: int, options: argparse.Namespace, contenders: list[str]) -> None:
    """Print a row for each number of requests in flight."""
    others = contenders[1:]
    print("| in flight |", " | ".join([*contenders, *(f"native ÷ {other}" for other in others)]), "|")
    print("| ---: " * (2 * len(contenders)) + "|")
    for in_flight in options.in_flight:
        found: dict[str, list[float]] = {contender: [] for contender in contenders}
        for _ in range(options.rounds):
            for contender, rates in found.items():
                # httpx needs fewer requests for the same time.
                requests = options.requests // (8 if "httpx" in contender else 1)
                rates.append(measured(contender, port, in_flight, max(requests, 2 * in_flight)))
        medians = [statistics.median(rates) for rates in found.values()]
        cells = [f"{median:,.0f}/s" for median in medians] + [f"{medians[0] / median:.1f}×" for median in medians[1:]]
        print(f"| {in_flight} |", " | ".join(cells), "|", flush=True)


def main() -> None:
    """Start the server, measure, stop it."""
    if len(sys.argv) == 5 and sys.argv[1] in CONTENDERS:
        alone(sys.argv[1], *map(int, sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 10, 50, 200])
    parser.add_argument("--spread", action="store_true", help="do not hold all processes to one core")
    options = parser.parse_args()
    contenders = list(CONTENDERS)
    if not has_driver():
        print("node or npm is missing: the official driver is left out", file=sys.stderr)
        contenders.remove(DRIVER)
    if not options.spread and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the processes begun from here inherit it
    with serving() as port:
        compare(port, options, contenders)


if __name__ == "__main__":
    main()
