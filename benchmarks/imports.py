"""What a cold start pays for the client: importing it and building one, over what asyncio, ssl and json cost anyway.

    .venv/bin/python benchmarks/imports.py

Whole processes, taking turns; the quickest of each counts, for other work on the machine only adds. The byte code is
there already, as it is in an installed package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

ROUNDS = 25
BASE = "import asyncio, ssl, json"
CLIENT = f"{BASE}\nfrom sendoka import neon\nneon('postgresql://user:password@ep-x.eu.aws.neon.tech/db')"
HTTPX = f"{BASE}\nimport httpx\nhttpx.AsyncClient()"


def seconds(code: str, cache: str) -> float:
    """Return how long a fresh interpreter takes for `code`, with its byte code in the folder `cache`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the table."""
    programs = {"asyncio, ssl, json": BASE, "and the client": CLIENT, "and httpx with a client": HTTPX}
    times: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as cache:
        for code in programs.values():
            seconds(code, cache)  # writes the byte code
        for _ in range(ROUNDS):
            for name, code in programs.items():
                times[name].append(seconds(code, cache) * 1000)
    base = min(times["asyncio, ssl, json"])
    print("| import and build | whole process | added |")
    print("| --- | --- | --- |")
    for name, measured in times.items():
        quickest = min(measured)
        print(f"| {name} | {quickest:.0f} ms | {quickest - base:.1f} ms |")


if __name__ == "__main__":
    main()
