"""`repair`: a row of the history is written by hand, as a person said, and what is written is known before.

Nothing is taken on trust, as in an adoption: each write is one transaction under the condition that the row, or the end
of the history, is still what was looked at. Where it is not, nothing is written.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sendoka import __version__
from sendoka.bookkeeping import BOOTSTRAP, operator, upgrade
from sendoka.database.home import Ours
from sendoka.database.transaction import READ_ONLY, TransactionOptions
from sendoka.errors import (
    DatabaseError,
    InsufficientPrivilege,
    MigrationError,
    MissingMigration,
    Outcome,
    ReadOnlyTransaction,
    SettingsError,
    TransportError,
)
from sendoka.migrations import alone
from sendoka.migrations.alone_failure import cannot_ask
from sendoka.migrations.comparison import State, agree, compare
from sendoka.migrations.edits import differing, version_of
from sendoka.migrations.failure import is_ours, no_grant, refusal
from sendoka.migrations.folder import look, read_folder
from sendoka.migrations.history import TABLES, Entry, record_statement, settings_statement
from sendoka.migrations.inquiry import ask_all
from sendoka.migrations.standing import close_statement, done_statement, questions, release_statement, standing_in
from sendoka.quoting import literal, qualified

if TYPE_CHECKING:
    from pathlib import Path

    from sendoka.database.seam import Database
    from sendoka.database.statement import Statement
    from sendoka.migrations.files import Migration
    from sendoka.migrations.standing import Standing

__all__ = ["Differ", "Repair", "RowChange", "accept", "mark_applied", "settle", "write"]

Differ = Callable[["Migration"], Awaitable[Sequence[str]]]
"""Returns in what a database differs from the schema after a migration, a line each."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """What is written to one row of the history: `{column: value}`, as they are and as they will be.

    `kind` is `insert`, `update` or `delete`.
    """

    kind: str
    migration: str
    was: dict[str, str | None]
    becomes: dict[str, str | None]

    def __str__(self) -> str:
        if self.kind == "insert":
            return f"insert the row of {self.migration}: {_cells(self.becomes)}"
        if self.kind == "delete":
            return f"delete the row of {self.migration}: {_cells(self.was)}"
        parts = [f"{name} {literal(old or '')} → {literal(self.becomes[name] or '')}" for name, old in self.was.items()]
        return f"update the row of {self.migration}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Repair:
    """What is going to be written, and what to know before. Without `changes` there is nothing to write.

    `happened` tells of a history that it was written. `settled` is false where nothing is written though something is
    still to be done; `notes` say what.
    """

    changes: tuple[RowChange, ...]
    notes: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    happened: Callable[[Sequence[Entry]], bool] = bool
    outdated: bool = False
    settled: bool = True


async def mark_applied(
    database: Database, migrations: Path, name: str, differ: Differ, *, anyway: bool = False
) -> Repair:
    """Plan to note all pending files up to `name` as applied, and to run none of them.

    Where a file has a `done-when` the database is asked; `anyway` takes a no. Raises SettingsError for a file that is
    not there, MigrationError where folder and history part and where a `done-when` is false; else what the folder or
    the exchange raises.
    """
    files = read_folder(migrations)
    wanted = _named(files, name)
    history, pushed, outdated = await ask_all(database)
    comparison = compare(files, history or [])
    refused = refusal(comparison)
    if refused is not None:
        raise refused
    if comparison.state is State.RUNNING and comparison.at is not None:
        raise MigrationError(
            f"{comparison.at[1].name} was begun and is not finished",
            todo=f"settle it first: sendoka repair --settle {comparison.at[1].name}",
        )
    if wanted not in comparison.pending:
        return Repair((), (f"{wanted.name} is applied already",))
    chosen = comparison.pending[: comparison.pending.index(wanted) + 1]
    for file in chosen:
        await _refuse_undone(database, file, anyway=anyway)
    notes = [f"the database differs from {wanted.name}: {each}" for each in await differ(wanted)]
    notes += [f"{file.name} requires the backfill {each}: not asked" for file in chosen for each in file.requires]
    notes += ["the database was pushed to: `sendoka migrate` notes by itself what that led to"] if pushed else []
    token, by = secrets.token_hex(8), operator()
    end = "select m.checksum from sendoka.migrations m order by m.seq desc limit 1"
    holds = f"({end}) = {literal(history[-1].checksum)}" if history else f"not exists ({end})"
    first, *rest = chosen
    return Repair(
        tuple(RowChange("insert", file.name, {}, _inserted(file, by)) for file in chosen),
        tuple(notes),
        (
            *(() if history is not None else (*BOOTSTRAP, *TABLES)),
            settings_statement(""),
            record_statement(first, token, by, __version__, condition=holds),
            *(record_statement(file, token, by, __version__) for file in rest),
        ),
        lambda found: any(entry.token == token for entry in found),
        outdated,
    )


async def settle(
    database: Database, migrations: Path, name: str, *, as_: Literal["pending", "applied"] | None = None
) -> Repair:
    """Plan what becomes of a row that is `running`: the server is asked, twice where nobody seems to work on it.

    It is closed where its `done-when` is true. Else nothing is planned, but that its row goes with `as_` "pending". Of
    a file that is a transaction Sendoka never leaves such a row, so `as_` must say what it is to be.

    Raises MigrationError where somebody works on it, and where what is wanted contradicts what the server says;
    MissingMigration where its file is not in the folder.
    """
    history, _, outdated = await ask_all(database)
    entry = _row(history or [], name)
    if entry.state != "running":
        return Repair((), (f"{entry.name} is {entry.state} already",))
    file = next((each for each in read_folder(migrations) if agree(each, entry)), None)
    if file is None:
        raise MissingMigration(
            f"the file of {entry.name} is not in this folder, so nobody can tell what it is about",
            where=_begun(entry),
            todo="give the command in a checkout that has it",
        )
    notes: tuple[str, ...] = ()
    if file.done_when is not None:
        standing = await _asked_twice(database, file)
        if standing.workers:
            raise MigrationError(
                f"{entry.name} is worked on, and is not settled from outside",
                where="\n".join(map(str, standing.workers)),
                todo="wait for it, or end it with `select pg_cancel_backend(PID)`; `sendoka migrate` waits by itself",
            )
        if standing.done is (as_ == "pending"):
            return _unsettled(file, entry, standing)
        as_ = "applied" if standing.done else "pending"
        names = [qualified(namespace, index) for namespace, index in standing.invalid]
        notes = tuple(f"INVALID and left: {each}; drop index concurrently {each}" for each in names)
    elif as_ is None:
        raise MigrationError(
            f"{entry.name} is one transaction, of which Sendoka leaves no unfinished row: somebody wrote it by hand",
            where=_begun(entry),
            todo="look whether its statements were run, and say so: --as applied, or --as pending",
        )
    if as_ == "pending" and history is not None and history[-1] != entry:
        raise MigrationError(
            f"{history[-1].name} follows {entry.name}, which is not finished: somebody wrote that by hand",
            todo="`sendoka repair` says what is wrong with the rows",
        )
    was: dict[str, str | None] = {"state": "running"}
    if as_ == "pending":
        change = RowChange("delete", entry.name, {**was, "seq": str(entry.seq), "applied_by": entry.applied_by}, {})
        statement = release_statement(file, entry.token or "")
    else:
        change = RowChange("update", entry.name, was, {"state": "applied"})
        statement = close_statement(file, entry.token or "")
    return Repair((change,), notes, (settings_statement(""), statement), _settled(entry, as_), outdated)


def _settled(entry: Entry, as_: str | None) -> Callable[[Sequence[Entry]], bool]:
    """Return what tells that the row is gone, or closed."""

    def happened(found: Sequence[Entry]) -> bool:
        row = next((each for each in found if each.checksum == entry.checksum), None)
        return row is None if as_ == "pending" else row is not None and row.state == "applied"

    return happened


def _unsettled(file: Migration, entry: Entry, standing: Standing) -> Repair:
    """Return what is said where the server and what is wanted do not go together, or nothing is wanted."""
    if standing.done:
        raise MigrationError(
            f"{entry.name} is done: its done-when is true",
            where=f"done-when: {file.done_when}",
            todo="without --as its row is closed",
        )
    left = [f"it clears first what was left INVALID: {qualified(*each)}" for each in standing.invalid]
    return Repair(
        (),
        (
            f"{entry.name} is not done, and nobody works on it ({_begun(entry)})",
            "`sendoka migrate` takes it over, and runs its statement again",
            *left,
            "--as pending takes its row away instead, so that the file is pending again",
        ),
        settled=False,
    )


async def _asked_twice(database: Database, file: Migration) -> Standing:
    """Return what the server shows; where nobody works on it and it is not done, after a second look."""
    standing = await _asked(database, file)
    if standing.done or standing.workers:
        return standing
    await asyncio.sleep(alone.APART)
    return await _asked(database, file)


async def _asked(database: Database, file: Migration) -> Standing:
    try:
        return standing_in(await database.run_all(questions(file), READ_ONLY))
    except DatabaseError as error:
        raise cannot_ask(file, error) from error


async def accept(
    database: Database, migrations: Path, name: str, versions: Callable[[Path], Sequence[bytes]]
) -> Repair:
    """Plan to take the newest applied file as it is now, where only comments or white space of it were edited.

    `versions` returns what a file was in version control. Raises MigrationError where other files or rows follow it, so
    that its checksum is named elsewhere, and where the text that was applied is not found or did something else.
    """
    found = look(migrations)
    file = _named(found.migrations, name)
    history, _, outdated = await ask_all(database)
    entry = _row(history or [], file.name)
    if agree(file, entry):
        return Repair((), (f"{file.name} is what was applied: there is no edit to accept",))
    followers = [each.name for each in found.migrations if each.parent and each.parent.name == file.name]
    followers += [each.name for each in history or () if each.seq > entry.seq and each.name not in followers]
    if followers:
        raise MigrationError(
            f"{file.name} is not the newest: {', '.join(followers)} names it by its checksum",
            where="an edit below the newest file would have to be written into all that follows",
            todo=_RESTORE,
        )
    if file.replaces is not None or entry.squashed or entry.state != "applied":
        raise MigrationError(
            f"{file.name} stands for other files, or is not finished: an edit of it is not accepted", todo=_RESTORE
        )
    old = _old(migrations / f"{file.name}.sql", file, entry, versions)
    what = differing(old, file)
    if what is not None:
        raise MigrationError(f"the edit of {file.name}.sql changes what it does: {what}", todo=_RESTORE)
    keys = ("checksum", "digest")
    statement = Ours(
        "update sendoka.migrations set checksum = $2, digest = $2 where checksum = $1 and digest = $1 and name = $3 "
        "and state = 'applied' and not exists (select from sendoka.migrations n where n.parent = $1) "
        "returning seq::text",
        (entry.checksum, file.checksum, file.name),
    )
    return Repair(
        (RowChange("update", file.name, dict.fromkeys(keys, entry.checksum), dict.fromkeys(keys, file.checksum)),),
        ("every other database that has the file as it was needs the same repair",),
        (settings_statement(""), statement),
        lambda rows: any(row.checksum == file.checksum for row in rows),
        outdated,
    )


def _old(path: Path, file: Migration, entry: Entry, versions: Callable[[Path], Sequence[bytes]]) -> Migration:
    """Return the file as it was applied. Raises MigrationError where it is not to be had."""
    why = "no commit has it"
    try:
        old = version_of(file, entry.digest, versions(path))
    except SettingsError as error:
        old, why = None, error.what
    if old is None:
        raise MigrationError(
            f"the text of {file.name}.sql that was applied is not known: {why}",
            where=f"looked in Git for sha256:{entry.digest[:12]}…; without it nobody can tell what the edit changes",
            todo=_RESTORE,
        )
    return old


_RESTORE = "restore the file (git checkout) and put the change into a new migration"


async def write(database: Database, repair: Repair) -> None:
    """Carry a repair out. Raises MigrationError where what it stands on has changed meanwhile; nothing is written then.

    A lost answer is met by reading the history again.
    """
    if repair.outdated:
        await upgrade(database)
    try:
        results = await database.run_all(repair.statements, TransactionOptions())
    except (DatabaseError, TransportError) as error:
        if error.outcome is Outcome.UNKNOWN:
            history, *_ = await ask_all(database)
            if repair.happened(history or []):
                return
            raise
        if isinstance(error, InsufficientPrivilege) and is_ours(error, database.namespace, new=True):
            raise no_grant(error, database.namespace) from error
        if isinstance(error, DatabaseError):
            error.statement = None  # it is ours, and says nothing to whoever reads the error
        if isinstance(error, ReadOnlyTransaction):
            error.todo = "it is a replica, or its role is read only; repair through the primary"
        if isinstance(error, DatabaseError) and error.sqlstate[:2] == "23" and is_ours(error, database.namespace):
            raise _changed() from error
        raise
    if not results[-1].rows and not results[-1].row_count:
        raise _changed()


def _changed() -> MigrationError:
    return MigrationError(
        "the history changed while this was looked at",
        where="nothing was written",
        todo="give the command again: it sees what is there",
    )


async def _refuse_undone(database: Database, file: Migration, *, anyway: bool) -> None:
    if file.done_when is None:
        return
    try:
        (result,) = await database.run_all([done_statement(file)], READ_ONLY)
    except DatabaseError as error:
        raise cannot_ask(file, error) from error
    if result.rows[0][0] not in {"t", "true"} and not anyway:
        raise MigrationError(
            f"{file.name} is not done: its done-when is false",
            where=f"done-when: {file.done_when}",
            todo="run its statement, or `sendoka migrate`; --anyway notes it as applied all the same",
        )


def _named(files: Sequence[Migration], name: str) -> Migration:
    wanted = name.removesuffix(".sql")
    for file in files:
        number, _, words = file.name.partition("_")
        if wanted in {file.name, words} or (wanted.isdecimal() and int(wanted) == int(number)):
            return file
    raise SettingsError(f"there is no migration {name!r} in the folder", todo="`sendoka status` lists them")


def _row(history: Sequence[Entry], name: str) -> Entry:
    wanted = name.removesuffix(".sql")
    for entry in history:
        if wanted in {entry.name, entry.name.partition("_")[2]} or (wanted.isdecimal() and int(wanted) == entry.seq):
            return entry
    raise SettingsError(f"the history of this database has no {name!r}", todo="`sendoka status` lists what it has")


def _inserted(file: Migration, by: str) -> dict[str, str | None]:
    return {
        "seq": str(file.number),
        "name": file.name,
        "checksum": file.checksum,
        "parent": file.parent.checksum if file.parent else None,
        "digest": file.digest,
        "state": "applied",
        "applied_by": f"the role, {by}" if by else "the role",
        "version": __version__,
    }


def _cells(row: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {'null' if value is None else value}" for name, value in row.items())


def _begun(entry: Entry) -> str:
    return f"begun by {entry.applied_by or 'somebody'}, {entry.applied_at or 'nobody knows when'}"
