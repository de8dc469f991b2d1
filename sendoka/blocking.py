"""For programs without an event loop: scripts, and servers that answer in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sendoka.database.retry import Retry
from sendoka.errors import DatabaseError, TransportError
from sendoka.http.client import neon
from sendoka.http.transport import TransportOptions, asyncio_loop
from sendoka.http.transport.blocking import BlockingTransport
from sendoka.migrations.runner import at_a_glance, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sendoka.migrations.event import Event
    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder
    from sendoka.migrations.report import MigrationReport

__all__ = ["migrate_now"]

_OPTIONS = ("connect_timeout", "max_answer", "ca")


def migrate_now(
    url: str | None = None,
    folder: str | Path | Folder = "migrations",
    *,
    verify: bool = False,
    deadline: float = 300.0,
    lock_budget: float = 60.0,
    on_event: Callable[[Event], None] | None = None,
    examine: Callable[[Sequence[Migration]], None] | None = None,
    **client: Any,
) -> MigrationReport:
    """Do what `migrate()` does, and return when it is done; for a program without an event loop.

    With nothing to do it sends its one request over a blocking socket and starts no event loop: it is spared the
    loading of asyncio, about a quarter of such a start. For all else, a failed request too, it runs `migrate()` in a
    loop of its own. It must be the only thing that its thread does.

    url, client: what `neon()` takes. The other parameters, and what it raises, are those of `migrate()`. Raises
    RuntimeError where an event loop runs in this thread.
    """
    if asyncio_loop() is not None:
        raise RuntimeError("migrate_now() would block the event loop that runs here; use: await migrate(sql, folder)")
    report = None if verify or client.get("transport") is not None else _at_once(url, folder, client)
    if report is not None:
        return report
    import asyncio

    async def go() -> MigrationReport:
        async with neon(url, **client) as sql:
            return await migrate(
                sql,
                folder,
                verify=verify,
                deadline=deadline,
                lock_budget=lock_budget,
                on_event=on_event,
                examine=examine,
            )

    return asyncio.run(go())


def _at_once(url: str | None, folder: str | Path | Folder, client: dict[str, Any]) -> MigrationReport | None:
    """Return the report of a call with nothing to do, None where there may be something, or no answer came.

    The client's coroutines end without having waited once, for the transport under them blocks. What may wait by
    itself, a function that gets a password, is left to the event loop.
    """
    if any(callable(client.get(name)) for name in ("password", "token")):
        return None
    options = TransportOptions(**{name: client[name] for name in _OPTIONS if name in client})
    sql = neon(url, **{**client, "transport": BlockingTransport(options), "retry": Retry(attempts=1)})
    if sql.detoured:
        return None
    looking = at_a_glance(sql, folder)
    try:
        looking.send(None)
    except StopIteration as done:
        report: MigrationReport | None = done.value
        return report
    except (TransportError, DatabaseError):
        return None
    finally:
        looking.close()
    return None
