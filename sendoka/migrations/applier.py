"""What `migrate()` does where something is pending, or wrong: the part that a start with nothing to do never loads."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendoka import __version__
from sendoka.bookkeeping import BOOTSTRAP, is_race, operator, upgrade
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import DatabaseError, InsufficientPrivilege, Outcome, TooManyConnections, TransportError
from sendoka.migrations.comparison import State, compare
from sendoka.migrations.event import Event
from sendoka.migrations.failure import (
    failed,
    gave_up,
    is_full,
    is_lock,
    locked_out,
    no_grant,
    refusal,
    waiting_for,
)
from sendoka.migrations.history import TABLES, apply_statements, begin_statements
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.report import Applied, MigrationReport
from sendoka.migrations.rivals import is_our_grant, is_rival
from sendoka.migrations.unclosed import is_unclosed, unclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sendoka.migrations.call import Call
    from sendoka.migrations.comparison import Comparison
    from sendoka.migrations.files import Migration
    from sendoka.migrations.folder import Folder
    from sendoka.migrations.history import Entry
    from sendoka.migrations.pushed import PushRow

__all__ = ["MAX_RACES", "Applier"]

MAX_RACES = 5
"""How often others may be met creating our tables at the same moment, before the migration itself is at fault."""

_PUSHED = "a push had brought the database there"
_DRIZZLE = "drizzle ran what it stands for"

# A rival's row, a rival's wait that ended, and what the rival's transaction made of the closing one.
_RIVAL = frozenset({"23505", "23503", "23502", "57014"})


@dataclass(slots=True)
class Applier:
    """Brings the database of a call to a folder, whatever others do meanwhile."""

    call: Call
    folder: str | Path | Folder
    examine: Callable[[Sequence[Migration]], None] | None = None
    races: int = 0
    found: list[str] | None = None
    ours: dict[str, float | None] = field(default_factory=dict)
    """What this call applied, with the seconds it took."""
    recorded: set[str] = field(default_factory=set)
    noting: dict[str, str] = field(default_factory=dict)
    """The tokens under which this call only notes, each with who had brought the database there."""
    unknown: bool = False
    """Whether something that this call sent may still be applied, whatever later sends were told."""

    async def catch_up(self, files: list[Migration]) -> MigrationReport:
        """Apply what is pending of `files`, the whole folder; return once the database has all of it."""
        while True:
            try:
                report = await self._go_on(files)
            except TooManyConnections as error:
                if not is_full(error) or self.call.left() <= 0:
                    raise
                await self.call.pause()
            else:
                if report is not None:
                    return report

    async def _go_on(self, files: list[Migration]) -> MigrationReport | None:
        """Read the history, and do what follows from it; None where it is to be read again."""
        history, pushed, outdated = await ask_all(self.call.database)
        comparison = compare(files, history or [])
        self._note(history or [])
        refused = refusal(comparison)
        if refused is not None:
            raise refused
        pending = _unfinished(files, comparison)
        if self.found is None:
            self.found = [migration.name for migration in pending]
            if pending and self.examine is not None:
                self.examine(pending)
        if not pending:
            return self._report(files, comparison, {entry.name: entry for entry in history or []})
        if outdated:
            await upgrade(self.call.database)
        if comparison.state is State.RUNNING:
            await self._finish(pending[0])
        elif pushed is not None:
            await self._record(files, pending, pushed)
        elif pending[0].adopts is None or not await self._adopt(pending[0]):
            await self._apply(pending, new=history is None)
        return None

    def _note(self, history: Sequence[Entry]) -> None:
        """Keep what the history shows to be of this call, and was not known to be applied."""
        for entry in history:
            if entry.token not in self.call.tokens or entry.state != "applied" or entry.name in self.ours:
                continue
            if entry.token in self.noting:
                self._recorded(entry.name, self.noting[entry.token])
            else:
                self.ours[entry.name] = entry.seconds
                self.call.tell(Event("applied", entry.name, entry.seconds, "its answer was lost"))

    async def _record(self, files: list[Migration], pending: Sequence[Migration], pushed: PushRow) -> None:
        """Note `pending` where a push had brought the database there; only forget the push where nothing of it remains.

        Raises MigrationError where the database is neither.
        """
        from sendoka.migrations.reached import recording_of  # knows schemas, and is loaded after a push alone

        by = self._by(_PUSHED)
        recording = await recording_of(self.call.database, self.folder, files, pending, pushed, by)
        begun = time.monotonic()
        try:
            await self.call.database.run_all(recording.statements, self._options())
        except (DatabaseError, TransportError) as error:
            await self._settle(pending[0], error, time.monotonic() - begun, new=False)
            return
        for migration in recording.recorded:
            self._recorded(migration.name, _PUSHED)

    async def _adopt(self, root: Migration) -> bool:
        """Note `root` where it stands for what drizzle ran here; false where drizzle never was here."""
        from sendoka.migrations.adoption import adopting

        statements = await adopting(self.call.database, root, self._by(_DRIZZLE))
        if statements is None:
            return False
        begun = time.monotonic()
        try:
            await self.call.database.run_all(statements, self._options())
        except (DatabaseError, TransportError) as error:
            await self._settle(root, error, time.monotonic() - begun, new=True)
            return True
        self._recorded(root.name, _DRIZZLE)
        return True

    async def _apply(self, pending: Sequence[Migration], *, new: bool) -> None:
        """Apply `pending` in order, up to the first one that calls for reading the history again."""
        if any(migration.done_when is not None for migration in pending):
            from sendoka.migrations.alone import check_alone  # who has no such file does not load it

            check_alone(pending)
        for migration in pending:
            self.call.tell(Event("applying", migration.name))
            bootstrap = [*BOOTSTRAP, *TABLES] if new else []
            begins = apply_statements if migration.done_when is None else begin_statements
            statements = begins(migration, self.call.new_token(), operator(), __version__)
            begun = time.monotonic()
            try:
                results = await self.call.database.run_all([*bootstrap, *statements], self._options())
            except (DatabaseError, TransportError) as error:
                await self._settle(migration, error, time.monotonic() - begun, new=new)
                return
            if migration.done_when is not None:
                await self._finish(migration)
                return
            self._applied(migration, float(results[-1].rows[0][0] or 0))
            new = False

    async def _finish(self, migration: Migration) -> None:
        """Bring a file without a transaction to its end, whoever began it."""
        from sendoka.migrations.alone import finish

        finished = await finish(self.call, migration)
        if finished is not None and finished.ran:
            self._applied(migration, finished.seconds)
        elif finished is not None:
            self._recorded(migration.name, "its done-when was true already")

    def _applied(self, migration: Migration, seconds: float) -> None:
        self.ours[migration.name] = seconds
        self.call.tell(Event("applied", migration.name, seconds))

    def _recorded(self, name: str, why: str) -> None:
        self.ours[name] = None
        self.recorded.add(name)
        self.call.tell(Event("recorded", name, why=why))

    def _by(self, why: str) -> tuple[str, str, str]:
        """Return the token, the operator and the version for what is only noted."""
        token = self.call.new_token()
        self.noting[token] = why
        return token, operator(), __version__

    async def _settle(
        self, migration: Migration, error: DatabaseError | TransportError, took: float, *, new: bool
    ) -> None:
        """Wait and return where the history must be read again; raise where the migration itself is refused.

        No constraint's name decides: whatever may mean a rival, a lock or a lost answer leads to the same reading.
        """
        self.unknown = self.unknown or error.outcome is Outcome.UNKNOWN
        if is_unclosed(error):
            history, *_ = await ask_all(self.call.database)
            begun = any(entry.token in self.call.tokens and entry.name == migration.name for entry in history or ())
            raise unclosed(migration, self._namespace, ended=begun) from error
        if isinstance(error, InsufficientPrivilege) and await is_our_grant(self.call.database, error, new=new):
            raise no_grant(error, self._namespace) from error
        rival = await is_rival(self.call.database, error, new=new)
        if not self._may_be_applied(error, rival=rival, new=new):
            if isinstance(error, TransportError):
                error.outcome = Outcome.UNKNOWN if self.unknown else error.outcome
                raise error
            raise await failed(self.call.database, migration, error, unknown=self.unknown, new=new) from error
        if self.call.left() <= 0:
            raise gave_up(migration, error, self.call.seconds, unknown=self.unknown, rival=rival) from error
        if isinstance(error, DatabaseError) and is_lock(error) and not (rival or self._may_be_a_race(new=new)):
            await self._wait_for_locks(migration, error, took)
            return
        self.call.tell(Event("waiting", migration.name, why=waiting_for(migration, error, rival=rival)))
        await self.call.pause()

    async def _wait_for_locks(self, migration: Migration, error: DatabaseError, took: float) -> None:
        """Tell who holds the locks, and wait. Raises MigrationFailed where the budget for that is used up."""
        from sendoka.migrations.blockers import ask_blockers

        blockers = await ask_blockers(self.call.database, migration.statements, max(1.0, self.call.left()))
        pause = self.call.lock_pause(took)
        if pause is None:
            raise locked_out(migration, error, self.call.lock_budget, blockers, unknown=self.unknown) from error
        self.call.tell(Event("waiting", migration.name, why=waiting_for(migration, error), blockers=blockers))
        await self.call.sleep(pause)

    def _may_be_a_race(self, *, new: bool) -> bool:
        """Tell whether a lock may be that of a rival who creates our tables as well, in a way that names no key.

        It may be one on a table of the migration too, which shows in that it does not end.
        """
        if new and self.races < MAX_RACES:
            self.races += 1
            return True
        return False

    def _may_be_applied(self, error: DatabaseError | TransportError, *, rival: bool, new: bool) -> bool:
        """Tell whether the migration may be applied by now, or the next time: the history is read again then."""
        if error.outcome is Outcome.UNKNOWN:
            return True
        if not isinstance(error, DatabaseError):
            return False
        if new and is_race(error):
            self.races += 1
            return self.races <= MAX_RACES
        return is_lock(error) or is_full(error) or (error.sqlstate in _RIVAL and rival)

    def _report(
        self, files: Sequence[Migration], comparison: Comparison, history: Mapping[str, Entry]
    ) -> MigrationReport:
        applied = tuple(self._standing(name, history.get(name)) for name in self.found or ())
        return MigrationReport(files[-1].name if files else None, applied, ahead=comparison.state is State.NEWER)

    def _standing(self, name: str, entry: Entry | None) -> Applied:
        seconds, by = (None, None) if entry is None else (entry.seconds, entry.applied_by)
        return Applied(name, name in self.ours, self.ours.get(name, seconds), name in self.recorded, by)

    @property
    def _namespace(self) -> str:
        return self.call.database.namespace

    def _options(self) -> TransactionOptions:
        return TransactionOptions(timeout=max(1.0, self.call.left()))


def _unfinished(files: Sequence[Migration], comparison: Comparison) -> Sequence[Migration]:
    """Return the files that are to be applied, the first of them perhaps begun already."""
    if comparison.state is State.RUNNING and comparison.at is not None:
        return files[files.index(comparison.at[0]) :]
    return comparison.pending
