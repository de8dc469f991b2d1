"""`migrate()`: bring a database to the folder, safe to call on every start of every function at once."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sendoka.database.seam import Database
from sendoka.errors import TooManyConnections
from sendoka.migrations.folder import read_folder, read_newest
from sendoka.migrations.history import agree, head_statement
from sendoka.migrations.inquiry import ask
from sendoka.migrations.report import Applied, MigrationReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sendoka.migrations.event import Event
    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder

__all__ = ["Applied", "MigrationReport", "at_a_glance", "migrate"]


async def migrate(
    database: Database,
    folder: str | Path | Folder = "migrations",
    *,
    verify: bool = False,
    deadline: float = 300.0,
    lock_budget: float = 60.0,
    on_event: Callable[[Event], None] | None = None,
    examine: Callable[[Sequence[Migration]], None] | None = None,
) -> MigrationReport:
    """Apply what `folder` has and the database has not, each file in one transaction, exactly once.

    With nothing to do it reads one file and sends one request. Whenever something is pending, and with `verify=True`
    always, the whole folder and every applied checksum are verified first. Rivals are safe: one applies, the others
    wait and see it applied. A lost answer is met by reading the history and, where the row is not there, sending again.
    A file without a transaction is run by one, and whoever finds it unfinished asks the server what became of it.
    What a push had brought the database to is noted as applied and not run. Where all connections of the server are
    taken, a free one is waited for, however often the client has asked.

    deadline: seconds after which waiting for others, or for an answer, is given up; a statement without a transaction
    that this call runs is not ended by it. lock_budget: seconds of them that may go to locks that others hold on
    tables; a migration that did not get one is undone and tried again, after longer and longer waits. on_event: called
    with an `Event` when a migration starts, is applied, or waits; `str(event)` is a line for a person. examine:
    called with what is pending before any of it is applied; what it raises ends the call.

    Raises MigrationError (its leaves say which file, and what to do), SettingsError where there is no such folder, or
    the DatabaseError or TransportError that kept the history from being read.
    """
    if not isinstance(database, Database):
        kind = type(database).__name__
        raise TypeError(f"migrations are applied by a client, migrate(neon(url), …), not by a {kind}")
    begun = time.monotonic()
    report = None
    if not verify:
        with suppress(TooManyConnections):  # what follows waits for a connection
            report = await at_a_glance(database, folder)
    if report is not None:
        return report
    from sendoka.migrations.applier import Applier  # who has nothing to do does without it
    from sendoka.migrations.call import Call

    call = Call(database, deadline, lock_budget, on_event, started=begun)
    return await Applier(call, folder, examine).catch_up(read_folder(folder))


async def at_a_glance(database: Database, folder: str | Path | Folder) -> MigrationReport | None:
    """Return the report of a call with nothing to do, by one file and one request; None where there may be something.

    Nothing is asked for an empty folder.
    """
    newest = read_newest(folder)
    if newest is None:
        return MigrationReport(None)
    history = await ask(database, head_statement(newest))
    if not history or not any(agree(newest, entry) and entry.state == "applied" for entry in history):
        return None
    return MigrationReport(newest.name, ahead=history[-1].checksum != newest.checksum)
