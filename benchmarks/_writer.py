"""An application that writes single rows, as a process: `_writer.py URL` until its input ends; prints percentiles.

A hundred writes a second at most, each of a random row, over TCP; milliseconds. Where Linux tells how long this process
and its backend were ready and waited for a processor, that is there for the writes about the 99th percentile.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path

import psycopg

PAUSE = 0.01
KEYS = 5000


def waited(*threads: str) -> float:
    """Return the milliseconds for which these were ready to go on since they began, and no processor was free."""
    try:
        return sum(int(Path("/proc", each, "schedstat").read_text().split()[1]) for each in threads) / 1e6
    except OSError:
        return 0.0


def main(url: str) -> None:
    """Write until told to stop."""
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    took: list[tuple[float, float]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        keys = [key for (key,) in connection.execute("select id from messages tablesample system (5) limit %s", [KEYS])]
        threads = (f"self/task/{threading.get_native_id()}", str(connection.info.backend_pid))
        print("ready", flush=True)
        while not ended.is_set():
            before, began = waited(*threads), time.perf_counter()
            connection.execute("update messages set read_at = now() where id = %s", [random.choice(keys)])
            took.append((1000 * (time.perf_counter() - began), waited(*threads) - before))
            time.sleep(PAUSE)
    took.sort()
    last = len(took) // 100
    about = took[-last - last // 2 - 1 : -last // 2 or None]
    print(
        json.dumps(
            {
                "p99": statistics.quantiles([each for each, _ in took], n=100, method="inclusive")[-1],
                # Both may wait at once.
                "waited": min(1.0, sum(each for _, each in about) / sum(each for each, _ in about)),
                "longest": took[-1][0],
                "writes": len(took),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
