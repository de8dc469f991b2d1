"""What the template database of a run of tests is filled with."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

from sendoka.http.client import neon
from sendoka.settings import read_settings, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendoka.http.client import Neon

    Fill = Callable[[Neon], Any]

__all__ = ["fill", "migrations_of", "with_migrations"]


def migrations_of(root: Path) -> Path | None:
    """Return the folder of migrations of the project around `root`, None where none of it is Sendoka's.

    Without `[tool.sendoka]` a folder of this name may be another tool's.
    """
    settings = read_settings(root)
    file = settings.root / "pyproject.toml"
    if not file.is_file() or read_table(file) is None or not any(settings.migrations.glob("*.sql")):
        return None
    return settings.migrations


def with_migrations(folder: Path | None) -> Fill:
    """Return the function that applies the migrations of `folder`, if there is one."""

    async def fill_with_migrations(sql: Neon) -> None:
        if folder is not None:
            from sendoka.migrations import migrate

            await migrate(sql, folder)

    return fill_with_migrations


def fill(url: str, function: Fill) -> None:
    """Let `function` fill the database at `url`. Raises what it raises.

    It runs in a thread with an event loop of its own, because the caller's thread may have a running one.
    """
    raised: list[BaseException] = []

    async def go() -> None:
        async with neon(url, transport="native") as sql:
            made = function(sql)
            if inspect.isawaitable(made):
                await made

    def run() -> None:
        try:
            asyncio.run(go())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, name="sendoka-template")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
