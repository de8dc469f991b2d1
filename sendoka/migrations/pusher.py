"""`push`: bring a database that is marked `dev` to the schema in Python, without a file.

Four things are sent at most: the reading of the mark, the reading of the catalog, and one transaction for each of the
plan's, nearly always one. What another one changed in between is noticed by the writing transaction itself, which then
leaves nothing, and all of it begins again.
"""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sendoka.bookkeeping import DEV, PRODUCTION, ensure, is_outdated, operator, read_facts, upgrade
from sendoka.database.statement import Statement
from sendoka.database.transaction import TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    Outcome,
    PushRefused,
    TransportError,
    UndefinedTable,
)
from sendoka.migrations.failure import LOCK
from sendoka.migrations.history import TABLES, columns_statement, settings_statement
from sendoka.migrations.push_failure import push_failed
from sendoka.migrations.pushed import PushRow, changed_meanwhile, closing, digest_of, opening, row_of
from sendoka.schema.answers import Answers
from sendoka.schema.decisions import answered, read_renames
from sendoka.schema.declared_texts import texts_of, with_texts
from sendoka.schema.from_catalog import catalog_moved, read_catalog
from sendoka.schema.plan import plan
from sendoka.schema.step import Plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sendoka.bookkeeping import Fact
    from sendoka.database.seam import Database
    from sendoka.errors import MigrationError
    from sendoka.schema.declared_texts import Texts
    from sendoka.schema.diff import Changes
    from sendoka.schema.from_catalog import Catalog
    from sendoka.schema.model import Model
    from sendoka.schema.renaming import Renaming

    Compare = Callable[[Model, Model, Renaming], Awaitable["Found"]]

__all__ = ["Found", "Outlook", "Pushed", "Remembered", "push"]

_ATTEMPTS = 10
_TIMEOUT = 600.0
"""Seconds that one transaction may take: a type may be changed under many rows."""
_PATIENCE = 20.0
"""Seconds after which nobody waits for a lock any more."""
_RIVALS = frozenset({"40P01", "40001"})


class Found(Protocol):
    """The changes between two schemas. `doubt` says why no Postgres spelled both, where none did."""

    changes: Changes
    doubt: str | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a push is about to do: its plan, the changes it makes, and what a person should know besides.

    `unmanaged` names what the database holds and Sendoka leaves as it is; `version` is the server's major version.
    """

    plan: Plan
    changes: Changes
    notes: tuple[str, ...]
    unmanaged: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push: `applied` is how many transactions were, `seconds` how long they took."""

    outlook: Outlook
    applied: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Remembered:
    """What the pushes of one process have learned: declared texts, by the digest of the catalog they belong to."""

    texts: dict[str, Texts] = field(default_factory=dict)


async def push(
    database: Database,
    schema: Model,
    compare: Compare,
    *,
    answers: Answers = Answers(),  # noqa: B008 - a value that nobody can change
    dry_run: bool = False,
    remembered: Remembered | None = None,
    on_plan: Callable[[Outlook], None] = lambda outlook: None,
    on_wait: Callable[[str], None] = lambda why: None,
) -> Pushed:
    """Bring `database` to `schema`; `compare` finds what lies between two schemas.

    `on_plan` is called with what is about to be done, and once more where that changed meanwhile, because the database
    did; it is not called where there is nothing to do. `on_wait` is told what is waited for. `answers` are those
    that `generate` takes; `dry_run` ends before anything is written.

    Raises PushRefused for a database that is not marked `dev`, AnswerMissing for a question that needs a person,
    SettingsError for an answer that fits nothing, MigrationFailed for a statement that the database refuses (nothing
    remains of its transaction, and those before it stay), MigrationError for tables of ours that somebody altered, else
    what the exchange raises.
    """
    known = remembered or Remembered()
    return await _Push(database, schema, compare, answers, dry_run, known, on_plan, on_wait).go()


@dataclass(slots=True)
class _Push:
    database: Database
    schema: Model
    compare: Compare
    answers: Answers
    dry_run: bool
    remembered: Remembered
    on_plan: Callable[[Outlook], None]
    on_wait: Callable[[str], None]
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    applied: int = 0
    started: float = 0.0
    began: float = field(default_factory=time.monotonic)
    shown: Plan | None = None

    async def go(self) -> Pushed:
        attempt = 0
        while True:
            attempt += 1
            facts = await self._facts()
            row, catalog = row_of(facts), await read_catalog(self.database)
            outlook = await self._outlook(row, catalog, again=attempt > 1)
            if not outlook.plan.transactions:
                self.remembered.texts[catalog.digest] = texts_of(self.schema)
                return self._report(outlook, lost=row is not None and self.token in row.value)
            self._show(outlook)
            if self.dry_run:
                return self._report(outlook)
            try:
                if is_outdated(facts):
                    await upgrade(self.database)
                await self._apply(outlook.plan, row, catalog.digest)
                return self._report(outlook)
            except (DatabaseError, TransportError) as error:
                if attempt == _ATTEMPTS or not await self._may_go_on(error):
                    raise await self._told(error, outlook.plan) from error
            await _pause(random.uniform(0.02, 0.1) * attempt)  # noqa: S311 - jitter, not a secret

    def _report(self, outlook: Outlook, *, lost: bool = False) -> Pushed:
        """Return what became of it; `lost` where the row shows that what was not answered was applied."""
        applied = max(self.applied, 1) if lost else self.applied
        return Pushed(outlook, applied, time.monotonic() - self.started if applied else 0.0)

    def _show(self, outlook: Outlook) -> None:
        if outlook.plan != self.shown:
            self.shown = outlook.plan
            self.on_plan(outlook)

    # -------------------------------------------------------------- read

    async def _facts(self) -> Mapping[str, Fact]:
        """Return what is noted about the database. Raises PushRefused unless it is marked `dev`."""
        try:
            facts = await read_facts(self.database)
        except InsufficientPrivilege as error:
            raise PushRefused(
                "the role may not read the mark of this database",
                where="nothing was changed",
                todo=f"let its owner grant the role usage on schema {self.database.namespace}, and select, insert, "
                "update and delete on all its tables",
            ) from error
        mark = facts["mark"].value if "mark" in facts else ""
        if mark == PRODUCTION:
            raise PushRefused(
                "this database is marked production, and push never touches one",
                where=f"marked {facts['mark'].at[:10]}; nothing was changed",
                todo="write the change as a migration: sendoka generate, review it, and sendoka migrate",
            )
        if mark != DEV:
            raise _refused("this database is not marked dev" + (f", but {mark}" if mark else ""))
        return facts

    async def _outlook(self, row: PushRow | None, catalog: Catalog, *, again: bool) -> Outlook:
        known = {row.catalog: row.texts} if row is not None and row.digest is not None else {}
        old = with_texts(catalog.model, (known | self.remembered.texts).get(catalog.digest, {}))
        found = await self._found(old, again=again)
        given = self.answers
        steps = Plan()
        if found.changes:
            steps = answered(plan(found.changes), found.changes, given.allow, given.creates)
        notes = (*([found.doubt] if found.doubt else []), *steps.notes)
        return Outlook(steps, found.changes, notes, catalog.model.unmanaged, catalog.version)

    async def _found(self, old: Model, *, again: bool) -> Found:
        if again and self.answers:
            # Whoever pushed meanwhile may have given the same answers: then they fit nothing any more.
            found = await self.compare(old, self.schema, read_renames((), old, self.schema))
            if not found.changes:
                return found
        renaming = read_renames(self.answers.renames, old, self.schema, self.answers.creates)
        return await self.compare(old, self.schema, renaming)

    # -------------------------------------------------------------- write

    async def _apply(self, steps: Plan, row: PushRow | None, catalog: str) -> None:
        self.started = time.monotonic()
        self.applied = 0
        value = row.value if row is not None else None
        texts = texts_of(self.schema)
        for number, transaction in enumerate(steps.transactions, 1):
            last = number == len(steps.transactions)
            digest = digest_of(self.schema) if last else None
            results = await self.database.run_all(
                [
                    *opening(value, catalog),
                    columns_statement(),
                    settings_statement(),
                    *(Statement(step.text) for step in transaction.steps),
                    *closing(digest, operator(), self.token, texts if last else {}),
                ],
                TransactionOptions(timeout=_TIMEOUT),
            )
            self.applied = number
            left = PushRow.read(results[-1].rows[0][0] or "")
            value, catalog = left.value, left.catalog
        self.remembered.texts[catalog] = texts

    async def _may_go_on(self, error: DatabaseError | TransportError) -> bool:
        """Tell whether the plan may be outdated, or done: by a rival, or because an answer was lost."""
        if error.outcome is Outcome.UNKNOWN:
            return True
        if not isinstance(error, DatabaseError):
            return False
        if isinstance(error, UndefinedTable) and f'"{self.database.namespace}.migrations"' in error.message:
            await ensure(self.database, TABLES)
            return True
        if error.sqlstate == LOCK and time.monotonic() - self.began < _PATIENCE:
            self.on_wait("somebody holds a lock that this push needs")
            return True
        return changed_meanwhile(error, self.database.namespace) or catalog_moved(error) or error.sqlstate in _RIVALS

    async def _told(
        self, error: DatabaseError | TransportError, steps: Plan
    ) -> MigrationError | DatabaseError | TransportError:
        """Return the error of a transaction that failed: which statement, and what remains."""
        if not isinstance(error, DatabaseError) or error.outcome is Outcome.UNKNOWN:
            return error
        texts = [step.text for step in steps.transactions[self.applied].steps]
        return await push_failed(self.database, error, texts, self._remains(steps))

    def _remains(self, steps: Plan) -> str:
        if not self.applied:
            return "nothing was changed"
        return f"transaction {self.applied} of {len(steps.transactions)} stays, and nothing of the one after it"


def _refused(what: str) -> PushRefused:
    return PushRefused(
        what,
        where="push changes a database without leaving a file, so it needs one that is for trying things out",
        todo="if this is one: sendoka mark dev; every other is changed by sendoka generate and sendoka migrate",
    )


async def _pause(seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)
