"""A process of the benchmark `tables`: `_compare.py ours|alembic URL`, in the folder above `schema/`.

It imports the schema and what compares it, and then compares it with the database; it prints seconds, MB beyond the
imports, and requests, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import MetaData

    Way = Callable[[MetaData, str], int]
    """Compares, and returns how many requests it took."""


def _imported() -> MetaData:
    sys.path.insert(0, ".")
    for path in sorted(Path("schema").glob("t*.py")):
        importlib.import_module(f"schema.{path.stem}")
    metadata: MetaData = importlib.import_module("schema").metadata
    return metadata


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ours() -> Way:
    from sendoka import neon
    from sendoka.schema.diff import diff
    from sendoka.schema.from_catalog import model_from_catalog
    from sendoka.schema.from_python import model_from_tables
    from sendoka.schema.plan import plan

    sent: list[Any] = []

    async def work(metadata: MetaData, url: str) -> None:
        async with neon(url, hooks=[sent.append], timeout=300, max_answer=1 << 30) as sql:
            there = await model_from_catalog(sql)
        steps = plan(diff(there, model_from_tables(metadata.tables.values()))).steps
        assert not steps, steps[:3]

    def way(metadata: MetaData, url: str) -> int:
        asyncio.run(work(metadata, url))
        return len(sent)

    return way


def _alembic() -> Way:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    def way(metadata: MetaData, url: str) -> int:
        with create_engine(url.replace("postgresql://", "postgresql+psycopg://")).connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), metadata)
            assert not found, found[:3]
        return 0

    return way


def main(name: str, url: str) -> None:
    """Measure and print."""
    way = {"ours": _ours, "alembic": _alembic}[name]()
    metadata = _imported()
    before, began = _megabytes(), time.perf_counter()
    requests = way(metadata, url)
    print(json.dumps([time.perf_counter() - began, _megabytes() - before, requests]))


if __name__ == "__main__":
    main(*sys.argv[1:])
