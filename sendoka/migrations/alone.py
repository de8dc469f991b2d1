"""A file without a transaction: its one statement is run by somebody, once, and its row is closed when it is done.

The row is inserted as `running`, with a token, in a transaction of its own: the unique keys of the history decide
between runners, as for every other file. Then the statement goes alone. Whatever becomes of its answer, the server is
asked, and never a clock: `done-when` is true → the row is closed; somebody works on it → wait; neither, twice → whoever
can change the token takes it over, clears what an ended build left, and runs it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sendoka import __version__
from sendoka.bookkeeping import operator
from sendoka.database.retry import is_passing
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import DatabaseError, InvalidMigration, Outcome, SettingsError, TransportError
from sendoka.migrations.alone_failure import cannot_ask, failed_alone, gave_up_alone, not_done
from sendoka.migrations.blockers import ask_blockers
from sendoka.migrations.call import is_asyncio
from sendoka.migrations.event import Event
from sendoka.migrations.failure import is_lock, locked_out, waiting_for
from sendoka.migrations.standing import (
    close_statement,
    drop_statement,
    index_of,
    is_aside,
    put_aside,
    questions,
    release_statement,
    standing_in,
    tagged,
    take_over_statement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sendoka.database.statement import Statement
    from sendoka.migrations.call import Call
    from sendoka.migrations.files import Migration
    from sendoka.migrations.standing import Standing

    Invalid = Sequence[tuple[str, str]]

__all__ = ["APART", "Finished", "check_alone", "finish"]

APART = 3.0
"""Seconds between two questions before a statement that nobody works on is taken over."""

_LOOK = 15.0
"""Seconds after which a statement that has not been answered is asked for: the answer may be lost on the way."""

_CLEARINGS = 3
"""How often a failed build's index is tried to be cleared."""

_LONGEST = 86400.0
"""Seconds an answer is waited for while the server works on it. A day: to stop waiting is to have it cancelled."""


def check_alone(pending: Sequence[Migration]) -> None:
    """Raise InvalidMigration for a file without a transaction that could not be run safely; nothing was sent then.

    Raises SettingsError under trio.
    """
    for migration in pending:
        if migration.done_when is not None and not is_asyncio():
            raise SettingsError(
                f"{migration.name}.sql runs in no transaction, and is watched by asyncio while it does: here is trio",
                todo="apply it with `sendoka migrate`, or call migrate() in asyncio.run(…)",
            )
        index = None if migration.done_when is None else index_of(migration.statements[0])
        if index is not None and index.name is None:
            raise InvalidMigration(
                f"{migration.name}.sql builds an index that it gives no name",
                todo="name it: what an interrupted build leaves is known by its name alone",
            )


class Finished(NamedTuple):
    """A row that this call closed. `ran` is false where it was done before anybody had sent its statement."""

    seconds: float
    ran: bool


async def finish(call: Call, migration: Migration) -> Finished | None:
    """Bring a migration whose row is `running` to its end, or to where the history must be read again.

    Returns None where this call did not close the row. Raises MigrationError where the statement
    fails, where it is not done after it ran, or where somebody else's is not done before the deadline.
    """
    check_alone([migration])
    return await _Alone(call, migration).finish()


@dataclass(slots=True)
class _Alone:
    call: Call
    migration: Migration
    followed: bool = False
    """Whether somebody else began it."""
    sent: str = ""
    """The token under which this call has sent the statement."""
    answered: bool = False
    """Whether the statement was answered with success."""
    refused: DatabaseError | None = None
    """What it was answered with otherwise, position and all."""
    seen: str = ""
    """The token that the row had when it was last asked for."""
    quiet: int = 0
    """How many times running, under this token, nobody was seen to work on it."""
    clearings: int = 0
    took: float = 0.0
    said: str = ""
    said_at: float = 0.0

    async def finish(self) -> Finished | None:
        while True:
            standing = await self._ask()
            if standing is None:
                continue
            token = standing.token or ""
            if token != self.seen:  # who took it over has yet to begin
                self.seen, self.quiet = token, 0
                self.followed = self.followed or token not in self.call.tokens
            if standing.state != "running":
                return None  # somebody closed it, or took its row away: the history tells
            if standing.done:
                seconds = await self._close(token)
                if seconds is None:
                    continue
                return Finished(seconds, self.followed or bool(self.sent))
            if standing.workers:
                self.quiet = 0
                await self._wait(f"{self.migration.name} is worked on: {'; '.join(map(str, standing.workers))}")
            else:
                await self._go_on(standing, token)

    async def _go_on(self, standing: Standing, token: str) -> None:
        """Do what is next where nobody works on it and it is not done."""
        clearable = standing.invalid if index_of(self.migration.statements[0]) else ()
        if token == self.sent and (self.answered or self.refused is not None):
            await self._judge(standing, token, clearable)
            return
        fresh = token in self.call.tokens and token != self.sent
        self.quiet += 1
        if self.quiet < 2 and (clearable or not fresh):
            await self._wait(f"nobody seems to work on {self.migration.name}", APART)
        elif not fresh:
            await self._take_over(token)
        elif clearable:
            await self._clear(clearable, token)
        else:
            await self._send(token)

    async def _judge(self, standing: Standing, token: str, clearable: Invalid) -> None:
        """Clear what the statement of this call left, and tell why it is not done; or try again what met a lock."""
        error = self.refused
        if error is not None and clearable and self.clearings < _CLEARINGS:
            self.clearings += 1
            await self._clear(clearable, token)
        elif error is not None and is_lock(error):
            await self._wait_for_locks(error)
            self.sent = ""  # it ended in an error, so the token may be sent with again
        else:
            released = await self._release(token)
            if error is None:
                raise not_done(self.migration, released=released)
            raise failed_alone(self.migration, error, standing.invalid, released=released) from error

    async def _wait_for_locks(self, error: DatabaseError) -> None:
        """Wait for the next try at a lock. Raises MigrationFailed where the budget for that is used up."""
        blockers = await ask_blockers(self.call.database, self.migration.statements, max(1.0, self.call.left()))
        pause = self.call.lock_pause(self.took)
        if pause is None:
            await self._release(self.sent)
            raise locked_out(self.migration, error, self.call.lock_budget, blockers) from error
        self.call.tell(
            Event(
                "waiting",
                self.migration.name,
                why=waiting_for(self.migration, error),
                blockers=blockers,
            )
        )
        await self.call.sleep(pause)

    async def _clear(self, invalid: Invalid, token: str) -> None:
        """Drop the INVALID indexes of a build that ended; what could not be dropped is seen by the next question."""
        index = index_of(self.migration.statements[0])
        try:
            for namespace, name in invalid:
                aside = name
                if index is not None and not is_aside(name):
                    statements, aside = put_aside(index, namespace, name, token)
                    await self.call.database.run_all(statements)
                await self.call.database.run_for(drop_statement(namespace, aside), max(1.0, self.call.left()))
        except (DatabaseError, TransportError) as error:
            if is_passing(error) or error.outcome is Outcome.UNKNOWN:
                await self._wait(f"the INVALID index of an ended build is cleared: {error.what}")
            elif self.refused is None or isinstance(error, TransportError):
                raise
            else:
                self.clearings = _CLEARINGS  # what the statement itself failed with matters more

    # -------------------------------------------------------------- the statement

    async def _send(self, token: str) -> None:
        """Send the statement and wait for its answer, as long as the server works on it."""
        self.sent, self.quiet, self.answered, self.refused = token, 0, False, None
        statement, added = tagged(self.migration.statements[0], token)
        begun = time.monotonic()
        sending = asyncio.ensure_future(self.call.database.run_for(statement, _LONGEST))
        try:
            if await self._await(sending):
                self._take(sending, added)
        except (DatabaseError, TransportError):
            await self._release(token)  # it was not sent, or refused before it ran
            raise
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, DatabaseError, TransportError):
                await sending
            self.took = time.monotonic() - begun
            self.call.started += self.took  # the deadline is for waiting, not for work

    async def _await(self, sending: asyncio.Future[Any]) -> bool:
        """Wait for the answer; tell whether it came. It is lost where twice nobody is seen to work on it."""
        quiet = 0
        while quiet < 2:
            if (await asyncio.wait({sending}, timeout=_LOOK))[0]:
                return True
            try:
                standing = standing_in(await self.call.database.run_all(questions(self.migration), READ_ONLY))
            except (DatabaseError, TransportError):
                continue  # the answer may come all the same
            quiet = 0 if standing.workers else quiet + 1
            for worker in standing.workers:
                self.call.tell(Event("waiting", self.migration.name, why=f"{self.migration.name} runs: {worker}"))
        return False

    def _take(self, sending: asyncio.Future[Any], added: int) -> None:
        """Take the answer in; an end of which nothing is known is none. Raises where nothing ran."""
        try:
            sending.result()
        except (DatabaseError, TransportError) as error:
            if isinstance(error, DatabaseError) and error.outcome is Outcome.FAILED:
                error.position = None if error.position is None else max(1, error.position - added)
                error.statement = None  # it is told by its number, and without the token
                self.refused = error
            elif error.outcome is not Outcome.UNKNOWN:
                raise
        else:
            self.answered = True

    # -------------------------------------------------------------- asking, and the row

    async def _ask(self) -> Standing | None:
        """Return what the server shows, None where it could not be asked and there is time to ask again."""
        try:
            return standing_in(await self.call.database.run_all(questions(self.migration), READ_ONLY))
        except (DatabaseError, TransportError) as error:
            if is_passing(error) or error.outcome is Outcome.UNKNOWN:
                await self._wait(waiting_for(self.migration, error))
                return None
            if isinstance(error, TransportError):
                raise
            for fresh in self.call.tokens - {self.sent}:
                await self._release(fresh)  # nothing was sent under it
            raise cannot_ask(self.migration, error) from error

    async def _close(self, token: str) -> float | None:
        """Note that it is done and return its seconds; None where the server must be asked who did."""
        results = await self._write(close_statement(self.migration, token))
        if not results:
            return None
        return float(results[0] or 0) if token in self.call.tokens else None

    async def _take_over(self, old: str) -> None:
        """Make the row this call's, unless somebody was faster; which of both, the next question tells."""
        new = self.call.new_token()
        if await self._write(take_over_statement(self.migration, old, new, operator(), __version__)):
            self.seen = new

    async def _write(self, statement: Statement) -> list[str | None] | None:
        """Run a change of the row that does nothing the second time; return its row, None where it had none."""
        try:
            (result,) = await self.call.database.run_all([statement], TransactionOptions(idempotent=True))
        except (DatabaseError, TransportError) as error:
            if not (is_passing(error) or error.outcome is Outcome.UNKNOWN):
                raise
            await self._wait(waiting_for(self.migration, error))
            return None
        return result.rows[0] if result.rows else None

    async def _release(self, token: str) -> bool:
        """Take the row away, for the next try to begin anew; tell whether that went well."""
        try:
            await self.call.database.run_all(
                [release_statement(self.migration, token)], TransactionOptions(idempotent=True)
            )
        except (DatabaseError, TransportError):
            return False
        return True

    async def _wait(self, why: str, seconds: float | None = None) -> None:
        """Tell what is waited for and wait; raise MigrationFailed where the deadline has passed."""
        if self.call.left() <= 0:
            raise gave_up_alone(self.migration, self.call.seconds, why)
        cause, now = why.partition(":")[0], time.monotonic()
        if cause != self.said or now - self.said_at >= _LOOK:
            self.said, self.said_at = cause, now
            self.call.tell(Event("waiting", self.migration.name, why=why))
        if seconds is None:
            await self.call.pause()
        else:
            await asyncio.sleep(min(seconds, max(0.0, self.call.left())))
