"""An application that writes single rows, as a process: `_writer.py URL` until its input ends; prints percentiles.

A hundred writes a second at most, each of a random row, over TCP; milliseconds.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import threading
import time

import psycopg

PAUSE = 0.01
KEYS = 5000


def main(url: str) -> None:
    """Write until told to stop."""
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    took = []
    with psycopg.connect(url, autocommit=True) as connection:
        keys = [key for (key,) in connection.execute("select id from messages tablesample system (5) limit %s", [KEYS])]
        print("ready", flush=True)
        while not ended.is_set():
            began = time.perf_counter()
            connection.execute("update messages set read_at = now() where id = %s", [random.choice(keys)])
            took.append(1000 * (time.perf_counter() - began))
            time.sleep(PAUSE)
    print(
        json.dumps(
            {
                "p99": statistics.quantiles(took, n=100, method="inclusive")[-1],
                "longest": max(took),
                "writes": len(took),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
