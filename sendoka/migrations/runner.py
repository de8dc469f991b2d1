"""`migrate()`: bring a database to the folder, safe to call on every start of every function at once."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.bookkeeping import BOOTSTRAP, is_race, operator
from sendoka.database.seam import Database
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, InsufficientPrivilege, Outcome, TransportError, UnsupportedMigration
from sendoka.migrations.comparison import Comparison, State, agree, compare
from sendoka.migrations.event import Event
from sendoka.migrations.failure import ended_itself, failed, gave_up, is_ours, no_grant, refusal, waiting_for
from sendoka.migrations.folder import read_folder, read_newest
from sendoka.migrations.history import TABLES, apply_statements, head_statement
from sendoka.migrations.inquiry import ask, ask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder
    from sendoka.migrations.history import Entry
    from sendoka.migrations.pushed import PushRow

__all__ = ["MAX_RACES", "Applied", "MigrationReport", "migrate"]

MAX_RACES = 5
"""How often others may be met creating our tables at the same moment, before the migration itself is at fault."""

# A rival's row, a rival's bootstrap, a lock or a timeout: each may mean that the migration is applied by now.
_RIVAL = frozenset({"23505", "23503", "23502"})
_WAITED = frozenset({"55P03", "57014", "40P01", "40001"})


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration that was pending when the call began; `by_us` is false where another runner applied it.

    `recorded` is true where it was only noted: a push had brought the database there, and none of it was run.
    """

    name: str
    by_us: bool
    seconds: float | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a call of `migrate` did. `head` is the folder's newest migration, None for an empty folder.

    `ahead` is true where the database has migrations that this folder does not: the code is older than the database.
    """

    head: str | None
    applied: tuple[Applied, ...] = ()
    ahead: bool = False


async def migrate(
    database: Database,
    folder: str | Path | Folder = "migrations",
    *,
    verify: bool = False,
    deadline: float = 300.0,
    on_event: Callable[[Event], None] | None = None,
    examine: Callable[[Sequence[Migration]], None] | None = None,
) -> MigrationReport:
    """Apply what `folder` has and the database has not, each file in one transaction, exactly once.

    With nothing to do it reads one file and sends one request. Whenever something is pending, and with `verify=True`
    always, the whole folder and every applied checksum are verified first. Rivals are safe: one applies, the others
    wait and see it applied. A lost answer is met by reading the history and, where the row is not there, sending again.
    What a push had brought the database to is noted as applied and not run.

    deadline: seconds after which waiting for others, or for an answer, is given up. on_event: called with an `Event`
    when a migration starts, is applied, or waits; `str(event)` is a line for a person. examine: called with what is
    pending before any of it is applied; what it raises ends the call.

    Raises MigrationError (its leaves say which file, and what to do), SettingsError where there is no such folder, or
    the DatabaseError or TransportError that kept the history from being read.
    """
    if not isinstance(database, Database):
        kind = type(database).__name__
        raise TypeError(f"migrations are applied by a client, migrate(neon(url), …), not by a {kind}")
    return await _Run(database, folder, deadline, on_event, examine).go(verify)


@dataclass(slots=True)
class _Run:
    database: Database
    folder: str | Path | Folder
    seconds: float
    on_event: Callable[[Event], None] | None
    examine: Callable[[Sequence[Migration]], None] | None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    waits: int = 0
    races: int = 0
    recorded: set[str] = field(default_factory=set)
    unknown: bool = False
    """Whether something that this call sent may still be applied, whatever later sends were told."""

    async def go(self, verify: bool) -> MigrationReport:
        if not verify:
            newest = read_newest(self.folder)
            if newest is None:
                return MigrationReport(None)
            report = _settled(newest, await ask(self.database, head_statement(newest)))
            if report is not None:
                return report
        return await self._catch_up(read_folder(self.folder))

    async def _catch_up(self, files: list[Migration]) -> MigrationReport:
        found: list[str] | None = None
        ours: dict[str, float | None] = {}
        while True:
            history, pushed = await ask_all(self.database)
            comparison = compare(files, history or [])
            self._note(history or [], ours)
            refused = refusal(comparison)
            if refused is not None:
                raise refused
            if found is None:
                found = [migration.name for migration in comparison.pending]
                if found and self.examine is not None:
                    self.examine(comparison.pending)
            if comparison.state is not State.PENDING:
                return self._report(files, found, ours, comparison)
            root = comparison.pending[0]
            if pushed is not None:
                await self._record(files, comparison.pending, pushed, ours)
            elif root.adopts is None or not await self._adopt(root, ours):
                _refuse_alone(comparison.pending)
                await self._apply(comparison.pending, ours, new=history is None)

    def _note(self, history: Sequence[Entry], ours: dict[str, float | None]) -> None:
        """Add to `ours` what the history shows to be of this call, and was not known to be applied."""
        for entry in history:
            if entry.token == self.token and entry.state == "applied" and entry.name not in ours:
                ours[entry.name] = entry.seconds
                self._tell(Event("applied", entry.name, entry.seconds, "its answer was lost"))

    async def _record(
        self, files: list[Migration], pending: Sequence[Migration], pushed: PushRow, ours: dict[str, float | None]
    ) -> None:
        """Note `pending` where a push had brought the database there; only forget the push where nothing of it remains.

        Raises MigrationError where the database is neither.
        """
        from sendoka.migrations.reached import recording_of  # knows schemas, and is loaded after a push alone

        by = (self.token, operator(), __version__)
        recording = await recording_of(self.database, self.folder, files, pending, pushed, by)
        try:
            options = TransactionOptions(timeout=max(1.0, self._left()))
            await self.database.run_all(recording.statements, options)
        except (DatabaseError, TransportError) as error:
            await self._settle(pending[0], error, new=False)
            return
        for migration in recording.recorded:
            ours[migration.name] = None
            self.recorded.add(migration.name)
            self._tell(Event("recorded", migration.name))

    async def _adopt(self, root: Migration, ours: dict[str, float | None]) -> bool:
        """Note `root` where it stands for what drizzle ran here; false where drizzle never was here."""
        from sendoka.migrations.adoption import adopting

        statements = await adopting(self.database, root, (self.token, operator(), __version__))
        if statements is None:
            return False
        try:
            await self.database.run_all(statements, TransactionOptions(timeout=max(1.0, self._left())))
        except (DatabaseError, TransportError) as error:
            await self._settle(root, error, new=True)
            return True
        ours[root.name] = None
        self.recorded.add(root.name)
        self._tell(Event("recorded", root.name, why="drizzle ran what it stands for"))
        return True

    async def _apply(self, pending: Sequence[Migration], ours: dict[str, float | None], *, new: bool) -> None:
        """Apply `pending` in order, up to the first one that calls for reading the history again."""
        for migration in pending:
            self._tell(Event("applying", migration.name))
            bootstrap = [*BOOTSTRAP, *TABLES] if new else []
            statements = apply_statements(migration, self.token, operator(), __version__)
            try:
                options = TransactionOptions(timeout=max(1.0, self._left()))
                results = await self.database.run_all([*bootstrap, *statements], options)
            except (DatabaseError, TransportError) as error:
                await self._settle(migration, error, new=new)
                return
            if not results[-1].rows:
                raise ended_itself(migration)
            seconds = float(results[-1].rows[0][0] or 0)
            ours[migration.name] = seconds
            self._tell(Event("applied", migration.name, seconds))
            new = False

    async def _settle(self, migration: Migration, error: DatabaseError | TransportError, *, new: bool) -> None:
        """Wait and return where the history must be read again; raise where the migration itself is refused.

        No constraint's name decides: whatever may mean a rival, a lock or a lost answer leads to the same reading.
        """
        self.unknown = self.unknown or error.outcome is Outcome.UNKNOWN
        if isinstance(error, InsufficientPrivilege) and is_ours(error, new=new):
            raise no_grant(error) from error
        if not self._may_be_applied(error, new=new):
            if isinstance(error, TransportError):
                error.outcome = Outcome.UNKNOWN if self.unknown else error.outcome
                raise error
            raise await failed(self.database, migration, error, unknown=self.unknown) from error
        left = self._left()
        if left <= 0:
            raise gave_up(migration, error, self.seconds, unknown=self.unknown) from error
        self.waits += 1
        self._tell(Event("waiting", migration.name, why=waiting_for(migration, error)))
        pause = min(2.0, 0.05 * 1.5**self.waits) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        await asyncio.sleep(min(pause, left))

    def _may_be_applied(self, error: DatabaseError | TransportError, *, new: bool) -> bool:
        """Tell whether the migration may be applied by now, by a rival or by what was sent and not answered."""
        if error.outcome is Outcome.UNKNOWN:
            return True
        if not isinstance(error, DatabaseError):
            return False
        if new and is_race(error):
            self.races += 1
            return self.races <= MAX_RACES
        return error.sqlstate in _WAITED or (error.sqlstate in _RIVAL and is_ours(error))

    def _report(
        self, files: Sequence[Migration], found: Sequence[str], ours: dict[str, float | None], comparison: Comparison
    ) -> MigrationReport:
        applied = tuple(Applied(name, name in ours, ours.get(name), name in self.recorded) for name in found)
        return MigrationReport(files[-1].name if files else None, applied, ahead=comparison.state is State.NEWER)

    def _left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    def _tell(self, event: Event) -> None:
        if self.on_event is not None:
            self.on_event(event)


def _refuse_alone(pending: Sequence[Migration]) -> None:
    """Raise UnsupportedMigration where a file runs in no transaction: its statement would fail in ours."""
    for migration in pending:
        if migration.done_when is not None:
            raise UnsupportedMigration(
                f"{migration.name}.sql says transaction: none, and such files are not applied yet; nothing was sent",
                todo="if none of them was applied anywhere, delete all files that were generated with it, what follows"
                " and their snapshot in meta/; then generate again without --online",
            )


def _settled(newest: Migration, history: list[Entry] | None) -> MigrationReport | None:
    """Return the report of a call with nothing to do, None where something is pending or wrong."""
    if not history or not any(agree(newest, entry) and entry.state == "applied" for entry in history):
        return None
    return MigrationReport(newest.name, ahead=history[-1].checksum != newest.checksum)
